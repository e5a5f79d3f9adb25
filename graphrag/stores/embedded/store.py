"""GraphStore in one SQLite file: the default store.

SQLite (WAL) is the only truth. The reading thread of the Database owns the memory index, which follows the change log, so
writes of any process are seen by the next read. Each read is one transaction: index and rows are of the same revision.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from graphrag.extraction.resolution import UNDECIDED, Decided
from graphrag.filters import Filter, check_filter
from graphrag.stores.checks import check_k, check_query_vectors, check_together
from graphrag.stores.embedded import chunks, documents, graph, links, sql, writing
from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.following import FollowingIndex
from graphrag.stores.embedded.index import MemoryIndex
from graphrag.stores.embedded.moving import EmbeddedMoves
from graphrag.stores.embedded.system import check_lease
from graphrag.stores.moving import check_bound
from graphrag.stores.paging import every_contribution
from graphrag.stores.system import Lease
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    Entity,
    Fingerprints,
    GraphBatch,
    Hit,
    Occurrences,
    Scope,
    Statistics,
    Subgraph,
    TermHit,
    TermStatistics,
    TitleLink,
    WriteOutcome,
    check_text,
    is_text,
)

_T = TypeVar("_T")


class EmbeddedStore:
    """A GraphStore in one file.

    Args:
        database: opened and closed by the caller.
        filter_fields: metadata fields that filters may use.
    """

    def __init__(self, database: Database, *, filter_fields: Iterable[str] = ()) -> None:
        self._database = database
        self._filter_fields = frozenset(filter_fields)
        self._following = FollowingIndex(self._filter_fields)
        self._chunks = chunks.ChunkCache()
        self._links = links.TitleLinks()
        self._bound: Fingerprints | None = None

    @property
    def location(self) -> str:
        """Absolute path of the file."""
        return self._database.location

    @property
    def moves(self) -> EmbeddedMoves:
        """See GraphStore.moves."""
        return EmbeddedMoves(self._database)

    async def _read(self, work: Callable[[sqlite3.Connection, MemoryIndex], _T]) -> _T:
        """Run `work` on one snapshot, with the index as of it."""

        def following(connection: sqlite3.Connection) -> _T:
            if self._following.follow(connection):
                self._chunks.clear()
                self._links.clear()
            return work(connection, self._following.memory)

        return await self._database.read(following)

    def _check_bound(self, connection: sqlite3.Connection) -> None:
        """Refuse to compare or store vectors when the file has been moved to another model since it was bound."""
        check_bound(writing.bound(connection), self._bound, self.location)

    # Writing

    async def bind(self, fingerprints: Fingerprints) -> None:
        """See GraphStore.bind."""
        await self._database.write(lambda connection: writing.bind(connection, fingerprints, self.location))
        self._bound = fingerprints

    async def fingerprints(self) -> Fingerprints | None:
        """See GraphStore.fingerprints."""
        return await self._database.read(writing.bound)

    async def write(self, scope: Scope, batch: GraphBatch, *, lease: Lease | None = None) -> WriteOutcome:
        """See GraphStore.write."""
        (outcome,) = await self.write_many(scope, [batch], lease=lease)
        return outcome

    async def write_many(
        self, scope: Scope, batches: Sequence[GraphBatch], *, lease: Lease | None = None
    ) -> list[WriteOutcome]:
        """See GraphStore.write_many."""
        check_together(scope, batches)

        def work(connection: sqlite3.Connection) -> list[WriteOutcome]:
            check_lease(connection, lease)
            self._check_bound(connection)
            return [writing.write(connection, scope, batch) for batch in batches]

        return await self._database.write(work)

    async def delete_documents(self, scope: Scope, ids: Sequence[str], *, lease: Lease | None = None) -> int:
        """See GraphStore.delete_documents."""

        def work(connection: sqlite3.Connection) -> int:
            check_lease(connection, lease)
            return writing.delete_documents(connection, scope, ids)

        return await self._database.write(work)

    # Documents and chunks

    async def documents(
        self,
        scope: Scope,
        *,
        ids: Sequence[str] | None = None,
        source_prefix: str = "",
        filter: Filter | None = None,
        after: str = "",
        limit: int = 100,
    ) -> list[Document]:
        """See GraphStore.documents."""
        check_filter(filter, self._filter_fields)
        check_text("'after'", after)
        if limit < 1:
            return []

        def work(connection: sqlite3.Connection) -> list[Document]:
            visible = documents.documents(connection, scope, ids, after)
            return list(islice((one for one in visible if documents.passes(one, source_prefix, filter)), limit))

        # Without the memory index: a process that only ingests never builds one.
        return await self._database.read(work)

    async def texts(self, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
        """See GraphStore.texts."""
        return await self._database.read(lambda connection: documents.texts(connection, scope, ids))

    async def text_between(self, scope: Scope, id: str, start: int, end: int) -> tuple[int, str] | None:
        """See GraphStore.text_between."""
        if not is_text(id):
            return None
        return await self._database.read(
            lambda connection: documents.text_between(connection, scope, id, max(0, start), max(0, start, end))
        )

    async def chunk_ids(self, scope: Scope, document_id: str) -> list[str]:
        """See GraphStore.chunk_ids."""
        if not is_text(document_id):
            return []

        def work(connection: sqlite3.Connection, index: MemoryIndex) -> list[str]:
            rows = connection.execute("SELECT id FROM chunks WHERE document_id = ? ORDER BY position", (document_id,))
            return index.visible_ids(scope, [id_ for (id_,) in rows], None)

        return await self._read(work)

    async def chunks(self, scope: Scope, ids: Sequence[str], filter: Filter | None = None) -> list[Chunk]:
        """See GraphStore.chunks."""
        check_filter(filter, self._filter_fields)

        def work(connection: sqlite3.Connection, index: MemoryIndex) -> list[Chunk]:
            held = self._chunks.get(connection, index, index.visible_ids(scope, ids, filter))
            return [chunk for chunk, _ in held]

        return await self._read(work)

    async def chunks_with_vectors(
        self, scope: Scope, ids: Sequence[str], filter: Filter | None = None
    ) -> list[tuple[Chunk, ChunkVectors]]:
        """See GraphStore.chunks_with_vectors."""
        check_filter(filter, self._filter_fields)

        def work(connection: sqlite3.Connection, index: MemoryIndex) -> list[tuple[Chunk, ChunkVectors]]:
            self._check_bound(connection)
            visible = index.visible_ids(scope, ids, filter)
            held = self._chunks.get(connection, index, visible)
            return [
                (chunk, ChunkVectors(vector, sentences))
                for (chunk, sentences), vector in zip(held, index.vectors(visible), strict=True)
            ]

        return await self._read(work)

    # Search

    async def nearest_chunks(
        self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None = None
    ) -> list[list[Hit]]:
        """See GraphStore.nearest_chunks."""
        check_k(k)
        check_filter(filter, self._filter_fields)
        check_query_vectors(vectors, None)

        def work(connection: sqlite3.Connection, index: MemoryIndex) -> Callable[[], list[list[Hit]]]:
            self._check_bound(connection)
            check_query_vectors(vectors, sql.recorded(connection, sql.DIMENSION))
            return index.nearest(scope, vectors, k, filter)

        # Beside the reading thread, which searches by words meanwhile: comparing vectors holds no lock of the interpreter.
        return await asyncio.to_thread(await self._read(work))

    async def search_chunks(
        self,
        scope: Scope,
        terms: Sequence[str],
        k: int,
        filter: Filter | None = None,
        *,
        statistics: TermStatistics | None = None,
    ) -> list[TermHit]:
        """See GraphStore.search_chunks."""
        check_k(k)
        check_filter(filter, self._filter_fields)

        def work(connection: sqlite3.Connection, index: MemoryIndex) -> list[TermHit]:
            ids = index.best_matches(scope, terms, k, filter)
            found = chunks.analysed(connection, index, ids)
            return [TermHit(id_, found[id_]) for id_ in ids]

        return await self._read(work)

    async def term_statistics(self, scope: Scope, terms: Sequence[str]) -> TermStatistics:
        """See GraphStore.term_statistics."""
        return await self._read(lambda _, index: TermStatistics(*index.term_counts(scope, dict.fromkeys(terms))))

    # The graph

    async def find_entities(
        self, scope: Scope, *, keys: Sequence[str] = (), blocks: Sequence[str] = (), prefix: str = "", limit: int = 100
    ) -> list[Entity]:
        """See GraphStore.find_entities."""
        if limit < 1:
            return []
        return await self._read(lambda _, index: graph.find_entities(index, scope, keys, blocks, prefix, limit))

    async def entities(self, scope: Scope, ids: Sequence[str]) -> list[Entity]:
        """See GraphStore.entities."""
        return await self._read(lambda _, index: index.entities(scope, dict.fromkeys(ids)))

    async def chunks_mentioning(
        self,
        scope: Scope,
        entity_ids: Sequence[str],
        limit: int,
        filter: Filter | None = None,
        *,
        rare: bool = False,
    ) -> list[Occurrences]:
        """See GraphStore.chunks_mentioning."""
        check_filter(filter, self._filter_fields)
        return await self._read(
            lambda _, index: index.mentioning(scope, dict.fromkeys(entity_ids), limit, filter, rare)
        )

    async def title_links(
        self, scope: Scope, chunk_ids: Sequence[str], limit: int, filter: Filter | None = None
    ) -> list[TitleLink]:
        """See GraphStore.title_links."""
        check_filter(filter, self._filter_fields)
        if limit < 1:
            return []
        return await self._read(lambda _, index: self._links.at(index, scope, chunk_ids, limit, filter))

    async def entity_ids(self, scope: Scope, *, after: str = "", limit: int = 1000) -> list[str]:
        """See GraphStore.entity_ids."""
        return await self._read(lambda _, index: index.entity_ids(scope, after, limit))

    async def neighbourhood(
        self, scope: Scope, seeds: Sequence[str], hops: int, limit: int, *, decided: Decided = UNDECIDED
    ) -> Subgraph:
        """See GraphStore.neighbourhood."""
        if limit < 1 or hops < 0:
            return Subgraph((), (), ())
        return await self._read(
            lambda connection, index: graph.neighbourhood(connection, index, scope, seeds, hops, limit, decided)
        )

    # Everything

    async def statistics(self, scope: Scope) -> Statistics:
        """See GraphStore.statistics."""

        def work(connection: sqlite3.Connection, index: MemoryIndex) -> Statistics:
            documents_, relations = documents.count(connection, scope)
            return Statistics(documents_, *index.counts(scope), relations)

        return await self._read(work)

    def export(self, scope: Scope, *, ids: Sequence[str] | None = None) -> AsyncIterator[GraphBatch]:
        """See GraphStore.export."""

        async def read(id_: str, models: Fingerprints | None) -> GraphBatch:
            def work(connection: sqlite3.Connection) -> GraphBatch:
                check_bound(writing.bound(connection), models, self.location)
                return documents.contribution(connection, scope, id_)

            return await self._database.read(work)

        return every_contribution(self, scope, ids, read)

    async def revision(self) -> int:
        """See GraphStore.revision."""
        return await self._database.read(sql.revision)
