"""What the agent's verdicts say of questions that the documents do not answer, although they speak of what is asked.

Eight small knowledge bases (the files beside this one, four of them held out) with questions that have an answer and such as
are near: another attribute, person, number or time, or who came before. No model, label or threshold is fitted on them.

    python -m benchmarks.verdicts.run
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.loop import Agent
from agent.types import Answer
from benchmarks.fit_verdict import area_under_curve
from graphrag.bootstrap import open_knowledge_base
from graphrag.evaluation.beir import Dataset, Passage
from graphrag.evaluation.runner import ingest_dataset
from graphrag.settings import load_settings
from graphrag.types import Scope

HALVES = ("development", "held_out")


@dataclass(frozen=True, slots=True)
class Base:
    """A knowledge base with its questions."""

    documents: Dataset
    answerable: tuple[str, ...]
    unanswerable: tuple[str, ...]


def load_bases(half: str) -> list[Base]:
    """The knowledge bases of a half."""
    lines = (Path(__file__).parent / f"{half}.jsonl").read_text(encoding="utf-8").splitlines()
    bases: list[Base] = []
    for row in map(json.loads, lines):
        passages = (Passage(str(n), text["title"], text["text"]) for n, text in enumerate(row["documents"]))
        dataset = Dataset(row["name"], tuple(passages), ())
        bases.append(Base(dataset, tuple(row["answerable"]), tuple(row["unanswerable"])))
    return bases


async def ask(base: Base) -> tuple[list[Answer], list[Answer]]:
    """Answers to the answerable and to the unanswerable questions of a base, in a store of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        async with open_knowledge_base(load_settings(store_url=f"sqlite:///{scratch}/base.db")) as kb:
            await ingest_dataset(kb, Scope(), base.documents, seed=0)
            agent = Agent(kb)
            answerable = [await agent.run(Scope(), question) for question in base.answerable]
            return answerable, [await agent.run(Scope(), question) for question in base.unanswerable]


def summary(answerable: Sequence[Answer], unanswerable: Sequence[Answer]) -> dict[str, object]:
    """Verdicts of both, and how well the confidence tells them apart."""
    confidences = np.array([answer.confidence for answer in (*answerable, *unanswerable)])
    labels = np.repeat([1.0, 0.0], [len(answerable), len(unanswerable)])
    return {
        "answerable": dict(Counter(answer.verdict for answer in answerable).most_common()),
        "unanswerable": dict(Counter(answer.verdict for answer in unanswerable).most_common()),
        "area": round(area_under_curve(confidences, labels), 3),
    }


def main() -> None:
    """Print a JSON object for each half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrong", action="store_true", help="print the unanswerable questions called answered, too")
    arguments = parser.parse_args()
    for half in HALVES:
        asked = [asyncio.run(ask(base)) for base in load_bases(half)]
        answerable = [answer for answers, _ in asked for answer in answers]
        unanswerable = [answer for _, answers in asked for answer in answers]
        print(half, json.dumps(summary(answerable, unanswerable)))
        if arguments.wrong:
            print(*(f"  {answer.question}" for answer in unanswerable if answer.verdict == "answered"), sep="\n")


if __name__ == "__main__":
    main()
