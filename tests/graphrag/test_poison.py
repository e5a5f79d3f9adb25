"""Documents of which workers die or hang, and stores that go away: the rest of the job is stored."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphrag.bootstrap import open_knowledge_base, open_stores
from graphrag.errors import StoreError
from graphrag.jobs import UploadedFile, Worker, ingest_job
from graphrag.knowledge import KnowledgeBase
from graphrag.settings import Settings, load_settings
from graphrag.tally import MAX_OUTAGES
from graphrag.types import Scope
from graphrag.uploads import Uploads

ADMIN = Scope("default", frozenset({"*"}))
REPOSITORY = Path(__file__).resolve().parents[2]
WORKER = """
    import asyncio, os, signal, sys, time
    from dataclasses import dataclass, replace
    from pathlib import Path
    from graphrag.bootstrap import open_knowledge_base
    from graphrag.jobs import Worker
    from graphrag.settings import load_settings
    from graphrag.uploads import Uploads

    @dataclass
    class Fragile:
        inner: object
        @property
        def fingerprint(self): return self.inner.fingerprint
        async def extract(self, documents):
            for document in documents:
                for chunk in document.chunks:
                    if "KILLS" in chunk.text: os.kill(os.getpid(), signal.SIGKILL)
                    if "HANGS" in chunk.text: await asyncio.to_thread(time.sleep, 3600)
            return await self.inner.extract(documents)

    async def main():
        folder = Path(sys.argv[1])
        async with open_knowledge_base(load_settings(store_url=f"sqlite:///{folder}/kb.db", embedder="hashing")) as kb:
            kb = replace(kb, extractor=Fragile(kb.extractor))
            worker = Worker(kb, Uploads(folder / "uploads"), str(os.getpid()), lease_seconds=0.5, stall_seconds=float(sys.argv[2]),
                            end_process=lambda: os._exit(75))
            while not await worker.work_once(): await asyncio.sleep(0.1)

    asyncio.run(main())
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of the worker's process."""
    return load_settings(store_url=f"sqlite:///{tmp_path}/kb.db", embedder="hashing")


def submit(settings: Settings, folder: Path, *texts: str) -> None:
    async def put() -> None:
        uploads = Uploads(folder / "uploads")
        files = [
            UploadedFile(await asyncio.to_thread(uploads.put, "default", text.encode()), f"{n}.txt")
            for n, text in enumerate(texts)
        ]
        async with open_stores(settings) as (_, system):
            await system.submit_job(ingest_job("j1", ADMIN, files))

    asyncio.run(put())


@pytest.mark.parametrize(("poison", "code"), [("KILLS", -signal.SIGKILL), ("HANGS", 75)])
def test_a_document_that_workers_die_of_is_set_aside_and_all_others_are_stored(
    settings: Settings, tmp_path: Path, poison: str, code: int
):
    submit(settings, tmp_path, *(f"Ida Rowan wrote note {n}. {poison if n == 4 else ''}" for n in range(9)))
    codes: list[int] = []
    while (not codes or codes[-1]) and len(codes) < 6:
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        # Long where nothing hangs: a machine that does other things must not look like one that does.
        command = [sys.executable, "-c", textwrap.dedent(WORKER), str(tmp_path), "6" if poison == "HANGS" else "50"]
        codes.append(subprocess.run(command, env=environment, cwd=tmp_path, timeout=60).returncode)

    assert codes == [code, code, code, 0]  # together with others, twice alone, and then without it

    async def stored() -> tuple[str, list[str], list[tuple[str, str]]]:
        async with open_stores(settings) as (store, system):
            job = await system.job(ADMIN, "j1")
            failed = await system.failures(ADMIN, "j1")
            documents = await store.documents(ADMIN)
            return job.state, sorted(d.source for d in documents), [(one.source, one.reason) for one in failed]

    state, sources, ((source, reason),) = asyncio.run(stored())
    assert (state, source, sources) == ("succeeded", "4.txt", [f"{n}.txt" for n in range(9) if n != 4])
    assert "died or hung 2 times" in reason


@pytest.fixture
async def kb(settings: Settings) -> AsyncGenerator[KnowledgeBase]:
    """An empty knowledge base."""
    async with open_knowledge_base(settings) as kb:
        yield kb


async def test_a_job_waits_for_a_store_that_went_away_and_is_continued(
    kb: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    worker = Worker(kb, Uploads(tmp_path / "uploads"), "w1", lease_seconds=2, poll_seconds=0.05)
    sha256 = await asyncio.to_thread(worker.uploads.put, "default", b"Ida Rowan founded Alder Pumps.")
    await kb.system.submit_job(ingest_job("j1", ADMIN, [UploadedFile(sha256, "a.txt")]))

    async def away(*_: object, **__: object) -> Any:
        raise StoreError("away")

    with monkeypatch.context() as patch:
        patch.setattr(type(kb.store), "write_many", away)
        for outages in range(1, MAX_OUTAGES):
            with pytest.raises(StoreError):
                await worker.work_once()
            job = await kb.system.job(ADMIN, "j1")
            assert (job.state, job.progress["outages"], job.progress["crashes"]) == ("queued", outages, 0)
        with pytest.raises(StoreError):
            await worker.work_once()
        assert (await kb.system.job(ADMIN, "j1")).state == "failed"
    await kb.system.retry_job(ADMIN, "j1")
    assert await worker.work_once()
    assert (await kb.system.job(ADMIN, "j1")).state == "succeeded"


async def test_a_worker_that_died_is_followed_by_care_which_stores_the_same(kb: KnowledgeBase, tmp_path: Path):
    worker = Worker(kb, Uploads(tmp_path / "uploads"), "w1", lease_seconds=0.2, poll_seconds=0.05)
    lines = b'{"id": "1", "text": "Ida."}\n{"id": "2", "text": "Rowan."}\n'
    files = [
        UploadedFile(await asyncio.to_thread(worker.uploads.put, "default", data), name)
        for name, data in (("a.txt", b"One."), ("b.jsonl", lines), ("a.txt", b"Two."), ("c.txt", b" "))
    ]
    await kb.system.submit_job(ingest_job("j1", ADMIN, files))
    claimed = await kb.system.claim_job("dies", 0.01)
    assert claimed is not None
    await kb.system.save_progress(claimed[1], {"phase": "running", "suspect": "a.txt"})
    await asyncio.sleep(0.05)

    assert await replace(worker, name="w2").work_once()

    job = await kb.system.job(ADMIN, "j1")
    assert (job.state, job.progress["created"], job.progress["failed"]) == ("succeeded", 3, 2)
    assert [failure.source for failure in await kb.system.failures(ADMIN, "j1")] == ["a.txt", "c.txt"]
    (first,) = await kb.store.documents(ADMIN, source_prefix="a.txt")
    assert await kb.store.texts(ADMIN, [first.id]) == {first.id: "One."}
