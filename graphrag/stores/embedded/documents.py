"""Reads of whole documents: their fields, their texts, and all that one contributed."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from graphrag.errors import NotFoundError
from graphrag.filters import Filter
from graphrag.stores import rows
from graphrag.stores.embedded.sql import (
    CHUNK_COLUMNS,
    DOCUMENT_COLUMNS,
    RELATION_COLUMNS,
    SENTENCE_DIMENSION,
    embedding,
    marks,
    parts,
    recorded,
)
from graphrag.types import ALL_ACCESS, Chunk, ChunkVectors, Document, GraphBatch, Scope, canonical_json

_FEW = 1_000
"""Documents of a tenant up to which to sort them all costs less than to pass over those of others."""


def documents(
    connection: sqlite3.Connection, scope: Scope, ids: Sequence[str] | None, after: str
) -> Iterator[Document]:
    """Visible documents ascending by id, after an id, those of the ids if given. Read as they are asked for."""
    select = f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE"
    if ids is None:
        # By "tenant" SQLite takes its index, reads and sorts the whole tenant for each page. "+tenant" is in no index, so that
        # the primary key gives the order, and a page is read as far as it is asked for.
        tenant = "tenant" if _are_few(connection, scope.tenant) else "+tenant"
        found = connection.execute(f"{select} id > ? AND {tenant} = ? ORDER BY id", (after, scope.tenant))
    else:
        found = chain.from_iterable(
            connection.execute(f"{select} id IN ({marks(part)}) AND id > ? ORDER BY id", (*part, after))
            for part in parts(sorted(set(ids)))
        )
    return (document for document in map(rows.document_from, found) if scope.sees(document.tenant, document.access))


def _are_few(connection: sqlite3.Connection, tenant: str) -> bool:
    """Whether a tenant has at most _FEW documents, for which no more index entries than that are counted."""
    some = "SELECT 1 FROM documents WHERE tenant = ? LIMIT ?"
    (counted,) = connection.execute(f"SELECT count(*) FROM ({some})", (tenant, _FEW + 1)).fetchone()
    return counted <= _FEW


def passes(document: Document, source_prefix: str, filter: Filter | None) -> bool:
    """Whether a document is one that the conditions select."""
    return document.source.startswith(source_prefix) and (filter is None or filter.matches(document.metadata))


def texts(connection: sqlite3.Connection, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
    """See GraphStore.texts."""
    return {
        id_: text
        for part in parts(ids)
        for id_, tenant, access, text in connection.execute(
            f"SELECT id, tenant, access, text FROM documents WHERE id IN ({marks(part)})", part
        )
        if scope.sees(tenant, access)
    }


def text_between(
    connection: sqlite3.Connection, scope: Scope, id_: str, start: int, end: int
) -> tuple[int, str] | None:
    """See GraphStore.text_between. `start` is not negative, and not after `end`."""
    row = connection.execute(
        "SELECT tenant, access, length, substr(text, ?, ?) FROM documents WHERE id = ?", (start + 1, end - start, id_)
    ).fetchone()
    if row is None:
        return None
    tenant, access, length, text = row
    if not scope.sees(tenant, access):
        return None
    if len(text) < min(end, length) - start:  # substr ends at a NUL
        text = texts(connection, scope, [id_])[id_][start:end]
    return length, text


def count(connection: sqlite3.Connection, scope: Scope) -> tuple[int, int]:
    """Documents that the scope sees, and relations in them."""
    visible = "SELECT id FROM documents WHERE tenant = ? AND (? OR access IN (SELECT value FROM json_each(?)))"
    values = (scope.tenant, ALL_ACCESS in scope.access, canonical_json(sorted(scope.access)))
    (seen,) = connection.execute(f"SELECT count(*) FROM ({visible})", values).fetchone()
    (relations,) = connection.execute(
        f"SELECT count(*) FROM relations WHERE document_id IN ({visible})", values
    ).fetchone()
    return seen, relations


def contribution(connection: sqlite3.Connection, scope: Scope, id_: str) -> GraphBatch:
    """A document with all that it contributed, as it was written.

    Raises:
        NotFoundError: there is none of that id that the scope sees.
    """
    row = connection.execute(f"SELECT {DOCUMENT_COLUMNS}, text FROM documents WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise NotFoundError(f"document {id_} does not exist")
    document = rows.document_from(row[:-1])
    if not scope.sees(document.tenant, document.access):
        raise NotFoundError(f"document {id_} does not exist")
    dimension = recorded(connection, SENTENCE_DIMENSION) or 0
    chunks: list[Chunk] = []
    vectors: list[ChunkVectors] = []
    for *columns, vector, sentences in connection.execute(
        f"SELECT {CHUNK_COLUMNS}, {embedding(connection)}, c.sentence_embeddings FROM chunks c "
        f"JOIN documents d ON d.id = c.document_id WHERE c.document_id = ? ORDER BY c.position",
        (id_,),
    ):
        chunks.append(rows.chunk_from(columns))
        vectors.append(ChunkVectors(np.frombuffer(vector, dtype="<f4"), rows.sentence_vectors(sentences, dimension)))
    relations = [
        rows.relation_from(columns)
        for columns in connection.execute(
            f"SELECT {RELATION_COLUMNS} FROM relations WHERE document_id = ? ORDER BY id", (id_,)
        )
    ]
    return GraphBatch(document, row[-1], chunks, vectors, relations)
