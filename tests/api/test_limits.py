"""Limits of requests, of questions at once, and of their time."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.service import Service
from tests.api.in_process import QUESTION, settings_for, until


async def test_requests_of_an_address_are_limited_and_wrong_keys_count_tenfold(folder: Path):
    async with AsyncTestClient(create_app(settings_for(folder, address_rate=60))) as client:
        guesses = [await client.get("/v1/documents", headers={"Authorization": f"Bearer {n}"}) for n in range(10)]
        alive = await client.get("/health/live")

    statuses = [response.status_code for response in guesses]
    assert statuses == [401] * 6 + [429] * 4
    assert int(guesses[-1].headers["retry-after"]) >= 1
    assert guesses[-1].headers["content-type"] == "application/problem+json"
    assert alive.status_code == 200


async def test_requests_with_a_key_are_limited(folder: Path):
    async with AsyncTestClient(create_app(settings_for(folder, key_rate=5), development=True)) as client:
        statuses = [(await client.get("/v1/documents")).status_code for _ in range(7)]

    assert statuses == [200] * 5 + [429] * 2


async def test_more_questions_than_may_wait_are_refused_with_a_time_to_try_again(folder: Path):
    app = create_app(settings_for(folder, concurrent_questions=1, queued_questions=1), development=True)
    async with AsyncTestClient(app) as client:
        service: Service = app.state.service
        async with service.questions.enter():
            waiting = asyncio.create_task(_call(app, {"question": QUESTION}, asyncio.Event()))
            await until(lambda: service.questions.waiting == 1)
            refused = await client.post("/v1/search", json={"query": "PMX-48"})
        answered = await waiting

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert answered[0]["status"] == 200
    assert (service.questions.running, service.questions.waiting) == (0, 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_that_takes_too_long_is_ended(folder: Path, stream: bool):
    app = create_app(settings_for(folder, concurrent_questions=1, question_seconds=0.1), development=True)
    async with AsyncTestClient(app) as client:
        service: Service = app.state.service
        async with service.questions.enter():
            response = await client.post("/v1/query", json={"question": QUESTION, "stream": stream})

    if stream:
        assert response.text.startswith("event: error\n")
        assert '"status":504' in response.text
    else:
        assert response.status_code == 504


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_is_cancelled_when_its_client_goes_away(folder: Path, stream: bool):
    app = create_app(settings_for(folder, concurrent_questions=1), development=True)
    async with AsyncTestClient(app):
        service: Service = app.state.service
        async with service.questions.enter():
            gone = asyncio.Event()
            request = asyncio.create_task(_call(app, {"question": QUESTION, "stream": stream}, gone))
            await until(lambda: service.questions.waiting == 1)
            gone.set()
            await asyncio.wait_for(request, 5)
            await until(lambda: service.questions.waiting == 0)
        assert service.questions.running == 0


async def _call(app: Litestar, body: dict[str, Any], gone: asyncio.Event) -> list[Any]:
    """A request whose client disconnects when `gone` is set; returns what was sent to it."""
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/query", "raw_path": b"/v1/query",
        "query_string": b"", "headers": [(b"content-type", b"application/json"), (b"host", b"localhost")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http", "root_path": "", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    return sent
