"""Keeping the memory index in step with the change log of the file."""

import gc
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext

from graphrag.stores import rows
from graphrag.stores.embedded.index import IndexedChunk, MemoryIndex
from graphrag.stores.embedded.sql import DOCUMENT_COLUMNS, embedding, marks, parts, revision
from graphrag.stores.embedded.writing import bound
from graphrag.types import Fingerprints

_MANY = 1_000
"""Documents taken over at once from which garbage collection would cost more than it finds."""


@contextmanager
def _uncollected() -> Generator[None]:
    """Make objects that stay, and keep the collector from them for good.

    At 50,000 chunks, looking through them for garbage takes 0.4 s each time, during which no question is answered.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


class FollowingIndex:
    """A MemoryIndex that is brought to the revision of each snapshot it is used with."""

    def __init__(self, filter_fields: Iterable[str]) -> None:
        self._filter_fields = frozenset(filter_fields)
        self._revision = -1
        self._model: Fingerprints | None = None
        self.memory = MemoryIndex(self._filter_fields)

    def follow(self, connection: sqlite3.Connection) -> bool:
        """Take over what has changed since the last call. Returns whether anything has."""
        current = revision(connection)
        if current == self._revision:
            return False
        model = bound(connection)
        # Vectors of another model may have another dimension, and all of them have changed.
        if self.memory.dead > max(1_000, len(self.memory.row_of)) or model != self._model:
            self._model = model
            self.memory, self._revision = MemoryIndex(self._filter_fields), -1
        changed = [
            id_
            for (id_,) in connection.execute("SELECT document_id FROM changes WHERE revision > ?", (self._revision,))
        ]
        for id_ in changed:
            self.memory.drop_document(id_)
        with _uncollected() if len(changed) >= _MANY else nullcontext():
            for part in parts(changed):
                self._load(connection, part)
        self._revision = current
        return True

    def _load(self, connection: sqlite3.Connection, ids: Sequence[str]) -> None:
        documents = {
            document.id: document
            for document in map(
                rows.document_from,
                connection.execute(f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE id IN ({marks(ids)})", ids),
            )
        }
        chunks: dict[str, list[IndexedChunk]] = {id_: [] for id_ in documents}
        for number, id_, document_id, terms, phrases, mentions, vector in connection.execute(
            f"SELECT c.n, c.id, c.document_id, c.terms, c.phrases, c.mentions, {embedding(connection)} FROM chunks c "
            f"WHERE c.document_id IN ({marks(ids)}) ORDER BY c.document_id, c.position",
            ids,
        ):
            decoded = rows.decode_mentions(mentions)
            chunks[document_id].append(IndexedChunk(number, id_, terms, vector, phrases, decoded))
        for id_, document in documents.items():
            self.memory.put_document(id_, document.tenant, document.access, document.metadata, chunks[id_])
