"""Columns of text that a PDF has in the order of its lines: left line 1, right line 1, left line 2 and so on.

What stands so may as well be the rows of a table. It is taken for columns only where each of them reads on from line to line
as wrapped text does; a table of phrases stays one.
"""

from collections.abc import Sequence
from typing import NamedTuple

SAME_HEIGHT = 0.4
"""Difference in height, in letter sizes, below which two texts stand on one line."""
_INDENT = 2.5
"""Letter sizes by which a line may begin beside the edge of its column: paragraphs are indented."""
_MIN_LINES = 5
_MIN_WORDS = 3
"""Of a usual line of text; cells of tables hold names and numbers."""
_MIN_GOING_ON = 0.4
"""Share of lines that begin with a small letter, of each column but for its first line."""
_MIN_FULL = 0.6
"""Share of lines that are nearly as long as the longest one, which wrapped text has."""
_NEARLY = 0.75
_NARROW_LETTER = 0.4
"""Letter sizes: the width of a letter, rather too narrow than too wide."""
_FAR = 4.0
"""Letter sizes between two lines from which on they are not one text."""


class Piece(NamedTuple):
    """Text, and where it begins."""

    text: str
    x: float
    y: float
    size: float


def in_columns(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, of columns that come line by line one column after the other; all others in their order."""
    lines: list[list[Piece]] = []
    for piece in pieces:
        if lines and _stands_beside(lines[-1][-1], piece):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    ordered: list[Piece] = []
    at = 0
    while at < len(lines):
        end = _end_of_columns(lines, at)
        columns = _columns(lines[at:end]) if end - at >= _MIN_LINES else []
        if columns and all(map(_is_prose, columns)):
            ordered += [piece for column in columns for piece in column]
        else:
            ordered += [piece for line in lines[at:end] for piece in line]
        at = end
    return ordered


def _stands_beside(before: Piece, piece: Piece) -> bool:
    return bool(piece.size) and abs(before.y - piece.y) <= SAME_HEIGHT * piece.size and piece.x > before.x


def _end_of_columns(lines: Sequence[Sequence[Piece]], start: int) -> int:
    """Up to which line all have the edges of the first one, if that has several; else the next line."""
    edges = [piece.x for piece in lines[start]]
    end = start + 1
    if len(edges) == 1:
        return end
    while end < len(lines) and _goes_on(lines[end - 1], lines[end], edges):
        end += 1
    return end


def _goes_on(above: Sequence[Piece], line: Sequence[Piece], edges: Sequence[float]) -> bool:
    if not 0 < above[0].y - line[0].y < _FAR * line[0].size:
        return False
    places = [_place(piece, edges) for piece in line]
    if None in places or len(set(places)) < len(places):
        return False
    # A line over the whole width belongs to no column.
    return not any(
        piece.x + _NARROW_LETTER * len(piece.text) * piece.size > edges[place + 1]
        for piece, place in zip(line, places, strict=True)
        if place is not None and place + 1 < len(edges)
    )


def _place(piece: Piece, edges: Sequence[float]) -> int | None:
    """In which column a piece stands."""
    return next((place for place, edge in enumerate(edges) if abs(piece.x - edge) <= _INDENT * piece.size), None)


def _columns(lines: Sequence[Sequence[Piece]]) -> list[list[Piece]]:
    edges = [piece.x for piece in lines[0]]
    columns: list[list[Piece]] = [[] for _ in edges]
    for piece in (piece for line in lines for piece in line):
        if (place := _place(piece, edges)) is not None:
            columns[place].append(piece)
    return columns


def _is_prose(column: Sequence[Piece]) -> bool:
    if len(column) < _MIN_LINES:
        return False
    texts = [piece.text for piece in column]
    going_on = sum(text[0].islower() for text in texts[1:])
    words = sorted(len(text.split()) for text in texts)[len(texts) // 2]
    longest = max(map(len, texts))
    full = sum(len(text) >= _NEARLY * longest for text in texts)
    return words >= _MIN_WORDS and going_on >= _MIN_GOING_ON * (len(texts) - 1) and full >= _MIN_FULL * len(texts)
