"""Another access label or metadata for a document whose text is the same: what is stored of it stays, and no model sees it again.

What a document contributes depends on its text, title and the pipeline alone. So its chunks, vectors and relations are read
from the store and written with the new label, in one transaction as any document: at once, or for a source in parts in the
order that graphrag.parts describes, the new label holds for everything that came from it.
"""

from dataclasses import replace

from graphrag.parts import part_fingerprint, stored_parts
from graphrag.stores.base import GraphStore
from graphrag.stores.system import Lease
from graphrag.types import Document, GraphBatch, Scope, canonical_json, stable_id


def fingerprint_of(document: Document, pipeline: str) -> str:
    """The fingerprint of a source that has these fields, stored by this pipeline."""
    return stable_id(
        document.content_sha256,
        document.title,
        document.source,
        document.tenant,
        document.access,
        canonical_json(document.metadata),
        pipeline,
    )


def only_relabelled(stored: Document, new: Document, pipeline: str) -> bool:
    """Whether a document differs from the stored one in its access label or metadata alone, pipeline included."""
    as_stored = replace(new, access=stored.access, metadata=stored.metadata)
    return stored.state == "complete" and stored.fingerprint == fingerprint_of(as_stored, pipeline)


async def relabel(
    store: GraphStore, scope: Scope, stored: Document, new: Document, *, lease: Lease | None = None
) -> int | None:
    """Give a source the label, metadata and fingerprint of `new`.

    Args:
        store: where it is.
        scope: who writes; it has to see the source as it is, and hold the new label.
        stored: the source as it was just read (of one in parts, part 0); `only_relabelled` holds for the two.
        new: what it becomes.
        lease: as for GraphStore.write.

    Returns:
        How many chunks it has; None if it has changed or gone meanwhile, or a part is missing: then store it anew.
    """
    parts = [stored, *await stored_parts(store, scope, stored.source)]
    if any(part.fingerprint != part_fingerprint(stored.fingerprint, number) for number, part in enumerate(parts)):
        return None
    first = await _read(store, scope, stored)
    if first is None:
        return None
    relabelled = _with(first, new)
    if len(parts) > 1:
        # Until all parts have the new label, the source is not complete.
        partial = replace(relabelled, document=replace(relabelled.document, state="partial"))
        await store.write(scope, partial, lease=lease)
        for part in parts[1:]:
            batch = await _read(store, scope, part)
            if batch is None:
                return None
            await store.write(scope, _with(batch, new), lease=lease)
    await store.write(scope, relabelled, lease=lease)
    return sum(part.chunk_count for part in parts)


async def _read(store: GraphStore, scope: Scope, document: Document) -> GraphBatch | None:
    """What is stored of a document; None if that is another version by now."""
    found = [batch async for batch in store.export(scope, ids=[document.id])]
    return next((batch for batch in found if batch.document.fingerprint == document.fingerprint), None)


def _with(batch: GraphBatch, new: Document) -> GraphBatch:
    document = replace(
        batch.document,
        access=new.access,
        metadata=new.metadata,
        media_type=new.media_type,
        fingerprint=part_fingerprint(new.fingerprint, batch.document.part),
    )
    return replace(batch, document=document)
