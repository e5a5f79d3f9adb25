"""Rows of the query ENTITIES as entities: the name and type that most visible mentions give."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from graphrag.types import Entity

Form = tuple[str, str, int]
"""Surface form, type, and how many mentions have both."""


def entity_of(row: Sequence[Any]) -> Entity:
    """An Entity from a row of ENTITIES."""
    id_, key, mentions, chunks, documents, forms = row
    name, type_ = name_and_type(forms)
    return Entity(id_, key, name, type_, mentions, chunks, documents)


def name_and_type(forms: Iterable[Form]) -> tuple[str, str]:
    """The most frequent surface form and the most frequent type that is not empty; ties: first in alphabetical order."""
    names: Counter[str] = Counter()
    types: Counter[str] = Counter()
    for surface, type_, weight in forms:
        names[surface] += weight
        if type_:
            types[type_] += weight
    return _most_frequent(names), _most_frequent(types)


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda value: (-counts[value], value), default="")
