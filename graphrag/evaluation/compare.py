"""Comparing two runs on the same questions: paired bootstrap of the difference of each score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrag.errors import InputError
from graphrag.evaluation.metrics import RANKED

RESAMPLES = 5_000
SCORES = (*RANKED, "answer_contains", "round_trips", "ms")


@dataclass(frozen=True, slots=True)
class Difference:
    """How a score of run B differs from that of run A, over the questions that both have."""

    score: str
    a: float
    b: float
    low: float
    high: float
    """95 % interval of `b - a`, by percentiles of the bootstrap."""

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def compare(a: Sequence[Mapping[str, object]], b: Sequence[Mapping[str, object]]) -> tuple[int, list[Difference]]:
    """Compare the `per_question` rows of two runs. The same questions are drawn for both, so what makes a question hard or
    easy for both cancels out.

    Returns:
        How many questions both have, and the difference of each score that both have for all of them.

    Raises:
        InputError: the runs have no question in common.
    """
    first = {str(row["id"]): row for row in a}
    pairs = [(first[str(row["id"])], row) for row in b if str(row["id"]) in first]
    if not pairs:
        raise InputError("the two runs have no question in common: compare runs on the same benchmark")
    draws = _draws(len(pairs))
    found: list[Difference] = []
    for score in SCORES:
        if all(isinstance(row.get(score), int | float) for pair in pairs for row in pair):
            one, other = (np.array([row[score] for row in rows], dtype=np.float64) for rows in zip(*pairs, strict=True))
            low, high = np.percentile((other - one)[draws].mean(axis=1), [2.5, 97.5])
            found.append(Difference(score, float(one.mean()), float(other.mean()), float(low), float(high)))
    return len(pairs), found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % bootstrap interval of a mean; (0, 0) for no values."""
    if not values:
        return 0.0, 0.0
    data: NDArray[np.float64] = np.array(values, dtype=np.float64)
    low, high = np.percentile(data[_draws(len(data))].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _draws(size: int) -> NDArray[np.int64]:
    """`(RESAMPLES, size)` places, drawn with replacement; always the same."""
    return np.random.default_rng(0).integers(size, size=(RESAMPLES, size))
