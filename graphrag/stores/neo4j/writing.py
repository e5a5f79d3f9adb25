"""What a write does inside its transaction: the checks against what is stored, and the nodes and edges."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from graphrag.errors import InputError, LeaseLostError
from graphrag.stores.checks import check_batch, sentence_dimension_of
from graphrag.stores.moving import check_bound
from graphrag.stores.neo4j import queries
from graphrag.stores.neo4j.connection import Transaction
from graphrag.stores.neo4j.values import (
    CHUNKS_PER_STATEMENT,
    MENTIONS_PER_STATEMENT,
    Contribution,
    contribution,
    entity_slices,
    partition,
    partitions,
    slices,
)
from graphrag.stores.system import Lease
from graphrag.types import Fingerprints, GraphBatch, Scope, WriteOutcome


class UnchangedError(Exception):
    """The stored document is the one to be written: the transaction is to be rolled back."""


async def bind(tx: Transaction, fingerprints: Fingerprints, location: str) -> None:
    """Record the models, or check them against what is recorded; see GraphStore.bind."""
    ((embedder, sentences),) = await tx.run(
        _BIND, lock=secrets.token_hex(8), embedder=fingerprints.embedder, sentences=fingerprints.sentences
    )
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
    (held,) = await tx.run(queries.CHECK_LEASE, id=lease.job_id, lock=secrets.token_hex(8))
    if held != ["running", lease.worker, lease.fence]:
        raise LeaseLostError(f"job {lease.job_id} is no longer held by worker {lease.worker!r}: stop working on it")


async def write(
    tx: Transaction, scope: Scope, batch: GraphBatch, bound: Fingerprints | None, location: str
) -> WriteOutcome:
    """Store a batch that has passed check_alone; see GraphStore.write.

    Args:
        tx: the transaction.
        scope: who writes.
        batch: what is written.
        bound: the models this process was bound with, checked against what is recorded by now.
        location: of the store, for messages.

    Raises:
        UnchangedError: nothing is to be done.
        SchemaMismatchError: other models are recorded by now.
    """
    document, lock = batch.document, secrets.token_hex(8)
    ((tenant, access, fingerprint, state, created, chunks, terms, dimension, sentences, chunk, relation, model, encoder, slot, moving),) = await tx.run(
        queries.STATE,
        id=document.id,
        lock=lock,
        chunk_ids=[one.id for one in batch.chunks],
        relation_ids=[one.id for one in batch.relations],
    )  # fmt: skip
    if moving is not None:
        # Held until this commits, so that the move is not switched before it sees what was written.
        ((dimension, sentences, model, encoder, slot),) = await tx.run(queries.LOCK_MODELS, lock=lock)
    check_bound(Fingerprints(model, encoder) if model is not None else None, bound, location)
    if tenant is not None:
        if not scope.sees(tenant, access):
            raise InputError(f"{document.source}: a document of this source exists outside the caller's scope")
        if fingerprint == document.fingerprint and state == "complete":
            raise UnchangedError
    await asyncio.to_thread(check_batch, batch, dimension, sentences)
    for what, taken in (("chunks", chunk), ("relations", relation)):
        if taken is not None:
            raise InputError(
                f"{document.source}: the id {taken} is one of the {what} of another document; "
                f"make ids with chunk_id and relation_id"
            )
    if batch.vectors and (dimension is None or sentences is None):
        await _record_dimensions(tx, batch, lock)
    new = await asyncio.to_thread(contribution, batch)
    changes = [partition(document.tenant, document.access, len(new.chunks), new.terms)]
    lost: set[str] = set()
    if tenant is not None:
        lost = await _remove(tx, [document.id], lock)
        changes.append(partition(tenant, access, -chunks, -terms))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    times: dict[str, object] = {"created_at": created or now, "updated_at": now}
    await _insert(tx, batch, new, times, queries.VECTOR_PROPERTIES[slot or 0], lock)
    await _remove_orphans(tx, lost.difference(str(entity["id"]) for entity, _ in new.entities), lock)
    await tx.run(queries.COUNT_WRITE, partitions=partitions(changes), lock=lock)
    return "created" if tenant is None else "updated"


async def delete_documents(tx: Transaction, scope: Scope, ids: Sequence[str]) -> int:
    """Remove the visible ones of the documents; see GraphStore.delete_documents."""
    lock = secrets.token_hex(8)
    found = await tx.run(queries.LOCK_DOCUMENTS, ids=sorted(ids), lock=lock, **queries.scope_parameters(scope))
    if not found:
        return 0
    held = [id_ for id_, *_ in found]
    lost = await _remove(tx, held, lock)
    await tx.run(queries.REMOVE_DOCUMENTS, ids=held)
    await _remove_orphans(tx, lost, lock)
    changes = [partition(scope.tenant, access, -chunks, -terms) for _, access, chunks, terms in found]
    await tx.run(queries.COUNT_WRITE, partitions=partitions(changes), lock=lock)
    return len(found)


async def _record_dimensions(tx: Transaction, batch: GraphBatch, lock: str) -> None:
    """Keep the dimensions of the first vectors. Another writer may have recorded them since this transaction looked."""
    ((dimension, sentences),) = await tx.run(
        queries.RECORD_DIMENSIONS,
        lock=lock,
        dimension=batch.vectors[0].chunk.shape[0],
        sentence_dimension=sentence_dimension_of(batch),
    )
    await asyncio.to_thread(check_batch, batch, dimension, sentences)


async def _insert(
    tx: Transaction, batch: GraphBatch, new: Contribution, times: dict[str, object], vectors: str, lock: str
) -> None:
    document, ids = batch.document, [chunk.id for chunk in batch.chunks]
    owner: dict[str, object] = {"document_id": document.id, "tenant": document.tenant, "access": document.access}
    await tx.run(queries.WRITE_DOCUMENT, properties={**new.document, **times})
    for start in range(0, len(ids), CHUNKS_PER_STATEMENT):
        some = new.chunks[start : start + CHUNKS_PER_STATEMENT]
        before = ids[start - 1] if start else None
        await tx.run(queries.WRITE_CHUNKS, id=document.id, chunks=some, before=before, property=vectors)
    for entities in entity_slices(new):
        await tx.run(queries.WRITE_MENTIONS, entities=entities, chunk_ids=ids, lock=lock, **owner)
    for relations in slices(new.relations, MENTIONS_PER_STATEMENT):
        await tx.run(queries.WRITE_RELATIONS, relations=relations, **owner)


async def _remove(tx: Transaction, ids: Sequence[str], lock: str) -> set[str]:
    """Take away what documents contributed. Returns the entities that lost a mention."""
    await tx.run(queries.REMOVE_RELATIONS, ids=ids)
    lost: set[str] = set()
    for some in slices(ids, 200):
        ((entities,),) = await tx.run(queries.REMOVE_CHUNKS, ids=some, lock=lock)
        lost.update(entities)
    return lost


async def _remove_orphans(tx: Transaction, ids: set[str], lock: str) -> None:
    if ids:
        await tx.run(queries.REMOVE_ORPHANS, ids=sorted(ids), lock=lock)
