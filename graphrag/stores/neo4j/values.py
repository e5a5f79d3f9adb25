"""What documents contribute as parameters of the writing queries, and vectors to and from the driver."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from neo4j.vector import Vector
from numpy.typing import NDArray

from graphrag.extraction.resolution import blocking_keys
from graphrag.stores import rows
from graphrag.stores.neo4j import comparable, lucene
from graphrag.types import Chunk, ChunkVectors, Document, GraphBatch, Scalar, entity_id, stable_id

CHUNKS_PER_STATEMENT = 250
MENTIONS_PER_STATEMENT = 5_000
_INT64 = 1 << 63
_T = TypeVar("_T")

Properties = dict[str, object]
Mentioned = tuple[int, str, str, str, int]
"""A mention: place of its chunk among those of the contribution, surface form, type, role, count."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What documents contribute, as the driver takes it."""

    documents: Sequence[Properties]
    """Without the times, which the store sets."""
    chunks: Sequence[Properties]
    chunk_ids: Sequence[str]
    entities: Sequence[tuple[Properties, Sequence[Mentioned]]]
    """Each with its mentions; ascending by id."""
    relations: Sequence[Properties]
    counted: Sequence[Properties]
    """By how much the counts grow, for each document."""


def contribution(batches: Sequence[GraphBatch]) -> Contribution:
    """The parameters for batches that have passed every check."""
    documents: list[Properties] = []
    chunks: list[Properties] = []
    relations: list[Properties] = []
    counted: list[Properties] = []
    for batch in batches:
        document = batch.document
        filters = comparable.properties(document.metadata)
        owner: Properties = {"tenant": document.tenant, "access": document.access}
        terms = sum(len(chunk.terms.split()) for chunk in batch.chunks)
        documents.append({**_document(batch), **filters, "term_count": terms})
        befores = [None, *(chunk.id for chunk in batch.chunks)]
        for chunk, vectors, before in zip(batch.chunks, batch.vectors, befores, strict=False):
            properties = {**_chunk(document, chunk, vectors), **owner, **filters}
            chunks.append({"properties": properties, "vector": to_vector(vectors.chunk), "before": before})
        relations += [
            {**dict(zip(rows.RELATION_FIELDS, rows.relation_row(relation), strict=True)), **owner}
            for relation in batch.relations
        ]
        counted.append(partition(document.tenant, document.access, len(batch.chunks), terms))
    return Contribution(
        documents,
        chunks,
        [chunk.id for batch in batches for chunk in batch.chunks],
        _entities([(batch.document.tenant, chunk) for batch in batches for chunk in batch.chunks]),
        relations,
        counted,
    )


def _document(batch: GraphBatch) -> Properties:
    document = batch.document
    return {
        **dict(zip(rows.DOCUMENT_FIELDS, rows.document_row(document, "", ""), strict=True)),
        **{f"meta_{key}": _shown(value) for key, value in document.metadata.items()},
        "name": document.title or document.source,
        "text": batch.text,
        "mention_count": sum(len(chunk.mentions) for chunk in batch.chunks),
        "relation_count": len(batch.relations),
    }


def _entities(chunks: Sequence[tuple[str, Chunk]]) -> list[tuple[Properties, Sequence[Mentioned]]]:
    """What chunks, each with its tenant, mention."""
    mentions: dict[str, list[Mentioned]] = {}
    entities: dict[str, Properties] = {}
    for place, (tenant, chunk) in enumerate(chunks):
        for mention in chunk.mentions:
            if mention.entity_id not in entities:
                entities[mention.entity_id] = _entity(tenant, mention.key, mention.surface, mention.type)
            mentions.setdefault(mention.entity_id, []).append(
                (place, mention.surface, mention.type, mention.role, mention.count)
            )
    return [({"id": id_, "properties": entities[id_]}, mentions[id_]) for id_ in sorted(entities)]


def _chunk(document: Document, chunk: Chunk, vectors: ChunkVectors) -> Properties:
    heading = chunk.heading[-1] if chunk.heading else document.title or document.source
    return {
        **dict(zip(rows.CHUNK_FIELDS, rows.chunk_row(chunk), strict=True)),
        "source": document.source,
        "title": document.title,
        "name": f"{heading} · {chunk.position + 1}",
        "scope": lucene.scope_tokens(document.tenant, document.access),
        "phrase_ids": [entity_id(document.tenant, key) for key in chunk.phrases],
        "sentence_vectors": rows.sentence_bytes(vectors),
        # Tells the chunks of one version of a document from those of the next, in a read that meets a write.
        "version": document.fingerprint,
    }


def _entity(tenant: str, key: str, surface: str, type_: str) -> Properties:
    return {
        "tenant": tenant,
        "key": key,
        "name": surface,
        "type": type_,
        "blocks": [lucene.block_token(tenant, block) for block in blocking_keys(key)],
    }


def _shown(value: Scalar) -> Scalar:
    """Metadata as people see it in Browser; filters read `filter_<key>`, and the service the JSON."""
    return str(value) if isinstance(value, int) and not -_INT64 <= value < _INT64 else value


def partition(tenant: str, access: str, chunks: int, terms: int) -> Properties:
    """A change of the counts over what the holders of one label see."""
    return {
        "id": stable_id("partition", tenant, access),
        "tenant": tenant,
        "access": access,
        "chunks": chunks,
        "terms": terms,
    }


def partitions(changes: Sequence[Properties]) -> list[Properties]:
    """Changes added up by partition, ascending by id: the order in which every writer locks them."""
    found: dict[object, Properties] = {}
    for change in changes:
        known = found.setdefault(change["id"], {**change, "chunks": 0, "terms": 0})
        for name in ("chunks", "terms"):
            known[name] = cast(int, known[name]) + cast(int, change[name])
    return [found[id_] for id_ in sorted(found, key=str)]


def slices(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """The items in parts of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def entity_slices(contribution: Contribution) -> Iterator[list[Properties]]:
    """Rows for WRITE_MENTIONS in parts of about MENTIONS_PER_STATEMENT mentions, an entity with very many in several."""
    part: list[Properties] = []
    count = 0
    for entity, mentions in contribution.entities:
        for some in slices(mentions, MENTIONS_PER_STATEMENT):
            part.append({**entity, "mentions": some})
            count += len(some)
            if count >= MENTIONS_PER_STATEMENT:
                yield part
                part, count = [], 0
    if part:
        yield part


def to_vector(row: NDArray[np.float32]) -> Vector:
    """For the driver, which sends 4 bytes a number so, and 9 as a list."""
    return Vector(row.astype(">f4").tobytes(), "f32")


def from_vector(vector: Vector) -> NDArray[np.float32]:
    """`(dim,)` as it was written, to the last bit."""
    return np.frombuffer(vector.raw(), dtype=">f4").astype(np.float32)
