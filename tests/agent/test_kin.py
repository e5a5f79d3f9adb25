"""Relatives: what passages say of them, and kin by two steps."""

import asyncio
from pathlib import Path

import pytest

from agent.loop import Agent
from agent.spans.kin import kin_asked, related_to
from agent.types import Answer
from tests.agent.filled import SCOPE, filled

PASSAGES = {
    "Maarja Vill": "Maarja Vill (9 August 1934 – 2 March 2001) was a Swedish novelist. Her father was the chess master Juhan Vill. She never married.",
    "Juhan Vill": "Juhan Vill (17 January 1903 – 30 November 1941) was a chess master. He was the son of Kaarel Vill, a schoolteacher, and Liisa Orav.",
    "Kaarel Vill": "Kaarel Vill (1871–1938) was a schoolteacher. He collected some 900 songs.",
    "Torvald Hald": "Torvald Hald (1899–1972) was a shipping magnate. His wife was the soprano Inge Rask. Their elder daughter, Sigrun Hald, headed it.",
    "Sigrun Hald": "Sigrun Hald (born 12 September 1933) is a businesswoman. Her son Mats Lie is a sailor.",
    "Mats Lie": "Mats Lie (born 8 April 1961) is a sailor. He won silver in 1988. He lives in Bergen with the painter Rolf Voss.",
    "Inge Rask": "Inge Rask (1906–1990) was a soprano. She made her debut in Aarhus.",
    "Prince Adal of Thurn": "Prince Adal of Thurn (1702–1768) was a prince. He was the second son of Duke Leo of Thurn and his wife Amalie.",
    "Wilma of Ost": "Countess Wilma of Ost (1710–1790) was a noblewoman. She married Prince Adal of Thurn in 1731. Her mother was Sophie of Lind.",
    "Duke Leo of Thurn": "Duke Leo of Thurn (1669–1740) was a duke. He was the son of Duke Conrad of Thurn.",
    "Rudolf, Count of Erl": "Rudolf, Count of Erl (1660–1712) was a son of Albert of Erl and fought in the Salt War.",
    "Hanna Erl": "Hanna Erl (1690–1751) was a painter. Her father was Rudolf, Count of Erl, and her mother Berta Rohr.",
    "Brandan III of Marren": "Brandan III (1310–1366) was King of Marren. He was the elder son of Queen Ysolt and Duke Conrad of Leyve.",
    "Queen Ysolt of Marren": "Ysolt (1288–1341) was Queen of Marren from 1310. Her father was King Brandan II.",
    "Conrad of Leyve": "Conrad, Duke of Leyve (1280–1338), was the consort of Queen Ysolt. He was a son of Count Otto of Leyve.",
    "Brandan II of Marren": "Brandan II (1255–1310) was King of Marren. His wife was Maude of Ash.",
    "Corinne Bapt": "Corinne Bapt (born 1971) is a game designer. She teaches in Grenoble.",
}
RELATIVES = {
    "Who is the paternal grandfather of Maarja Vill?": "Kaarel Vill",
    "Who was Maarja Vill's paternal grandmother?": "Liisa Orav",
    "Who is the father of Maarja Vill's father?": "Kaarel Vill",
    "Who is Sigrun Hald's mother?": "Inge Rask",
    "Who is the father of Sigrun Hald?": "Torvald Hald",
    "Who is the maternal grandfather of Mats Lie?": "Torvald Hald",
    "Who is the maternal grandmother of Maarja Vill?": "",
    "Who was the mother-in-law of Prince Adal of Thurn?": "Sophie of Lind",
    "Who was the mother-in-law of Duke Leo of Thurn?": "",
    "Who is the paternal grandfather of Prince Adal of Thurn?": "Duke Conrad of Thurn",
    "Who was the husband of Maarja Vill?": "",
    "Who is the brother of Mats Lie?": "",
    "Who is Kaarel Vill's father?": "",  # Liisa Orav is a parent beside him
    "Who is the mother of Maarja Vill?": "",  # her father is told of
    "Who was the mother of Rudolf, Count of Erl?": "",  # that of Hanna Erl is told of
    "Who was the father of Rudolf, Count of Erl?": "Albert of Erl",
    "Who was the paternal grandfather of Brandan III of Marren?": "Count Otto of Leyve",
    "Who was the maternal grandfather of Brandan III of Marren?": "King Brandan II",
    "Who was the mother of Queen Ysolt of Marren?": "",  # she may have had another than his wife
    "Who was the wife of Conrad of Leyve?": "Queen Ysolt",
    "Who was the mother of Brandan III of Marren?": "Queen Ysolt",
    "When was Corinne Bapt's husband born?": "",
    "Where does the husband of Corinne Bapt teach?": "",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    async def ask(path: Path) -> dict[str, Answer]:
        async with filled(f"sqlite:///{path}/kb.db", PASSAGES) as kb:
            return {question: await Agent(kb).run(SCOPE, question) for question in RELATIVES}

    return asyncio.run(ask(tmp_path_factory.mktemp("kin")))


@pytest.mark.parametrize("question", RELATIVES)
def test_a_relative_is_the_one_whom_the_passages_tell_of(answers: dict[str, Answer], question: str):
    short = answers[question].short
    assert (short.text if short else "") == RELATIVES[question]


def test_a_grandfather_need_not_be_called_so(answers: dict[str, Answer]):
    answer = answers["Who is the paternal grandfather of Maarja Vill?"]

    assert answer.verdict == "answered"
    assert not answer.missing
    assert {citation.title for citation in answer.citations} == {"Maarja Vill", "Juhan Vill"}


def test_a_father_alone_does_not_answer_who_the_mother_is(answers: dict[str, Answer]):
    assert answers["Who was the mother of Rudolf, Count of Erl?"].verdict != "answered"


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Who is the maternal grandfather of Ida Rowan?", ("Ida Rowan", (("parent", "f"), ("parent", "m")))),
        ("Who was Ida Rowan's mother-in-law?", ("Ida Rowan", (("spouse", ""), ("parent", "f")))),
        ("Who is the wife of Ida Rowan's son?", ("Ida Rowan", (("child", "m"), ("spouse", "f")))),
        ("Who was the mother of Rudolf, Count of Erl?", ("Rudolf, Count of Erl", (("parent", "f"),))),
        ("Who is the father of the director of Salt Lane?", None),
        ("Who is the leader of the Band of Brothers?", None),
        ("When was the father of Ida Rowan born?", None),
    ],
)
def test_a_question_says_whose_relative_it_asks_for(question: str, asked: object):
    assert kin_asked(question) == asked


def test_a_question_may_ask_something_of_a_relative():
    assert related_to("When was Ida Rowan's husband born?") == ("ida rowan", frozenset(("husband",)))
    assert related_to("When was the father of Ida Rowan born?")[0] == "ida rowan"
    assert related_to("When was Ida Rowan born?") == ("", frozenset())
