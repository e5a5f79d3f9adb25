"""Which filters the vector index of Neo4j applies itself, and how values are compared there."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphrag.filters import Condition, Filter
from graphrag.stores.neo4j.comparable import comparable, conditions, searchable
from graphrag.types import Scalar

values: st.SearchStrategy[Scalar] = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)


@given(st.lists(values, min_size=2, max_size=8))
@example([10**400, -(10**400), 1.5e308, -1.5e308, math.inf, -math.inf, 0])
def test_comparable_texts_are_equal_and_ordered_as_their_values(held: list[Scalar]) -> None:
    for one in held:
        for other in held:
            for operator in ("eq", "gt", "gte", "lt", "lte", "ne"):
                expected = Condition("f", operator, (other,)).matches({"f": one})
                assert passes(comparable(one), Condition("f", operator, (other,))) == expected, (one, operator, other)


def passes(text: str, condition: Condition) -> bool:
    """What the query does with the compiled condition."""
    (compiled,) = conditions(Filter((condition,)))
    match compiled["test"]:
        case "in":
            return text in compiled["values"]
        case "range":
            return str(compiled["low"]) <= text < str(compiled["high"])
        case _:
            return text.startswith(str(compiled["kind"])) and text != compiled["value"]


def test_very_long_texts_stay_within_what_lucene_takes_and_keep_equality() -> None:
    one, other = "x" * 40_000, "x" * 39_999 + "y"
    assert len(comparable(one)) < 9_000
    assert comparable(one) != comparable(other)
    assert comparable(one) == comparable("x" * 40_000)


@pytest.mark.parametrize(
    ("held", "indexed"),
    [
        ([Condition("year", "gte", (1,)), Condition("year", "lt", (9,)), Condition("draft", "eq", (True,))], True),
        ([Condition("year", "in", (1, 2))], True),
        ([Condition("year", "exists", (True,)), Condition("year", "gt", (1,))], True),
        ([Condition("year", "ne", (1,))], False),
        ([Condition("year", "exists", (False,))], False),
        ([Condition("year", "eq", (1,)), Condition("year", "eq", (2,))], False),
        ([Condition("year", "eq", (1,)), Condition("year", "gt", (2,))], False),
    ],
)
def test_the_index_filters_what_it_can_and_the_rest_is_scanned(held: list[Condition], indexed: bool) -> None:
    assert (searchable(Filter(tuple(held))) is not None) == indexed
