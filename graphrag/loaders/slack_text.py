"""What a message of Slack says: its text, and what bots put into attachments and blocks instead."""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from graphrag.loaders.characters import clean_line

_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_STYLE = re.compile(
    r"(<[^<>\n]*>)|```\n?(.*?)\n?```|`([^`\n]+)`|(?<![\w*])\*(?=[^\s*])([^*\n]+)(?<=\S)\*(?![\w*])"
    r"|(?<!\w)_(?=[^\s_])([^_\n]+)(?<=\S)_(?!\w)|(?<![\w~])~(?=[^\s~])([^~\n]+)(?<=\S)~(?![\w~])",
    re.DOTALL,
)
"""A link; and code, or what is bold, italic or struck out, with the signs of that."""
_MAX_TEXT = 40_000
"""Characters; Slack cuts what is longer."""
_RICH_TEXTS = frozenset(("rich_text_section", "rich_text_preformatted", "rich_text_quote"))
"""Blocks of pieces that follow each other without a space between."""
_NO_PREVIEW = "[no preview available]"
"""What Slack itself writes as the fallback of an attachment made of blocks."""


def text_of(message: Mapping[str, object], names: Mapping[str, str]) -> str:
    """All that it says, each thing once, without empty lines, with the names of its files and what an export holds of them.

    Args:
        names: of people and channels, by their ids.
    """

    def plain(text: object) -> str:
        shown = _MARKUP.sub(lambda found: _shown(found, names), _without_style(str(text or "")))
        lines = (" ".join(line.split()) for line in html.unescape(shown).split("\n"))
        return "\n".join(filter(None, lines))

    said = [plain(message.get("text")) or plain("\n".join(_of_blocks(message.get("blocks"))))]
    known, seen = said[0][:_MAX_TEXT], set[str]()
    for attachment in _mappings(message.get("attachments")):
        parts = [part for part in _of_attachment(attachment, plain) if part not in known]
        said += (part for part in parts if part not in seen)
        seen.update(parts)
    for file in _mappings(message.get("files")):
        name = clean_line(str(file.get("name") or ""))
        said.append(
            " ".join(filter(None, [f"[file: {name}]" if name else "", clean_line(str(file.get("preview") or ""))]))
        )
    return "\n".join(filter(None, said))


def _without_style(text: str) -> str:
    def shown(found: re.Match[str]) -> str:
        kept, inner = found[1] or found[2] or found[3], found[4] or found[5] or found[6]
        return kept or _without_style(inner or "")

    return _STYLE.sub(shown, text)


def _mappings(value: object) -> list[Mapping[str, object]]:
    items = cast(list[object], value) if isinstance(value, list) else []
    return [cast(Mapping[str, object], item) for item in items if isinstance(item, dict)]


def _of_attachment(attachment: Mapping[str, object], plain: Callable[[object], str]) -> Iterator[str]:
    """What it shows; its fallback is a summary of that for where it cannot be shown."""
    parts = [plain(attachment.get(key)) for key in ("pretext", "title", "text")]
    parts += [
        ": ".join(filter(None, (plain(field.get("title")), plain(field.get("value")))))
        for field in _mappings(attachment.get("fields"))
    ]
    parts += map(plain, _of_blocks(attachment.get("blocks")))
    fallback = plain(attachment.get("fallback"))
    yield from filter(None, parts) if any(parts) else [fallback] if fallback != _NO_PREVIEW else []


def _of_blocks(value: object) -> Iterator[str]:
    """The texts of blocks and of what they are made of, in order, in the markup of messages; buttons say nothing."""
    for block in _mappings(value):
        text = block.get("text")
        if str(block.get("type")) in _RICH_TEXTS:
            yield "".join(map(_of_piece, _mappings(block.get("elements"))))
        elif block.get("type") != "actions":
            yield text if isinstance(text, str) else ""
            for part in ([text], block.get("fields"), block.get("elements")):
                yield from _of_blocks(part)


def _of_piece(piece: Mapping[str, object]) -> str:
    if "user_id" in piece:
        return f"<@{piece['user_id']}>"
    if "channel_id" in piece:
        return f"<#{piece['channel_id']}>"
    return str(piece.get("text") or piece.get("url") or "")


def _shown(found: re.Match[str], names: Mapping[str, str]) -> str:
    """What Slack shows for `<@U02>`, `<#C01|general>`, `<!here>` and `<https://example.org|label>`, but a known person without a sign,
    which would become part of the name.
    """
    sign, what, label = found[1], found[2], found[3]
    if sign == "@":
        return names.get(what) or f"@{label or what}"
    if sign == "#":
        return f"#{label or names.get(what, what)}"
    if sign == "!":
        return label or f"@{what.partition('^')[0]}"
    return label or what.removeprefix("mailto:")
