"""Questions that go from record to record: what one says of a label names the next."""

import pytest

from agent.types import Answer
from tests.agent.filled import answers_of

DUTIES = "# Duties\n\nThe slipway is looked after by Odd Lien. The crane is looked after by Jon Berg.\n"
STAFF = (
    ("Odd Lien", "Slipway keeper", "Petra Nygaard", "214"),
    ("Petra Nygaard", "Yard manager", "Ines Falk", "118"),
    ("Ines Falk", "Director", "", "100"),
    ("Jon Berg", "Crane driver", "Petra Nygaard", "215"),
)
LABELS = ("Name", "Role", "Line manager", "Extension")
FORMATS = {
    "people.csv": "\n".join(",".join(row) for row in (LABELS, *STAFF)),
    "people.md": "# People\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in (LABELS, ("---",) * 4, *STAFF)),
}
OTHERS = {
    "duties.md": DUTIES,
    "teams.md": "# Teams\n\n## Rigging\n\n- Lead: Odd Lien\n- Office: Loft 2\n\n## Engines\n\n- Lead: Jon Berg\n- Office: Shed 4\n",
    "boats.jsonl": '{"boat": "Skarv", "length_m": 11, "yard": "Osk Yard"}\n{"boat": "Terne", "length_m": 9, "yard": "Brem Yard"}\n',
    "yards.md": "# Yards\n\nOsk Yard is managed by Petra Nygaard. Brem Yard is managed by Odd Lien.\n",
}
QUESTIONS = {
    "What is the extension of Petra Nygaard?": "118",
    "What is the extension of Odd Lien's line manager?": "118",
    "What is Odd Lien's line manager's extension?": "118",
    "Who is the line manager of Odd Lien's line manager?": "Ines Falk",
    "What is the role of the line manager of the line manager of Odd Lien?": "Director",
    "What is the slipway keeper's line manager's extension?": "118",
    "What is the extension of the line manager of the man who looks after the slipway?": "118",
    "What is the extension of the lead of the Rigging team?": "214",
    "Who is the line manager of the lead of Engines?": "Petra Nygaard",
    "What is the extension of the line manager of the lead of Engines?": "118",
    "What is the extension of Ines Falk's line manager?": "",  # she has none
    "Who has extension 118?": "Petra Nygaard",
    "Who is the line manager of Jon Berg?": "Petra Nygaard",
}
DEPUTIES = {
    "deputies.csv": "Name,Role,Line manager,Deputy,Extension\nOdd Lien,Slipway keeper,Petra Nygaard,Jon Berg,214\n"
    "Petra Nygaard,Yard manager,Ines Falk,Odd Lien,118\nJon Berg,Crane driver,Mona Krag,Odd Lien,215\n",
}
OF_DEPUTIES = {
    "What is the extension of the deputy of Odd Lien's line manager?": "214",
    "What is the role of the deputy of the deputy of Petra Nygaard?": "Crane driver",
    "What is the extension of Jon Berg's line manager?": "",  # there is no record of her
}
LIKE = {"Skarv": ("Osk Yard", "Brem Yard", "Petra Nygaard"), "Terne": ("Brem Yard", "Osk Yard", "Odd Lien")}


@pytest.fixture(scope="module", params=FORMATS)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    files = {request.param: FORMATS[request.param], **OTHERS}
    asked = [*QUESTIONS, *(f"Who manages the yard of the boat {boat}?" for boat in LIKE)]

    url = f"sqlite:///{tmp_path_factory.mktemp('nested') / 'kb.db'}"
    return answers_of(url, files, asked)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_record_that_another_names_says_the_answer(answers: dict[str, Answer], question: str) -> None:
    short = answers[question].short
    assert (short.text if short is not None else "") == QUESTIONS[question]
    assert QUESTIONS[question] or answers[question].verdict != "answered"


def test_all_that_leads_there_is_quoted(answers: dict[str, Answer]) -> None:
    answer = answers["What is the extension of the line manager of the lead of Engines?"]
    quoted = " ".join(citation.quote for citation in answer.citations)
    assert "Lead: Jon Berg" in quoted and "118" in quoted


@pytest.mark.parametrize("boat", LIKE)
def test_of_two_like_sentences_and_rows_those_are_quoted_that_lead_to_the_answer(
    answers: dict[str, Answer], boat: str
) -> None:
    answer = answers[f"Who manages the yard of the boat {boat}?"]
    quoted = " ".join(citation.quote for citation in answer.citations)
    asked, other, manager = LIKE[boat]
    assert f"boat: {boat}" in quoted and f"{asked} is managed by" in quoted
    assert f"{other} is managed by" not in quoted and f"yard: {other}" not in quoted
    assert answer.short is not None and answer.short.text == manager


@pytest.fixture(scope="module")
def of_deputies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    return answers_of(f"sqlite:///{tmp_path_factory.mktemp('deputies') / 'kb.db'}", DEPUTIES, OF_DEPUTIES)


@pytest.mark.parametrize("question", OF_DEPUTIES)
def test_each_record_says_its_own_value_whomever_it_names_beside(of_deputies: dict[str, Answer], question: str) -> None:
    short = of_deputies[question].short
    assert (short.text if short is not None else "") == OF_DEPUTIES[question]
    assert (of_deputies[question].verdict == "answered") == bool(OF_DEPUTIES[question])
