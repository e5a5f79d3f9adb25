"""The lines of a PDF page, put together from where its text stands: table rows, gaps between paragraphs, letter sizes.

The order is that of the file, which is the reading order also where a page has two columns, but for columns that come line
by line (pdf_columns).
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import hypot
from typing import NamedTuple
from unicodedata import normalize

from pypdf import PageObject

from graphrag.loaders.characters import clean_characters
from graphrag.loaders.pdf_columns import SAME_HEIGHT, Piece, in_columns

_LIGATURES = {code: normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
"""One character for several letters, as typesetters have them: models know no word that is spelt with one."""
_WIDE_LETTER = 0.65
_CELL_SPACE = 1.0
"""Letter sizes: the width of a letter, rather too wide than too narrow, and the least space between two cells."""
_SAME_EDGE = 2.0
"""Difference in points below which two lines begin at the same edge."""
_MAX_CELL_LINES = 3
"""Lines of a first cell. Two columns of a page look like two cells of one row, but have more lines."""
_GAP = 1.3
"""A distance from one line to the next above this share of the usual one separates paragraphs."""


class Line(NamedTuple):
    """A line of text, a table row (cells joined by " | "), or a gap (no text)."""

    text: str
    size: float = 0.0
    """Letter size in points; 0 if unknown."""
    row: bool = False


def has_text(lines: Sequence[Line]) -> bool:
    """Whether there is any text on a page."""
    return any(line.text for line in lines)


class _Row(NamedTuple):
    cells: list[str]
    """At least one."""
    edges: list[float]
    """Where each cell begins."""
    top: float
    bottom: float
    size: float


def page_lines(page: PageObject) -> list[Line]:
    """Lines in order; empty ones where a gap shows that a paragraph ends. Raises what pypdf raises."""
    pieces: list[Piece] = []

    def collect(text: str, outer: list[float], inner: list[float], _font: object, size: float) -> None:
        x = inner[4] * outer[0] + inner[5] * outer[2] + outer[4]
        y = inner[4] * outer[1] + inner[5] * outer[3] + outer[5]
        along = (inner[0] * outer[0] + inner[1] * outer[2], inner[0] * outer[1] + inner[1] * outer[3])
        # By quarter turns: a table on its side is read as its reader turns it, and a crooked scan as it is.
        if abs(along[1]) > abs(along[0]):
            x, y = (y, -x) if along[1] > 0 else (-y, x)
        elif along[0] < 0:
            x, y = -x, -y
        scale = hypot(inner[2], inner[3]) * hypot(outer[2], outer[3])
        pieces.append(Piece(text, x, y, abs(size * scale)))

    text = _clean(page.extract_text(visitor_text=collect))
    lines = _whole_lines(pieces)
    if "".join("".join(line.text for line in lines).split()) != "".join(text.split()):
        # The pieces are not the whole story, for example within a form: then the text without positions. Spaces are: pypdf sets none
        # between the cells of a page on its side.
        return [Line(line.strip()) for line in text.split("\n")]
    return _with_gaps(_rows(in_columns(lines)))


def _clean(text: str) -> str:
    # A soft hyphen at a line's end cuts a word as a visible one does; elsewhere it is removed with the other marks.
    return clean_characters(re.sub("\u00ad(?=\\s*\n)", "-", text)).translate(_LIGATURES)


def _whole_lines(pieces: Sequence[Piece]) -> list[Piece]:
    """Join pieces up to the next line break, or up to a wide space between them, which separates cells."""
    lines: list[Piece] = []
    parts: list[Piece] = []
    for piece in pieces:
        *ended, rest = piece.text.split("\n")
        if _is_next_cell(parts, piece):
            _end_line(parts, lines)
        for end in ended:
            parts.append(piece._replace(text=end))
            _end_line(parts, lines)
        parts.append(piece._replace(text=rest))
    _end_line(parts, lines)
    return lines


def _is_next_cell(parts: Sequence[Piece], piece: Piece) -> bool:
    filled = [part for part in parts if part.text.strip()]
    if not filled or not piece.text.strip():
        return False
    last = filled[-1]
    # A piece tells where it was placed; those that only go on have the place of the one before.
    length = sum(len(part.text) for part in filled if part.x == last.x)
    return piece.x > last.x + (_WIDE_LETTER * length + _CELL_SPACE) * last.size


def _end_line(parts: list[Piece], lines: list[Piece]) -> None:
    text = _clean("".join(part.text for part in parts) + "\n").strip()
    if text:
        lines.append(next(part for part in parts if part.text.strip())._replace(text=text))
    parts.clear()


def _rows(lines: Sequence[Piece]) -> list[_Row]:
    rows: list[_Row] = []
    for line in lines:
        if not _joins_row(rows, line):
            rows.append(_Row([line.text], [line.x], line.y, line.y, line.size))
    return rows


def _joins_row(rows: list[_Row], line: Piece) -> bool:
    """Add a line to the last row, as its next cell or the next line of its last cell, where it stands so."""
    if not rows or not line.size:
        return False
    # The line may stand beside the first of several lines, which then are one cell.
    for count in range(1, min(_MAX_CELL_LINES, len(rows)) + 1):
        first = rows[-count]
        lower = rows[len(rows) - count + 1 :]
        if any(len(row.cells) > 1 or abs(row.edges[0] - first.edges[0]) > _SAME_EDGE for row in lower):
            break
        if abs(first.top - line.y) <= SAME_HEIGHT * line.size and line.x > first.edges[-1] + line.size:
            first.cells[-1] = " ".join([first.cells[-1], *(row.cells[0] for row in lower)])
            first.cells.append(line.text)
            first.edges.append(line.x)
            bottom = min(line.y, *(row.bottom for row in [first, *lower]))
            rows[len(rows) - count :] = [first._replace(bottom=bottom)]
            return True
    last = rows[-1]
    if (
        len(last.cells) > 1
        and abs(line.x - last.edges[-1]) <= _SAME_EDGE
        and 0 < last.top - line.y <= _MAX_CELL_LINES * 1.5 * line.size
    ):
        last.cells[-1] += f" {line.text}"
        rows[-1] = last._replace(bottom=min(last.bottom, line.y))
        return True
    return False


def _with_gaps(rows: Sequence[_Row]) -> list[Line]:
    steps = [above.bottom - below.top for above, below in pairwise(rows)]
    close = [
        step / row.size for step, row in zip(steps, rows[1:], strict=False) if row.size and 0 < step < 3 * row.size
    ]
    # The lower quartile, since a page of short paragraphs and tables has as many gaps as wrapped lines.
    usual = sorted(close)[len(close) // 4] if close else 0.0
    lines: list[Line] = []
    for index, row in enumerate(rows):
        if index and usual and steps[index - 1] > _GAP * usual * min(row.size, rows[index - 1].size):
            lines.append(Line(""))
        lines.append(Line(" | ".join(row.cells), round(row.size * 2) / 2, len(row.cells) > 1))
    return lines
