"""What other retrievers find on the same passages and questions, in one run with chain search and the agent.

    pip install 'agentic-graphrag-service[benchmarks]'
    python -m benchmarks.peers EVAL/hotpotqa
    python -m benchmarks.peers EVAL/hotpotqa --store-url neo4j://user:password@localhost:7687

- `bm25s`: BM25 of the bm25s package with its English stop words and a Snowball stemmer; title and text.
- `dense`: cosine of the same vectors, exact.
- `rrf`: reciprocal rank fusion of the two, k = 60.
- `neo4j-graphrag`, on a Neo4j store only: HybridRetriever of the neo4j-graphrag package on the very chunks and vectors that
  the service stored, with a full-text index of its own over their text (English analyzer), which is dropped afterwards.
  The package demands an older pypdf than this one, so it is no part of the extra: `pip install --no-deps neo4j-graphrag`.
  It knows no tenants: the database has to hold nothing but this run.

The store has to be fresh; nothing of the run stays in it.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np

from agent.loop import Agent
from agent.search import search
from graphrag.bootstrap import open_knowledge_base
from graphrag.evaluation.beir import Dataset, load_dataset
from graphrag.evaluation.metrics import all_at, recall_at
from graphrag.evaluation.runner import ingest_dataset
from graphrag.knowledge import KnowledgeBase
from graphrag.settings import load_settings
from graphrag.types import Scope

DEPTH = 20
POOL = 100
RRF_K = 60
FULLTEXT = "peers_text"

Retrieve = Callable[[str], Awaitable[Sequence[str]]]
"""Question -> passage ids, best first."""


def fuse(lists: Sequence[Sequence[str]], k: int = RRF_K) -> list[str]:
    """Reciprocal rank fusion: the sum of 1 / (k + rank) over the lists, ties by id."""
    scores: dict[str, float] = {}
    for ranked in lists:
        for rank, id_ in enumerate(ranked, 1):
            scores[id_] = scores.get(id_, 0.0) + 1 / (k + rank)
    return sorted(scores, key=lambda id_: (-scores[id_], id_))


def bm25(dataset: Dataset) -> Retrieve:
    """BM25 as bm25s does it."""
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    texts = [f"{passage.title}\n{passage.text}" for passage in dataset.passages]
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)
    depth = min(POOL, len(texts))

    async def retrieve(question: str) -> Sequence[str]:
        tokens = bm25s.tokenize([question], stopwords="en", stemmer=stemmer, show_progress=False)
        found, _ = index.retrieve(tokens, k=depth, show_progress=False)
        return [dataset.passages[place].id for place in found[0].tolist()]

    return retrieve


def of_tool(kb: KnowledgeBase, scope: Scope, tool: str, passage_of: dict[str, str], depth: int) -> Retrieve:
    """One of the service's own tools."""

    async def retrieve(question: str) -> Sequence[str]:
        hits = await search(kb, scope, question, tool, depth)
        return [passage_of[c.document_id] for c in await kb.store.chunks(scope, [hit.chunk_id for hit in hits])]

    return retrieve


def of_agent(kb: KnowledgeBase, scope: Scope, passage_of: dict[str, str]) -> Retrieve:
    """The agent."""
    agent = Agent(kb)

    async def retrieve(question: str) -> Sequence[str]:
        return [passage_of[ranked.document_id] for ranked in (await agent.run(scope, question)).ranked]

    return retrieve


def fused(one: Retrieve, other: Retrieve) -> Retrieve:
    """Two retrievers by reciprocal rank fusion."""

    async def retrieve(question: str) -> Sequence[str]:
        lists = await asyncio.gather(one(question), other(question))
        return fuse([list(dict.fromkeys(ranked)) for ranked in lists])

    return retrieve


def hybrid_retriever(
    kb: KnowledgeBase, store_url: str, passage_of: dict[str, str]
) -> tuple[Retrieve, Callable[[], None]]:
    """HybridRetriever of neo4j-graphrag over the stored chunks, and what to call when done."""
    from neo4j import GraphDatabase
    from neo4j_graphrag.retrievers import HybridRetriever

    parts = urlsplit(store_url)
    server = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    database = parts.path.strip("/") or None
    driver = GraphDatabase.driver(server, auth=auth)

    def execute(statement: str) -> None:
        driver.execute_query(statement, database_=database)

    execute(
        f"CREATE FULLTEXT INDEX {FULLTEXT} IF NOT EXISTS FOR (n:Chunk) ON EACH [n.title, n.text] "
        "OPTIONS {indexConfig: {`fulltext.analyzer`: 'english'}}"
    )
    execute("CALL db.awaitIndexes(300)")
    retriever = HybridRetriever(
        driver, "chunk_vectors", FULLTEXT, return_properties=["document_id"], neo4j_database=database
    )

    async def retrieve(question: str) -> Sequence[str]:
        vector = (await kb.embedder.embed([question], "query"))[0]
        # Lucene reads some characters as operators; the package leaves that to its caller.
        text = "".join(character if character.isalnum() else " " for character in question)
        found = await asyncio.to_thread(
            retriever.get_search_results, query_text=text, query_vector=vector.tolist(), top_k=DEPTH
        )
        documents = [record["node"]["document_id"] for record in found.records]
        return [passage_of[document] for document in documents if document in passage_of]

    def done() -> None:
        execute(f"DROP INDEX {FULLTEXT} IF EXISTS")
        driver.close()

    return retrieve, done


async def run(folder: Path, store_url: str) -> dict[str, dict[str, float]]:
    """Scores of every retriever."""
    dataset = load_dataset(folder)
    results: dict[str, dict[str, float]] = {}
    async with open_knowledge_base(load_settings(store_url=store_url)) as kb:
        scope = Scope(tenant=f"peers-{dataset.name}"[:60])
        ids = (await ingest_dataset(kb, scope, dataset, seed=0)).document_ids
        passage_of = {document: passage for passage, document in ids.items()}
        sparse, dense = bm25(dataset), of_tool(kb, scope, "vector", passage_of, POOL)
        retrievers = {
            "bm25s": sparse,
            "dense": dense,
            "rrf": fused(sparse, dense),
            "graph": of_tool(kb, scope, "graph", passage_of, DEPTH),
            "agent": of_agent(kb, scope, passage_of),
        }
        done: Callable[[], None] | None = None
        if urlsplit(store_url).scheme != "sqlite":
            retrievers["neo4j-graphrag"], done = hybrid_retriever(kb, store_url, passage_of)
        try:
            for name, retrieve in retrievers.items():
                results[name] = await score(dataset, retrieve)
                print(
                    f"{name:<16}", " ".join(f"{key} {value:5.1f}" for key, value in results[name].items()), flush=True
                )
        finally:
            if done is not None:
                done()
            await kb.store.delete_documents(scope, list(passage_of))
    return results


async def score(dataset: Dataset, retrieve: Retrieve) -> dict[str, float]:
    """Means over the questions, in percent."""
    rows = [
        (recall_at(ranked, query.gold, 2), recall_at(ranked, query.gold, 5), all_at(ranked, query.gold, 5), all_at(ranked, query.gold, 8))
        for query in dataset.queries
        for ranked in [await retrieve(query.text)]
    ]  # fmt: skip
    means = np.round(100 * np.array(rows).mean(axis=0), 1).tolist()
    return dict(zip(("recall@2", "recall@5", "all@5", "all@8"), means, strict=True))


def main() -> None:
    """Run every retriever and print its scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="benchmark in BEIR layout")
    parser.add_argument("--store-url", default="", help="a fresh store; default a temporary embedded one")
    parser.add_argument("--json", type=Path, help="write the scores here too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        results = asyncio.run(run(options.folder, options.store_url or f"sqlite:///{scratch}/peers.db"))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
