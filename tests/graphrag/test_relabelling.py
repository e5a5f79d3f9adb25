"""Another access label or metadata alone: effective at once everywhere, and no model sees the document again."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from graphrag.bootstrap import open_knowledge_base
from graphrag.embedding import Passage
from graphrag.embedding.hashing import Hashing
from graphrag.exporting import canonical_lines
from graphrag.extraction import Contribution, DocumentText
from graphrag.extraction.spacy import SpacyExtractor
from graphrag.filters import Filter, parse_filter
from graphrag.ingest import ingest_documents
from graphrag.ingested import Ingested
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument, load_bytes
from graphrag.parts import stored_parts
from graphrag.settings import load_settings
from graphrag.types import ALL_ACCESS, ChunkVectors, Metadata, Scope, entity_id

EVERYTHING = Scope(access=frozenset({ALL_ACCESS}))
ANYBODY = Scope()
TEXT = "# Alder Pumps\n\nIda Rowan founded Alder Pumps in Aarhus. Halvorix Components supplies Alder Pumps.\n"
IDA, ALDER = (entity_id("default", key) for key in ("ida rowan", "alder pumps"))


class CountingEncoder(Hashing):
    """Hashing that knows how many passages it has seen."""

    seen = 0

    async def encode(self, passages: Sequence[Passage]) -> list[ChunkVectors]:
        self.seen += len(passages)
        return await super().encode(passages)


@dataclass
class CountingExtractor:
    """The spaCy extractor, with the number of documents that it has seen."""

    inner: SpacyExtractor = field(default_factory=SpacyExtractor)
    seen: int = 0

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    async def extract(self, documents: Sequence[DocumentText]) -> list[list[Contribution]]:
        self.seen += len(documents)
        return await self.inner.extract(documents)


EXTRACTOR = CountingExtractor()


@pytest.fixture
async def kb(store_url: str) -> AsyncGenerator[KnowledgeBase]:
    settings = load_settings(store_url=store_url, embedder="hashing", filter_fields="year")
    async with open_knowledge_base(settings) as opened:
        encoder = CountingEncoder()
        yield replace(opened, extractor=EXTRACTOR, embedder=encoder, encoder=encoder)


def seen(kb: KnowledgeBase) -> tuple[int, int]:
    """Passages that were embedded and documents that were read for entities, ever."""
    assert isinstance(kb.encoder, CountingEncoder)
    return kb.encoder.seen, EXTRACTOR.seen


async def put(
    kb: KnowledgeBase,
    loaded: LoadedDocument,
    access: str = "public",
    metadata: Metadata | None = None,
    limit: int = 100,
) -> Ingested:
    report = await ingest_documents(kb, EVERYTHING, [loaded], access=access, metadata=metadata, max_chunks=limit)
    (result,) = report.results
    return result


def alder(text: str = TEXT) -> LoadedDocument:
    return load_bytes(text.encode(), "alder.md")[0]


async def canonical(kb: KnowledgeBase) -> list[str]:
    return [line async for line in canonical_lines(kb.store, EVERYTHING)]


async def what_anybody_sees(kb: KnowledgeBase, filter: Filter | None = None) -> dict[str, int]:
    """How much each read finds."""
    store = kb.store
    (hits,) = await store.nearest_chunks(ANYBODY, np.eye(1, kb.embedder.dimension, dtype=np.float32), 5, filter)
    graph = await store.neighbourhood(ANYBODY, [ALDER], 1, 10)
    return {
        "documents": len(await store.documents(ANYBODY, filter=filter)),
        "vectors": len(hits),
        "terms": len(await store.search_chunks(ANYBODY, ["alder"], 5, filter)),
        "mentions": len(await store.chunks_mentioning(ANYBODY, [ALDER], 5, filter)),
        "entities": len(await store.entities(ANYBODY, [IDA, ALDER])),
        "relations": len(graph.relations),
        "counted": (await store.term_statistics(ANYBODY, ["alder"])).frequency["alder"],
    }


async def test_a_new_label_takes_everything_away_from_who_lacks_it_and_nothing_is_embedded(kb: KnowledgeBase):
    await put(kb, alder())
    before, shown, models = await what_anybody_sees(kb), await canonical(kb), seen(kb)
    assert min(before.values()) > 0

    hidden = await put(kb, alder(), access="legal")

    assert (hidden.outcome, hidden.chunks) == ("updated", 1)
    assert set((await what_anybody_sees(kb)).values()) == {0}
    # and back
    assert (await put(kb, alder())).outcome == "updated"
    assert await what_anybody_sees(kb) == before
    assert await canonical(kb) == shown
    assert seen(kb) == models


async def test_new_metadata_decides_at_once_what_a_filter_finds_and_nothing_is_embedded(kb: KnowledgeBase):
    await put(kb, alder(), metadata={"year": 2025})
    models = seen(kb)
    wanted = parse_filter({"year": 2026}, ["year"])
    filtered = ("documents", "vectors", "terms", "mentions")
    assert {(await what_anybody_sees(kb, wanted))[name] for name in filtered} == {0}

    assert (await put(kb, alder(), metadata={"year": 2026})).outcome == "updated"

    assert 0 not in (await what_anybody_sees(kb, wanted)).values()
    assert seen(kb) == models
    assert (await put(kb, alder(), metadata={"year": 2026})).outcome == "unchanged"


async def test_the_result_is_that_of_an_ingest_with_the_label_in_the_first_place(kb: KnowledgeBase):
    await put(kb, alder())
    await put(kb, alder(), access="legal", metadata={"year": 2025})
    relabelled = await canonical(kb)
    await kb.store.delete_documents(EVERYTHING, [one.id for one in await kb.store.documents(EVERYTHING)])

    await put(kb, alder(), access="legal", metadata={"year": 2025})

    assert await canonical(kb) == relabelled


@pytest.mark.parametrize("change", ["text", "title", "pipeline"])
async def test_another_text_title_or_pipeline_is_embedded_again(kb: KnowledgeBase, change: str):
    await put(kb, alder())
    models = seen(kb)
    loaded = alder(TEXT + "More.\n") if change == "text" else alder()
    if change == "title":
        loaded = replace(loaded, title="Renamed")
    changed = replace(kb, chunk_tokens=kb.chunk_tokens + 1) if change == "pipeline" else kb

    assert (await put(changed, loaded, access="legal")).outcome == "updated"

    assert all(now > then for now, then in zip(seen(kb), models, strict=True))


async def test_all_parts_of_a_long_source_get_the_label_without_a_model(kb: KnowledgeBase):
    text = "# Long\n" + "".join(f"\n## Part {n}\n\n" + f"Ida Rowan of Alder Pumps saw {n}. " * 30 for n in range(12))
    await put(kb, alder(text), limit=8)
    parts = await stored_parts(kb.store, EVERYTHING, "alder.md")
    assert len(parts) > 3
    models = seen(kb)

    assert (await put(kb, alder(text), access="legal", limit=8)).outcome == "updated"

    stored = await kb.store.documents(EVERYTHING)
    assert {(one.access, one.state) for one in stored} == {("legal", "complete")}
    assert len(stored) == len(parts) + 1
    assert seen(kb) == models
    relabelled = await canonical(kb)
    await kb.store.delete_documents(EVERYTHING, [one.id for one in stored])
    await put(kb, alder(text), access="legal", limit=8)
    assert await canonical(kb) == relabelled


async def test_a_source_of_which_a_part_is_missing_is_stored_anew(kb: KnowledgeBase):
    text = "# Long\n" + "".join(f"\n## Part {n}\n\n" + f"Ida Rowan of Alder Pumps saw {n}. " * 30 for n in range(12))
    await put(kb, alder(text), limit=8)
    parts = await stored_parts(kb.store, EVERYTHING, "alder.md")
    await kb.store.delete_documents(EVERYTHING, [parts[1].id])

    await put(kb, alder(text), access="legal", limit=8)

    stored = await kb.store.documents(EVERYTHING)
    assert {(one.access, one.state) for one in stored} == {("legal", "complete")}
    assert len(stored) == len(parts) + 1


async def test_who_lacks_the_label_cannot_take_it_from_a_document(kb: KnowledgeBase):
    await put(kb, alder(), access="legal")

    report = await ingest_documents(kb, ANYBODY, [alder()])

    assert [result.outcome for result in report.results] == ["failed"]
    assert set((await what_anybody_sees(kb)).values()) == {0}
