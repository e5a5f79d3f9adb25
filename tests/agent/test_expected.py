"""What kind of answer a question asks for."""

import pytest

from agent.expected import asked_words


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How long is the warranty?", {"long"}),
        ("How many months does it last?", {"many"}),
        ("How much money was lost?", {"money"}),
        ("Which company made it?", {"company"}),
        ("What kind of pump is it?", {"pump"}),
        ("What was the reason?", {"reason"}),
        ("WHO leads Halvorix, and where?", {"who", "where"}),
        ("Tell me when it began.", {"when"}),
        ("Is the pump broken?", set[str]()),
        ("Whoever asks", set[str]()),
        ("", set[str]()),
    ],
)
def test_the_words_that_say_what_kind_of_answer_is_wanted_are_recognised(question: str, words: set[str]):
    assert asked_words(question) == words
