"""Keyword search: BM25 over the terms of chunks."""

from collections.abc import Sequence

from graphrag.analysis import terms as analyse
from graphrag.bm25 import bm25
from graphrag.filters import Filter
from graphrag.stores.base import SCORE_DECIMALS, GraphStore
from graphrag.types import Hit, Scope, TermHit, TermStatistics, ranked


async def keyword_search(
    store: GraphStore,
    scope: Scope,
    query: str,
    k: int,
    filter: Filter | None = None,
    statistics: TermStatistics | None = None,
) -> list[Hit]:
    """The k best chunks by BM25, descending, ties ascending by id. Empty when the query holds no term.

    Args:
        statistics: of the query's terms for the scope, if the caller has them; they are looked up otherwise.
    """
    terms = list(dict.fromkeys(analyse(query)))
    if not terms:
        return []
    statistics = statistics or await store.term_statistics(scope, terms)
    return bm25_rank(terms, await store.search_chunks(scope, terms, k, filter, statistics=statistics), statistics)[:k]


def bm25_rank(terms: Sequence[str], candidates: Sequence[TermHit], statistics: TermStatistics) -> list[Hit]:
    """Order candidates by BM25, descending, ties ascending by id."""
    scores = bm25([hit.terms.split() for hit in candidates], terms, statistics)
    pairs = zip(candidates, scores, strict=True)
    return ranked(Hit(hit.chunk_id, round(score, SCORE_DECIMALS)) for hit, score in pairs)
