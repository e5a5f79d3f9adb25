"""What every store refuses to write, whatever is stored: see GraphStore.write."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from graphrag.errors import InputError
from graphrag.stores.base import MAX_K
from graphrag.types import (
    MAX_CHUNKS_PER_DOCUMENT,
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Scope,
    check_metadata,
    check_text,
    entity_id,
)

_MAX_NUMBER = 2**63 - 1
"""No store holds a greater one."""


def check_alone(scope: Scope, batch: GraphBatch) -> None:
    """The checks of a batch that need no look at the store, so that they cost no transaction.

    Raises:
        InputError: the document is outside the scope, is too large, or has fields that cannot be stored.
    """
    document = batch.document
    if not scope.sees(document.tenant, document.access):
        raise InputError(
            f"{document.source}: a document of tenant {document.tenant!r} with access {document.access!r} is outside the "
            f"caller's scope; write with that tenant and label"
        )
    if len(batch.chunks) > MAX_CHUNKS_PER_DOCUMENT:
        raise InputError(
            f"{document.source}: {len(batch.chunks)} chunks, a document holds at most {MAX_CHUNKS_PER_DOCUMENT}: split the source"
        )
    check_document(document)


def check_together(scope: Scope, batches: Sequence[GraphBatch]) -> None:
    """check_alone for batches that are to be written in one transaction.

    Raises:
        InputError: as check_alone, or an id belongs to two of them.
    """
    for batch in batches:
        check_alone(scope, batch)
    for what, ids in (
        ("document", [[batch.document.id] for batch in batches]),
        ("chunk", [{chunk.id for chunk in batch.chunks} for batch in batches]),
        ("relation", [{relation.id for relation in batch.relations} for batch in batches]),
    ):
        met = dict[str, str]()
        for batch, some in zip(batches, ids, strict=True):
            for id_ in some:
                if id_ in met:
                    raise InputError(
                        f"{batch.document.source}: the {what} id {id_} is one of {met[id_]}, too, which is to be written with it"
                    )
                met[id_] = batch.document.source


def check_document(document: Document) -> None:
    """Refuse a document whose own fields cannot be stored.

    Raises:
        InputError: metadata that is not allowed, a text that is not valid Unicode, or no number of a part.
    """
    _check_number("the document's part", document.part)
    for name in ("source", "id", "title", "media_type", "content_sha256", "fingerprint"):
        check_text(f"the document's {name}", getattr(document, name))
    check_metadata(document.metadata)


def check_replaces(scope: Scope, source: str, tenant: str, access: str) -> None:
    """Refuse to replace a document that the caller does not see.

    Raises:
        InputError: the stored document is of another tenant or label.
    """
    if not scope.sees(tenant, access):
        raise InputError(
            f"{source}: a document of this source exists outside the caller's scope: give this one another name, or store it "
            f"with a key that holds the access label of that one"
        )


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
        _check_number(f"{name}: the position of a chunk", chunk.position)
        where = f"{name}: chunk {chunk.position}"
        if chunk.document_id != document.id or batch.text[chunk.start : chunk.end] != chunk.text:
            raise InputError(f"{where} is not a span of this document's text")
        if chunk.id in mentioned:
            raise InputError(f"{where} has the id of another chunk of the document, {chunk.id!r}")
        _check_offsets(where, chunk, len(batch.text))
        _check_chunk(where, document.tenant, chunk)
        mentioned[chunk.id] = {mention.entity_id for mention in chunk.mentions}
        _check_vectors(where, chunk, vectors, dimension, sentence_dimension)
        dimension = vectors.chunk.shape[0]
        sentence_dimension = vectors.sentences.shape[1] if chunk.sentences else sentence_dimension
    _check_relations(name, batch, mentioned)


def dimension_of(batch: GraphBatch) -> int | None:
    """The dimension of the batch's chunk vectors, or None if it has no chunks."""
    return batch.vectors[0].chunk.shape[0] if batch.vectors else None


def sentence_dimension_of(batch: GraphBatch) -> int | None:
    """The dimension of the batch's sentence vectors, or None if it has no sentences."""
    return next((vectors.sentences.shape[1] for vectors in batch.vectors if len(vectors.sentences)), None)


def _check_number(what: str, value: int) -> None:
    if not 0 <= value <= _MAX_NUMBER:
        raise InputError(f"{what} is not a number from 0 to 2^63 - 1")


def _check_offsets(where: str, chunk: Chunk, length: int) -> None:
    """Refuse what leads out of the text, of that length, or out of the chunk."""
    if not 0 <= chunk.start <= chunk.core_start <= chunk.end <= length:
        raise InputError(f"{where}: start, start of the core and end are not ascending within the text of {length}")
    befores = (chunk.core_start, *(end for _, end in chunk.sentences[:-1]))
    sentences = zip(befores, chunk.sentences, strict=bool(chunk.sentences))
    if not all(before <= start < end <= chunk.end for before, (start, end) in sentences):
        raise InputError(f"{where}: its sentences are not spans of its core, ascending and apart")
    named = (span for mention in chunk.mentions for span in mention.spans)
    if not all(chunk.start <= start < end <= chunk.end for start, end in named):
        raise InputError(f"{where}: a mention is not a span of it")
    if not all(chunk.core_start <= at <= chunk.end for at, _ in (*chunk.headings_within, *chunk.pages_within)):
        raise InputError(f"{where}: a heading or page within begins outside its core")


def _check_chunk(where: str, tenant: str, chunk: Chunk) -> None:
    for number in (chunk.token_count, chunk.page or 0, *(page for _, page in chunk.pages_within)):
        _check_number(f"{where}: a page or count of tokens", number)
    keys = [mention.key for mention in chunk.mentions]
    names = (field for mention in chunk.mentions for field in (mention.surface, mention.type))
    # Joined, so that a chunk costs one check and not a hundred.
    check_text(
        f"{where}: an id, heading, key or name", "\n".join((chunk.id, *chunk.heading, *keys, *chunk.phrases, *names))
    )
    check_text(f"{where}: the terms", chunk.terms)
    for what, held in (("phrases", chunk.phrases), ("mentions", keys)):
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


def _check_relations(name: str, batch: GraphBatch, mentioned: dict[str, set[str]]) -> None:
    seen: set[str] = set()
    for relation in batch.relations:
        for what in (relation.id, relation.predicate, relation.description):
            check_text(f"{name}: a relation's id, predicate or description", what)
        entities: Collection[str] | None = mentioned.get(relation.chunk_id)
        if entities is None or relation.document_id != batch.document.id:
            raise InputError(f"{name}: relation {relation.id} rests on a chunk of another document")
        if relation.subject_id not in entities or relation.object_id not in entities:
            raise InputError(f"{name}: relation {relation.id} is between entities that its chunk does not mention")
        if not 0 <= relation.start < relation.end <= len(batch.text):
            raise InputError(f"{name}: the evidence of relation {relation.id} is not a span of the text")
        if relation.id in seen:
            raise InputError(f"{name}: two relations have the id {relation.id}")
        seen.add(relation.id)


def check_k(k: int) -> None:
    """Refuse a `k` that no search takes.

    Raises:
        InputError: it is not 1 to MAX_K.
    """
    if not 1 <= k <= MAX_K:
        raise InputError(f"k is {k}; it must be between 1 and {MAX_K}")


def check_query_vectors(vectors: NDArray[np.float32], dimension: int | None) -> None:
    """Refuse query vectors that fit no stored one; any dimension fits while nothing is stored (None).

    Raises:
        InputError: not finite, not `(n, dimension)`.
    """
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise InputError(f"query vectors have to be finite and of shape (n, dimension), not {vectors.shape}")
    if dimension is not None and vectors.shape[1] != dimension:
        raise InputError(
            f"query vectors have dimension {vectors.shape[1]}, those of the store have {dimension}: embed the "
            f"query with the model that the store was filled with"
        )
