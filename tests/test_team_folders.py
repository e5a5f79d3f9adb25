"""The labels of the teams' folders: what they name exists, and says what they say."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.teams.run import KINDS, TEAMS, load_questions

FOLDER = Path(__file__).parents[1] / "benchmarks/teams"


@pytest.mark.parametrize("team", TEAMS)
def test_the_files_of_a_question_hold_its_answer(team: str) -> None:
    texts = {path.name: " ".join(path.read_text("utf-8").split()) for path in (FOLDER / team / "documents").iterdir()}
    used: set[str] = set()
    for question in load_questions(team):
        assert question.documents <= texts.keys()
        assert bool(question.documents) == bool(question.answers) == (question.kind != "none")
        held = " ".join(texts[name] for name in sorted(question.documents))
        assert all(answer in held for answer in question.answers)
        used |= question.documents
    assert used == texts.keys()


@pytest.mark.parametrize("team", TEAMS)
def test_each_team_is_asked_in_all_ways(team: str) -> None:
    questions = load_questions(team)
    counts = Counter(question.kind for question in questions)
    assert len({question.question for question in questions}) == 80
    assert [counts[kind] for kind in KINDS] == [14, 16, 10, 20, 8, 12]
