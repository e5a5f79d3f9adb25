"""An embedder whose server fails, refuses or costs too much."""

import asyncio
import json
import logging
import time
from typing import Any

import numpy as np
import pytest

from graphrag.embedding.models import embedding_model
from graphrag.embedding.remote import RemoteEmbedder
from graphrag.errors import BudgetError, ModelOutputError, ModelRefusedError, ModelUnavailableError
from graphrag.llm.calls import Patience, within
from graphrag.llm.service import Service
from graphrag.llm.usage import Limit, Purse, Usage, paying
from tests.graphrag.remote_embedder.conftest import KEY, QUICK, Open, unit
from tests.model_server import ModelServer, closes, direction, fails, hangs, raw


async def test_too_many_requests_are_repeated_when_the_server_says(server: ModelServer, opened: Open) -> None:
    server.next(fails(429, retry_after="0.2"))
    async with opened() as embedder:
        begun = time.monotonic()
        vectors = await embedder.embed(["a"], "query")
    assert time.monotonic() - begun >= 0.2
    np.testing.assert_allclose(vectors, [unit("a")], atol=1e-6)


@pytest.mark.parametrize("failure", [fails(503), closes(), hangs()])
async def test_a_server_that_is_down_is_unavailable_and_then_left_alone(
    server: ModelServer, opened: Open, failure: Any
) -> None:
    server.otherwise = failure
    async with opened(patience=Patience(seconds=1, silence_seconds=0.2, first_pause=0.01, failures=3)) as embedder:
        with pytest.raises(ModelUnavailableError):
            await embedder.embed(["a"], "query")
        asked = len(server.bodies)
        with pytest.raises(ModelUnavailableError, match="left alone"):
            await embedder.embed(["a"], "query")
        assert len(server.bodies) == asked


async def test_a_server_that_does_not_run_is_unavailable_and_says_which_setting_to_check() -> None:
    service = Service(
        "ollama", "http://127.0.0.1:9/v1", "m", api_key="", setting="GRAPHRAG_EMBEDDING", price=None, concurrency=1,
        patience=QUICK,
    )  # fmt: skip
    embedder = RemoteEmbedder(service, embedding_model("m", dimensions=8))
    with pytest.raises(ModelUnavailableError, match=r"cannot be reached.*GRAPHRAG_EMBEDDING_BASE_URL"):
        await embedder.embed(["a"], "query")
    await embedder.aclose()


async def test_a_deadline_of_the_caller_counts(server: ModelServer, opened: Open) -> None:
    server.otherwise = hangs()
    async with opened() as embedder:
        begun = time.monotonic()
        with within(0.3), pytest.raises(ModelUnavailableError):
            await embedder.embed(["a"], "query")
        assert time.monotonic() - begun < 1


def answers(data: object) -> bytes:
    return json.dumps({"data": data}).encode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (answers([{"index": 0, "embedding": [1.0] * 8}]), "2 texts with 1 vectors"),
        (answers([{"index": n, "embedding": [1.0] * 8} for n in range(3)]), "2 texts with 3 vectors"),
        (answers([{"index": n, "embedding": [1.0] * 7} for n in range(2)]), "7 numbers, expected are 8.*DIMENSIONS"),
        (answers([{"index": n, "embedding": [[1.0] * 8]} for n in range(2)]), "expected are 8"),
        (answers([{"index": n, "embedding": [float("nan")] * 8} for n in range(2)]), "not finite"),
        (answers([{"index": n, "embedding": [10**400] * 8} for n in range(2)]), "no vector"),
        (answers([{"index": n, "embedding": [1e39] * 7 + [float("inf")]} for n in range(2)]), "not finite"),
        (answers([{"index": n, "embedding": [0.0] * 8} for n in range(2)]), "or zero"),
        (answers([{"index": n, "embedding": "not base64!"} for n in range(2)]), "no vector"),
        (answers([{"index": n, "embedding": ["a"] * 8} for n in range(2)]), "no vector"),
        (answers([{"index": n, "embedding": {"a": 1}} for n in range(2)]), "no vector"),
        (answers([{"index": n} for n in range(2)]), "no vector"),
        (answers([1, 2]), "no vector"),
        (answers({}), "0 vectors"),
        (b"{}", "0 vectors"),
        (b"[]", "no object"),
        (b"<html>", "not JSON"),
    ],
)
async def test_a_reply_that_is_no_list_of_vectors_is_an_output_error(
    server: ModelServer, opened: Open, body: bytes, message: str
) -> None:
    server.otherwise = raw(body)
    async with opened() as embedder:
        with pytest.raises(ModelOutputError, match=message):
            await embedder.embed(["a", "b"], "query")
    assert len(server.bodies) == 1


async def test_an_index_that_is_none_leaves_the_order_of_the_reply(server: ModelServer, opened: Open) -> None:
    vectors = [direction("a", 8), direction("b", 8)]
    for index in ([0, 0], [[], {}], [1, 2]):
        data = [{"index": n, "embedding": vector} for n, vector in zip(index, vectors, strict=True)]
        server.next(raw(answers(data)))
        async with opened() as embedder:
            np.testing.assert_allclose(await embedder.embed(["a", "b"], "query"), [unit("a"), unit("b")], atol=1e-6)


@pytest.mark.parametrize(("status", "message"), [(401, "API_KEY"), (404, "EMBEDDING_MODEL"), (501, "cannot do this")])
async def test_a_refusal_is_not_tried_again_and_says_what_to_do(
    server: ModelServer, opened: Open, status: int, message: str
) -> None:
    server.otherwise = fails(status, f"no: {KEY}")
    async with opened() as embedder:
        with pytest.raises(ModelRefusedError, match=message) as raised:
            await embedder.embed(["a"], "query")
    assert KEY not in str(raised.value)
    assert len(server.bodies) == 1


async def test_a_key_is_in_no_log(server: ModelServer, opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.next(fails(500, KEY))
    async with opened() as embedder:
        await embedder.embed(["a"], "query")
    assert KEY not in caplog.text


async def test_one_failed_request_fails_the_call_and_leaves_no_other_behind(server: ModelServer, opened: Open) -> None:
    server.otherwise = hangs()
    server.next(fails(401))
    async with opened(batch=1) as embedder:
        with pytest.raises(ModelRefusedError):
            await asyncio.wait_for(embedder.embed(["a", "b", "c", "d"], "document"), 2)
        assert len(asyncio.all_tasks()) == 1


# Budgets and room


async def test_usage_is_what_the_server_counted(server: ModelServer, opened: Open) -> None:
    purse = Purse()
    async with opened(batch=2) as embedder:
        with paying(purse):
            await embedder.embed(["a", "b", "c"], "document")
    assert purse.spent == Usage(2, 14, 0, 2 * 7 * 20)
    assert purse.reserved == Usage()


async def test_a_call_beyond_the_budget_is_not_made(server: ModelServer, opened: Open) -> None:
    async with opened() as embedder:
        with paying(Purse(limit=Limit(tokens=10))), pytest.raises(BudgetError, match="of 10 tokens"):
            await embedder.embed(["a" * 100], "document")
    assert server.bodies == []


async def test_what_a_server_refuses_costs_nothing(server: ModelServer, opened: Open) -> None:
    server.next(fails(503))
    purse = Purse()
    async with opened() as embedder:
        with paying(purse):
            await embedder.embed(["a"], "query")
    assert purse.spent == Usage(2, 7, 0, 7 * 20)


async def test_documents_leave_room_for_a_question(server: ModelServer, opened: Open) -> None:
    server.next(hangs(2), hangs(2))
    async with opened(batch=1, concurrency=3) as embedder:
        documents = asyncio.create_task(embedder.embed(["a", "b", "c", "d"], "document"))
        while len(server.bodies) < 2:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.01)
        begun = time.monotonic()
        await embedder.embed(["Where?"], "query")
        assert time.monotonic() - begun < 0.5
        documents.cancel()
        await asyncio.gather(documents, return_exceptions=True)
