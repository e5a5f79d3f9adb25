"""GraphStore in Neo4j: the production store.

Chunks keep their whole contribution as properties, so that a read of chunks is one look-up each; nodes and edges hold the
same for steps along the graph, and for people in Neo4j Browser. Every read decides visibility in the database.
"""

from collections.abc import AsyncIterator, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from graphrag.bm25 import bm25
from graphrag.extraction.resolution import UNDECIDED, Decided
from graphrag.filters import Filter, check_filter
from graphrag.stores import rows
from graphrag.stores.checks import check_k, check_together
from graphrag.stores.neo4j import contributed, graph, links, lucene, queries, writing
from graphrag.stores.neo4j.connection import Connection, Row, Transaction
from graphrag.stores.neo4j.display import Display
from graphrag.stores.neo4j.moving import Neo4jMoves
from graphrag.stores.neo4j.vectors import Vectors
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

CHUNKS_PER_DELETION = 2_000
"""Documents deleted together hold no more, unless one document does: more in one transaction may not fit into the memory
that the server grants (16,000 chunks took over 700 MB)."""
LEAST_MATCHES = 100
"""Chunks fetched from the full-text index at least, and four times the k: Lucene rounds lengths, and takes the average of all
texts in the database, so that the best by our scores may stand lower in its list."""


class Neo4jStore:
    """A GraphStore in one database of a server or cluster. Made by open_stores, which prepares the schema.

    Args:
        connection: opened and closed by the caller.
        display: shows in Browser what is written; closed by the caller.
        filter_fields: metadata fields that filters may use; declared in the vector index.
    """

    def __init__(self, connection: Connection, display: Display, *, filter_fields: Iterable[str]) -> None:
        self._connection = connection
        self._display = display
        self._filter_fields = frozenset(filter_fields)
        self._vectors = Vectors(connection)

    @property
    def location(self) -> str:
        """Address and database, without credentials."""
        return self._connection.location

    @property
    def moves(self) -> Neo4jMoves:
        """See GraphStore.moves."""
        return Neo4jMoves(self._connection)

    # Writing

    async def bind(self, fingerprints: Fingerprints) -> None:
        """See GraphStore.bind."""
        await self._connection.write(lambda tx: writing.bind(tx, fingerprints, self.location))
        self._vectors.bound = fingerprints

    async def fingerprints(self) -> Fingerprints | None:
        """See GraphStore.fingerprints."""
        ((embedder, sentences),) = await self._connection.read(_FINGERPRINTS)
        return None if embedder is None else Fingerprints(embedder, sentences)

    async def write(self, scope: Scope, batch: GraphBatch, *, lease: Lease | None = None) -> WriteOutcome:
        """See GraphStore.write."""
        (outcome,) = await self.write_many(scope, [batch], lease=lease)
        return outcome

    async def write_many(
        self, scope: Scope, batches: Sequence[GraphBatch], *, lease: Lease | None = None
    ) -> list[WriteOutcome]:
        """See GraphStore.write_many."""
        check_together(scope, batches)
        if not batches:
            return []

        async def work(tx: Transaction) -> list[WriteOutcome]:
            await writing.check_lease(tx, lease)
            return await writing.write(tx, scope, batches, self._vectors.bound, self.location)

        try:
            outcomes = await self._connection.write(work)
        except writing.UnchangedError:
            return ["unchanged"] * len(batches)
        self._display.refresh_soon()
        return outcomes

    async def delete_documents(self, scope: Scope, ids: Sequence[str], *, lease: Lease | None = None) -> int:
        """See GraphStore.delete_documents."""
        deleted = 0
        for some in await self._portions(scope, _valid(ids)):

            async def work(tx: Transaction, some: Sequence[str] = some) -> int:
                await writing.check_lease(tx, lease)
                return await writing.delete_documents(tx, scope, some)

            deleted += await self._connection.write(work)
        if deleted:
            self._display.refresh_soon()
        return deleted

    async def _portions(self, scope: Scope, ids: Sequence[str]) -> list[list[str]]:
        """The ids in parts of which each is one transaction: as many chunks as the server's memory is sure to hold."""
        found = await self.documents(scope, ids=ids, limit=len(ids))
        parts: list[list[str]] = [[]]
        chunks = 0
        for document in found:
            chunks += document.chunk_count
            if parts[-1] and chunks > CHUNKS_PER_DELETION:
                parts.append([])
                chunks = document.chunk_count
            parts[-1].append(document.id)
        return parts

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
        if limit < 1 or (ids is not None and not _valid(ids)) or not is_text(source_prefix):
            return []
        found = await self._connection.read_together(
            queries.DOCUMENTS if ids is None else queries.DOCUMENTS_BY_ID,
            ids=_valid(ids or ()),
            after=after,
            prefix=source_prefix,
            limit=limit,
            **queries.read_parameters(scope, filter),
        )
        return [rows.document_from(row) for row in found]

    async def texts(self, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
        """See GraphStore.texts."""
        found = await self._connection.read(queries.TEXTS, ids=_valid(ids), **queries.scope_parameters(scope))
        return {str(id_): str(text) for id_, text in found}

    async def text_between(self, scope: Scope, id: str, start: int, end: int) -> tuple[int, str] | None:
        """See GraphStore.text_between."""
        first = max(0, start)
        found = await self._connection.read(
            queries.TEXT_BETWEEN,
            ids=_valid([id]),
            start=first,
            length=max(0, end - first),
            **queries.scope_parameters(scope),
        )
        return (int(found[0][0]), str(found[0][1])) if found else None

    async def chunk_ids(self, scope: Scope, document_id: str) -> list[str]:
        """See GraphStore.chunk_ids."""
        if not is_text(document_id):
            return []
        found = await self._connection.read_together(
            queries.CHUNK_IDS, id=document_id, **queries.scope_parameters(scope)
        )
        return [id_ for (id_,) in found]

    async def chunks(self, scope: Scope, ids: Sequence[str], filter: Filter | None = None) -> list[Chunk]:
        """See GraphStore.chunks."""
        check_filter(filter, self._filter_fields)
        if not (wanted := _valid(ids)):
            return []
        found = await self._connection.read_chunks(queries.CHUNKS, ids=wanted, **queries.read_parameters(scope, filter))
        return [rows.chunk_from(row) for row in _ordered(found, wanted)]

    async def chunks_with_vectors(
        self, scope: Scope, ids: Sequence[str], filter: Filter | None = None
    ) -> list[tuple[Chunk, ChunkVectors]]:
        """See GraphStore.chunks_with_vectors."""
        check_filter(filter, self._filter_fields)
        return await self._vectors.chunks_with_vectors(scope, _valid(ids), filter)

    # Search

    async def nearest_chunks(
        self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None = None
    ) -> list[list[Hit]]:
        """See GraphStore.nearest_chunks."""
        check_k(k)
        check_filter(filter, self._filter_fields)
        return await self._vectors.nearest_chunks(scope, vectors, k, filter)

    async def search_chunks(
        self,
        scope: Scope,
        terms: Sequence[str],
        k: int,
        filter: Filter | None = None,
        *,
        statistics: TermStatistics | None = None,
    ) -> list[TermHit]:
        """See GraphStore.search_chunks. One round trip; one more where many match, and one where no statistics are given."""
        check_k(k)
        check_filter(filter, self._filter_fields)
        wanted = set(_valid(terms))
        statistics = statistics or await self.term_statistics(scope, sorted(wanted))
        limit = max(4 * k, LEAST_MATCHES)
        boosts = dict.fromkeys(wanted, 1.0)
        if sum(statistics.frequency.get(term, 0) for term in wanted) > limit:
            boosts |= await self._boosts(scope, wanted, statistics)
        texts = lucene.any_term(scope, boosts)
        while texts:
            found = await self._connection.read_together(
                queries.KEYWORD_SEARCH, queries=texts, limit=limit, **queries.read_parameters(scope, filter)
            )
            matches = {id_: held for id_, held in found if held is not None and not wanted.isdisjoint(held.split())}
            # Lucene does not know the filter: ask for more until enough pass it, or there is no more.
            if len(matches) > k:
                scores = bm25([held.split() for held in matches.values()], wanted, statistics)
                ranked = sorted((-round(score, 9), id_) for id_, score in zip(matches, scores, strict=True))
                best = [id_ for _, id_ in ranked[:k]]
                return [TermHit(id_, matches[id_]) for id_ in sorted(best)]
            if len(found) < limit:
                return [TermHit(id_, matches[id_]) for id_ in sorted(matches)]
            limit *= 4
        return []

    async def _boosts(self, scope: Scope, terms: Iterable[str], statistics: TermStatistics) -> dict[str, float]:
        """What makes Lucene weigh each term as we do: its own weights count the texts of everybody, so that documents which the
        scope does not see would decide what is fetched.
        """
        asked = [(term, lucene.one_term(scope, term)) for term in terms if term.strip()]
        best = await self._connection.read_together(queries.BEST_OF_EACH, queries=asked)
        return {term: bm25([held.split()], [term], statistics)[0] / score for term, held, score in best}

    async def term_statistics(self, scope: Scope, terms: Sequence[str]) -> TermStatistics:
        """See GraphStore.term_statistics."""
        distinct = list(dict.fromkeys(terms))
        askable = [term for term in distinct if is_text(term) and term.strip()]
        ((chunks, length, counted),) = await self._connection.read(
            queries.TERM_STATISTICS,
            queries=[lucene.one_term(scope, term) for term in askable],
            **queries.scope_parameters(scope),
        )
        frequency = dict.fromkeys(distinct, 0)
        frequency.update(zip(askable, counted, strict=True))
        return TermStatistics(chunks, length / chunks if chunks else 0.0, frequency)

    # The graph

    async def find_entities(
        self, scope: Scope, *, keys: Sequence[str] = (), blocks: Sequence[str] = (), prefix: str = "", limit: int = 100
    ) -> list[Entity]:
        """See GraphStore.find_entities."""
        if limit < 1:
            return []
        return await graph.find_entities(self._connection, scope, keys, blocks, prefix, limit)

    async def entities(self, scope: Scope, ids: Sequence[str]) -> list[Entity]:
        """See GraphStore.entities."""
        found = {entity.id: entity for entity in await graph.entities(self._connection, scope, ids)}
        return [found[id_] for id_ in dict.fromkeys(ids) if id_ in found]

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
        if not (wanted := _valid(entity_ids)):
            return []
        query = queries.CHUNKS_MENTIONING_FILTERED if filter and filter.conditions else queries.CHUNKS_MENTIONING
        found = await self._connection.read_together(
            query, ids=wanted, limit=max(0, limit), rare=rare, **queries.read_parameters(scope, filter)
        )
        return [Occurrences(id_, total, tuple(first)) for id_, total, first in _ordered(found, wanted)]

    async def title_links(
        self, scope: Scope, chunk_ids: Sequence[str], limit: int, filter: Filter | None = None
    ) -> list[TitleLink]:
        """See GraphStore.title_links."""
        check_filter(filter, self._filter_fields)
        if limit < 1 or not (wanted := _valid(chunk_ids)):
            return []
        return await links.title_links(self._connection, scope, wanted, limit, filter)

    async def entity_ids(self, scope: Scope, *, after: str = "", limit: int = 1000) -> list[str]:
        """See GraphStore.entity_ids."""
        check_text("'after'", after)
        return await graph.entity_ids(self._connection, scope, after, limit) if limit > 0 else []

    async def neighbourhood(
        self, scope: Scope, seeds: Sequence[str], hops: int, limit: int, *, decided: Decided = UNDECIDED
    ) -> Subgraph:
        """See GraphStore.neighbourhood."""
        if limit < 1 or hops < 0:
            return Subgraph((), (), ())
        return await graph.neighbourhood(self._connection, scope, seeds, hops, limit, decided)

    # Everything

    async def statistics(self, scope: Scope) -> Statistics:
        """See GraphStore.statistics."""
        (counts,) = await self._connection.read(queries.STATISTICS, **queries.scope_parameters(scope))
        return Statistics(*counts)

    def export(self, scope: Scope, *, ids: Sequence[str] | None = None) -> AsyncIterator[GraphBatch]:
        """See GraphStore.export."""

        async def read(id_: str, models: Fingerprints | None) -> GraphBatch:
            return await contributed.contribution(self._connection, self._vectors, scope, id_, models)

        return every_contribution(self, scope, ids, read)

    async def revision(self) -> int:
        """See GraphStore.revision."""
        ((revision,),) = await self._connection.read(queries.REVISION)
        return revision


_FINGERPRINTS = "OPTIONAL MATCH (s:SchemaVersion {id: 'schema'}) RETURN s.embedder, s.sentences"


def _valid(texts: Iterable[str]) -> list[str]:
    """Those of the texts that can be stored at all, once each, in order."""
    return [text for text in dict.fromkeys(texts) if is_text(text)]


def _ordered(found: Iterable[Row], ids: Sequence[str]) -> list[Row]:
    """Rows that begin with an id, in the order of the ids."""
    by_id = {row[0]: row for row in found}
    return [by_id[id_] for id_ in ids if id_ in by_id]
