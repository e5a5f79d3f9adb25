"""Fusing ranked lists of different tools."""

from collections.abc import Sequence

from graphrag.stores.base import SCORE_DECIMALS
from graphrag.types import Hit, ranked

KEYWORD_WEIGHT = 0.4
"""Weight of BM25, scaled to its best hit, beside cosine similarity. A weighted sum of scores ranks better than reciprocal
rank fusion where one list is much stronger than the other (docs/benchmarks.md)."""


def fuse(vector: Sequence[Hit], keyword: Sequence[Hit], k: int, scale: float) -> list[Hit]:
    """The k best of both lists: scale * cosine + KEYWORD_WEIGHT * BM25 / best BM25, descending, ties ascending by id.

    A chunk that only one list holds counts with the lowest cosine of the vector list, or with no keyword score.

    Args:
        vector: hits by cosine.
        keyword: hits by BM25.
        k: at most so many.
        scale: of the cosines, see Embedder.scale.
    """
    scores = {hit.chunk_id: scale * hit.score for hit in vector}
    floor = min(scores.values(), default=0.0)
    best = max((hit.score for hit in keyword), default=0.0) or 1.0
    for hit in keyword:
        scores[hit.chunk_id] = scores.get(hit.chunk_id, floor) + KEYWORD_WEIGHT * hit.score / best
    return ranked((Hit(chunk, round(score, SCORE_DECIMALS)) for chunk, score in scores.items()), k)
