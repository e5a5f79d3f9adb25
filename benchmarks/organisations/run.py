"""Retrieval and verdicts on the papers of fictional organisations; see the README in the folder of each corpus.

python -m benchmarks.organisations.run --corpus pellworth_quernby
python -m benchmarks.organisations.run --corpus pellworth_quernby --store neo4j://127.0.0.1:7687 --json report.json
"""

import argparse
import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.loop import Agent
from agent.search import search
from agent.types import Answer
from api.evaluating import tool_sequence
from benchmarks.organisations.corpus import CORPORA, UNANSWERABLE, Question, as_dataset, load_documents, load_questions
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import InputError
from graphrag.evaluation.runner import Ask, Indexed, Retrieved, evaluate
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders.base import LoadedDocument
from graphrag.settings import load_settings
from graphrag.stores.trips import count_round_trips
from graphrag.types import Scope, Tool, document_id, stable_id

TOOLS: tuple[Tool, ...] = ("keyword", "vector", "graph")
DEPTH = 20
"""Chunks taken from a single tool: enough for five distinct documents even where one has many chunks."""
TOP = 5


class Recorder:
    """Asks in one mode and remembers, for each question, the chunks that came back."""

    def __init__(self, kb: KnowledgeBase, scope: Scope, tool: Tool | None) -> None:
        """Without a tool the agent is asked."""
        self._kb = kb
        self._scope = scope
        self._tool: Tool | None = tool
        self.chunks: dict[str, list[str]] = {}
        self.answers: dict[str, Answer] = {}

    async def ask(self, question: str) -> Retrieved:
        """What the evaluation's `Ask` is."""
        if self._tool is None:
            return await self._ask_agent(question)
        with count_round_trips() as trips:
            hits = await search(self._kb, self._scope, question, self._tool, DEPTH)
        ids = self.chunks[question] = [hit.chunk_id for hit in hits]
        documents = {chunk.id: chunk.document_id for chunk in await self._kb.store.chunks(self._scope, ids)}
        return Retrieved([documents[id_] for id_ in ids], "", self._tool, trips.count)

    async def _ask_agent(self, question: str) -> Retrieved:
        answer = await Agent(self._kb).run(self._scope, question)
        self.answers[question] = answer
        self.chunks[question] = [ranked.chunk_id for ranked in answer.ranked]
        documents = [ranked.document_id for ranked in answer.ranked]
        return Retrieved(documents, "", tool_sequence(answer), answer.round_trips, answer.verdict, answer.confidence)


async def ingest(kb: KnowledgeBase, scope: Scope, documents: Sequence[LoadedDocument], seed: int) -> Indexed:
    """Store the documents in random order under hashed sources, so that neither gives anything away; titles stay."""
    shuffled = list(documents)
    random.Random(seed).shuffle(shuffled)
    sources = {document.source: stable_id("evaluation", seed, document.source) for document in documents}
    report = await ingest_documents(kb, scope, (replace(d, source=sources[d.source]) for d in shuffled))
    if report.failures:
        raise InputError(f"{len(report.failures)} documents were not ingested: {report.failures[0].reason}")
    return Indexed({name: document_id(scope.tenant, source) for name, source in sources.items()}, 0.0)


async def quotes_found(
    kb: KnowledgeBase, scope: Scope, questions: Sequence[Question], recorder: Recorder
) -> dict[str, float]:
    """For each question id the share of its quotes that stand in the first five chunks."""
    found: dict[str, float] = {}
    for question in questions:
        texts = [chunk.text for chunk in await kb.store.chunks(scope, recorder.chunks[question.text][:TOP])]
        found[question.id] = sum(any(gold.quote in text for text in texts) for gold in question.gold) / question.hops
    return found


async def measure(corpus: str, store_url: str, seed: int) -> dict[str, Any]:
    """Ingest, ask everything in every mode, and return the report; the store is left as it was.

    Raises:
        InputError: the store already holds the corpus of another run.
    """
    documents, questions = load_documents(corpus), load_questions(corpus)
    dataset = as_dataset(corpus, documents, questions)
    answerable = [question for question in questions if question.kind != UNANSWERABLE]
    async with open_knowledge_base(load_settings(store_url=store_url)) as kb:
        scope = Scope(tenant=f"eval-{dataset.name}")
        if await kb.store.documents(scope, limit=1):
            raise InputError(f"{store_url} already holds documents of tenant {scope.tenant}: name a fresh store")
        try:
            indexed = await ingest(kb, scope, documents, seed)
            statistics = await kb.store.statistics(scope)
            modes: dict[str, Any] = {}
            for tool in (*TOOLS, None):
                recorder = Recorder(kb, scope, tool)
                ask: Ask = recorder.ask
                report = await evaluate(dataset, indexed, ask)
                report["quotes"] = await quotes_found(kb, scope, answerable, recorder)
                modes[tool or "agent"] = report
            agent = Agent(kb)
            unanswerable = {
                question.id: await agent.run(scope, question.text)
                for question in questions
                if question.kind == UNANSWERABLE
            }
        finally:
            while stored := await kb.store.documents(scope, limit=500):
                await kb.store.delete_documents(scope, [document.id for document in stored])
    return {
        "corpus": corpus,
        "documents": len(documents),
        "chunks": statistics.chunks,
        "modes": modes,
        "unanswerable": {id_: {"verdict": a.verdict, "confidence": a.confidence} for id_, a in unanswerable.items()},
    }


def table(report: dict[str, Any]) -> list[str]:
    """The report as Markdown: recall by kind of question, then verdicts."""
    modes, questions = report["modes"], [q for q in load_questions(report["corpus"]) if q.kind != UNANSWERABLE]
    lines = [
        f"{report['documents']} documents, {report['chunks']} chunks, {len(questions)} answerable questions",
        "",
        f"| recall@5 / all@5 (quotes@5) | {' | '.join(modes)} |",
        "|---" * (len(modes) + 1) + "|",
    ]
    for kind in dict.fromkeys(["all", *(question.kind for question in questions)]):
        ids = [question.id for question in questions if kind in ("all", question.kind)]
        cells = []
        for mode in modes.values():
            rows = [row for row in mode["per_question"] if row["id"] in ids]
            values = [
                [row["recall@5"] for row in rows],
                [row["all@5"] for row in rows],
                [mode["quotes"][i] for i in ids],
            ]
            recall, complete, quotes = (100 * sum(column) / len(ids) for column in values)
            cells.append(f"{recall:.1f} / {complete:.1f} ({quotes:.1f})")
        lines.append(f"| {kind} ({len(ids)}) | {' | '.join(cells)} |")
    lines.append(f"| store reads | {' | '.join(str(mode['round_trips']) for mode in modes.values())} |")
    groups: dict[str, list[str]] = {"answerable, all gold in the first 5": [], "answerable, some missing": []}
    for row in modes["agent"]["per_question"]:
        groups["answerable, all gold in the first 5" if row["all@5"] else "answerable, some missing"].append(
            row["verdict"]
        )
    groups[UNANSWERABLE] = [row["verdict"] for row in report["unanswerable"].values()]
    names = ("answered", "evidence_only", "insufficient_evidence")
    lines += ["", f"| verdict of the agent | {' | '.join(names)} |", "|---" * 4 + "|"]
    for name, verdicts in groups.items():
        counts = Counter(verdicts)
        lines.append(f"| {name} ({len(verdicts)}) | {' | '.join(str(counts[verdict]) for verdict in names)} |")
    return lines


def main() -> None:
    """Print the tables; write everything, question by question, with --json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True, choices=CORPORA)
    parser.add_argument("--store", help="URL of a store; by default an embedded one that is thrown away")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which documents are stored")
    parser.add_argument("--json", type=Path, help="where to write the whole report")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        report = asyncio.run(
            measure(arguments.corpus, arguments.store or f"sqlite:///{scratch}/papers.db", arguments.seed)
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), encoding="utf-8")
    print("\n".join(table(report)))


if __name__ == "__main__":
    main()
