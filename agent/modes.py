"""One way to ask in every mode: a single tool, or the agent. What the API, the command line and the benchmarks share."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from graphrag.filters import Filter
from graphrag.knowledge import KnowledgeBase
from graphrag.retrieval.fusion import fuse
from graphrag.retrieval.graph import graph_search
from graphrag.retrieval.keyword import keyword_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import check_question, read_question
from graphrag.retrieval.rerank import rerank
from graphrag.retrieval.vector import embed_query, vector_search
from graphrag.retrieval.weights import WEIGHTS, Weights
from graphrag.stores.merged import with_merges
from graphrag.types import Hit, Scope, Tool

POOL = 60
"""Hits of each kind that are fused, at least."""


async def search(
    kb: KnowledgeBase,
    scope: Scope,
    query: str,
    tool: Tool,
    k: int,
    filter: Filter | None = None,
    weights: Weights = WEIGHTS,
) -> Sequence[Hit]:
    """The k best chunks by one tool, best first.

    Args:
        tool: `vector` (cosine), `keyword` (BM25), `hybrid` (both, fused) or `graph` (chain search in one go). The last two
            are re-ranked where a model for it is configured; scores are then its own.
        weights: of chain search.

    Raises:
        InputError: the query is empty, too short or too long, or k is out of range.
    """
    query = check_question(query)
    if kb.reranker is not None and tool in ("hybrid", "graph"):
        plain, pool = replace(kb, reranker=None), max(k, kb.reranker.candidates)
        found = await search(plain, scope, query, tool, pool, filter, weights)
        return (await rerank(kb.reranker, kb.store, scope, query, found, k)).hits
    match tool:
        case "vector":
            return await vector_search(kb.store, scope, await embed_query(kb.embedder, query), k, filter)
        case "keyword":
            return await keyword_search(kb.store, scope, query, k, filter)
        case "hybrid":
            pool = max(k, POOL)
            near, matching = await asyncio.gather(
                search(kb, scope, query, "vector", pool, filter), search(kb, scope, query, "keyword", pool, filter)
            )
            return fuse(near, matching, k)
        case "graph":
            store = await with_merges(kb.store, kb.system, scope)
            question = await read_question(store, kb.embedder, kb.encoder, scope, query)
            return (await graph_search(Ledger(store, scope, question, filter, weights=weights), k))[0]
