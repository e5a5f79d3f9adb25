"""Keyword search: BM25 over the terms of chunks."""

from collections.abc import Sequence

from rank_bm25 import BM25Okapi

from graphrag.analysis import terms as analyse
from graphrag.bm25 import K1, B, idf
from graphrag.filters import Filter
from graphrag.stores.base import GraphStore
from graphrag.types import Hit, Scope, TermHit, TermStatistics


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
    """Order candidates by BM25, descending, ties ascending by id.

    rank-bm25 takes its statistics from the texts it is given. A handful of candidates is no corpus, so inverse document
    frequencies and the average length are set from what the caller sees of the whole knowledge base.
    """
    if not candidates:
        return []
    # Other terms count for a chunk's length alone: rank-bm25 need not count them.
    wanted = set(terms)
    words = [hit.terms.split() for hit in candidates]
    held = [[term for term in text if term in wanted] for text in words]
    if not statistics.average_length or not any(held):
        # None holds a term, or there is nothing but stop words: rank-bm25 would divide by a length of zero.
        return sorted((Hit(hit.chunk_id, 0.0) for hit in candidates), key=lambda hit: hit.chunk_id)
    scorer = BM25Okapi(held, k1=K1, b=B)
    scorer.doc_len = [len(text) for text in words]
    scorer.idf = {term: idf(statistics.chunks, statistics.frequency.get(term, 0)) for term in terms}
    scorer.avgdl = statistics.average_length
    scores = scorer.get_scores(list(terms))
    hits = [Hit(hit.chunk_id, round(float(score), 6)) for hit, score in zip(candidates, scores, strict=True)]
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))
