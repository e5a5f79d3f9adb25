"""Text of an HTML fragment, for HTML inside Markdown."""

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


def strip_tags(fragment: str) -> str:
    """Drop tags, comments, scripts and styles; block tags become line breaks; character references are decoded.

    One pass with `str.find`, since patterns such as `<!--.*?-->` are quadratic when the end is missing.
    """
    parts: list[str] = []
    lower = fragment.lower()
    position = 0
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
        elif not comment and not (name and name[1] in _INLINE):
            parts.append("\n")
    parts.append(fragment[position:])
    return _finish(parts)


def _finish(parts: list[str]) -> str:
    lines = html.unescape("".join(parts)).split("\n")
    return "\n".join(stripped for line in lines if (stripped := " ".join(line.split())))
