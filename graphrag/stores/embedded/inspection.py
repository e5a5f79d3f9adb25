"""A look at a store's file without opening it as a store: nothing is created, migrated or locked."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from graphrag.errors import StoreError
from graphrag.stores.embedded.open import path_of
from graphrag.types import Fingerprints

SQLITE_VERSION = sqlite3.sqlite_version


@dataclass(frozen=True, slots=True)
class StoreFile:
    """What the file says about itself."""

    path: Path
    size: int
    schema_version: int
    revision: int
    fingerprints: Fingerprints | None
    """None until the first document is ingested."""
    documents: int
    """Of all tenants."""


def inspect(url: str) -> StoreFile | None:
    """The file that a store URL names; None if there is none, or the store is of another kind.

    Raises:
        ConfigError: the URL is malformed.
        StoreError: it is not a file of ours, or damaged.
    """
    if not url.startswith("sqlite:"):
        return None
    path = path_of(url).absolute()
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)) as connection:
            meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            documents = int(connection.execute("SELECT count(*) FROM documents").fetchone()[0])
    except sqlite3.Error as exc:
        raise StoreError(f"{path} cannot be read ({exc}): point GRAPHRAG_STORE_URL at a file of this software") from exc
    bound = Fingerprints(meta["embedder"], meta["sentences"]) if {"embedder", "sentences"} <= meta.keys() else None
    return StoreFile(path, path.stat().st_size, version, int(meta.get("revision", 0)), bound, documents)
