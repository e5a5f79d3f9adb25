"""Workers: jobs are carried out, given back, continued and given up."""

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from api.views import job_out
from graphrag import jobs
from graphrag.errors import InputError, ModelError, StoreError
from graphrag.ingested import Ingested
from graphrag.jobs import UploadedFile, Worker, ingest_job
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument, load_bytes
from graphrag.stores.system import Job, JobState
from graphrag.tally import MAX_CRASHES, Tally
from graphrag.types import Scope
from graphrag.uploads import Uploads

ADMIN = Scope("default", frozenset({"*"}))
TEXT = "Ida Rowan founded Alder Pumps in Aarhus."


@pytest.fixture
def worker(kb: KnowledgeBase, tmp_path: Path) -> Worker:
    """A worker that has not begun."""
    return Worker(kb, Uploads(tmp_path / "uploads"), "w1", lease_seconds=0.5, poll_seconds=0.05)


async def submit(worker: Worker, *texts: str, id: str = "j1", **options: Any) -> Job:
    files = [
        UploadedFile(await asyncio.to_thread(worker.uploads.put, "default", text.encode()), f"{n}.txt", **options)
        for n, text in enumerate(texts)
    ]
    await worker.kb.system.submit_job(ingest_job(id, ADMIN, files))
    return await worker.kb.system.job(ADMIN, id)


async def seen(worker: Worker, id: str = "j1") -> Job:
    return await worker.kb.system.job(ADMIN, id)


async def until(worker: Worker, state: JobState, id: str = "j1") -> Job:
    async with asyncio.timeout(20):
        while (job := await seen(worker, id)).state != state:  # noqa: ASYNC110 - the store is asked, as others do
            await asyncio.sleep(0.02)
    return job


async def test_a_job_stores_its_files_with_title_metadata_and_label(worker: Worker):
    await submit(worker, TEXT, title="A title", metadata={"year": 2025})

    assert await worker.work_once()
    assert not await worker.work_once()

    job = await seen(worker)
    assert (job.state, job.error, job.progress["created"], job.progress["phase"]) == ("succeeded", "", 1, "ended")
    (document,) = await worker.kb.store.documents(ADMIN)
    assert (document.source, document.title, document.metadata) == ("0.txt", "A title", {"year": 2025})


async def test_an_uploaded_slack_export_is_read_with_its_lists(worker: Worker):
    texts = {
        "export/users.json": '[{"id": "U01", "name": "ada", "real_name": "Ada Pell"}]',
        "export/channels.json": "[]",
        "export/general/2025-03-19.json": '[{"type": "message", "user": "U01", "ts": "1.0", "text": "Lunch?"}]',
    }
    files = [
        UploadedFile(await asyncio.to_thread(worker.uploads.put, "default", text.encode()), source)
        for source, text in texts.items()
    ]
    await worker.kb.system.submit_job(ingest_job("j1", ADMIN, files))

    await worker.work_once()

    progress = (await seen(worker)).progress
    assert (progress["created"], progress["failed"], progress["files_read"]) == (1, 0, 3)
    (document,) = await worker.kb.store.documents(ADMIN)
    assert await worker.kb.store.texts(ADMIN, [document.id]) == {document.id: "Ada Pell: Lunch?"}


async def test_a_file_that_cannot_be_read_is_a_failure_and_the_rest_go_on(worker: Worker):
    await submit(worker, TEXT, " \n")

    await worker.work_once()

    assert (await seen(worker)).state == "succeeded"
    (failure,) = await worker.kb.system.failures(ADMIN, "j1")
    assert failure.source == "1.txt"
    assert "empty" in failure.reason
    queue = await worker.kb.system.queue()
    assert (queue.done, queue.failed) == (1, 1)


async def test_a_loader_that_fails_unexpectedly_costs_its_own_file_alone(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(data: bytes, source: str, **options: Any) -> list[LoadedDocument]:
        if source == "1.txt":
            raise RuntimeError("nobody thought of this")
        return load_bytes(data, source, **options)

    monkeypatch.setattr(jobs, "load_bytes", fail)
    await submit(worker, f"{TEXT} One.", f"{TEXT} Two.", f"{TEXT} Three.")

    await worker.work_once()

    job = await seen(worker)
    assert (job.state, job.progress["created"], job.progress["files_read"]) == ("succeeded", 2, 3)
    (failure,) = await worker.kb.system.failures(ADMIN, "j1")
    assert failure.source == "1.txt"
    assert "unexpected RuntimeError: nobody thought of this" in failure.reason
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["reading 1.txt"]


async def test_a_job_of_which_nothing_can_be_stored_fails(worker: Worker):
    await submit(worker, " ")

    await worker.work_once()

    job = await seen(worker)
    assert (job.state, job.error) == ("failed", "no document could be stored")


async def test_a_file_that_was_swept_away_is_a_failure_that_says_so(worker: Worker):
    await submit(worker, TEXT)
    await asyncio.to_thread(worker.uploads.sweep, -1, ())

    await worker.work_once()

    (failure,) = await worker.kb.system.failures(ADMIN, "j1")
    assert "upload it again" in failure.reason
    assert "/" not in failure.reason


async def test_a_worker_that_is_stopped_gives_its_job_back_at_once(worker: Worker):
    await submit(worker, *(f"{TEXT} {n} {'word ' * 50}" for n in range(200)))
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await until(worker, "running")
    await asyncio.sleep(0.3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    job = await seen(worker)
    assert (job.state, job.progress["phase"], job.progress["crashes"]) == ("queued", "queued", 0)
    other = replace(worker, name="w2")
    await other.work_once()
    job = await seen(worker)
    assert job.state == "succeeded"
    assert (await worker.kb.store.statistics(ADMIN)).documents == 200


async def test_a_cancelled_job_stops_and_the_worker_goes_on(worker: Worker):
    await submit(worker, *(f"{TEXT} {n} {'word ' * 300}" for n in range(200)))
    await submit(worker, TEXT, id="j2")
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await until(worker, "running")
    await worker.kb.system.cancel_job(ADMIN, "j1")
    await until(worker, "succeeded", "j2")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert (await seen(worker)).state == "cancelled"
    assert (await worker.kb.store.statistics(ADMIN)).documents < 200


async def test_a_job_that_is_cancelled_and_retried_again_and_again_leaves_no_document_out(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
):
    await submit(worker, TEXT)
    system, begun = worker.kb.system, asyncio.Event()

    async def never(*_: object) -> Any:
        begun.set()
        await asyncio.sleep(60)

    with monkeypatch.context() as patch:
        patch.setattr(type(worker.kb.extractor), "extract", never)
        for _ in range(MAX_CRASHES):
            begun.clear()
            working = asyncio.create_task(worker.work_once())
            await asyncio.wait_for(begun.wait(), 20)
            await system.cancel_job(ADMIN, "j1")
            await system.retry_job(ADMIN, "j1")
            await working

    await worker.work_once()
    job = await seen(worker)
    assert (job.state, job.progress["created"], await system.failures(ADMIN, "j1")) == ("succeeded", 1, [])


async def test_a_lease_is_renewed_while_a_long_job_runs(worker: Worker, monkeypatch: pytest.MonkeyPatch):
    await submit(worker, TEXT)
    extract = type(worker.kb.extractor).extract

    async def slowly(*arguments: Any) -> Any:
        await asyncio.sleep(1.5)  # three leases
        return await extract(*arguments)

    monkeypatch.setattr(type(worker.kb.extractor), "extract", slowly)
    working = asyncio.create_task(worker.work_once())
    await asyncio.sleep(1)

    assert await worker.kb.system.claim_job("w2", 1) is None
    await working
    assert (await seen(worker)).state == "succeeded"


async def test_a_job_on_one_long_document_is_seen_to_be_worked_on(worker: Worker, monkeypatch: pytest.MonkeyPatch):
    await submit(worker, TEXT)
    extract, saved = type(worker.kb.extractor).extract, list[object]()
    save = type(worker.kb.system).save_progress

    async def slowly(*arguments: Any) -> Any:
        await asyncio.sleep(1.5)  # three leases
        return await extract(*arguments)

    async def noting(self: Any, lease: Any, progress: Any) -> None:
        saved.append(progress["seconds"])
        await save(self, lease, progress)

    monkeypatch.setattr(type(worker.kb.extractor), "extract", slowly)
    monkeypatch.setattr(type(worker.kb.system), "save_progress", noting)
    await worker.work_once()

    assert len([seconds for seconds in saved if 0.2 < cast(float, seconds) < 1.5]) >= 3


async def test_a_long_source_whose_parts_are_stored_one_by_one_does_not_hang(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
):
    text = "".join(f"## Section {n}\n\n{' '.join([TEXT] * 30)}\n\n" for n in range(12))
    await submit(worker, TEXT, id="j0")
    await worker.work_once()  # what loads the models
    await submit(worker, text)
    extract = type(worker.kb.extractor).extract

    async def slowly(*arguments: Any) -> Any:
        await asyncio.sleep(0.5)
        return await extract(*arguments)

    monkeypatch.setattr(jobs, "ingest_documents", partial(jobs.ingest_documents, max_chunks=8))
    monkeypatch.setattr(type(worker.kb.extractor), "extract", slowly)
    await replace(worker, stall_seconds=2.0).work_once()

    assert len(await worker.kb.store.documents(ADMIN)) > 4
    assert (await seen(worker)).state == "succeeded"


async def test_what_is_logged_of_a_job_says_whose_it_is_and_that_documents_failed(
    worker: Worker, caplog: pytest.LogCaptureFixture
):
    await submit(worker, TEXT, " ")

    with caplog.at_level(logging.INFO):
        await worker.work_once()

    lines = [record for record in caplog.records if record.name == "graphrag.jobs"]
    assert [(vars(line)["job"], vars(line)["tenant"]) for line in lines] == [("j1", "default")] * 2
    assert [line.levelname for line in lines] == ["INFO", "WARNING"]


async def test_a_job_whose_workers_die_again_and_again_is_given_up(worker: Worker):
    await submit(worker, TEXT)
    system = worker.kb.system
    for crashes in range(MAX_CRASHES):
        claimed = await system.claim_job("dies", 0.01)
        assert claimed is not None
        await system.save_progress(claimed[1], {"phase": "running", "crashes": crashes})
        await asyncio.sleep(0.02)

    await worker.work_once()

    job = await seen(worker)
    assert job.state == "failed"
    assert f"begun {MAX_CRASHES} times" in job.error
    await system.retry_job(ADMIN, "j1")
    await worker.work_once()
    assert (await seen(worker)).state == "succeeded"


@pytest.mark.parametrize("error", [ModelError("at http://m"), RuntimeError("/srv/secret")])
async def test_a_job_that_meets_a_fault_fails_without_its_text_and_the_worker_goes_on(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    await submit(worker, TEXT)

    async def broken(*_: object) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(type(worker.kb.extractor), "extract", broken)
        await worker.work_once()

    job = await seen(worker)
    assert job.state == "failed"
    assert "log" in job.error
    for hidden in ("/srv", "http", "secret"):
        assert hidden not in job.error
    await worker.kb.system.retry_job(ADMIN, "j1")
    await worker.work_once()
    assert (await seen(worker)).state == "succeeded"


async def test_a_worker_outlives_a_store_that_is_away(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    system = worker.kb.system
    claim = type(system).claim_job
    failing = 2

    async def sometimes(*arguments: Any) -> Any:
        nonlocal failing
        failing -= 1
        if failing >= 0:
            raise StoreError("away")
        return await claim(*arguments)

    monkeypatch.setattr(type(system), "claim_job", sometimes)
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await submit(worker, TEXT)
    await until(worker, "succeeded")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage().rpartition(": ")[2] for record in told] == ["away", "away"]
    assert not any(record.exc_info for record in told)  # the message says all that a traceback would


async def test_a_worker_with_another_upload_folder_says_so(
    worker: Worker, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    await submit(worker, TEXT)
    await replace(worker, uploads=Uploads(tmp_path / "elsewhere")).work_once()

    assert (await seen(worker)).state == "failed"
    told = [record.getMessage() for record in caplog.records if "GRAPHRAG_DATA_DIR" in record.getMessage()]
    assert told == [f"job j1: 1 of its files are not in {tmp_path / 'elsewhere'}: deleted, or the service has another GRAPHRAG_DATA_DIR"]  # fmt: skip


async def test_waking_a_worker_saves_the_wait_for_its_next_look(worker: Worker):
    wake = asyncio.Event()
    running = asyncio.create_task(replace(worker, poll_seconds=60).run(wake))
    await asyncio.sleep(0.2)
    await submit(worker, TEXT)
    wake.set()
    await until(worker, "succeeded")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_uploads_that_no_job_waits_for_are_swept_and_those_of_waiting_jobs_are_not(worker: Worker):
    await submit(worker, TEXT)
    await worker.work_once()
    waiting = await asyncio.to_thread(worker.uploads.put, "default", b"waits")
    await worker.kb.system.submit_job(ingest_job("j2", ADMIN, [UploadedFile(waiting, "w.txt")]))
    await worker.kb.system.cancel_job(ADMIN, "j2")
    await worker.kb.system.retry_job(ADMIN, "j2")

    await replace(worker, keep_seconds=-1).sweep()

    kept = await asyncio.to_thread(lambda: [path.name for path in (worker.uploads.folder / "default").iterdir()])
    assert kept == [waiting]


async def test_jobs_that_ended_long_ago_are_removed_and_leave_no_upload(worker: Worker):
    await submit(worker, TEXT, " ")
    await worker.work_once()
    await submit(worker, TEXT, id="j2")

    for keeps in (3600.0, 0.0):
        await replace(worker, keep_jobs_seconds=keeps).sweep()
        assert {job.id for job in await worker.kb.system.jobs(ADMIN)} == {"j1", "j2"}
    await replace(worker, keep_jobs_seconds=-1, keep_seconds=-1).sweep()

    assert [(job.id, job.state) for job in await worker.kb.system.jobs(ADMIN)] == [("j2", "queued")]
    await worker.work_once()
    assert (await seen(worker, "j2")).progress["unchanged"] == 1
    await replace(worker, keep_jobs_seconds=-1, keep_seconds=-1).sweep()
    assert await asyncio.to_thread(lambda: list((worker.uploads.folder / "default").iterdir())) == []


async def test_a_worker_that_always_has_a_job_sweeps_nevertheless(worker: Worker, monkeypatch: pytest.MonkeyPatch):
    swept = asyncio.Event()

    async def always(_: Worker) -> bool:
        await asyncio.sleep(0)
        return True

    async def sweep(_: Worker) -> None:
        swept.set()

    monkeypatch.setattr(Worker, "work_once", always)
    monkeypatch.setattr(Worker, "sweep", sweep)
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await asyncio.wait_for(swept.wait(), 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("options", [{"access": "../x"}, {"metadata": {"tenant": "x"}}, {"metadata": {"A": 1}}])
def test_a_job_with_a_malformed_label_or_metadata_is_refused(options: dict[str, Any]):
    with pytest.raises(InputError):
        ingest_job("j1", ADMIN, [], **options)


def test_the_time_that_is_left_is_told_only_where_it_is_known():
    rows = Tally(1, files_read=1, begun=time.monotonic() - 10)
    rows.settle(Ingested("staff.csv#1", "created"))
    files = Tally(4, files_read=2, begun=time.monotonic() - 10)
    files.settle(Ingested("a.md", "created"))

    assert "eta_seconds" not in rows.progress("running")
    assert files.progress("running")["eta_seconds"] == pytest.approx(30, abs=1)
    assert job_out(Job("j1", ADMIN, "ingest", {}, progress=rows.progress("running"))).progress.eta_seconds is None
