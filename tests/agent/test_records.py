"""Records and rows: whom they are about, what they state, and verdicts on them."""

import json

import pytest

from agent.types import Answer
from tests.agent.filled import answers_of

STAFF = (
    {"no": "S02", "name": "Lionel Prout", "job title": "Estates Manager", "phone": "5010", "reports to": "Ada Fenn"},
    {
        "no": "S04",
        "name": "Tamsin Achter",
        "job title": "Compliance Manager",
        "phone": "5030",
        "reports to": "Lionel Prout",
    },
    {"no": "S10", "name": "Gwil Pryce", "job title": "Fitter", "phone": "5031", "reports to": "Tamsin Achter"},
)
FILES = {
    "staff.jsonl": "\n".join(map(json.dumps, STAFF)),
    "wards.csv": "ward,ward manager,block,beds\nBracken,Olwen Tandy,Eastfield Annexe,18\nHeron,Ruth Adeyemi,Dale,24\n",
    "linen-2024.csv": "item,price per piece GBP\ntheatre gown,1.29\npillow case,0.31\n",
    "sop.md": "# SOP 12 Generator test\n\nA generator test is done every Monday. Its results are kept for ten years.\n",
    "pumps.csv": "pump_id,site,last serviced,mechanic\nP-17,Hagley Weir,2025-03-04,Ines Falk\nP-18,Cold Harbour,2025-04-09,Jon Berg\n",
    "hagley.md": "# Hagley Weir\n\nHagley Weir holds back the Lune. It was built in 1931.\n",
    "keys.jsonl": '{"contact": "Nils Orr", "job title": "Key keeper", "extension": "118"}\n{"contact": "Ane Dahl", "job title": "Usher", "extension": "119"}',
    "velda.md": "# River Velda\n\nThe River Velda is a river in Carinthia. It is 71 km long and a tributary of the Drau.\n",
}
ANSWERED = {
    "What is the phone number of Tamsin Achter?": "5030",  # that of Gwil Pryce stands beside her name
    "What is Lionel Prout's phone number?": "5010",
    "What is the phone number of Lionel Prout?": "5010",
    "Who is the ward manager in the Eastfield Annexe?": "Olwen Tandy",  # not the ward
    "Who has extension 118?": "Nils Orr",
    "Who is the usher?": "Ane Dahl",
    "How long is the River Velda?": "71 km",
    "How long are the results of a generator test kept?": "ten years",  # no number of a title
    "How much was a theatre gown in 2024?": None,
}
BESIDE = "When was the pump at Hagley Weir last serviced?"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    url = f"sqlite:///{tmp_path_factory.mktemp('records') / 'kb.db'}"
    return answers_of(url, FILES, [*ANSWERED, BESIDE])


@pytest.mark.parametrize("question", ANSWERED)
def test_what_a_record_says_is_answered(answers: dict[str, Answer], question: str) -> None:
    answer, expected = answers[question], ANSWERED[question]
    assert answer.verdict == "answered"
    assert expected is None or (answer.short is not None and answer.short.text == expected)


def test_what_a_record_names_beside_is_no_other_record(answers: dict[str, Answer]) -> None:
    answer = answers[BESIDE]
    assert answer.verdict != "insufficient_evidence"
    assert answer.short is not None and answer.short.text == "2025-03-04"
