"""What every statement on the file needs: placeholders, ids in parts that fit, and the values of the table meta."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import TypeVar

from graphrag.stores.rows import CHUNK_FIELDS, DOCUMENT_FIELDS, RELATION_FIELDS
from graphrag.types import is_text

DIMENSION, SENTENCE_DIMENSION = "dimension", "sentence_dimension"
"""Keys of meta: the dimensions of chunk and of sentence vectors, once there are any."""
SWITCHED = "move_switched"
"""Key of meta, there from the switch of a move to another model to its end."""
DOCUMENT_COLUMNS = ", ".join(DOCUMENT_FIELDS)
CHUNK_COLUMNS = ", ".join(
    ("c.id", "c.document_id", "d.source", "d.title", *(f'c."{name}"' for name in CHUNK_FIELDS[2:]))
)
"""What graphrag.stores.rows.chunk_from takes, of chunks as c and documents as d."""
RELATION_COLUMNS = ", ".join(f'"{name}"' for name in RELATION_FIELDS)
_Key = TypeVar("_Key", str, int)
_PARAMETERS = 500  # values in one IN list


def marks(values: Sequence[object]) -> str:
    """A placeholder for each value."""
    return ",".join("?" * len(values))


def parts(ids: Iterable[_Key]) -> list[list[_Key]]:
    """Those of the ids or numbers that can be stored at all, in parts, each short enough for one statement."""
    items = [id_ for id_ in dict.fromkeys(ids) if not isinstance(id_, str) or is_text(id_)]
    return [items[start : start + _PARAMETERS] for start in range(0, len(items), _PARAMETERS)]


def revision(connection: sqlite3.Connection) -> int:
    """The number of the last write that changed something."""
    return int(connection.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()[0])


def recorded(connection: sqlite3.Connection, key: str) -> int | None:
    """A number of meta, or None if nothing is recorded yet."""
    stored = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if stored is None else int(stored[0])


def record(connection: sqlite3.Connection, key: str, value: int | None) -> None:
    """Keep what is recorded, or record it if nothing is. It stays when all is deleted: it belongs to the models."""
    if value is not None:
        connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, str(value)))


def embedding(connection: sqlite3.Connection) -> str:
    """The column with the vectors in use, of chunks as c: after the switch of a move (graphrag.stores.moving) those that
    have not been taken over yet are beside.
    """
    switched = connection.execute("SELECT 1 FROM meta WHERE key = ?", (SWITCHED,)).fetchone()
    beside = "(SELECT v.embedding FROM new_vectors v WHERE v.chunk_id = c.id)"
    return f"coalesce({beside}, c.embedding)" if switched else "c.embedding"
