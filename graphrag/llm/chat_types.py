"""What is said to a chat model and what it replies, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from graphrag.llm.usage import Usage

MAX_REFUSAL = 200
_BROKEN_OFF = {
    "length": "the reply was cut off at its limit: raise GRAPHRAG_LLM_OUTPUT_TOKENS",
    "content_filter": "the provider's content filter stopped the reply",
}

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A call of a tool that a model asks for. Nothing of it has been checked."""

    id: str
    name: str
    arguments: str
    """As the model wrote them: JSON, if it did well."""


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of a conversation."""

    role: Role
    text: str
    tool_requests: tuple[ToolRequest, ...] = ()
    """Of an assistant."""
    tool_request_id: str = ""
    """Of a tool's reply: the request that it answers."""


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """A tool as a model is told of it."""

    name: str
    description: str
    parameters: Mapping[str, object]
    """JSON schema of the arguments."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model replied, without what it thought aloud."""

    text: str
    tool_requests: tuple[ToolRequest, ...]
    finish: str
    """`stop`, `length` (cut at the limit), `tool_calls`, `content_filter`, or what else the server said."""
    usage: Usage
    estimated: bool = False
    """Whether the server did not say what was used."""
    refusal: str = ""
    """The words with which the model refused, where the server tells them from its text."""

    @property
    def broken_off(self) -> str:
        """Why the text is not whole, or not there, and what to do; empty where the model ended by itself."""
        if self.refusal:
            return f"the model refused: {' '.join(self.refusal.split())[:MAX_REFUSAL]}"
        return _BROKEN_OFF.get(self.finish, "")
