"""Text of an HTML fragment, for HTML inside Markdown and in the fields of records."""

import html
import re

_OPENS_TAG = re.compile(r"<[A-Za-z/!?]")
_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)")
_INLINE = frozenset(
    """
    a abbr b bdi cite code em i kbd mark q s samp small span strong sub sup u var
    """.split()
)
_SKIPPED = frozenset({"script", "style"})
_CELL = "\x1f"
"""Stands before each cell of a row."""
_OPENS_PAGE = re.compile(
    r"\s*<(?:!doctype|html|body|div|p|h[1-6]|[uo]l|table|blockquote|pre|section|article|span|strong|b|em|i|a|br)\b[^<>]*>",
    re.IGNORECASE,
)


def readable(text: str) -> str:
    """A text as it is, or without tags where all of it is HTML, as help desks and wikis keep their articles and comments."""
    is_html = text.rstrip().endswith(">") and "</" in text and _OPENS_PAGE.match(text) is not None
    return strip_tags(text) if is_html else text


def strip_tags(fragment: str) -> str:
    """Drop tags, comments, scripts and styles; block tags become line breaks; character references are decoded. An item of a list begins
    with "- ", a row of a table is a line of cells with " | " between.

    One pass with `str.find`, since patterns such as `<!--.*?-->` are quadratic when the end is missing.
    """
    parts: list[str] = []
    lower = fragment.lower()
    position = 0
    row = -1
    """Where the open row of a table begins."""
    while (start := fragment.find("<", position)) >= 0:
        parts.append(fragment[position:start])
        if not _OPENS_TAG.match(fragment, start):
            parts.append("<")
            position = start + 1
            continue
        comment = fragment.startswith("<!--", start)
        close = "-->" if comment else ">"
        end = fragment.find(close, start + (4 if comment else 1))
        if end < 0:
            # An unfinished comment or tag hides what follows it from a reader too.
            return _finish(parts)
        position = end + len(close)
        name = _NAME.match(lower, start)
        if name and name[1] in _SKIPPED and fragment[start + 1] != "/":
            end = lower.find(f"</{name[1]}", position)
            position = end if end >= 0 else len(fragment)
        elif name and name[1] in ("tr", "table"):
            _end_row(parts, row)
            row = len(parts) if name[1] == "tr" and fragment[start + 1] != "/" else -1
        elif name and name[1] in ("td", "th") and row >= 0:
            parts.append(_CELL if fragment[start + 1] != "/" else " ")
        elif name and name[1] == "li" and fragment[start + 1] != "/":
            parts.append("\n- ")
        elif not comment and not (name and name[1] in _INLINE):
            parts.append("\n")
    parts.append(fragment[position:])
    return _finish(parts)


def _end_row(parts: list[str], row: int) -> None:
    """Make what follows the beginning of a row one line, if one is open."""
    if row >= 0:
        cells = [" ".join(cell.split()) for cell in "".join(parts[row:]).split(_CELL)]
        parts[row:] = [" | ".join(cells[1:] if not cells[0] else cells) if any(cells) else ""]
    parts.append("\n")


def _finish(parts: list[str]) -> str:
    lines = html.unescape("".join(parts)).split("\n")
    return "\n".join(stripped for line in lines if (stripped := " ".join(line.split())))
