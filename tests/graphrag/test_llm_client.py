"""The chat client against a real HTTP server, in every shape in which a model can answer or fail to."""

import asyncio
import json
import logging
import time
import traceback
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from pydantic import BaseModel, ConfigDict, Field

from graphrag.errors import (
    BudgetError,
    ContextOverflowError,
    ModelOutputError,
    ModelRefusedError,
    ModelUnavailableError,
)
from graphrag.llm.calls import Patience, within
from graphrag.llm.chat_types import Message, Reply, ToolDescription
from graphrag.llm.client import Chat
from graphrag.llm.presets import PRESETS
from graphrag.llm.usage import Limit, Price, Purse, Usage, paying
from tests.model_server import Action, ModelServer, closes, fails, hangs, raw, replies

KEY = "sk-proj-very-secret-0123456789"
HELLO = [Message("system", "Be short."), Message("user", "Hello?")]
QUICK = Patience(seconds=3, silence_seconds=1, first_pause=0.01, longest_pause=0.02, failures=50)
TOOLS = [ToolDescription("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})]


class City(BaseModel):
    """A city."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=40)
    people: int = Field(ge=0)


def chat_at(server: ModelServer, provider: str = "openai", patience: Patience = QUICK, concurrency: int = 8) -> Chat:
    return Chat(
        PRESETS[provider],
        "gpt-4o-mini",
        api_key=KEY,
        base_url=server.url,
        patience=patience,
        concurrency=concurrency,
    )


@pytest.fixture
async def chat(server: ModelServer) -> AsyncGenerator[Chat]:
    async with chat_at(server) as opened:
        yield opened


async def streamed(chat: Chat) -> tuple[list[str], Reply]:
    pieces: list[str] = []
    async with aclosing(chat.stream(HELLO, max_tokens=50)) as stream:
        async for piece in stream:
            if isinstance(piece, Reply):
                return pieces, piece
            pieces.append(piece)
    raise AssertionError("a stream ends with its reply")


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


# Thinking


@pytest.mark.parametrize(
    "text",
    [
        "<think>The user\nsays hello.</think>\n\nHello!",
        "<think></think>Hello!",
        "<THINKING>hm</THINKING> Hello!",
        "<think>a < b </think>Hello!",
    ],
)
async def test_what_a_model_thinks_aloud_is_left_out(server: ModelServer, chat: Chat, text: str):
    server.otherwise = replies(text)

    assert (await chat.complete(HELLO, max_tokens=50)).text == "Hello!"
    pieces, reply = await streamed(chat)
    assert "".join(pieces).strip() == reply.text == "Hello!"


async def test_a_thought_that_never_ends_leaves_nothing(server: ModelServer, chat: Chat):
    server.otherwise = replies("<think>and so on and", finish="length")

    assert (await chat.complete(HELLO, max_tokens=50)).text == ""
    assert (await streamed(chat))[1].text == ""


async def test_an_opening_bracket_is_no_thought(server: ModelServer, chat: Chat):
    server.otherwise = replies("if a <b then <thin> ice <")

    assert "".join((await streamed(chat))[0]) == "if a <b then <thin> ice <"


# Structured output


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Brno", "people": 4}',
        'Sure! Here it is:\n```json\n{"name": "Brno", "people": 4}\n```\nAnything else?',
        "<think>{}</think>{'name': 'Brno', 'people': 4,}",
        '{name: "Brno", "people": 4',
        '{"name": "Brno", /* the count */ "people": 4, "rest',
        '{“name”: “Brno”, "people": 4}',
    ],
)
async def test_json_that_slipped_is_mended(server: ModelServer, chat: Chat, text: str):
    server.next(replies(text))

    assert await chat.structured(HELLO, City, max_tokens=50) == City(name="Brno", people=4)
    assert len(server.exchanges) == 1


@pytest.mark.parametrize("text", ["I cannot.", '{"name": "Brno"}', '{"name": "Brno", "people": -1}', "", "[]"])
async def test_a_reply_that_does_not_fit_is_asked_for_once_more(server: ModelServer, chat: Chat, text: str):
    server.next(replies(text), replies('{"name": "Brno", "people": 4}'))

    assert (await chat.structured(HELLO, City, max_tokens=50)).people == 4
    again = server.bodies[1]["messages"]
    assert [message["role"] for message in again[-2:]] == ["assistant", "user"]
    assert "people" in again[-1]["content"]


async def test_a_second_reply_that_does_not_fit_is_an_error_that_says_why(server: ModelServer, chat: Chat):
    server.otherwise = replies('{"name": "Br', finish="length")
    with pytest.raises(ModelOutputError, match=r"people: Field required.*cut off at its limit"):
        await chat.structured(HELLO, City, max_tokens=50)
    assert len(server.exchanges) == 2


async def test_a_server_that_knows_no_schema_gets_it_in_the_prompt_from_then_on(server: ModelServer, chat: Chat):
    good = replies('{"name": "Brno", "people": 4}')
    server.next(fails(400, "Unknown parameter: response_format"), good, good)
    await chat.structured(HELLO, City, max_tokens=50)
    await chat.structured(HELLO, City, max_tokens=50)

    assert ["response_format" in body for body in server.bodies] == [True, False, False]


async def test_a_model_that_takes_no_temperature_is_asked_without_from_then_on(server: ModelServer):
    async with chat_at(server, "anthropic") as chat:
        server.next(fails(400, "`temperature` is deprecated for this model."), replies("one"), replies("two"))
        assert (await chat.complete(HELLO, max_tokens=5)).text == "one"
        assert (await streamed(chat))[0] == ["two"]
        assert ["temperature" in body for body in server.bodies] == [True, False, False]

    async with chat_at(server, "anthropic") as chat:
        server.next(fails(400, "`temperature` is deprecated for this model."), replies("three"))
        assert (await streamed(chat))[0] == ["three"]


async def test_a_server_on_this_machine_is_not_asked_through_a_proxy(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with chat_at(server) as chat:
        server.next(replies("here"))
        assert (await chat.complete(HELLO, max_tokens=5)).text == "here"


async def test_strict_schemas_are_closed_complete_and_without_what_strict_refuses(server: ModelServer, chat: Chat):
    class Country(BaseModel):
        cities: list[City] = Field(default_factory=list)
        note: str = Field("", max_length=9)

    server.next(replies('{"cities": [], "note": ""}'))
    await chat.structured(HELLO, Country, max_tokens=50)
    form = server.bodies[0]["response_format"]["json_schema"]
    text = json.dumps(form)

    assert form["strict"] is True
    assert form["schema"]["required"] == ["cities", "note"]
    assert form["schema"]["properties"]["cities"]["items"]["required"] == ["name", "people"]
    assert not [word for word in ("maxLength", "default", "$ref", "$defs") if f'"{word}"' in text]


# What goes wrong


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"<html>Bad gateway</html>",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": "x"}',
        b'{"object": "error", "message": "oops"}',
        b'{"choices": [{"message"',
        b"\xff\xfe\x00",
    ],
)
async def test_a_reply_that_is_none_is_an_output_error(server: ModelServer, chat: Chat, body: bytes):
    server.next(raw(body))
    with pytest.raises(ModelOutputError):
        await chat.complete(HELLO, max_tokens=50)


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [null]}',
        b'{"choices": [{"message": null, "finish_reason": null}]}',
        b'{"choices": [{"message": {"content": null, "tool_calls": null}}]}',
        b'{"choices": [{"message": {"content": 3, "tool_calls": "x"}}], "usage": "many"}',
        b'{"choices": [{"message": {"content": "", "tool_calls": [null, {"function": null}, {"function": {"name": 1}}]}}]}',
        b'{"choices": [{"message": {"content": ""}}], "usage": {"prompt_tokens": -5, "completion_tokens": null}}',
    ],
)
async def test_an_empty_choice_is_an_empty_reply_whose_usage_is_estimated(server: ModelServer, chat: Chat, body: bytes):
    server.next(raw(body))
    reply = await chat.complete(HELLO, max_tokens=50, tools=TOOLS)

    assert (reply.text, reply.tool_requests, reply.estimated) == ("", (), True)
    assert reply.usage.input_tokens > 10


@pytest.mark.parametrize(
    "body",
    [
        b"data: {not json}\n\n",
        b'data: {"choices": [{"delta": {"content": 7}}]}\n\n',
        b"data: [DONE]\n\n",
        b"",
        b": only a comment\n\n",
        b'data: "text"\n\ndata: [1]\n\n',
    ],
)
async def test_a_stream_of_nonsense_is_an_error_of_ours(server: ModelServer, chat: Chat, body: bytes):
    server.otherwise = raw(body, content_type="text/event-stream")
    with pytest.raises((ModelOutputError, ModelUnavailableError)):
        await streamed(chat)


async def test_a_stream_that_breaks_off_passes_on_what_came_and_then_fails(server: ModelServer, chat: Chat):
    server.next(replies("one two three four", cut_after=2))
    pieces: list[object] = []
    with pytest.raises(ModelUnavailableError):
        async for piece in chat.stream(HELLO, max_tokens=50):
            pieces.append(piece)

    assert pieces == ["one", " two"]
    assert len(server.exchanges) == 1  # what was passed on cannot be taken back, so nothing is tried again


async def test_a_stream_that_fails_before_its_first_piece_is_tried_again(server: ModelServer, chat: Chat):
    server.next(closes(), fails(503), replies("fine"))

    assert (await streamed(chat))[0] == ["fine"]


async def test_an_error_within_a_stream_is_told(server: ModelServer, chat: Chat):
    server.otherwise = raw(b'data: {"error": {"message": "slot unavailable"}}\n\n', content_type="text/event-stream")
    with pytest.raises(ModelUnavailableError, match="slot unavailable"):
        await streamed(chat)


async def test_too_many_requests_are_repeated_when_the_server_says(server: ModelServer, chat: Chat):
    server.next(fails(429, "slow down", Retry_After="0.3"), replies("Hello!"))
    begun = time.monotonic()

    assert (await chat.complete(HELLO, max_tokens=50)).text == "Hello!"
    assert 0.3 <= time.monotonic() - begun < 2


async def test_a_wait_beyond_the_deadline_is_not_begun(server: ModelServer, chat: Chat):
    server.next(fails(429, "slow down", Retry_After="30"))
    begun = time.monotonic()
    with pytest.raises(ModelUnavailableError, match="slow down") as error:
        await chat.complete(HELLO, max_tokens=50)

    assert error.value.retry_after == 30
    assert time.monotonic() - begun < 1


async def test_an_account_without_credit_is_not_asked_again(server: ModelServer, chat: Chat):
    server.next(fails(429, "You exceeded your current quota", code="insufficient_quota"))
    with pytest.raises(ModelRefusedError, match="no credit"):
        await chat.complete(HELLO, max_tokens=50)
    assert len(server.exchanges) == 1


async def test_a_storm_of_500s_ends_after_some_attempts(server: ModelServer, chat: Chat):
    server.otherwise = fails(500, "out of order")
    with pytest.raises(ModelUnavailableError, match=r"HTTP 500.*out of order"):
        await chat.complete(HELLO, max_tokens=50)
    assert len(server.exchanges) == QUICK.attempts


async def test_an_attempt_for_which_little_time_was_left_tells_why_the_one_before_failed(server: ModelServer):
    patience = Patience(seconds=1.5, silence_seconds=5, first_pause=0.001, longest_pause=0.002)
    async with chat_at(server, patience=patience) as chat:
        server.next(fails(503, "loading the model"), hangs())
        with pytest.raises(ModelUnavailableError, match=r"within .* loading the model") as told:
            await chat.complete(HELLO, max_tokens=5)
        assert "slow model" not in str(told.value)
        server.next(hangs())
        with pytest.raises(ModelUnavailableError, match="slow model"):
            await chat.complete(HELLO, max_tokens=5)


async def test_a_breaker_opens_in_a_storm_and_closes_with_a_probe_that_succeeds(server: ModelServer):
    patience = Patience(
        seconds=3, first_pause=0.001, longest_pause=0.002, attempts=2, failures=4, open_seconds=0.2, silence_seconds=1
    )
    async with chat_at(server, patience=patience) as chat:
        server.next(*[fails(500, "cannot read 'what another caller asked'")] * 4)
        for _ in range(2):
            with pytest.raises(ModelUnavailableError, match="HTTP 500"):
                await chat.complete(HELLO, max_tokens=5)
        for _ in range(20):
            with pytest.raises(ModelUnavailableError, match="left alone") as told:
                await chat.complete(HELLO, max_tokens=5)
            assert "another caller" not in str(told.value)
        assert len(server.exchanges) == 4
        assert chat.endpoint.breaker.state == "open"
        await asyncio.sleep(0.25)
        assert (await chat.complete(HELLO, max_tokens=5)).text == "Yes."
        assert chat.endpoint.breaker.state == "closed"


async def test_refusals_and_too_many_requests_do_not_open_the_breaker(server: ModelServer):
    patience = Patience(seconds=3, attempts=1, failures=2)
    async with chat_at(server, patience=patience) as chat:
        server.next(*[fails(400), fails(429, Retry_After="1")] * 4)
        for _ in range(8):
            with pytest.raises((ModelRefusedError, ModelUnavailableError)):
                await chat.complete(HELLO, max_tokens=5)
        assert chat.endpoint.breaker.state == "closed"


async def test_silence_ends_at_the_limit_of_silence(server: ModelServer):
    patience = Patience(seconds=60, silence_seconds=0.2, attempts=1)
    async with chat_at(server, patience=patience) as chat:
        server.next(hangs())
        begun = time.monotonic()
        with pytest.raises(ModelUnavailableError, match="did not answer in time"):
            await streamed(chat)
        assert time.monotonic() - begun < 30


async def test_a_reply_that_is_not_streamed_may_take_the_time_of_the_call(server: ModelServer):
    patience = Patience(seconds=5, silence_seconds=0.2, attempts=1)
    async with chat_at(server, patience=patience) as chat:
        server.next(replies("at last", pause=0.6))
        assert (await chat.complete(HELLO, max_tokens=5)).text == "at last"


async def test_a_slow_drip_ends_at_the_deadline(server: ModelServer):
    patience = Patience(seconds=0.5, silence_seconds=0.4)
    async with chat_at(server, patience=patience) as chat:
        server.next(replies("word " * 1000, pause=0.05))
        begun = time.monotonic()
        with pytest.raises(ModelUnavailableError, match="in time"):
            await streamed(chat)
        assert time.monotonic() - begun < 30


async def test_a_narrower_deadline_of_the_caller_counts(server: ModelServer, chat: Chat):
    server.otherwise = hangs()
    begun = time.monotonic()
    with pytest.raises(ModelUnavailableError), within(0.2):
        await chat.complete(HELLO, max_tokens=5)
    assert time.monotonic() - begun < QUICK.seconds


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "This model's maximum context length is 8192 tokens, however you requested 9000", None),
        (400, "oops", "context_length_exceeded"),
        (400, "the request exceeds the available context size (512 tokens)", None),
        (413, "prompt is too long: 210000 tokens > 200000 maximum", None),
        (500, "input (701 tokens) is too large to process. increase the physical batch size", None),
        (500, "x", None),
    ],
)
async def test_a_context_that_overflows_is_told_apart(
    server: ModelServer, chat: Chat, status: int, message: str, code: str | None
):
    server.otherwise = fails(status, message, code=code)
    with pytest.raises((ContextOverflowError, ModelUnavailableError)) as error:
        await chat.complete(HELLO, max_tokens=5)
    assert isinstance(error.value, ContextOverflowError) == (message != "x")


async def test_a_server_that_does_not_run_is_named_with_what_to_check(chat: Chat, server: ModelServer):
    async with Chat(PRESETS["ollama"], "m", base_url="http://127.0.0.1:9/v1", patience=QUICK) as nobody:
        with pytest.raises(ModelUnavailableError, match=r"ollama at http://127.0.0.1:9/v1 cannot be reached.*BASE_URL"):
            await nobody.complete(HELLO, max_tokens=5)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, f"Incorrect API key provided: {KEY}."),
        (401, "Incorrect API key provided: sk-proj-****6789."),
        (403, KEY),
        (404, f"no model for {KEY}"),
        (400, f"bad {KEY} Bearer {KEY} sk-proj-abcdef0123456789"),
        (429, f"limit for {KEY}"),
        (500, f"{KEY} crashed"),
    ],
)
async def test_a_key_is_in_no_message_and_no_log(
    server: ModelServer, chat: Chat, status: int, message: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, logger="graphrag")
    server.otherwise = fails(status, message)
    with pytest.raises((ModelRefusedError, ModelUnavailableError)) as error:
        await chat.complete(HELLO, max_tokens=5)
    told = f"{error.value}{error.value!r}{chat.target!r}{[r.getMessage() for r in caplog.records if r.name.startswith('graphrag')]}"
    told += "".join(traceback.format_exception(error.value))  # as the log of the service has it when a job fails

    assert not [part for part in (KEY, "6789", "abcdef") if part in told]


async def test_a_redirect_is_told_with_where_to(server: ModelServer, chat: Chat):
    server.next(raw(b"", 307, Location="https://me:hunter2@new.example/v1/chat/completions?key=abc"))
    with pytest.raises(ModelRefusedError, match=r"redirects to https://new.example/v1/chat/completions, .*BASE_URL"):
        await chat.complete(HELLO, max_tokens=5)


@pytest.mark.parametrize(
    "action",
    [raw(b"<html>Sign in</html>", content_type="text/html"), raw(b'{"choices": [{"message": {"content": "Hello."}}]}')],
)
async def test_a_server_that_does_not_stream_is_told_from_one_that_broke_off(
    server: ModelServer, chat: Chat, action: Action
):
    server.next(action)
    with pytest.raises(ModelOutputError, match="no stream of events: check GRAPHRAG_LLM_BASE_URL"):
        await streamed(chat)


async def test_who_meets_the_breaker_is_told_what_failed(server: ModelServer):
    patience = Patience(seconds=3, attempts=4, first_pause=0.01, longest_pause=0.02, failures=2)
    async with chat_at(server, patience=patience) as chat:
        server.otherwise = fails(500, "out of memory")
        with pytest.raises(ModelUnavailableError, match=r"again and again.*HTTP 500.*out of memory"):
            await chat.complete(HELLO, max_tokens=5)


async def test_a_password_in_the_address_is_in_no_message_and_no_log(
    server: ModelServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, logger="httpx2")  # which the service silences
    url = server.url.replace("://", "://me:hunter2@")
    server.otherwise = fails(401)
    async with Chat(PRESETS["vllm"], "m", base_url=url, patience=QUICK) as chat:
        with pytest.raises(ModelRefusedError, match=f"vllm at {server.url} ") as error:
            await chat.complete(HELLO, max_tokens=5)
    assert server.url in caplog.text
    assert "hunter2" not in caplog.text + "".join(traceback.format_exception(error.value))
    assert server.exchanges[0].headers["authorization"] == "Basic bWU6aHVudGVyMg=="


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
