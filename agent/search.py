"""Searching with a single tool, as the API, the command line and the benchmarks do."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from graphrag.degraded import note_degraded
from graphrag.errors import FAILED_CALLS
from graphrag.filters import Filter
from graphrag.knowledge import KnowledgeBase
from graphrag.retrieval.fusion import fuse
from graphrag.retrieval.graph import graph_search
from graphrag.retrieval.keyword import keyword_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import Question, check_question, read_question
from graphrag.retrieval.rerank import rerank
from graphrag.retrieval.vector import NoVectors, embed_query, vector_search
from graphrag.retrieval.weights import WEIGHTS, Weights
from graphrag.stores.base import GraphStore
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
        ModelError: of `vector` alone; the others do without vectors that cannot be had, which is noted as degraded.
    """
    query = check_question(query)
    if kb.reranker is not None and tool in ("hybrid", "graph"):
        plain, pool = replace(kb, reranker=None), max(k, kb.reranker.candidates)
        found = await search(plain, scope, query, tool, pool, filter, weights)
        return await rerank(kb.reranker, kb.store, scope, query, found, k)
    match tool:
        case "vector":
            return await vector_search(kb.store, scope, await embed_query(kb.embedder, query), k, filter)
        case "keyword":
            return await keyword_search(kb.store, scope, query, k, filter)
        case "hybrid":
            pool = max(k, POOL)
            near, matching = await asyncio.gather(
                _near(kb, scope, query, pool, filter), search(kb, scope, query, "keyword", pool, filter)
            )
            return fuse(near, matching, k, kb.embedder.scale)
        case "graph":
            store = await with_merges(kb.store, kb.system, scope)
            question = await read_or_degrade(kb, store, scope, query)
            return await graph_search(Ledger(store, scope, question, filter, weights=weights), k)


async def read_or_degrade(kb: KnowledgeBase, store: GraphStore, scope: Scope, text: str) -> Question:
    """The question; without vectors if the embedder is away, which is noted as degraded: it goes by words and the graph then.

    Raises:
        InputError: as check_question.
        ModelError: a local model failed.
    """
    try:
        return await read_question(store, kb.embedder, kb.encoder, scope, text)
    except FAILED_CALLS as exc:
        note_degraded("vectors", exc)
        return await read_question(store, NoVectors(kb.embedder), kb.encoder, scope, text)


async def _near(kb: KnowledgeBase, scope: Scope, query: str, k: int, filter: Filter | None) -> Sequence[Hit]:
    try:
        return await search(kb, scope, query, "vector", k, filter)
    except FAILED_CALLS as exc:
        note_degraded("vectors", exc)
        return []
