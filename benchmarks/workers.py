"""Documents per second of one and of several `graphrag worker` processes.

    python benchmarks/workers.py --workers 2 --store-url sqlite:///workers.db

Twelve jobs of the documents of tools/crash_bench.py, each in a tenant of its own, are submitted before the workers start. The
clock runs from the moment at which every worker has a job to the end of the last job, so that neither the start of processes
nor the loading of models counts; what was stored before that moment is taken off.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from graphrag.bootstrap import open_stores
from graphrag.jobs import UploadedFile, ingest_job
from graphrag.settings import load_settings
from graphrag.stores.system import ENDED
from graphrag.types import Scope
from graphrag.uploads import Uploads
from tools.crash_bench import corpus

JOBS = 12


async def measure(url: str, embedder: str, workers: int, documents: int) -> dict[str, object]:
    """Run so many workers until all jobs have ended."""
    scopes = [Scope(f"workers-{uuid4().hex[:8]}", frozenset({"*"})) for _ in range(JOBS)]
    with tempfile.TemporaryDirectory() as folder:
        uploads = Uploads(Path(folder))
        async with open_stores(load_settings(store_url=url)) as (store, system):
            for scope in scopes:
                files = [
                    UploadedFile(uploads.put(scope.tenant, text.encode()), source)
                    for source, text in corpus(documents // JOBS).items()
                ]
                await system.submit_job(ingest_job(uuid4().hex, scope, files))
            environment = os.environ | {
                "GRAPHRAG_STORE_URL": url,
                "GRAPHRAG_EMBEDDER": embedder,
                "GRAPHRAG_EMBEDDING_WORKERS": "1",
                "GRAPHRAG_DATA_DIR": folder,
                "GRAPHRAG_LOG_LEVEL": "warning",
            }
            command = [sys.executable, "-m", "api.cli", "worker", "--until-done"]
            processes = [subprocess.Popen(command, env=environment) for _ in range(workers)]  # noqa: ASYNC220 - quick

            async def stored() -> int:
                return sum([(await store.statistics(scope)).documents for scope in scopes])

            async def busy() -> int:
                jobs = [job for scope in scopes for job in await system.jobs(scope)]
                return sum(job.state != "queued" for job in jobs) if jobs else 0

            while await busy() < workers:  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.1)
            # Until the last of them has loaded its language model, which happens with its first document.
            await asyncio.sleep(3)
            before, begun = await stored(), time.perf_counter()
            while True:
                jobs = [job for scope in scopes for job in await system.jobs(scope)]
                if all(job.state in ENDED for job in jobs):
                    break
                await asyncio.sleep(0.1)
            seconds = time.perf_counter() - begun
            count = await stored() - before
            for process in processes:
                process.wait(60)
            for scope in scopes:
                found = await store.documents(scope, limit=documents)
                await store.delete_documents(scope, [document.id for document in found])
    return {
        "store": url.partition(":")[0],
        "embedder": embedder,
        "workers": workers,
        "documents": count,
        "seconds": round(seconds, 1),
        "documents_per_second": round(count / seconds, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Documents per second of workers.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--documents", type=int, default=600)
    parser.add_argument("--embedder", choices=("hashing", "minilm"), default="hashing")
    parser.add_argument("--store-url", required=True)
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.store_url, arguments.embedder, arguments.workers, arguments.documents))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
