"""The contract of GraphStore: writing and deleting, and what takes effect with it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from msgspec import structs

from graphrag.errors import InputError
from graphrag.filters import parse_filter
from graphrag.types import Chunk, ChunkVectors, GraphBatch, Metadata, Scope, Span, Statistics, chunk_id, entity_id
from tests.contracts.compare import described, probe, snapshot
from tests.contracts.conftest import StoreFactory
from tests.contracts.generate import DIMENSION, FIELDS, SENTENCE_VECTORS, VECTORS, build, fingerprinted
from tests.contracts.plans import ANYBODY, EVERYTHING, LEGAL, RIVAL, document, fill, named


async def test_a_first_write_creates_and_an_equal_one_changes_nothing(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        batch = build(document())
        before = await store.revision()
        assert await store.write(ANYBODY, batch) == "created"
        revision, stored = await store.revision(), await store.documents(ANYBODY)
        assert revision > before
        assert await store.write(ANYBODY, batch) == "unchanged"
        assert await store.revision() == revision
        assert await store.documents(ANYBODY) == stored


async def test_a_partial_document_is_written_again_even_with_an_equal_fingerprint(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        batch = build(document())
        partial = replace(batch, document=replace(batch.document, state="partial"))
        assert await store.write(ANYBODY, partial) == "created"
        assert (await store.documents(ANYBODY))[0].state == "partial"
        assert await store.write(ANYBODY, batch) == "updated"
        assert (await store.documents(ANYBODY))[0].state == "complete"


async def test_times_are_set_by_the_store_and_the_first_one_survives_updates(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        batch = build(document())
        forged = replace(batch.document, created_at="1970-01-01T00:00:00Z", updated_at="1970-01-01T00:00:00Z")
        await store.write(ANYBODY, replace(batch, document=forged))
        first = (await store.documents(ANYBODY))[0]
        await fill(store, [document(named("Lamprey"))])
        second = (await store.documents(ANYBODY))[0]
        assert second.created_at == first.created_at
        assert "1971" < first.created_at <= first.updated_at <= second.updated_at
        moment = datetime.fromisoformat(second.updated_at)
        assert moment.utcoffset() == timedelta(0)
        assert moment.microsecond == 0


async def test_what_is_written_is_read_back_exactly(store_factory: StoreFactory) -> None:
    text = "Zoë 🦑 met \u0000 Łukasz; 'quotes' \"double\" `ticks` \\ \r\n\u2028 end. "
    chunk = replace(build(document(named("Acme", about=(3,), relations=2))).chunks[0])
    plan = document(source="ü/🦑.md")
    id_ = chunk_id(plan.id, 0, text)
    mention = structs.replace(chunk.mentions[0], spans=((0, 3), (4, 5)), surface="Zoë 🦑", type="")
    chunk = replace(
        chunk,
        id=id_,
        document_id=plan.id,
        source=plan.source,
        title="T\t'`",
        heading=("One", "Two > three"),
        page=7,
        text=text,
        end=len(text),
        sentences=((0, 10), (10, len(text))),
        terms="zoë 🦑 łukasz",
        phrases={"zoë": 0b01, "łukasz": 0b11, "🦑": 1 << 200},
        mentions=(mention,),
    )
    relation = replace(
        build(document(named("Acme", relations=1))).relations[0], chunk_id=id_, document_id=plan.id, description="'\n🦑"
    )
    batch = build(plan)
    metadata: Metadata = {"department": "a'b", "year": 2**53 + 1, "draft": True, "ratio": 0.1, "zero": 0, "nul": "\0"}
    held = replace(batch.document, title="T\t'`", metadata=metadata, length=len(text), part=3)
    vectors = [ChunkVectors(VECTORS[0], SENTENCE_VECTORS[:2])]
    batch = fingerprinted(GraphBatch(held, text, [chunk], vectors, [relation]))
    async with store_factory() as store:
        await store.write(ANYBODY, batch)
        assert [described(read) async for read in store.export(ANYBODY)] == [described(batch)]
        assert await store.chunks(ANYBODY, [id_]) == [chunk]
        assert await store.texts(ANYBODY, [plan.id]) == {plan.id: text}


async def test_a_document_without_chunks_is_a_document(store_factory: StoreFactory) -> None:
    plan = document()
    empty = replace(build(plan), text="", chunks=[], vectors=[], relations=[])
    empty = fingerprinted(replace(empty, document=replace(empty.document, length=0, chunk_count=0)))
    async with store_factory() as store:
        assert await store.write(ANYBODY, empty) == "created"
        assert await store.texts(ANYBODY, [plan.id]) == {plan.id: ""}
        assert await store.statistics(ANYBODY) == Statistics(1, 0, 0, 0, 0)
        assert [described(batch) async for batch in store.export(ANYBODY)] == [described(empty)]
        assert await store.write(ANYBODY, build(plan)) == "updated"
        assert len(await store.chunk_ids(ANYBODY, plan.id)) == 1


@pytest.mark.parametrize(
    "scope",
    [Scope("rival"), ANYBODY, Scope("rival", frozenset({"*"})), Scope(access=frozenset({"hr"}))],
    ids=["another tenant", "no label", "another tenant with all labels", "another label"],
)
async def test_a_write_outside_the_scope_is_refused_and_changes_nothing(
    store_factory: StoreFactory, scope: Scope
) -> None:
    async with store_factory() as store:
        revision = await store.revision()
        with pytest.raises(InputError):
            await store.write(scope, build(document(access="legal")))
        assert await store.revision() == revision
        assert await store.documents(EVERYTHING) == []


async def test_a_document_that_the_scope_does_not_see_cannot_be_replaced(store_factory: StoreFactory) -> None:
    hidden, public = document(access="legal"), document(named("Lamprey"))
    async with store_factory() as store:
        (stored,) = await fill(store, [hidden])
        with pytest.raises(InputError):
            await store.write(ANYBODY, build(public))
        assert [described(batch) async for batch in store.export(EVERYTHING)] == [described(stored)]
        assert await store.write(LEGAL, build(public)) == "updated"


async def test_a_document_of_another_tenant_cannot_be_replaced_by_taking_its_id(store_factory: StoreFactory) -> None:
    theirs = document(tenant="rival")
    async with store_factory() as store:
        (stored,) = await fill(store, [theirs])
        forged = fingerprinted(replace(stored, document=replace(stored.document, tenant="default")))
        with pytest.raises(InputError):
            await store.write(EVERYTHING, forged)
        assert [described(batch) async for batch in store.export(RIVAL)] == [described(stored)]


async def test_a_chunk_of_another_tenant_cannot_be_replaced_by_taking_its_id(store_factory: StoreFactory) -> None:
    theirs, ours = document(tenant="rival"), document()
    async with store_factory() as store:
        (stored,) = await fill(store, [theirs])
        batch = build(ours)
        forged = replace(batch.chunks[0], id=stored.chunks[0].id)
        with pytest.raises(InputError):
            await store.write(EVERYTHING, fingerprinted(replace(batch, chunks=[forged], relations=[])))
        with pytest.raises(InputError):
            await store.write(EVERYTHING, fingerprinted(_with_relation(batch, id=stored.relations[0].id)))
        assert [described(held) async for held in store.export(RIVAL)] == [described(stored)]
        assert await store.documents(EVERYTHING) == []


def _with_vectors(batch: GraphBatch, change: Callable[[ChunkVectors], ChunkVectors]) -> GraphBatch:
    """Damage the last chunk's vectors, so that the first ones could have been written already."""
    return replace(batch, vectors=[*batch.vectors[:-1], change(batch.vectors[-1])])


def _with_chunk(batch: GraphBatch, change: Callable[[Chunk], Chunk]) -> GraphBatch:
    return replace(batch, chunks=[*batch.chunks[:-1], change(batch.chunks[-1])])


def _with_sentence(batch: GraphBatch, change: Callable[[int, int], Span]) -> GraphBatch:
    return _with_chunk(batch, lambda chunk: replace(chunk, sentences=(change(*chunk.sentences[0]),)))


def _with_document(batch: GraphBatch, **changes: object) -> GraphBatch:
    return replace(batch, document=replace(batch.document, **changes))


def _with_relation(batch: GraphBatch, **changes: object) -> GraphBatch:
    return replace(batch, relations=[replace(batch.relations[0], **changes)])


BROKEN: dict[str, Callable[[GraphBatch], GraphBatch]] = {
    "one vector too few": lambda batch: replace(batch, vectors=batch.vectors[:-1]),
    "one vector too many": lambda batch: replace(batch, vectors=[*batch.vectors, batch.vectors[0]]),
    "another dimension": lambda batch: _with_vectors(batch, lambda v: replace(v, chunk=v.chunk[:4] * np.float32(2))),
    "not a number": lambda batch: _with_vectors(batch, lambda v: replace(v, chunk=v.chunk * np.float32("nan"))),
    "infinite": lambda batch: _with_vectors(batch, lambda v: replace(v, chunk=v.chunk * np.float32("inf"))),
    "a sentence vector too few": lambda batch: _with_vectors(batch, lambda v: replace(v, sentences=v.sentences[:-1])),
    "a sentence vector not finite": lambda batch: _with_vectors(
        batch, lambda v: replace(v, sentences=v.sentences * np.float16("nan"))
    ),
    "sentence vectors of another dimension": lambda batch: _with_vectors(
        batch, lambda v: replace(v, sentences=v.sentences[:, :4])
    ),
    "sentence vectors of no dimension": lambda batch: _with_vectors(
        batch, lambda v: replace(v, sentences=v.sentences[:, :0])
    ),
    "not of unit length": lambda batch: _with_vectors(batch, lambda v: replace(v, chunk=v.chunk * np.float32(2))),
    "a single number for a vector": lambda batch: _with_vectors(
        batch, lambda v: replace(v, chunk=np.float32(1.0) * np.ones(()))
    ),
    "a matrix for a vector": lambda batch: _with_vectors(batch, lambda v: replace(v, chunk=v.chunk[None])),
    "a chunk id twice": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, id=batch.chunks[0].id)),
    "a chunk of another document": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, document_id="other")),
    "a chunk that is no span of the text": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, text="other")),
    "a chunk that begins before the text": lambda batch: _with_chunk(
        batch, lambda chunk: replace(chunk, start=chunk.start - len(batch.text), core_start=0)
    ),
    "a chunk that ends behind the text": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, end=10**9)),
    "a core before its chunk": lambda batch: _with_chunk(
        batch, lambda chunk: replace(chunk, core_start=chunk.start - 1)
    ),
    "a core behind its chunk": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, core_start=chunk.end + 1)),
    "a sentence before the core": lambda batch: _with_sentence(batch, lambda start, end: (start - 1, end)),
    "a sentence that ends behind its chunk": lambda batch: _with_sentence(batch, lambda start, end: (start, end + 1)),
    "a sentence that ends before it begins": lambda batch: _with_sentence(batch, lambda start, end: (end, start)),
    "an empty sentence": lambda batch: _with_sentence(batch, lambda start, end: (start, start)),
    "sentences out of order": lambda batch: _with_chunk(
        _with_vectors(batch, lambda v: replace(v, sentences=np.repeat(v.sentences[:1], 2, axis=0))),
        lambda chunk: replace(chunk, sentences=((chunk.end - 3, chunk.end), (chunk.end - 5, chunk.end - 3))),
    ),
    "sentences in each other": lambda batch: _with_chunk(
        _with_vectors(batch, lambda v: replace(v, sentences=np.repeat(v.sentences[:1], 2, axis=0))),
        lambda chunk: replace(chunk, sentences=chunk.sentences * 2),
    ),
    "a mention outside its chunk": lambda batch: _with_chunk(
        batch, lambda chunk: replace(chunk, mentions=tuple(structs.replace(m, spans=((0, 2),)) for m in chunk.mentions))
    ),
    "a heading outside the core": lambda batch: _with_chunk(
        batch, lambda chunk: replace(chunk, headings_within=((10**30, ("Later",)),))
    ),
    "a page outside the core": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, pages_within=((0, 2),))),
    "a page within that is no number of one": lambda batch: _with_chunk(
        batch, lambda chunk: replace(chunk, pages_within=((chunk.end, 10**30),))
    ),
    "a position too great": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, position=10**30)),
    "a position below 0": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, position=-1)),
    "a page too great": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, page=2**63)),
    "a count of tokens too great": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, token_count=10**30)),
    "a part too great": lambda batch: _with_document(batch, part=10**30),
    "a part below 0": lambda batch: _with_document(batch, part=-1),
    "evidence behind the text": lambda batch: _with_relation(batch, start=10**30, end=10**30 + 1),
    "evidence before the text": lambda batch: _with_relation(batch, start=-1),
    "evidence that ends before it begins": lambda batch: _with_relation(batch, start=5, end=2),
    "phrases out of order": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, phrases={"b": 1, "a": 1})),
    "a mention twice": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, mentions=chunk.mentions[:1] * 2)),
    "mentions out of order": lambda batch: _with_chunk(
        batch, lambda chunk: replace(chunk, mentions=chunk.mentions[::-1])
    ),
    "an entity id of another tenant": lambda batch: _with_chunk(
        replace(batch, relations=[]),
        lambda chunk: replace(
            chunk, mentions=(structs.replace(chunk.mentions[0], entity_id=entity_id("rival", chunk.mentions[0].key)),)
        ),
    ),
    "a relation twice": lambda batch: replace(batch, relations=batch.relations * 2),
    "a relation of another document": lambda batch: _with_relation(batch, document_id="other"),
    "a relation of an unknown chunk": lambda batch: _with_relation(batch, chunk_id="other"),
    "a relation from nowhere": lambda batch: _with_relation(batch, subject_id=entity_id("default", "acme")),
    "a relation to nowhere": lambda batch: _with_relation(batch, object_id="other"),
    "a wrong length": lambda batch: _with_document(batch, length=1),
    "a wrong count of chunks": lambda batch: _with_document(batch, chunk_count=1),
    "metadata that names the tenant": lambda batch: _with_document(batch, metadata={"tenant": "rival"}),
    "metadata that is not finite": lambda batch: _with_document(batch, metadata={"year": float("inf")}),
    "half a character in the metadata": lambda batch: _with_document(batch, metadata={"department": "\ud800"}),
    "half a character in the title": lambda batch: _with_document(batch, title="a\udfffb"),
    "half a character in a term": lambda batch: _with_chunk(batch, lambda chunk: replace(chunk, terms="\ud800")),
    "half a character in a name": lambda batch: _with_chunk(
        batch,
        lambda chunk: replace(chunk, mentions=tuple(structs.replace(m, surface="\ud800") for m in chunk.mentions)),
    ),
    "half a character in a predicate": lambda batch: _with_relation(batch, predicate="\ud800"),
    "half a character in the text": lambda batch: _with_document(
        replace(batch, text=batch.text + "\ud800"), length=len(batch.text) + 1
    ),
}


@pytest.mark.parametrize("damage", BROKEN)
@pytest.mark.parametrize("replaces", [True, False], ids=["replacing", "new"])
async def test_a_write_that_fails_leaves_nothing_and_takes_nothing(
    store_factory: StoreFactory, damage: str, replaces: bool
) -> None:
    plan = document(named("Acme"), named("Berlin", "IBM", relations=1))
    broken = BROKEN[damage](build(replace(plan, access="legal")))
    broken = replace(broken, document=replace(broken.document, fingerprint="another"))
    async with store_factory() as store:
        before = await fill(store, [plan] if replaces else [document(source="b.md")])
        revision = await store.revision()
        with pytest.raises(InputError):
            await store.write(EVERYTHING, broken)
        assert await store.revision() == revision
        assert [described(batch) async for batch in store.export(EVERYTHING)] == [described(batch) for batch in before]
        assert await store.find_entities(LEGAL, keys=["berlin"]) == await store.find_entities(ANYBODY, keys=["berlin"])


async def test_a_store_that_refused_its_first_batch_takes_the_repaired_one(store_factory: StoreFactory) -> None:
    batch = build(document(named("Acme"), named("Berlin")))
    async with store_factory() as store:
        with pytest.raises(InputError):
            await store.write(ANYBODY, BROKEN["another dimension"](batch))
        assert await store.write(ANYBODY, batch) == "created"


async def test_chunks_of_one_document_whose_vectors_differ_in_dimension_are_refused(
    store_factory: StoreFactory,
) -> None:
    batch = build(document(named("Acme"), named("Berlin")))
    short = np.zeros(DIMENSION - 1, dtype=np.float32)
    short[0] = 1
    async with store_factory() as store:
        with pytest.raises(InputError):
            await store.write(ANYBODY, _with_vectors(batch, lambda v: replace(v, chunk=short)))
        assert await store.statistics(ANYBODY) == Statistics(0, 0, 0, 0, 0)


# Several documents in one transaction (test_equivalence.py compares what that leaves with single writes)


async def test_documents_written_together_tell_what_became_of_each_in_their_order(store_factory: StoreFactory) -> None:
    plans = [document(named("Acme", "Berlin", relations=1), source=f"{n}.md") for n in range(4)]
    async with store_factory() as store:
        await fill(store, [plans[1], replace(plans[2], chunks=(named("Lamprey"),))])
        batches = [build(plan) for plan in plans]
        assert await store.write_many(ANYBODY, batches) == ["created", "unchanged", "updated", "created"]
        stored = [described(batch) async for batch in store.export(ANYBODY)]
        assert stored == [described(batch) for batch in sorted(batches, key=lambda batch: batch.document.id)]
        revision = await store.revision()
        assert await store.write_many(ANYBODY, batches) == ["unchanged"] * 4
        assert await store.write_many(ANYBODY, []) == []
        assert await store.revision() == revision


def _hidden(batch: GraphBatch) -> GraphBatch:
    return replace(batch, document=replace(batch.document, access="legal"))


def _with_the_ids_of(other: GraphBatch) -> Callable[[GraphBatch], GraphBatch]:
    def taken(batch: GraphBatch) -> GraphBatch:
        chunks = [replace(chunk, id=theirs.id) for chunk, theirs in zip(batch.chunks, other.chunks, strict=True)]
        return replace(batch, chunks=chunks, relations=[])

    return taken


@pytest.mark.parametrize(
    "damage",
    [
        BROKEN["another dimension"],
        BROKEN["a chunk of another document"],
        _hidden,
        _with_the_ids_of(build(document(named("Acme"), source="a.md"))),
        lambda batch: build(document(named("Berlin"), source="a.md")),
    ],
    ids=["another dimension", "a foreign chunk", "outside the scope", "a chunk id twice", "a document twice"],
)
async def test_if_one_of_several_documents_is_refused_none_is_written(
    store_factory: StoreFactory, damage: Callable[[GraphBatch], GraphBatch]
) -> None:
    good = build(document(named("Acme"), source="a.md"))
    broken = damage(build(document(named("Berlin"), source="b.md")))
    async with store_factory() as store:
        (before,) = await fill(store, [document(named("Lamprey"), source="c.md")])
        revision = await store.revision()
        with pytest.raises(InputError):
            await store.write_many(ANYBODY, [good, broken])
        assert await store.revision() == revision
        assert [described(batch) async for batch in store.export(EVERYTHING)] == [described(before)]
        assert await store.find_entities(ANYBODY, keys=["acme"]) == []
        assert await store.write_many(ANYBODY, [good]) == ["created"]


async def test_deleting_counts_what_existed_and_was_visible(store_factory: StoreFactory) -> None:
    plans = [document(source=f"{n}.md") for n in range(3)]
    hidden, foreign = document(source="h.md", access="hr"), document(source="f.md", tenant="rival")
    async with store_factory() as store:
        await fill(store, [*plans, hidden, foreign])
        ids = [plans[0].id, plans[0].id, plans[1].id, hidden.id, foreign.id, "no such id"]
        assert await store.delete_documents(ANYBODY, ids) == 2
        revision = await store.revision()
        assert await store.delete_documents(ANYBODY, ids) == 0
        assert await store.delete_documents(ANYBODY, []) == 0
        assert await store.revision() == revision
        assert [found.id for found in await store.documents(EVERYTHING)] == sorted([plans[2].id, hidden.id])
        assert [found.id for found in await store.documents(RIVAL)] == [foreign.id]


async def test_a_deletion_raises_the_revision(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        revision = await store.revision()
        await store.delete_documents(ANYBODY, [document().id])
        assert await store.revision() > revision


async def test_the_same_source_of_two_tenants_is_two_documents(store_factory: StoreFactory) -> None:
    ours, theirs = document(named("Acme")), document(named("ACME", "ACME"), tenant="rival")
    async with store_factory() as store:
        await fill(store, [ours, theirs])
        assert [found.id for found in await store.documents(EVERYTHING)] == [ours.id]
        assert [found.id for found in await store.documents(RIVAL)] == [theirs.id]
        (our_acme,) = await store.find_entities(EVERYTHING, keys=["acme"])
        (their_acme,) = await store.find_entities(RIVAL, keys=["acme"])
        assert (our_acme.name, our_acme.mention_count) == ("Acme", 1)
        assert (their_acme.name, their_acme.mention_count) == ("ACME", 2)
        await store.delete_documents(RIVAL, [theirs.id])
        assert await store.find_entities(EVERYTHING, keys=["acme"]) == [our_acme]


async def test_a_new_access_label_alone_takes_effect_at_once_everywhere(store_factory: StoreFactory) -> None:
    plan = document(named("Acme", "Berlin", relations=2))
    ids = entity_id("default", "acme"), entity_id("default", "berlin")
    async with store_factory() as store:
        (batch,) = await fill(store, [plan])
        chunk = batch.chunks[0].id
        await snapshot(store, ANYBODY, None, probe([batch]))  # whatever a store caches is filled before the change
        (hidden,) = await fill(store, [replace(plan, access="legal")])
        assert [part.id for part in hidden.chunks] == [chunk]
        assert await store.chunks(ANYBODY, [chunk]) == []
        assert await store.chunks_with_vectors(ANYBODY, [chunk]) == []
        assert await store.nearest_chunks(ANYBODY, VECTORS[:1], 5) == [[]]
        assert await store.search_chunks(ANYBODY, ["acm", "berlin"], 5) == []
        assert await store.entities(ANYBODY, ids) == []
        assert await store.chunks_mentioning(ANYBODY, ids, 5) == []
        assert list((await store.neighbourhood(ANYBODY, ids, 2, 10)).entities) == []
        assert await store.statistics(ANYBODY) == Statistics(0, 0, 0, 0, 0)
        assert (await store.term_statistics(ANYBODY, ["berlin"])).frequency == {"berlin": 0}
        assert await store.statistics(LEGAL) == Statistics(1, 1, 2, 2, 2)
        assert len((await store.neighbourhood(LEGAL, ids, 1, 10)).relations) == 2
        await fill(store, [plan])
        assert await store.statistics(ANYBODY) == Statistics(1, 1, 2, 2, 2)


async def test_new_metadata_alone_takes_effect_at_once_on_filters(store_factory: StoreFactory) -> None:
    plan = document(metadata=(("year", 2024),))
    filter = parse_filter({"year": {"gt": 2024}}, FIELDS)
    async with store_factory() as store:
        (batch,) = await fill(store, [plan])
        chunk = batch.chunks[0].id
        assert await store.chunks(ANYBODY, [chunk], filter) == []
        assert await store.search_chunks(ANYBODY, ["berlin"], 5, filter) == []
        await fill(store, [replace(plan, metadata=(("year", 2025),))])
        assert len(await store.chunks(ANYBODY, [chunk], filter)) == 1
        assert len(await store.search_chunks(ANYBODY, ["berlin"], 5, filter)) == 1
        assert [found.metadata for found in await store.documents(ANYBODY, filter=filter)] == [{"year": 2025}]
