"""Fields that sentences tell, and what a word is said to mean."""

import pytest

from agent.spans.glossary import explained
from agent.spans.prose_fields import prose_fields
from tests.agent.test_fields import chunk_of


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Its capital and largest city is Port Amsel.", [("Its capital and largest city", "Port Amsel")]),
        (
            "The language is Beskovian and the currency is the Krona.",
            [("The language", "Beskovian"), ("the currency", "Krona")],
        ),
        ("Her husband was the composer Alaric Venn, who died young.", [("Her husband", "Alaric Venn")]),
        ("Product manager is Idris Okonjo.", [("Product manager", "Idris Okonjo")]),
        ("With a height of 97 m, its tower is tall.", [("With a height", "97 m")]),
        ("Price 412 GBP each. Output 48 MLD.", [("Price", "412 GBP"), ("Output", "48 MLD")]),
        ("It costs EUR 3 at a top speed of about 17 knots.", [("It costs", "EUR 3"), ("a top speed", "17 knots")]),
        ("The population was 27,340 in 2010.", [("The population", "27,340")]),
        ("The speed limit is set by the 3 boards.", []),
        ("The mayor, Ida Rowan, was born in Hov.", []),
        ("He was named Ida.", []),
        ("The crew that was on call is Team Heron.", []),
        ("The valve is shut.", []),
    ],
)
def test_a_sentence_tells_the_name_that_its_subject_is(sentence: str, told: list[tuple[str, str]]):
    assert [(field.label, field.text) for field in prose_fields(chunk_of(sentence))] == told


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("what does mld mean?", "mld"),
        ("What does the term “spill” mean?", "spill"),
        ("What is PRV short for?", "PRV"),
        ("What is the meaning of CSO?", "CSO"),
        ("What does Ida Rowan mean to do?", ""),
        ("What is the mean of it?", ""),
    ],
)
def test_a_question_asks_for_the_meaning_of_a_term(question: str, term: str):
    assert explained(question) == term
