"""Reading what a chat server sends: its choice, text in one piece or in parts, calls of tools, and errors under a good status."""

import json
from collections.abc import Mapping
from typing import cast

from graphrag.errors import ModelOutputError, ModelUnavailableError
from graphrag.llm.chat_types import ToolRequest
from graphrag.llm.translate import Target, redacted
from graphrag.types import whole

Json = Mapping[str, object]
MOST_TOKENS = 1_000_000_000
"""More than these nobody has used in a call: a count beyond is none."""


def parsed(content: bytes, target: Target) -> Json:
    """The JSON object that a server replied.

    Raises:
        ModelOutputError: it is none.
    """
    try:
        reply: object = json.loads(content)
    except ValueError as exc:
        raise ModelOutputError(
            f"{target.name} answered something that is not JSON: check {target.setting}_BASE_URL"
        ) from exc
    if not isinstance(reply, dict):
        raise ModelOutputError(f"{target.name} answered JSON that is no object: check {target.setting}_BASE_URL")
    return cast("Json", reply)


def mapping(value: object) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[object]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def first_choice(data: Json, target: Target) -> Json:
    """The first choice of a reply.

    Raises:
        ModelUnavailableError: the server reports an error in its place, as gateways do for what they pass on.
        ModelOutputError: there is none.
    """
    if choices := sequence(data.get("choices")):
        return mapping(choices[0])
    error = data.get("error")
    if words := error if isinstance(error, str) else mapping(error).get("message"):
        raise ModelUnavailableError(f"{target.name} broke the reply off: {redacted(str(words), target.secret)}")
    raise ModelOutputError(f"{target.name} answered without a choice: check {target.setting}_BASE_URL")


def text_of(content: object) -> str:
    """The text of a message, maybe not `whole`: Mistral's models that think send parts, of which some are thoughts."""
    if isinstance(content, str):
        return content
    parts = map(mapping, sequence(content))
    texts = [part.get("text") for part in parts if part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def refusal_of(message: Json) -> str:
    """The words with which a model refuses, which OpenAI sends apart from the text; empty if it does not."""
    refusal = message.get("refusal")
    return whole(refusal) if isinstance(refusal, str) else ""


def requests_of(calls: object) -> tuple[ToolRequest, ...]:
    """The calls of tools in a message."""
    found: list[ToolRequest] = []
    for number, call in enumerate(sequence(calls)):
        function = mapping(mapping(call).get("function"))
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(name, str):
            written = arguments if isinstance(arguments, str) else json.dumps(arguments)
            id_ = str(mapping(call).get("id") or f"call_{number}")
            found.append(ToolRequest(whole(id_), whole(name), whole(written)))
    return tuple(found)


def count_of(value: object) -> int | None:
    """A number of tokens that a server reports; None if it cannot be one."""
    return int(value) if isinstance(value, int | float) and 0 <= value <= MOST_TOKENS else None
