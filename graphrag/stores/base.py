"""The port to all knowledge. One contract suite (tests/contracts) runs against every implementation.

Rules that hold for every method:

- Each takes the caller's `Scope` first and reads or changes nothing outside it: a chunk is visible when its document is,
  an entity through at least one visible chunk, a relation through its chunk. Counts, names and frequencies are computed
  from visible contributions alone, so invisible data changes nothing that is returned.
- A method that takes a `Filter` narrows what is visible further, to the documents that match.
- Ids that do not exist, or are not visible, are left out of the result; nothing is raised.
- Duplicate ids in an argument count once.
- A read sees each document all-old or all-new, and sees every write that was acknowledged before it began, whichever
  process made it.
- Failures of the database are raised as StoreError.
"""

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from graphrag.filters import Filter
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
)

MAX_K = 1_000
"""Largest `k` of a search."""


class GraphStore(Protocol):
    """Where documents and their graph live."""

    @property
    def location(self) -> str:
        """Where the data is, for people: a file path or a server address, without credentials."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def bind(self, fingerprints: Fingerprints) -> None:
        """Record which models made the vectors, or check against what is recorded.

        Raises:
            SchemaMismatchError: the store was filled with another model; says which one and what to do.
        """
        ...

    async def write(self, scope: Scope, batch: GraphBatch, *, lease: Lease | None = None) -> WriteOutcome:
        """Store one document and all it contributes in one transaction, replacing what it contributed before.

        With an equal fingerprint and a complete document this is a no-op. `created_at` and `updated_at` of the batch are ignored.
        With a lease, the write happens only while that worker holds the job, checked inside the transaction.

        Raises:
            LeaseLostError: the lease is no longer held.
            InputError: the document is not in the scope (its tenant, or an access label the scope does not hold), or
                a document of that id exists that the scope does not see.
        """
        ...

    async def delete_documents(self, scope: Scope, ids: Sequence[str], *, lease: Lease | None = None) -> int:
        """Remove documents and all they contributed, in one transaction. Returns how many existed and were visible.

        Raises:
            LeaseLostError: a lease was given and is no longer held.
        """
        ...

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
        """Documents ascending by id, those with an id greater than `after`, at most `limit`."""
        ...

    async def texts(self, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
        """Full text by document id."""
        ...

    async def chunk_ids(self, scope: Scope, document_id: str) -> list[str]:
        """Ids of a document's chunks, ascending by position."""
        ...

    async def chunks(self, scope: Scope, ids: Sequence[str], filter: Filter | None = None) -> list[Chunk]:
        """Chunks in the order of `ids`."""
        ...

    async def chunk_vectors(
        self, scope: Scope, ids: Sequence[str], filter: Filter | None = None
    ) -> dict[str, ChunkVectors]:
        """Embeddings by chunk id."""
        ...

    async def nearest_chunks(
        self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None = None
    ) -> list[list[Hit]]:
        """The `k` chunks nearest to each vector by cosine similarity (the score), descending, ties ascending by id.

        Args:
            vectors: `(n, dim)` unit length; one result list for each row.
            k: 1 to MAX_K; fewer hits come back only where fewer chunks are visible.
        """
        ...

    async def search_chunks(
        self, scope: Scope, terms: Sequence[str], k: int, filter: Filter | None = None
    ) -> list[TermHit]:
        """The `k` best BM25 candidates that hold at least one of the analysed terms, ascending by id.

        The order of hits is computed above the port from `terms` and `term_statistics` (graphrag.retrieval.keyword).
        """
        ...

    async def term_statistics(self, scope: Scope, terms: Sequence[str]) -> TermStatistics:
        """Corpus statistics over all visible chunks, for the given terms."""
        ...

    async def find_entities(
        self, scope: Scope, *, keys: Sequence[str] = (), blocks: Sequence[str] = (), prefix: str = "", limit: int = 100
    ) -> list[Entity]:
        """Visible entities whose key is in `keys`, or that share one of the `blocks` (graphrag.extraction.resolution),
        or whose key or a word of it starts with `prefix`; by mention count descending, then id; at most `limit`."""
        ...

    async def entities(self, scope: Scope, ids: Sequence[str]) -> list[Entity]:
        """Entities in the order of `ids`."""
        ...

    async def chunks_mentioning(
        self, scope: Scope, entity_ids: Sequence[str], limit: int, filter: Filter | None = None
    ) -> list[Occurrences]:
        """For each entity that is visible under the filter, its chunk count and the first `limit` chunks; in the order of `entity_ids`."""
        ...

    async def title_links(
        self, scope: Scope, chunk_ids: Sequence[str], limit: int, filter: Filter | None = None
    ) -> list[TitleLink]:
        """Links "a phrase of `source` is the key of what `target` is about", from and to each of the chunks.

        A chunk is about the entities it mentions with role `subject`. Both ends are visible and pass the filter, and
        the source is not itself about the key. Within a source only longest matches count, see
        graphrag.analysis.longest_matches: a phrase is passed over where a longer one covers it and is the key of a
        visible subject too.
        At most `limit` links out of and `limit` links into each chunk, the first ones ascending by (source, target, key).
        Result ascending by (source, target, key), without duplicates.
        """
        ...

    async def neighbourhood(self, scope: Scope, seeds: Sequence[str], hops: int, limit: int) -> Subgraph:
        """Entities within `hops` steps of the seed entities, with the relations and SAME_AS links among them.

        A step follows a visible relation in either direction or a SAME_AS link. Entities are taken hop by hop, within a
        hop by mention count descending, then id, until there are `limit`.
        """
        ...

    async def statistics(self, scope: Scope) -> Statistics:
        """Counts of what the scope sees."""
        ...

    def export(self, scope: Scope) -> AsyncIterator[GraphBatch]:
        """All visible documents with their contributions, ascending by document id."""
        ...

    async def revision(self) -> int:
        """A number that grows with every write that changed something, in any process."""
        ...


