"""What is no part of a name, whatever the recogniser says."""

import pytest

from graphrag.extraction.spacy import DEFAULT_PIPELINE, load_pipeline
from graphrag.extraction.spans import recognise
from graphrag.sentences import split_sentences

LANGUAGE = load_pipeline(DEFAULT_PIPELINE)


def names(text: str) -> list[str]:
    """The names of a text in order."""
    return [span.surface for span in recognise(LANGUAGE(text), 0, split_sentences(text))]


def test_spans_are_those_of_the_document():
    text = "They met Werner Tolle in Rotterdam."

    found = recognise(LANGUAGE(text), 100, [(100, 100 + len(text))])

    assert [text[span.start - 100 : span.end - 100] for span in found] == ["Werner Tolle", "Rotterdam"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It was rejected on 30 March. Instead they stay.", []),
        ("Coliforms were found in Well 2. Nobody drank from it.", ["Well 2"]),
        ("They stand in the Shuswap Highland. There it rains.", ["Shuswap Highland"]),
        ("The train stopped on Line 4. Nobody was hurt.", ["Line 4"]),
    ],
)
def test_no_name_runs_on_into_the_next_sentence(text: str, expected: list[str]):
    assert names(text) == expected


def test_no_name_runs_on_into_the_next_column():
    assert names("Port Ellery   Lowmere Hospice                38   shared") == ["Port Ellery", "Lowmere Hospice"]


def test_a_name_that_alone_is_the_value_of_a_field_or_a_cell_is_not_cut():
    text = (
        "- name: Rufus Adeleye\n- line manager: Sable Nakamura-Reyes\n- maker: Edelvac UK\n- state: In Progress\n"
        "| North Dome | Rufus Adeleye | 2019 |"
    )
    # As the recogniser sees them by themselves.
    assert [(entity.text, entity.label_) for entity in LANGUAGE("- maker: Edelvac UK").ents] == [("UK", "GPE")]

    found = {span.surface: span.type for span in recognise(LANGUAGE(text), 0, split_sentences(text))}

    assert {"Rufus Adeleye", "Sable Nakamura-Reyes", "Edelvac UK"} <= found.keys()
    assert not {"Rufus", "Adeleye", "Nakamura-Reyes", "Reyes", "UK"} & found.keys()
    assert found["Edelvac UK"] == ""  # no country
    assert found["Sable Nakamura-Reyes"] in ("PERSON", "ORG")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "- service: login-api\n- data store: ledger-db, route_cache\n- cause: long-term wear",
            ["login-api", "ledger-db", "route_cache"],
        ),
        ("eta-predictor | 99.5 % | feature-store\nx | well-known to all | y", ["eta-predictor", "feature-store"]),
        ("It is a long-term plan.\nlong-term", []),
        ("- long-term: no", []),
    ],
)
def test_identifiers_in_lower_case_are_names_where_they_are_all_that_a_field_says(text: str, expected: list[str]):
    found = [span for span in recognise(LANGUAGE(text), 0, split_sentences(text)) if span.type == "CODE"]

    assert [span.surface for span in found] == expected
    assert [text[span.start : span.end] for span in found] == expected


@pytest.mark.parametrize(
    "text",
    [
        "It costs EUR 84 an hour.",
        "It costs EUR 23,400 in all.",
        "It was read at 09:10 UTC on that day.",
        "EUR 9.42 million was spent.",
        "Journey EUR 60 each.",
    ],
)
def test_amounts_and_times_of_the_clock_are_no_names(text: str):
    assert names(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "In July and August it is closed.",
        "Note of 10 April: nothing.",
        "From 1 October it is dearer.",
        "Closed 7 April.",
        "May 14: nothing new.",
        "The Sunday of October was wet.",
    ],
)
def test_months_and_days_are_no_names(text: str):
    assert names(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "When I called, nobody answered.",
        "For the Client: the manager.",
        "Above 27 degrees the fan starts.",
        "Relatives of 4 patients called.",
        "9 July She has heard it.",
        "Started 06:40, ended 07:10.",
    ],
)
def test_small_words_and_figures_around_a_capital_letter_make_no_name(text: str):
    assert names(text) == []


def test_small_words_that_are_capitalised_within_a_sentence_are_part_of_a_name():
    assert names("They heard For Whom the Bell Tolls by The Weeknd.") == ["For Whom the Bell Tolls", "Weeknd"]


def test_one_word_behind_an_article_is_a_name_if_it_has_a_capital_letter_of_its_own():
    assert names("The Zwischenfeld stands still.") == ["Zwischenfeld"]
    assert names("The gateway stands still.") == []


def test_words_without_a_capital_letter_are_no_names():
    assert names("It was fed by a lorry, and Halden saw it.") == ["Halden"]


def test_a_name_keeps_the_full_stop_of_an_abbreviation_alone():
    assert names("They asked Acme Inc. about it, and it was sent to Tarnholm Sensing B.V. on that day.") == [
        "Acme Inc.",
        "Tarnholm Sensing B.V.",
    ]
    assert names("It was signed by Dr Ines Okafor-Bell.")[-1].endswith("Okafor-Bell")
