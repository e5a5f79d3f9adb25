"""An embedded store by itself, which the software opens together with the store of jobs and keys."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.store import EmbeddedStore


@asynccontextmanager
async def embedded_store(path: Path, *, filter_fields: Iterable[str] = ()) -> AsyncGenerator[EmbeddedStore]:
    """The store in a file, which is made where there is none."""
    async with Database(path) as database:
        yield EmbeddedStore(database, filter_fields=filter_fields)
