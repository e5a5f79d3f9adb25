"""Dates and numbers have one form among terms, however they are written."""

import pytest

from graphrag.analysis import asked_terms, terms
from graphrag.dates import spelt_out


@pytest.mark.parametrize(
    "written",
    [
        "2025-03-09",
        "2025-03-09T08:15:00Z",
        "9 March 2025",
        "09 March 2025",
        "9th of March, 2025",
        "March 9, 2025",
        "march 9th 2025",
        "Mar. 9 2025",
        "9 Mar 2025",
        "9.3.2025",
        "09.03.2025",
    ],
)
def test_a_date_has_the_same_terms_however_it_is_written(written: str):
    assert {"9", "march9", "2025"} <= set(terms(written))
    assert not {"03", "09", "3", "mar", "9th"} & set(terms(written))
    assert ("march" in terms(written)) == ("mar" in written.casefold())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("11 Nov", "the 11th of November"),
        ("Nov 2024", "November 2024"),
        ("Sept 5", "5 September"),
        ("75,000 events", "75000 events"),
        ("GBP 1,234,567.50", "GBP 1234567.50"),
        ("the 19th century", "the 19 century"),
    ],
)
def test_what_is_written_in_two_ways_is_found_in_both(one: str, other: str):
    assert set(terms(one)) == set(terms(other))


@pytest.mark.parametrize(
    "text",
    [
        "9/3/2025",  # in March, or in September
        "the season 2010-11",
        "2025-13-01",
        "12025-03-09",
        "at 10:30 on mar",
        "dec, jan and mar",
        "jun 5:30",
        "10.20.3021",
        "items 1,23 and 4,5678",
        "version 3.4.2",
        "it may be so",
    ],
)
def test_what_is_no_date_stays(text: str):
    assert spelt_out(text) == text


def test_a_date_beside_words_keeps_them_apart():
    assert terms("2024-12-19T10:22") == ["19", "december19", "2024", "t10", "22"]
    assert terms("due 2024-12-19.csv, or Nov. 2024") == ["due", "19", "december19", "2024", "csv", "novemb", "2024"]


def test_a_question_for_a_day_needs_no_month_beside_it():
    assert asked_terms("Who is on call on the 9th of March, or in May?") == ("call", "9", "march9", "may")
    assert asked_terms("What happened in December?") == ("happen", "decemb")
    assert set(asked_terms("on call on 9 Mar 2025")) == set(terms("on call: 2025-03-09"))
