"""Peak memory of an ingest, which must not grow with the amount of text.

    python -m benchmarks.memory --megabytes 500 --embedder hashing --store-url sqlite:///memory.db
    python -m benchmarks.memory --megabytes 10 --embedder minilm --store-url neo4j://neo4j:password@127.0.0.1:7687

Text of made-up names and words, in documents of --document-kilobytes each, is generated while it is ingested; every paragraph has
a number that no other one has, as real text goes on bringing new words. The process's resident memory is read every half second.
--extractor capitalised takes the place of spaCy, which reads 500 MB in three to four hours (benchmarks/capitalised.py).
--minutes ends the ingest early, so that there are figures for what was stored till then. The tenant is a new one, which is
removed at the end, unless --tenant names one: it is kept, and a later run with the same name and arguments goes on where an
earlier one ended, with figures for what it stored itself. --log FILE gets a line of figures for each 5 MB.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np

from benchmarks.capitalised import CapitalisedExtractor
from graphrag.bootstrap import open_knowledge_base
from graphrag.ingest import ingest_documents
from graphrag.ingested import Ingested
from graphrag.loaders import LoadedDocument, load_bytes
from graphrag.settings import load_settings
from graphrag.types import Scope

LIMIT_MB = 1_500
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def resident_mb() -> float:
    """Memory of this process that is in RAM now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def documents(megabytes: float, kilobytes: float, seed: int) -> Iterator[LoadedDocument]:
    """Documents of so much text altogether, the same for the same arguments."""
    rng = random.Random(seed)
    words = ["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4))) for _ in range(20_000)]
    names = [f"{rng.choice(words).title()} {rng.choice(words).title()}" for _ in range(20_000)]

    def pick(values: list[str]) -> str:
        return values[min(int(rng.paretovariate(0.6)) - 1, len(values) - 1)]

    left, number = megabytes * 1e6, 0
    while left > 0:
        parts = [f"# {pick(names)} {number}\n"]
        size = 0
        while size < kilobytes * 1e3:
            said = " ".join(
                f"{pick(names)} {' '.join(pick(words) for _ in range(12))} {pick(names)}." for _ in range(8)
            )
            parts.append(f"\n{said} It was filed as {rng.getrandbits(40):x}.\n")
            size += len(said)
        data = "".join(parts).encode()
        left -= len(data)
        yield from load_bytes(data, f"memory/{number}.md")
        number += 1


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Ingest and watch."""
    settings = load_settings(store_url=arguments.store_url, embedder=arguments.embedder)
    tenant = arguments.tenant or f"memory-{uuid4().hex[:8]}"
    scope = Scope(tenant, frozenset({"*"}))
    curve: list[float] = []
    counts = {"documents": 0, "chunks": 0, "failed": 0, "unchanged": 0}
    settled_mb: list[float] = []

    def settled(result: Ingested) -> None:
        if result.outcome == "unchanged":  # stored by an earlier run
            counts["unchanged"] += 1
            return
        counts["documents"] += 1
        counts["chunks"] += result.chunks
        counts["failed"] += result.outcome == "failed"
        settled_mb.append(resident_mb())
        if arguments.log and counts["documents"] % round(5_000 / arguments.document_kilobytes) == 0:
            figures = {**counts, "seconds": round(time.perf_counter() - begun), "peak_mb": round(max(curve))}
            with arguments.log.open("a") as log:
                log.write(json.dumps(figures) + "\n")

    async def watch() -> None:
        while True:
            curve.append(await asyncio.to_thread(resident_mb))
            await asyncio.sleep(0.5)

    async with open_knowledge_base(settings) as opened:
        kb = replace(opened, extractor=CapitalisedExtractor()) if arguments.extractor == "capitalised" else opened
        watching = asyncio.create_task(watch())
        begun = time.perf_counter()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(arguments.minutes * 60):
                    await ingest_documents(
                        kb,
                        scope,
                        documents(arguments.megabytes, arguments.document_kilobytes, arguments.seed),
                        progress=settled,
                        keep_results=False,
                    )
        finally:
            seconds = time.perf_counter() - begun
            watching.cancel()
            if not (arguments.keep or arguments.tenant):
                while found := await kb.store.documents(scope, limit=200):
                    await kb.store.delete_documents(scope, [document.id for document in found])
    half = len(settled_mb) // 2
    # A slope by what was ingested, not by time: what matters is what more text would take.
    per_document = np.polyfit(range(half, len(settled_mb)), settled_mb[half:], 1)[0] if half > 1 else 0.0
    return {
        "megabytes": round(counts["documents"] * arguments.document_kilobytes / 1e3, 1),
        "embedder": arguments.embedder,
        "extractor": arguments.extractor,
        "store": settings.store_url.partition(":")[0],
        **counts,
        "seconds": round(seconds, 1),
        "chunks_per_second": round(counts["chunks"] / seconds, 1),
        "peak_mb": round(max(curve)),
        "peak_mb_by_tenth_of_documents": [round(max(part)) for part in _tenths(settled_mb)],
        "slope_of_second_half_mb_per_100_mb": round(per_document * 1e5 / arguments.document_kilobytes, 1),
    }


def _tenths(curve: list[float]) -> Iterator[list[float]]:
    step = max(1, len(curve) // 10)
    for start in range(0, len(curve), step):
        yield curve[start : start + step]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Peak memory of an ingest.")
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--minutes", type=float, default=1e6, help="end the ingest after so long")
    parser.add_argument("--document-kilobytes", type=float, default=40)
    parser.add_argument("--embedder", choices=("hashing", "minilm"), default="hashing")
    parser.add_argument("--extractor", choices=("spacy", "capitalised"), default="spacy")
    parser.add_argument("--store-url", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tenant", help="store under this tenant, keep it, and go on with what it holds")
    parser.add_argument("--log", type=Path, help="append figures to this file as it goes on")
    parser.add_argument("--keep", action="store_true", help="leave the documents in the store")
    found = asyncio.run(measure(parser.parse_args()))
    print(json.dumps(found))
    if float(str(found["peak_mb"])) > LIMIT_MB:
        raise SystemExit(f"more than {LIMIT_MB} MB")


if __name__ == "__main__":
    main()
