"""Ingest: loaded document -> chunks -> (vectors and mentions, side by side) -> one transaction per group of documents.

Documents are worked on in groups of about GROUP_CHUNKS chunks, so that the models see full batches and memory stays
bounded; while one group is embedded, the one before it is written and the next files are read.

Where a language model extracts, a chunk that it gives no usable reply for is stored without what the model would find. Its
document then carries a fingerprint that no document is described with, so the next ingest works on it again; all other replies
are kept, and cost nothing.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from graphrag.chunking import split
from graphrag.contributing import Ready, contribute, contribute_all
from graphrag.errors import ENDS_A_RUN, BudgetError, GraphRAGError, InputError, ModelError, StoreError
from graphrag.ingested import Ingested, IngestReport, Progress
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.usage import Purse, paying
from graphrag.loaders.base import LoadedDocument
from graphrag.parts import Prepared, cut, stored_parts
from graphrag.relabelling import fingerprint_of, only_relabelled, relabel
from graphrag.sources import Failure, read_ahead
from graphrag.stores.system import Lease
from graphrag.stores.together import write_together
from graphrag.syncing import SYNCED_FROM, kept_by_another, still_kept
from graphrag.types import (
    MAX_CHUNKS_PER_DOCUMENT,
    PUBLIC,
    Document,
    Metadata,
    Scope,
    WriteOutcome,
    check_label,
    check_metadata,
    document_id,
    stable_id,
)

GROUP_CHUNKS = 64
_log = logging.getLogger(__name__)


async def ingest_documents(
    kb: KnowledgeBase,
    scope: Scope,
    documents: Iterable[LoadedDocument | Failure],
    *,
    access: str = PUBLIC,
    metadata: Metadata | None = None,
    folders: Collection[str] = (),
    lease: Lease | None = None,
    progress: Progress | None = None,
    alive: Callable[[], object] = lambda: None,
    max_chunks: int = MAX_CHUNKS_PER_DOCUMENT,
    seen: set[str] | None = None,
    keep_results: bool = True,
    purse: Purse | None = None,
) -> IngestReport:
    """Store documents; those that are stored unchanged cost only a lookup, and no model sees those with just another label
    or metadata.

    Args:
        scope: whose tenant the documents go to; it has to hold the label `access`.
        documents: consumed lazily, in a thread; a Failure becomes one in the report, what it raises ends the run. Of two
            documents with one source, the second one is a failure.
        access: the label of all documents.
        metadata: added to every document's own, and wins over it.
        folders: of which documents stay kept that are (graphrag.syncing).
        lease: as for GraphStore.write.
        progress: called for each source as soon as it is settled.
        alive: called for each part of a long source as soon as it is stored.
        max_chunks: a source of more chunks becomes numbered parts (graphrag.parts).
        seen: ids of the documents of this run so far, to which these are added, where a run takes several calls.
        keep_results: put them into the report; without, what is told by `progress` is all there is, and a run of any length
            takes the same memory.
        purse: pays for the calls of a language model; by default one of this run alone, within the budget of a job.

    Returns:
        A report. A document that cannot be stored is a failure in it, and the rest go on; nothing of it is written (of
        a source in parts, those before the one that failed are, and part 0 stays `partial`).

    Raises:
        StoreError, ModelError: the store or a model failed; documents settled before stay stored.
        BudgetError: the same, when the budget is used up: documents that could be finished are stored.
    """
    check_label("access label", access)
    extra = check_metadata(metadata or {})
    report = IngestReport()

    def settle(result: Ingested) -> None:
        if keep_results:
            report.results.append(result)
        if progress is not None:
            progress(result)

    met = set[str]() if seen is None else seen
    with paying(purse or kb.purse(scope.tenant, job=uuid.uuid4().hex)):
        try:
            run = _Run(kb, scope, lease=lease, settle=settle, alive=alive, max_chunks=max_chunks)
            await run.ingest(documents, access=access, extra=extra, folders=folders, met=met)
        except BudgetError as exc:
            raise BudgetError(
                f"{exc}. What could be finished is stored; ingesting again goes on from there and pays for nothing twice"
            ) from exc
    return report


class _Run:
    """One run of an ingest: which documents wait for the models, and which are being written meanwhile."""

    def __init__(
        self,
        kb: KnowledgeBase,
        scope: Scope,
        *,
        lease: Lease | None,
        settle: Progress,
        alive: Callable[[], object],
        max_chunks: int,
    ) -> None:
        self._kb = kb
        self._scope = scope
        self._lease = lease
        self._settle = settle
        self._alive = alive
        self._max_chunks = max_chunks
        self._waiting: list[Prepared] = []
        self._warnings: dict[str, str] = {}
        """By id of the document, until it is settled."""
        self._writing: asyncio.Task[None] | None = None
        self._works = False
        """Whether the models have worked on a document of this run."""

    async def ingest(
        self,
        documents: Iterable[LoadedDocument | Failure],
        *,
        access: str,
        extra: Metadata,
        folders: Collection[str],
        met: set[str],
    ) -> None:
        """See ingest_documents."""
        reading = read_ahead(documents)
        try:
            async for group in reading:
                described = list(described_once(self._kb, self._scope.tenant, access, extra, group, met, self._settle))
                known, in_parts = await stored_documents(self._kb, self._scope, [document for document, _ in described])
                for before, document, loaded in changed(self._kb, described, known, folders, self._settle):
                    try:
                        await self._take(before, document, loaded, has_parts=document.source in in_parts)
                    except (StoreError, ModelError):
                        raise
                    except GraphRAGError as exc:
                        self._settle(Ingested(loaded.source, "failed", document.id, 0, str(exc)))
                    if sum(len(prepared.spans) for prepared in self._waiting) >= GROUP_CHUNKS:
                        await self._store_waiting()
                if self._waiting:
                    await self._store_waiting()
            await self._written()
        finally:
            if self._writing is not None:
                # A document is written whole, also when we stop.
                await asyncio.gather(self._writing, return_exceptions=True)
            await reading.aclose()

    async def _take(
        self, before: Document | None, document: Document, loaded: LoadedDocument, *, has_parts: bool
    ) -> None:
        """Store a document that takes no model or is too long for a group; have any other wait for one."""
        if before is not None and (reason := kept_by_another(before, document)):
            self._settle(Ingested(loaded.source, "failed", document.id, 0, reason))
            return
        if before is not None and only_relabelled(before, document, self._kb.pipeline):
            chunks = await relabel(self._kb.store, self._scope, before, document, lease=self._lease)
            if chunks is not None:
                self._settle(Ingested(loaded.source, "updated", document.id, chunks))
                return
        if loaded.warnings:
            self._warnings[document.id] = "; ".join(loaded.warnings)
        parts = await asyncio.to_thread(prepare, self._kb, document, loaded, self._max_chunks)
        if len(parts) == 1 and not has_parts:
            self._waiting += parts
            return
        await self._written()  # one long source in memory is enough
        try:
            self._settle_stored(await self._store_parts(parts))
            self._works = True
        except ModelError as exc:
            if not self._works or isinstance(exc, ENDS_A_RUN):
                raise
            self._refuse(parts[0], exc)

    async def _store_waiting(self) -> None:
        """Ask the models about the documents that wait, and begin to write them once the group before is written."""
        group, self._waiting = self._waiting, []
        ready, stopped = await contribute_all(self._kb, group, self._refuse, works=self._works)
        self._works = True
        await self._written()
        self._writing = asyncio.create_task(self._write(ready))
        if stopped is not None:
            await self._written()
            raise stopped

    async def _written(self) -> None:
        if self._writing is not None:
            await self._writing
            self._writing = None

    def _refuse(self, prepared: Prepared, exc: ModelError) -> None:
        _log.warning("a model fails on %r", prepared.document.source, exc_info=exc)
        reason = "a model fails on this document, and on no other; the log says how"
        self._settle(Ingested(prepared.document.source, "failed", prepared.document.id, 0, reason))

    async def _write(self, ready: Sequence[Ready]) -> None:
        waiting = iter(ready)
        batches = [one.batch for one in ready]
        async for outcome in write_together(self._kb.store, self._scope, batches, lease=self._lease):
            one = next(waiting)
            document = one.batch.document
            if isinstance(outcome, InputError):
                self._settle(Ingested(document.source, "failed", document.id, 0, str(outcome)))
            else:
                self._settle_stored(
                    _settled(document.source, outcome, document.id, len(one.batch.chunks), one.problems)
                )

    def _settle_stored(self, result: Ingested) -> None:
        if warning := self._warnings.pop(result.document_id, ""):
            _log.warning("not all of a document was read: %s", warning)
        self._settle(replace(result, warning=warning))

    async def _store_parts(self, parts: Sequence[Prepared]) -> Ingested:
        """Store a source that has parts or had some, in the order that graphrag.parts describes."""
        kb, scope, lease = self._kb, self._scope, self._lease
        document = parts[0].document
        before = await stored_parts(kb.store, scope, document.source)
        known = {one.id: one.fingerprint for one in before if one.state == "complete"}
        (ready,) = await contribute(kb, parts[:1])
        first, problems, incomplete = ready.batch, [*ready.problems], 0
        begun = replace(first, document=replace(document, state="partial"))
        outcome = await kb.store.write(scope, begun, lease=lease)
        self._alive()
        for part in parts[1:]:
            if known.get(part.document.id) != part.document.fingerprint:
                (ready,) = await contribute(kb, [part])
                await kb.store.write(scope, ready.batch, lease=lease)
                problems += ready.problems
                incomplete += bool(ready.problems)
                self._alive()
        stale = [one.id for one in before if one.part >= len(parts)]
        # Part 1 last: while any is left, it tells that there are more.
        for ids in ([id_ for id_ in stale if id_ != before[0].id], [id_ for id_ in stale if id_ == before[0].id]):
            if ids:
                await kb.store.delete_documents(scope, ids, lease=lease)
        if incomplete:  # whether there is anything to do is asked of part 0 alone
            marked = stable_id(first.document.fingerprint, "incomplete parts", incomplete)
            first = replace(first, document=replace(first.document, fingerprint=marked))
        await kb.store.write(scope, first, lease=lease)
        return _settled(document.source, outcome, document.id, sum(len(part.spans) for part in parts), problems)


def _settled(source: str, outcome: WriteOutcome, id_: str, chunks: int, problems: Sequence[str]) -> Ingested:
    if not problems:
        return Ingested(source, outcome, id_, chunks)
    reason = (
        f"{len(problems)} of {chunks} passages are stored without what the language model would find in them; ingest the "
        f"document again to have it try again. It failed since: {problems[0]}"
    )
    return Ingested(source, outcome, id_, chunks, reason, len(problems))


def described_once(
    kb: KnowledgeBase,
    tenant: str,
    access: str,
    extra: Metadata,
    items: Iterable[LoadedDocument | Failure],
    met: set[str],
    settle: Progress,
) -> Iterator[tuple[Document, LoadedDocument]]:
    """What was read, as documents, in order. Failures, and documents whose id was met before, are settled as failed.

    Args:
        extra: metadata that is added to each document's own.
        met: ids of the run so far, to which these are added.
    """
    for item in items:
        if isinstance(item, Failure):
            settle(Ingested(item.source, "failed", reason=item.reason))
            continue
        document = describe(kb, tenant, access, item, extra)
        if document.id not in met:
            met.add(document.id)
            yield document, item
            continue
        reason = f"another document of this run has the source {item.source!r}; rename one of them"
        settle(Ingested(item.source, "failed", document.id, reason=reason))


def changed(
    kb: KnowledgeBase,
    described: Iterable[tuple[Document, LoadedDocument]],
    known: Mapping[str, Document],
    folders: Collection[str],
    settle: Progress,
) -> Iterator[tuple[Document | None, Document, LoadedDocument]]:
    """What is not stored just so, each with what is stored of it; the others are settled as unchanged when their turn comes."""
    for document, loaded in described:
        before = known.get(document.id)
        if before is not None:
            document = still_kept(before, document, folders, kb.pipeline)
            if before.fingerprint == document.fingerprint:
                settle(Ingested(document.source, "unchanged", document.id))
                continue
        yield before, document, loaded


def describe(kb: KnowledgeBase, tenant: str, access: str, loaded: LoadedDocument, extra: Metadata) -> Document:
    """The Document that a loaded one becomes, its fingerprint included; the chunk count is still 0."""
    # Which folder keeps a document, and may delete it, is never said by the document.
    metadata = {key: value for key, value in loaded.metadata.items() if key != SYNCED_FROM} | dict(extra)
    described = Document(
        id=document_id(tenant, loaded.source),
        tenant=tenant,
        access=access,
        source=loaded.source,
        title=loaded.title,
        media_type=loaded.media_type,
        content_sha256=loaded.content_sha256,
        fingerprint="",
        metadata=metadata,
        length=len(loaded.text),
        chunk_count=0,
    )
    return replace(described, fingerprint=fingerprint_of(described, kb.pipeline))


async def stored_documents(
    kb: KnowledgeBase, scope: Scope, documents: Sequence[Document]
) -> tuple[dict[str, Document], set[str]]:
    """What is stored and complete, by id; and the sources of which a second part is stored."""
    ids = [document_id(scope.tenant, document.source, part) for document in documents for part in (0, 1)]
    stored = await kb.store.documents(scope, ids=ids, limit=len(ids))
    known = {one.id: one for one in stored if one.part == 0 and one.state == "complete"}
    return known, {one.source for one in stored if one.part}


def prepare(kb: KnowledgeBase, document: Document, loaded: LoadedDocument, max_chunks: int) -> list[Prepared]:
    """A document cut into chunks, in parts where it has more than `max_chunks`."""
    spans = split(
        loaded.text,
        title=loaded.title,
        headings=[(heading.start, heading.level, heading.text) for heading in loaded.headings],
        pages=loaded.pages,
        size=kb.chunk_tokens,
        overlap=kb.chunk_overlap,
    )
    return cut(Prepared(replace(document, chunk_count=len(spans)), loaded, spans), max_chunks)
