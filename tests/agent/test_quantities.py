"""Two things are compared by the amounts that their passages state, and by nothing else."""

import pytest

from agent.spans.quantities import DATED, read_measure
from tests.agent.filled import answered_once

PASSAGES = {
    "Mount Hov": "Mount Hov is a mountain in the Tarn Range. Its summit is 3,412 metres above sea level. A hut stands at 2,100 m.",
    "Mount Orm": "Mount Orm is a peak of the Tarn Range, rising to 10,100 ft (3,078 m). It was climbed in 1911.",
    "Mount Ask": "Mount Ask is a mountain in the Tarn Range. Two huts stand there, at 1,400 m and at 2,300 m.",
    "Brennick": "Brennick is a town on the Lune. At the census of 2011 it had 23,870 inhabitants. It has 4,100 trees.",
    "Holmgrad": "Holmgrad is a city on the Dray with a population of 118,400. A famous clock stands there.",
    "Tesk": "Tesk is a city on the Dray. It has a famous clock.",
    "Skarn class": "The Skarn class is a class of ferries. Each carries 120 cars at 17 knots.",
    "Lumme class": "The Lumme class is a class of ferries. A ferry carries 85 cars at up to 36 km/h.",
    "Tug Skarv": "The tug Skarv can pull 17 tonnes. Her tank holds 205 litres of oil.",
    "Ida Rowan": "Ida Rowan (4 May 1900 – 6 June 1970) was a painter from Hov.",
    "Olaf Berg": "Olaf Berg (2 March 1910 – 1 April 1990) was a potter from Hov.",
    "Annika Söderlund": "Annika Söderlund (born 28 February 1949) is a Swedish producer and pianist.",
    "Maarja Villand": "Maarja Villand (9 August 1934 – 2 March 2001) was a Swedish novelist.",
}
CHOSEN = {
    "Which mountain is higher, Mount Hov or Mount Orm?": "Mount Hov",
    "Which mountain is lower, Mount Hov or Mount Orm?": "Mount Orm",
    "Which summit is higher, that of Mount Hov or that of Mount Orm?": "Mount Hov",
    "Which mountain is higher, Mount Hov or Mount Ask?": "",  # that tells of huts alone
    "Which has more inhabitants, Brennick or Holmgrad?": "Holmgrad",
    "Which is smaller, Brennick or Holmgrad?": "Brennick",
    "Which has more inhabitants, Brennick or Tesk?": "",  # one has a number, which says nothing of the other
    "Which ferry carries more cars, Skarn class or Lumme class?": "The Skarn class",
    "Which ferry is faster, Skarn class or Lumme class?": "The Lumme class",  # 17 knots are 31 km/h
    "How much can the tug Skarv pull?": "17 tonnes",
    "How high is Brennick?": "",  # that it has so many inhabitants says nothing of it
    "What is the population of Mount Orm?": "",
    "Are Annika Söderlund and Maarja Villand of the same nationality?": "yes",  # the recogniser takes "Annika" for a people
    "Who lived longer, Ida Rowan or Olaf Berg?": "Olaf Berg",
}


answers = answered_once(PASSAGES, CHOSEN)


@pytest.mark.parametrize("question", CHOSEN)
def test_what_is_more_is_told_by_the_amounts_of_both(answers: dict[str, str], question: str):
    assert answers[question] == CHOSEN[question]


@pytest.mark.parametrize(
    ("question", "dimensions", "counted", "less"),
    [
        ("Which river is longer, A or B?", ("length", "time"), set[str](), False),
        ("Which pump is lighter, A or B?", ("mass",), set[str](), True),
        ("Which club has fewer members, A or B?", (), {"member"}, True),
        ("Which town has more residents, A or B?", ("people",), {"resid"}, False),
        ("Which opened earlier, A or B?", (DATED,), set[str](), True),
        ("Which has the larger hall and opened later, A or B?", (DATED,), set[str](), False),
        ("Which wall is thicker, A or B?", ("length",), set[str](), False),
    ],
)
def test_a_question_says_by_what_it_compares(question: str, dimensions: tuple[str, ...], counted: set[str], less: bool):
    measure = read_measure(question)
    assert measure is not None
    assert (measure.dimensions, set(measure.counted), measure.less) == (dimensions, counted, less)


def test_other_questions_compare_by_no_amount():
    assert read_measure("Which opened, A or B?") is None
