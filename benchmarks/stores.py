"""Ingest and latency of a store on synthetic documents, and the vector index's recall against an exact search.

    python benchmarks/stores.py --chunks 50000 --store-url neo4j://neo4j:password@127.0.0.1:7687 --server-pid PID

Documents of 20 chunks of about 110 Zipf-distributed words with about ten mentions each, vectors of 384 dimensions in 2,000
loose clusters. Each document is written as the service writes it. On Neo4j the driver's own speed is measured before: the
same chunks, vectors, entities and mentions by plain UNWIND in transactions of 1,000 chunks, with the same indexes, and
without checks, relations, order and counts. The tenants are new ones, removed at the end.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from uuid import uuid4

import numpy as np
from neo4j import AsyncGraphDatabase
from numpy.typing import NDArray

from graphrag.analysis import chunk_terms, normalise, phrases
from graphrag.bootstrap import open_stores
from graphrag.registry import NEO4J_SCHEMES
from graphrag.settings import load_settings
from graphrag.stores.base import GraphStore
from graphrag.stores.neo4j.open import address_of
from graphrag.stores.neo4j.values import contribution
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Mention,
    Relation,
    Scope,
    Span,
    chunk_id,
    document_id,
    entity_id,
    relation_id,
    stable_id,
)

DIMENSION = 384
CLUSTERS = 2_000
CHUNKS_PER_DOCUMENT = 20
SENTENCES = 7
WORDS = 15
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]


class Corpus:
    """Documents of a tenant, the same for the same seed."""

    def __init__(self, tenant: str, seed: int) -> None:
        self.tenant = tenant
        self._random = random = np.random.default_rng(seed)
        self._words = _names(random, 30_000, 2)
        self._weights = _zipf(30_000)
        self._entities = [
            f"{a.title()} {b.title()}"
            for a, b in zip(_names(random, 40_000, 2), _names(random, 40_000, 3), strict=True)
        ]
        self._entity_weights = _zipf(40_000)
        self._centres = random.standard_normal((CLUSTERS, DIMENSION)).astype(np.float32)

    def documents(self, chunks: int) -> Iterator[GraphBatch]:
        """Documents with so many chunks altogether."""
        for number in range(chunks // CHUNKS_PER_DOCUMENT):
            yield self._document(number)

    def _document(self, number: int) -> GraphBatch:
        random = self._random
        source = f"bench/{number}.md"
        id_ = document_id(self.tenant, source)
        title = self._entities[int(random.integers(len(self._entities)))]
        words = random.choice(len(self._words), CHUNKS_PER_DOCUMENT * SENTENCES * WORDS, p=self._weights).tolist()
        named = random.choice(len(self._entities), CHUNKS_PER_DOCUMENT * SENTENCES * 2, p=self._entity_weights).tolist()
        text = ""
        chunks: list[Chunk] = []
        relations: list[Relation] = []
        for position in range(CHUNKS_PER_DOCUMENT):
            start = len(text)
            sentences: list[Span] = []
            spans: dict[str, list[Span]] = {}
            for _ in range(SENTENCES):
                begin = len(text)
                names = [self._entities[named.pop()] for _ in range(len(named) % 3)]
                for name in names:
                    spans.setdefault(name, []).append((len(text), len(text) + len(name)))
                    text += f"{name} "
                text += " ".join(self._words[words.pop()] for _ in range(WORDS)) + ". "
                sentences.append((begin, len(text)))
            body = text[start:]
            keys = {normalise(name): (name, held) for name, held in spans.items()}
            keys.setdefault(normalise(title), (title, []))
            mentions = tuple(
                Mention(
                    entity_id(self.tenant, key),
                    key,
                    keys[key][0],
                    "ORG",
                    "subject" if keys[key][0] == title else "mention",
                    tuple(keys[key][1]),
                )
                for key in sorted(keys)
            )
            chunk = Chunk(
                id=chunk_id(id_, position, body), document_id=id_, source=source, title=title, position=position,
                start=start, core_start=start, end=len(text), text=body, heading=(title,), page=None, token_count=160,
                sentences=tuple(sentences), terms=chunk_terms(title, (), body), phrases=phrases(body, sentences, start),
                mentions=mentions,
            )  # fmt: skip
            chunks.append(chunk)
            for one, other in pairwise(mentions[:3]):
                at = sentences[0]
                found = relation_id(chunk.id, one.entity_id, "knows", other.entity_id, at[0])
                relations.append(Relation(found, chunk.id, id_, one.entity_id, "knows", other.entity_id, *at))
        rows = self._centres[random.integers(0, CLUSTERS, len(chunks))] + 1.2 * random.standard_normal(
            (len(chunks), DIMENSION)
        )
        rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        sentence_rows = np.repeat(rows[:, None, :], SENTENCES, axis=1).astype(np.float16)
        document = Document(
            id=id_, tenant=self.tenant, access="public", source=source, title=title, media_type="text/markdown",
            content_sha256=stable_id(text), fingerprint=stable_id(text), metadata={}, length=len(text), chunk_count=len(chunks),
        )  # fmt: skip
        vectors = [ChunkVectors(row, held) for row, held in zip(rows, sentence_rows, strict=True)]
        return GraphBatch(document, text, chunks, vectors, sorted(relations, key=lambda r: r.id))


def _names(random: np.random.Generator, count: int, syllables: int) -> list[str]:
    parts = random.integers(0, len(SYLLABLES), (count, syllables)).tolist()
    return ["".join(SYLLABLES[part] for part in row) for row in parts]


def _zipf(count: int) -> NDArray[np.float64]:
    weights = 1 / np.arange(5, count + 5)
    return weights / weights.sum()


async def driver_speed(url: str, batches: Sequence[GraphBatch]) -> float:
    """Chunks a second by plain UNWIND, see the module."""
    address = address_of(url)
    auth = (address.user, address.password) if address.user else None
    rows = [(batch, contribution(batch)) for batch in batches]
    async with AsyncGraphDatabase.driver(address.server, auth=auth) as driver:

        async def run(query: str, **values: object) -> None:
            await driver.execute_query(f"CYPHER 25 {query}", values, database_=address.database or "neo4j")

        for query in (
            "CREATE CONSTRAINT bench_chunk IF NOT EXISTS FOR (n:BenchChunk) REQUIRE n.id IS UNIQUE",
            "CREATE CONSTRAINT bench_entity IF NOT EXISTS FOR (n:BenchEntity) REQUIRE n.id IS UNIQUE",
            "CREATE FULLTEXT INDEX bench_text IF NOT EXISTS FOR (n:BenchChunk) ON EACH [n.scope, n.terms, n.phrase_ids] OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}}",
            "CREATE VECTOR INDEX bench_vectors IF NOT EXISTS FOR (n:BenchChunk) ON n.embedding WITH [n.tenant, n.access] OPTIONS {indexConfig: {`vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}",
            "CALL db.awaitIndexes()",
        ):
            await run(query)
        begun = time.perf_counter()
        for start in range(0, len(rows), 1_000 // CHUNKS_PER_DOCUMENT):
            part = rows[start : start + 1_000 // CHUNKS_PER_DOCUMENT]
            await run(
                """UNWIND $chunks AS row CREATE (c:BenchChunk) SET c = row.properties
                WITH c, row CALL db.create.setNodeVectorProperty(c, 'embedding', row.vector)
                WITH count(*) AS _
                UNWIND $entities AS row MERGE (e:BenchEntity {id: row.id}) ON CREATE SET e += row.properties
                WITH e, row UNWIND row.mentions AS m
                MATCH (c:BenchChunk {id: m.chunk_id}) CREATE (c)-[r:BENCH]->(e) SET r = m""",
                chunks=[chunk for _, one in part for chunk in one.chunks],
                entities=[
                    {**entity, "mentions": [_edge(batch, *mention) for mention in mentions]}
                    for batch, one in part
                    for entity, mentions in one.entities
                ],
            )
        seconds = time.perf_counter() - begun
        async with driver.session(database=address.database or "neo4j") as session:
            await (
                await session.run(
                    "MATCH (n:BenchChunk|BenchEntity) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 2000 ROWS"
                )
            ).consume()
        for name in ("INDEX bench_text", "INDEX bench_vectors", "CONSTRAINT bench_chunk", "CONSTRAINT bench_entity"):
            await run(f"DROP {name} IF EXISTS")
    return sum(len(batch.chunks) for batch in batches) / seconds


def _edge(batch: GraphBatch, place: int, surface: str, type_: str, role: str, count: int) -> dict[str, object]:
    document, chunk = batch.document, batch.chunks[place].id
    edge = {"surface": surface, "type": type_, "role": role, "count": count, "chunk_id": chunk}
    return {**edge, "document_id": document.id, "tenant": document.tenant, "access": document.access}


async def latencies(store: GraphStore, scope: Scope, corpus: "Sample", repeat: int) -> dict[str, dict[str, float]]:
    """p50 and p95 of each read, in milliseconds, with arguments like those of a question."""
    random = np.random.default_rng(7)

    def some(values: Sequence[str], count: int) -> list[str]:
        return [values[int(place)] for place in random.integers(0, len(values), count)]

    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "nearest_chunks, 1 vector, k=25": lambda: store.nearest_chunks(scope, corpus.queries(1), 25),
        "nearest_chunks, 10 vectors, k=25": lambda: store.nearest_chunks(scope, corpus.queries(10), 25),
        "search_chunks, 6 terms, k=25": lambda: store.search_chunks(scope, some(corpus.terms, 6), 25),
        "term_statistics, 6 terms": lambda: store.term_statistics(scope, some(corpus.terms, 6)),
        "find_entities, 40 keys": lambda: store.find_entities(scope, keys=some(corpus.keys, 40)),
        "chunks, 25": lambda: store.chunks(scope, some(corpus.chunk_ids, 25)),
        "chunks_with_vectors, 25": lambda: store.chunks_with_vectors(scope, some(corpus.chunk_ids, 25)),
        "chunks_mentioning, 100 entities": lambda: store.chunks_mentioning(scope, some(corpus.entity_ids, 100), 31),
        "title_links, 10 chunks": lambda: store.title_links(scope, some(corpus.chunk_ids, 10), 20),
        "neighbourhood, 1 hop, 50": lambda: store.neighbourhood(scope, some(corpus.entity_ids, 1), 1, 50),
    }
    found: dict[str, dict[str, float]] = {}
    for name, call in calls.items():
        for _ in range(3):
            await call()
        taken: list[float] = []
        for _ in range(repeat):
            begun = time.perf_counter()
            await call()
            taken.append(1000 * (time.perf_counter() - begun))
        found[name] = {
            "p50": round(float(np.percentile(taken, 50)), 1),
            "p95": round(float(np.percentile(taken, 95)), 1),
        }
    return found


class Sample:
    """What the reads are asked with, drawn from what was written."""

    def __init__(self) -> None:
        self.terms: list[str] = []
        self.keys: list[str] = []
        self.chunk_ids: list[str] = []
        self.entity_ids: list[str] = []
        self.vectors: list[NDArray[np.float32]] = []
        self.ids: list[str] = []
        self._random = np.random.default_rng(5)

    def take(self, batch: GraphBatch) -> None:
        """Remember some of a document, and all vectors."""
        chunk = batch.chunks[len(self.chunk_ids) % len(batch.chunks)]
        self.terms += chunk.terms.split()[:8]
        self.keys += [mention.key for mention in chunk.mentions]
        self.entity_ids += [mention.entity_id for mention in chunk.mentions]
        self.chunk_ids.append(chunk.id)
        self.ids += [one.id for one in batch.chunks]
        self.vectors += [one.chunk for one in batch.vectors]

    def queries(self, count: int) -> NDArray[np.float32]:
        """`(count, DIMENSION)` near stored vectors, as questions are near passages."""
        places = self._random.integers(0, len(self.vectors), count)
        rows = np.stack([self.vectors[int(place)] for place in places])
        rows = rows + 0.6 * self._random.standard_normal(rows.shape) / np.sqrt(DIMENSION)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


async def recall(store: GraphStore, scope: Scope, sample: Sample, queries: int = 200) -> float:
    """Share of the exact ten nearest that the store finds."""
    matrix = np.stack(sample.vectors)
    asked = sample.queries(queries)
    exact = np.argsort(-(asked @ matrix.T), axis=1)[:, :10]
    hits = 0
    for row, best in zip(asked, exact, strict=True):
        (found,) = await store.nearest_chunks(scope, row[None, :], 10)
        hits += len({hit.chunk_id for hit in found} & {sample.ids[int(place)] for place in best})
    return hits / (10 * queries)


def resident(pid: int | None) -> float:
    """Resident memory in MB of a process, or the peak of this one."""
    if pid is None:
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return round(int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024)


async def run(options: argparse.Namespace) -> dict[str, object]:
    """Everything, in order."""
    url: str = options.store_url
    on_neo4j = url.partition("://")[0] in NEO4J_SCHEMES
    tenant = f"bench-{uuid4().hex[:8]}"
    scope = Scope(tenant)
    report: dict[str, object] = {"chunks": options.chunks, "together": options.together}
    if on_neo4j:
        batches = list(Corpus(f"{tenant}-driver", seed=1).documents(min(options.chunks, 4_000)))
        report["driver_chunks_per_second"] = round(await driver_speed(url, batches))
    sample = Sample()
    async with open_stores(load_settings(store_url=url)) as (store, _):
        waiting = 0.0
        documents = Corpus(tenant, seed=2).documents(options.chunks)
        try:
            while group := list(islice(documents, options.together)):
                begun = time.perf_counter()
                await store.write_many(scope, group)
                waiting += time.perf_counter() - begun
                for batch in group:
                    sample.take(batch)
            report["write_chunks_per_second"] = round(options.chunks / waiting)
            report["recall_at_10"] = round(await recall(store, scope, sample), 4)
            report["milliseconds"] = await latencies(store, scope, sample, options.repeat)
            report["resident_mb"] = resident(options.server_pid)
        finally:
            if not options.keep:
                while held := await store.documents(scope, limit=50):
                    await store.delete_documents(scope, [document.id for document in held])
    return report


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store-url", required=True)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--together", type=int, default=4, help="documents of a transaction")
    parser.add_argument("--repeat", type=int, default=50, help="calls of each read")
    parser.add_argument("--server-pid", type=int, help="whose memory to report; default: this process")
    parser.add_argument("--keep", action="store_true", help="leave the documents in the store")
    print(json.dumps(asyncio.run(run(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
