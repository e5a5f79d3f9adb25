"""BM25 constants and inverse document frequency (Robertson and Zaragoza, 2009), shared by stores and ranking."""

import math
from collections.abc import Iterable, Sequence

from graphrag.types import TermStatistics

K1 = 1.2
"""Saturation of term frequency."""
B = 0.75
"""Strength of length normalisation."""


def idf(chunks: int, frequency: int) -> float:
    """ln(1 + (N - df + 0.5) / (df + 0.5)): positive for every term, also those in more than half of the chunks."""
    return math.log(1 + (chunks - frequency + 0.5) / (frequency + 0.5))


def bm25(texts: Iterable[Sequence[str]], terms: Iterable[str], statistics: TermStatistics) -> list[float]:
    """The score of each text, given by its words, for distinct query terms; 0 for one that holds none of them."""
    average = statistics.average_length
    weights = {term: (K1 + 1) * idf(statistics.chunks, statistics.frequency.get(term, 0)) for term in terms}
    scores: list[float] = []
    for words in texts:
        score = 0.0
        held = [word for word in words if word in weights]
        if held and average:
            norm = K1 * (1 - B + B * len(words) / average)
            counts = [(term, held.count(term)) for term in set(held)]
            score = math.fsum([weights[term] * n / (n + norm) for term, n in counts])
        scores.append(score)
    return scores
