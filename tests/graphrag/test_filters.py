"""Metadata filters: what is accepted, what is refused and why, and which documents pass."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphrag.errors import InputError
from graphrag.filters import MAX_CONDITIONS, MAX_VALUES, OPERATORS, Condition, Filter, kind, parse_filter
from graphrag.types import Metadata, Scalar

FIELDS = ("year", "department", "draft")

scalars: st.SearchStrategy[Scalar] = st.one_of(
    st.text(max_size=5), st.integers(), st.floats(allow_nan=False), st.booleans()
)
metadata = st.dictionaries(st.sampled_from(FIELDS), scalars)


def passes(raw: dict[str, object], held: Metadata) -> bool:
    return parse_filter(raw, FIELDS).matches(held)


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ({"color": "red"}, ["'color'", "department, draft, year", "GRAPHRAG_FILTER_FIELDS"]),
        ({"year": {}}, ["'year'", "empty", *OPERATORS]),
        ({"year": {"like": "2%"}}, ["'like'", "unknown operator", *OPERATORS]),
        ({"year": {"eq": 1, "$gt": 1}}, ["'$gt'", "unknown operator"]),
        ({"year": {"in": []}}, ["'in'", "1 to 100"]),
        ({"year": {"in": 2024}}, ["'in'", "list"]),
        ({"year": {"in": "2024"}}, ["'in'", "list"]),
        ({"year": {"in": list(range(MAX_VALUES + 1))}}, ["'in'", "1 to 100"]),
        ({"year": {"in": [1, None]}}, ["NoneType"]),
        ({"year": {"exists": 1}}, ["'exists'", "true or false"]),
        ({"year": {"exists": "true"}}, ["'exists'", "true or false"]),
        ({"draft": {"gt": True}}, ["'gt'", "true/false"]),
        ({"year": {"gte": [1]}}, ["list"]),
        ({"year": None}, ["'year'", "NoneType"]),
        ({"year": [2024]}, ["'year'", "list"]),
        ({"year": {"eq": {"eq": 1}}}, ["'year'", "dict"]),
        ({"year": math.nan}, ["'year'"]),
        ({"year": {"in": [1.0, math.nan]}}, ["'year'"]),
    ],
)
def test_a_malformed_filter_is_refused_with_what_is_allowed(raw: dict[str, object], parts: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        parse_filter(raw, FIELDS)
    for part in parts:
        assert part in str(refused.value)


def test_without_filterable_fields_the_refusal_says_so() -> None:
    with pytest.raises(InputError, match="filterable fields: none"):
        parse_filter({"year": 1}, ())


def test_a_long_field_name_is_cut_in_the_refusal() -> None:
    with pytest.raises(InputError) as refused:
        parse_filter({"x" * 10_000: 1}, FIELDS)
    assert len(str(refused.value)) < 400


def test_the_number_of_conditions_is_limited_over_all_fields() -> None:
    fields = [f"f{n}" for n in range(MAX_CONDITIONS + 1)]
    most: dict[str, object] = dict.fromkeys(fields[:-1], 1)
    assert len(parse_filter(most, fields).conditions) == MAX_CONDITIONS
    with pytest.raises(InputError, match="at most 20 conditions, got 21"):
        parse_filter({**most, fields[-1]: 1}, fields)
    with pytest.raises(InputError, match="got 22"):
        parse_filter({name: {"gte": 1, "lte": 2} for name in fields[:11]}, fields)


def test_a_list_of_the_largest_size_is_accepted() -> None:
    assert passes({"year": {"in": list(range(MAX_VALUES))}}, {"year": MAX_VALUES - 1})


@pytest.mark.parametrize(
    ("condition", "held", "expected"),
    [
        ({"eq": 2024}, 2024, True),
        ({"eq": 2024}, 2024.0, True),
        ({"eq": 2024}, "2024", False),
        ({"eq": 1}, True, False),
        ({"eq": True}, 1, False),
        ({"eq": True}, True, True),
        ({"eq": "a"}, "A", False),
        ({"eq": "é"}, "e\u0301", False),
        ({"ne": 2024}, 2025, True),
        ({"ne": 2024}, 2024, False),
        ({"ne": 2024}, "2024", False),
        ({"ne": 1}, True, False),
        ({"ne": True}, False, True),
        ({"in": [1, "1"]}, "1", True),
        ({"in": [1, "1"]}, True, False),
        ({"in": [0, False]}, False, True),
        ({"gt": 1}, 1, False),
        ({"gt": 1}, 1.5, True),
        ({"gt": 0}, True, False),
        ({"gte": 1}, 1, True),
        ({"lt": 1}, 1, False),
        ({"lt": 1}, 0, True),
        ({"lte": 1}, 1, True),
        ({"lte": 1}, "0", False),
        ({"gt": "2026-01-01"}, "2026-01-02", True),
        ({"gt": "2026-01-01"}, 2027, False),
        ({"gt": "Z"}, "a", True),
        ({"gt": "9"}, "10", False),
        ({"gt": "\uff5e"}, "\U0001f600", True),
        ({"gt": 2**53}, 2**53 + 1, True),
        ({"gt": float(2**53)}, 2**53 + 1, True),
        ({"eq": float(2**53)}, 2**53 + 1, False),
        ({"eq": 0.0}, -0.0, True),
        ({"exists": True}, "", True),
        ({"exists": True}, False, True),
        ({"exists": True}, 0, True),
        ({"exists": False}, 0, False),
    ],
)
def test_a_condition_on_a_field_that_the_document_has(
    condition: dict[str, object], held: Scalar, expected: bool
) -> None:
    assert passes({"year": condition}, {"year": held, "other": 1}) is expected


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_document_without_the_field_passes_only_exists_false(operator: str) -> None:
    value: object = {"in": [1], "exists": True}.get(operator, 1)
    assert not passes({"year": {operator: value}}, {"department": 1})
    assert passes({"year": {"exists": False}}, {})


def test_all_conditions_have_to_hold() -> None:
    raw: dict[str, object] = {"year": {"gte": 2020, "lt": 2025}, "department": "legal"}
    assert passes(raw, {"year": 2024, "department": "legal"})
    assert not passes(raw, {"year": 2025, "department": "legal"})
    assert not passes(raw, {"year": 2024, "department": "hr"})
    assert not passes(raw, {"year": 2024})


def test_an_empty_filter_passes_everything() -> None:
    assert parse_filter({}, ()) == Filter()
    assert Filter().matches({}) and Filter().matches({"year": 1})


def test_a_bare_value_means_eq() -> None:
    assert parse_filter({"year": 1}, FIELDS) == parse_filter({"year": {"eq": 1}}, FIELDS)
    assert parse_filter({"year": 1}, FIELDS).conditions == (Condition("year", "eq", (1,)),)


def test_filters_are_equal_only_if_their_values_are_of_one_kind() -> None:
    """Filters are keys of caches, and in Python `True == 1`."""

    def one(value: object, operator: str = "eq") -> Filter:
        return parse_filter({"draft": {operator: value}}, FIELDS)

    assert one(1) == one(1.0)
    assert hash(one(1)) == hash(one(1.0))
    different = [
        one(True),
        one(1),
        one("1"),
        one(1, "ne"),
        one([1], "in"),
        one([True], "in"),
        one(True, "exists"),
        Filter(),
    ]
    assert len(set(different)) == len(different)
    assert one(1).conditions[0] != "something else"


@given(metadata)
def test_every_document_passes_the_filter_of_its_own_values(held: Metadata) -> None:
    assert passes(dict(held), held)
    assert passes({name: {"in": [value], "exists": True} for name, value in held.items()}, held)
    assert not any(passes({name: {"ne": value}}, held) for name, value in held.items())


@given(metadata, scalars)
def test_eq_and_ne_part_the_documents_that_have_a_value_of_the_kind(held: Metadata, value: Scalar) -> None:
    same_kind = "year" in held and kind(held["year"]) == kind(value)
    assert passes({"year": {"eq": value}}, held) + passes({"year": {"ne": value}}, held) == same_kind


@given(metadata, scalars.filter(lambda value: not isinstance(value, bool)))
def test_the_orders_part_the_documents_that_have_a_value_of_the_kind(held: Metadata, value: Scalar) -> None:
    same_kind = "year" in held and kind(held["year"]) == kind(value)
    results = {operator: passes({"year": {operator: value}}, held) for operator in ("gt", "gte", "eq", "lt", "lte")}
    assert results["gt"] + results["eq"] + results["lt"] == same_kind
    assert results["gte"] == (results["gt"] or results["eq"])
    assert results["lte"] == (results["lt"] or results["eq"])


@given(metadata, st.lists(scalars, min_size=1, max_size=5))
def test_in_is_eq_with_any_of_the_values(held: Metadata, values: list[Scalar]) -> None:
    assert passes({"year": {"in": values}}, held) == any(passes({"year": value}, held) for value in values)


@given(st.dictionaries(st.sampled_from(FIELDS), st.dictionaries(st.sampled_from(("eq", "ne")), scalars, min_size=1)))
def test_parsing_keeps_every_condition_with_its_exact_values(raw: dict[str, dict[str, Scalar]]) -> None:
    parsed = parse_filter(raw, FIELDS)
    held = [(c.field, c.operator, c.values, kind(c.values[0])) for c in parsed.conditions]
    assert held == [
        (name, operator, (value,), kind(value)) for name, spec in raw.items() for operator, value in spec.items()
    ]
