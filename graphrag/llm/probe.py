"""What a configured model server can do, found out by one cheap call each."""

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from pydantic import BaseModel, Field

from graphrag.errors import ModelError, ModelOutputError
from graphrag.llm.chat_types import Message, Reply, ToolDescription
from graphrag.llm.model import LanguageModel

TOKENS = 60
_LOOK_UP = ToolDescription(
    "look_up",
    "Look a word up in the dictionary.",
    {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
)


class _City(BaseModel):
    name: str = Field(max_length=40)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one call showed."""

    name: str
    """`chat`, `streaming`, `tools` or `structured output`."""
    ok: bool
    needed: bool
    """Whether anything fails without it; otherwise something else is used in its place."""
    detail: str


async def probe(llm: LanguageModel) -> list[Probe]:
    """Try what planning and answering need: chat first, without which nothing else is tried."""
    found = [await _try("chat", lambda: _chat(llm), needed=True)]
    if not found[0].ok:
        return found
    found.append(await _try("streaming", lambda: _stream(llm), needed=True))
    if llm.native_tools:
        found.append(await _try("tools", lambda: _tools(llm), needed=True))
    else:
        found.append(Probe("tools", True, False, "called by constrained JSON, as configured or best for the provider"))
    found.append(await _try("structured output", lambda: _structured(llm), needed=not llm.native_tools))
    return found


async def _try(name: str, call: Callable[[], Awaitable[str]], *, needed: bool) -> Probe:
    begun = time.perf_counter()
    try:
        detail = await call()
    except ModelError as exc:
        return Probe(name, False, needed, str(exc))
    return Probe(name, True, needed, f"{detail}, {time.perf_counter() - begun:.1f} s")


async def _chat(llm: LanguageModel) -> str:
    reply = await llm.chat.complete([Message("user", "Reply with the word: ready")], max_tokens=llm.room_for(TOKENS))
    if not reply.text:
        raise ModelOutputError(f"the reply is empty: {reply.broken_off or 'see whether the model is one that chats'}")
    estimated = ", does not report usage" if reply.estimated else ""
    return f"answers ({reply.usage.input_tokens} + {reply.usage.output_tokens} tokens{estimated})"


async def _stream(llm: LanguageModel) -> str:
    pieces = 0
    said = [Message("user", "Count from 1 to 5.")]
    async with aclosing(llm.chat.stream(said, max_tokens=llm.room_for(TOKENS))) as stream:
        async for piece in stream:
            pieces += not isinstance(piece, Reply)
    return f"{pieces} pieces"


async def _tools(llm: LanguageModel) -> str:
    said = [Message("user", "Look up the word 'harbour' with the tool.")]
    reply = await llm.chat.complete(said, max_tokens=llm.room_for(TOKENS), tools=[_LOOK_UP])
    if not reply.tool_requests and reply.broken_off:
        raise ModelOutputError(f"it called no tool when asked to: {reply.broken_off}")
    if not reply.tool_requests:
        raise ModelOutputError("it called no tool when asked to: set GRAPHRAG_LLM_TOOLS=json")
    return "called natively"


async def _structured(llm: LanguageModel) -> str:
    said = [Message("user", "Name the capital of France.")]
    await llm.chat.structured(said, _City, max_tokens=llm.room_for(TOKENS))
    return "JSON fits the schema"
