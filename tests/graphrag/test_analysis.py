"""Text analysis: terms, keys and phrases. Forms of one word: test_word_forms.py."""

import re
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphrag.analysis import (
    MAX_PHRASE_TOKENS,
    STOP_WORDS,
    chunk_terms,
    fold,
    is_entity_key,
    is_subject_key,
    longest_matches,
    normalise,
    phrases,
    question_phrases,
    terms,
)

prose = st.lists(
    st.sampled_from(
        [
            "Acme",
            "the",
            "The",
            "of",
            "Berlin",
            "buys",
            "Corp's",
            "2024",
            "A",
            "and",
            "Zoë",
            "IBM",
            "(UK)",
            "ÉCOLE",
            "x_1",
            ",",
        ]
    ),
    max_size=12,
).map(" ".join)
anything = st.text(st.characters(codec="utf-8"), max_size=40)


@pytest.mark.parametrize(
    ("surface", "key"),
    [
        ("Acme Corp.", "acme corp"),
        ("The Acme Corp", "acme corp"),
        ("the  ACME\n corp", "acme corp"),
        ("A An The Acme", "acme"),
        ("The", "the"),
        ("Acme's", "acme"),
        ("Acme’s Pride", "acme pride"),
        ("James'", "james"),
        ("Mercury (planet)", "mercury"),
        ("Mercury (planet) Records", "mercury planet records"),
        ("(Mercury)", "mercury"),
        ("Straße", "strasse"),
        ("ÉCOLE", "école"),
        ("AT&T", "at t"),
        ("Inc-2041", "inc 2041"),
        ("東京", "東京"),
        ("...", ""),
        ("", ""),
    ],
)
def test_a_surface_form_has_one_key(surface: str, key: str) -> None:
    assert normalise(surface) == key


@given(anything | prose)
def test_normalising_twice_changes_nothing(surface: str) -> None:
    assert normalise(normalise(surface)) == normalise(surface)


@given(anything | prose)
def test_a_key_is_folded_words_joined_by_single_spaces(surface: str) -> None:
    key = normalise(surface)
    assert key == " ".join(key.split())
    assert key == unicodedata.normalize("NFC", key.casefold())


@given(prose)
def test_case_does_not_change_a_key(surface: str) -> None:
    assert normalise(surface.upper()) == normalise(surface) == normalise(surface.lower())


def test_terms_are_folded_stemmed_and_without_stop_words() -> None:
    assert terms("The Reports of the reporting REPORTER, don't!") == ["report", "report", "report"]
    assert terms("Zoë’s Straße 42 foo_bar") == ["zoë", "strass", "42", "foo_bar"]
    assert terms("") == terms("the of and") == []


@given(anything)
def test_terms_hold_no_space_and_no_stop_word(text: str) -> None:
    for term in terms(text):
        assert term
        assert not set(term) & set(" \t\n")
    assert not set(terms(" ".join(sorted(STOP_WORDS))))


@given(anything)
def test_the_terms_of_a_question_are_those_of_the_same_text_in_a_chunk(text: str) -> None:
    assert chunk_terms("", (), text).split() == terms(text)
    assert chunk_terms(text, (), "").split() == terms(text) * 2


def test_the_terms_of_a_chunk_hold_its_title_twice_then_headings_then_text() -> None:
    assert chunk_terms("Big Cats", ("Lions", "Food"), "They eat.") == "big cat big cat lion food eat"


def test_phrases_are_capitalised_runs_with_small_words_inside() -> None:
    text = "The Bank of the West buys Acme."
    assert list(phrases(text, [(0, len(text))])) == ["acme", "bank", "bank of the west", "west"]


def test_a_phrase_knows_every_sentence_in_which_it_stands() -> None:
    text = "Acme grew. Berlin grew. Acme sold Berlin."
    sentences = [(0, 11), (11, 24), (24, len(text))]
    assert phrases(text, sentences) == {"acme": 0b101, "berlin": 0b110}


def test_the_offset_moves_the_sentences_and_nothing_else() -> None:
    text = "Acme grew. Berlin grew."
    moved = phrases(text, [(100, 111), (111, 123)], offset=100)
    assert moved == phrases(text, [(0, 11), (11, 23)]) == {"acme": 0b01, "berlin": 0b10}


def test_no_phrase_spans_two_sentences() -> None:
    text = "He saw Acme. Berlin grew."
    found = set(phrases(text, [(0, 13), (13, len(text))]))
    assert found == {"acme", "berlin"}


def test_text_outside_the_sentences_is_passed_over() -> None:
    assert phrases("Acme grew. Berlin grew.", [(11, 23)]) == {"berlin": 1}
    assert phrases("Acme", []) == {}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("acme and berlin", set[str]()),
        ("Will He Go", {"will he", "will he go", "he go"}),
        ("EU", set[str]()),
        ("IBM", {"ibm"}),
        ("Acme and", {"acme"}),
        ("Acme buys Berlin", {"acme", "berlin"}),
        ("The Acme", {"acme"}),
        ("Acme's Tower", {"acme", "tower", "acme tower"}),
        ("Zoë Ångström", {"zoë", "ångström", "zoë ångström"}),
        ("2024 Report", {"2024", "report", "2024 report"}),
        ("One Two Three Four Five Six Seven", None),
    ],
)
def test_what_is_a_phrase(text: str, keys: set[str] | None) -> None:
    found = set(phrases(text, [(0, len(text))]))
    if keys is None:
        assert "one two three four five six" in found
        assert "two three four five six seven" in found
        assert "one two three four five six seven" not in found
    else:
        assert {key for key in found if key not in {"will", "he", "go"}} == keys


@given(prose | anything)
def test_every_phrase_is_a_run_of_the_folded_tokens_of_its_sentences(text: str) -> None:
    half = len(text) // 2
    sentences = [(0, half), (half, len(text))]
    found = phrases(text, sentences)
    assert list(found) == sorted(found)
    for key, held in found.items():
        assert held in (0b01, 0b10, 0b11)
        assert 1 <= len(key.split(" ")) <= MAX_PHRASE_TOKENS
        for index, (start, end) in enumerate(sentences):
            if held >> index & 1:
                part = text[start:end].replace("'s", "").replace("’s", "").replace("'S", "").replace("’S", "")
                for word in key.split(" "):
                    assert word in fold(part)


@given(prose)
def test_a_capitalised_name_is_a_phrase_under_its_own_key(name: str) -> None:
    """What joins titles to texts: the phrase of a name in a text equals the key of the same name as a title."""
    words = [word for word in name.split() if word[0].isupper() and word not in ("The", "A")][:MAX_PHRASE_TOKENS]
    surface = " ".join(words)
    key = normalise(surface)
    if key and len(key) > 2 and key not in STOP_WORDS:
        text = f"they met {surface} there"
        assert key in set(phrases(text, [(0, len(text))]))


@pytest.mark.parametrize("name", ["İstanbul", "Zoë", "Straße", "ΣΊΣΥΦΟΣ", "Ŀlull"])
def test_a_name_with_unusual_letters_has_one_key_everywhere(name: str) -> None:
    assert normalise(name) in set(phrases(name, [(0, len(name))]))
    assert normalise(name) in question_phrases(f"who knows {name}")


def test_a_question_names_runs_longest_first_then_in_order() -> None:
    found = question_phrases("acme corp berlin")
    assert found == ["acme corp berlin", "acme corp", "corp berlin", "acme", "corp", "berlin"]


def test_a_question_finds_names_in_lower_case_and_without_possessive() -> None:
    assert "jane smith" in question_phrases("where is jane smith's office")
    assert "bank of the west" in question_phrases("is the bank of the west open")
    assert "the bank" not in question_phrases("is the bank open")


@given(prose | anything)
def test_the_phrases_of_a_question_are_short_unique_and_never_lone_stop_words(question: str) -> None:
    found = question_phrases(question)
    assert len(set(found)) == len(found)
    lengths = [len(key.split(" ")) for key in found]
    assert lengths == sorted(lengths, reverse=True)
    assert all(length <= MAX_PHRASE_TOKENS for length in lengths)
    assert not set(found) & STOP_WORDS


@given(prose)
def test_a_question_names_whatever_the_same_text_would_name(text: str) -> None:
    named = set(phrases(text, [(0, len(text))]))
    lone_stop_words = {key for key in named if key.split()[0] in STOP_WORDS and key.split()[-1] in STOP_WORDS}
    assert named - lone_stop_words <= set(question_phrases(text))


@pytest.mark.parametrize(
    ("longer", "shorter", "expected"),
    [
        ("acme corp", "acme", True),
        ("acme corp", "corp", True),
        ("the acme corp", "acme", True),
        ("acme corp", "acme corp", False),
        ("acme", "acme corp", False),
        ("acmecorp", "acme", False),
        ("new york city", "new city", False),
    ],
)
def test_covering_is_by_whole_words_in_a_row(longer: str, shorter: str, expected: bool) -> None:
    assert (shorter not in longest_matches({longer: 1, shorter: 1}, [longer, shorter])) is expected


@pytest.mark.parametrize(
    ("sentences", "matching", "expected"),
    [
        ({"acme": 0b01, "acme corp": 0b01}, ["acme", "acme corp"], {"acme corp"}),
        ({"acme": 0b11, "acme corp": 0b01}, ["acme", "acme corp"], {"acme", "acme corp"}),
        ({"acme": 0b01, "acme corp": 0b11}, ["acme", "acme corp"], {"acme corp"}),
        ({"acme": 0b01, "acme corp": 0b01}, ["acme"], {"acme"}),
        ({"acme": 0b01, "acme corp": 0b10}, ["acme", "acme corp"], {"acme", "acme corp"}),
        ({"acme": 0b01}, ["acme", "not a phrase of it"], {"acme"}),
        ({"acme": 0b01}, ["acme", "acme corp"], {"acme"}),
        ({"acme": 0b11, "acme corp": 0b01, "acme inc": 0b10}, ["acme", "acme corp", "acme inc"], None),
        ({}, ["acme"], set()),
        ({"a b": 0b01, "b c": 0b01, "a b c": 0b01, "b": 0b01}, ["a b", "b c", "a b c", "b"], {"a b c"}),
    ],
)
def test_only_matches_that_no_longer_match_covers_remain(
    sentences: dict[str, int], matching: list[str], expected: set[str] | None
) -> None:
    # Two longer matches that cover it only between them do not count: each would have to stand in every sentence.
    assert longest_matches(sentences, matching) == (set(matching) if expected is None else expected)
    assert longest_matches(sentences, reversed(matching)) == longest_matches(sentences, matching)


@given(st.dictionaries(st.sampled_from(["a", "b", "a b", "b c", "a b c"]), st.integers(1, 7)))
def test_longest_matches_keep_every_match_that_is_longest_somewhere(held: dict[str, int]) -> None:
    found = longest_matches(held, held)
    assert found <= set(held)
    assert all(any(f" {key} " in f" {longer} " for longer in found) for key in set(held) - found)
    assert longest_matches(held, found) == found


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("acme", True),
        ("acme overview", True),
        ("introduction", False),
        ("frequently asked questions", False),
        ("faq", False),
        ("chapter 2", True),
        ("step 2", True),
        ("steps 2", False),
        ("2024", False),
        ("eu", False),
        ("", False),
        ("the of", False),
        ("q3 results", True),
    ],
)
def test_a_heading_of_generic_words_is_no_subject(key: str, expected: bool) -> None:
    assert is_subject_key(key) is expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [("acme", True), ("s3", True), ("eu", False), ("2024", False), ("the", False), ("", False), ("x1 carbon", True)],
)
def test_what_may_be_an_entity(key: str, expected: bool) -> None:
    assert is_entity_key(key) is expected


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["Zoë Ångström", "İstanbul Üniversitesi", "ǅ́ Ứng", "Ḧ̱ello W̊orld", "ΐ Ὦ ᾴ", "J̌ane T̈om"])
def test_how_accents_are_encoded_does_not_matter(name: str, form: Literal["NFC", "NFD"]) -> None:
    encoded = unicodedata.normalize(form, name)
    assert normalise(encoded) == normalise(name)
    assert terms(encoded) == terms(name)
    assert question_phrases(encoded) == question_phrases(name)
    assert phrases(encoded, [(0, len(encoded))]) == phrases(name, [(0, len(name))])


def test_a_dotted_capital_i_is_an_i() -> None:
    assert normalise("İstanbul") == normalise("ISTANBUL") == "istanbul"
    assert terms("İstanbul") == terms("Istanbul")
    assert list(phrases("in İstanbul today", [(0, 17)])) == ["istanbul"]


def test_capitals_are_those_of_the_text_where_folding_joins_a_letter_and_its_accent() -> None:
    """Only the small letter is composed with this accent, so that the word is longer when folded."""
    text = "they met H\u0331ello and h\u0331ello Corp"
    assert list(phrases(text, [(0, len(text))])) == ["corp", "\u1e96ello"]


@given(anything, st.sampled_from(["NFC", "NFD"]))
def test_folding_is_idempotent_and_blind_to_encoding(text: str, form: Literal["NFC", "NFD"]) -> None:
    assert fold(fold(text)) == fold(text) == fold(unicodedata.normalize(form, text))


@given(anything)
def test_keys_terms_and_phrases_are_made_of_the_same_words(text: str) -> None:
    words = set(" ".join(question_phrases(text)).split())
    found = [key.split() for key in phrases(text, [(0, len(text))])]
    # A question names nothing by a run that begins and ends with a stop word, a title may: "I and You".
    named = [key for key in found if not {key[0], key[-1]} <= STOP_WORDS]
    assert {word for key in named for word in key} <= words
    assert {word for key in found for word in key} <= set(re.findall(r"\w+", fold(text)))
    if "'" not in text and "’" not in text:
        assert set(terms(" ".join(words))) <= set(terms(text))


def test_underscores_alone_are_no_word() -> None:
    assert terms("sign here: ____ and _x_") == ["sign", "_x_"]
    assert normalise("____") == ""
    assert normalise("___ Acme __") == "acme"
    assert question_phrases("____ acme ____") == ["acme"]
    assert list(phrases("Acme ____ Corp", [(0, 14)])) == ["acme", "acme corp", "corp"]


@pytest.mark.parametrize(("key", "expected"), [("s3", True), ("3m", True), ("eu", False), ("42", False), ("x", False)])
def test_a_short_name_of_a_letter_and_a_digit_is_found_wherever_it_stands(key: str, expected: bool) -> None:
    text = f"the {key.upper()} then"
    assert (key in set(phrases(text, [(0, len(text))]))) is expected
    assert (key in question_phrases(text)) is expected
    assert is_entity_key(key) is expected


def test_a_name_in_parentheses_alone_is_its_own_key() -> None:
    assert normalise("... (Mercury)") == normalise(" (Mercury) ") == "mercury"


def test_many_underscores_take_linear_time() -> None:
    assert terms("_" * 200_000 + " x") == ["x"]
    assert normalise("(" * 20_000 + " " * 20_000 + "a") == "a"
