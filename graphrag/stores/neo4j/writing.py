"""What a write does inside its transaction: the checks against what is stored, and the nodes and edges."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from graphrag.errors import InputError, LeaseLostError
from graphrag.stores.checks import check_batch, check_replaces, dimension_of, sentence_dimension_of
from graphrag.stores.moving import check_bound
from graphrag.stores.neo4j import queries
from graphrag.stores.neo4j.connection import Transaction
from graphrag.stores.neo4j.values import (
    CHUNKS_PER_STATEMENT,
    MENTIONS_PER_STATEMENT,
    Contribution,
    Properties,
    contribution,
    entity_slices,
    partition,
    partitions,
    slices,
)
from graphrag.stores.system import Lease
from graphrag.stores.system_rows import now
from graphrag.types import Document, Fingerprints, GraphBatch, Scope, WriteOutcome


class UnchangedError(Exception):
    """The stored documents are those to be written: the transaction is to be rolled back."""


async def bind(tx: Transaction, fingerprints: Fingerprints, location: str) -> None:
    """Record the models, or check them against what is recorded; see GraphStore.bind."""
    ((embedder, sentences),) = await tx.run(_BIND, embedder=fingerprints.embedder, sentences=fingerprints.sentences)
    check_bound(Fingerprints(embedder, sentences), fingerprints, location)


_BIND = """
MATCH (s:SchemaVersion {id: 'schema'}) SET s.lock = $lock
WITH s
SET s.embedder = coalesce(s.embedder, $embedder), s.sentences = coalesce(s.sentences, $sentences)
RETURN s.embedder, s.sentences"""


async def check_lease(tx: Transaction, lease: Lease | None) -> None:
    """Refuse to go on when a lease was given and is no longer held. The job stays locked until the transaction ends.

    Raises:
        LeaseLostError: another worker took the job, or it has ended.
    """
    if lease is None:
        return
    (held,) = await tx.run(queries.CHECK_LEASE, id=lease.job_id)
    if held != ["running", lease.worker, lease.fence]:
        raise LeaseLostError(f"job {lease.job_id} is no longer held by worker {lease.worker!r}: stop working on it")


class _Stored(NamedTuple):
    """What is known of a document that is to be written; of one that is not stored, its id and what is taken."""

    id: str
    tenant: str | None
    access: str
    fingerprint: str
    state: str
    created_at: str
    chunks: int
    terms: int
    taken_chunk: str | None
    """An id of its batch that a chunk of another document has."""
    taken_relation: str | None


async def write(
    tx: Transaction, scope: Scope, batches: Sequence[GraphBatch], bound: Fingerprints | None, location: str
) -> list[WriteOutcome]:
    """Store batches that have passed check_together; see GraphStore.write_many.

    Args:
        tx: the transaction.
        scope: who writes.
        batches: what is written, at least one.
        bound: the models this process was bound with, checked against what is recorded by now.
        location: of the store, for messages.

    Raises:
        UnchangedError: nothing is to be done.
        SchemaMismatchError: other models are recorded by now.
    """
    ordered = sorted(batches, key=lambda batch: batch.document.id)
    found = await tx.run(
        queries.STATE,
        documents=[
            {
                "id": batch.document.id,
                "chunk_ids": [chunk.id for chunk in batch.chunks],
                "relation_ids": [relation.id for relation in batch.relations],
            }
            for batch in ordered
        ],
    )
    dimension, sentences, model, encoder, slot, moving = found[0][:6]
    stored = {one.id: one for one in (_Stored(*row[6:]) for row in found)}
    if moving is not None:
        # Held until this commits, so that the move is not switched before it sees what was written.
        ((dimension, sentences, model, encoder, slot),) = await tx.run(queries.LOCK_MODELS)
    check_bound(Fingerprints(model, encoder) if model is not None else None, bound, location)
    changed = [batch for batch in ordered if _is_changed(scope, batch.document, stored[batch.document.id])]
    if not changed:
        raise UnchangedError
    await asyncio.to_thread(_check, changed, dimension, sentences)
    for batch in changed:
        _check_owner(batch, stored[batch.document.id])
    if (dimension is None or sentences is None) and any(batch.vectors for batch in changed):
        await _record_dimensions(tx, changed)
    new = await asyncio.to_thread(contribution, changed)
    replaced = [old for old in (stored[batch.document.id] for batch in changed) if old.tenant is not None]
    lost = await _remove(tx, [old.id for old in replaced]) if replaced else set[str]()
    written = now()
    await _insert(
        tx,
        new,
        [
            {**one, "created_at": stored[str(one["id"])].created_at or written, "updated_at": written}
            for one in new.documents
        ],
        queries.VECTOR_PROPERTIES[slot or 0],
    )
    await _remove_orphans(tx, lost.difference(str(entity["id"]) for entity, _ in new.entities))
    gone = [partition(scope.tenant, old.access, -old.chunks, -old.terms) for old in replaced]
    await tx.run(queries.COUNT_WRITE, partitions=partitions([*new.counted, *gone]))
    became: dict[str, WriteOutcome] = {batch.document.id: "created" for batch in changed}
    became.update((old.id, "updated") for old in replaced)
    return [became.get(batch.document.id, "unchanged") for batch in batches]


def _is_changed(scope: Scope, document: Document, stored: _Stored) -> bool:
    """Whether there is anything to write."""
    if stored.tenant is None:
        return True
    check_replaces(scope, document.source, stored.tenant, stored.access)
    return stored.fingerprint != document.fingerprint or stored.state != "complete"


def _check(batches: Sequence[GraphBatch], dimension: int | None, sentence_dimension: int | None) -> None:
    """check_batch for each; the first vectors say the dimensions where none are stored."""
    for batch in batches:
        check_batch(batch, dimension, sentence_dimension)
        dimension = dimension or dimension_of(batch)
        sentence_dimension = sentence_dimension or sentence_dimension_of(batch)


def _check_owner(batch: GraphBatch, stored: _Stored) -> None:
    """Refuse ids that belong to another document, of whatever tenant."""
    for what, taken in (("chunks", stored.taken_chunk), ("relations", stored.taken_relation)):
        if taken is not None:
            raise InputError(
                f"{batch.document.source}: the id {taken} is one of the {what} of another document; "
                f"make ids with chunk_id and relation_id"
            )


async def delete_documents(tx: Transaction, scope: Scope, ids: Sequence[str]) -> int:
    """Remove the visible ones of the documents; see GraphStore.delete_documents."""
    found = await tx.run(queries.LOCK_DOCUMENTS, ids=sorted(ids), **queries.scope_parameters(scope))
    if not found:
        return 0
    held = [id_ for id_, *_ in found]
    lost = await _remove(tx, held)
    await tx.run(queries.REMOVE_DOCUMENTS, ids=held)
    await _remove_orphans(tx, lost)
    changes = [partition(scope.tenant, access, -chunks, -terms) for _, access, chunks, terms in found]
    await tx.run(queries.COUNT_WRITE, partitions=partitions(changes))
    return len(found)


async def _record_dimensions(tx: Transaction, batches: Sequence[GraphBatch]) -> None:
    """Keep the dimensions of the first vectors. Another writer may have recorded them since this transaction looked."""
    ((dimension, sentences),) = await tx.run(
        queries.RECORD_DIMENSIONS,
        dimension=next(filter(None, map(dimension_of, batches)), None),
        sentence_dimension=next(filter(None, map(sentence_dimension_of, batches)), None),
    )
    await asyncio.to_thread(_check, batches, dimension, sentences)


async def _insert(tx: Transaction, new: Contribution, documents: Sequence[Properties], vectors: str) -> None:
    await tx.run(queries.WRITE_DOCUMENTS, documents=documents)
    for chunks in slices(new.chunks, CHUNKS_PER_STATEMENT):
        await tx.run(queries.WRITE_CHUNKS, chunks=chunks, property=vectors)
    for entities in entity_slices(new):
        await tx.run(queries.WRITE_MENTIONS, entities=entities, chunk_ids=new.chunk_ids)
    for relations in slices(new.relations, MENTIONS_PER_STATEMENT):
        await tx.run(queries.WRITE_RELATIONS, relations=relations)


async def _remove(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Take away what documents contributed. Returns the entities that lost a mention."""
    await tx.run(queries.REMOVE_RELATIONS, ids=ids)
    lost: set[str] = set()
    for some in slices(ids, 200):
        ((entities,),) = await tx.run(queries.REMOVE_CHUNKS, ids=some)
        lost.update(entities)
    return lost


async def _remove_orphans(tx: Transaction, ids: set[str]) -> None:
    if ids:
        await tx.run(queries.REMOVE_ORPHANS, ids=sorted(ids))
