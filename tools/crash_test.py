"""kill -9 at random moments of an ingest, and what is left: nothing acknowledged is lost, nothing is torn, the end is the same.

    python tools/crash_test.py --trials 200 --results crash-test.jsonl        (what `make crash-test` does)

Each trial ingests the same documents with the hashing embedder, kills one process at a random moment, looks at what is
stored, lets the work go on, and compares the canonical export with that of an ingest that was left alone. Of five trials one
kills the Neo4j server, one runs on Neo4j and kills another process, and three run on the embedded store. Killed are `graphrag
ingest` (what it has printed is what was acknowledged), `graphrag worker` and `graphrag serve` (the progress saved with the job).
Trials are numbered and seeded by their number; those that the results file holds are not run again.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx

from graphrag.bootstrap import open_stores
from graphrag.errors import StoreError
from graphrag.exporting import batch_lines, canonical_lines
from graphrag.jobs import UploadedFile, ingest_job
from graphrag.settings import load_settings
from graphrag.stores.base import GraphStore
from graphrag.stores.system import ENDED, Job, SystemStore
from graphrag.types import ALL_ACCESS, Scope
from graphrag.uploads import Uploads
from tools import neo4j_server
from tools.crash_bench import DATABASE, DOCUMENTS, Bench, Neo4j, Result

REPOSITORY = Path(__file__).resolve().parents[1]
SCOPE = Scope(access=frozenset({ALL_ACCESS}))
LEASE_SECONDS = 1.0
TRIAL_SECONDS = 900.0
_PRINTED = re.compile(r"^(?:created|updated) +(\S+) \(", re.MULTILINE)
_T = TypeVar("_T")


class Trial:
    """One store, one way of ingesting, one kill."""

    def __init__(self, bench: Bench, number: int) -> None:
        rng = random.Random(number)
        self.bench = bench
        kind = number % 5
        self.killed = "neo4j" if kind == 0 else rng.choice(("client", "worker", "server"))
        # In the other place only where the server itself is not what is killed.
        self.store = "neo4j" if kind in (0, 1) and bench.server is not None else "embedded"
        if self.store == "embedded" and self.killed == "neo4j":
            self.killed = "worker"
        self.way = "worker" if self.killed == "neo4j" else self.killed
        self.folder = bench.folder / f"trial-{number}"
        self.folder.mkdir()
        self.url = bench.server.url if self.store == "neo4j" and bench.server else f"sqlite:///{self.folder / DATABASE}"
        # By what is stored and not by time, which would often be too early or too late on a machine that does other things.
        due = -1 if rng.random() < 0.1 else rng.randrange(bench.documents)
        self.delay = rng.uniform(0, 2.0 if due < 0 else 0.03)
        self.result = Result(number, self.store, self.killed, due)
        self.job_id = uuid.uuid4().hex
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.begun = time.monotonic()

    # What is ingested, and by whom

    def submit(self) -> None:
        """Give the work away, where the way of ingesting has somebody to give it to."""
        if self.way == "worker":
            uploads = Uploads(self.folder / "data")
            files = [
                UploadedFile(uploads.put("default", text.encode()), source) for source, text in self.bench.texts.items()
            ]
            asyncio.run(self._with_system(lambda system: system.submit_job(ingest_job(self.job_id, SCOPE, files))))
        elif self.way == "server":
            documents = [{"source": source, "text": text} for source, text in self.bench.texts.items()]
            response = httpx.post(
                f"http://127.0.0.1:{self.port}/v1/admin/documents",
                json={"documents": documents},
                timeout=60,
                trust_env=False,
            )
            self.job_id = response.raise_for_status().json()["job"]["id"]

    def start(self) -> None:
        """Start the process that does the work."""
        arguments = {
            "client": ["ingest", str(self.bench.folder / "documents")],
            "worker": ["worker", "--alone"],
            "server": ["serve", "--dev"],
        }[self.way]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHRAG_")}
        environment = kept | {
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            "GRAPHRAG_STORE_URL": self.url,
            "GRAPHRAG_EMBEDDER": "hashing",
            "GRAPHRAG_DATA_DIR": str(self.folder / "data"),
            "GRAPHRAG_LEASE_SECONDS": str(LEASE_SECONDS),
            "GRAPHRAG_PORT": str(self.port),
        }
        with (self.folder / "process.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", *arguments], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        if self.way == "server":
            self._until(self._serves, "the server answers")

    def finish(self) -> None:
        """Wait until the work is done, however often the process has to be started again."""
        if self.way == "client":
            self._until(self._client_succeeded, "graphrag ingest succeeds")
        else:
            asyncio.run(self._until_the_job_has_ended())
        self.stop()

    def stop(self, how: int = signal.SIGKILL) -> None:
        """End the process."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def _client_succeeded(self) -> bool:
        assert self.process is not None
        code = self.process.poll()
        if code is not None and code != 0:
            self.start()
        return code == 0

    async def _until_the_job_has_ended(self) -> None:
        # One connection for the whole wait: opening a store takes more of its server than an ingest leaves.
        async with open_stores(load_settings(store_url=self.url)) as (_, system):
            job: Job | None = None
            while job is None or job.state not in ENDED:
                with suppress(StoreError):
                    job = await system.job(SCOPE, self.job_id)
                assert self.process is not None
                if self.process.poll() is not None:
                    self.start()
                self._check_time("the job has ended")
                await asyncio.sleep(0.1)
        if job.state != "succeeded" or job.error:
            raise AssertionError(f"the job ended as {job.state}: {job.error}")

    def _job(self) -> Job | None:
        with suppress(StoreError):
            return asyncio.run(self._with_system(lambda system: system.job(SCOPE, self.job_id)))
        return None

    def _serves(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError("the server ended")
        with suppress(httpx.TransportError):
            # Not verified, or each look would load all certificates first.
            url = f"http://127.0.0.1:{self.port}/health/live"
            return httpx.get(url, trust_env=False, verify=False).status_code == 200
        return False

    def _until(self, done: Callable[[], bool], what: str) -> None:
        while not done():
            self._check_time(what)
            time.sleep(0.1)

    def _check_time(self, what: str) -> None:
        if time.monotonic() - self.begun > TRIAL_SECONDS:
            raise AssertionError(f"{what}: not within {TRIAL_SECONDS:.0f} s, see {self.folder}")

    # The trial

    def run(self) -> Result:
        """Ingest, kill, look, go on, compare."""
        result = self.result
        try:
            self._begin()
            self._due()
            told = self._acknowledged()  # before the kill: a lower bound of what has been acknowledged
            if self.killed == "neo4j":
                assert self.bench.server is not None
                self.bench.server.kill()
                self.bench.server.restart()
            else:
                self.stop()
                told = max(told, self._acknowledged(), key=len)
            self._look(told)
            if self.killed != "neo4j":
                self.start()
            self.finish()
            result.equal = asyncio.run(self.export()) == self.bench.expected
        except Exception as exc:  # whatever it is, the trial has failed, and the next one begins
            result.problem = f"{type(exc).__name__}: {exc}"[:400]
        finally:
            self.stop()
            result.seconds = round(time.monotonic() - self.begun, 1)
            self._tidy(keep=not result.passed)
        return result

    def _due(self) -> None:
        """Wait for the moment of the kill."""
        assert self.process is not None
        with self.bench.counting(self.store, self.folder) as count:
            while self.process.poll() is None and count() < self.result.after_documents:
                time.sleep(0.02)
        time.sleep(self.delay)

    def _begin(self) -> None:
        # Only a server takes the work over HTTP, and has to run before.
        if self.way == "server":
            self.start()
            self.submit()
        else:
            self.submit()
            self.start()

    def left_alone(self) -> None:
        """Ingest without a kill, for what is expected."""
        self._begin()
        self.finish()
        exported = asyncio.run(self.export())
        if self.bench.expected and exported != self.bench.expected:
            raise AssertionError(f"an ingest by {self.way} into {self.store} gives another export without any kill")
        self.bench.expected = exported
        self.bench.whole = asyncio.run(self._stored())
        self._tidy(keep=False)

    def _acknowledged(self) -> set[str]:
        """Sources known to be stored, or as many placeholders as a job says it has stored."""
        if self.way == "client":
            return set(_PRINTED.findall((self.folder / "process.log").read_text()))
        job = self._job()
        # Sources are not kept one by one; `documents` counts those settled, which here are stored ones.
        return {f"#{number}" for number in range(int(job.progress.get("documents", 0)) if job else 0)}

    def _look(self, told: set[str]) -> None:
        """What has survived."""
        result = self.result
        stored = asyncio.run(self._stored())
        result.acknowledged, result.survived = len(told), len(stored)
        if self.way == "client":
            result.lost = len(told - stored.keys())
        else:
            result.lost = max(0, len(told) - len(stored))
        result.torn = sum(digest != self.bench.whole.get(source) for source, digest in stored.items())

    async def export(self) -> str:
        """Digest of the canonical export."""

        async def read(store: GraphStore) -> str:
            digest = hashlib.sha256()
            async for line in canonical_lines(store, SCOPE):
                digest.update(line.encode(errors="surrogatepass"))
            return digest.hexdigest()

        return await self._with_store(read)

    async def _stored(self) -> dict[str, str]:
        async def read(store: GraphStore) -> dict[str, str]:
            return {
                batch.document.source: hashlib.sha256(
                    "\n".join(batch_lines(batch, canonical=True)).encode()
                ).hexdigest()
                async for batch in store.export(SCOPE)
            }

        return await self._with_store(read)

    async def _with_store(self, work: Callable[[GraphStore], Awaitable[_T]]) -> _T:
        async with open_stores(load_settings(store_url=self.url)) as (store, _):
            return await work(store)

    async def _with_system(self, work: Callable[[SystemStore], Awaitable[_T]]) -> _T:
        async with open_stores(load_settings(store_url=self.url)) as (_, system):
            return await work(system)

    def _tidy(self, *, keep: bool) -> None:
        if self.store == "neo4j":

            async def clear(store: GraphStore) -> None:
                while found := await store.documents(SCOPE, limit=500):
                    await store.delete_documents(SCOPE, [document.id for document in found])

            with suppress(StoreError):
                asyncio.run(self._with_store(clear))
        if not keep:
            shutil.rmtree(self.folder)


def run(
    numbers: Sequence[int],
    folder: Path,
    *,
    documents: int = DOCUMENTS,
    neo4j: bool = True,
    told: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Run trials in a new folder.

    Args:
        numbers: which ones; the number decides what is killed and when.
        folder: for stores, logs and the home of the Neo4j server; what a failed trial left stays there.
        documents: in each trial.
        neo4j: start a server. Without one, all trials run on the embedded store.
        told: called after each trial.
    """
    wants_server = neo4j and any(number % 5 < 2 for number in numbers)
    bench = Bench(folder, documents, Neo4j(folder / "neo4j") if wants_server else None)
    results: list[Result] = []
    try:
        for number in numbers:
            trial = Trial(bench, number)
            key = (trial.store, trial.way)
            if key not in bench.tried:
                trial.left_alone()
                bench.tried.add(key)
                trial = Trial(bench, number)
            results.append(trial.run())
            told(results[-1])
    finally:
        if bench.server is not None:
            neo4j_server.end(bench.server.process)
    return results


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="kill -9 at random moments of an ingest, and what is left.")
    parser.add_argument("--trials", type=int, default=200, help="numbers 0 to this are run (default: 200)")
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help=f"in each (default: {DOCUMENTS})")
    parser.add_argument("--results", type=Path, default=Path("crash-test.jsonl"), help="read and appended to")
    parser.add_argument("--embedded-only", action="store_true", help="without a Neo4j server")
    parser.add_argument("--folder", type=Path, help="for stores and logs (default: a temporary one)")
    arguments = parser.parse_args()
    results: Path = arguments.results
    held = [Result(**json.loads(line)) for line in results.read_text().splitlines()] if results.exists() else []
    missing = sorted(set(range(arguments.trials)) - {result.trial for result in held})
    print(f"{len(held)} trials are in {results}, {len(missing)} to run", flush=True)

    def told(result: Result) -> None:
        with results.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
        print(
            f"{'passed' if result.passed else 'FAILED'} {result.trial:>3} {result.store:<8} kill {result.killed:<6} at "
            f"{result.after_documents:>3}: {result.acknowledged} acknowledged, {result.survived} stored, "
            f"{result.lost} lost, {result.torn} torn, {'equal' if result.equal else 'DIFFERENT'} at the end "
            f"({result.seconds} s) {result.problem}",
            flush=True,
        )

    folder: Path = arguments.folder or Path(tempfile.mkdtemp(prefix="graphrag-crash-"))
    if missing:
        held += run(
            missing,
            folder / uuid.uuid4().hex[:8],
            documents=arguments.documents,
            neo4j=not arguments.embedded_only,
            told=told,
        )
    middle = sum(0 < result.survived < arguments.documents for result in held)
    failed = [result.trial for result in held if not result.passed]
    print(
        f"{len(held)} trials, {sum(result.killed == 'neo4j' for result in held)} of them killed Neo4j; {middle} kills came in "
        f"the middle of the documents; {len(failed)} failed {failed or ''}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
