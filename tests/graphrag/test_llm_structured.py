"""Replies that have to fit a schema, and what a model thinks aloud before them."""

import json

import pytest
from pydantic import BaseModel, Field

from graphrag.errors import ModelOutputError
from graphrag.llm.client import Chat
from tests.graphrag.chatting import HELLO, City, chat_at, streamed
from tests.model_server import ModelServer, fails, replies

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
