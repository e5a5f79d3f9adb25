"""Going through all documents that fit, page by page: no read is long, and none of it is kept."""

from collections.abc import AsyncGenerator

from graphrag.filters import Filter
from graphrag.stores.base import GraphStore
from graphrag.types import Document, Scope

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
