"""Reads of chunks, decoded once and kept."""

import sqlite3
from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from graphrag.stores import rows
from graphrag.stores.embedded.index import MemoryIndex
from graphrag.stores.embedded.sql import CHUNK_COLUMNS, SENTENCE_DIMENSION, marks, parts, recorded
from graphrag.types import Chunk

_KEPT = 4_000


_Held = tuple[Chunk, NDArray[np.float16]]
"""A chunk and the vectors of its sentences, `(sentences, dimension)`."""


class ChunkCache:
    """Chunks as they are in the file, decoded. Whoever owns it clears it when the file has changed."""

    def __init__(self) -> None:
        self._chunks: dict[str, _Held] = {}
        """The one that was not asked for the longest first."""

    def clear(self) -> None:
        """Forget all."""
        self._chunks.clear()

    def get(self, connection: sqlite3.Connection, index: MemoryIndex, ids: Sequence[str]) -> list[_Held]:
        """Stored chunks in the order of the ids, each of which must exist."""
        cache = self._chunks
        found = {id_: held for id_ in ids if (held := cache.pop(id_, None)) is not None}
        missing = index.numbers(id_ for id_ in ids if id_ not in found)
        dimension = (recorded(connection, SENTENCE_DIMENSION) or 0) if missing else 0
        for part in parts(missing):
            for *row, sentences in connection.execute(
                f"SELECT {CHUNK_COLUMNS}, c.sentence_embeddings FROM chunks c JOIN documents d ON d.id = c.document_id "
                f"WHERE c.n IN ({marks(part)})",
                part,
            ):
                chunk = rows.chunk_from(row)
                found[chunk.id] = chunk, rows.sentence_vectors(sentences, dimension)
        cache.update(found)
        # As many as came, one by one: to drop all at once would hold up one question for many times its own time.
        for id_ in list(islice(cache, max(0, len(cache) - _KEPT))):
            del cache[id_]
        return [found[id_] for id_ in ids]


def analysed(connection: sqlite3.Connection, index: MemoryIndex, ids: Sequence[str]) -> dict[str, str]:
    """The analysed terms of chunks, by id."""
    return {
        id_: terms
        for part in parts(index.numbers(ids))
        for id_, terms in connection.execute(f"SELECT id, terms FROM chunks WHERE n IN ({marks(part)})", part)
    }
