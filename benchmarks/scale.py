"""Latency, memory, indexing rate and recall as the corpus grows, with the passages of a benchmark inside.

The passages of a benchmark folder are ingested as they are. Around them the corpus is filled up with made-up documents of
several chunks. A made-up chunk joins one to three sentences each of two or three real passages that answer no question (a
sentence that does, under other names and fifty times over, is in no corpus); nine of ten names are
replaced by invented ones, wherever they stand, so that terms, phrases and mentions are those that ingest would make of the
new text and common names stay common; its vectors are those of its sentences with noise. With --copies each chunk is a
whole passage, whichever, under other names: a corpus full of near-copies, as of one template filled in again and again. Which
sentences and names are drawn is worth points of recall: --draw gives other ones. At each size
the benchmark's questions are asked, and scored on the real passages among all.

    python -m benchmarks.scale EVAL/musique --sizes 2000 10000 50000 --store-url sqlite:///scale.db

The store has to be fresh. Times include embedding the question; writing a made-up document needs no model, so the rate
is that of the store alone.
"""

import argparse
import asyncio
import gc
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from agent.loop import Agent
from agent.search import search
from api.cli import GC_THRESHOLDS
from graphrag.analysis import chunk_terms, normalise, phrases
from graphrag.bootstrap import open_knowledge_base
from graphrag.evaluation.beir import Dataset, load_dataset
from graphrag.evaluation.metrics import all_at, percentile, recall_at
from graphrag.evaluation.runner import ingest_dataset
from graphrag.knowledge import KnowledgeBase
from graphrag.settings import load_settings
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Mention,
    Scope,
    Span,
    chunk_id,
    document_id,
    entity_id,
)

KEPT_NAMES = 0.1
"""Share of the names of a real passage that its copies keep."""
CHUNKS_PER_DOCUMENT = 8
NOISE = 0.5
"""Length of the noise added to vectors of unit length."""
_SYLLABLES = "ba bel bri cor da del dor en fa fen gal gor hal il ka kel lan lor ma mer nor ol pel ra ren sal sel tor ul va vin zan".split()  # fmt: skip


class Maker:
    """Makes documents from real ones. The same seed makes the same documents."""

    def __init__(self, real: Sequence[GraphBatch], *, copies: bool, seed: int = 0) -> None:
        self._copies = copies
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._real = [
            (chunk, vectors)
            for batch in real
            for chunk, vectors in zip(batch.chunks, batch.vectors, strict=True)
            if chunk.sentences
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
            chunk, stored = self._chunk(tenant, id_, source, title, position, start)
            texts.append(chunk.text)
            chunks.append(chunk)
            vectors.append(stored)
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
        )
        return GraphBatch(document, text, chunks, vectors, [])

    def _chunk(
        self, tenant: str, document: str, source: str, title: str, position: int, start: int
    ) -> tuple[Chunk, ChunkVectors]:
        """A chunk at `start` of a document: a copy of a real one, or pieces of several, in either case with other names."""
        pieces = [self._random.choice(self._real) for _ in range(1 if self._copies else self._random.randint(2, 3))]
        text = ""
        sentences: list[Span] = []
        rows: list[NDArray[np.float32]] = []
        mentions: dict[str, Mention] = {}
        for original, vectors in pieces:
            count = len(original.sentences)
            first = 0 if self._copies else self._random.randrange(count)
            last = count if self._copies else min(count, first + self._random.randint(1, 3))
            piece, spans, found = self._renamed(tenant, original, first, last, start + len(text))
            text += piece
            sentences += spans
            rows += list(vectors.sentences[first:last].astype(np.float32))
            for mention in found:
                known = mentions.get(mention.key)
                mentions[mention.key] = (
                    structs.replace(mention, spans=tuple(sorted((*known.spans, *mention.spans)))) if known else mention
                )
        about = normalise(title)
        mentions[about] = Mention(
            entity_id(tenant, about), about, title, "", "subject", mentions[about].spans if about in mentions else ()
        )
        stacked = self._unit(np.array(rows))
        # The model's vector of a text is the mean over its tokens, and so that of its sentences by their length.
        lengths = np.array([right - left for left, right in sentences], dtype=np.float32)
        mean = (lengths[:, None] * stacked).sum(axis=0)
        chunk = Chunk(
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
            page=None,
            token_count=len(text) // 5,
            sentences=tuple(sentences),
            terms=chunk_terms(title, (), text),
            phrases=phrases(text, sentences, start),
            mentions=tuple(mentions[key] for key in sorted(mentions)),
        )
        return chunk, ChunkVectors((mean / np.linalg.norm(mean)).astype(np.float32), stacked.astype(np.float16))

    def _renamed(
        self, tenant: str, original: Chunk, first: int, last: int, start: int
    ) -> tuple[str, list[Span], list[Mention]]:
        """Sentences of a real chunk under other names, as they stand from `start` on: text, sentences and mentions."""
        names = {
            mention.key: self._name(len(mention.key.split()))
            for mention in original.mentions
            if self._random.random() > KEPT_NAMES
        }
        places = sorted((*span, mention) for mention in original.mentions for span in mention.spans)
        text = ""
        sentences: list[Span] = []
        moved: dict[str, list[Span]] = {}
        for left, right in original.sentences[first:last]:
            begun, at = start + len(text), left
            for begin, end, mention in places:
                if at <= begin and end <= right:
                    name = names.get(mention.key, original.text[begin - original.start : end - original.start])
                    text += original.text[at - original.start : begin - original.start]
                    where = start + len(text)
                    key = normalise(name) if mention.key in names else mention.key
                    moved.setdefault(key, []).append((where, where + len(name)))
                    text += name
                    at = end
            text += original.text[at - original.start : right - original.start]
            if not text[-1:].isspace():
                text += " "
            sentences.append((begun, start + len(text)))
        types = {mention.key: mention.type for mention in original.mentions}
        return (
            text,
            sentences,
            [
                Mention(entity_id(tenant, key), key, key.title(), types.get(key, ""), "mention", tuple(spans))
                for key, spans in moved.items()
            ],
        )

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


async def measure(
    folder: Path, sizes: Sequence[int], store_url: str, *, copies: bool = False, draw: int = 0
) -> list[dict[str, float]]:
    """One row for each size."""
    dataset = load_dataset(folder)
    rows: list[dict[str, float]] = []
    async with open_knowledge_base(load_settings(store_url=store_url)) as kb:
        scope = Scope(tenant=f"scale-{dataset.name}"[:60])
        ids = (await ingest_dataset(kb, scope, dataset, seed=0)).document_ids
        real = [batch async for batch in kb.store.export(scope)]
        answers = {ids[id_] for query in dataset.queries for id_ in query.gold}
        donors = [batch for batch in real if copies or batch.document.id not in answers]
        count, made, maker = sum(len(batch.chunks) for batch in real), 0, Maker(donors, copies=copies, seed=draw)
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
    parser.add_argument(
        "--copies", action="store_true", help="fill up with near-copies of the real passages: a hard case"
    )
    parser.add_argument(
        "--draw", type=int, default=0, help="number of the draw of made-up chunks (default %(default)s)"
    )
    options = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)
    with tempfile.TemporaryDirectory() as scratch:
        url = options.store_url or f"sqlite:///{scratch}/scale.db"
        asyncio.run(measure(options.folder, options.sizes, url, copies=options.copies, draw=options.draw))


if __name__ == "__main__":
    main()
