"""Where chunk vectors are in the database, and the reads that compare them.

There are two slots, each a property of chunks with a vector index, of which one is in use: a move to another embedding model
fills the other one and then exchanges them (graphrag.stores.moving). A read says which slot and model it means, and the
database answers only if these are in use in the transaction of the read.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from graphrag.errors import StoreError
from graphrag.filters import Filter
from graphrag.stores import rows
from graphrag.stores.base import SCORE_DECIMALS
from graphrag.stores.checks import check_query_vectors
from graphrag.stores.moving import check_bound
from graphrag.stores.neo4j import queries
from graphrag.stores.neo4j.comparable import searchable
from graphrag.stores.neo4j.connection import Connection
from graphrag.stores.neo4j.values import from_vector, to_vector
from graphrag.types import Chunk, ChunkVectors, Fingerprints, Hit, Scope, ranked

LEAST_NEAREST = 200
"""Chunks fetched from the vector index at least, and twice the k. Its scores are exact, since it is not quantized, but it
misses some of the nearest, the fewer the more are asked for."""
_SPARE = 10
"""Fetched beyond k, since equal scores are cut by id after rounding."""
_ATTEMPTS = 3
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which vectors are in use."""

    slot: int
    dimension: int
    """0 while there are none."""
    sentence_dimension: int
    models: Fingerprints | None

    @property
    def parameters(self) -> dict[str, object]:
        """What a read means, as queries take it."""
        embedder = self.models.embedder if self.models else None
        return {"slot": self.slot, "embedder": embedder, "property": queries.VECTOR_PROPERTIES[self.slot]}


class Vectors:
    """Reads of vectors. The layout is known after the first one, and read again when the database has another."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: Layout | None = None
        self.bound: Fingerprints | None = None
        """The models that this process uses; no others are compared."""

    async def layout(self, *, fresh: bool = False) -> Layout:
        """What is in use, as it was when it was read last.

        Raises:
            SchemaMismatchError: it is of another model than this process uses.
        """
        known = self._known
        if fresh or known is None or not known.dimension or not known.sentence_dimension:
            ((slot, dimension, sentences, embedder, encoder),) = await self._connection.read(queries.LAYOUT)
            models = Fingerprints(embedder, encoder) if embedder is not None else None
            self._known = known = Layout(slot or 0, dimension or 0, sentences or 0, models)
        check_bound(known.models, self.bound, self._connection.location)
        return known

    async def _read(self, work: Callable[[Layout], Awaitable[_T]]) -> _T:
        """Run a read that gives something empty, or fails, where another layout is in use than it was given."""
        for _ in range(_ATTEMPTS):
            layout = await self.layout()
            try:
                found = await work(layout)
            except StoreError:  # the index that it names is gone, perhaps
                if await self.layout(fresh=True) == layout:
                    raise
                continue
            if found or await self.layout(fresh=True) == layout:
                return found
        raise StoreError(f"{self._connection.location} is being moved between models again and again: try again")

    async def chunks_with_vectors(
        self, scope: Scope, ids: Sequence[str], filter: Filter | None
    ) -> list[tuple[Chunk, ChunkVectors]]:
        """See GraphStore.chunks_with_vectors; the ids are valid."""

        async def work(layout: Layout) -> dict[str, tuple[Chunk, ChunkVectors]]:
            if not layout.dimension:
                return {}
            found = await self._connection.read_chunks(
                queries.CHUNKS_WITH_VECTORS,
                ids=ids,
                dimension=layout.dimension,
                **layout.parameters,
                **queries.read_parameters(scope, filter),
            )
            return {
                row[0]: (
                    rows.chunk_from(row),
                    ChunkVectors(from_vector(vector), rows.sentence_vectors(held, layout.sentence_dimension)),
                )
                for *row, vector, held in found
            }

        found = await self._read(work) if ids else {}
        return [found[id_] for id_ in ids if id_ in found]

    async def nearest_chunks(
        self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None
    ) -> list[list[Hit]]:
        """See GraphStore.nearest_chunks. One round trip; two where few chunks are visible or the filter has to be scanned."""

        async def work(layout: Layout) -> list[list[Hit]]:
            check_query_vectors(vectors, layout.dimension or None)
            return await self._nearest_chunks(layout, scope, vectors, k, filter) if layout.dimension else []

        check_query_vectors(vectors, None)
        if not len(vectors):
            check_query_vectors(vectors, (await self.layout()).dimension or None)
            return []
        return await self._read(work) or [[] for _ in vectors]

    async def _nearest_chunks(
        self, layout: Layout, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None
    ) -> list[list[Hit]]:
        limit = max(2 * k, LEAST_NEAREST)
        best: dict[int, list[Hit]] = {}
        compiled = searchable(filter)
        if compiled is not None:
            predicates, values = compiled
            query = queries.vector_search(layout.slot, scope, predicates)
            found = await self._nearest(
                query, layout, scope, None, vectors, range(len(vectors)), k, limit=limit, **values
            )
            if not found:
                return []
            # An index that comes back with less than it was asked for may have missed some of the few there are.
            best = {n: hits for n, (total, hits) in found.items() if total >= limit}
        rest = [n for n in range(len(vectors)) if n not in best]
        if rest:
            found = await self._nearest(queries.EXACT_SEARCH, layout, scope, filter, vectors, rest, k)
            if not found:
                return []
            best |= {n: hits for n, (_, hits) in found.items()}
        return [best[n] for n in range(len(vectors))]

    async def _nearest(
        self,
        query: str,
        layout: Layout,
        scope: Scope,
        filter: Filter | None,
        vectors: NDArray[np.float32],
        places: Sequence[int],
        k: int,
        **values: object,
    ) -> dict[int, tuple[int, list[Hit]]]:
        """For the vectors at the given places: how many chunks came, and the k best of them. Nothing in another layout."""
        found = await self._connection.read(
            query,
            vectors=[to_vector(vectors[n]) for n in places],
            best=k + _SPARE,
            **layout.parameters,
            **queries.read_parameters(scope, filter),
            **values,
        )
        # The server takes the cosine; the port's score is the dot product, also for a vector that is not of unit length.
        lengths = np.linalg.norm(vectors, axis=1)
        return {places[n]: (total, _best(best, float(lengths[places[n]]), k)) for n, total, best in found}


def _best(scored: Iterable[tuple[str, float]], length: float, k: int) -> list[Hit]:
    """The k nearest to a vector of this length, of pairs (id, (1 + cosine) / 2); descending, ties ascending by id."""
    return ranked((Hit(id_, round((2 * score - 1) * length, SCORE_DECIMALS)) for id_, score in scored), k)
