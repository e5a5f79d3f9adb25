"""What an ingest would use of the language model, before any of it is paid for."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from graphrag.contributing import document_text
from graphrag.errors import GraphRAGError, StoreError
from graphrag.ingest import changed, described_once, prepare, stored_documents
from graphrag.ingested import Ingested, Progress
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.usage import Usage
from graphrag.loaders.base import LoadedDocument
from graphrag.relabelling import only_relabelled
from graphrag.sources import Failure, read_ahead
from graphrag.types import MAX_CHUNKS_PER_DOCUMENT, PUBLIC, Metadata, Scope, check_label, check_metadata


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an ingest would use at most, if no call has to be repeated."""

    documents: int = 0
    """New or changed ones."""
    unchanged: int = 0
    failed: int = 0
    chunks: int = 0
    """Of the documents."""
    usage: Usage = field(default_factory=Usage)
    """Calls whose reply is not kept already. Input tokens are estimated, rather too many; output tokens are the most that
    is asked for."""
    priced: bool = True
    """Whether the price of the model is known, so that the usage has a cost."""

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            self.documents + other.documents,
            self.unchanged + other.unchanged,
            self.failed + other.failed,
            self.chunks + other.chunks,
            self.usage + other.usage,
            self.priced and other.priced,
        )


async def estimate_documents(
    kb: KnowledgeBase,
    scope: Scope,
    documents: Iterable[LoadedDocument | Failure],
    *,
    access: str = PUBLIC,
    metadata: Metadata | None = None,
    folders: Collection[str] = (),
    progress: Progress | None = None,
    seen: set[str] | None = None,
) -> Estimate:
    """Look at documents as ingest_documents would, with the same arguments, and store nothing.

    Args:
        progress: called for each source that is unchanged or fails.

    Raises:
        StoreError: the store failed.
    """
    check_label("access label", access)
    extra, met, total = check_metadata(metadata or {}), set[str]() if seen is None else seen, Estimate()

    def settle(result: Ingested) -> None:
        nonlocal total
        if progress is not None:
            progress(result)
        total += Estimate(unchanged=1) if result.outcome == "unchanged" else Estimate(failed=1)

    reading = read_ahead(documents)
    try:
        async for group in reading:
            described = list(described_once(kb, scope.tenant, access, extra, group, met, settle))
            known, _ = await stored_documents(kb, scope, [document for document, _ in described])
            for before, document, loaded in changed(kb, described, known, folders, settle):
                if before is not None and only_relabelled(before, document, kb.pipeline):
                    total += Estimate(documents=1, chunks=before.chunk_count)  # no model sees it again
                    continue
                try:
                    parts = await asyncio.to_thread(prepare, kb, document, loaded, MAX_CHUNKS_PER_DOCUMENT)
                    usage = await kb.extractor.estimate([document_text(part) for part in parts])
                except StoreError:
                    raise
                except GraphRAGError as exc:
                    settle(Ingested(document.source, "failed", document.id, reason=str(exc)))
                else:
                    chunks = sum(len(part.spans) for part in parts)
                    priced = kb.llm is None or kb.llm.chat.price is not None
                    total += Estimate(documents=1, chunks=chunks, usage=usage, priced=priced)
    finally:
        await reading.aclose()
    return total
