"""A chat client at a scripted server, and what it is asked, for tests."""

from contextlib import aclosing

from pydantic import BaseModel, ConfigDict, Field

from graphrag.llm.calls import Patience
from graphrag.llm.chat_types import Message, Reply, ToolDescription
from graphrag.llm.client import Chat
from graphrag.llm.presets import PRESETS
from tests.model_server import ModelServer

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


async def streamed(chat: Chat) -> tuple[list[str], Reply]:
    pieces: list[str] = []
    async with aclosing(chat.stream(HELLO, max_tokens=50)) as stream:
        async for piece in stream:
            if isinstance(piece, Reply):
                return pieces, piece
            pieces.append(piece)
    raise AssertionError("a stream ends with its reply")
