"""Sentence boundaries: where they fall, and that nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphrag.sentences import MAX_SENTENCE, split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met J. K. Rowling in Paris.",
        "The U.S. Senate met on Jan. 5 at 3.30 p.m. Eastern time.",
        "Acme Inc. bought Bolt Ltd. (founded 1990) for $3.5 million.",
        "See Fig. 2, No. 5 and Sec. 4 of version 2.3.1.",
        "Use a tool, e.g. Berlin's or i.e. Ann's, vs. Bob's.",
        "He waited ... and left.",
        "It was closed (see the note below.) and forgotten.",
        "Mr. and Mrs. Lee live on St. James Street, approx. 5 miles away.",
        "Anna Bell, Ph.D. Candidate",
        'Elwyn Brooks "E. B." White wrote, and Matthew “M.” Ward sang.',
        "1. First step",
        "## 1. Subject",
    ],
)
def test_abbreviations_numbers_and_initials_do_not_end_a_sentence(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('He said "Go away!" Then he left.', ['He said "Go away!"', "Then he left."]),
        ("It works for Acme Inc. The board agreed.", ["It works for Acme Inc.", "The board agreed."]),
        ("Take vitamin C. It helps.", ["Take vitamin C.", "It helps."]),
        ("The answer is no. Ask again.", ["The answer is no.", "Ask again."]),
        ("It closed in 1990. 5 people left.", ["It closed in 1990.", "5 people left."]),
        ('She chose "B." Nobody spoke.', ['She chose "B."', "Nobody spoke."]),
        ("So it is.[1] Next.", ["So it is.[1]", "Next."]),
        ("كيف حالك؟ أنا بخير.", ["كيف حالك؟", "أنا بخير."]),
        ("यह एक वाक्य है। यह दूसरा है।", ["यह एक वाक्य है।", "यह दूसरा है।"]),
        ("这是一个句子。这是另一个。", ["这是一个句子。", "这是另一个。"]),
    ],
)
def test_a_sentence_ends_at_punctuation_before_a_new_beginning(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_list_items_rows_labels_and_headings_stand_alone_while_wrapped_lines_join() -> None:
    text = """# Plan

Owners
Anna Bell leads the work that goes on
over two lines.
- item one, which is
  continued
- item two
Name | Role
Bob | CEO
Status: open
Due: 5 May"""
    assert sentences(text) == [
        "# Plan",
        "Owners",
        "Anna Bell leads the work that goes on\nover two lines.",
        "- item one, which is\n  continued",
        "- item two",
        "Name | Role",
        "Bob | CEO",
        "Status: open",
        "Due: 5 May",
    ]


def test_a_blank_line_ends_a_sentence_without_punctuation() -> None:
    assert sentences("the first thought\n  \nthe second") == ["the first thought", "the second"]


def test_an_overlong_sentence_is_cut_at_a_comma() -> None:
    text = "several words, " * 300
    found = sentences(text)
    assert len(found) > 1
    assert all(len(sentence) <= MAX_SENTENCE and sentence.endswith(",") for sentence in found)


@pytest.mark.parametrize("run", ["." * 200_000, "!?" * 100_000, ".[1]" * 50_000])
def test_a_long_run_of_stops_takes_no_longer_than_other_text(run: str) -> None:
    # Minutes, if each stop of the run were tried anew.
    sentences = split_sentences(f"It went on{run}x and then. It ended.")

    assert sentences[-1][1] - sentences[-1][0] == len("It ended.")


def test_keys_and_values_are_a_sentence_a_line() -> None:
    text = "merlin:\nregion: eu-central-2\nbackup window: 04:00 to 04:45"
    assert [text[start:end] for start, end in split_sentences(text)] == text.split("\n")


def test_a_colon_within_wrapped_prose_begins_no_sentence() -> None:
    text = "The rest is told\nin two parts: one\nand another part: two."
    assert split_sentences(text) == [(0, len(text))]


def test_blank_text_has_no_sentences() -> None:
    assert split_sentences("") == split_sentences(" \n\t\n ") == []


@given(
    st.lists(
        st.sampled_from([*"aB1. !?\n\t|-#,;\"'()•。é\u2028\x1c", "Dr.", "x" * 800, " | ", "\n\n"]), max_size=60
    ).map("".join)
)
def test_spans_are_ordered_trimmed_bounded_and_cover_every_visible_character(text: str) -> None:
    spans = split_sentences(text)
    covered: set[int] = set()
    previous = 0
    for start, end in spans:
        assert previous <= start < end <= len(text)
        assert end - start <= MAX_SENTENCE
        assert text[start:end] == text[start:end].strip()
        covered.update(range(start, end))
        previous = end
    assert all(index in covered for index, character in enumerate(text) if not character.isspace())
