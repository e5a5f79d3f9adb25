"""What somebody or something is, as the first sentence describes it."""

from pathlib import Path

import pytest

from agent.loop import Agent
from tests.agent.filled import SCOPE, answered_once, filled

PASSAGES = {
    "Enid Garth": "Enid Garth (1904–1977) was a British crime writer. She worked as a pharmacist in Bath.",
    "Maarja Villand": "Maarja Villand (1934 – 2001) was a Swedish novelist and translator. She was born in Tartu.",
    "Tin Meridian": "Tin Meridian are an English post-punk band formed in Sunderland in 1981. They split up.",
    "The Copper Lantern": "The Copper Lantern is a 1959 British film noir directed by Reginald Stoke. It stars Jack Tral.",
    "Salt Road": "Salt Road is a 1983 British adventure film. It stars Oona Felling.",
    "Greywater": "Greywater is a live album by Odell Pruitt. It was recorded in Knoxville.",
    "Oyster Lane": "Oyster Lane is a street in Wexmouth. It is 420 m long.",
    "Yusuf Ada": "Yusuf Ada (born 17 December 1995) is a Nigerian table tennis player. He was born in Ibadan.",
    "Kolbein Strand": "Kolbein Strand (born 2 June 1992) is a Norwegian former handball player for Elverum.",
    "Winter (film)": "Winter is a 2004 drama film directed by Petra Lovin.",
    "Winter (song)": "Winter is a 1966 folk song by Douglas Farrow.",
}
DESCRIBED = {
    "What is Enid Garth's occupation?": "crime writer",
    "what is the occupation of maarja villand?": "novelist and translator",
    "What genre is Tin Meridian?": "post-punk",
    "What is the genre of The Copper Lantern?": "film noir",
    "What genre is Salt Road?": "adventure",
    "What genre is Greywater?": "",
    "What genre is Oyster Lane?": "",
    "What genre is Enid Garth?": "",
    "What is Oyster Lane's occupation?": "",
    "What sport does Yusuf Ada play?": "table tennis",
    "What sport does Kolbein Strand play?": "handball",
    "What sport does Enid Garth play?": "",
    "What genre is Winter?": "",  # there are two
}


answers = answered_once(PASSAGES, DESCRIBED)


@pytest.mark.parametrize("question", DESCRIBED)
def test_what_it_is_stands_in_its_first_sentence(answers: dict[str, str], question: str):
    assert answers[question] == DESCRIBED[question]


async def test_what_no_passage_describes_is_not_called_answered(tmp_path: Path):
    async with filled(f"sqlite:///{tmp_path}/kb.db", PASSAGES) as kb:
        of_street = await Agent(kb).run(SCOPE, "What genre is Oyster Lane?")
        of_film = await Agent(kb).run(SCOPE, "What genre is Salt Road?")

    assert of_street.verdict != "answered"
    assert of_film.verdict == "answered"
