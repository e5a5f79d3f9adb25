"""The chat client against a real HTTP server: what it asks, what it returns, how long it waits, what is paid."""

import asyncio
import json
from contextlib import aclosing

import pytest

from graphrag.errors import BudgetError, ModelUnavailableError
from graphrag.llm.calls import Patience, within
from graphrag.llm.chat_types import Reply
from graphrag.llm.client import Chat
from graphrag.llm.presets import PRESETS
from graphrag.llm.usage import Limit, Price, Purse, Usage, paying
from tests.graphrag.chatting import HELLO, KEY, QUICK, TOOLS, City, chat_at, streamed
from tests.model_server import ModelServer, fails, hangs, replies

# What goes well


async def test_a_reply_comes_with_its_usage_and_the_request_is_as_the_provider_wants_it(
    server: ModelServer, chat: Chat
):
    server.next(replies("Hello!", usage=(12, 3)))
    reply = await chat.complete(HELLO, max_tokens=50)

    assert (reply.text, reply.finish, reply.estimated) == ("Hello!", "stop", False)
    assert reply.usage == Usage(1, 12, 3, 12 * 150 + 3 * 600)
    (exchange,) = server.exchanges
    assert exchange.path == "/v1/chat/completions"
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert exchange.body == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello?"}],
        "max_completion_tokens": 50,
        "temperature": 0,
    }


@pytest.mark.parametrize("provider", sorted(PRESETS))
async def test_every_provider_is_asked_with_the_parameters_it_takes(server: ModelServer, provider: str):
    async with chat_at(server, provider) as chat:
        await chat.complete(HELLO, max_tokens=50)
        await streamed(chat)
        server.next(replies('{"name": "Brno", "people": 4}'))
        await chat.structured(HELLO, City, max_tokens=50)

    preset = PRESETS[provider]
    plain, stream, structured = server.bodies
    assert all(body[preset.token_parameter] == 50 for body in server.bodies)
    assert ("stream_options" in stream) == preset.stream_usage
    assert ("response_format" in structured) == preset.json_schema
    assert "response_format" not in plain
    schema_told = "additionalProperties" in json.dumps(structured["messages"])
    assert schema_told != preset.json_schema


async def test_tools_are_offered_and_calls_are_returned_unchecked(server: ModelServer, chat: Chat):
    server.next(replies(None, ("look", {"at": "Brno"}), ("fly", "{not json")))
    reply = await chat.complete(HELLO, max_tokens=50, tools=TOOLS)

    assert [(call.name, call.arguments) for call in reply.tool_requests] == [
        ("look", '{"at": "Brno"}'),
        ("fly", "{not json"),
    ]
    assert server.bodies[0]["tools"][0]["function"]["name"] == "look"


async def test_a_stream_comes_piece_by_piece_and_ends_with_the_whole(server: ModelServer, chat: Chat):
    server.next(replies("one two three", usage=(5, 3)))
    pieces, reply = await streamed(chat)

    assert pieces == ["one", " two", " three"]
    assert (reply.text, reply.finish, reply.usage.output_tokens) == ("one two three", "stop", 3)


async def test_the_environment_of_the_sdk_changes_nothing(server: ModelServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-other")
    async with chat_at(server) as chat:
        await chat.complete(HELLO, max_tokens=5)

    assert "other" not in json.dumps(server.exchanges[0].headers)


# Leaving, waiting


async def test_a_stream_that_is_left_is_closed_at_the_server_and_paid_for(server: ModelServer, chat: Chat):
    server.next(replies("word " * 200, pause=0.02))
    purse = Purse()
    with paying(purse):
        async with aclosing(chat.stream(HELLO, max_tokens=500)) as stream:
            await anext(stream)
            await anext(stream)
    for _ in range(100):
        if server.exchanges[0].left:
            break
        await asyncio.sleep(0.02)

    assert server.exchanges[0].left
    assert purse.reserved == Usage()
    assert 0 < purse.spent.output_tokens < 50


async def test_a_call_that_is_cancelled_is_closed_at_the_server_and_counted_at_its_most(
    server: ModelServer, chat: Chat
):
    server.next(hangs())
    purse = Purse()
    with paying(purse):
        task = asyncio.create_task(chat.complete(HELLO, max_tokens=500))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for _ in range(100):
        if server.exchanges[0].left:
            break
        await asyncio.sleep(0.02)

    assert server.exchanges[0].left
    assert (purse.reserved, purse.spent.output_tokens) == (Usage(), 500)


async def test_no_more_calls_run_at_once_than_allowed(server: ModelServer):
    server.otherwise = replies("Yes.", pause=0.02)
    async with chat_at(server, concurrency=3) as chat:
        await asyncio.gather(*(chat.complete(HELLO, max_tokens=5) for _ in range(12)))
    assert server.most_at_once == 3


async def test_who_finds_no_room_in_time_is_told_so(server: ModelServer):
    server.otherwise = hangs(1)
    async with chat_at(server, concurrency=1, patience=Patience(seconds=2, silence_seconds=2)) as chat:
        first = asyncio.create_task(chat.complete(HELLO, max_tokens=5))
        await asyncio.sleep(0.1)
        with pytest.raises(ModelUnavailableError, match="no room in time"), within(0.1):
            await chat.complete(HELLO, max_tokens=5)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


# Money


async def test_a_budget_is_never_exceeded_by_eight_calls_at_once(server: ModelServer):
    """Each call uses what it reserved for output, so that any overrun would show."""
    server.otherwise = replies("Yes.", usage=(20, 100), pause=0.01)
    limit = Limit(tokens=1_000)
    purse = Purse(limit=limit)
    async with chat_at(server) as chat:
        with paying(purse):
            done = await asyncio.gather(
                *(chat.complete(HELLO, max_tokens=100) for _ in range(8)),
                *(chat.complete(HELLO, max_tokens=100) for _ in range(8)),
                return_exceptions=True,
            )
    answered = [reply for reply in done if isinstance(reply, Reply)]

    assert server.most_at_once > 4
    assert {type(reply) for reply in done} == {Reply, BudgetError}
    assert purse.spent.tokens == 120 * len(answered) == 120 * len(server.exchanges) <= 1_000
    assert purse.reserved == Usage()


async def test_a_call_beyond_the_budget_is_not_made_and_says_so(server: ModelServer, chat: Chat):
    with (
        pytest.raises(BudgetError, match=r"come to .* of 60 tokens: raise GRAPHRAG_LLM_ANSWER_TOKENS"),
        paying(Purse(limit=Limit(tokens=60))),
    ):
        await chat.complete(HELLO, max_tokens=50)
    assert server.exchanges == []
    assert chat.endpoint.breaker.state == "closed"


async def test_attempts_that_a_server_refuses_cost_nothing(server: ModelServer, chat: Chat):
    server.next(fails(500), fails(429, Retry_After="0.01"), replies("Yes.", usage=(10, 5)))
    purse = Purse()
    with paying(purse):
        await chat.complete(HELLO, max_tokens=50)

    assert (purse.spent.calls, purse.spent.tokens) == (3, 15)


async def test_the_settings_price_counts_before_the_known_one(server: ModelServer):
    async with Chat(
        PRESETS["openai"], "gpt-4o-mini", api_key=KEY, base_url=server.url, price=Price(1.0, 2.0), patience=QUICK
    ) as chat:
        reply = await chat.complete(HELLO, max_tokens=5)
    assert reply.usage.dollars == pytest.approx(100 * 1e-6 + 20 * 2e-6)
