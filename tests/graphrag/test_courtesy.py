"""What people put around a question is no part of it."""

import pytest

from graphrag.retrieval.courtesy import without_courtesy


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("Could you tell me which extension the workshop has?", "Which extension the workshop has?"),
        ("Hi, could you please tell me when the dome closes? Thanks!", "When the dome closes?"),
        ("Hello team, any idea which ticket that was?", "Which ticket that was?"),
        ("I'd like to know in which year it opened, please.", "In which year it opened"),
        ("Do you happen to know who repaired it", "Who repaired it"),
        ("May I ask what a family ticket costs?", "What a family ticket costs?"),
        ("Please list the members of Team Heron.", "List the members of Team Heron."),
        ("Could you please explain the rule?", "Explain the rule?"),
        ("So, what happened? Thank you very much in advance.", "What happened?"),
        ("Is it open, please?", "Is it open?"),
        ("What's the phone of Petra Nygaard?", "What is the phone of Petra Nygaard?"),
        ("Could you tell me where’s the key kept?", "Where is the key kept?"),
        ("whats the price of it", "what is the price of it"),
        ("Who's Petra Nygaard's line manager?", "Who is Petra Nygaard's line manager?"),
    ],
)
def test_courtesies_are_taken_away(asked: str, meant: str):
    assert without_courtesy(asked) == meant


@pytest.mark.parametrize(
    "asked",
    [
        "Who sang Thank You?",
        "Who wrote Yes Please?",
        "Please Please Me was released when?",
        "Who directed Sorry, Wrong Number?",
        "Who founded Hello, Dolly?",
        "Do you know Ada Penn?",
        "What does please mean?",
        "Who asked to tell me which bus goes there?",
        "How are you?",
        "What's Going On",
        "What's Eating Gilbert Grape was directed by whom?",
        "Who's got the key?",
        "Who sang What's Up?",
        "dome opening hours",
    ],
)
def test_what_is_part_of_a_question_stays(asked: str):
    assert without_courtesy(asked) == asked
