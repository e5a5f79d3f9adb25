"""What a write does inside its transaction: the checks against what is stored, the rows, and the change log."""

import sqlite3
from collections.abc import Sequence

from graphrag.errors import InputError
from graphrag.stores import rows
from graphrag.stores.checks import check_batch, check_replaces, dimension_of, sentence_dimension_of
from graphrag.stores.embedded.sql import (
    DIMENSION,
    DOCUMENT_COLUMNS,
    SENTENCE_DIMENSION,
    marks,
    parts,
    record,
    recorded,
    revision,
)
from graphrag.stores.moving import check_bound
from graphrag.stores.system_rows import now
from graphrag.types import Fingerprints, GraphBatch, Scope, WriteOutcome


def bind(connection: sqlite3.Connection, fingerprints: Fingerprints, location: str) -> None:
    """Record the models, or check them against what is recorded; see GraphStore.bind."""
    for name, value in (("embedder", fingerprints.embedder), ("sentences", fingerprints.sentences)):
        stored = connection.execute("SELECT value FROM meta WHERE key = ?", (name,)).fetchone()
        if stored is None:
            connection.execute("INSERT INTO meta VALUES (?, ?)", (name, value))
    check_bound(bound(connection), fingerprints, location)


def write(connection: sqlite3.Connection, scope: Scope, batch: GraphBatch) -> WriteOutcome:
    """Store a batch that has passed check_together; see GraphStore.write."""
    document = batch.document
    old = connection.execute(
        "SELECT tenant, access, fingerprint, state, created_at FROM documents WHERE id = ?", (document.id,)
    ).fetchone()
    if old is not None:
        check_replaces(scope, document.source, old[0], old[1])
        if old[2] == document.fingerprint and old[3] == "complete":
            return "unchanged"
    check_batch(batch, recorded(connection, DIMENSION), recorded(connection, SENTENCE_DIMENSION))
    _check_owner(connection, batch)
    record(connection, DIMENSION, dimension_of(batch))
    record(connection, SENTENCE_DIMENSION, sentence_dimension_of(batch))
    written = now()
    if old is not None:
        _delete(connection, [document.id])
    _insert(connection, batch, created_at=old[4] if old else written, updated_at=written)
    _log(connection, [document.id])
    return "updated" if old is not None else "created"


def delete_documents(connection: sqlite3.Connection, scope: Scope, ids: Sequence[str]) -> int:
    """Remove the visible ones of the documents; see GraphStore.delete_documents."""
    found = [
        id_
        for part in parts(ids)
        for id_, tenant, access in connection.execute(
            f"SELECT id, tenant, access FROM documents WHERE id IN ({marks(part)})", part
        )
        if scope.sees(tenant, access)
    ]
    if found:
        _delete(connection, found)
        _log(connection, found)
    return len(found)


def _check_owner(connection: sqlite3.Connection, batch: GraphBatch) -> None:
    """Refuse ids that belong to another document, of whatever tenant."""
    for table, held in (("chunks", batch.chunks), ("relations", batch.relations)):
        for part in parts(one.id for one in held):
            taken = connection.execute(
                f"SELECT id FROM {table} WHERE id IN ({marks(part)}) AND document_id != ?", (*part, batch.document.id)
            ).fetchone()
            if taken is not None:
                raise InputError(
                    f"{batch.document.source}: the id {taken[0]} is one of the {table} of another document; "
                    f"make ids with chunk_id and relation_id"
                )


def _insert(connection: sqlite3.Connection, batch: GraphBatch, *, created_at: str, updated_at: str) -> None:
    row = (*rows.document_row(batch.document, created_at, updated_at), batch.text)
    connection.execute(f"INSERT INTO documents ({DOCUMENT_COLUMNS}, text) VALUES ({marks(row)})", row)
    for chunk, vectors in zip(batch.chunks, batch.vectors, strict=True):
        values = (*rows.chunk_row(chunk), vectors.chunk.astype("<f4").tobytes(), rows.sentence_bytes(vectors))
        connection.execute(f"INSERT INTO chunks VALUES (NULL, {marks(values)})", values)
    connection.executemany(
        "INSERT INTO relations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        list(map(rows.relation_row, batch.relations)),
    )


def _delete(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    for part in parts(ids):
        listed = marks(part)
        # Of chunks that come back with the same id the new vector counts, should a move be switched and not ended.
        connection.execute(
            f"DELETE FROM new_vectors WHERE chunk_id IN (SELECT id FROM chunks WHERE document_id IN ({listed}))", part
        )
        for table, column in (("chunks", "document_id"), ("relations", "document_id"), ("documents", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {column} IN ({listed})", part)


def _log(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Give the touched documents a new revision."""
    new = revision(connection) + 1
    connection.execute("UPDATE meta SET value = ? WHERE key = 'revision'", (str(new),))
    connection.executemany("INSERT OR REPLACE INTO changes VALUES (?, ?)", [(id_, new) for id_ in ids])


def bound(connection: sqlite3.Connection) -> Fingerprints | None:
    """The models recorded by `bind`."""
    meta = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('embedder', 'sentences')").fetchall())
    return Fingerprints(meta["embedder"], meta["sentences"]) if len(meta) == 2 else None
