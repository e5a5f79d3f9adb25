"""Metadata filters: `{"department": "legal", "date": {"gte": "2026-01-01"}}`.

A filter is an AND of conditions on document metadata. Each store compiles it; `Filter.matches` is the definition that
both are tested against:

- A bare value means `eq`; `in` takes a list of 1 to 100 values.
- Text compares with text (by code point), numbers with numbers, true/false with true/false. A value of another kind
  never matches, whatever the operator.
- A document without the field matches only `{"exists": false}`; so `ne` means "has another value".
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal, cast, get_args

from graphrag.errors import InputError
from graphrag.types import Metadata, Scalar

Operator = Literal["eq", "ne", "in", "gt", "gte", "lt", "lte", "exists"]
OPERATORS: tuple[str, ...] = get_args(Operator)
MAX_CONDITIONS = 20
MAX_VALUES = 100
_COMPARES: Mapping[Operator, Callable[[Any, Any], bool]] = {
    "eq": eq,
    "ne": ne,
    "gt": gt,
    "gte": ge,
    "lt": lt,
    "lte": le,
}
"""For two values of one kind."""


def kind(value: Scalar) -> Literal["text", "number", "boolean"]:
    """The comparison class of a scalar; booleans are not numbers here."""
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One comparison. `values` holds one value, or several for `in`; one boolean for `exists`.

    Conditions are equal when they pass the same documents for the same reason: by field, operator and values *with
    their kinds*, since `True == 1` in Python but not here. So a Condition or Filter is a safe key of a cache.
    """

    field: str
    operator: Operator
    values: tuple[Scalar, ...]

    @property
    def key(self) -> tuple[str, Operator, tuple[tuple[str, Scalar], ...]]:
        """What makes conditions equal."""
        return self.field, self.operator, tuple((kind(value), value) for value in self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def matches(self, metadata: Metadata) -> bool:
        """Whether a document with this metadata passes."""
        stored = metadata.get(self.field)
        if self.operator == "exists":
            return (stored is not None) == self.values[0]
        if stored is None:
            return False
        if self.operator == "in":
            return any(kind(value) == kind(stored) and value == stored for value in self.values)
        value = self.values[0]
        if kind(stored) != kind(value):
            return False
        return _COMPARES[self.operator](stored, value)


@dataclass(frozen=True, slots=True)
class Filter:
    """An AND of conditions; without conditions everything passes."""

    conditions: tuple[Condition, ...] = ()

    def matches(self, metadata: Metadata) -> bool:
        """Whether a document with this metadata passes every condition."""
        return all(condition.matches(metadata) for condition in self.conditions)


def parse_filter(raw: Mapping[str, object], fields: Iterable[str]) -> Filter:
    """Build a Filter from its JSON form.

    Args:
        raw: field -> scalar, or field -> {operator: value}; several operators of one field are all required.
        fields: the filterable fields (setting GRAPHRAG_FILTER_FIELDS).

    Raises:
        InputError: an unknown field or operator, or a value of the wrong shape; says what is allowed.
    """
    allowed = frozenset(fields)
    conditions: list[Condition] = []
    for name, spec in raw.items():
        check_field(name, allowed)
        operators = spec if isinstance(spec, Mapping) else {"eq": spec}
        if not operators:
            raise InputError(f"filter on {name!r} is empty; give a value or one of: {', '.join(OPERATORS)}")
        for operator, value in operators.items():
            conditions.append(_condition(name, operator, value))
    if len(conditions) > MAX_CONDITIONS:
        raise InputError(f"a filter holds at most {MAX_CONDITIONS} conditions, got {len(conditions)}")
    return Filter(tuple(conditions))


def read_filter(text: str, fields: Iterable[str], *, name: str = "filter") -> Filter | None:
    """The filter that a text holds as JSON; None if it has no condition: no text, or `{}`.

    Args:
        name: what the user knows the text by, for messages.

    Raises:
        InputError: not a JSON object, or as parse_filter.
    """
    if not text.strip():
        return None
    try:
        raw = cast(object, json.loads(text))
    except (ValueError, RecursionError) as exc:
        raise InputError(
            f"{name} {text[:80]!r} is not valid JSON ({exc}): write for example '{{\"year\": 2025}}'"
        ) from exc
    if not isinstance(raw, dict):
        raise InputError(f"{name} {text[:80]!r} is not a JSON object: write for example '{{\"year\": 2025}}'")
    return parse_filter(cast(dict[str, object], raw), fields) if raw else None


def check_field(name: str, fields: Collection[str]) -> None:
    """Raise InputError, which names the filterable fields, unless `name` is one of them."""
    if name not in fields:
        raise InputError(
            f"filter field {name[:80]!r} is not filterable; filterable fields: {', '.join(sorted(fields)) or 'none'} "
            f"(add it to GRAPHRAG_FILTER_FIELDS to make it so)"
        )


def check_filter(filter: Filter | None, fields: Collection[str]) -> None:
    """Raise InputError, as check_field, unless all conditions are on filterable fields."""
    for condition in filter.conditions if filter else ():
        check_field(condition.field, fields)


def _condition(name: str, operator: object, value: object) -> Condition:
    match operator:
        case "in":
            if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_VALUES:
                raise InputError(f"filter {name!r}: 'in' takes a list of 1 to {MAX_VALUES} values")
            return Condition(name, "in", tuple(_scalar(name, item) for item in value))
        case "exists":
            if not isinstance(value, bool):
                raise InputError(f"filter {name!r}: 'exists' takes true or false")
            return Condition(name, "exists", (value,))
        case "gt" | "gte" | "lt" | "lte":
            scalar = _scalar(name, value)
            if isinstance(scalar, bool):
                raise InputError(f"filter {name!r}: {operator!r} compares texts or numbers, not true/false")
            return Condition(name, cast(Operator, operator), (scalar,))
        case "eq" | "ne":
            return Condition(name, cast(Operator, operator), (_scalar(name, value),))
        case _:
            raise InputError(
                f"filter {name!r}: unknown operator {str(operator)[:80]!r}; use one of: {', '.join(OPERATORS)}"
            )


def _scalar(name: str, value: object) -> Scalar:
    if isinstance(value, str | int | float | bool) and value == value:  # NaN is not equal to itself
        return value
    raise InputError(f"filter {name!r}: expected a text, a number or true/false, got {type(value).__name__}")
