"""What kind of answer a question asks for."""

import pytest

from agent.expected import asked_words, is_keywords, numbered_names


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How long is the warranty?", {"long"}),
        ("How many months does it last?", {"many"}),
        ("How much money was lost?", {"much", "money"}),
        ("How many people work there?", {"many", "people"}),
        ("Which company made it?", {"company"}),
        ("What kind of pump is it?", {"pump"}),
        ("What was the reason?", {"reason"}),
        ("WHO leads Halvorix, and where?", {"who", "where"}),
        ("What is the salary of the captain?", set[str]()),
        ("What is the number of pumps?", {"number"}),
        ("What is the phone number of the depot?", {"phone", "number"}),
        ("Which order number do I use?", {"order"}),
        ("Tell me when it began.", {"tell", "me", "when"}),
        ("List the members of the board.", {"list"}),
        ("Compare the two boards.", {"compare"}),
        ("They list the members.", set[str]()),
        ("Which hall opened earlier, Porto or Braga?", {"hall", "earlier"}),
        ("Which hall opened earlier?", {"hall"}),
        ("Is the pump broken?", set[str]()),
        ("Who founded the company that makes the pump?", {"who", "company"}),
        ("Who leads the firm in whose hall it stands?", {"who", "firm"}),
        ("Call the person responsible for the country of origin", {"person"}),
        ("Is the company old?", set[str]()),
        ("Who delivered the part that made kiln 4 overheat?", {"who", "made"}),
        ("Whose illness made tanker 6 late on Monday?", {"made"}),
        ("Whose speech made Ana Lopez famous?", {"made"}),
        ("What gas bottle do we need for the coolers?", {"gas", "need"}),
        ("How many pupils may come with one visit?", {"many", "may"}),
        ("Who used to be the warden in May?", {"who", "used"}),
        ("Who made tanker 6 for Orlan?", {"who"}),
        ("Who made Orlan paint?", {"who"}),
        ("Name the company that made Orlan paint.", {"name", "company"}),
        ("Is it the yard that made Skarvoy?", set[str]()),
        ("Is it the yard that made Alto 60 pumps?", set[str]()),
        ("What is the capital of Hov?", set[str]()),
        ("What is the purpose of the pump?", {"purpose"}),
        ("What is Enid Garth's occupation?", {"is", "occupation"}),
        ("Are they of the same nationality?", {"nationality"}),
        ("What does MLD mean?", {"does", "mean"}),
        ("What does a mean value tell?", {"does"}),
        ("What was wrong with the pump?", {"was", "wrong"}),
        ("How many days of leave do I get?", {"many", "get"}),
        ("Who can get it?", {"who"}),
        ("Until when does the contract run?", {"when", "run"}),
        ("What do we charge for a prescription?", {"do", "charge"}),
        ("Who took the fire marshal role?", {"who", "took", "role"}),
        ("Who took the role?", {"who"}),
        ("Number of refunds of one payment", {"number"}),
        ("Which data store does the scoring service use?", {"data", "use"}),
        ("Exotics cover on Sunday, 9th of March", {"sunday"}),
        ("Exotics cover on Sunday", set[str]()),
        ("Whoever asks", set[str]()),
        ("", set[str]()),
    ],
)
def test_the_words_that_say_what_kind_of_answer_is_wanted_are_recognised(question: str, words: set[str]):
    assert asked_words(question) == words


def test_a_name_ends_in_a_number_that_is_no_date():
    assert numbered_names("What is the weight of the Alto 60 by RFC-061?") == ("Alto 60", "RFC-061")
    assert numbered_names("Was the Alto 60 bought? RFC-061 was. So does Alto 60-B.") == (
        "Alto 60",
        "RFC-061",
        "Alto 60-B",
    )
    assert numbered_names("List 5 customers whom 3 people met on Friday 13 or Monday 1.5 hours late") == ()
    assert numbered_names("In 1969, May 2009 or May 5, who won the 2 prizes of Hov 1970?") == ()


@pytest.mark.parametrize(
    ("question", "keywords"),
    [
        ("kestrel max speed", True),
        ("route-planner data store", True),
        ("kestrel", False),
        ("kestrel max speed?", False),
        ("which kestrel is fast", False),
        ("list the members of it", False),
        ("the pump is broken", False),
        ("a b c d e f g h i", False),
    ],
)
def test_keywords_are_told_from_sentences(question: str, keywords: bool):
    assert is_keywords(question) == keywords
