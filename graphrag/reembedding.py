"""Moving a knowledge base to another embedding model while it is in use; see graphrag.stores.moving for the phases.

Sentence vectors stay: they are the local model's, whichever embeds passages. What was made before an interruption is kept,
so that running it again goes on where it stopped.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from graphrag.chunking import chunk_prefix
from graphrag.embedding import Passage, passage_text
from graphrag.embedding.tokenizer import open_tokenizer
from graphrag.errors import GraphRAGError, InputError, LeaseLostError, SchemaMismatchError
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.usage import paying
from graphrag.parts import part_fingerprint
from graphrag.relabelling import fingerprint_of
from graphrag.stores.moving import Move, Rename, Unembedded
from graphrag.stores.system import Job, JobEnd, Lease, SystemStore
from graphrag.types import ALL_ACCESS, Document, Scalar, Scope

KIND = "reembed"
CHUNKS_AT_ONCE = 256
"""Embedded and kept together: what an interruption may lose."""
DOCUMENTS_AT_ONCE = 200
OPERATOR = Scope("default", frozenset({ALL_ACCESS}))
"""Whose job a move is: it is of the whole store, which has one model for all tenants."""


@dataclass(slots=True)
class Reembedding:
    """How far a move is."""

    source: str
    target: str
    chunks: int = 0
    """Of the store."""
    embedded: int = 0
    """By this run."""
    seconds: float = 0.0
    phase: str = "embedding"
    """embedding, then cleaning after the switch, then ended."""

    def progress(self) -> dict[str, Scalar]:
        """What is saved with the job."""
        return {
            "phase": self.phase,
            "source": self.source,
            "target": self.target,
            "chunks": self.chunks,
            "embedded": self.embedded,
            "seconds": round(self.seconds, 1),
        }


Progress = Callable[[Reembedding], None]


async def reembed(kb: KnowledgeBase, *, progress: Progress | None = None) -> Reembedding:
    """Replace all chunk vectors by those of the knowledge base's embedder, to which its store is not bound yet.

    Others may read and write meanwhile. Once this has switched, processes that use the old model are refused, and are to be
    started again with the settings of the new one.

    Raises:
        SchemaMismatchError: the store holds nothing, or has sentence vectors of another model; or a move to yet another model
            was switched and not ended.
        ModelError: the embedder failed; what it made is kept.
        StoreError: the store failed.
    """
    moves, target, begun = kb.store.moves, kb.embedder.fingerprint, time.monotonic()
    known = await kb.store.fingerprints()
    if known is not None and known.sentences != kb.encoder.fingerprint:
        raise SchemaMismatchError(
            f"{kb.store.location} has sentence vectors of {known.sentences!r}, this process makes them with "
            f"{kb.encoder.fingerprint!r}, and re-embedding replaces those of passages alone: ingest into a new store"
        )
    move = await moves.current()
    if move is None and known is not None and known.embedder == target:
        state = Reembedding(target, target, chunks=await moves.count(), phase="ended")
        if progress is not None:
            progress(state)
        return state
    if move is None or not (move.switched and move.target == target):
        move = await moves.begin(target, kb.embedder.dimension)
    state = Reembedding(move.source, move.target, chunks=await moves.count())

    def told() -> None:
        state.seconds = time.monotonic() - begun
        if progress is not None:
            progress(state)

    told()
    while not move.switched:
        after = ""
        while chunks := await moves.waiting(after, CHUNKS_AT_ONCE):
            await moves.add(target, chunks, await _vectors(kb, chunks))
            after = chunks[-1].id
            state.embedded += len(chunks)
            told()
        # Not if a document was written since it was looked at.
        if await moves.switch(target):
            break
    state.phase = "cleaning"
    told()
    await _rename(kb, move)
    await moves.end(target)
    state.phase = "ended"
    told()
    return state


async def _vectors(kb: KnowledgeBase, chunks: list[Unembedded]) -> NDArray[np.float32]:
    """As ingesting makes them."""
    tokenizer = open_tokenizer()
    prefixes = [chunk_prefix(chunk.title, chunk.heading, tokenizer)[0] for chunk in chunks]
    if kb.embedder.fingerprint == kb.encoder.fingerprint:
        passages = [Passage(prefix, one.text, one.sentences) for prefix, one in zip(prefixes, chunks, strict=True)]
        return np.stack([vectors.chunk for vectors in await kb.encoder.encode(passages)])
    texts = [passage_text(prefix, one.text) for prefix, one in zip(prefixes, chunks, strict=True)]
    return await kb.embedder.embed(texts, "document")


async def _rename(kb: KnowledgeBase, move: Move) -> None:
    """Give documents the fingerprints that ingesting them now would give, so that this would find nothing to do."""
    old, new = kb.pipeline_with(move.source), kb.pipeline_with(move.target)
    after = ""
    while documents := await kb.store.moves.documents(after, DOCUMENTS_AT_ONCE):
        after = documents[-1].id
        # Others were ingested under other settings: ingesting will find them changed, and it is right.
        known = [one for one in documents if _fingerprint(one, old) == one.fingerprint]
        await kb.store.moves.rename([Rename(one.id, one.fingerprint, _fingerprint(one, new)) for one in known])


def _fingerprint(document: Document, pipeline: str) -> str:
    return part_fingerprint(fingerprint_of(document, pipeline), document.part)


async def reembed_as_job(
    kb: KnowledgeBase, worker: str, *, lease_seconds: float = 30.0, progress: Progress | None = None
) -> Reembedding:
    """As reembed, as a job that others see, and that only one process at a time works on.

    Args:
        kb: as reembed.
        worker: a name that no other process has.
        lease_seconds: after the death of this process another one may go on so much later.
        progress: told how far it is.

    Raises:
        InputError: another process is at it.
        LeaseLostError: the job was cancelled. What was made is kept.
    """
    job, lease = await _claim(kb.system, worker, kb.embedder.fingerprint, lease_seconds)
    latest: dict[str, Scalar] = {"phase": "queued", "target": kb.embedder.fingerprint}

    def told(state: Reembedding) -> None:
        latest.update(state.progress())
        if progress is not None:
            progress(state)

    with paying(kb.purse(job.scope.tenant, job=job.id)):
        work = asyncio.ensure_future(reembed(kb, progress=told))
    try:
        async with _beating(kb.system, lease, lease_seconds, latest, work):
            result = await work
    except asyncio.CancelledError:
        await _end(kb.system, lease, latest, "queued")
        raise
    except LeaseLostError as exc:
        raise LeaseLostError(
            f"the job {job.id} was cancelled, or another process has it now; what was embedded is kept, and "
            f"'graphrag reembed' goes on from there"
        ) from exc
    except GraphRAGError as exc:
        await _end(kb.system, lease, latest, "failed", str(exc))
        raise
    await _end(kb.system, lease, latest, "succeeded")
    return result


def check_retry(job: Job) -> None:
    """Refuse to queue a move again by itself: no worker takes it up, for want of the settings of the other model.

    Raises:
        InputError: the job is a move.
    """
    if job.kind == KIND:
        raise InputError(
            f"job {job.id} moves the store to another embedding model, which no worker does: run 'graphrag reembed' with the "
            f"settings of that model; it keeps what was embedded and goes on from there"
        )


async def _claim(system: SystemStore, worker: str, target: str, lease_seconds: float) -> tuple[Job, Lease]:
    """A job to this target: one that was given back or whose worker died, or else a new one."""
    while claimed := await system.claim_job(worker, lease_seconds, [KIND]):
        if claimed[0].payload.get("target") == target:
            return claimed
        await system.finish_job(claimed[1], "cancelled", "the store was to be moved to another model since")
    running = await system.jobs(OPERATOR, states=("running",), limit=1_000_000)
    if mine := next((job for job in running if job.kind == KIND), None):
        raise InputError(
            f"another process is moving this store (job {mine.id}): wait until it ends, follow it with 'graphrag jobs watch', "
            f"or if it has died, try again in {lease_seconds:.0f} s"
        )
    job = Job(f"reembed-{uuid4().hex[:12]}", OPERATOR, KIND, {"target": target}, progress={"phase": "queued"})
    await system.submit_job(job)
    claimed = await system.claim_job(worker, lease_seconds, [KIND])
    if claimed is None:
        raise InputError(f"another process took the job {job.id}: follow it with 'graphrag jobs watch {job.id}'")
    return claimed


@asynccontextmanager
async def _beating(
    system: SystemStore, lease: Lease, seconds: float, latest: dict[str, Scalar], work: "asyncio.Future[Reembedding]"
) -> AsyncGenerator[None]:
    """Renew the lease and save progress while the block runs; end the work when the lease is lost."""
    lost: list[LeaseLostError] = []

    async def beat() -> None:
        while True:
            await asyncio.sleep(min(1.0, seconds / 3))
            try:
                await system.renew_lease(lease, seconds)
                await system.save_progress(lease, dict(latest))
            except LeaseLostError as exc:
                lost.append(exc)
                work.cancel()
                return
            except GraphRAGError:
                continue  # the store is away: the work will fail of it, or the next beat reach it

    beating = asyncio.ensure_future(beat())
    try:
        yield
    except asyncio.CancelledError:
        if lost:
            raise lost[0] from None
        raise
    finally:
        for task in (beating, work):
            task.cancel()
        await asyncio.gather(beating, work, return_exceptions=True)


async def _end(system: SystemStore, lease: Lease, latest: dict[str, Scalar], state: JobEnd, error: str = "") -> None:
    with suppress(GraphRAGError):  # the outcome is the store's; the job only tells of it
        await system.save_progress(lease, dict(latest))
        await system.finish_job(lease, state, error)
