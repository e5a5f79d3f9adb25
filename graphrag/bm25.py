"""BM25 constants and inverse document frequency (Robertson and Zaragoza, 2009), shared by stores and ranking."""

import math

K1 = 1.2
"""Saturation of term frequency."""
B = 0.75
"""Strength of length normalisation."""


def idf(chunks: int, frequency: int) -> float:
    """ln(1 + (N - df + 0.5) / (df + 0.5)): positive for every term, also those in more than half of the chunks."""
    return math.log(1 + (chunks - frequency + 0.5) / (frequency + 0.5))
