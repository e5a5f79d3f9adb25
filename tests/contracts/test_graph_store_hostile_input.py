"""The contract of GraphStore: hostile strings, text that is no Unicode, thousands of ids."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from msgspec import structs

from graphrag.analysis import fold
from graphrag.errors import InputError
from graphrag.filters import parse_filter
from graphrag.types import document_id, entity_id, relation_id
from tests.contracts.compare import assert_same_reads, probe
from tests.contracts.conftest import StoreFactory
from tests.contracts.generate import FIELDS, build, fingerprinted
from tests.contracts.plans import ANYBODY, document, fill, named, oracle_with, sizes

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
            lambda: store.text_between(ANYBODY, surrogate, 0, 1),
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
        assert sizes(await store.neighbourhood(ANYBODY, [surrogate], 1, 5)) == (0, 0, 0)


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
