"""Ingest: what is stored, what is a no-op, and what a failure leaves alone."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest

from graphrag.errors import InputError
from graphrag.ingest import ingest_documents
from graphrag.ingested import Ingested
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument, load_bytes
from graphrag.sources import Failure
from graphrag.types import ALL_ACCESS, Scope

SCOPE = Scope(access=frozenset({ALL_ACCESS}))

REPORT = """# INC-1 post-mortem

The gateways at Maasvliet Terminal went dark on 11 March 2025. Anneke Brouwer led the response.

## Root cause

The PMX-48 power module, supplied by Halvorix Components, had burnt out. Halvorix Components replaced it.

## Follow-up

Ewa Strzelecka of Team Lagoon tests every power module before it ships.
"""


def document(source: str = "a.md", text: str = REPORT) -> LoadedDocument:
    """A loaded Markdown document."""
    return load_bytes(text.encode(), source)[0]


async def test_a_second_ingest_of_the_same_documents_changes_nothing(kb: KnowledgeBase):
    documents = [document("a.md"), document("b.md", "# Other\n\nOther text.\n")]

    first = await ingest_documents(kb, SCOPE, documents)
    revision = await kb.store.revision()
    again = await ingest_documents(kb, SCOPE, documents)

    assert (first.count("created"), first.count("unchanged")) == (2, 0)
    assert (again.count("created"), again.count("unchanged"), again.chunks) == (0, 2, 0)
    assert await kb.store.revision() == revision


async def test_a_changed_document_replaces_the_one_of_its_source(kb: KnowledgeBase):
    await ingest_documents(kb, SCOPE, [document()])

    report = await ingest_documents(kb, SCOPE, [document(text="# New\n\nZyrvane Holdings took over.\n")])

    assert [result.outcome for result in report.results] == ["updated"]
    (stored,) = await kb.store.documents(SCOPE)
    assert stored.title == "New"
    assert not await kb.store.find_entities(SCOPE, keys=["halvorix components"])


@pytest.mark.parametrize("change", ["access", "metadata", "title"])
async def test_a_new_label_metadata_value_or_title_alone_is_an_update(kb: KnowledgeBase, change: str):
    loaded = document()
    await ingest_documents(kb, SCOPE, [loaded])

    report = await ingest_documents(
        kb,
        SCOPE,
        [replace(loaded, title="Renamed") if change == "title" else loaded],
        access="legal" if change == "access" else "public",
        metadata={"year": 2025} if change == "metadata" else None,
    )

    assert [result.outcome for result in report.results] == ["updated"]
    (stored,) = await kb.store.documents(SCOPE)
    assert stored.access == ("legal" if change == "access" else "public")
    assert dict(stored.metadata) == ({"year": 2025} if change == "metadata" else {})
    assert bool(await kb.store.documents(Scope())) == (change != "access")


async def test_metadata_of_the_run_wins_over_that_of_the_document(kb: KnowledgeBase):
    loaded = document(text="---\nyear: 2024\nowner: Ida\n---\n" + REPORT)

    await ingest_documents(kb, SCOPE, [loaded], metadata={"year": 2025})

    (stored,) = await kb.store.documents(SCOPE)
    assert dict(stored.metadata) == {"year": 2025, "owner": "Ida"}


async def test_a_document_that_cannot_be_stored_leaves_the_others(kb: KnowledgeBase):
    await ingest_documents(kb, SCOPE, [document("hidden.md")], access="secret")
    public = Scope()
    settled: list[Ingested] = []

    report = await ingest_documents(
        kb,
        public,
        [document("a.md"), document("hidden.md"), Failure("broken.pdf", "it is broken"), document("b.md")],
        progress=settled.append,
    )

    assert {result.source: result.outcome for result in report.results} == {
        "a.md": "created",
        "hidden.md": "failed",
        "broken.pdf": "failed",
        "b.md": "created",
    }
    assert settled == report.results
    reasons = {failure.source: failure.reason for failure in report.failures}
    assert reasons["broken.pdf"] == "it is broken"
    assert "outside the caller's scope: give this one another name, or store it with a key" in reasons["hidden.md"]
    assert [stored.access for stored in await kb.store.documents(SCOPE) if stored.source == "hidden.md"] == ["secret"]


async def test_of_two_documents_with_one_source_only_the_first_is_stored(kb: KnowledgeBase):
    report = await ingest_documents(kb, SCOPE, [document(), document(text="# Second\n\nOther text.\n")])

    assert sorted(result.outcome for result in report.results) == ["created", "failed"]
    assert "another document of this run has the source 'a.md'" in report.failures[0].reason
    (stored,) = await kb.store.documents(SCOPE)
    assert stored.title == "INC-1 post-mortem"


async def test_a_label_or_metadata_that_is_not_valid_ends_the_run_before_anything_is_read(kb: KnowledgeBase):
    def documents() -> Iterator[LoadedDocument]:
        raise AssertionError("was read")
        yield

    with pytest.raises(InputError, match="access label"):
        await ingest_documents(kb, SCOPE, documents(), access="not valid")
    with pytest.raises(InputError, match="metadata may not set 'tenant'"):
        await ingest_documents(kb, SCOPE, documents(), metadata={"tenant": "other"})


async def test_what_reading_raises_ends_the_run_and_what_was_stored_stays(kb: KnowledgeBase):
    def documents() -> Iterator[LoadedDocument]:
        for number in range(201):
            yield document(f"{number}.md", f"# Title {number}\n\nText.\n")
        raise InputError("the archive is damaged")

    with pytest.raises(InputError, match="the archive is damaged"):
        await ingest_documents(kb, SCOPE, documents())

    assert len(await kb.store.documents(SCOPE, limit=1000)) == 200


async def test_spans_quote_the_text_exactly(kb: KnowledgeBase):
    loaded = document(text=REPORT * 30)

    await ingest_documents(kb, SCOPE, [loaded])

    (stored,) = await kb.store.documents(SCOPE)
    text = (await kb.store.texts(SCOPE, [stored.id]))[stored.id]
    chunks = await kb.store.chunks(SCOPE, await kb.store.chunk_ids(SCOPE, stored.id))
    assert text == loaded.text
    assert stored.content_sha256 == sha256((REPORT * 30).encode()).hexdigest()
    assert len(chunks) == stored.chunk_count > 3
    assert chunks[0].core_start == 0
    assert chunks[-1].end == len(text)
    for before, after in pairwise(chunks):
        assert after.core_start == before.end
    quoted = 0
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        for start, end in chunk.sentences:
            assert chunk.core_start <= start < end <= chunk.end
            assert text[start:end].strip() == text[start:end]
        for mention in chunk.mentions:
            for start, end in mention.spans:
                quoted += 1
                assert chunk.core_start <= start
                assert text[start:end].casefold().split()[0] == mention.surface.casefold().split()[0]
            assert not mention.spans or mention.surface in {text[start:end] for start, end in mention.spans}
    assert quoted > 30
