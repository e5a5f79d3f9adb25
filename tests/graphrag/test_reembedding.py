"""Moving a knowledge base to another embedding model, with a real server that embeds, on both stores."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from graphrag.bootstrap import open_knowledge_base
from graphrag.embedding.hashing import Hashing
from graphrag.embedding.remote import open_remote
from graphrag.errors import InputError, LeaseLostError, ModelUnavailableError, SchemaMismatchError
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument
from graphrag.reembedding import KIND, OPERATOR, reembed, reembed_as_job
from graphrag.retrieval.vector import embed_query, vector_search
from graphrag.settings import load_settings
from graphrag.types import Scope
from tests.model_server import ModelServer, fails, hangs, hashes, model_server

DIMENSION = 64
TEXTS = {
    "ferry.md": "The ferry to Harwich leaves at nine in the evening.",
    "invoices.md": "Invoices above 5,000 euros need two signatures.",
    "leave.md": "Employees get 25 days of annual leave.",
}
SCOPE = Scope()
Open = Callable[..., AbstractAsyncContextManager[KnowledgeBase]]


@pytest.fixture
def server() -> Generator[ModelServer]:
    with model_server() as running:
        running.otherwise = hashes(DIMENSION)
        yield running


@pytest.fixture
def old(store_url: str) -> Open:
    """The knowledge base with the model that it is filled with."""
    return lambda: open_knowledge_base(load_settings(store_url=store_url, embedder="hashing"))


@pytest.fixture
def new(store_url: str, server: ModelServer) -> Open:
    """The same with the model that it is moved to, bound or not."""

    @asynccontextmanager
    async def opened(*, bind: bool = False) -> AsyncGenerator[KnowledgeBase]:
        remote = open_remote(
            "vllm", "hashing", base_url=server.url, api_key="", dimensions=DIMENSION, query_prefix=None,
            document_prefix=None, price=None, batch=1, concurrency=2, seconds=30.0,
        )  # fmt: skip
        async with open_knowledge_base(load_settings(store_url=store_url, embedder="hashing"), bind=False) as kb:
            moved = replace(kb, embedder=remote)
            if bind:
                known = await kb.store.fingerprints()
                assert known is not None
                assert known.embedder == remote.fingerprint
                await kb.store.bind(known)
            try:
                yield moved
            finally:
                await remote.aclose()

    return opened


async def ingest(kb: KnowledgeBase, texts: dict[str, str] = TEXTS) -> list[str]:
    documents = [
        LoadedDocument(source, source, "text/plain", text, (), (), {}, sha256(f"{source} {text}".encode()).hexdigest())
        for source, text in texts.items()
    ]
    report = await ingest_documents(kb, SCOPE, documents)
    return [one.outcome for one in report.results]


async def best(kb: KnowledgeBase, question: str) -> str:
    hits = await vector_search(kb.store, SCOPE, await embed_query(kb.embedder, question), 1)
    (chunk,) = await kb.store.chunks(SCOPE, [hits[0].chunk_id])
    return chunk.source


async def test_a_knowledge_base_answers_with_the_new_model_and_finds_nothing_to_ingest(old: Open, new: Open) -> None:
    async with old() as kb:
        await ingest(kb)
        assert await best(kb, "signatures on invoices") == "invoices.md"
    async with new() as kb:
        told: list[tuple[str, int]] = []
        state = await reembed(kb, progress=lambda state: told.append((state.phase, state.embedded)))
        assert (state.source, state.target) == (Hashing().fingerprint, kb.embedder.fingerprint)
        assert (state.chunks, state.embedded) == (3, 3)
        assert told == [("embedding", 0), ("embedding", 3), ("cleaning", 3), ("ended", 3)]
    async with new(bind=True) as kb:
        assert await best(kb, "signatures on invoices") == "invoices.md"
        assert await ingest(kb) == ["unchanged"] * 3
        assert await ingest(kb, {"ferry.md": "The ferry to Harwich leaves at ten."}) == ["updated"]
        assert (await reembed(kb)).source == kb.embedder.fingerprint  # nothing to do
    with pytest.raises(SchemaMismatchError, match="graphrag reembed"):
        async with old():
            pass


async def test_vectors_are_those_that_ingesting_makes(old: Open, new: Open) -> None:
    async with old() as kb:
        await ingest(kb)
        known = {one.title: one async for batch in kb.store.export(SCOPE) for one in batch.chunks}
    async with new() as kb:
        await reembed(kb)
        ids = [chunk.id for chunk in known.values()]
        moved = await kb.store.chunks_with_vectors(SCOPE, ids)
        await kb.store.delete_documents(SCOPE, [chunk.document_id for chunk in known.values()])
        await ingest(kb)
        ingested = await kb.store.chunks_with_vectors(SCOPE, ids)
    for (chunk, vectors), (same, made) in zip(moved, ingested, strict=True):
        assert chunk == same
        np.testing.assert_allclose(vectors.chunk, made.chunk, atol=1e-6)
        np.testing.assert_array_equal(vectors.sentences, made.sentences)


async def test_what_was_made_before_the_server_went_away_is_kept(
    old: Open, new: Open, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphrag.reembedding.CHUNKS_AT_ONCE", 1)
    async with old() as kb:
        await ingest(kb)
    server.script = [hashes(DIMENSION), hashes(DIMENSION), *[fails(503)] * 20]
    async with new() as kb:
        with pytest.raises(ModelUnavailableError):
            await reembed_as_job(kb, "first")
        (job,) = await kb.system.jobs(OPERATOR)
        assert (job.kind, job.state, job.progress["embedded"]) == (KIND, "failed", 2)
        assert "503" in job.error
    async with old() as kb:  # goes on as ever
        assert await best(kb, "signatures on invoices") == "invoices.md"
        assert await ingest(kb, {"late.md": "Boats to Hook of Holland leave at seven."}) == ["created"]
    server.script.clear()
    async with new() as kb:
        state = await reembed_as_job(kb, "second")
        assert (state.chunks, state.embedded) == (4, 2)
        assert {one.state for one in await kb.system.jobs(OPERATOR)} == {"failed", "succeeded"}
    async with new(bind=True) as kb:
        assert await best(kb, "boats to Holland") == "late.md"
        assert await ingest(kb) == ["unchanged"] * 3


async def test_a_cancelled_move_gives_its_job_back_and_the_next_one_goes_on_with_it(
    old: Open, new: Open, server: ModelServer
) -> None:
    async with old() as kb:
        await ingest(kb)
    server.otherwise = hangs()
    async with new() as kb:
        moving = asyncio.create_task(reembed_as_job(kb, "first"))
        while not server.bodies:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.01)
        with pytest.raises(InputError, match="another process is moving this store"):
            await reembed_as_job(kb, "second")
        moving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await moving
        (job,) = await kb.system.jobs(OPERATOR)
        assert job.state == "queued"
        server.otherwise = hashes(DIMENSION)
        await reembed_as_job(kb, "second")
        assert [(one.id, one.state) for one in await kb.system.jobs(OPERATOR)] == [(job.id, "succeeded")]


async def test_cancelling_the_job_stops_the_move(old: Open, new: Open, server: ModelServer) -> None:
    async with old() as kb:
        await ingest(kb)
    server.otherwise = hangs()
    async with new() as kb:
        remote_patience = asyncio.create_task(reembed_as_job(kb, "first", lease_seconds=0.6))
        while not server.bodies:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.01)
        (job,) = await kb.system.jobs(OPERATOR)
        await kb.system.cancel_job(OPERATOR, job.id)
        with pytest.raises(LeaseLostError, match="what was embedded is kept, and 'graphrag reembed' goes on"):
            await remote_patience
        assert (await kb.system.job(OPERATOR, job.id)).state == "cancelled"
    async with old() as kb:
        assert await best(kb, "signatures on invoices") == "invoices.md"


async def test_sentence_vectors_of_another_model_are_no_reason_to_begin(old: Open, new: Open) -> None:
    async with old() as kb:
        await ingest(kb)
    async with new() as kb:
        with pytest.raises(SchemaMismatchError, match="sentence vectors of 'hashing/256/v1'"):
            await reembed(replace(kb, encoder=Hashing(32)))
        assert await kb.store.moves.current() is None


async def test_a_finished_switch_is_cleaned_up_by_the_next_run(
    old: Open, new: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with old() as kb:
        await ingest(kb)
    async with new() as kb:
        with monkeypatch.context() as broken:
            broken.setattr("graphrag.reembedding._rename", None)  # the process ends after the switch
            with pytest.raises(TypeError):
                await reembed(kb)
        move = await kb.store.moves.current()
        assert move is not None
        assert move.switched
        assert (await reembed(kb)).embedded == 0
        assert await kb.store.moves.current() is None
    async with new(bind=True) as kb:
        assert await ingest(kb) == ["unchanged"] * 3
