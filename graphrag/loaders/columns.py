"""The columns of a table: what they are called as metadata, which of them names the rows, and what is no value."""

import re
import unicodedata
from collections.abc import Sequence

from graphrag.loaders.characters import clean_line
from graphrag.loaders.front_matter import metadata_key
from graphrag.loaders.jsonl import MAX_ID_CHARACTERS

_NO_VALUES = frozenset(("", "NULL", "\\N"))
"""Nothing, and what clients of databases write where a row has no value."""
_KEY_CHARACTERS = 63
_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RECORDS_OWN = "metadata"
"""Of a record this is an object; in a table it is a column as any other."""
_OTHERS = re.compile(r"[^a-z0-9_]+")
_NAMES_ROWS = re.compile(r"(?:.*[\s_-])?(?:id|uuid|guid)|(?:issue|primary)?[\s_-]?key", re.IGNORECASE)
_NAMES_ROWS_IN_CAMEL_CASE = re.compile(r".*[a-z](?:I[dD]|U[uU][iI][dD]|G[uU][iI][dD])")


def is_value(value: str) -> bool:
    """Whether a field says anything."""
    return value.strip() not in _NO_VALUES


def column_keys(names: Sequence[str]) -> list[str]:
    """What columns are called as metadata: each a key that `check_metadata` accepts, and each another one.

    `Created By` gives `created_by`, `Größe (cm)` gives `grosse_cm`, `2024` gives `column_2024`, and the second `Labels` of a table
    `labels_2`.
    """
    keys: dict[str, None] = {}
    of_same: dict[str, int] = {}
    for name in names:
        key = metadata_key(name)
        if not _KEY.fullmatch(key):
            plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
            key = _OTHERS.sub("_", plain).strip("_")[:_KEY_CHARACTERS]
        if not _KEY.fullmatch(key) or key == _RECORDS_OWN:
            key = f"column_{key or len(keys) + 1}"[:_KEY_CHARACTERS]
        same = key
        while key in keys:
            count = of_same[same] = of_same.get(same, 1) + 1
            key = f"{same[: _KEY_CHARACTERS - len(str(count)) - 1]}_{count}"
        keys[key] = None
    return list(keys)


def key_column(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """The first column that is called the key of something, such as `ticket_id`, `CustomerID` or `uuid`, and has another value in
    each row; None if there is none.

    By its number a row would be another document when one before it is deleted.
    """
    for column, name in enumerate(names):
        if _NAMES_ROWS.fullmatch(name) or _NAMES_ROWS_IN_CAMEL_CASE.fullmatch(name):
            values = [clean_line(row[column]) if column < len(row) else "" for row in rows]
            if len(set(values)) == len(values) and all(
                is_value(one) and len(one) <= MAX_ID_CHARACTERS for one in values
            ):
                return column
    return None
