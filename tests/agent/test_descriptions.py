"""Descriptions within a question, and who or what sentences and records tell that they are."""

import pytest

from agent.spans.descriptions import descriptions, whole
from agent.spans.roles import is_maker, is_role
from agent.spans.wanted import read_wanted
from agent.types import Answer
from tests.agent.filled import answers_of


@pytest.mark.parametrize(
    ("question", "longest"),
    [
        ("What is the phone number of the lead of the night desk?", "the lead of the night desk"),
        ("When was the coach of Dunwell Rangers born?", "the coach of Dunwell Rangers"),
        ("Where does the foreman of the crane crew sit?", "the foreman of the crane crew"),
        ("In which office does the person who leads the day desk sit?", "the person who leads the day desk"),
        ("Who do I call about the firm that maintains the cranes?", "the firm that maintains the cranes"),
        ("How much is the tug skippered by Piers Ossian insured for?", "the tug skippered by Piers Ossian insured"),
        ("Which office is the night desk's lead in?", "the night desk's lead"),
        ("Which office is the night desk’s lead in?", "the night desk’s lead"),
        ("what is the mobile of the engine shop foreman", "the engine shop foreman"),
        ("What is the harbour master's extension?", "the harbour master"),
        ("How much is the hall in which the quartet plays?", "the hall in which the quartet plays"),
        ("What is the mobile of whoever runs the bars?", "whoever runs the bars"),
    ],
)
def test_a_description_is_read_as_long_as_it_may_be(question: str, longest: str):
    found = [one.text for one in descriptions(question)]
    assert longest in found
    assert all(len(text) <= len(longest) for text in found if longest.startswith(text) or text.startswith(longest))


@pytest.mark.parametrize(
    "question",
    [
        "Who is the lead of the night desk?",  # asks for it itself
        "What is the weight of the pump?",
        "Who is now the responsible person for water?",
        "Where is the harbour master?",
        "Scott Hale has worked with the mayor of what city?",  # asks within it
        "Which band made a live album of old songs?",  # any album
        "Which firms did the owners of the yards found?",  # several
    ],
)
def test_what_a_question_asks_for_itself_is_no_description(question: str):
    assert [one.text for one in descriptions(question)] == []


def test_a_description_does_not_end_within_a_name_or_a_compound():
    found = {
        one.text
        for one in descriptions("Who is the head of the company that owns the production company of Winter Ferry?")
    }
    assert "the company that owns the production" not in found
    found = {one.text for one in descriptions("Where was the coach of Dunwell Rangers born?")}
    assert "the coach of Dunwell" not in found and "the coach of Dunwell Rangers" in found
    found = {one.text for one in descriptions("Who does the manager of customer services report to?")}
    assert "the manager of customer services" in found and not any("report" in text for text in found)


def test_the_innermost_description_comes_first():
    found = [one.text for one in descriptions("When was the captain of the ship that struck the pier born?")]
    assert found[0].startswith("the ship that struck") and found[-1].startswith("the captain of")


def test_a_question_for_somebody_is_a_description():
    question = "Who leads the night desk?"
    asked = whole(question, read_wanted(question))
    assert asked is not None and asked.needed == {"lead", "night", "desk"} and asked.acts
    for other in ("How heavy is the pump?", "When did it close?", "Is it open?"):
        assert whole(other, read_wanted(other)) is None


def test_roles_and_makers_are_nouns_for_people():
    assert all(map(is_role, ("lead", "pier master", "chairwoman", "archivist", "foreman", "deputy")))
    assert not any(map(is_role, ("", "number", "fender", "sponsored", "led", "project")))
    assert is_maker("painter") and not is_maker("owner")


HARBOUR = {
    "desks.md": (
        "# Desks\n\nThe night desk of the harbour office is led by Signe Moll. It is staffed from 22:00 to 06:00 by two people.\n\n"
        "The day desk is led by Anders Quist, who also keeps the berth register.\n\n"
        "The crane crew reports to the day desk. Its foreman is Piet Lindqvist.\n\n"
        "- Engine shop. Two lathes and a press. The foreman is Hamish Orr.\n- Electrical bench. Radar and lighting. Dev Malik is in charge.\n"
    ),
    "staff.csv": (
        "name,grade,phone,office\nSigne Moll,C1,5512,Pier 4\nAnders Quist,C1,5513,Pier 2\nPiet Lindqvist,C2,5520,Crane house\n"
        "Hamish Orr,C2,5530,Shed 1\nDev Malik,C2,5531,Shed 2\nOla Berge,C3,5540,Pier 2\n"
    ),
    "fleet.md": (
        "# Fleet\n\n## Tarn Heron\n\nShe takes 62 cars. Captain Oona Farr has commanded her since 2016.\n\n"
        "## Lady Skerrow\n\nThe Lady Skerrow, built at the Westerholm yard, carries 88 cars. Her master is Ruaridh Bain.\n\n"
        "## Lifts\n\nThe terminal lifts are serviced by Upland Lifts. The linkspans are maintained by Hargill Hydraulics, a firm from Lowick.\n"
    ),
    "assets.csv": "asset,insured_value,certificate\nTarn Heron,£6.4 million,SV-8812\nLady Skerrow,£21.5 million,SV-8840\n",
    "suppliers.csv": "supplier,account_no,phone,payment_days\nUpland Lifts,40249,01632 960195,35\nHargill Hydraulics,40115,01632 960162,60\n",
    "yards.md": "# Yards\n\n## Westerholm\n\nThe yard stands in Hallevik. It was founded in 1911 by Nuala Deane.\n\n## Brightmoor\n\nThe yard stands in Sandry.\n",
    "clubs.md": (
        "# Dunwell Rangers\n\nDunwell Rangers are a football club. They play at Mill Lane. The coach is Petrus Nel.\n\n"
        "# Marley Rovers\n\nMarley Rovers play at the Docks Ground. Their coach is Hanna Vries.\n"
    ),
    "people.md": (
        "# Petrus Nel\n\nPetrus Nel (born 4 May 1971) is a football coach who played for Hexton before he retired.\n\n"
        "# Hanna Vries\n\nHanna Vries was born on 9 August 1980 in Oss. She has coached since 2010.\n"
    ),
    "halls.md": "# Halls\n\n- Youth theatre: led by Orla Finn.\n- Youth choir: led by Dev Malik.\n\nThe boat store is looked after by Ola Berge.\n",
    "register.md": "# Captains\n\n**Farr, Oona.** Came from the river barges. Farr was born on 2 March 1975 in Penhallow.\n",
    "programme.md": "# Nine Lamps\n\nA play in three acts by Agneta Corrigan, directed by Lemuel Osei.\n",
    "pumps.md": "# LP-9\n\nThe LP-9 bilge pump was chosen for a 48 V supply with surges up to 75 V.\n",
    "writers.md": "# Writers\n\nAgneta Corrigan was married to Caspar Teale. Lemuel Osei was married to Dora Pike.\n",
}
ANSWERS = {
    "What is the phone number of the lead of the night desk?": "5512",
    "Which office is the night desk's lead in?": "Pier 4",
    "In which office does the person who leads the day desk sit?": "Pier 2",
    "What is the phone number of the foreman of the crane crew?": "5520",
    "what is the phone number of the engine shop foreman": "5530",
    "What is the phone number of the person in charge of the electrical bench?": "5531",
    "How much is the ship that Captain Farr commands insured for?": "£6.4 million",
    "What is the certificate of the ship built by Westerholm?": "SV-8840",
    "What is the phone number of the firm that maintains the linkspans?": "01632 960162",
    "What is the phone number of the leader of the youth choir?": "5531",
    "What is the phone number of the supplier that gets paid after 35 days?": "01632 960195",
    "What is the phone number of whoever looks after the boat store?": "5540",
    "Who founded the yard that built the Lady Skerrow?": "Nuala Deane",
    "When was the coach of Dunwell Rangers born?": "4 May 1971",
    "when was dunwell rangers' coach born": "4 May 1971",
    "Where was the coach of Marley Rovers born?": "Oss",
    "When was Hanna Vries born?": "9 August 1980",
    "When was the commander of the Tarn Heron born?": "2 March 1975",
    "Who was the husband of the author of Nine Lamps?": "Caspar Teale",
}
UNTOLD = (
    "Where was the coach of Dunwell Rangers born?",
    "Where was Petrus Nel born?",
    "What is the salary of the night desk's lead?",
    "What is the phone number of the leader of the youth theatre?",
    "When was the master of the Lady Skerrow born?",
    "Who supplies the LP-9 bilge pump?",
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    url = f"sqlite:///{tmp_path_factory.mktemp('descriptions') / 'kb.db'}"
    return answers_of(url, HARBOUR, (*ANSWERS, *UNTOLD))


@pytest.mark.parametrize("question", ANSWERS)
def test_what_a_sentence_tells_of_a_description_leads_on(answers: dict[str, Answer], question: str):
    answer = answers[question]
    assert answer.short is not None and answer.short.text == ANSWERS[question]
    assert answer.verdict == "answered"


@pytest.mark.parametrize("question", UNTOLD)
def test_what_is_told_of_somebody_else_does_not_answer(answers: dict[str, Answer], question: str):
    assert answers[question].short is None and answers[question].verdict != "answered"


def test_the_passages_that_lead_to_the_answer_are_ranked_first(answers: dict[str, Answer]):
    answer = answers["Who founded the yard that built the Lady Skerrow?"]
    cited = {one.document_id for one in answer.citations}
    assert {one.document_id for one in answer.ranked[: len(cited)]} == cited
    assert len({one.chunk_id for one in answer.ranked}) == len(answer.ranked)


def test_the_sentence_that_tells_who_it_is_is_quoted_before_what_is_said_of_them(answers: dict[str, Answer]):
    quotes = [one.quote for one in answers["What is the phone number of the lead of the night desk?"].citations]
    assert "led by Signe Moll" in quotes[0] and any("5512" in quote for quote in quotes[1:])
    assert not any("5513" in quote for quote in quotes)
    steps = {
        "In which office does the person who leads the day desk sit?": "led by Anders Quist",
        "Who founded the yard that built the Lady Skerrow?": "built at the Westerholm yard",
        "what is the phone number of the engine shop foreman": "The foreman is Hamish Orr",
    }
    for question, said in steps.items():
        assert any(said in one.quote for one in answers[question].citations)
