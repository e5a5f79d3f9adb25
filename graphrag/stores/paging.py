"""Going through all documents that fit, page by page: no read is long, and none of it is kept."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from graphrag.errors import NotFoundError
from graphrag.filters import Filter
from graphrag.stores.base import GraphStore
from graphrag.types import Document, Fingerprints, GraphBatch, Scope

PAGE = 500


async def every_document(
    store: GraphStore, scope: Scope, *, source_prefix: str = "", filter: Filter | None = None
) -> AsyncGenerator[Document]:
    """All visible documents that GraphStore.documents would give without a limit, ascending by id; not one snapshot."""
    after = ""
    while page := await store.documents(scope, source_prefix=source_prefix, filter=filter, after=after, limit=PAGE):
        for document in page:
            yield document
        after = page[-1].id


async def every_contribution(
    store: GraphStore,
    scope: Scope,
    ids: Sequence[str] | None,
    read: Callable[[str, Fingerprints | None], Awaitable[GraphBatch]],
) -> AsyncGenerator[GraphBatch]:
    """What GraphStore.export gives, of a store that can read one document with its contribution.

    Args:
        store: where the documents are.
        scope: which of them.
        ids: those alone, if given.
        read: the document of an id, with vectors of these models (None: any). Raises NotFoundError where it is gone, and
            SchemaMismatchError where the store has been moved to another model.
    """
    models = await store.fingerprints()
    after = ""
    while page := await store.documents(scope, ids=ids, after=after, limit=PAGE):
        for document in page:
            try:
                batch = await read(document.id, models)
            except NotFoundError:
                continue  # deleted, or taken out of the scope, since the page was read
            yield batch
        after = page[-1].id
