"""Rows of the SQLite schema from and to the data model."""

import json
import sqlite3
from collections.abc import Sequence

import numpy as np

from graphrag.errors import InputError
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Mention,
    Phrase,
    Relation,
    canonical_json,
    entity_id,
)

DOCUMENT_COLUMNS = (
    "id, tenant, access, source, part, title, media_type, content_sha256, fingerprint, metadata, title_key, "
    "heading_keys, state, length, chunk_count, created_at, updated_at"
)
CHUNK_COLUMNS = (
    'c.id, c.document_id, d.source, d.title, d.tenant, c.position, c.start, c.core_start, c."end", c.text, c.heading, '
    "c.page, c.token_count, c.sentences, c.terms, c.phrases, c.mentions"
)
RELATION_COLUMNS = 'id, chunk_id, document_id, subject_id, predicate, object_id, start, "end", description'


def document_row(document: Document, text: str, created_at: str, updated_at: str) -> tuple[object, ...]:
    """Values for DOCUMENT_COLUMNS and the text."""
    return (
        document.id,
        document.tenant,
        document.access,
        document.source,
        document.part,
        document.title,
        document.media_type,
        document.content_sha256,
        document.fingerprint,
        canonical_json(dict(document.metadata)),
        document.title_key,
        canonical_json(list(document.heading_keys)),
        document.state,
        document.length,
        document.chunk_count,
        created_at,
        updated_at,
        text,
    )


def document_from(row: sqlite3.Row | Sequence[object]) -> Document:
    """A Document from DOCUMENT_COLUMNS."""
    (id_, tenant, access, source, part, title, media_type, sha, fingerprint, metadata, title_key, headings, state, length, count, created, updated) = row  # fmt: skip
    return Document(
        id=str(id_),
        tenant=str(tenant),
        access=str(access),
        source=str(source),
        title=str(title),
        media_type=str(media_type),
        content_sha256=str(sha),
        fingerprint=str(fingerprint),
        metadata=json.loads(str(metadata)),
        length=int(str(length)),
        chunk_count=int(str(count)),
        title_key=str(title_key),
        heading_keys=tuple(json.loads(str(headings))),
        state="partial" if state == "partial" else "complete",
        part=int(str(part)),
        created_at=str(created),
        updated_at=str(updated),
    )


def encode_mentions(mentions: Sequence[Mention]) -> str:
    """Mentions as JSON; entity ids are left out, they follow from tenant and key."""
    return canonical_json([[m.key, m.surface, m.type, m.role, [list(span) for span in m.spans]] for m in mentions])


def decode_mentions(tenant: str, data: str) -> tuple[Mention, ...]:
    """The inverse of encode_mentions."""
    return tuple(
        Mention(entity_id(tenant, key), key, surface, type_, role, tuple((start, end) for start, end in spans))
        for key, surface, type_, role, spans in json.loads(data)
    )


def chunk_row(chunk: Chunk, vectors: ChunkVectors) -> tuple[object, ...]:
    """Values for an insert into chunks, without n."""
    return (
        chunk.id,
        chunk.document_id,
        chunk.position,
        chunk.start,
        chunk.core_start,
        chunk.end,
        chunk.page,
        chunk.token_count,
        canonical_json(list(chunk.heading)),
        canonical_json([list(span) for span in chunk.sentences]),
        chunk.text,
        chunk.terms,
        canonical_json({phrase.key: list(phrase.sentences) for phrase in chunk.phrases}),
        encode_mentions(chunk.mentions),
        vectors.chunk.astype("<f4").tobytes(),
        vectors.sentences.astype("<f2").tobytes(),
    )


def chunk_from(row: Sequence[object]) -> Chunk:
    """A Chunk from CHUNK_COLUMNS."""
    (id_, document, source, title, tenant, position, start, core, end, text, heading, page, tokens, sentences, terms, phrases, mentions) = row  # fmt: skip
    return Chunk(
        id=str(id_),
        document_id=str(document),
        source=str(source),
        title=str(title),
        position=int(str(position)),
        start=int(str(start)),
        core_start=int(str(core)),
        end=int(str(end)),
        text=str(text),
        heading=tuple(json.loads(str(heading))),
        page=None if page is None else int(str(page)),
        token_count=int(str(tokens)),
        sentences=tuple((left, right) for left, right in json.loads(str(sentences))),
        terms=str(terms),
        phrases=tuple(Phrase(key, tuple(indices)) for key, indices in sorted(json.loads(str(phrases)).items())),
        mentions=decode_mentions(str(tenant), str(mentions)),
    )


def sentence_vectors(data: bytes, count: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float16]]":
    """`(count, dim)` float16 from stored bytes."""
    flat = np.frombuffer(data, dtype="<f2")
    return flat.reshape(count, len(flat) // count if count else 0)


def relation_from(row: Sequence[object]) -> Relation:
    """A Relation from RELATION_COLUMNS."""
    id_, chunk, document, subject, predicate, object_, start, end, description = row
    return Relation(
        str(id_), str(chunk), str(document), str(subject), str(predicate), str(object_), int(str(start)), int(str(end)), str(description)
    )  # fmt: skip


def check_batch(batch: GraphBatch, dimension: int | None) -> None:
    """Refuse a batch that does not hold together, before anything is written.

    Raises:
        InputError: says which part is wrong.
    """
    document = batch.document
    if len(batch.vectors) != len(batch.chunks) or document.chunk_count != len(batch.chunks):
        raise InputError(
            f"{document.source}: {len(batch.chunks)} chunks, {len(batch.vectors)} vectors and a count of {document.chunk_count}"
        )
    if document.length != len(batch.text):
        raise InputError(f"{document.source}: length {document.length} is not that of the text ({len(batch.text)})")
    chunk_ids = {chunk.id for chunk in batch.chunks}
    for chunk, vectors in zip(batch.chunks, batch.vectors, strict=True):
        if chunk.document_id != document.id or batch.text[chunk.start : chunk.end] != chunk.text:
            raise InputError(f"{document.source}: chunk {chunk.position} is not a span of this document's text")
        expected = dimension if dimension is not None else vectors.chunk.shape[0]
        if vectors.chunk.shape != (expected,):
            raise InputError(f"{document.source}: a vector of shape {vectors.chunk.shape}, expected ({expected},)")
        if vectors.sentences.ndim != 2 or vectors.sentences.shape[0] != len(chunk.sentences):
            raise InputError(f"{document.source}: {vectors.sentences.shape} sentence vectors for {len(chunk.sentences)} sentences")
        if not (np.isfinite(vectors.chunk).all() and np.isfinite(vectors.sentences).all()):
            raise InputError(f"{document.source}: a vector of chunk {chunk.position} is not finite")
        if abs(float(np.linalg.norm(vectors.chunk)) - 1) > 1e-3:
            raise InputError(f"{document.source}: the vector of chunk {chunk.position} is not of unit length")
        dimension = expected
    for relation in batch.relations:
        if relation.chunk_id not in chunk_ids or relation.document_id != document.id:
            raise InputError(f"{document.source}: relation {relation.id} rests on a chunk of another document")
