"""The contract of graphrag/stores/base.py, for every store in tests/contracts/conftest.py."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from numpy.typing import NDArray

from graphrag.analysis import fold
from graphrag.errors import InputError, SchemaMismatchError
from graphrag.extraction.resolution import Decided
from graphrag.filters import Condition, Filter, parse_filter
from graphrag.stores.base import MAX_K, GraphStore
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Fingerprints,
    GraphBatch,
    Metadata,
    Occurrences,
    SameAs,
    Scalar,
    Scope,
    Statistics,
    Subgraph,
    TermStatistics,
    chunk_id,
    document_id,
    entity_id,
    relation_id,
)
from tests.contracts.compare import (
    assert_best_hits,
    assert_same_reads,
    assert_same_searches,
    described,
    probe,
    snapshot,
    timeless,
)
from tests.contracts.conftest import FINGERPRINTS, StoreFactory
from tests.contracts.generate import (
    DIMENSION,
    FIELDS,
    NAMES,
    SENTENCE_VECTORS,
    VECTORS,
    ChunkPlan,
    DocumentPlan,
    SentencePlan,
    build,
    corpora,
    document_plans,
    fingerprinted,
    raw_filters,
    scopes,
    seeded_corpus,
)
from tests.contracts.oracle import OracleStore

ANYBODY = Scope()
EVERYTHING = Scope(access=frozenset({"*"}))
LEGAL = Scope(access=frozenset({"legal"}))
RIVAL = Scope("rival", frozenset({"*"}))


def bounded(factory: StoreFactory) -> settings:
    """As many examples as a kind of store has time for."""
    return settings(
        max_examples=factory.kind.examples,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def named(*names: str, **changes: object) -> ChunkPlan:
    """A chunk with one sentence that names the given NAMES."""
    plan = ChunkPlan((SentencePlan(tuple(NAMES.index(name) for name in names)),))
    return replace(plan, **changes)


def document(*chunks: ChunkPlan, **changes: object) -> DocumentPlan:
    """A document of tenant `default` that everybody sees."""
    return replace(DocumentPlan(chunks or (named("Acme", "Berlin", relations=1),)), **changes)


async def fill(store: GraphStore, plans: Sequence[DocumentPlan]) -> list[GraphBatch]:
    """Write the plans and return their batches."""
    batches = [build(plan) for plan in plans]
    for plan, batch in zip(plans, batches, strict=True):
        await store.write(plan.owner, batch)
    return batches


async def oracle_with(plans: Sequence[DocumentPlan]) -> OracleStore:
    """The specification, filled with the plans."""
    oracle = OracleStore()
    await fill(oracle, plans)
    return oracle


# What the store says, against the specification


def test_every_read_agrees_with_the_oracle(tested_factory: StoreFactory) -> None:
    @bounded(tested_factory)
    @given(plans=corpora, scope=scopes, raw=raw_filters)
    def holds(plans: list[DocumentPlan], scope: Scope, raw: dict[str, object]) -> None:
        async def check() -> None:
            filter = parse_filter(raw, FIELDS)
            async with tested_factory() as store:
                asked = probe(await fill(store, plans))
                oracle = await oracle_with(plans)
                await assert_same_reads(store, oracle, scope, filter, asked)
                if tested_factory.kind.exact_cut:
                    await assert_same_searches(store, oracle, scope, filter, asked)

        asyncio.run(check())

    holds()


@pytest.mark.parametrize("scope", [ANYBODY, LEGAL, EVERYTHING, RIVAL], ids=["public", "legal", "all", "rival"])
async def test_every_read_agrees_with_the_oracle_on_a_larger_corpus(tested_factory: StoreFactory, scope: Scope) -> None:
    plans = seeded_corpus(seed=11, size=60)
    async with tested_factory() as store:
        asked = probe(await fill(store, plans))
        oracle = await oracle_with(plans)
        for raw in ({}, {"year": {"gte": 2024}}, {"department": {"gt": "\uf000"}, "draft": {"exists": True}}):
            filter = parse_filter(raw, FIELDS)
            await assert_same_reads(store, oracle, scope, filter, asked)
            if tested_factory.kind.exact_cut:
                await assert_same_searches(store, oracle, scope, filter, asked)


def test_invisible_documents_change_nothing_that_is_read(tested_factory: StoreFactory) -> None:
    @bounded(tested_factory)
    @given(plans=corpora, scope=scopes)
    def holds(plans: list[DocumentPlan], scope: Scope) -> None:
        async def check() -> None:
            visible = [plan for plan in plans if scope.sees(plan.tenant, plan.access)]
            async with tested_factory() as store, tested_factory.another() as small:
                asked = probe(await fill(store, plans))
                await fill(small, visible)
                await assert_same_reads(store, small, scope, None, asked)
                for k in (1, 3):
                    many = await store.nearest_chunks(scope, asked.vectors, k)
                    few = await small.nearest_chunks(scope, asked.vectors, MAX_K)
                    for hits, ranked in zip(many, few, strict=True):
                        assert_best_hits(hits, ranked, k)

        asyncio.run(check())

    holds()


def test_a_filter_answers_as_if_nothing_else_were_stored(tested_factory: StoreFactory) -> None:
    @bounded(tested_factory)
    @given(plans=corpora, scope=scopes, raw=raw_filters)
    def holds(plans: list[DocumentPlan], scope: Scope, raw: dict[str, object]) -> None:
        async def check() -> None:
            filter = parse_filter(raw, FIELDS)
            matching = [plan for plan in plans if filter.matches(dict(plan.metadata))]
            async with tested_factory() as store, tested_factory.another() as small:
                asked = probe(await fill(store, plans))
                await fill(small, matching)
                assert timeless(await store.documents(scope, filter=filter)) == timeless(await small.documents(scope))
                assert await store.chunks(scope, asked.chunks, filter) == await small.chunks(scope, asked.chunks)
                for limit in (1, 1000):
                    assert await store.chunks_mentioning(scope, asked.entities, limit, filter) == (
                        await small.chunks_mentioning(scope, asked.entities, limit)
                    )
                    assert await store.title_links(scope, asked.chunks, limit, filter) == (
                        await small.title_links(scope, asked.chunks, limit)
                    )

        asyncio.run(check())

    holds()


# Histories

operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), document_plans),
        st.tuples(st.sampled_from(("content", "metadata", "access", "title")), document_plans),
        st.tuples(st.just("delete"), document_plans),
        st.tuples(st.just("read"), document_plans),
    ),
    max_size=12,
)


def changed(old: DocumentPlan, how: str, other: DocumentPlan) -> DocumentPlan:
    """`old` with one aspect taken from `other`."""
    match how:
        case "content":
            return replace(old, chunks=other.chunks)
        case "metadata":
            return replace(old, metadata=other.metadata)
        case "access":
            return replace(old, access=other.access)
        case _:
            return replace(old, title=other.title)


def test_any_history_of_writes_equals_writing_what_is_left_once(tested_factory: StoreFactory) -> None:
    @bounded(tested_factory)
    @given(history=operations, scope=scopes, shuffle=st.randoms(use_true_random=False))
    def holds(history: list[tuple[str, DocumentPlan]], scope: Scope, shuffle: Random) -> None:
        async def check() -> None:
            held: dict[str, DocumentPlan] = {}
            asked = probe([build(plan) for _, plan in history])
            async with tested_factory() as store, tested_factory.another() as fresh:
                for how, plan in history:
                    old = held.get(plan.id)
                    if how == "read":
                        await assert_same_reads(store, await oracle_with(list(held.values())), scope, None, asked)
                    elif how == "delete":
                        assert await store.delete_documents(plan.owner, [plan.id]) == (old is not None)
                        held.pop(plan.id, None)
                    else:
                        new = plan if old is None or how == "put" else changed(old, how, plan)
                        batch = build(new)
                        same = old is not None and build(old).document.fingerprint == batch.document.fingerprint
                        outcome = await store.write(new.owner, batch)
                        assert outcome == ("created" if old is None else "unchanged" if same else "updated")
                        held[plan.id] = new
                final = sorted(held.values(), key=lambda plan: plan.id)
                shuffle.shuffle(final)
                await fill(fresh, final)
                for reader in (scope, EVERYTHING, RIVAL):
                    await assert_same_reads(store, fresh, reader, None, asked)
                await assert_same_searches(store, await oracle_with(final), scope, None, asked)

        asyncio.run(check())

    holds()


async def test_deleting_a_document_leaves_exactly_what_the_others_contributed(store_factory: StoreFactory) -> None:
    kept = document(named("Acme"), named("Jane Smith", relations=1))
    gone = document(named("ACME", "ACME", "Lamprey", relations=2), source="b.md", title=NAMES.index("Jane Smith"))
    async with store_factory() as store, store_factory.another() as alone:
        asked = probe(await fill(store, [kept, gone]))
        await fill(alone, [kept])
        assert (await store.find_entities(ANYBODY, keys=["acme"]))[0].name == "ACME"
        assert await store.delete_documents(ANYBODY, [gone.id]) == 1
        await assert_same_reads(store, alone, ANYBODY, None, asked)
        assert (await store.find_entities(ANYBODY, keys=["acme"]))[0].name == "Acme"
        assert await store.find_entities(ANYBODY, keys=["lamprey"]) == []


async def test_the_chunks_of_an_older_version_are_gone_after_an_update(store_factory: StoreFactory) -> None:
    old, new = document(named("Acme"), named("Berlin"), named("IBM")), document(named("Lamprey"))
    async with store_factory() as store:
        first, second = await fill(store, [old, new])
        assert await store.chunks(ANYBODY, [chunk.id for chunk in first.chunks]) == []
        assert await store.chunk_ids(ANYBODY, new.id) == [chunk.id for chunk in second.chunks]
        assert await store.search_chunks(ANYBODY, ["berlin"], 10) == []
        assert [len(hits) for hits in await store.nearest_chunks(ANYBODY, VECTORS[:1], 10)] == [1]


async def test_export_written_into_an_empty_store_gives_an_equal_store(store_factory: StoreFactory) -> None:
    plans = seeded_corpus(seed=5, size=20)
    async with store_factory() as store, store_factory.another() as copy:
        asked = probe(await fill(store, plans))
        for scope in (EVERYTHING, RIVAL):
            async for batch in store.export(scope):
                assert await copy.write(scope, batch) == "created"
            await assert_same_reads(copy, store, scope, None, asked)


async def test_export_yields_nothing_that_leaves_the_scope_while_it_runs(store_factory: StoreFactory) -> None:
    plans = sorted((document(source=f"{n}.md") for n in range(3)), key=lambda plan: plan.id)
    async with store_factory() as store:
        await fill(store, plans)
        stream = store.export(ANYBODY)
        yielded = [await anext(stream)]
        hidden = replace(plans[1], access="hr")
        await fill(store, [hidden])
        await store.delete_documents(EVERYTHING, [plans[2].id])
        yielded += [batch async for batch in stream]
        assert all(batch.document.access == "public" for batch in yielded)


async def test_export_of_some_ids_yields_those_of_them_that_are_visible(store_factory: StoreFactory) -> None:
    plans = [document(source="0.md"), document(source="1.md"), document(source="2.md", access="hr")]
    async with store_factory() as store:
        await fill(store, plans)
        ids = [plans[2].id, plans[1].id, plans[1].id, "absent"]
        for scope, expected in ((ANYBODY, {plans[1].id}), (EVERYTHING, {plans[1].id, plans[2].id})):
            found = [batch.document.id async for batch in store.export(scope, ids=ids)]
            assert found == sorted(expected)
        assert [batch async for batch in store.export(EVERYTHING, ids=[])] == []


# Writing


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
    held = replace(batch.document, title="T\t'`", metadata=metadata, length=len(text), part=3, heading_keys=("b", "a"))
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
    "half a character in a heading key": lambda batch: _with_document(batch, heading_keys=("\ud800",)),
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


# Reading


async def test_an_empty_store_answers_every_method(store_factory: StoreFactory) -> None:
    asked = probe([build(document())])
    async with store_factory() as store:
        await assert_same_reads(store, OracleStore(), EVERYTHING, None, asked)
        await assert_same_reads(store, OracleStore(), RIVAL, parse_filter({"year": 1}, FIELDS), asked)
        assert await store.nearest_chunks(ANYBODY, VECTORS[:2], 3) == [[], []]
        assert await store.search_chunks(ANYBODY, ["berlin"], 3) == []
        assert (await store.term_statistics(ANYBODY, ["berlin"])).average_length == 0
        assert isinstance(await store.revision(), int)
        assert store.location


async def test_empty_arguments_give_empty_answers(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        assert await store.documents(ANYBODY, ids=[]) == []
        assert await store.texts(ANYBODY, []) == {}
        assert await store.chunks(ANYBODY, []) == []
        assert await store.chunks_with_vectors(ANYBODY, []) == []
        assert await store.nearest_chunks(ANYBODY, VECTORS[:0], 3) == []
        assert await store.search_chunks(ANYBODY, [], 3) == []
        assert (await store.term_statistics(ANYBODY, [])).frequency == {}
        assert await store.find_entities(ANYBODY) == []
        assert await store.entities(ANYBODY, []) == []
        assert await store.chunks_mentioning(ANYBODY, [], 3) == []
        assert await store.title_links(ANYBODY, [], 3) == []
        assert list((await store.neighbourhood(ANYBODY, [], 2, 10)).entities) == []


async def test_ids_keep_their_order_and_count_once(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        batches = await fill(store, [document(named("Acme"), named("Acme", "Berlin"), named("IBM"))])
        first, second, third = (chunk.id for chunk in batches[0].chunks)
        asked = [third, first, "none", third, second, first]
        assert [chunk.id for chunk in await store.chunks(ANYBODY, asked)] == [third, first, second]
        acme, ibm = entity_id("default", "acme"), entity_id("default", "ibm")
        assert [found.id for found in await store.entities(ANYBODY, [ibm, "none", acme, ibm])] == [ibm, acme]
        occurrences = await store.chunks_mentioning(ANYBODY, [ibm, acme, ibm], 1)
        assert [(one.entity_id, one.chunk_count) for one in occurrences] == [(ibm, 1), (acme, 2)]
        assert occurrences[1].chunk_ids == (min(first, second),)
        rare = await store.chunks_mentioning(ANYBODY, [ibm, acme], 1, rare=True)
        assert rare == [Occurrences(ibm, 1, (third,)), Occurrences(acme, 2, ())]
        document_ids = [batches[0].document.id] * 2
        assert len(await store.documents(ANYBODY, ids=document_ids)) == 1
        assert len(await store.find_entities(ANYBODY, keys=["acme", "acme"])) == 1
        once, twice = [await store.title_links(ANYBODY, ids, 5) for ids in ([first], [first, first])]
        assert once == twice


async def test_paging_through_documents_meets_each_one_once(store_factory: StoreFactory) -> None:
    plans = seeded_corpus(seed=3, size=25)
    async with store_factory() as store:
        await fill(store, plans)
        met: list[str] = []
        while page := await store.documents(EVERYTHING, after=met[-1] if met else "", limit=4):
            assert len(page) <= 4
            met += [found.id for found in page]
        assert met == sorted(plan.id for plan in plans if plan.tenant == "default")
        assert [found.id for found in await store.documents(EVERYTHING, ids=met[::-1], after=met[2], limit=2)] == met[
            3:5
        ]


async def test_a_limit_of_nothing_gives_nothing(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        acme, chunk = entity_id("default", "acme"), build(document()).chunks[0].id
        for limit in (0, -1):
            assert await store.documents(ANYBODY, limit=limit) == []
            assert await store.documents(ANYBODY, ids=[document().id], limit=limit) == []
            assert await store.find_entities(ANYBODY, keys=["acme", "berlin"], limit=limit) == []
            assert await store.chunks_mentioning(ANYBODY, [acme], limit) == [Occurrences(acme, 1, ())]
            assert await store.title_links(ANYBODY, [chunk], limit) == []
            for hops in (0, 2):
                assert _sizes(await store.neighbourhood(ANYBODY, [acme], hops, limit)) == (0, 0, 0)
        assert _sizes(await store.neighbourhood(ANYBODY, [acme], -1, 10)) == (0, 0, 0)


def _sizes(graph: Subgraph) -> tuple[int, int, int]:
    return len(graph.entities), len(graph.relations), len(graph.same_as)


@pytest.mark.parametrize("k", [0, -1, MAX_K + 1])
async def test_a_k_out_of_range_is_refused(store_factory: StoreFactory, k: int) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        with pytest.raises(InputError, match=str(MAX_K)):
            await store.nearest_chunks(ANYBODY, VECTORS[:1], k)
        with pytest.raises(InputError, match=str(MAX_K)):
            await store.search_chunks(ANYBODY, ["berlin"], k)


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (VECTORS[:1, :5], str(DIMENSION)),
        (np.ones((1, DIMENSION + 1), dtype=np.float32), str(DIMENSION)),
        (VECTORS[0], "shape"),
        (VECTORS[:1] * np.float32("nan"), "finite"),
        (VECTORS[:1] * np.float32("inf"), "finite"),
    ],
    ids=["short", "long", "flat", "not a number", "infinite"],
)
async def test_a_query_vector_that_fits_no_chunk_is_refused(
    store_factory: StoreFactory, vectors: NDArray[np.float32], says: str
) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        with pytest.raises(InputError, match=says):
            await store.nearest_chunks(ANYBODY, vectors, 3)


async def test_a_filter_on_another_field_is_refused_and_names_the_filterable_ones(store_factory: StoreFactory) -> None:
    filter = Filter((Condition("color", "eq", ("red",)),))
    id_ = build(document()).chunks[0].id
    async with store_factory() as store:
        await fill(store, [document()])
        reads: list[Callable[[], Awaitable[object]]] = [
            lambda: store.documents(ANYBODY, filter=filter),
            lambda: store.chunks(ANYBODY, [id_], filter),
            lambda: store.chunks_with_vectors(ANYBODY, [id_], filter),
            lambda: store.nearest_chunks(ANYBODY, VECTORS[:1], 3, filter),
            lambda: store.search_chunks(ANYBODY, ["berlin"], 3, filter),
            lambda: store.chunks_mentioning(ANYBODY, [entity_id("default", "acme")], 3, filter),
            lambda: store.title_links(ANYBODY, [id_], 3, filter),
        ]
        for read in reads:
            with pytest.raises(InputError, match="department, draft, year"):
                await read()


async def test_a_source_prefix_is_taken_literally(store_factory: StoreFactory) -> None:
    sources = ["a_b.md", "axb.md", "a%.md", "A_b.md", "a\\.md", "a*.md", "a[x].md"]
    async with store_factory() as store:
        await fill(store, [document(source=source) for source in sources])
        for prefix in ("a_", "a%", "a\\", "a*", "a["):
            found = [held.source for held in await store.documents(ANYBODY, source_prefix=prefix)]
            assert found == [source for source in sources if source.startswith(prefix)], prefix


async def test_a_k_above_the_number_of_chunks_gives_them_all(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        (batch,) = await fill(store, [document(named("Acme", vector=0), named("Acme", vector=1))])
        (hits,) = await store.nearest_chunks(ANYBODY, VECTORS[:1], MAX_K)
        assert [hit.chunk_id for hit in hits] == [chunk.id for chunk in batch.chunks]
        assert hits[0].score == pytest.approx(1, abs=1e-5)
        assert len(await store.search_chunks(ANYBODY, ["acm"], MAX_K)) == 2


async def test_a_full_k_comes_back_however_much_is_invisible(store_factory: StoreFactory) -> None:
    noise = [document(*[named("Acme")] * 4, source=f"{n}.md", tenant="rival") for n in range(30)]
    ours = document(named("Acme", vector=5), named("Acme", vector=6))
    async with store_factory() as store:
        await fill(store, [*noise, ours])
        assert [len(hits) for hits in await store.nearest_chunks(ANYBODY, VECTORS[:3], 2)] == [2, 2, 2]
        assert len(await store.search_chunks(ANYBODY, ["acm"], 2)) == 2


async def test_statistics_that_the_caller_has_change_no_hit(store_factory: StoreFactory) -> None:
    terms = ["acm", "berlin", "pump", "absent"]
    async with store_factory() as store:
        await fill(store, seeded_corpus(seed=6, size=30))
        statistics = await store.term_statistics(ANYBODY, terms)
        for k in (1, 3, MAX_K):
            hits = await store.search_chunks(ANYBODY, terms, k)
            assert hits
            assert await store.search_chunks(ANYBODY, terms, k, statistics=statistics) == hits


async def test_texts_that_nobody_sees_do_not_decide_which_chunks_are_found(store_factory: StoreFactory) -> None:
    ours = document(*[named("Gothenburg")] * 110, *[named("Lamprey")] * 3)
    hidden = [*[named("Lamprey")] * 300]
    async with store_factory() as store:
        await fill(store, [ours])
        terms = ["gothenburg", "lamprey"]
        statistics = await store.term_statistics(ANYBODY, terms)
        alone = await store.search_chunks(ANYBODY, terms, 10, statistics=statistics)
        await fill(store, [document(*hidden, tenant="rival"), document(*hidden, source="b.md", access="legal")])
        assert await store.search_chunks(ANYBODY, terms, 10) == alone
        assert await store.search_chunks(ANYBODY, terms, 10, statistics=statistics) == alone
        assert sum("lamprey" in hit.terms for hit in alone) == 3


async def test_chunks_without_any_term_can_be_searched(store_factory: StoreFactory) -> None:
    batch = build(document())
    blank = fingerprinted(replace(batch, chunks=[replace(batch.chunks[0], terms="")]))
    async with store_factory() as store:
        await store.write(ANYBODY, blank)
        assert await store.search_chunks(ANYBODY, ["acm"], 5) == []
        assert await store.term_statistics(ANYBODY, ["acm"]) == TermStatistics(1, 0.0, {"acm": 0})


async def test_chunks_with_equal_vectors_come_ascending_by_id(store_factory: StoreFactory) -> None:
    plans = [document(*[named("Acme", vector=3)] * 3, source=f"{n}.md") for n in range(9)]
    async with store_factory() as store:
        batches = await fill(store, plans)
        ids = sorted(chunk.id for batch in batches for chunk in batch.chunks)
        for k in (1, 5, 27):
            for hits in await store.nearest_chunks(ANYBODY, VECTORS, k):
                assert [hit.chunk_id for hit in hits] == ids[:k]


async def test_a_scope_with_a_star_sees_every_label_of_its_tenant(store_factory: StoreFactory) -> None:
    plans = [document(source=f"{label}.md", access=label) for label in ("public", "legal", "hr", "never-named")]
    async with store_factory() as store:
        await fill(store, [*plans, document(tenant="rival")])
        assert (await store.statistics(EVERYTHING)).documents == 4
        assert (await store.statistics(LEGAL)).documents == 2
        assert (await store.statistics(ANYBODY)).documents == 1


@pytest.mark.parametrize("scope", [ANYBODY, LEGAL, EVERYTHING], ids=["public", "legal", "all"])
async def test_an_entity_is_named_and_typed_by_what_the_caller_sees(store_factory: StoreFactory, scope: Scope) -> None:
    public = document(named("Acme", types=(0,)))
    legal = document(named("ACME", "ACME", types=(1,)), source="b.md", access="legal")
    hr = document(named("Acme", "Acme", types=(2,)), named("Acme", types=(2,)), source="c.md", access="hr")
    expected = {
        ANYBODY: ("Acme", "", 1, 1, 1),
        LEGAL: ("ACME", "ORG", 3, 2, 2),
        EVERYTHING: ("Acme", "PERSON", 6, 4, 3),
    }
    async with store_factory() as store:
        await fill(store, [public, legal, hr])
        (acme,) = await store.find_entities(scope, keys=["acme"])
        counts = acme.mention_count, acme.chunk_count, acme.document_count
        assert (acme.name, acme.type, *counts) == expected[scope]


async def test_filters_that_python_holds_equal_do_not_answer_for_each_other(store_factory: StoreFactory) -> None:
    values: list[Scalar] = [True, 1, 1.0, False, 0, "1"]
    plans = [document(source=f"{n}.md", metadata=(("draft", value),)) for n, value in enumerate(values)]
    async with store_factory() as store:
        batches = await fill(store, plans)
        chunks = [batch.chunks[0].id for batch in batches]
        for value in (True, 1, False, 0, 1.0, "1", True):
            for operator in ("eq", "ne"):
                filter = parse_filter({"draft": {operator: value}}, FIELDS)
                expected = [id_ for id_, plan in zip(chunks, plans, strict=True) if filter.matches(dict(plan.metadata))]
                found = [chunk.id for chunk in await store.chunks(ANYBODY, chunks, filter)]
                assert found == expected, (operator, value)


@pytest.mark.parametrize("bound", [2**53, 2**53 + 1, float(2**53), 10**30, -(10**30), 0.1, -0.0])
async def test_numbers_compare_exactly_in_filters(store_factory: StoreFactory, bound: float) -> None:
    values: list[Scalar] = [2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), 0.1, 0, -0.0, 1e300]
    plans = [document(source=f"{n}.md", metadata=(("year", value),)) for n, value in enumerate(values)]
    async with store_factory() as store:
        batches = await fill(store, plans)
        chunks = [batch.chunks[0].id for batch in batches]
        for operator in ("eq", "ne", "gt", "gte", "lt", "lte"):
            filter = parse_filter({"year": {operator: bound}}, FIELDS)
            expected = [id_ for id_, plan in zip(chunks, plans, strict=True) if filter.matches(dict(plan.metadata))]
            assert [chunk.id for chunk in await store.chunks(ANYBODY, chunks, filter)] == expected, operator
            assert len(await store.documents(ANYBODY, filter=filter)) == len(expected), operator


@pytest.mark.parametrize("name", ["department", "draft"])
async def test_text_compares_by_code_point_in_filters(store_factory: StoreFactory, name: str) -> None:
    values = ["", "A", "a", "aa", "é", "e\u0301", "\uff5e", "\U0001f600", "a\0b", "10", "9", "true"]
    plans = [document(source=f"{n}.md", metadata=((name, value),)) for n, value in enumerate(values)]
    async with store_factory() as store:
        batches = await fill(store, plans)
        chunks = [batch.chunks[0].id for batch in batches]
        for value in values:
            for operator in ("eq", "gt", "lte"):
                filter = parse_filter({name: {operator: value}}, FIELDS)
                expected = [id_ for id_, held in zip(chunks, plans, strict=True) if filter.matches(dict(held.metadata))]
                assert [chunk.id for chunk in await store.chunks(ANYBODY, chunks, filter)] == expected, (
                    operator,
                    value,
                )


# The graph


async def test_a_title_link_joins_a_phrase_to_the_chunk_about_it(store_factory: StoreFactory) -> None:
    about = document(named("Berlin"), source="b.md", title=NAMES.index("Lamprey"))
    naming = document(named("Lamprey", "Berlin"))
    async with store_factory() as store:
        target, source = [batch.chunks[0].id for batch in await fill(store, [about, naming])]
        (link,) = await store.title_links(ANYBODY, [source], 10)
        assert (link.source, link.target, link.key) == (source, target, "lamprey")
        assert await store.title_links(ANYBODY, [target], 10) == []
        assert await store.title_links(ANYBODY, [source, target], 10) == [link]
        assert await store.title_links(ANYBODY, [source, target], 0) == []


async def test_only_the_longest_phrase_that_names_a_visible_subject_links(store_factory: StoreFactory) -> None:
    acme = document(named("Smith"), source="acme.md", title=NAMES.index("Acme"))
    corp = document(named("Smith"), source="corp.md", title=NAMES.index("Acme Corp"), access="legal")
    naming = document(named("Acme Corp"))
    async with store_factory() as store:
        short, long, source = [batch.chunks[0].id for batch in await fill(store, [acme, corp, naming])]
        assert [link.target for link in await store.title_links(LEGAL, [source], 10)] == [long]
        assert [link.target for link in await store.title_links(ANYBODY, [source], 10)] == [short]


async def test_a_chunk_is_not_linked_by_what_it_is_about_itself(store_factory: StoreFactory) -> None:
    lamprey = NAMES.index("Lamprey")
    async with store_factory() as store:
        batches = await fill(store, [document(named("Lamprey"), named("Lamprey", "Berlin"), title=lamprey)])
        assert await store.title_links(ANYBODY, [chunk.id for chunk in batches[0].chunks], 10) == []


async def test_title_links_are_cut_per_chunk(store_factory: StoreFactory) -> None:
    lamprey = NAMES.index("Lamprey")
    about = [document(named("Berlin"), source=f"t{n}.md", title=lamprey) for n in range(4)]
    naming = [document(named("Lamprey"), source=f"s{n}.md") for n in range(4)]
    async with store_factory() as store:
        batches = await fill(store, [*about, *naming])
        targets = sorted(batch.chunks[0].id for batch in batches[:4])
        sources = sorted(batch.chunks[0].id for batch in batches[4:])
        out = await store.title_links(ANYBODY, sources[1:3], 3)
        assert [(link.source, link.target) for link in out] == [(s, t) for s in sources[1:3] for t in targets[:3]]


async def test_a_neighbourhood_is_cut_by_hop_then_mentions_then_id(store_factory: StoreFactory) -> None:
    # Acme -> Berlin (1 mention), Acme -> IBM (3 mentions), IBM -> Lamprey (5 mentions, but two hops away)
    plans = [
        document(named("Acme", "Berlin", relations=1), source="1.md"),
        document(named("Acme", "IBM", relations=1), source="2.md"),
        document(named("IBM", "IBM", "Lamprey", relations=1), source="3.md"),
        document(named("Lamprey", "Lamprey", "Lamprey", "Lamprey"), source="4.md"),
    ]
    acme = entity_id("default", "acme")
    async with store_factory() as store:
        await fill(store, plans)

        async def keys(hops: int, limit: int) -> set[str]:
            return {entity.key for entity in (await store.neighbourhood(ANYBODY, [acme], hops, limit)).entities}

        assert await keys(0, 10) == {"acme"}
        assert await keys(1, 10) == {"acme", "berlin", "ibm"}
        assert await keys(1, 2) == {"acme", "ibm"}
        assert await keys(2, 3) == {"acme", "ibm", "berlin"}
        assert await keys(2, 10) == {"acme", "ibm", "berlin", "lamprey"}


async def test_a_neighbourhood_does_not_step_over_hidden_evidence(store_factory: StoreFactory) -> None:
    plans = [
        document(named("Acme", "Berlin", relations=1), access="legal"),
        document(named("Acme"), named("Berlin"), source="b.md"),
    ]
    acme, berlin = entity_id("default", "acme"), entity_id("default", "berlin")
    async with store_factory() as store:
        await fill(store, plans)
        assert [found.id for found in (await store.neighbourhood(ANYBODY, [acme], 2, 10)).entities] == [acme]
        both = await store.neighbourhood(ANYBODY, [acme, berlin], 0, 10)
        assert (len(both.entities), len(both.relations)) == (2, 0)
        assert len((await store.neighbourhood(LEGAL, [acme, berlin], 0, 10)).relations) == 1


async def test_spelling_variants_are_linked_and_stepped_over(store_factory: StoreFactory) -> None:
    ibm, full = entity_id("default", "ibm"), entity_id("default", "international business machines")
    async with store_factory() as store:
        await fill(store, [document(named("IBM"), named("International Business Machines"))])
        graph = await store.neighbourhood(ANYBODY, [ibm], 1, 10)
        assert [found.id for found in graph.entities] == sorted([ibm, full])
        assert [(link.a, link.b) for link in graph.same_as] == [(min(ibm, full), max(ibm, full))]


async def test_what_people_decided_wins_over_derived_links(store_factory: StoreFactory) -> None:
    ibm, full, lamprey = (entity_id("default", key) for key in ("ibm", "international business machines", "lamprey"))
    split = Decided(split={ibm: {full}, full: {ibm}})
    merge = Decided(merged={ibm: {lamprey: "ann", "no such id": "ann"}, lamprey: {ibm: "ann"}})
    async with store_factory() as store:
        await fill(store, [document(named("IBM"), named("International Business Machines"), named("Lamprey"))])
        apart = await store.neighbourhood(ANYBODY, [ibm], 1, 10, decided=split)
        assert ([found.id for found in apart.entities], list(apart.same_as)) == ([ibm], [])
        assert list((await store.neighbourhood(ANYBODY, [ibm, full], 0, 10, decided=split)).same_as) == []
        graph = await store.neighbourhood(ANYBODY, [lamprey], 1, 10, decided=merge)
        assert [found.id for found in graph.entities] == sorted([ibm, lamprey])
        assert list(graph.same_as) == [SameAs(min(ibm, lamprey), max(ibm, lamprey), 1.0, "decided by ann")]


async def test_a_decision_shows_nothing_of_what_the_caller_does_not_see(store_factory: StoreFactory) -> None:
    ibm, lamprey = entity_id("default", "ibm"), entity_id("default", "lamprey")
    foreign = entity_id("rival", "lamprey")
    merge = Decided(merged={ibm: {lamprey: "ann", foreign: "ann"}, lamprey: {ibm: "ann"}, foreign: {ibm: "ann"}})
    plans = [
        document(named("IBM")),
        document(named("Lamprey"), source="secret.md", access="legal"),
        document(named("Lamprey"), source="theirs.md", tenant="rival"),
    ]
    async with store_factory() as store:
        await fill(store, plans)
        graph = await store.neighbourhood(ANYBODY, [ibm], 2, 10, decided=merge)
        assert ([found.id for found in graph.entities], list(graph.same_as)) == ([ibm], [])
        graph = await store.neighbourhood(LEGAL, [ibm], 2, 10, decided=merge)
        assert [found.id for found in graph.entities] == sorted([ibm, lamprey])


async def test_entity_ids_are_ascending_pages_of_what_is_visible(store_factory: StoreFactory) -> None:
    plans = [
        document(named("Acme"), named("Berlin"), named("IBM")),
        document(named("Lamprey"), source="secret.md", access="legal"),
    ]
    ids = sorted(entity_id("default", key) for key in ("acme", "berlin", "ibm"))
    async with store_factory() as store:
        assert await store.entity_ids(ANYBODY) == []
        await fill(store, plans)
        assert await store.entity_ids(ANYBODY) == ids
        assert await store.entity_ids(ANYBODY, limit=2) == ids[:2]
        assert await store.entity_ids(ANYBODY, after=ids[0], limit=1) == ids[1:2]
        assert await store.entity_ids(ANYBODY, limit=0) == await store.entity_ids(ANYBODY, limit=-1) == []
        assert len(await store.entity_ids(LEGAL)) == 4


# Models, hostile input, several stores at one place


async def test_a_store_tells_the_models_it_is_bound_to(store_factory: StoreFactory) -> None:
    async with store_factory.unbound(store_factory.place()) as store:
        assert await store.fingerprints() is None
        await store.bind(FINGERPRINTS)
        assert await store.fingerprints() == FINGERPRINTS


async def test_a_store_bound_to_other_models_is_refused_by_name(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        await store.bind(FINGERPRINTS)
        for other in (
            Fingerprints("another-9", FINGERPRINTS.sentences),
            Fingerprints(FINGERPRINTS.embedder, "another-9"),
        ):
            with pytest.raises(SchemaMismatchError) as refused:
                await store.bind(other)
            assert "another-9" in str(refused.value)
            recorded = FINGERPRINTS.embedder if other.embedder == "another-9" else FINGERPRINTS.sentences
            assert recorded in str(refused.value)
        await store.bind(FINGERPRINTS)
        assert len(await store.documents(ANYBODY)) == 1


HOSTILE = [
    "'; drop table documents; --",
    '" or 1=1 --',
    "`}) detach delete n //",
    "$tenant {id} :label",
    "%_*?[a-z]\\",
    "a\0b",
    "../../etc/passwd",
    "ﬁ ß İ 🦑 \u202e \u2028",
    "+foo -bar ~1 ^2 field:(x)",
    "x" * 5000,
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_string_is_only_data(store_factory: StoreFactory, hostile: str) -> None:
    plan = document(source=hostile, metadata=(("department", hostile),))
    batch = build(plan)
    key = " ".join(fold(hostile).split())
    word = hostile.replace(" ", "_").replace("\u2028", "_")
    id_ = entity_id("default", key)
    mention = structs.replace(
        batch.chunks[0].mentions[0], key=key, entity_id=id_, surface=hostile, type=hostile, role="subject"
    )
    chunk = replace(batch.chunks[0], terms=f"{word} plain", mentions=(mention,), phrases={hostile: 1})
    start, end = chunk.sentences[0]
    relation = replace(
        batch.relations[0], id=relation_id(chunk.id, id_, hostile, id_, start), subject_id=id_, object_id=id_,
        predicate=hostile, description=hostile, start=start, end=end,
    )  # fmt: skip
    batch = fingerprinted(replace(batch, chunks=[chunk], relations=[relation]))
    harmless = document(named("Lamprey"), source="harmless.md")
    filter = parse_filter({"department": hostile}, FIELDS)
    async with store_factory() as store:
        oracle = await oracle_with([harmless])
        await fill(store, [harmless])
        for one in (store, oracle):
            assert await one.write(ANYBODY, batch) == "created"
        asked = probe([batch, build(harmless)])
        asked = replace(asked, documents=[*asked.documents, hostile], chunks=[*asked.chunks, hostile])
        asked = replace(asked, entities=[id_, hostile], keys=[hostile, key], blocks=[hostile], terms=[word, hostile])
        await assert_same_reads(store, oracle, ANYBODY, filter, asked)
        assert [found.source for found in await store.documents(ANYBODY, source_prefix=hostile)] == [hostile]
        assert [found.id for found in await store.documents(ANYBODY, filter=filter)] == [plan.id]
        assert [hit.chunk_id for hit in await store.search_chunks(ANYBODY, [word], 5)] == [chunk.id]
        assert [found.id for found in await store.find_entities(ANYBODY, prefix=key[:40])] == [id_]
        after = [found.id for found in await oracle.documents(ANYBODY, after=hostile)]
        assert [found.id for found in await store.documents(ANYBODY, after=hostile)] == after
        assert await store.chunk_ids(ANYBODY, hostile) == []
        assert await store.delete_documents(ANYBODY, [hostile]) == 0
        assert (await store.statistics(ANYBODY)).documents == 2


@pytest.mark.parametrize("surrogate", ["\ud800", "a\udfffb"], ids=["alone", "inside"])
async def test_text_that_is_no_unicode_finds_nothing_or_is_an_input_error(
    store_factory: StoreFactory, surrogate: str
) -> None:
    """JSON can carry half a surrogate pair into any argument."""
    async with store_factory() as store:
        await fill(store, [document()])
        reads: list[Callable[[], Awaitable[object]]] = [
            lambda: store.documents(ANYBODY, ids=[surrogate]),
            lambda: store.documents(ANYBODY, source_prefix=surrogate),
            lambda: store.documents(ANYBODY, filter=parse_filter({"department": surrogate}, FIELDS)),
            lambda: store.chunks(ANYBODY, [surrogate]),
            lambda: store.chunk_ids(ANYBODY, surrogate),
            lambda: store.search_chunks(ANYBODY, [surrogate], 5),
            lambda: store.find_entities(ANYBODY, keys=[surrogate], prefix=surrogate),
            lambda: store.find_entities(ANYBODY, blocks=[f"squash:{surrogate}"]),
            lambda: store.delete_documents(ANYBODY, [surrogate]),
            lambda: store.documents(ANYBODY, after=f"x{surrogate}"),
            lambda: store.texts(ANYBODY, [surrogate]),
            lambda: store.chunks_with_vectors(ANYBODY, [surrogate]),
            lambda: store.entities(ANYBODY, [surrogate, entity_id("default", surrogate)]),
            lambda: store.chunks_mentioning(ANYBODY, [surrogate], 5),
            lambda: store.title_links(ANYBODY, [surrogate], 5),
        ]
        for read in reads:
            try:
                found = await read()
            except InputError:
                continue
            assert not found
        assert (await store.term_statistics(ANYBODY, [surrogate])).frequency == {surrogate: 0}
        assert _sizes(await store.neighbourhood(ANYBODY, [surrogate], 1, 5)) == (0, 0, 0)


async def test_thousands_of_ids_are_one_question(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        (batch,) = await fill(store, [document(named("Acme"), named("Acme"))])
        chunk, acme = batch.chunks[1].id, entity_id("default", "acme")
        padding = [document_id("default", str(n)) for n in range(3000)]
        assert [found.id for found in await store.chunks(ANYBODY, [*padding, chunk])] == [chunk]
        assert [found.id for found, _ in await store.chunks_with_vectors(ANYBODY, [*padding, chunk])] == [chunk]
        assert [found.id for found in await store.entities(ANYBODY, [*padding, acme])] == [acme]
        assert len(await store.documents(ANYBODY, ids=[*padding, batch.document.id])) == 1
        assert len(await store.chunks_mentioning(ANYBODY, [*padding, acme], 1)) == 1
        assert len((await store.neighbourhood(ANYBODY, [*padding, acme], 1, 10)).entities) == 1
        assert len(await store.find_entities(ANYBODY, keys=[*padding, "acme"])) == 1
        assert await store.delete_documents(ANYBODY, [*padding, batch.document.id]) == 1


async def test_reads_and_writes_at_the_same_time_see_whole_documents(store_factory: StoreFactory) -> None:
    short, long = document(named("Acme")), document(*[named("Lamprey")] * 4)
    sizes: set[tuple[int, int]] = set()
    async with store_factory() as store:
        await fill(store, [short])

        async def write() -> None:
            for _ in range(8):
                await fill(store, [long, short])

        async def read() -> None:
            for _ in range(40):
                seen = await store.statistics(ANYBODY)
                sizes.add((seen.documents, seen.chunks))

        await asyncio.gather(write(), read(), read())
    assert sizes <= {(1, 1), (1, 4)}


async def test_a_write_through_one_store_is_in_the_next_read_of_another(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    plans = seeded_corpus(seed=8, size=12)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(shared_factory(place))
        other = await stack.enter_async_context(shared_factory(place))
        asked = probe([build(plan) for plan in plans])
        held: list[DocumentPlan] = []
        for plan in plans:
            writer, reader = (one, other) if len(held) % 2 else (other, one)
            await fill(writer, [plan])
            held.append(plan)
            await assert_same_reads(reader, await oracle_with(held), EVERYTHING, None, asked)
        revision = await other.revision()
        assert revision == await one.revision()
        await one.delete_documents(plans[0].owner, [plans[0].id])
        assert await other.revision() > revision
        for scope in (EVERYTHING, RIVAL):
            await assert_same_reads(other, await oracle_with(plans[1:]), scope, None, asked)


async def test_a_store_opened_again_holds_everything(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    plans = seeded_corpus(seed=9, size=12)
    async with shared_factory(place) as store:
        asked = probe(await fill(store, plans))
        times = [(held.created_at, held.updated_at) for held in await store.documents(EVERYTHING)]
        revision = await store.revision()
    async with shared_factory(place) as store:
        assert await store.revision() == revision
        assert [(held.created_at, held.updated_at) for held in await store.documents(EVERYTHING)] == times
        for scope in (EVERYTHING, RIVAL):
            await assert_same_reads(store, await oracle_with(plans), scope, None, asked)
            await assert_same_searches(store, await oracle_with(plans), scope, None, asked)
    async with shared_factory.unbound(place) as store:
        with pytest.raises(SchemaMismatchError):
            await store.bind(Fingerprints("another-9", FINGERPRINTS.sentences))
