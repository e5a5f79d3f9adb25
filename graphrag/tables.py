"""Rows of tables as loaders write them: a line of cells with " | " between, the head of the columns first."""

import re
from collections.abc import Iterator, Sequence

from graphrag.types import Span

MAX_HEAD = 200
"""Characters of the head of a table; a longer row is none."""
_CELL = re.compile(r"(?:^|\| ?)([^|]*?)(?=\s*(?:\||$))")


def cells_of(line: str) -> tuple[Span, ...]:
    """Where the cells of a row stand; none in a line that is no row."""
    if " | " not in line or "\n" in line:
        return ()
    return tuple(cell.span(1) for cell in _CELL.finditer(line))


def may_be_head(cells: Sequence[str]) -> bool:
    """Whether the first row of a table may say what its columns are called.

    Of two columns it may be a row as the others are: "Lead | Ada Pell".
    """
    return len(cells) > 2 or (len(cells) == 2 and _is_common(cells[1]))


def _is_common(cell: str) -> bool:
    """Whether a cell may be what a column is called: no number, and no name of several words."""
    return not any(map(str.isdigit, cell)) and all(word.islower() for word in cell.split()[1:] if word[0].isalpha())


def tables_of(text: str, lines: Sequence[Span]) -> Iterator[range]:
    """The tables among lines (ascending spans of the text), each as the places of its rows: at least two, of as many cells."""
    first = count = 0
    for place, (start, end) in enumerate(lines):
        own = len(cells_of(text[start:end]))
        goes_on = place > first and own and own == count and "\n\n" not in text[lines[place - 1][1] : start]
        if not goes_on:
            if count and place - first > 1:
                yield range(first, place)
            first, count = place, own
    if count and len(lines) - first > 1:
        yield range(first, len(lines))
