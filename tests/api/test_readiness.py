"""When the service says that it is ready."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.service import warm
from graphrag.bootstrap import open_knowledge_base
from graphrag.embedding.hashing import Hashing
from graphrag.errors import ModelError
from graphrag.knowledge import KnowledgeBase
from graphrag.reembedding import reembed
from graphrag.stores.embedded.following import FollowingIndex
from tests.api.in_process import settings_for, until


async def test_a_service_is_not_ready_while_it_loads_what_questions_need(folder: Path, monkeypatch: pytest.MonkeyPatch):
    loaded = asyncio.Event()

    async def slowly(kb: KnowledgeBase) -> None:
        await loaded.wait()
        await warm(kb)

    monkeypatch.setattr("api.app.warm", slowly)
    monkeypatch.setattr("api.service.READY_SECONDS", 0.0)
    monkeypatch.setattr("api.service.READY_TIMEOUT", 0.05)
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.post("/v1/search", json={"query": "Who leads it?"})).status_code == 200
        loaded.set()
        monkeypatch.setattr("api.service.READY_TIMEOUT", 20.0)
        assert (await client.get("/health/ready")).status_code == 200


async def test_a_ready_service_has_the_index_in_memory_although_it_failed_to_load_at_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    async def failed(kb: KnowledgeBase) -> None:
        pass

    changed: list[bool] = []
    follow = FollowingIndex.follow

    def noted(self: FollowingIndex, connection: sqlite3.Connection) -> bool:
        changed.append(follow(self, connection))
        return changed[-1]

    monkeypatch.setattr(FollowingIndex, "follow", noted)
    monkeypatch.setattr("api.app.warm", failed)
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        assert changed == []
        assert (await client.get("/health/ready")).status_code == 200
        assert changed == [True]


@pytest.mark.usefixtures("logged")
async def test_what_fails_while_it_loads_what_questions_need_is_logged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def broken(*_: object) -> list[object]:
        raise ModelError("the model file is damaged")

    app = create_app(settings_for(folder), development=True)
    monkeypatch.setattr(Hashing, "encode", broken)
    async with AsyncTestClient(app):
        await until(app.state.service.warming.done)

    assert "ModelError: the model file is damaged" in caplog.text


async def test_a_service_is_not_ready_once_its_store_was_moved_to_another_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.service.READY_SECONDS", 0.0)
    app = create_app(settings_for(folder), development=True)
    async with AsyncTestClient(app) as client:
        assert (await client.get("/health/ready")).status_code == 200
        async with open_knowledge_base(settings_for(folder, embedder="minilm"), bind=False) as other:
            await reembed(replace(other, encoder=app.state.service.kb.encoder))
        assert (await client.post("/v1/search", json={"query": "Who leads it?"})).status_code == 503
        assert (await client.get("/health/ready")).status_code == 503


async def test_readiness_follows_the_store_and_the_end_of_the_service(folder: Path):
    app = create_app(settings_for(folder), development=True)
    async with AsyncTestClient(app) as client:
        assert (await client.get("/health/ready")).json() == {"status": "ok"}
        app.state.service.closing.set()
        stopping = await client.get("/health/ready")
        assert (stopping.status_code, stopping.json()) == (503, {"status": "unavailable"})
        assert (await client.get("/health/live")).status_code == 200
