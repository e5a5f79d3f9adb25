"""Editions: a question means the one in force, unless it asks for what was."""

import asyncio
from pathlib import Path

import pytest

from agent.loop import Agent
from tests.agent.filled import SCOPE, filled

RULES = "Class 4 work needs a second person and goggles. The tower at Carlow is told {} hours ahead. Records are kept in the vault."
PASSAGES = {
    "Laser safety (2023)": f"Valid from 1 February 2023. The laser safety officer is Percy Stannage. {RULES.format(24)}",
    "Laser safety (2025)": f"Valid from 1 March 2025; replaces the version of 2023. The laser safety officer is Dilys Harkness. {RULES.format(72)}",
    "Rest between duties, version 2": "Status: replaced by version 3. The duty planner is Ivo Maas. A rest has 10 hours. Calls of 20 minutes end it.",
    "Rest between duties, version 3": "Status: in force from 1 March 2026. The duty planner is Jana Roth. A rest has 11 hours. Calls of 5 minutes end it.",
    "Season 1994": "Season 1994 of the league was won by Pell Rovers. Their captain was Tom Arlen. It had ten clubs and ninety games.",
    "Season 1995": "Season 1995 of the league was won by Osk United. Their captain was Ned Brack. It had ten clubs and ninety games.",
}
FIRST = {
    "Who is the laser safety officer?": "Laser safety (2025)",
    "Who is laser safety officer now?": "Laser safety (2025)",
    "Who is the laser safety officer of 2023?": "Laser safety (2023)",
    "Who is the duty planner for the rest between duties?": "Rest between duties, version 3",
    "How long is the rest between duties?": "Rest between duties, version 3",
    "Who is the captain of Season 1994 of the league?": "Season 1994",
}
OLDER = {
    "Who was the laser safety officer before Dilys Harkness?": "Laser safety (2023)",
    "How many hours changed in the laser safety rules of the tower at Carlow?": "Laser safety (2023)",
    "Which captain has a club that wins Season 1995 of the league?": "Season 1994",
}


@pytest.fixture(scope="module")
def titles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    async def ask(path: Path) -> dict[str, list[str]]:
        async with filled(f"sqlite:///{path}/kb.db", PASSAGES) as kb:
            found: dict[str, list[str]] = {}
            for question in (*FIRST, *OLDER):
                ids = [ranked.chunk_id for ranked in (await Agent(kb).run(SCOPE, question)).ranked]
                chunks = {chunk.id: chunk.title for chunk in await kb.store.chunks(SCOPE, ids)}
                found[question] = [chunks[id_] for id_ in ids]
            return found

    return asyncio.run(ask(tmp_path_factory.mktemp("editions")))


@pytest.mark.parametrize("question", FIRST)
def test_the_edition_that_is_meant_comes_first(titles: dict[str, list[str]], question: str) -> None:
    assert titles[question][0] == FIRST[question]


@pytest.mark.parametrize("question", FIRST)
def test_an_edition_that_was_replaced_comes_last(titles: dict[str, list[str]], question: str) -> None:
    replaced = {"Laser safety (2023)", "Rest between duties, version 2"} - {FIRST[question]}
    asked = {title for title in replaced if title.split(",")[0].split(" (")[0].lower() in question.lower()}
    assert asked <= {*titles[question][-2:]}


@pytest.mark.parametrize("question", OLDER)
def test_what_was_is_found_by_a_question_for_it(titles: dict[str, list[str]], question: str) -> None:
    assert OLDER[question] in titles[question][:2]


def test_of_two_editions_alone_the_one_in_force_comes_first(tmp_path: Path) -> None:
    two = {title: text for title, text in PASSAGES.items() if title.startswith("Laser")}

    async def ask() -> list[str]:
        async with filled(f"sqlite:///{tmp_path / 'kb.db'}", two) as kb:
            found = (await Agent(kb).run(SCOPE, "Is Percy Stannage the laser safety officer?")).ranked
            scores = [ranked.score for ranked in found]
            assert scores == sorted(scores, reverse=True)
            titles = {chunk.id: chunk.title for chunk in await kb.store.chunks(SCOPE, [one.chunk_id for one in found])}
            return [titles[one.chunk_id] for one in found]

    assert asyncio.run(ask()) == ["Laser safety (2025)", "Laser safety (2023)"]


def test_what_says_by_which_other_it_was_replaced_stands_behind_that(tmp_path: Path) -> None:
    records = {
        "ADR 9: Keys in a cache": "Status: superseded by ADR 19. Idempotency keys are held in a cache for 6 hours. The owner is Tomas Wilk.",
        "ADR 19: Durable keys": "Idempotency keys are held in the database for 30 days. The owner is Pris Hwang. A write takes 4 ms more.",
        "Runbook: restarts": "Status: superseded by Runbook: restarts, second. Restart one pod at a time and wait 4 minutes between two.",
        "Runbook: restarts, second": "Restart two pods at a time and wait 90 seconds between two. Mia Okoye signs it off.",
        "ADR 4: Logs": "Status: superseded by ADR 40. Logs are held for 90 days. The owner is Tomas Wilk.",
        "Old quay": "The crane of the old quay was replaced by the Harbour Bridge. The old quay was built by Ida Voss. It is of oak.",
        "Harbour Bridge": "The Harbour Bridge was built by Jan Roth. It is of oak, and no crane stands on it.",
    }
    asked = {
        "How many hours are idempotency keys held in a cache?": "ADR 19: Durable keys",
        "How long are idempotency keys held after ADR 9?": "ADR 9: Keys in a cache",
        "How long were idempotency keys held in a cache before?": "ADR 9: Keys in a cache",
        "How long do I wait between restarts of two pods?": "Runbook: restarts, second",
        "How long are logs held?": "ADR 4: Logs",  # what replaced it is not there
        "Who built the quay of the crane?": "Old quay",  # it is the crane that was replaced
    }

    async def ask() -> dict[str, str]:
        async with filled(f"sqlite:///{tmp_path / 'kb.db'}", records) as kb:
            answers = {question: await Agent(kb).run(SCOPE, question) for question in asked}
            return {question: answer.citations[0].title for question, answer in answers.items()}

    assert asyncio.run(ask()) == asked
