"""Running lines of a PDF: headers, footers and page numbers, which are no part of its text.

Rows of a table and items of a list stand at the edges of pages too, and differ in numbers as page numbers do. So a line is
removed only if it is the same on many pages, or if a number in it counts the pages and nothing else in it changes.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from graphrag.loaders.pdf_lines import Line

_EDGE_LINES = 3
_MIN_PAGES = 3
_MIN_SHARE = 0.6
_MAX_ELSEWHERE = 0.2
"""Such lines within pages, as a share of the pages that have one at the edge: a title page may repeat the header."""
_MAX_CHARACTERS = 300

_DIGITS = re.compile(r"\d+")
# No part of a date, a time or a decimal number; "3/9" and "2-17" are numbers of pages.
_PAGE_NUMBER = re.compile(r"(?<!\d)(?<!\d\d[.:/-])\d{1,5}(?!\d|[.:-]\d|/\d+/\d)")


class _Mark(NamedTuple):
    """One way to see a line: as a text that stays the same, or as one that holds the number of its page."""

    shape: str
    """The text; without all its digits if one of its numbers is that of the page."""
    place: int
    """Which number is that of the page; -1 if none."""
    offset: int
    """The number less the page's index. It stays the same until the numbering begins again."""
    rest: str
    """The text without the number of the page."""


_End = dict[int, list[_Mark]]
"""The lines at one end of a page: their indexes, and how to see them."""


def drop_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Remove headers, footers and page numbers.

    These stand among the outer three lines of at least 60 % of the pages, and hardly anywhere else. The first row of a table
    that goes over many pages is kept once. Documents of fewer than three pages, and pages that would lose all, stay as they
    are.
    """
    edges = [_edges(lines, page) for page, lines in enumerate(pages)]
    running = _running(pages, edges)
    kept_pages: list[list[Line]] = []
    heads: set[str] = set()
    for lines, ends in zip(pages, edges, strict=True):
        outer = {index: marks for end in ends for index, marks in end.items()}
        kept: list[Line] = []
        for index, line in enumerate(lines):
            if not any(mark[:3] in running for mark in outer.get(index, ())):
                kept.append(line)
            elif line.text not in heads and _heads_table(lines, index):
                heads.add(line.text)
                kept.append(line)
        kept_pages.append(kept if any(line.text for line in kept) else list(lines))
    return kept_pages


def _edges(lines: Sequence[Line], page: int) -> tuple[_End, _End]:
    """The outer lines above and below, apart since a header may be the footer too."""
    filled = [index for index, line in enumerate(lines) if line.text]
    above, below = filled[:_EDGE_LINES], filled[_EDGE_LINES:][-_EDGE_LINES:]
    return _end(lines, above, page), _end(lines, below, page)


def _end(lines: Sequence[Line], indexes: Sequence[int], page: int) -> _End:
    return {index: list(_marks(lines[index].text, page)) for index in indexes}


def _marks(line: str, page: int) -> Iterator[_Mark]:
    text = " ".join(line.casefold().split())
    if not text or len(text) > _MAX_CHARACTERS:
        return
    yield _Mark(text, -1, 0, text)
    shape = _DIGITS.sub("#", text)
    for place, number in enumerate(_PAGE_NUMBER.finditer(text)):
        yield _Mark(shape, place, int(number[0]) - page, f"{text[: number.start()]}#{text[number.end() :]}")


def _running(pages: Sequence[Sequence[Line]], edges: Sequence[tuple[_End, _End]]) -> set[tuple[str, int, int]]:
    """Shape, place and offset of running lines."""
    at_edge = [{mark for end in ends for marks in end.values() for mark in marks} for ends in edges]
    # What changes with the chapter, or where the numbering begins again, still is the same for some pages.
    pages_of = Counter(mark for found in at_edge for mark in found)
    steady = {mark[:3] for mark, count in pages_of.items() if count >= _MIN_PAGES}
    limit = max(_MIN_PAGES, _MIN_SHARE * sum(1 for found in at_edge if found))
    shares = Counter(shape for found in at_edge for shape in {mark[:2] for mark in found if mark[:3] in steady})
    often = {shape: count for shape, count in shares.items() if count >= limit}
    elsewhere = Counter(
        mark[:2]
        for page, lines in enumerate(pages)
        for line in lines
        for mark in _marks(line.text, page)
        if mark[:2] in often
    )
    for end in (end for ends in edges for end in ends):
        elsewhere.subtract({mark[:2] for marks in end.values() for mark in marks})
    running = {
        shape
        for shape, count in often.items()
        # A bare number that counts the pages is theirs, though there are more such, at the axes of a chart for example.
        if elsewhere[shape] <= _MAX_ELSEWHERE * count or (shape[1] >= 0 and not any(map(str.isalpha, shape[0])))
    }
    return {mark for mark in steady if mark[:2] in running}


def _heads_table(lines: Sequence[Line], index: int) -> bool:
    below = lines[index + 1] if index + 1 < len(lines) else Line("")
    return lines[index].row and below.row and lines[index].text.count(" | ") == below.text.count(" | ")
