"""What is said to a chat server. Many read the calls of earlier turns again, and refuse what models wrote there."""

import json
import re

from graphrag.errors import ModelOutputError
from graphrag.llm.chat_types import Message
from graphrag.llm.repair import read_json

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")


def sent(message: Message) -> dict[str, object]:
    """A message as the protocol has it."""
    made: dict[str, object] = {"role": message.role, "content": message.text}
    if message.tool_requests:
        made["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                # The name of a tool that a model made up, "functions.look" for one, is refused where it has other signs.
                "function": {"name": _NO_NAME.sub("_", call.name)[:64] or "_", "arguments": _object(call.arguments)},
            }
            for call in message.tool_requests
        ]
        made["content"] = message.text or None
    if message.role == "tool":
        made["tool_call_id"] = message.tool_request_id
    return made


def _object(arguments: str) -> str:
    """Arguments that a model wrote, as its server takes them back: many read those of earlier turns, and refuse what is no object."""
    try:
        value = read_json(arguments)
        return json.dumps(value, allow_nan=False) if isinstance(value, dict) else "{}"
    except (ModelOutputError, ValueError):
        return "{}"
