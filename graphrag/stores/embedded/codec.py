"""Rows of the SQLite schema from and to the data model."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray

from graphrag.errors import InputError
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Mention,
    Phrase,
    Relation,
    Role,
    Span,
    canonical_json,
    check_metadata,
    check_text,
    entity_id,
)

DOCUMENT_COLUMNS = (
    "id, tenant, access, source, part, title, media_type, content_sha256, fingerprint, metadata, title_key, "
    "heading_keys, state, length, chunk_count, created_at, updated_at"
)
CHUNK_COLUMNS = (
    'c.id, c.document_id, d.source, d.title, d.tenant, c.position, c.start, c.core_start, c."end", c.text, c.heading, '
    "c.page, c.token_count, c.sentences, c.terms, c.phrases, c.mentions, c.marks"
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


_StoredMention = tuple[str, str, str, Role, list[Span]]


def decode_mentions(tenant: str, data: str) -> tuple[Mention, ...]:
    """The inverse of encode_mentions."""
    return _mentions(tenant, json.loads(data))


def _mentions(tenant: str, stored: Iterable[_StoredMention]) -> tuple[Mention, ...]:
    return tuple(
        [
            Mention(entity_id(tenant, key), key, surface, type_, role, _spans(spans))
            for key, surface, type_, role, spans in stored
        ]
    )


def _spans(stored: Iterable[Span]) -> tuple[Span, ...]:
    # JSON holds pairs as lists.
    return cast(tuple[Span, ...], tuple(map(tuple, stored)))


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
        canonical_json(
            [[[at, list(path)] for at, path in chunk.headings_within], [list(p) for p in chunk.pages_within]]
        ),
        vectors.chunk.astype("<f4").tobytes(),
        vectors.sentences.astype("<f2").tobytes(),
    )


def chunk_from(row: Sequence[object]) -> Chunk:
    """A Chunk from CHUNK_COLUMNS. The columns have the types that chunk_row gave them."""
    values = cast(
        tuple[str, str, str, str, str, int, int, int, int, str, str, int | None, int, str, str, str, str, str], row
    )
    (id_, document, source, title, tenant, position, start, core, end, text, heading, page, tokens, sentences, terms, phrases, mentions, marks) = values  # fmt: skip
    # One call of the decoder for all five: it is what a read of chunks spends its time on.
    decoded = cast(
        tuple[
            list[str],
            list[Span],
            dict[str, list[int]],
            list[_StoredMention],
            tuple[list[tuple[int, list[str]]], list[tuple[int, int]]],
        ],
        json.loads(f"[{heading},{sentences},{phrases},{mentions},{marks}]"),
    )
    return Chunk(
        id=id_,
        document_id=document,
        source=source,
        title=title,
        position=position,
        start=start,
        core_start=core,
        end=end,
        text=text,
        heading=tuple(decoded[0]),
        page=page,
        token_count=tokens,
        sentences=_spans(decoded[1]),
        terms=terms,
        phrases=tuple(map(Phrase, decoded[2], map(tuple, decoded[2].values()))),
        mentions=_mentions(tenant, decoded[3]),
        headings_within=tuple([(at, tuple(path)) for at, path in decoded[4][0]]),
        pages_within=tuple([(at, number) for at, number in decoded[4][1]]),
    )


def sentence_vectors(data: bytes, dimension: int) -> NDArray[np.float16]:
    """`(sentences, dimension)` from stored bytes."""
    return np.frombuffer(data, dtype="<f2").reshape(len(data) // (2 * dimension) if dimension else 0, dimension)


def relation_from(row: Sequence[object]) -> Relation:
    """A Relation from RELATION_COLUMNS."""
    id_, chunk, document, subject, predicate, object_, start, end, description = row
    return Relation(
        str(id_), str(chunk), str(document), str(subject), str(predicate), str(object_), int(str(start)), int(str(end)), str(description)
    )  # fmt: skip


def check_document(document: Document) -> None:
    """Refuse a document whose own fields cannot be stored.

    Raises:
        InputError: metadata that is not allowed, or a text that is not valid Unicode.
    """
    for name in ("source", "id", "title", "media_type", "content_sha256", "fingerprint", "title_key"):
        check_text(f"the document's {name}", getattr(document, name))
    for key in document.heading_keys:
        check_text("a heading key of the document", key)
    check_metadata(document.metadata)


def check_batch(batch: GraphBatch, dimension: int | None, sentence_dimension: int | None) -> None:
    """Refuse a batch that does not hold together, before anything is written.

    Args:
        batch: its document has passed check_document.
        dimension: that of the stored chunk vectors; None while there are none.
        sentence_dimension: that of the stored sentence vectors; None while there are none.

    Raises:
        InputError: says which part is wrong.
    """
    document, name = batch.document, batch.document.source
    check_text(f"{name}: the text", batch.text)
    if len(batch.vectors) != len(batch.chunks) or document.chunk_count != len(batch.chunks):
        raise InputError(
            f"{name}: {len(batch.chunks)} chunks, {len(batch.vectors)} vectors and a count of {document.chunk_count}"
        )
    if document.length != len(batch.text):
        raise InputError(f"{name}: length {document.length} is not that of the text ({len(batch.text)})")
    mentioned: dict[str, set[str]] = {}
    for chunk, vectors in zip(batch.chunks, batch.vectors, strict=True):
        where = f"{name}: chunk {chunk.position}"
        if chunk.document_id != document.id or batch.text[chunk.start : chunk.end] != chunk.text:
            raise InputError(f"{where} is not a span of this document's text")
        if chunk.id in mentioned:
            raise InputError(f"{where} has the id of another chunk of the document, {chunk.id!r}")
        _check_chunk(where, document.tenant, chunk)
        mentioned[chunk.id] = {mention.entity_id for mention in chunk.mentions}
        _check_vectors(where, chunk, vectors, dimension, sentence_dimension)
        dimension = vectors.chunk.shape[0]
        sentence_dimension = vectors.sentences.shape[1] if chunk.sentences else sentence_dimension
    _check_relations(name, document.id, batch.relations, mentioned)


def sentence_dimension_of(batch: GraphBatch) -> int | None:
    """The dimension of the batch's sentence vectors, or None if it has no sentences."""
    return next((vectors.sentences.shape[1] for vectors in batch.vectors if len(vectors.sentences)), None)


def _check_chunk(where: str, tenant: str, chunk: Chunk) -> None:
    keys = [mention.key for mention in chunk.mentions]
    phrases = [phrase.key for phrase in chunk.phrases]
    names = (field for mention in chunk.mentions for field in (mention.surface, mention.type))
    # Joined, so that a chunk costs one check and not a hundred.
    check_text(f"{where}: an id, heading, key or name", "\n".join((chunk.id, *chunk.heading, *keys, *phrases, *names)))
    check_text(f"{where}: the terms", chunk.terms)
    for what, held in (("phrases", phrases), ("mentions", keys)):
        if any(one >= following for one, following in pairwise(held)):
            raise InputError(f"{where}: its {what} are not ascending by key, with each key once")
    if any(mention.entity_id != entity_id(tenant, mention.key) for mention in chunk.mentions):
        raise InputError(f"{where}: a mention's entity id is not that of its tenant and key")


def _check_vectors(
    where: str, chunk: Chunk, vectors: ChunkVectors, dimension: int | None, sentence_dimension: int | None
) -> None:
    if vectors.chunk.ndim != 1 or vectors.chunk.shape[0] != (dimension or vectors.chunk.shape[0]):
        raise InputError(f"{where}: a vector of shape {vectors.chunk.shape}, expected ({dimension or 'dimension'},)")
    if vectors.sentences.ndim != 2 or vectors.sentences.shape[0] != len(chunk.sentences):
        raise InputError(f"{where}: {vectors.sentences.shape} sentence vectors for {len(chunk.sentences)} sentences")
    size = vectors.sentences.shape[1]
    if chunk.sentences and (not size or size != (sentence_dimension or size)):
        raise InputError(
            f"{where}: sentence vectors of dimension {size}, expected {sentence_dimension or 'at least 1'}"
        )
    if not (np.isfinite(vectors.chunk).all() and np.isfinite(vectors.sentences).all()):
        raise InputError(f"{where}: a vector is not finite")
    if abs(float(np.linalg.norm(vectors.chunk)) - 1) > 1e-3:
        raise InputError(f"{where}: the vector is not of unit length")


def _check_relations(name: str, document: str, relations: Iterable[Relation], mentioned: dict[str, set[str]]) -> None:
    seen: set[str] = set()
    for relation in relations:
        for what in (relation.id, relation.predicate, relation.description):
            check_text(f"{name}: a relation's id, predicate or description", what)
        entities: Collection[str] | None = mentioned.get(relation.chunk_id)
        if entities is None or relation.document_id != document:
            raise InputError(f"{name}: relation {relation.id} rests on a chunk of another document")
        if relation.subject_id not in entities or relation.object_id not in entities:
            raise InputError(f"{name}: relation {relation.id} is between entities that its chunk does not mention")
        if relation.id in seen:
            raise InputError(f"{name}: two relations have the id {relation.id}")
        seen.add(relation.id)
