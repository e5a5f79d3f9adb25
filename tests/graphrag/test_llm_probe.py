"""What `graphrag doctor` finds out of a model server: a scripted one that fails in each way, and a real small model."""

import json

from graphrag.llm.calls import Patience
from graphrag.llm.chat_types import Message
from graphrag.llm.client import Chat
from graphrag.llm.model import LanguageModel
from graphrag.llm.presets import PRESETS
from graphrag.llm.probe import Probe, probe
from tests.llama_server import NAME, LlamaServer
from tests.model_server import Action, Exchange, ModelServer, fails, replies

QUICK = Patience(seconds=5, silence_seconds=2, attempts=1)
CITY = replies(json.dumps({"name": "Paris"}))
CALL = replies(None, ("look_up", {"word": "harbour"}))


async def probed(server: ModelServer, *script: Action, provider: str = "openai") -> dict[str, Probe]:
    server.next(*script)
    preset = PRESETS[provider]
    async with Chat(preset, "gpt-4o-mini", api_key="sk-test", base_url=server.url, patience=QUICK) as chat:
        found = await probe(LanguageModel(chat, native_tools=preset.tools))
    return {item.name: item for item in found}


async def test_all_that_works_is_said_to_work(server: ModelServer):
    found = await probed(server, replies("ready"), replies("1 2 3 4 5"), CALL, CITY)

    assert list(found) == ["chat", "streaming", "tools", "structured output"]
    assert all(item.ok for item in found.values())
    assert found["streaming"].detail.startswith("5 pieces")
    assert len(server.exchanges) == 4


async def thinks(exchange: Exchange) -> None:
    """A model that thinks for 300 tokens before it replies."""
    said = str(exchange.messages)
    if (exchange.body.get("max_completion_tokens") or 0) < 320:
        await replies("", finish="length")(exchange)
    elif exchange.body.get("tools"):
        await CALL(exchange)
    else:
        await (CITY if "France" in said else replies("1 2 3"))(exchange)


async def test_a_model_that_thinks_has_the_longest_reply_for_it(server: ModelServer):
    assert all(item.ok for item in (await probed(server, *[thinks] * 4)).values())


async def test_one_that_thinks_longer_is_told_apart_with_what_to_set(server: ModelServer):
    found = await probed(server, replies("", finish="length"))

    assert "raise GRAPHRAG_LLM_OUTPUT_TOKENS" in found["chat"].detail


async def test_nothing_else_is_tried_where_the_key_is_wrong(server: ModelServer):
    found = await probed(server, fails(401))

    assert list(found) == ["chat"]
    assert "does not accept the key" in found["chat"].detail


async def test_a_model_that_calls_no_tools_is_told_apart_with_what_to_set(server: ModelServer):
    found = await probed(server, replies("ready"), replies("1 2"), replies("I cannot."), CITY)

    assert not found["tools"].ok
    assert found["tools"].needed
    assert "GRAPHRAG_LLM_TOOLS=json" in found["tools"].detail


async def test_structured_output_is_needed_where_tools_are_called_by_it(server: ModelServer):
    found = await probed(server, replies("ready"), replies("1 2"), replies("no"), replies("no"), provider="llamacpp")

    assert found["tools"].ok
    assert not found["structured output"].ok
    assert found["structured output"].needed


async def test_a_real_small_model_chats_streams_and_keeps_to_a_schema(llama: LlamaServer):
    async with Chat(PRESETS["llamacpp"], NAME, base_url=llama.url, patience=Patience(seconds=120)) as chat:
        found = await probe(LanguageModel(chat, native_tools=False))
        reply = await chat.complete([Message("user", "Say hello.")], max_tokens=8)

    assert {item.name: item.ok for item in found} == {
        "chat": True,
        "streaming": True,
        "tools": True,
        "structured output": True,
    }
    assert reply.usage.output_tokens <= 8
    assert not reply.estimated
