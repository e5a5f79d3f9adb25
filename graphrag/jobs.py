"""Ingest jobs: what people submit is queued in the SystemStore, and workers carry it out, one job at a time each.

A worker claims a job under a lease, renews it while it works, and checks it inside each document's transaction; so a job
is continued by another worker when the first one dies, and no document is ever half-written. A job that is worked on again
begins with its first file: documents that are stored already are recognised by their fingerprint. What happens to a
document of which workers die is in graphrag.tally.

Needs no HTTP: the service runs workers in its own process, others may run anywhere on the same stores and upload folder.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import PurePath, PurePosixPath
from typing import Any, cast

from graphrag.errors import BudgetError, GraphRAGError, LeaseLostError, ModelError, NotFoundError, StoreError
from graphrag.estimating import Estimate, estimate_documents
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument, ParserProcess, load_bytes
from graphrag.loaders.slack_names import beside_channels, lists_of
from graphrag.sources import Failure, in_own_thread, loaded
from graphrag.stores.system import BULK, Job, JobEnd, Lease, SystemStore
from graphrag.stores.system_rows import now
from graphrag.tally import MAX_CRASHES, MAX_OUTAGES, Tally
from graphrag.types import ALL_ACCESS, PUBLIC, Metadata, Scalar, Scope, check_label, check_metadata
from graphrag.uploads import Uploads

KIND = "ingest"
SWEEP_SECONDS = 3600.0
SAVE_SECONDS = 1.0
"""Progress is saved, and a cancellation noticed, about so often."""
_RETRY_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a job, as its sender described it."""

    sha256: str
    """Where its bytes wait (graphrag.uploads)."""
    source: str
    title: str = ""
    """Instead of the document's own; empty keeps that."""
    metadata: Metadata = field(default_factory=dict[str, Scalar])


def ingest_job(
    id: str,
    scope: Scope,
    files: Sequence[UploadedFile],
    *,
    access: str = PUBLIC,
    metadata: Metadata | None = None,
    priority: int = 0,
    estimate: bool = False,
) -> Job:
    """A job that stores files in the scope's tenant with an access label, to be submitted.

    Args:
        estimate: store nothing; only find out what it would use of the language model.

    Raises:
        InputError: the label or the metadata are malformed.
    """
    payload = {
        BULK: [{**asdict(file), "metadata": dict(file.metadata)} for file in files],
        "access": check_label("access label", access),
        "metadata": check_metadata(metadata or {}),
        "estimate": estimate,
    }
    return Job(id, scope, KIND, payload, priority=priority, progress={"phase": "queued", "files": len(files)})


class StalledError(Exception):
    """A worker has settled nothing for so long that it is taken to hang."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Carries out ingest jobs.

    Args:
        name: known to the store as the holder of leases; differs between workers.
        lease_seconds: how long a job stays reserved for a worker that has died.
        poll_seconds: how long it waits where there is no job, before it looks again.
        keep_seconds: uploaded files are deleted so long after they came, unless a job still waits for them.
        keep_jobs_seconds: jobs are removed so long after they ended; 0 keeps them.
        stall_seconds: a worker that has neither read nor stored anything for so long is taken to hang.
        end_process: called when it hangs, in a process that does nothing else; code that hangs can be ended in no other way.
            Without it the job is given back, and the hanging thread stays.
    """

    kb: KnowledgeBase
    uploads: Uploads
    name: str
    lease_seconds: float = 30.0
    poll_seconds: float = 2.0
    keep_seconds: float = 24 * 3600.0
    keep_jobs_seconds: float = 30 * 24 * 3600.0
    stall_seconds: float = 1800.0
    end_process: Callable[[], None] | None = None

    async def run(self, wake: asyncio.Event) -> None:
        """Work until cancelled; a job that is under way is then given back, to be continued at once by another worker.

        Args:
            wake: set by whoever submits a job in this process, so that it begins without waiting for the next poll.
        """
        swept, pause = float("-inf"), self.poll_seconds
        while True:
            wake.clear()
            try:
                worked = await self.work_once()
                # Also where there is always a job. One that fails is tried again as late as any, and holds up no jobs.
                if time.monotonic() - swept > SWEEP_SECONDS:
                    swept = time.monotonic()
                    await self.sweep()
                pause = self.poll_seconds
                if worked:
                    continue
            except Exception as exc:
                # Mostly the store is away, which a line tells. Whatever it is, a worker that ends would leave all later jobs waiting.
                trace = None if isinstance(exc, StoreError) else exc
                _log.error("worker %s failed, trying again in %.0f s: %s", self.name, pause, exc, exc_info=trace)
                pause = min(pause * 2, _RETRY_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await wake.wait()

    async def work_once(self) -> bool:
        """Claim a job and carry it out. False if there was none.

        Raises:
            StoreError: the store cannot be reached.
        """
        claimed = await self.kb.system.claim_job(self.name, self.lease_seconds, [KIND])
        if claimed is None:
            return False
        job, lease = claimed
        tally = Tally.of(job, len(_files(job)))
        try:
            await self._carry_out(job, lease, tally)
        except LeaseLostError:
            _log.info("job %s was cancelled or taken over", job.id, extra=_named(job))
        return True

    async def _carry_out(self, job: Job, lease: Lease, tally: Tally) -> None:
        """Work on a job and end it, or give it back when cancelled."""
        system = self.kb.system
        if tally.crashes >= MAX_CRASHES:
            reason = f"it was begun {tally.crashes} times and never ended; look for a file that is too much, then retry"
            _log.warning("job %s fails: %s", job.id, reason, extra=_named(job))
            await _end(system, lease, tally, "failed", reason)
            return
        await system.save_progress(lease, tally.progress("running"))
        _log.info("job %s begins with %d files", job.id, tally.files, extra=_named(job))
        try:
            await self._work(job, lease, tally)
        except asyncio.CancelledError:
            with suppress(GraphRAGError):  # another worker goes on when the lease has run out
                await _end(system, lease, tally, "queued", "")
            raise
        except LeaseLostError:
            raise
        except StoreError as exc:
            _log.error("the store failed during job %s, which will be continued: %s", job.id, exc, extra=_named(job))
            await self._wait_for_the_store(lease, tally)
            raise  # so that the worker pauses
        except StalledError:
            # As if the worker had died: whoever claims it next has to know.
            await _end(system, lease, tally, "queued", "", phase="running")
        except BudgetError as exc:
            _log.warning("job %s ends: %s", job.id, exc, extra=_named(job))
            await _end(system, lease, tally, "failed", f"{exc}; then retry the job")
        except ModelError as exc:
            # Its text may name paths and servers, and those who submit jobs need not be those who run the service.
            _log.exception("job %s failed", job.id, extra=_named(job))
            await _end(system, lease, tally, "failed", f"a model {exc.plainly}; see the log of the service, then retry")
        except Exception:  # whatever it is, this job ends with it, and the worker goes on
            _log.exception("job %s met a fault of the software", job.id, extra=_named(job))
            await _end(system, lease, tally, "failed", "a fault of the software; see the log of the service")
        else:
            state: JobEnd = "failed" if tally.fruitless else "succeeded"
            await _end(system, lease, tally, state, tally.fruitless)
            # Those who run the service are told; the reasons quote documents, and stay with the job.
            level = logging.WARNING if tally.counts["failed"] else logging.INFO
            _log.log(level, "job %s %s", job.id, state, extra=_named(job) | {"progress": tally.progress("ended")})

    async def _work(self, job: Job, lease: Lease, tally: Tally) -> None:
        """Read and store a job's files while its lease is renewed; neither goes on when this has ended, however it ends.

        Raises:
            LeaseLostError, StalledError: see `_beat`.
            StoreError, ModelError, BudgetError: see graphrag.ingest.
        """
        work = asyncio.create_task(self._ingest(job, lease, tally))
        beat = asyncio.create_task(self._beat(lease, tally))
        try:
            await asyncio.wait({work, beat}, return_when=asyncio.FIRST_COMPLETED)
            if beat.done():  # it ends only when the lease is lost, or nothing happens any more
                await beat
            await work
        except StalledError:
            _log.critical("job %s hangs at %r", job.id, tally.suspect or "some document", extra=_named(job))
            if self.end_process is not None:
                self.end_process()
            raise
        finally:
            work.cancel()
            beat.cancel()
            # A document that is being written is written whole.
            await asyncio.gather(work, beat, return_exceptions=True)

    async def _wait_for_the_store(self, lease: Lease, tally: Tally) -> None:
        """Give the job back as soon as the store answers again; after many outages in a row, end it."""
        tally.outages += 1
        end = time.monotonic() + 2 * self.lease_seconds
        while time.monotonic() < end:
            try:
                if tally.outages < MAX_OUTAGES:
                    await _end(self.kb.system, lease, tally, "queued", "")
                else:
                    reason = "the store failed again and again; see the log of the service, then retry"
                    await _end(self.kb.system, lease, tally, "failed", reason)
            except StoreError:
                await asyncio.sleep(min(1.0, self.lease_seconds / 3))
            else:
                return

    async def _ingest(self, job: Job, lease: Lease, tally: Tally) -> None:
        access, metadata = str(job.payload["access"]), cast(Mapping[str, Scalar], job.payload["metadata"])
        seen: set[str] = set()
        tally.purse = self.kb.purse(job.scope.tenant, job=job.id)

        async def store(documents: Iterable[LoadedDocument | Failure]) -> None:
            if job.payload.get("estimate"):
                found = await estimate_documents(
                    self.kb,
                    job.scope,
                    documents,
                    access=access,
                    metadata=metadata,
                    progress=tally.settle,
                    seen=seen,
                )
                tally.estimate = found + (tally.estimate or Estimate())
                return
            await ingest_documents(
                self.kb,
                job.scope,
                documents,
                access=access,
                metadata=metadata,
                lease=lease,
                progress=tally.settle,
                alive=tally.live,
                seen=seen,
                keep_results=False,
                purse=tally.purse,
            )

        async def suspect(source: str) -> None:
            if tally.suspect != source:
                tally.suspect = source
                await self.kb.system.save_progress(lease, tally.progress("running"))

        hashes: dict[PurePath, str] = {PurePosixPath(file.source): file.sha256 for file in _files(job)}
        missing = await asyncio.to_thread(self.uploads.missing, job.scope.tenant, hashes.values())
        if missing:
            folder, told = self.uploads.folder.absolute(), "deleted, or the service has another GRAPHRAG_DATA_DIR"
            _log.warning("job %s: %d of its files are not in %s: %s", job.id, missing, folder, told, extra=_named(job))
        lists = {path: hashes[path] for path in beside_channels(hashes)}
        files = iter(_files(job))
        with ParserProcess(timeout=self.kb.parse_seconds) as parser:
            while tally.careful and (file := next(files, None)) is not None:
                await suspect(file.source)
                for item in await in_own_thread(partial(self._load, job, file, lists, tally, parser)):
                    await suspect(item.source)
                    await store([item])
            tally.suspect = ""
            await self.kb.system.save_progress(lease, tally.progress("running"))
            await store(item for file in files for item in self._load(job, file, lists, tally, parser))

    def _load(
        self, job: Job, file: UploadedFile, lists: Mapping[PurePath, str], tally: Tally, parser: ParserProcess
    ) -> Sequence[LoadedDocument | Failure]:
        """Read one file of the job; runs in a thread. `lists` has the hashes of what belongs to exports of Slack and is no document."""
        path, reasons = PurePosixPath(file.source), tally.quarantined

        def load() -> Sequence[LoadedDocument]:
            data = self.uploads.read(job.scope.tenant, file.sha256)
            listed = {
                one.name: self.uploads.read(job.scope.tenant, lists[one]) for one in lists_of(path) if one in lists
            }
            return load_bytes(
                data,
                file.source,
                parser=parser,
                title=file.title or None,
                metadata=file.metadata,
                max_bytes=self.kb.max_document_bytes,
                lists=listed,
            )

        try:
            if path in lists:
                return []
            if file.source in reasons:
                return [Failure(file.source, reasons[file.source])]
            found = loaded(file.source, load)
        finally:
            tally.read()
        return [Failure(one.source, reasons[one.source]) if one.source in reasons else one for one in found]

    async def _beat(self, lease: Lease, tally: Tally) -> None:
        """Save progress and renew the lease, until it is lost.

        Raises:
            LeaseLostError: the job was cancelled, or another worker has it.
            StalledError: nothing was read or settled for too long.
        """
        system, renewed = self.kb.system, time.monotonic()
        saved: Mapping[str, Scalar] = {}
        while True:
            await asyncio.sleep(min(SAVE_SECONDS, self.lease_seconds / 3))
            tally.look_at_purse()
            if time.monotonic() - tally.touched > self.stall_seconds:
                raise StalledError
            try:
                if time.monotonic() - renewed >= self.lease_seconds / 3:
                    await system.renew_lease(lease, self.lease_seconds)
                    # With it the progress, changed or not: a job on one large document is seen to be worked on.
                    renewed, saved = time.monotonic(), {}
                saved = await _save(system, lease, tally, saved)
            except LeaseLostError:
                raise
            except StoreError as exc:
                # The lease may outlast this; if it does not, the next document's transaction is refused.
                _log.warning("the progress of job %s cannot be saved: %s", lease.job_id, exc)

    async def sweep(self) -> None:
        """Remove jobs that ended long ago, and uploads that no job waits for any more."""
        if self.keep_jobs_seconds:
            removed = await self.kb.system.remove_jobs(now(ago=self.keep_jobs_seconds))
            if removed:
                _log.info("%d jobs that ended long ago were removed", removed)
        tenants = await asyncio.to_thread(self.uploads.tenants)
        keep: set[tuple[str, str]] = set()
        for tenant in tenants:
            scope = Scope(tenant, frozenset({ALL_ACCESS}))
            for job in await self.kb.system.jobs(scope, states=("queued", "running"), limit=1_000_000):
                if job.kind == KIND:
                    keep |= {(tenant, sha256) for sha256 in await self._hashes(scope, job.id)}
        deleted = await asyncio.to_thread(self.uploads.sweep, self.keep_seconds, keep)
        if deleted:
            _log.info("%d uploaded files were deleted, their jobs are done", deleted)

    async def _hashes(self, scope: Scope, job_id: str) -> list[str]:
        """Of the files of a job; none where it was removed meanwhile."""
        try:
            return [file.sha256 for file in _files(await self.kb.system.job(scope, job_id, whole=True))]
        except NotFoundError:
            return []


def _named(job: Job) -> dict[str, str]:
    """What a line of the log says of a job: enough to look it up."""
    return {"job": job.id, "tenant": job.scope.tenant}


def _files(job: Job) -> list[UploadedFile]:
    return [UploadedFile(**file) for file in cast(Sequence[Mapping[str, Any]], job.payload[BULK])]


async def _save(system: SystemStore, lease: Lease, tally: Tally, saved: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """Save failures first, so that a count never runs ahead of what can be listed."""
    failures, tally.failures = tally.failures, []
    try:
        if failures:
            await system.add_failures(lease, failures)
    except StoreError:
        tally.failures = failures + tally.failures
        raise
    progress = tally.progress("running")
    if progress["documents"] != saved.get("documents") or progress["files_read"] != saved.get("files_read"):
        await system.save_progress(lease, progress)
    return progress


async def _end(system: SystemStore, lease: Lease, tally: Tally, state: JobEnd, error: str, *, phase: str = "") -> None:
    if tally.failures:
        await system.add_failures(lease, tally.failures)
    await system.save_progress(lease, tally.progress(phase or ("queued" if state == "queued" else "ended")))
    done, failed = (0, 0) if tally.estimate is not None else (tally.stored, tally.counts["failed"])
    await system.finish_job(lease, state, error, done=done, failed=failed)
