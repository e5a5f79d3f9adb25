"""BM25 constants and inverse document frequency (Robertson and Zaragoza, 2009), shared by stores and ranking."""

import math
from collections import Counter
from collections.abc import Iterable

from graphrag.types import TermStatistics

K1 = 1.2
"""Saturation of term frequency."""
B = 0.75
"""Strength of length normalisation."""


def idf(chunks: int, frequency: int) -> float:
    """ln(1 + (N - df + 0.5) / (df + 0.5)): positive for every term, also those in more than half of the chunks."""
    return math.log(1 + (chunks - frequency + 0.5) / (frequency + 0.5))


def bm25(words: Iterable[str], terms: Iterable[str], statistics: TermStatistics) -> float:
    """The score of one text for distinct query terms; 0 if it holds none of them."""
    counts = Counter(words)
    if not statistics.average_length:
        return 0.0
    norm = K1 * (1 - B + B * counts.total() / statistics.average_length)
    return sum(
        idf(statistics.chunks, statistics.frequency.get(term, 0)) * counts[term] * (K1 + 1) / (counts[term] + norm)
        for term in sorted(counts.keys() & set(terms))
    )
