"""How well questions of one to three hops are answered from what eight made-up teams would have in a folder: pages, minutes, tickets, tables.

Hops are told in prose, in rows of tables and in lines "key: value", mostly with others like them beside. The first four teams are asked in the
words of their documents, the others as their staff would: in other words, by nicknames, tersely, and for what has to be reckoned or concluded.
`ferries`, `theatre`, `payments` and `vets` were looked at while the service was made, the others were held out: of them, only these totals
were ever read.

    python -m benchmarks.teams.run
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from agent.loop import Agent
from agent.types import Answer
from graphrag.analysis import normalise
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import InputError
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders.base import MAX_DOCUMENT_BYTES
from graphrag.settings import load_settings
from graphrag.sources import list_sources, open_sources
from graphrag.types import Scope

IN_THEIR_WORDS = ("ferries", "theatre", "hosting", "faculty")
IN_OTHER_WORDS = ("payments", "vets", "water", "games")
TEAMS = IN_THEIR_WORDS + IN_OTHER_WORDS
KINDS = ("one", "prose-record", "record-prose", "prose-prose", "two", "three", "compare", "none")
"""Hops by where they are told: one; a sentence, then a record; the other way; both in sentences; any two; three; two things that are compared,
or whether something is so; told nowhere."""
FIRST = 5
LONGER = 15
"""Characters that a right short answer may have beyond the one that is expected: a unit, a title."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the files that answer it."""

    question: str
    kind: str
    answers: tuple[str, ...]
    """Short answers that are right."""
    documents: frozenset[str]
    """Names of the files that it takes; empty where nothing answers it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a question."""

    question: Question
    answer: Answer
    found: frozenset[str]
    """Files of the first five passages."""
    cited: frozenset[str]

    @property
    def short(self) -> str:
        """`right`, `wrong` or `none`."""
        if self.answer.short is None:
            return "none"
        said = normalise(self.answer.short.text)
        keys = map(normalise, self.question.answers)
        right = any(f" {key} " in f" {said} " and len(said) <= len(key) + LONGER for key in keys)
        return "right" if right else "wrong"


def load_questions(team: str) -> list[Question]:
    """The questions about a team's folder."""
    rows = (Path(__file__).parent / team / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Question(row["question"], row["kind"], tuple(row["answers"]), frozenset(row["documents"]))
        for row in map(json.loads, rows)
    ]


async def measure(team: str, store_url: str) -> list[Judged]:
    """Ingest a team's folder and ask all of its questions.

    Raises:
        InputError: a file of it cannot be read.
    """
    folder = Path(__file__).parent / team / "documents"
    async with open_knowledge_base(load_settings(store_url=store_url)) as kb:
        files = list_sources([folder]).files
        with open_sources(files, max_document_bytes=MAX_DOCUMENT_BYTES, parse_seconds=60) as opened:
            report = await ingest_documents(kb, Scope(), list(opened))
        if report.failures:
            raise InputError(f"{report.failures[0].source} was not ingested: {report.failures[0].reason}")
        return [await _judge(kb, question) for question in load_questions(team)]


async def _judge(kb: KnowledgeBase, question: Question) -> Judged:
    answer = await Agent(kb).run(Scope(), question.question)
    first = [ranked.chunk_id for ranked in answer.ranked[:FIRST]]
    cited = [citation.chunk_id for citation in answer.citations]
    chunks = {chunk.id: chunk for chunk in await kb.store.chunks(Scope(), [*first, *cited])}

    def files(ids: list[str]) -> frozenset[str]:
        # A row of a table has the key of the row after the name of its file.
        return frozenset(Path(chunks[id_].source.split("#")[0]).name for id_ in ids)

    return Judged(question, answer, files(first), files(cited))


def table(judged: dict[str, list[Judged]]) -> list[str]:
    """Counts by team, then by kind of question, as Markdown."""
    lines = [
        "| | questions | all files in five | all cited | `answered` / flagged / insufficient | short answers right / wrong / none |",
        "|---|---|---|---|---|---|",
    ]
    rows = {team: [one for one in own if one.question.documents] for team, own in judged.items()}
    rows |= {
        f"{team}, without an answer": [one for one in own if not one.question.documents] for team, own in judged.items()
    }
    everything = [one for own in judged.values() for one in own]
    rows |= {kind: own for kind in KINDS if (own := [one for one in everything if one.question.kind == kind])}
    for name, own in rows.items():
        verdicts, short = Counter(one.answer.verdict for one in own), Counter(one.short for one in own)
        found, cited = (
            sum(one.question.documents <= files for one, files in pairs)
            for pairs in ([(one, one.found) for one in own], [(one, one.cited) for one in own])
        )
        counts = [verdicts[verdict] for verdict in ("answered", "evidence_only", "insufficient_evidence")]
        lines.append(
            f"| {name} | {len(own)} | {found} | {cited} | {' / '.join(map(str, counts))} "
            f"| {' / '.join(str(short[outcome]) for outcome in ('right', 'wrong', 'none'))} |"
        )
    return lines


async def measure_all(teams: list[str]) -> dict[str, list[Judged]]:
    """By team: what became of its questions."""
    judged: dict[str, list[Judged]] = {}
    for team in teams:
        with tempfile.TemporaryDirectory() as scratch:
            judged[team] = await measure(team, f"sqlite:///{scratch}/team.db")
    return judged


def main() -> None:
    """Measure and print a table for each way of asking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--team", action="append", choices=TEAMS, help="only this one; may be given several times")
    chosen = parser.parse_args().team or TEAMS
    for teams in (IN_THEIR_WORDS, IN_OTHER_WORDS):
        if own := [team for team in teams if team in chosen]:
            print("\n".join(table(asyncio.run(measure_all(own)))), end="\n\n")


if __name__ == "__main__":
    main()
