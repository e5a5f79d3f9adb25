"""From the lines of PDF pages to paragraphs and headings.

PDF text has neither: a line ends where the paper does. What is recognised is on the safe side, since a heading that is
missed stays as a line of text, while a false one would name a subject that does not exist.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from graphrag.loaders.pdf_lines import Line

_MAX_HEADING_CHARACTERS = 80
_MAX_HEADING_WORDS = 10
_LARGE = 1.15
"""Letters larger than the body's by this factor make a heading."""
_MAX_LARGE_CHARACTERS = 200
_FULL_LINE = 0.7
"""A line at least this long, as a share of the usual full line, was probably wrapped."""

_DIGITS = re.compile(r"\d+")
# Two spaces after a full stop are a typist's habit, elsewhere they are a gap between columns.
_COLUMNS = re.compile(r"[^\s.!?:;] {2,}\S|\S(?:\t| \| )\S")
_LIST_ITEM = re.compile(r"(?:[-–—•*‣◦▪●○]|\(?(?:\d{1,3}|[A-Za-z])[.)])\s+\S")
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+([A-Z].*)")
_CUT_WORD = re.compile(r"([^\W\d_]{2,})[-\u2010]$")
_COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+")
_NEXT_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_ENDS = (".", "!", "?", ":", ";", ".”", '."', ".)", "?”", "!”")
_NOT_IN_HEADING = (".", "!", "?", ":", ";", ",")


class Block(NamedTuple):
    """A paragraph, list item or table row (`level` 0), or a heading of level 1 to 6."""

    text: str
    level: int = 0
    tight: bool = False
    """Whether the block stands directly below the previous one."""


class Style(NamedTuple):
    """What is usual in a document."""

    full: int
    """Length of a full line in characters: nine tenths of all lines are not longer."""
    hyphenated: frozenset[str]
    """Hyphenated words within a line, lower-cased; these keep their hyphen at a line's end too."""
    large: tuple[float, ...]
    """Letter sizes of headings, descending; the first is level 1."""


def style_of(pages: Sequence[Sequence[Line]]) -> Style:
    """Find out what is usual in a document."""
    lines = [line for page in pages for line in page if line.text]
    lengths = sorted(len(line.text) for line in lines if not line.row)
    compounds = (word.lower() for line in lines for word in _COMPOUND.findall(line.text))
    characters: Counter[float] = Counter()
    for line in lines:
        characters[line.size] += len(line.text)
    body = characters.most_common(1)[0][0] if characters else 0.0
    # Letters that make up much of the text are no headings, however large.
    rare = (size for size, count in characters.items() if count < 0.3 * characters.total())
    return Style(
        full=lengths[int(len(lengths) * 0.9)] if lengths else 0,
        hyphenated=frozenset(compounds),
        large=tuple(sorted((size for size in rare if body and size >= _LARGE * body), reverse=True)),
    )


def layout(lines: Sequence[Line], style: Style) -> list[Block]:
    """Blocks of one page, in order."""
    blocks: list[Block] = []
    texts = [line.text for line in lines]
    paragraph = ""
    large = 0.0
    for index, line in enumerate(lines):
        text = line.text
        level = _heading_level(texts, index, style.full) if not line.row and line.size not in style.large else 0
        is_large = line.size in style.large and bool(text) and not line.row
        if paragraph and (
            not text
            or level
            or is_large != bool(large)
            or line.size != (large or line.size)
            or _COLUMNS.search(text)
            or _LIST_ITEM.match(text)
        ):
            blocks.append(_block(paragraph, blocks, large, style))
            paragraph = ""
        large = line.size if is_large else 0.0
        if not text:
            continue
        if level:
            blocks.append(Block(text, min(level + (1 if style.large else 0), 6)))
        elif line.row or (_COLUMNS.search(text) and not is_large):
            blocks.append(Block(text, tight=bool(blocks) and _COLUMNS.search(blocks[-1].text) is not None))
        else:
            paragraph = _join(paragraph, text, style.hyphenated)
            short = len(text) < _FULL_LINE * style.full and not is_large
            if short and (text.endswith(_SENTENCE_ENDS) or _next_begins_new(texts, index)):
                blocks.append(_block(paragraph, blocks, large, style))
                paragraph = ""
    if paragraph:
        blocks.append(_block(paragraph, blocks, large, style))
    return blocks


def over_pages(pages: Sequence[list[Block]], lines: Sequence[Sequence[Line]], style: Style) -> Sequence[list[Block]]:
    """The blocks of pages, a first one tight that goes on with the last one before: a sentence, or a table after its head.

    Args:
        pages: the blocks of each page; changed.
        lines: those of each page.
        style: of the document.
    """
    before: list[Block] = []
    last = ""
    for blocks, own in zip(pages, lines, strict=True):
        if not blocks:
            continue
        if before and (_goes_on_with(before, blocks[0]) or _is_cut(before[-1], last, blocks[0], style)):
            blocks[0] = blocks[0]._replace(tight=True)
        before = blocks
        last = next((line.text for line in reversed(own) if line.text), "")
    return pages


def _goes_on_with(before: Sequence[Block], row: Block) -> bool:
    """Whether a row goes on with the table that the blocks before end in; another head begins another table."""
    cells = row.text.count(" | ")
    if not cells or before[-1].text.count(" | ") != cells or before[-1].level:
        return False
    head = next((place for place in range(len(before) - 1, 0, -1) if not before[place].tight), 0)
    return before[head].text != row.text


def _is_cut(block: Block, last: str, following: Block, style: Style) -> bool:
    """Whether a paragraph whose last line this is breaks off in a sentence that the following block ends."""
    both_text = not any(
        one.level or _COLUMNS.search(one.text) or _LIST_ITEM.match(following.text) for one in (block, following)
    )
    full = len(last) >= _FULL_LINE * style.full
    return both_text and full and following.text[0].islower() and not block.text.endswith(_SENTENCE_ENDS)


def _block(text: str, before: Sequence[Block], large: float, style: Style) -> Block:
    if large and len(text) <= _MAX_LARGE_CHARACTERS and any(char.isalpha() for char in text):
        return Block(text, min(style.large.index(large) + 1, 6))
    both_items = bool(before and _LIST_ITEM.match(text) and _LIST_ITEM.match(before[-1].text))
    return Block(text, tight=both_items and not before[-1].level)


def _next_begins_new(lines: Sequence[str], index: int) -> bool:
    # A short line that no sentence end closes: an address or a label, unless the text goes on in lower case.
    following = lines[index + 1] if index + 1 < len(lines) else ""
    return not following or following[0].isupper() or following[0].isdigit()


def _join(paragraph: str, line: str, hyphenated: frozenset[str]) -> str:
    if not paragraph:
        return line
    cut, rest = _CUT_WORD.search(paragraph), _NEXT_WORD.match(line)
    if cut and rest and rest[0].islower():
        keep = f"{cut[1]}-{rest[0]}".lower() in hyphenated
        return (paragraph if keep else paragraph[:-1]) + line
    return f"{paragraph} {line}"


def _heading_level(lines: Sequence[str], index: int, full: int) -> int:
    """Level of a heading, 0 for any other line."""
    line = lines[index]
    words = line.split()
    if (
        not words
        or len(line) > min(_MAX_HEADING_CHARACTERS, max(_FULL_LINE * full, 20))
        or len(words) > _MAX_HEADING_WORDS
        or line.endswith(_NOT_IN_HEADING)
        or _COLUMNS.search(line)
    ):
        return 0
    above = lines[index - 1] if index else ""
    below = lines[index + 1] if index + 1 < len(lines) else ""
    # At a paragraph's end, so that the wrapped last words of one are no heading.
    if above and not above.endswith(_SENTENCE_ENDS) and len(above) >= _FULL_LINE * full:
        return 0
    numbered = _NUMBERED.fullmatch(line)
    if numbered:
        depth = numbered[1].count(".")
        # Numbers in a row are a list's; at the end of a page there is nothing that the heading could be of.
        return 0 if not below or depth in (_depth(above), _depth(below)) else depth + 1
    long_words = [word for word in words if len(word) > 3 and word[0].isalpha()]
    if not long_words or _DIGITS.fullmatch(words[-1]) or not words[0][0].isupper():
        return 0
    if not all(word[0].isupper() for word in long_words) or _LIST_ITEM.match(line):
        return 0
    closed = not above or above.endswith(_SENTENCE_ENDS)
    return 2 if closed and below[:1].isupper() and len(below) >= _FULL_LINE * full else 0


def _depth(line: str) -> int:
    numbered = _NUMBERED.fullmatch(line)
    return numbered[1].count(".") if numbered else -1
