"""Writing documents together where the store takes them all, and each alone where it refuses one."""

from collections.abc import AsyncGenerator, Sequence

from graphrag.errors import InputError
from graphrag.stores.base import GraphStore
from graphrag.stores.system import Lease
from graphrag.types import GraphBatch, Scope, WriteOutcome


async def write_together(
    store: GraphStore, scope: Scope, batches: Sequence[GraphBatch], *, lease: Lease | None = None
) -> AsyncGenerator[WriteOutcome | InputError]:
    """What became of each document, in their order: all in one transaction, or, if the store refuses one of them, each in its own
    when its turn comes, with the refusal of those that are at fault.

    Raises:
        StoreError: as GraphStore.write_many.
    """
    try:
        outcomes = await store.write_many(scope, batches, lease=lease)
    except InputError as refusal:
        for batch in batches:
            try:
                outcome = refusal if len(batches) == 1 else await store.write(scope, batch, lease=lease)
            except InputError as own:
                outcome = own
            yield outcome
        return
    for outcome in outcomes:
        yield outcome
