"""A title for documents that do not name one."""

import re
from pathlib import PurePosixPath

from graphrag.loaders.characters import clean_title

_MAX_FIRST_LINE = 120
_WRAPPED = 50
"""Characters of a line that may be the first of a paragraph; it is, if the next one goes on in lower case."""
_SENTENCE_ENDS = tuple(".!?;:,…")
_NO_TITLE = re.compile(
    r"\(?(untitled|anonymous|document|title|presentation|slide)?\s*\d*\)?|microsoft (word|powerpoint|excel) - .*"
    r"|.*\.(docx?|pptx?|xlsx?|odt|rtf|indd|tex|dvi|pdf|html?|txt)",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"_+|(?<=[^\W\d])-+(?=[^\W\d])|\s+")
_HEADER = re.compile(r"([A-Z][A-Za-z-]{1,30}):[ \t]+(.*)")
_MOST_HEADERS = 40
_LETTER = re.compile(r"[^\W_]")


def says_nothing(title: str) -> bool:
    """Whether a title that a program wrote into a file's properties is none: `Microsoft Word - Document1`, a file name."""
    return len(title) > 200 or _NO_TITLE.fullmatch(title) is not None


def title_from_source(source: str) -> str:
    """The file's name without folder and suffix, made readable: `hr/travel-policy_2025.md` gives `Travel policy 2025`.

    A hyphen beside a digit stays, so that `INC-2041` and dates keep their form.
    """
    name = PurePosixPath(source).name
    stem = re.sub(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{0,9}$", "", name)
    readable = _SEPARATORS.sub(" ", stem).strip()
    return clean_title(readable[:1].upper() + readable[1:])


def title_from_text(text: str, source: str) -> str:
    """The subject of a mail; else the first line with a letter or digit if it is short, does not end like a sentence and is none that goes
    on in the next, else a title from the source.
    """
    subject = _subject(text)
    if subject:
        return subject
    letter = _LETTER.search(text)
    # A line of signs alone is a rule above the title.
    begin = text.rfind("\n", 0, letter.start()) + 1 if letter else len(text)
    line, _, below = text[begin : begin + 1000].lstrip().partition("\n")
    first = clean_title(line)
    wrapped = len(first) > _WRAPPED and below[:1].islower()
    if first and len(first) <= _MAX_FIRST_LINE and not wrapped and not first.endswith(_SENTENCE_ENDS):
        return first
    return title_from_source(source)


def _subject(text: str) -> str:
    """Of a mail, whose first lines say from whom it is and about what; empty for other texts."""
    headers: dict[str, str] = {}
    for line in text.lstrip().split("\n", _MOST_HEADERS)[:_MOST_HEADERS]:
        header = _HEADER.fullmatch(line.strip())
        if header is not None:
            headers.setdefault(header[1].casefold(), header[2])
        elif not (headers and line.strip() and line[:1] in (" ", "\t")):  # a long header goes on in an indented line
            break
    return clean_title(headers.get("subject", "")) if "from" in headers else ""
