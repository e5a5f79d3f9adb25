"""How well questions are answered when what answers them stands in rows, tables, tickets, chats and pages of a wiki.

A small base of one fictional company, and questions in two halves: on one the service was looked at, the other was held out.

    python -m benchmarks.mixed.run
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.loop import Agent
from agent.types import Answer
from benchmarks.mixed.make import make
from graphrag.analysis import normalise
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import InputError
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders.base import MAX_DOCUMENT_BYTES, LoadedDocument
from graphrag.settings import load_settings
from graphrag.sources import Failure, list_sources, open_sources
from graphrag.types import Scope

HALVES = ("development", "held_out")
NEAR_MISS = "near_miss"
"""Questions without an answer, although the base speaks of what is asked."""
FIRST = 5


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the passages that answer it."""

    id: str
    half: str
    kind: str
    question: str
    answers: tuple[str, ...]
    """Short answers that are right; empty where it has none or needs a sentence."""
    gold: tuple[tuple[str, str], ...]
    """(source, what stands in the passage); empty where it has no answer."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a question."""

    question: Question
    answer: Answer
    found: tuple[bool, ...]
    """For each gold passage, whether it is among the first five."""
    cited: tuple[bool, ...]
    """For each, whether a citation quotes it."""

    @property
    def short(self) -> str:
        """`right`, `wrong` or `none`."""
        if self.answer.short is None:
            return "none"
        said = f" {normalise(self.answer.short.text)} "
        return "right" if any(f" {normalise(one)} " in said for one in self.question.answers) else "wrong"


def load_questions(half: str = "") -> list[Question]:
    """The questions of a half, or all."""
    rows = (Path(__file__).parent / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [
        Question(
            **row | {"answers": tuple(row["answers"]), "gold": tuple((source, quote) for source, quote in row["gold"])}
        )
        for row in map(json.loads, rows)
    ]
    return [question for question in questions if half in ("", question.half)]


def load_documents(folder: Path) -> list[LoadedDocument]:
    """The documents of the base, made and read as `graphrag ingest` reads a folder."""
    make(folder)
    files = list_sources([folder]).files
    with open_sources(files, max_document_bytes=MAX_DOCUMENT_BYTES, parse_seconds=60) as read:
        found = list(read)
    failed = [f"{one.source}: {one.reason}" for one in found if isinstance(one, Failure)]
    if failed:
        raise InputError(f"not read: {', '.join(failed)}")
    return [one for one in found if isinstance(one, LoadedDocument)]


async def ask(kb: KnowledgeBase, questions: Sequence[Question]) -> list[Judged]:
    """Ask questions of a base that is filled."""
    agent, judged = Agent(kb), list[Judged]()
    for question in questions:
        answer = await agent.run(Scope(), question.question)
        first = await kb.store.chunks(Scope(), [hit.chunk_id for hit in answer.ranked[:FIRST]])
        shown = [(chunk.source, chunk.text) for chunk in first]
        quoted = [(citation.source, citation.quote) for citation in answer.citations]
        found, cited = (tuple(_holds(held, gold) for gold in question.gold) for held in (shown, quoted))
        judged.append(Judged(question, answer, found, cited))
    return judged


def _holds(held: Sequence[tuple[str, str]], gold: tuple[str, str]) -> bool:
    source, quote = gold
    return any(source == where and quote in " ".join(text.split()) for where, text in held)


def summary(judged: Sequence[Judged]) -> dict[str, object]:
    """Figures of a half."""
    answerable = [one for one in judged if one.question.kind != NEAR_MISS]
    near = [one for one in judged if one.question.kind == NEAR_MISS]
    wanting = [one for one in answerable if one.question.answers]

    def verdicts(those: Sequence[Judged]) -> dict[str, int]:
        kinds = ("answered", "evidence_only", "insufficient_evidence")
        return {kind: sum(one.answer.verdict == kind for one in those) for kind in kinds}

    return {
        "answerable": len(answerable),
        "all gold in first 5": sum(all(one.found) for one in answerable),
        "all gold cited": sum(all(one.cited) for one in answerable),
        "verdicts": verdicts(answerable),
        "short": {kind: sum(one.short == kind for one in wanting) for kind in ("right", "wrong", "none")},
        "near misses": verdicts(near),
        "short answers to near misses": sum(one.short != "none" for one in near),
    }


async def measure(halves: Sequence[str]) -> dict[str, list[Judged]]:
    """Make and fill the base and ask the questions of these halves."""
    with tempfile.TemporaryDirectory() as scratch:
        documents = load_documents(Path(scratch, "halvarn"))
        async with open_knowledge_base(load_settings(store_url=f"sqlite:///{scratch}/base.db")) as kb:
            report = await ingest_documents(kb, Scope(), documents)
            if report.failures:
                raise InputError(f"{report.failures[0].source} was not ingested: {report.failures[0].reason}")
            return {half: await ask(kb, load_questions(half)) for half in halves}


def main() -> None:
    """Print a JSON object for each half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, help="one half alone")
    parser.add_argument("--each", action="store_true", help="print what became of each question, too")
    arguments = parser.parse_args()
    for half, judged in asyncio.run(measure([arguments.half] if arguments.half else HALVES)).items():
        print(half, json.dumps(summary(judged)))
        for one in judged if arguments.each else ():
            found, cited = (f"{sum(held)}/{len(held)}" for held in (one.found, one.cited))
            short = one.answer.short.text if one.answer.short else "-"
            print(
                f"  {one.question.id} {one.answer.verdict} {one.answer.confidence:.2f} found {found} cited {cited} "
                f"short {one.short}: {short!r} | {one.question.question}"
            )


if __name__ == "__main__":
    main()
