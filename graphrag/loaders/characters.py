"""Which characters and line breaks may stand in a text: the one cleaning that every loader shares."""

import re
import unicodedata

MAX_COMBINING_RUN = 32
MAX_TITLE_CHARACTERS = 300

_LINE_BREAKS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_WIDE_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_REPLACED = dict.fromkeys(_LINE_BREAKS, "\n") | dict.fromkeys(_WIDE_SPACES, " ")
# Invisible characters can hide instructions from a reader while a model sees them: controls, soft hyphen, zero-width
# and direction marks, variation selectors, tag characters, surrogates, and code points that are no characters at all.
_REMOVED = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
_ASCII_CHANGED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MANY_BREAKS = re.compile(r"\n{3,}")


def clean_characters(text: str) -> str:
    """Normalise characters and line ends; spaces and the number of line breaks stay as they are."""
    if text.isascii() and not _ASCII_CHANGED.search(text):
        return text
    text = text.replace("\r\n", "\n")
    # A text has few distinct characters, so looking at these first makes every later step rare or cheap.
    distinct = set(text)
    changes = {ord(char): _REPLACED.get(char) for char in distinct if char in _REPLACED or _REMOVED.match(char)}
    if changes:
        text = text.translate(changes)
    if text.isascii():
        return text
    # Sorting combining marks is quadratic in their number: 80,000 in a row take Python 13 seconds.
    marks = "".join(re.escape(char) for char in sorted(distinct) if unicodedata.combining(char))
    if marks:
        text = re.sub(f"([{marks}]{{{MAX_COMBINING_RUN}}})[{marks}]+", r"\1", text)
    return unicodedata.normalize("NFC", text)


def clean_text(text: str) -> str:
    """Clean characters, strip line ends, and leave at most one empty line in a row and none at either end.

    Idempotent. Leading spaces of a line are kept.
    """
    # By lines, since a pattern such as `[ \\t]+\\n` is quadratic in the length of a run of spaces.
    lines = "\n".join(line.rstrip() for line in clean_characters(text).split("\n"))
    return _MANY_BREAKS.sub("\n\n", lines).strip("\n")


def clean_line(text: str) -> str:
    """Clean a text that has to be one line, such as a title: every run of white space becomes one space."""
    return " ".join(clean_characters(text).split())


def clean_title(text: str) -> str:
    """A title of one line, cut to 300 characters."""
    return clean_line(text)[:MAX_TITLE_CHARACTERS].rstrip()
