"""Reads of chunks: decoded once and kept, and their vectors."""

import sqlite3
from collections.abc import Sequence
from itertools import islice

from graphrag.stores import rows
from graphrag.stores.embedded.index import MemoryIndex
from graphrag.stores.embedded.sql import CHUNK_COLUMNS, SENTENCE_DIMENSION, marks, parts, recorded
from graphrag.types import Chunk, ChunkVectors

_KEPT = 4_000


class ChunkCache:
    """Chunks as they are in the file, decoded. Whoever owns it clears it when the file has changed."""

    def __init__(self) -> None:
        self._chunks: dict[str, Chunk] = {}
        """The one that was not asked for the longest first."""

    def clear(self) -> None:
        """Forget all."""
        self._chunks.clear()

    def get(self, connection: sqlite3.Connection, index: MemoryIndex, ids: Sequence[str]) -> list[Chunk]:
        """Stored chunks in the order of the ids, each of which must exist."""
        cache = self._chunks
        found = {id_: chunk for id_ in ids if (chunk := cache.pop(id_, None)) is not None}
        missing = index.numbers(id_ for id_ in ids if id_ not in found)
        for part in parts(missing):
            for row in connection.execute(
                f"SELECT {CHUNK_COLUMNS} FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.n IN ({marks(part)})",
                part,
            ):
                chunk = rows.chunk_from(row)
                found[chunk.id] = chunk
        cache.update(found)
        # As many as came, one by one: to drop all at once would hold up one question for many times its own time.
        for id_ in list(islice(cache, max(0, len(cache) - _KEPT))):
            del cache[id_]
        return [found[id_] for id_ in ids]


def vectors(connection: sqlite3.Connection, index: MemoryIndex, ids: Sequence[str]) -> dict[str, ChunkVectors]:
    """Embeddings by id, of chunks that exist."""
    dimension = recorded(connection, SENTENCE_DIMENSION) or 0
    sentences: dict[int, bytes] = {}
    numbers = index.numbers(ids)
    for part in parts(numbers):
        sentences.update(
            connection.execute(f"SELECT n, sentence_embeddings FROM chunks WHERE n IN ({marks(part)})", part)
        )
    return {
        id_: ChunkVectors(vector, rows.sentence_vectors(sentences[number], dimension))
        for id_, number, vector in zip(ids, numbers, index.vectors(ids), strict=True)
    }


def analysed(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str]:
    """The analysed terms of chunks, by id."""
    return {
        id_: terms
        for part in parts(ids)
        for id_, terms in connection.execute(f"SELECT id, terms FROM chunks WHERE id IN ({marks(part)})", part)
    }
