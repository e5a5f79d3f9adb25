"""Works and who made them: described, compared through their makers, and named in another form."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from agent.loop import Agent
from agent.spans.descriptions import descriptions
from agent.spans.kin import kin_asked
from agent.spans.naming import SAME, is_about
from agent.spans.wanted import read_wanted
from agent.types import Answer
from graphrag.analysis import normalise
from graphrag.types import Mention
from tests.agent.filled import SCOPE, answers_of, chunk_of, filled

PASSAGES = {
    "Harbour Ledger": "Harbour Ledger is a 1957 drama film directed by W. P. Strand and produced by Ostra Pictures. Lena Moor plays a clerk.",
    "Winter (1938 film)": "Winter (Norwegian: Vinter) is a 1938 drama film directed by Sverre J. Hald, with Tordis Kvam and Alf Rein in the leading parts.",
    "Winter (1961 film)": "Shot in the autumn of 1960, Winter is a black-and-white drama. Bohumil Trest directed; the score was by Zdena Vork.",
    "Die Insel": "Die Insel is an Austrian film of 1952. Leo Achen directed this story of two sisters; Traudl Fess plays both.",
    "Empty Platform": "Empty Platform is a 1970 Japanese film by Kiyo Amari about a stationmaster. Jiro Hase had his last part in it.",
    "Wendell P. Strand": "Wendell Pierce Strand (1 August 1898 – 4 July 1966) was an American film director. In 1931 he married the actress Ione Castle.",
    "Wendell Strand": "Wendell Strand (1852–1927) was an American businessman and politician.",
    "Ione Castle": "Ione Castle (12 June 1906 – 3 May 1996) was a Canadian actress, born in Winnipeg. She bred terriers.",
    "Sverre Hald": "Sverre Johan Hald (3 September 1894 – 17 January 1962) was a Norwegian film director. He taught in Oslo.",
    "Tordis Kvam": "Tordis Kvam (15 December 1903 – 6 June 1990) was a Norwegian actress.",
    "Bohumil Trest": "Bohumil Trest (21 June 1919 – 8 October 1987) was a Czech film director. He came from puppet theatre.",
    "Leo Achen": "Leo Achen (9 May 1902 – 30 November 1971) was an Austrian film director and cabaret writer.",
    "Traudl Fess": "Traudl Fess (18 August 1925 – 7 February 2010) was an Austrian actress.",
    "Kiyo Amari": "Kiyo Amari is a Japanese film director who moved to commercials after Empty Platform.",
    "Snow Rails": '"Snow Rails" is a ballad with music by Kjell Rosen. It was first released in November 1971 by Lotta Brann. The recorded bell is of a Lund tram.',
    "Lotta Brann": "Lotta Brann (born 2 April 1945) is a Swedish singer. The daughter of the actress Gunvor Sall and the engineer Tage Brann, she grew up in Lund.",
    "Gunvor Sall": "Gunvor Sall (11 July 1917 – 24 October 1989) was a Swedish actress. Her father was Axel Sall.",
    "Poul Ejby": "Poul Ejby (15 November 1930 – 9 August 1994) was a Danish driver, the son of the Aalborg brewer Holger Ejby.",
    "Adela of Senn, Duchess of Osk": "Adela of Senn (1470 – 2 December 1531) was a noblewoman. She was married in 1486 to Ruprecht II, later Duke of Osk.",
    "Ruprecht II, Duke of Osk": "Ruprecht II (6 January 1462 – 11 June 1523) became duke in succession to his father, Albrecht III.",
    "Albrecht III, Duke of Osk": "Albrecht III (1431 – 9 April 1488) ruled Osk. He was the only son of Otto V by his marriage to Kunigunde of Thal.",
    "Golden Ditch": "Golden Ditch is a 1933 western directed by Orrin Task.",
    "Orrin Task": "Orrin Task was an American director of westerns.",
}
SHORT = {
    "Which film has the director who died later, Harbour Ledger or Die Insel?": "Die Insel",
    "Which film has the director born first, Winter (1938 film) or Winter (1961 film)?": "Winter",
    "Which film whose director died first, Die Insel or Harbour Ledger?": "Harbour Ledger",
    "Are director of film Harbour Ledger and director of film Die Insel from the same country?": "no",
    "Are the directors of both films Die Insel and Winter (1938 film) from the same country?": "no",
    "Which film came out first, Die Insel or Harbour Ledger?": "Die Insel",
    "When did the director of film Winter (1938 Film) die?": "17 January 1962",
    "When did director of film Harbour Ledger die?": "4 July 1966",
    "When did the mother of the performer of song Snow Rails die?": "24 October 1989",
    "When was the wife of the director of Harbour Ledger born?": "12 June 1906",
    "When did Adela of Senn, Duchess of Osk's husband die?": "11 June 1523",
    "Who is Lotta Brann's maternal grandfather?": "Axel Sall",
    "Who is the paternal grandmother of Ruprecht II, Duke of Osk?": "Kunigunde of Thal",
    "Who is the father of Poul Ejby?": "Holger Ejby",
}
UNTOLD = (
    "Which film has the director who was born earlier, Golden Ditch or Die Insel?",
    "Where did the director of film Empty Platform die?",
    "Who was the wife of the director of Die Insel?",
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    async def ask() -> dict[str, Answer]:
        folder: Path = tmp_path_factory.mktemp("makers")
        async with filled(f"sqlite:///{folder / 'kb.db'}", PASSAGES) as kb:
            return {question: await Agent(kb).run(SCOPE, question) for question in (*SHORT, *UNTOLD)}

    return asyncio.run(ask())


@pytest.mark.parametrize("question", SHORT)
def test_works_are_answered_through_who_made_them(answers: dict[str, Answer], question: str):
    short = answers[question].short
    assert short is not None and short.text == SHORT[question]


@pytest.mark.parametrize("question", UNTOLD)
def test_what_no_passage_tells_of_them_is_not_answered(answers: dict[str, Answer], question: str):
    assert answers[question].short is None and answers[question].verdict != "answered"


def test_the_makers_of_compared_works_are_ranked_with_these(answers: dict[str, Answer]):
    answer = answers["Which film has the director who died later, Harbour Ledger or Die Insel?"]
    titles = {citation.title for citation in answer.citations}
    assert titles == {"Harbour Ledger", "Die Insel", "Wendell P. Strand", "Leo Achen"}
    cited = {citation.chunk_id for citation in answer.citations}
    assert {ranked.chunk_id for ranked in answer.ranked[:4]} == cited


@pytest.mark.parametrize(
    ("question", "text", "needed"),
    [
        ("When did director of film Salt Road die?", "director of film Salt Road", {"director", "salt", "road"}),
        (
            "Where was the performer of song Winter (1938 Version) born?",
            "the performer of song Winter (1938 Version)",
            {"perform", "winter", "1938", "version"},
        ),
        ("When did the wife of W. P. Strand die?", "the wife of W. P. Strand", {"wife", "w", "p", "strand"}),
        ("When did Adela of Senn, Duchess of Osk's father die?", "Adela of Senn, Duchess of Osk's father", None),
    ],
)
def test_works_and_names_are_described_as_lists_name_them(question: str, text: str, needed: set[str] | None):
    found = {one.text: one.needed for one in descriptions(question)}
    assert text in found
    assert needed is None or found[text] == needed


@pytest.mark.parametrize(
    ("name", "sure"),
    [
        ("Wendell P. Strand", SAME),
        ("W. P. Strand", 2),
        ("Wendell Pierce Strand", 2),
        ("Wendell Strand", 1),
        ("Pierce Strand", 1),
        ("P. Strand", 0),
        ("Anna Strand", 0),
        ("Strand", 0),
    ],
)
def test_a_name_may_have_initials_or_lack_middle_names(name: str, sure: int):
    title = "Wendell P. Strand"
    mention = Mention("e", normalise(title), title, "", "subject", ())
    chunk = replace(chunk_of(PASSAGES[title]), title=title, mentions=(mention,))
    assert is_about(chunk, name) == sure


def test_the_two_that_are_compared_are_named_without_what_they_are():
    assert read_wanted("Who is younger, the biathlete Silje Tverr or the footballer Marek Dos?").options == (
        "Silje Tverr",
        "Marek Dos",
    )
    assert read_wanted("Which came out first, Die Brücke der Schwestern or Salt Road?").options[0] == (
        "Die Brücke der Schwestern"
    )
    assert kin_asked("Who is Adela of Senn, Duchess of Osk's husband?") is not None


def test_a_record_is_about_somebody_by_a_form_of_the_name_that_it_is_titled_by():
    chunk = replace(chunk_of("- name: Karin Lovise Aasen\n- role: film director"), title="Karin Lovise Aasen")
    assert is_about(chunk, "K. L. Aasen") == 2
    assert is_about(chunk, "Karin Aasen") == 1
    assert is_about(chunk, "Jon Aasen") == 0


def test_of_two_works_in_one_document_neither_is_said_to_be_earlier(tmp_path: Path):
    files = {
        "films.md": "# Programme\n\n## Night Ferry\n\nDirected by Karl Aasen. 92 minutes.\n\n## Long Quay\n\nA film by Rosa Teller with live music.\n",
        "people.csv": "name,role,born\nRosa Teller,film director,1940-09-30\nJon Vik,projectionist,1988-01-05\n",
    }
    question = "Which film has the director who was born earlier, Night Ferry or Long Quay?"
    (answer,) = answers_of(f"sqlite:///{tmp_path / 'kb.db'}", files, [question]).values()
    assert answer.short is None and answer.verdict != "answered"
