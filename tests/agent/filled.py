"""Stores filled with a few passages of one's own, and the short answers that they give."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from agent.assess import assess
from agent.loop import Agent
from agent.types import Answer
from graphrag.bootstrap import open_knowledge_base
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import ParserProcess, load_bytes
from graphrag.retrieval.graph import graph_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import read_question
from graphrag.settings import load_settings
from graphrag.types import Chunk, Scope

SCOPE = Scope()


@asynccontextmanager
async def filled(url: str, passages: Mapping[str, str]) -> AsyncGenerator[KnowledgeBase]:
    """A store that holds the passages, each a document of its own."""
    async with open_knowledge_base(load_settings(store_url=url, embedder="minilm")) as kb:
        loaded = [
            replace(document, title=title)
            for title, text in passages.items()
            for document in load_bytes(text.encode(), f"{title}.txt")
        ]
        report = await ingest_documents(kb, SCOPE, loaded)
        assert not report.failures
        yield kb


def answers_of(url: str, files: Mapping[str, str], questions: Iterable[str]) -> dict[str, Answer]:
    """What the agent says to each question, by question, where a store holds the files."""
    with ParserProcess() as parser:
        documents = [one for name, text in files.items() for one in load_bytes(text.encode(), name, parser=parser)]

    async def ask() -> dict[str, Answer]:
        async with open_knowledge_base(load_settings(store_url=url, embedder="minilm")) as kb:
            assert not (await ingest_documents(kb, SCOPE, documents)).failures
            return {question: await Agent(kb).run(SCOPE, question) for question in questions}

    return asyncio.run(ask())


def answered_once(passages: Mapping[str, str], questions: Iterable[str]) -> Any:
    """A fixture of `short_answers`, which are found once for a module."""

    @pytest.fixture(scope="module")
    def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
        return asyncio.run(
            short_answers(f"sqlite:///{tmp_path_factory.mktemp('filled') / 'kb.db'}", passages, questions)
        )

    return answers


async def short_answers(url: str, passages: Mapping[str, str], questions: Iterable[str]) -> dict[str, str]:
    """By question, whatever the verdict is among so few passages."""
    found: dict[str, str] = {}
    async with filled(url, passages) as kb:
        for text in questions:
            question = await read_question(kb.store, kb.embedder, kb.encoder, SCOPE, text)
            ledger = Ledger(kb.store, SCOPE, question)
            await graph_search(ledger, 20)
            short = assess(ledger).short
            found[text] = short.text if short else ""
    return found


def chunk_of(text: str) -> Chunk:
    """A chunk that starts 100 characters into its document, without mentions."""
    return Chunk(
        id="c", document_id="d", source="s", title="", position=0, start=100, core_start=100, end=100 + len(text),
        text=text, heading=(), page=None, token_count=1, sentences=((100, 100 + len(text)),), terms="", phrases={},
        mentions=(),
    )  # fmt: skip
