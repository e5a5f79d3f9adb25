"""Short answers where the sentence says it all, or the recogniser mistakes what it has never seen."""

import pytest

from agent.spans.wanted import read_wanted
from tests.agent.filled import answered_once

NOTES = {
    "Orsa IF": "Orsa IF is a football club founded in 1908. It plays at Strandvallen, which holds 5,200 spectators.",
    "Orsa": "Orsa is a port with 11,300 inhabitants. The football club Orsa IF plays in the second division.",
    "Salt Lane": "Salt Lane is a 1983 film directed by Gideon Harle. It stars Oona Fell as a geologist.",
    "Gideon Harle": "Gideon Harle (17 September 1938 – 22 January 2009) was a British film director. He was born in Whitby.",
    "Oona Fell": "Oona Fell (born 5 June 1955) is an Irish actress. She is best known for Salt Lane and Winter Boat.",
    "Winter Boat": "Winter Boat is a 1990 film directed by Sunniva Brekk. It was produced by Nordfold Film.",
    "Nordfold Film": "Nordfold Film is a production company in Stavanger. Since 2012 it has been owned by Halden Media.",
    "Ivo Marchet": "Ivo Marchet (12 May 1921 – 3 October 1987) was a film director. He was married to the actress Lidia Corva.",
    "Lidia Corva": "Lidia Corva (2 February 1930 – 11 June 2014) was an actress. She was born in Trieste.",
    "The Glass Vine": "The Glass Vine is a 1961 film directed by Ivo Marchet and starring Lidia Corva.",
    "Turbine": "The turbine at Tarn was supplied by Quillon in 1974. It was overhauled in 2006.",
    "Quillon": "Quillon was a firm of turbine makers in Graz. It was founded in 1931 and closed in 1988.",
    "Siege of Varn": "The Siege of Varn was fought near the town of Varn in the Northern War. It lasted until June 1761.",
    "Library": "The Vessen library opened in 2004. It was drawn by the architect Torun Askeli and holds 60,000 books.",
    "Askeli": "Torun Askeli was born in Hammerby in 1961 and studied in Gent. She works alone.",
    "Directory": "| Name | Role | Reports to |\n|---|---|---|\n| Saoirse Brann | Lead of Team Kelp | Mateusz Korbel |",
    "Rates": "Truck | Load | Price per day\nTR-4 | 12 tonnes | EUR 410\nTR-9 | 8 tonnes | EUR 365",
    "Depot log": "Truck TR-9 stood idle at the depot for six days in May. In June it was compared with TR-4 on the quarry road.",
    "SOP 14": "Version 6, approved by the Head of Networks on 17 October 2024. It replaces version 5 and is read by all crews.",
    "Iona Tarrant": "Iona Tarrant (born 1948) is a Scottish novelist, best known for the Fern Street books. She was born in Oban.",
    "Dray trial": "Callum Dray, on trial for fraud, has denied it. In prison he faces up to 25 years. He was given eleven days to reply.",
    "RFC-061: Move the last VMs to Kubernetes": "Thirteen VMs are left, most of them render hosts.",
}
ANSWERS = {
    "How many spectators does Strandvallen hold?": "5,200",
    "When did the director of Salt Lane die?": "22 January 2009",
    "When did Oona Fell die?": "",
    "What body of water is near where the Siege of Varn was fought?": "",
    "Who led Team Kelp before Saoirse Brann?": "",
    "What is the place of birth of the director of Salt Lane?": "Whitby",
    "Who is the spouse of the director of The Glass Vine?": "Lidia Corva",
    "Which company owns the production company of Winter Boat?": "Halden Media",
    "How many VMs are left to move to Kubernetes?": "Thirteen",
    "Who approved SOP 14?": "Head of Networks",
    "When was the firm that supplied the Tarn turbine founded?": "1931",
    "When did the firm that supplied the Tarn turbine close?": "1988",
    "Where was the architect of the Vessen library born?": "Hammerby",
    "Where was Iona Tarrant born?": "Oban",
    "How many years in prison was Callum Dray given?": "",
    "How many years in prison could Callum Dray face?": "25",
    "What does TR-4 cost?": "EUR 410",
    "What does the truck cost that stood idle at the depot in May?": "EUR 365",
    "What is the load of the truck that stood idle at the depot in May?": "8 tonnes",
    "What is the load of the truck that was compared with another one on the quarry road in June?": "12 tonnes",
    "What does a truck cost?": "",
}
COMPARED = {
    "Salt Lane (1983 film)": "Salt Lane is a 1983 film directed by Gideon Harle. It stars Oona Fell. Alaric Venn wrote its music.",
    "Salt Lane (1951 film)": "Salt Lane is a 1951 film directed by Tor Aas and starring Oona Fell.",
    "Gideon Harle": "Gideon Harle (17 September 1938 – 22 January 2009) was a British film director.",
    "Oona Fell": "Oona Fell (born 5 June 1925) is an Irish actress, known for Salt Lane.",
    "Alaric Venn": "Alaric Venn (born 30 November 1951) is a British composer of film music.",
    "Winter Boat": "Winter Boat is a 1979 film directed by Sunniva Brekk. It stars Oona Fell.",
    "Sunniva Brekk": "Sunniva Brekk (born 14 December 1949) is a Norwegian film director.",
    "Release notes: quill 4.2": "Release notes: quill 4.2\n\nReleased on 25 February 2025. Drops support for CUDA 11.",
    "Release notes: gatehouse 5.4": "Release notes: gatehouse 5.4\n\nReleased on 4 March 2025. Sessions last 12 hours.",
    "inkpot": "service: inkpot\nowner team: Team Siskin\ndatastore: none",
    "mimeo": "service: mimeo\nowner team: Team Siskin\ndatastore: S3",
}
CHOSEN = {
    "Which film came out first, Salt Lane (1983 film) or Winter Boat?": "Winter Boat",
    "Which film came out first, Salt Lane (1951 film) or Winter Boat?": "Salt Lane",
    "which film came out first, winter boat or salt lane (1951 film)?": "Salt Lane",
    "Which film has the director who was born later, Salt Lane (1983 film) or Winter Boat?": "Winter Boat",
    "Are the directors of Winter Boat and Salt Lane (1983 film) from the same country?": "no",
    "Which was released earlier, quill 4.2 or gatehouse 5.4?": "quill 4.2",
    "Do inkpot and mimeo belong to the same team?": "yes",
    "Do inkpot and mimeo have the same datastore?": "no",
}


answers = answered_once(NOTES, ANSWERS)


@pytest.mark.parametrize("question", ANSWERS)
def test_a_short_answer_is_right(answers: dict[str, str], question: str):
    assert answers[question] == ANSWERS[question]


chosen = answered_once(COMPARED, CHOSEN)


@pytest.mark.parametrize("question", CHOSEN)
def test_two_things_are_compared_however_they_are_named(chosen: dict[str, str], question: str):
    assert chosen[question] == CHOSEN[question]


@pytest.mark.parametrize(
    ("question", "nearest"),
    [
        ("When was the firm that laid the cable founded?", "found"),
        ("Which team did Ida Rowan ride for?", "ride"),
        ("Which firm did we buy it from after it was tested?", "buy"),
        ("When was the clock built in the city where Ida Rowan died?", "clock"),
        ("How much does the pump cost a month?", "pump"),
        ("Who is the man that died?", "man"),
        ("When was the library in the town of Hov?", "librari"),
    ],
)
def test_the_verb_at_the_end_is_what_is_asked_of_all_before_it(question: str, nearest: str):
    asked = read_wanted(question).asked
    assert max(asked, key=lambda term: asked[term]) == nearest


def test_a_question_goes_through_a_noun_of_two_words():
    assert "station" in read_wanted("Who keeps the keys of the pumping station that feeds it?").through
