"""What a document says of the names that were recognised in it."""

import pytest

from graphrag.extraction import ChunkText, DocumentText
from graphrag.extraction.evidence import weighed
from graphrag.extraction.mentions import Recognised


def typed(text: str, *names: tuple[str, str], title: str = "", headings: tuple[str, ...] = ()) -> dict[str, str]:
    """Types by name after weighing names, given in order with what a recogniser took them for."""
    spans: list[Recognised] = []
    for name, kind in names:
        start = text.index(name, spans[-1].end if spans else 0)
        spans.append(Recognised(start, start + len(name), name, kind))
    chunk = ChunkText("c", text, 0, 0, headings, ((0, len(text)),))
    (kept,) = weighed(DocumentText("d", "default", title, [chunk]), [spans])
    return {span.surface: span.type for span in kept}


def test_a_word_that_is_written_small_elsewhere_is_no_name_where_it_opens_a_line():
    text = "Glass: none. A pane of glass was broken by Tolle."

    assert typed(text, ("Glass", "PERSON"), ("Tolle", "PERSON")) == {"Tolle": "PERSON"}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Heron is a tram. The heron is a bird, but the tram Heron is none.", ""),
        ("Heron is a tram. A heron is a bird.", "Maintenance of Heron"),
    ],
)
def test_a_word_is_a_name_if_it_is_capitalised_within_a_sentence_or_in_the_title(text: str, title: str):
    assert typed(text, ("Heron", "ORG"), title=title) == {"Heron": "ORG"}


def test_a_heading_of_one_word_is_no_name_unless_a_sentence_says_so():
    text = "Ownership\n\nTeam Otter runs it.\n\nUtrecht\n\nThe office in Utrecht is new."
    names = (("Ownership", "ORG"), ("Utrecht", "GPE"))

    assert typed(text, *names, headings=("Ownership", "Utrecht")) == {"Utrecht": "GPE"}


def test_a_word_of_headings_alone_is_no_name_at_the_front_of_a_line():
    assert typed("Status: open.", ("Status", "ORG")) == {}


@pytest.mark.parametrize(
    ("text", "name", "guessed", "expected"),
    [
        ("Mrs Halim answered.", "Mrs Halim", "ORG", "PERSON"),
        ("They asked Dr. Achterberg.", "Achterberg", "GPE", "PERSON"),
        ("Signed by T. Wielgosz.", "T. Wielgosz", "ORG", "PERSON"),
        ("The ship of the U. S. Navy.", "U. S. Navy", "ORG", "ORG"),
        ("Tollgate Messaging BV sends it.", "Tollgate Messaging BV", "PERSON", "ORG"),
        ("Team Badger owns it.", "Team Badger", "PERSON", "ORG"),
        ("Quernby Dairy Cooperative sells it.", "Quernby Dairy Cooperative", "PERSON", "ORG"),
        ("It stops at Thrissur Railway Station.", "Thrissur Railway Station", "PERSON", "FAC"),
        ("Warner River is long.", "Warner River", "", "LOC"),
        ("The Mystic River won a prize.", "Mystic River", "WORK_OF_ART", "WORK_OF_ART"),
        ("Fenwick G2 went dark.", "Fenwick G2", "PERSON", ""),
        ("The flight UA175 left.", "UA175", "PRODUCT", "PRODUCT"),
        ("Benny Hill left.", "Benny Hill", "PERSON", "PERSON"),
        ("See INC-2041.", "INC-2041", "CODE", "CODE"),
    ],
)
def test_titles_initials_legal_forms_digits_and_last_words_tell_what_a_name_is(
    text: str, name: str, guessed: str, expected: str
):
    assert typed(text, (name, guessed)) == {name: expected}


def test_what_is_told_of_a_name_in_one_place_holds_in_the_document():
    text = "Dr Achterberg came. Later Achterberg left."

    assert typed(text, ("Achterberg", "GPE"), ("Achterberg", "ORG")) == {"Achterberg": "PERSON"}
