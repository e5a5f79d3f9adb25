"""The chat client against a server that fails in every way in which one can."""

import asyncio
import json
import logging
import time
import traceback
import tracemalloc
import zlib
from contextlib import suppress

import pytest

from graphrag.errors import ContextOverflowError, ModelOutputError, ModelRefusedError, ModelUnavailableError
from graphrag.llm.calls import Patience, within
from graphrag.llm.client import Chat
from graphrag.llm.presets import PRESETS
from tests.graphrag.chatting import HELLO, KEY, QUICK, TOOLS, chat_at, streamed
from tests.model_server import Action, Exchange, ModelServer, closes, fails, hangs, raw, replies


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


MEGABYTE = b" " * 1_000_000


def floods(*, status: int = 200, packed: bool = False) -> Action:
    """Sends on and on, for 200 MB; packed, all of it in some hundred kilobytes."""

    async def act(exchange: Exchange) -> None:
        packing = {"content_encoding": "gzip"} if packed else {}
        await exchange.head(status, chunked=True, **packing)
        pack = zlib.compressobj(wbits=31)
        with suppress(ConnectionError):
            for _ in range(200):
                part = pack.compress(MEGABYTE) if packed else MEGABYTE
                if part:
                    await exchange.chunk(part)
            await exchange.chunk(b"")

    return act


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("status", [200, 400])
async def test_a_reply_without_end_is_given_up(server: ModelServer, chat: Chat, status: int, packed: bool):
    server.next(floods(status=status, packed=packed))
    tracemalloc.start()
    try:
        with pytest.raises(ModelOutputError, match=r"sends more than 32,000,000 bytes in one reply"):
            await chat.complete(HELLO, max_tokens=50)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000_000


async def test_a_stream_without_end_of_a_line_is_given_up(server: ModelServer, chat: Chat):
    async def act(exchange: Exchange) -> None:
        await exchange.head(chunked=True, content_type="text/event-stream")
        await exchange.chunk(b"data: ")
        with suppress(ConnectionError):
            for _ in range(200):
                await exchange.chunk(MEGABYTE)

    server.next(act)
    with pytest.raises(ModelOutputError, match="sends more than 32,000,000 bytes in one reply"):
        await streamed(chat)


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_a_packed_reply_is_read(server: ModelServer, chat: Chat, packing: str):
    async def act(exchange: Exchange) -> None:
        body = json.dumps({"choices": [{"message": {"content": "Good day."}, "finish_reason": "stop"}]}).encode()
        pack = zlib.compressobj(wbits=31 if packing == "gzip" else 15)
        packed = pack.compress(body) + pack.flush()
        await exchange.head(length=len(packed), content_encoding=packing)
        await exchange.send(packed)

    server.next(act)
    assert (await chat.complete(HELLO, max_tokens=50)).text == "Good day."


@pytest.mark.parametrize(("packing", "told"), [("br", "packs its reply with 'br'"), ("gzip", "that is damaged")])
async def test_a_reply_that_cannot_be_unpacked_is_told_of(server: ModelServer, chat: Chat, packing: str, told: str):
    async def act(exchange: Exchange) -> None:
        await exchange.head(length=3, content_encoding=packing)
        await exchange.send(b"abc")

    server.next(act)
    with pytest.raises(ModelOutputError, match=told):
        await chat.complete(HELLO, max_tokens=50)
