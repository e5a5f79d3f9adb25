"""Latency of an update and a deletion in a filled store, and the time from an upload to its first hit.

    python benchmarks/updates.py --chunks 50000 --store-url sqlite:///updates.db

Filled with the synthetic documents of benchmarks/stores.py (20 chunks each). An update writes another version of a stored
document; a new label alone reads what is stored of it and writes that; a deletion takes one away, which is written again afterwards. `post_to_hit` is the life of one small document of the service: upload and job
submitted, worker woken, parsed, hashed into vectors, extracted, stored, and found by a search that is tried every 5 ms, in one process,
without HTTP. The tenant is a new one, removed at the end.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from benchmarks.stores import DIMENSION, Corpus
from graphrag.bootstrap import open_knowledge_base, open_stores
from graphrag.jobs import UploadedFile, Worker, ingest_job
from graphrag.relabelling import relabel
from graphrag.settings import load_settings
from graphrag.types import Fingerprints, Scope
from graphrag.uploads import Uploads


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and largest, in milliseconds."""
    ordered = sorted(seconds)
    at = {"p50": len(ordered) // 2, "p95": min(len(ordered) - 1, int(len(ordered) * 0.95)), "max": len(ordered) - 1}
    return {name: round(1000 * ordered[index], 1) for name, index in at.items()}


async def timed(times: list[float], work: Callable[[], Awaitable[object]]) -> None:
    """Do it and note how long it took."""
    begun = time.perf_counter()
    await work()
    times.append(time.perf_counter() - begun)


async def writes(url: str, chunks: int, runs: int) -> dict[str, object]:
    """Updates, new labels and deletions in a store of so many chunks."""
    tenant = f"updates-{uuid4().hex[:8]}"
    scope = Scope(tenant, frozenset({"*"}))
    updates: list[float] = []
    labels: list[float] = []
    deletions: list[float] = []
    async with open_stores(load_settings(store_url=url)) as (store, _):
        await store.bind(Fingerprints(f"synthetic-{DIMENSION}", f"synthetic-{DIMENSION}"))
        begun = time.perf_counter()
        kept = []
        for number, batch in enumerate(Corpus(tenant, seed=5).documents(chunks)):
            await store.write(scope, batch)
            if number % max(1, chunks // 20 // runs) == 0:
                kept.append(batch)
        filled = time.perf_counter() - begun
        # Writes and deletions change what the indexes hold, so a read has to see them at once.
        await store.statistics(scope)
        for batch in kept[:runs]:
            new = replace(batch, document=replace(batch.document, fingerprint=uuid4().hex))
            await timed(updates, lambda new=new: store.write(scope, new))
        for batch in kept[:runs]:
            (stored,) = await store.documents(scope, ids=[batch.document.id])
            hidden = replace(stored, access="legal", fingerprint=uuid4().hex)
            await timed(labels, lambda stored=stored, hidden=hidden: relabel(store, scope, stored, hidden))
        for batch in kept[:runs]:
            await timed(deletions, lambda batch=batch: store.delete_documents(scope, [batch.document.id]))
            await store.write(scope, batch)
        while found := await store.documents(scope, limit=200):
            await store.delete_documents(scope, [document.id for document in found])
    return {
        "fill_seconds": round(filled, 1),
        "update_ms": spread(updates),
        "label_ms": spread(labels),
        "delete_ms": spread(deletions),
        "load_at_the_end": os.getloadavg()[0],
    }


async def post_to_hit(url: str, runs: int) -> dict[str, float]:
    """From the submission of a job with one document to the first search that finds it."""
    tenant = f"posted-{uuid4().hex[:8]}"
    scope = Scope(tenant, frozenset({"*"}))
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with open_knowledge_base(load_settings(store_url=url, embedder="hashing")) as kb:
            wake = asyncio.Event()
            worker = Worker(kb, Uploads(Path(folder)), f"bench-{os.getpid()}")
            working = asyncio.create_task(worker.run(wake))
            for number in range(runs):
                word = f"zyrvane{number}"
                text = f"# Note {number}\n\nIda Rowan of Alder Pumps wrote about {word} in Aarhus.\n".encode()

                async def once(number: int = number, word: str = word, text: bytes = text) -> None:
                    sha256 = await asyncio.to_thread(worker.uploads.put, tenant, text)
                    await kb.system.submit_job(
                        ingest_job(uuid4().hex, scope, [UploadedFile(sha256, f"note-{number}.md")])
                    )
                    wake.set()
                    while not await kb.store.search_chunks(scope, [word], 1):  # noqa: ASYNC110 - as a caller would
                        await asyncio.sleep(0.005)

                await timed(times, once)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            while found := await kb.store.documents(scope, limit=200):
                await kb.store.delete_documents(scope, [document.id for document in found])
    return spread(times[1:])  # the first one loads the language model


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Both. Each in a store of its own where that is a file: their vectors are of different models."""
    url: str = arguments.store_url
    found: dict[str, object] = {"store": url.partition(":")[0], "chunks": arguments.chunks, "load": os.getloadavg()[0]}
    if not arguments.no_post:
        found["post_to_hit_ms"] = await post_to_hit(url + (".post" if url.startswith("sqlite") else ""), arguments.runs)
    if arguments.chunks:
        found |= await writes(url, arguments.chunks, arguments.runs)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Latency of updates, deletions and uploads.")
    parser.add_argument("--chunks", type=int, default=50_000, help="0 leaves updates and deletions out")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument(
        "--no-post", action="store_true", help="leave the upload out (one Neo4j database holds one model)"
    )
    parser.add_argument("--store-url", required=True)
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
