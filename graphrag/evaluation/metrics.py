"""Scores of retrieval and short answers. All are fractions from 0 to 1."""

import re
import string
from collections import Counter
from collections.abc import Collection, Sequence
from fractions import Fraction
from math import ceil

RANKED = ("recall@2", "recall@5", "recall@10", "all@5", "all@8")
"""Scores of a ranked list, by their names in reports."""
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def recall_at(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """Share of the gold passages among the first k distinct ones."""
    return len(_first(ranked, k) & set(gold)) / len(gold)


def all_at(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """1 if every gold passage is among the first k distinct ones, else 0."""
    return float(set(gold) <= _first(ranked, k))


def _first(ranked: Sequence[str], k: int) -> set[str]:
    return set(list(dict.fromkeys(ranked))[:k])


def normalise_answer(answer: str) -> str:
    """SQuAD normalisation (Rajpurkar et al., 2016): lower case, no punctuation or articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def contains_answer(text: str, answers: Sequence[str]) -> float:
    """1 if the text holds one of the answers as a run of whole words after normalisation, else 0."""
    padded = f" {normalise_answer(text)} "
    return float(any(f" {normalise_answer(answer)} " in padded for answer in answers))


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1 if the prediction equals one of the answers after normalisation, else 0."""
    return float(any(normalise_answer(prediction) == normalise_answer(answer) for answer in answers))


def f1(prediction: str, answers: Sequence[str]) -> float:
    """Best word-overlap F1 of the prediction with one of the answers, after normalisation."""
    return max(
        (_f1(normalise_answer(prediction).split(), normalise_answer(answer).split()) for answer in answers), default=0
    )


def _f1(predicted: Sequence[str], expected: Sequence[str]) -> float:
    common = sum((Counter(predicted) & Counter(expected)).values())
    if not common:
        return 0.0
    precision, recall = common / len(predicted), common / len(expected)
    return 2 * precision * recall / (precision + recall)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank); 0 for none."""
    if not values:
        return 0.0
    # The share as it is written, 29/100 for 0.29: in binary, 0.29 * 100 is below 29 and 0.07 * 100 above 7.
    rank = ceil(Fraction(str(share)) * len(values))
    return sorted(values)[min(max(rank, 1), len(values)) - 1]
