"""Short answers to questions of two hops about a few notes of one's own, whose names no recogniser has seen.

What a question goes through ("Lindane" in "who founded the yard that built the ferry?") is wrong. In each half, one question
asks for just that. The second half was held out.

    python -m benchmarks.two_hop.run
"""

import argparse
import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agent.loop import Agent
from agent.types import Answer
from graphrag.bootstrap import open_knowledge_base
from graphrag.ingest import ingest_documents
from graphrag.loaders import load_bytes
from graphrag.settings import load_settings
from graphrag.types import Scope

HALVES = ("development", "held_out")


@dataclass(frozen=True, slots=True)
class Case:
    """A question and the three notes that it is asked of."""

    half: str
    question: str
    answers: tuple[str, ...]
    bridge: str
    """What the question goes through; empty where it asks for that."""
    notes: dict[str, str]
    """Text by file name."""

    def outcome(self, answer: Answer) -> str:
        """`right`, `bridge`, `other` (wrong, too) or `none`."""
        if answer.short is None:
            return "none"
        if answer.short.text in self.answers:
            return "right"
        return "bridge" if self.bridge and self.bridge in answer.short.text else "other"


def load_cases(half: str) -> list[Case]:
    """The cases of a half."""
    lines = (Path(__file__).parent / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [Case(**row | {"answers": tuple(row["answers"])}) for row in map(json.loads, lines)]
    return [case for case in cases if case.half == half]


async def ask(case: Case) -> Answer:
    """The answer from a store that holds the notes of the case alone."""
    with tempfile.TemporaryDirectory() as scratch:
        async with open_knowledge_base(load_settings(store_url=f"sqlite:///{scratch}/notes.db")) as kb:
            notes = [one for name, text in case.notes.items() for one in load_bytes(text.encode(), name)]
            await ingest_documents(kb, Scope(), notes)
            return await Agent(kb).run(Scope(), case.question)


def main() -> None:
    """Print a line for each half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", action="store_true", help="print what became of each question, too")
    arguments = parser.parse_args()
    for half in HALVES:
        asked = [(case, asyncio.run(ask(case))) for case in load_cases(half)]
        outcomes = [case.outcome(answer) for case, answer in asked]
        print(half, {kind: outcomes.count(kind) for kind in ("right", "bridge", "other", "none")})
        for (case, answer), outcome in zip(asked, outcomes, strict=True) if arguments.each else ():
            print(f"  {outcome}: {answer.short.text if answer.short else '-'} | {answer.verdict} | {case.question}")


if __name__ == "__main__":
    main()
