"""Forms and spellings of one word: what counts as one term, and what stays apart."""

from collections import Counter

import pytest

from graphrag.analysis import held_terms, terms
from graphrag.word_forms import _NOUNS, _SPELLINGS, _STEMMED_APART, _VERBS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("makes", "made"),
        ("write", "written"),
        ("chosen", "choice"),
        ("person", "people"),
        ("crisis", "crises"),
        ("organisation", "organizations"),
        ("recognised", "recognize"),
        ("colour", "colors"),
        ("behavioural", "behavioral"),
        ("centre", "center"),
        ("cancelled", "canceled"),
        ("promise", "promised"),
        ("exercises", "exercising"),
        ("choice", "choices"),
        ("speech", "speeches"),
        ("artefact", "artifacts"),
        ("mould", "moulded"),
        ("catalogue", "cataloguing"),
        ("revised", "revision"),
        ("supervise", "supervision"),
        ("televised", "television"),
        ("precise", "precisely"),
        ("advertise", "advertisement"),
        ("organisational", "organizational"),
        ("overheat", "overheated"),
        ("experience", "experienced"),
        ("embed", "embedding"),
        ("menu", "menus"),
        ("lens", "lenses"),
        ("PDF", "PDFs"),
        ("KPI", "KPIs"),
        ("VM", "VMs"),
        ("spa", "spas"),
        ("wins", "won"),
        ("it won't do", "it will do"),
    ],
)
def test_forms_of_one_word_are_one_term(one: str, other: str) -> None:
    assert terms(one) == terms(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("found", "founded"),
        ("maker", "make"),
        ("success", "successor"),
        ("hour", "hor"),
        ("raise", "rise"),
        ("product", "producer"),
        ("heal", "reheated"),
        ("pres", "press"),
    ],
)
def test_other_words_stay_apart(one: str, other: str) -> None:
    assert terms(one) != terms(other)


def test_evidence_holds_a_wanted_word_in_any_word_of_its_family() -> None:
    words = frozenset(terms("The pump was made by Brookline, which Quill founded."))
    assert held_terms(terms("Who is the founder of the maker?"), words) == frozenset(terms("founder maker"))
    assert not held_terms(terms("Who is the owner?"), words)
    assert held_terms(terms("cost"), frozenset(terms("EUR 40")))
    assert not held_terms(terms("dollars"), frozenset(terms("EUR 40")))
    assert not held_terms(terms("dollars"), frozenset(terms("cost")))


def test_no_form_is_listed_for_two_words() -> None:
    listed = [
        form
        for table in (_VERBS, _NOUNS, _STEMMED_APART, _SPELLINGS)
        for entry in table.split(";")
        for form in entry.split()[1:]
    ]
    assert [form for form, times in Counter(listed).items() if times > 1] == []


@pytest.mark.parametrize(
    ("asked", "said", "held"),
    [
        ("supervises", "supervisor", True),
        ("conductor", "conducted", True),
        ("trainer", "trained", True),
        ("expires", "ends", True),
        ("email", "mail", True),
        ("tower", "tow", False),
        ("flower", "flow", False),
        ("number", "numb", False),
    ],
)
def test_who_does_something_is_told_by_what_they_do(asked: str, said: str, held: bool) -> None:
    assert bool(held_terms(terms(asked), frozenset(terms(said)))) == held
    assert bool(held_terms(terms(said), frozenset(terms(asked)))) == held
