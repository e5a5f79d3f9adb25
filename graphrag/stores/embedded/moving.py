"""Moves in a SQLite file: new vectors wait in a table of their own; after the switch they count, and are taken over."""

import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphrag.stores import rows
from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.sql import DIMENSION, DOCUMENT_COLUMNS, SWITCHED, marks, parts, revision
from graphrag.stores.embedded.writing import bound
from graphrag.stores.moving import Move, Rename, Unembedded, check_begin, check_move, unembedded
from graphrag.types import Document

_TARGET, _SOURCE, _TARGET_DIMENSION = "move_target", "move_source", "move_dimension"
_TAKEN_AT_ONCE = 1_000
_VERSION = "FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.id = chunk_id AND d.fingerprint = version"
_WAITING = """
    FROM chunks c JOIN documents d ON d.id = c.document_id
    LEFT JOIN new_vectors v ON v.chunk_id = c.id AND v.version = d.fingerprint
    WHERE v.chunk_id IS NULL"""


class EmbeddedMoves:
    """Implements Moves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def current(self) -> Move | None:
        """See Moves.current."""
        return await self._database.read(_current)

    async def begin(self, target: str, dimension: int) -> Move:
        """See Moves.begin."""

        def work(connection: sqlite3.Connection) -> Move:
            move = _current(connection)
            source = check_begin(move, bound(connection), target, self._database.location)
            if move is not None and move.target == target:
                return move
            connection.execute("DELETE FROM new_vectors")
            values = ((_SOURCE, source), (_TARGET, target), (_TARGET_DIMENSION, str(dimension)))
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
            return Move(source, target, switched=False)

        return await self._database.write(work)

    async def count(self) -> int:
        """See Moves.count."""
        return await self._database.read(lambda c: int(c.execute("SELECT count(*) FROM chunks").fetchone()[0]))

    async def waiting(self, after: str, limit: int) -> list[Unembedded]:
        """See Moves.waiting."""

        def work(connection: sqlite3.Connection) -> list[Unembedded]:
            found = connection.execute(
                f"SELECT c.id, d.fingerprint, d.title, c.heading, c.text, c.start, c.sentences {_WAITING} AND c.id > ? "
                f"ORDER BY c.id LIMIT ?",
                (after, limit),
            )
            return [unembedded(row) for row in found]

        return await self._database.read(work)

    async def add(self, target: str, chunks: Sequence[Unembedded], vectors: NDArray[np.float32]) -> None:
        """See Moves.add."""
        values = [
            (chunk.id, chunk.version, vector.astype("<f4").tobytes())
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]

        def work(connection: sqlite3.Connection) -> None:
            check_move(_current(connection), target, self._database.location)
            # Of a document that has changed meanwhile it is of no use, and never looked at: the version differs.
            connection.executemany("INSERT OR REPLACE INTO new_vectors VALUES (?, ?, ?)", values)

        await self._database.write(work)

    async def switch(self, target: str) -> bool:
        """See Moves.switch."""

        def work(connection: sqlite3.Connection) -> bool:
            check_move(_current(connection), target, self._database.location)
            if connection.execute(f"SELECT 1 {_WAITING} LIMIT 1").fetchone() is not None:
                return False
            # What was made for an earlier version of a document stays behind nowhere.
            connection.execute(f"DELETE FROM new_vectors WHERE NOT EXISTS (SELECT 1 {_VERSION})")
            connection.execute("INSERT INTO meta VALUES (?, 'true')", (SWITCHED,))
            connection.execute("UPDATE meta SET value = ? WHERE key = 'embedder'", (target,))
            connection.execute(
                "INSERT OR REPLACE INTO meta SELECT ?, value FROM meta WHERE key = ?", (DIMENSION, _TARGET_DIMENSION)
            )
            new = revision(connection) + 1
            connection.execute("UPDATE meta SET value = ? WHERE key = 'revision'", (str(new),))
            connection.execute("INSERT OR REPLACE INTO changes SELECT id, ? FROM documents", (new,))
            return True

        return await self._database.write(work)

    async def documents(self, after: str, limit: int) -> list[Document]:
        """See Moves.documents."""

        def work(connection: sqlite3.Connection) -> list[Document]:
            found = connection.execute(
                f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
            )
            return [rows.document_from(row) for row in found]

        return await self._database.read(work)

    async def rename(self, renames: Sequence[Rename]) -> None:
        """See Moves.rename. No revision: nothing that a question reads has changed."""
        values = [(one.new, one.id, one.old) for one in renames]
        await self._database.write(
            lambda connection: connection.executemany(
                "UPDATE documents SET fingerprint = ? WHERE id = ? AND fingerprint = ?", values
            )
        )

    async def end(self, target: str) -> None:
        """See Moves.end. The new vectors are taken over in parts, so that no writer waits for long."""

        def work(connection: sqlite3.Connection) -> bool:
            check_move(_current(connection), target, self._database.location, switched=True)
            ids = [id_ for (id_,) in connection.execute("SELECT chunk_id FROM new_vectors LIMIT ?", (_TAKEN_AT_ONCE,))]
            for part in parts(ids):
                connection.execute(
                    f"UPDATE chunks SET embedding = (SELECT v.embedding FROM new_vectors v WHERE v.chunk_id = chunks.id) "
                    f"WHERE id IN ({marks(part)})",
                    part,
                )
                connection.execute(f"DELETE FROM new_vectors WHERE chunk_id IN ({marks(part)})", part)
            if not ids:
                connection.execute(
                    "DELETE FROM meta WHERE key IN (?, ?, ?, ?)", (_SOURCE, _TARGET, _TARGET_DIMENSION, SWITCHED)
                )
            return bool(ids)

        while await self._database.write(work):
            pass


def _current(connection: sqlite3.Connection) -> Move | None:
    meta = dict(
        connection.execute(
            "SELECT key, value FROM meta WHERE key IN (?, ?, ?)", (_SOURCE, _TARGET, SWITCHED)
        ).fetchall()
    )
    if _TARGET not in meta:
        return None
    return Move(meta[_SOURCE], meta[_TARGET], SWITCHED in meta)
