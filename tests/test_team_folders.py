"""The labels of the teams' folders: what they name exists, and says what they say."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.teams.run import IN_OTHER_WORDS, IN_THEIR_WORDS, KINDS, TEAMS, load_questions

FOLDER = Path(__file__).parents[1] / "benchmarks/teams"


COMPUTED = {"payments": 1, "vets": 4, "water": 6, "games": 5}
"""Questions whose answer has to be reckoned or concluded: it stands nowhere."""


@pytest.mark.parametrize("team", TEAMS)
def test_the_files_of_a_question_hold_its_answer(team: str) -> None:
    texts = {path.name: " ".join(path.read_text("utf-8").split()) for path in (FOLDER / team / "documents").iterdir()}
    used: set[str] = set()
    without: list[str] = []
    for question in load_questions(team):
        assert question.documents <= texts.keys()
        assert bool(question.documents) == bool(question.answers) == (question.kind != "none")
        held = " ".join(texts[name] for name in sorted(question.documents))
        wanted = all if team in IN_THEIR_WORDS else any
        if question.answers and not wanted(answer in held for answer in question.answers):
            without.append(question.question)
        used |= question.documents
    assert used == texts.keys()
    assert len(without) == COMPUTED.get(team, 0)


@pytest.mark.parametrize("team", TEAMS)
def test_each_team_is_asked_in_all_ways(team: str) -> None:
    questions = load_questions(team)
    counts = Counter(question.kind for question in questions)
    other = team in IN_OTHER_WORDS
    assert len({question.question for question in questions}) == len(questions) == (36 if other else 80)
    assert [counts[kind] for kind in KINDS] == ([12, 0, 0, 0, 12, 4, 3, 5] if other else [14, 16, 10, 20, 0, 8, 0, 12])
