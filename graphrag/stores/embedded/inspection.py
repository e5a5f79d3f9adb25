"""A look at a store's file without opening it as a store: nothing is created, migrated or locked."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from graphrag.errors import StoreError

SQLITE_VERSION = sqlite3.sqlite_version


@dataclass(frozen=True, slots=True)
class StoreFile:
    """What the file says about itself."""

    size: int
    schema_version: int


def inspect(path: Path) -> StoreFile:
    """Look at a file that exists.

    Raises:
        StoreError: it is not a file of ours, or damaged.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True, timeout=5)) as connection:
            connection.execute("SELECT 1 FROM meta, documents LIMIT 1")  # or it is none of ours
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as exc:
        raise StoreError(f"{path} cannot be read ({exc}): point GRAPHRAG_STORE_URL at a file of this software") from exc
    return StoreFile(path.stat().st_size, version)
