"""A source too long for one document: numbered parts under one source."""

import asyncio
from random import Random

import pytest

from graphrag.exporting import canonical_lines
from graphrag.ingest import ingest_documents
from graphrag.ingested import Ingested
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument, load_bytes
from graphrag.parts import delete_sources
from graphrag.stores.trips import count_round_trips
from graphrag.types import ALL_ACCESS, Document, Scope

SCOPE = Scope(access=frozenset({ALL_ACCESS}))
LIMIT = 8
"""Chunks of a document; parts hold at most two."""
NAMES = ("Ida Rowan", "Alder Pumps", "Team Lagoon", "Halvorix Components", "Maasvliet Terminal")


def long_document(sections: int, source: str = "long.md", seed: int = 1) -> LoadedDocument:
    """About one chunk for a section."""
    random = Random(seed)
    text = "# The long one\n"
    for number in range(sections):
        said = " ".join(f"{random.choice(NAMES)} met {random.choice(NAMES)} on day {number}." for _ in range(14))
        text += f"\n## Section {number}\n\n{said}\n"
    return load_bytes(text.encode(), source)[0]


async def put(kb: KnowledgeBase, *documents: LoadedDocument) -> list[Ingested]:
    """Ingest with a small limit."""
    return (await ingest_documents(kb, SCOPE, documents, max_chunks=LIMIT)).results


async def stored(kb: KnowledgeBase) -> list[Document]:
    """All documents, by part."""
    return sorted(await kb.store.documents(SCOPE), key=lambda document: (document.source, document.part))


async def canonical(kb: KnowledgeBase) -> list[str]:
    """What is stored, to compare."""
    return [line async for line in canonical_lines(kb.store, SCOPE)]


async def test_a_long_source_becomes_parts_whose_texts_are_its_text_and_whose_spans_are_quotes(kb: KnowledgeBase):
    loaded = long_document(20)

    (result,) = await put(kb, loaded)

    parts = await stored(kb)
    assert (result.outcome, result.chunks) == ("created", sum(part.chunk_count for part in parts))
    assert len(parts) > 5
    assert [part.part for part in parts] == list(range(len(parts)))
    assert {(part.source, part.state, part.title) for part in parts} == {("long.md", "complete", "The long one")}
    texts = await kb.store.texts(SCOPE, [part.id for part in parts])
    assert "".join(texts[part.id] for part in parts) == loaded.text
    for part in parts:
        chunks = await kb.store.chunks(SCOPE, await kb.store.chunk_ids(SCOPE, part.id))
        assert [chunk.position for chunk in chunks] == list(range(part.chunk_count))
        assert chunks[0].start == chunks[0].core_start == 0
        for chunk in chunks:
            text = texts[part.id]
            assert text[chunk.start : chunk.end] == chunk.text
            assert chunk.heading[:1] == ("The long one",)
            assert all(text[left:right].strip() for left, right in chunk.sentences)
            assert all(text[left:right] for mention in chunk.mentions for left, right in mention.spans)


async def test_ingesting_a_long_source_again_changes_nothing(kb: KnowledgeBase):
    await put(kb, long_document(12))
    revision = await kb.store.revision()

    assert [result.outcome for result in await put(kb, long_document(12))] == ["unchanged"]
    assert await kb.store.revision() == revision


@pytest.mark.parametrize(("before", "after"), [(20, 12), (12, 20), (20, 2), (2, 20)])
async def test_another_length_leaves_what_ingesting_it_alone_leaves(kb: KnowledgeBase, before: int, after: int):
    new = long_document(after, seed=2)
    await put(kb, new)
    expected = await canonical(kb)
    await delete_sources(kb.store, SCOPE, await stored(kb))
    await put(kb, long_document(before))

    assert [result.outcome for result in await put(kb, new)] == ["updated"]
    assert await canonical(kb) == expected


async def test_any_part_stands_for_the_source_when_it_is_deleted(kb: KnowledgeBase):
    await put(kb, long_document(2, "short.md"))
    expected = await canonical(kb)
    await put(kb, long_document(20))

    gone = await delete_sources(kb.store, SCOPE, [(await stored(kb))[3]])

    assert {document.source for document in gone} == {"long.md"}
    assert await canonical(kb) == expected


async def test_many_sources_are_deleted_with_few_round_trips(kb: KnowledgeBase):
    await put(kb, *(long_document(1, f"short-{number}.md") for number in range(20)), long_document(20))
    short = [document for document in await stored(kb) if document.source != "long.md"]
    with count_round_trips() as trips:
        gone = await delete_sources(kb.store, SCOPE, short)
    assert (len(gone), trips.count) == (20, 2), "one read, one deletion"

    with count_round_trips() as trips:
        gone = await delete_sources(kb.store, SCOPE, await stored(kb))
    assert len(gone) > 5
    assert trips.count == 1 + 2 + 3, "the list; the beginnings and the parts; the first, the last and what is between"
    assert await stored(kb) == []


async def test_a_source_is_complete_only_with_its_last_part_and_goes_on_where_it_stopped(kb: KnowledgeBase):
    loaded = long_document(20)
    await put(kb, loaded)
    expected, parts = await canonical(kb), await stored(kb)
    await delete_sources(kb.store, SCOPE, parts)

    async def until_it_is_killed() -> None:
        async with asyncio.TaskGroup() as group:
            ingest = group.create_task(put(kb, loaded))
            while len(await kb.store.documents(SCOPE)) < 4:  # noqa: ASYNC110 - it is the store that is awaited
                await asyncio.sleep(0)
            ingest.cancel()

    await until_it_is_killed()
    broken = await stored(kb)
    assert 4 <= len(broken) < len(parts)
    assert [part.state for part in broken] == ["partial"] + ["complete"] * (len(broken) - 1)
    kept = {part.id: part.updated_at for part in broken[1:]}
    await asyncio.sleep(1.1)  # times are whole seconds

    await put(kb, loaded)

    assert await canonical(kb) == expected
    assert {part.id: part.updated_at for part in await stored(kb) if part.id in kept} == kept
