"""Replies as providers send them: in parts, refused, cut off, with an error under a good status, with counts that are none."""

import json
from typing import Any

import pytest

from graphrag.errors import ModelOutputError, ModelUnavailableError
from graphrag.llm.calls import Patience
from graphrag.llm.chat_types import Message, Reply, ToolRequest
from graphrag.llm.client import Chat
from graphrag.llm.presets import PRESETS
from graphrag.llm.service import Service
from tests.graphrag.chatting import HELLO, City
from tests.model_server import ModelServer, raw, replies

PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "It is Oslo."}]


async def last_of(chat: Chat) -> Reply:
    """The whole reply of a stream."""
    *_, reply = [piece async for piece in chat.stream([Message("user", "Hello?")], max_tokens=50)]
    assert isinstance(reply, Reply)
    return reply


def streamed(*deltas: dict[str, Any], finish: str = "stop") -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    return b"".join(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n" for choice in choices)


async def test_of_a_reply_in_parts_the_text_is_taken_and_the_thoughts_are_not(server: ModelServer, chat: Chat):
    server.next(raw(json.dumps({"choices": [{"message": {"content": PARTS}, "finish_reason": "stop"}]}).encode()))
    assert (await chat.complete(HELLO, max_tokens=5)).text == "It is Oslo."


async def test_a_stream_in_parts_is_read_too(server: ModelServer, chat: Chat):
    body = streamed({"content": PARTS[:1]}, {"content": PARTS[1:]}, {"content": " Yes."})
    server.next(raw(body, content_type="text/event-stream"))
    assert (await last_of(chat)).text == "It is Oslo. Yes."


async def test_a_refusal_is_kept_apart_from_the_text(server: ModelServer, chat: Chat):
    message = {"content": None, "refusal": "I cannot help with that."}
    server.next(raw(json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()))
    server.next(raw(streamed({"refusal": "I cannot "}, {"refusal": "help."}), content_type="text/event-stream"))

    assert (await chat.complete(HELLO, max_tokens=5)).broken_off == "the model refused: I cannot help with that."
    assert (await last_of(chat)).broken_off == "the model refused: I cannot help."


@pytest.mark.parametrize(("finish", "said"), [("length", "GRAPHRAG_LLM_OUTPUT_TOKENS"), ("content_filter", "filter")])
async def test_a_form_that_was_not_filled_in_says_what_broke_it_off(
    server: ModelServer, chat: Chat, finish: str, said: str
):
    server.otherwise = replies("", finish=finish)
    with pytest.raises(ModelOutputError, match=said):
        await chat.structured(HELLO, City, max_tokens=5)


async def test_an_error_under_a_good_status_is_told_and_tried_again(server: ModelServer, chat: Chat):
    server.next(raw(b'{"error": {"message": "upstream overloaded", "code": 502}}'), replies("fine"))
    assert (await chat.complete(HELLO, max_tokens=5)).text == "fine"

    server.otherwise = raw(b'{"error": "upstream overloaded"}')
    with pytest.raises(ModelUnavailableError, match="upstream overloaded"):
        await chat.complete(HELLO, max_tokens=5)


@pytest.mark.parametrize("count", ["1" + "0" * 30, "-1", "1e300", "1e400", '"7"', "null"])
async def test_a_count_of_tokens_that_cannot_be_one_is_estimated(server: ModelServer, chat: Chat, count: str):
    body = f'{{"choices": [{{"message": {{"content": "Yes."}}}}], "usage": {{"prompt_tokens": {count}, "completion_tokens": {count}}}}}'
    server.next(raw(body.encode()))
    reply = await chat.complete(HELLO, max_tokens=5)

    assert reply.estimated
    assert 0 < reply.usage.tokens < 100


async def test_a_stream_that_passes_the_length_asked_for_is_broken_off(server: ModelServer, chat: Chat):
    server.next(replies("word " * 100_000))
    with pytest.raises(ModelOutputError, match="beyond the 50 tokens"):
        await last_of(chat)

    server.next(replies("x" * 100_000))
    with pytest.raises(ModelOutputError, match="beyond the 50 tokens"):
        await last_of(chat)


async def test_a_count_of_an_embedding_that_cannot_be_one_is_estimated(server: ModelServer):
    server.next(raw(b'{"usage": {"prompt_tokens": 1e400}}'))
    service = Service(
        "openai",
        server.url,
        "m",
        api_key="k",
        setting="X",
        price=PRESETS["ollama"].price("m"),
        concurrency=1,
        patience=Patience(seconds=3),
    )
    try:
        assert await service.ask("embeddings", "/embeddings", {}, 5) == {"usage": {"prompt_tokens": float("inf")}}
    finally:
        await service.close()


async def test_a_character_that_comes_in_two_events_is_one_and_half_of_one_is_left_out(server: ModelServer, chat: Chat):
    server.next(raw(streamed({"content": "\ud83d"}, {"content": "\ude00 Oslo\ud83d"}, {"content": "."})))

    assert (await last_of(chat)).text == "\U0001f600 Oslo."


@pytest.mark.parametrize(
    ("written", "sent"),
    [("{'at': 'Oslo'", '{"at": "Oslo"}'), ("Oslo", "{}"), ("", "{}"), ("[1]", "{}"), ('{"at": 1e999}', "{}")],
)
async def test_arguments_of_earlier_calls_are_sent_back_as_the_object_that_servers_read(
    server: ModelServer, chat: Chat, written: str, sent: str
):
    asked = ToolRequest("call_0", "look", written)
    await chat.complete([*HELLO, Message("assistant", "", (asked,))], max_tokens=50)

    (call,) = server.bodies[0]["messages"][-1]["tool_calls"]
    assert call["function"]["arguments"] == sent


@pytest.mark.parametrize(
    ("made_up", "sent"), [("functions.look", "functions_look"), ("", "_"), ("é" * 99, "_" * 64), ("look", "look")]
)
async def test_a_name_that_a_model_made_up_is_sent_back_as_one_that_servers_take(
    server: ModelServer, chat: Chat, made_up: str, sent: str
):
    await chat.complete([*HELLO, Message("assistant", "", (ToolRequest("call_0", made_up, "{}"),))], max_tokens=50)

    (call,) = server.bodies[0]["messages"][-1]["tool_calls"]
    assert call["function"]["name"] == sent
