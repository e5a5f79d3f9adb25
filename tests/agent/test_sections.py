"""Passages that hold several sections, each about something else."""

import pytest

from agent.sections import spans_about, words_about
from agent.types import Answer
from graphrag.types import Chunk
from tests.agent.filled import answers_of

PEOPLE = (
    "# Petrus Nel\n\nPetrus Nel (born 4 May 1971) is a football coach.\n\n"
    "# Hanna Vries\n\nHanna Vries was born on 9 August 1980 in Oss.\n"
)
CREW = (
    "# Crew notes\n\nOona Farr was born on 4 May 1971 and keeps bees. Hettie Lowe (born 19 September 1980 in Penhallow) came from the barges. "
    "Idris Pell joined from the coastguard. Marcus Vane looks after the cadets. He was born in Quarrybank.\n"
)
CLUBS = "# Regatta\n\nThe Brannoch Rowing Club sent its coach, Ollie Strand. Petra Vance, commodore of the Skerrow Sailing Club, was host.\n"
QUESTIONS = {
    "When was Hanna Vries born?": "9 August 1980",
    "When was Petrus Nel born?": "4 May 1971",
    "Where was Hanna Vries born?": "Oss",
    "Where was Petrus Nel born?": "",
    "When was Oona Farr born?": "4 May 1971",
    "When was Hettie Lowe born?": "19 September 1980",
    "When was Idris Pell born?": "",
    "Where was Marcus Vane born?": "Quarrybank",
    "Who is the coach of the Brannoch Rowing Club?": "Ollie Strand",
    "Who is the coach of the Skerrow Sailing Club?": "",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    url = f"sqlite:///{tmp_path_factory.mktemp('sections') / 'kb.db'}"
    return answers_of(url, {"people.md": PEOPLE, "crew.md": CREW, "regatta.md": CLUBS}, QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_stands_under_another_heading_or_name_is_no_answer(answers: dict[str, Answer], question: str) -> None:
    short = answers[question].short
    assert (short.text if short is not None else "") == QUESTIONS[question]


def test_what_is_not_said_of_somebody_is_not_answered_by_their_neighbours(answers: dict[str, Answer]) -> None:
    assert answers["Where was Petrus Nel born?"].verdict != "answered"
    assert answers["When was Idris Pell born?"].verdict != "answered"


def passage(**changes: object) -> Chunk:
    """ "A" with a sentence, and below the heading "B" another one."""
    values: dict[str, object] = {
        "id": "c", "document_id": "d", "source": "s", "title": "A", "position": 0, "start": 0, "core_start": 0, "end": 28,
        "text": "A\n\nIt is red.\n\nB\n\nIt is blue", "heading": ("A",), "page": None, "token_count": 9,
        "sentences": ((0, 1), (3, 13), (15, 16), (18, 28)), "terms": "", "phrases": {}, "mentions": (),
        "headings_within": ((0, ("A",)), (15, ("B",))),
    }  # fmt: skip
    return Chunk(**values | changes)


def test_the_title_stands_above_what_is_under_it_but_not_under_another_heading_like_it() -> None:
    assert passage().above(3) == ("A",) and passage().above(18) == ("B",)
    assert passage().section_at(3) == 0 and passage().section_at(18) == 15
    below = passage(headings_within=((0, ("A",)), (15, ("A", "B"))))
    assert below.above(18) == ("A", "B")
    filed = passage(title="File")
    assert filed.above(3) == ("File", "A") and filed.above(18) == ("File", "B")
    bare = passage(headings_within=(), heading=())
    assert bare.above(18) == ("A",) and bare.section_at(18) == 0
    assert passage(title="", headings_within=(), heading=()).above(3) == ()


def test_of_several_sections_those_count_that_hold_most_of_the_names() -> None:
    assert spans_about(passage(), {"b"}) == ((15, 16), (18, 28))
    assert words_about(passage(), {"b"}) == {"b", "blue"}
    assert spans_about(passage(), {"z"}) == passage().spans
    assert spans_about(passage(headings_within=()), {"b"}) == passage().spans
