"""Latency, memory, indexing rate and recall as the corpus grows, with the passages of a benchmark inside.

The passages of a benchmark folder are ingested as they are. Around them the corpus is filled up with made-up documents of
several chunks, each made from a real passage: nine of ten of its names are replaced by invented ones, wherever they stand,
so terms, phrases and mentions are those that ingest would make of the new text, common names stay common, and every
vector lies between those of two real passages. At each size the benchmark's questions are asked, and scored on the real
passages among all.

    python -m benchmarks.scale EVAL/musique --sizes 2000 10000 50000 --store-url sqlite:///scale.db

The store has to be fresh. Times include embedding the question; writing a made-up document needs no model, so the rate
is that of the store alone.
"""

import argparse
import asyncio
import json
import random
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from agent.loop import Agent
from agent.modes import search
from graphrag.analysis import chunk_terms, normalise, phrases
from graphrag.bootstrap import open_knowledge_base
from graphrag.evaluation.beir import Dataset, load_dataset
from graphrag.evaluation.metrics import all_at, percentile, recall_at
from graphrag.evaluation.runner import ingest_dataset
from graphrag.knowledge import KnowledgeBase
from graphrag.settings import load_settings
from graphrag.types import Chunk, ChunkVectors, Document, GraphBatch, Mention, Scope, chunk_id, document_id, entity_id

KEPT_NAMES = 0.1
"""Share of the names of a real passage that its copies keep."""
CHUNKS_PER_DOCUMENT = 8
NOISE = 0.5
"""Length of the noise added to vectors of unit length."""
_SYLLABLES = "ba bel bri cor da del dor en fa fen gal gor hal il ka kel lan lor ma mer nor ol pel ra ren sal sel tor ul va vin zan".split()  # fmt: skip


class Maker:
    """Makes documents from real ones. The same seed makes the same documents."""

    def __init__(self, real: Sequence[GraphBatch], seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._real = [
            (chunk, vectors) for batch in real for chunk, vectors in zip(batch.chunks, batch.vectors, strict=True)
        ]
        self._names: list[str] = []

    def documents(self, tenant: str, first: int, chunks: int) -> Iterator[GraphBatch]:
        """Documents with this many chunks in all, numbered from `first`."""
        number = first
        while chunks > 0:
            size = min(chunks, CHUNKS_PER_DOCUMENT)
            yield self._document(tenant, number, size)
            number, chunks = number + 1, chunks - size

    def _document(self, tenant: str, number: int, size: int) -> GraphBatch:
        source = f"made/{number}.txt"
        id_ = document_id(tenant, source)
        title = self._name(self._random.randint(1, 3))
        texts: list[str] = []
        chunks: list[Chunk] = []
        vectors: list[ChunkVectors] = []
        start = 0
        for position in range(size):
            original, one = self._random.choice(self._real)
            _, other = self._random.choice(self._real)
            chunk = self._chunk(tenant, id_, source, title, position, start, original)
            texts.append(chunk.text)
            chunks.append(chunk)
            vectors.append(
                ChunkVectors(
                    self._unit(0.6 * one.chunk + 0.4 * other.chunk).astype(np.float32),
                    self._unit(one.sentences.astype(np.float32)).astype(np.float16),
                )
            )
            start = chunk.end
        text = "".join(texts)
        document = Document(
            id=id_,
            tenant=tenant,
            access="public",
            source=source,
            title=title,
            media_type="text/plain",
            content_sha256=sha256(text.encode()).hexdigest(),
            fingerprint=f"made-{number}",
            metadata={},
            length=len(text),
            chunk_count=size,
            title_key=normalise(title),
        )
        return GraphBatch(document, text, chunks, vectors, [])

    def _chunk(
        self, tenant: str, document: str, source: str, title: str, position: int, start: int, original: Chunk
    ) -> Chunk:
        """A copy of a real chunk with other names, placed at `start` of a document."""
        spans = sorted((*span, mention) for mention in original.mentions for span in mention.spans)
        renamed = {
            mention.key: self._name(len(mention.key.split()))
            for mention in original.mentions
            if self._random.random() > KEPT_NAMES
        }
        pieces: list[str] = []
        moved: dict[str, list[tuple[int, int]]] = {}
        shifts: list[tuple[int, int]] = []  # (old offset, how far what follows it has moved)
        at, shift = original.start, start - original.start
        for left, right, mention in spans:
            if left < at:
                continue
            old = original.text[left - original.start : right - original.start]
            new = renamed.get(mention.key, old)
            pieces += [original.text[at - original.start : left - original.start], new]
            moved.setdefault(normalise(new) if mention.key in renamed else mention.key, []).append(
                (left + shift, left + shift + len(new))
            )
            shift += len(new) - len(old)
            at = right
            shifts.append((right, shift))
        pieces.append(original.text[at - original.start :])
        text = re.sub(r"\s", " ", "".join(pieces))
        sentences = tuple((self._move(l, start, original, shifts), self._move(r, start, original, shifts)) for l, r in original.sentences)  # fmt: skip # noqa: E741
        types = {mention.key: mention.type for mention in original.mentions}
        mentions = {
            key: Mention(entity_id(tenant, key), key, key.title(), types.get(key, ""), "mention", tuple(sorted(where)))
            for key, where in moved.items()
        }
        about = normalise(title)
        mentions[about] = Mention(
            entity_id(tenant, about), about, title, "", "subject", mentions[about].spans if about in mentions else ()
        )
        return replace(
            original,
            id=chunk_id(document, position, text),
            document_id=document,
            source=source,
            title=title,
            position=position,
            start=start,
            core_start=start,
            end=start + len(text),
            text=text,
            heading=(),
            headings_within=(),
            pages_within=(),
            sentences=sentences,
            terms=chunk_terms(title, (), text),
            phrases=phrases(text, sentences, start),
            mentions=tuple(mentions[key] for key in sorted(mentions)),
        )

    @staticmethod
    def _move(offset: int, start: int, original: Chunk, shifts: Sequence[tuple[int, int]]) -> int:
        shift = start - original.start
        for old, moved in shifts:
            if old > offset:
                break
            shift = moved
        return offset + shift

    def _name(self, words: int) -> str:
        """A name of so many words: an invented one, or one in three times one that was used before."""
        if self._names and self._random.random() < 1 / 3:
            return self._random.choice(self._names)
        name = " ".join(
            "".join(self._random.choices(_SYLLABLES, k=self._random.randint(2, 4))).title() for _ in range(words)
        )
        if len(self._names) < 20_000:
            self._names.append(name)
        return name

    def _unit(self, vectors: Any) -> Any:
        noise = self._noise.standard_normal(vectors.shape) / np.sqrt(vectors.shape[-1])
        noisy = vectors + NOISE * noise
        return noisy / np.linalg.norm(noisy, axis=-1, keepdims=True)


async def measure(folder: Path, sizes: Sequence[int], store_url: str) -> list[dict[str, float]]:
    """One row for each size."""
    dataset = load_dataset(folder)
    rows: list[dict[str, float]] = []
    async with open_knowledge_base(load_settings(store_url=store_url)) as kb:
        scope = Scope(tenant=f"scale-{dataset.name}"[:60])
        ids = (await ingest_dataset(kb, scope, dataset, seed=0)).document_ids
        real = [batch async for batch in kb.store.export(scope)]
        count, made, maker = sum(len(batch.chunks) for batch in real), 0, Maker(real)
        for size in sizes:
            written, begun, spent = 0, time.perf_counter(), 0.0
            for batch in maker.documents(scope.tenant, made, size - count):
                before = time.perf_counter()
                await kb.store.write(scope, batch)
                spent += time.perf_counter() - before
                written, made = written + len(batch.chunks), made + 1
            count += written
            row = {"chunks": count, "written_per_second": round(written / spent, 1) if spent else 0.0}
            row["seconds"] = round(time.perf_counter() - begun, 1)
            rows.append(row | await ask(kb, scope, dataset, {document: id_ for id_, document in ids.items()}))
            print(json.dumps(rows[-1]), flush=True)
    return rows


async def ask(kb: KnowledgeBase, scope: Scope, dataset: Dataset, passages: dict[str, str]) -> dict[str, float]:
    """Recall and latency of graph search and of the agent."""
    begun = time.perf_counter()
    await search(kb, scope, dataset.queries[0].text, "graph", 20)
    row = {"first_question_seconds": round(time.perf_counter() - begun, 2)}
    agent = Agent(kb)
    for mode in ("vector", "graph", "agent"):
        milliseconds: list[float] = []
        recall: list[float] = []
        complete: list[float] = []
        for query in dataset.queries:
            begun = time.perf_counter()
            if mode == "agent":
                documents = [ranked.document_id for ranked in (await agent.run(scope, query.text)).ranked]
                milliseconds.append((time.perf_counter() - begun) * 1000)
            else:
                hits = await search(kb, scope, query.text, mode, 20)
                milliseconds.append((time.perf_counter() - begun) * 1000)
                chunks = await kb.store.chunks(scope, [hit.chunk_id for hit in hits])
                documents = [chunk.document_id for chunk in chunks]
            ranked = [passages.get(id_, id_) for id_ in documents]
            recall.append(recall_at(ranked, query.gold, 5))
            complete.append(all_at(ranked, query.gold, 5))
        row |= {
            f"{mode}_recall@5": round(100 * sum(recall) / len(recall), 1),
            f"{mode}_all@5": round(100 * sum(complete) / len(complete), 1),
            f"{mode}_p50": round(percentile(milliseconds, 0.5), 1),
            f"{mode}_p95": round(percentile(milliseconds, 0.95), 1),
        }
    return row | {"resident_mb": resident_megabytes()}


def resident_megabytes() -> float:
    """Memory of this process, models included."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * 4096 / 1e6)


def main() -> None:
    """Measure and print one JSON object for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="benchmark in BEIR layout")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_000, 10_000, 50_000, 100_000], help="chunks in all")
    parser.add_argument("--store-url", default="", help="a fresh store; default a temporary embedded one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(measure(options.folder, options.sizes, options.store_url or f"sqlite:///{scratch}/scale.db"))


if __name__ == "__main__":
    main()
