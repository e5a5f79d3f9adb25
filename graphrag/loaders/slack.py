"""What Slack exports: a JSON file for each day of a channel, `general/2025-03-19.json`, with the messages of that day."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import cast

from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import TextBuilder
from graphrag.loaders.characters import clean_line
from graphrag.loaders.slack_names import Lists, name_in, names_of
from graphrag.loaders.slack_text import text_of

_NOTICES = frozenset(
    """
    channel_join channel_leave channel_topic channel_purpose channel_name channel_archive channel_unarchive group_join group_leave
    bot_add bot_remove pinned_item tombstone reminder_add
    """.split()
)
"""Subtypes of messages that nobody wrote."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json", re.IGNORECASE)

_Message = Mapping[str, object]


def is_slack(items: Sequence[object]) -> bool:
    """Whether the records of a JSON file are messages of Slack."""
    return bool(items) and all(
        isinstance(item, dict)
        and cast(_Message, item).get("type") == "message"
        and isinstance(cast(_Message, item).get("ts"), str)
        for item in items
    )


def is_day(source: str) -> bool:
    """Whether a file is called like a day of a channel."""
    return _DAY.fullmatch(PurePosixPath(source).name) is not None


def load(items: Sequence[object], source: str, lists: Lists) -> LoadedDocument:
    """One document of a day's messages, each after the name of who wrote it, replies right below the message of that day that they
    answer.

    Names are those of the lists, so that a person has one name on all days, else those that the messages themselves carry; somebody
    whom neither names stays a Slack id. Left out is what nobody wrote, such as that somebody joined, but on a day with nothing else.
    Title: `#channel, day`. Metadata: channel, date. The hash is of what is read: exports of later count more replies and reactions.

    Raises:
        DocumentParseError: no message has any text, or a list cannot be read.
    """
    messages = [cast(_Message, item) for item in items]
    listed = names_of(lists)
    names = {str(message.get("user")): name for message in messages if (name := _name(message))} | dict(listed)
    said = [(message, text) for message in messages if (text := text_of(message, names))]
    written = [(message, text) for message, text in said if str(message.get("subtype")) not in _NOTICES] or said
    begun = {message["ts"] for message, _ in written}
    builder = TextBuilder()
    lines: list[str] = []
    for message, text in sorted(written, key=lambda one: (_thread(one[0]), str(one[0]["ts"]))):
        reply = _thread(message) != message["ts"] and _thread(message) in begun
        user = str(message.get("user") or message.get("bot_id") or "somebody")
        shown = "" if message.get("subtype") == "bot_message" else listed.get(user, "")
        text = text.replace("\n", "\n  ") if reply else text
        lines.append(f"{'- ' * reply}{shown or _name(message) or names.get(user, user)}: {text}")
        builder.add(lines[-1], tight=reply)
    path = PurePosixPath(source)
    folder = path.parent.name
    channel = listed.get(folder, folder)
    title = f"{'#' * (channel == folder)}{channel}, {path.stem}" if channel else path.stem
    metadata = {"channel": channel, "date": path.stem if is_day(source) else ""}
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    return builder.build(
        data, source, title, "application/json", {name: value for name, value in metadata.items() if value}
    )


def _thread(message: _Message) -> str:
    """When what it answers was written; a message that answers nothing answers itself."""
    return str(message.get("thread_ts") or message["ts"])


def _name(message: _Message) -> str:
    """The name of who wrote it, as far as the message has it."""
    profile = message.get("user_profile") or message.get("bot_profile")
    known = cast(_Message, profile) if isinstance(profile, dict) else {}
    return name_in(known) or clean_line(str(message.get("username") or ""))
