"""The shipped sample corpus: multi-hop questions are answered from all their documents, and unanswerable ones are flagged.

The thresholds behind the verdicts come from benchmark questions (benchmarks/fit_verdict.py), never from this corpus.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.loop import Agent
from agent.types import Answer
from api.cli.quickstart import ASKED
from api.schemas_ask import QueryRequest
from graphrag.bootstrap import open_knowledge_base
from graphrag.ingest import ingest_documents
from graphrag.loaders.base import LoadedDocument
from graphrag.sample import open_documents, questions
from graphrag.settings import load_settings
from graphrag.sources import Failure, list_sources, open_sources
from graphrag.types import GraphBatch, Scope
from tests.local_model import embedder_of

SCOPE = Scope()
MULTI_HOP = questions("multi_hop")
UNANSWERABLE = questions("unanswerable")


@dataclass(frozen=True)
class Outcome:
    """What became of the sample's questions."""

    documents: frozenset[str]
    answers: dict[str, Answer]
    removed: dict[tuple[str, str], Answer]
    """(question id, removed document) -> answer without that document, for questions that were answered with it."""
    texts: dict[str, str]


def cites_all(answer: Answer, documents: list[str]) -> bool:
    return {citation.source for citation in answer.citations} >= set(documents)


def load_sample() -> list[LoadedDocument | Failure]:
    settings = load_settings()
    with (
        open_documents() as folder,
        open_sources(
            list_sources([folder]).files,
            max_document_bytes=settings.max_document_bytes,
            parse_seconds=settings.parse_seconds,
        ) as documents,
    ):
        return list(documents)


async def ask_everything(path: Path, documents: list[LoadedDocument | Failure], embedder: str) -> Outcome:
    async with open_knowledge_base(load_settings(store_url=f"sqlite:///{path}", embedder=embedder)) as kb:
        report = await ingest_documents(kb, SCOPE, documents)
        assert not report.failures
        batches: dict[str, GraphBatch] = {batch.document.source: batch async for batch in kb.store.export(SCOPE)}
        agent = Agent(kb)
        answers: dict[str, Answer] = {}
        removed: dict[tuple[str, str], Answer] = {}
        for question in UNANSWERABLE:
            answers[question.id] = await agent.run(SCOPE, question.question)
        for question in MULTI_HOP:
            answer = answers[question.id] = await agent.run(SCOPE, question.question)
            if cites_all(answer, list(question.documents)) and answer.verdict != "insufficient_evidence":
                for source in question.documents:
                    await kb.store.delete_documents(SCOPE, [batches[source].document.id])
                    removed[question.id, source] = await agent.run(SCOPE, question.question)
                    await kb.store.write(SCOPE, batches[source])
        return Outcome(
            frozenset(batches), answers, removed, {batch.document.id: batch.text for batch in batches.values()}
        )


@pytest.fixture(scope="module", params=["e5", "minilm"])
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """With the model of `make quickstart` where there is Maven, and where there is none."""
    path = tmp_path_factory.mktemp("sample") / "sample.db"
    yield asyncio.run(ask_everything(path, load_sample(), embedder_of(request.param)))


def test_the_question_of_the_first_run_is_answered_with_the_instrument_that_it_is_about(outcome: Outcome):
    answer = outcome.answers[ASKED]
    assert answer.verdict == "answered"
    assert "RA-88" in answer.citations[0].quote + answer.citations[1].quote
    assert "EUR 1,940" in answer.text, "and not the price of RA-61, which stands in the same papers"
    assert answer.short is not None
    assert answer.short.text == "EUR 1,940"
    assert [edge.entity for edge in answer.path] == ["RA-88"]


def test_the_question_of_the_api_s_example_is_that_one():
    example = QueryRequest.model_json_schema()["properties"]["question"]["examples"]
    assert example == [question.question for question in MULTI_HOP if question.id == ASKED]


def test_every_document_that_a_question_names_is_in_the_corpus(outcome: Outcome):
    assert len(MULTI_HOP) >= 12
    assert len(UNANSWERABLE) >= 10
    for question in MULTI_HOP:
        assert len(question.documents) >= 2
        assert set(question.documents) <= outcome.documents


def test_at_least_ten_multi_hop_questions_get_all_their_documents_cited(outcome: Outcome):
    complete = [q.id for q in MULTI_HOP if cites_all(outcome.answers[q.id], list(q.documents))]
    assert len(complete) >= 10, complete


def test_removing_a_document_that_an_answer_rests_on_turns_it_into_insufficient_evidence_in_at_least_eight_cases(
    outcome: Outcome,
):
    flagged = [case for case, answer in outcome.removed.items() if answer.verdict == "insufficient_evidence"]
    assert len(flagged) >= 8, (flagged, sorted(outcome.removed))


def test_at_least_eight_unanswerable_questions_are_flagged(outcome: Outcome):
    flagged = [q.id for q in UNANSWERABLE if outcome.answers[q.id].verdict == "insufficient_evidence"]
    assert len(flagged) >= 8, flagged


def test_every_citation_quotes_its_document_exactly(outcome: Outcome):
    for answer in [*outcome.answers.values(), *outcome.removed.values()]:
        for citation in answer.citations:
            assert outcome.texts[citation.document_id][citation.start : citation.end] == citation.quote


def test_what_is_flagged_as_insufficient_gives_no_answer_text(outcome: Outcome):
    for answer in outcome.answers.values():
        assert (answer.text == "") == (answer.verdict == "insufficient_evidence")
