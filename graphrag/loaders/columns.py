"""The columns of a table: which of them names the rows, and what is no value."""

import re
from collections.abc import Callable, Sequence

from graphrag.loaders.characters import clean_line
from graphrag.loaders.jsonl import ID_KEYS, MAX_ID_CHARACTERS

_NO_VALUES = frozenset(("", "NULL", "\\N"))
"""Nothing, and what clients of databases write where a row has no value."""
_NAMES_ROWS = re.compile(r"(?:.*[\s_-])?(?:id|uuid|guid)|(?:issue|primary)?[\s_-]?key", re.IGNORECASE)
_NAMES_ROWS_IN_CAMEL_CASE = re.compile(r".*[a-z](?:I[dD]|U[uU][iI][dD]|G[uU][iI][dD])")
_TELLS_APART = re.compile(
    r"(?:.*[\s_-])?(?:no|nr|num|number|line|row|item|seq|sequence|pos|position|index|step|version|revision|rev|lang|language|locale"
    r"|year|month|day|date)",
    re.IGNORECASE,
)
"""Columns that are part of a key beside an id: of the lines of an order, the versions of a text."""
_MAX_PARTS = 8
"""Of a key. Each number of columns is tried in all rows, and a table may have hundreds that are called `..._id`."""


def is_value(value: str) -> bool:
    """Whether a field says anything."""
    return value.strip() not in _NO_VALUES


def key_columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """The columns that name the rows, since their values are others in each: none if there are no such columns.

    That is a column `_id` or `id`, else the first one that is called the key of something, such as `ticket_id`, `CustomerID` or `uuid`,
    else the first few of these and of what tells the rows of one id apart, such as `line_no`, `version` or `language`, that do it
    together: databases have the columns of a key first.

    By its number a row would be another document when one before it is deleted.
    """

    def are_other_in_each(columns: Sequence[int]) -> bool:
        return len({name_of_row(row, columns) for row in rows} - {""}) == len(rows)

    def filled(pattern: Callable[[str], object]) -> list[int]:
        called = [column for column, name in enumerate(names) if pattern(name)]
        return [column for column in called if all(name_of_row(row, [column]) for row in rows)]

    ids = sorted(filled(_names_rows), key=lambda column: names[column].lower() not in ID_KEYS)
    for column in ids:
        if are_other_in_each([column]):
            return (column,)
    parts = sorted({*ids, *filled(_TELLS_APART.fullmatch)}) if ids else []
    several = (tuple(parts[:count]) for count in range(2, min(len(parts), _MAX_PARTS) + 1))
    return next((one for one in several if not set(ids).isdisjoint(one) and are_other_in_each(one)), ())


def name_of_row(row: Sequence[str], columns: Sequence[int]) -> str:
    """Its values in these columns, with `/` between; empty if there is none in one of them, or they are too long for an id."""
    values = [clean_line(row[column]) if column < len(row) else "" for column in columns]
    name = "/".join(values)
    return name if all(map(is_value, values)) and len(name) <= MAX_ID_CHARACTERS else ""


def _names_rows(name: str) -> bool:
    return bool(_NAMES_ROWS.fullmatch(name) or _NAMES_ROWS_IN_CAMEL_CASE.fullmatch(name))
