"""The port to all knowledge. One contract suite (tests/contracts) runs against every implementation.

Rules that hold for every method:

- Each takes the caller's `Scope` first and reads or changes nothing outside it: a chunk is visible when its document is,
  an entity through at least one visible chunk, a relation through its chunk. Counts, names and frequencies are computed
  from visible contributions alone, so invisible data changes nothing that is returned.
- A method that takes a `Filter` narrows what is visible further, to the documents that match.
- Ids that do not exist, or are not visible, are left out of the result; nothing is raised.
- Duplicate ids or terms in an argument count once.
- A limit of 0 or less leaves nothing of what it limits, and negative hops reach nothing; nothing is raised.
- A filter on a field that the store was not told to make filterable raises InputError, which names those that are.
- Any string may be asked for. One that is not valid Unicode (half a surrogate pair) finds nothing or raises InputError.
- A read sees each document all-old or all-new, and sees every write that was acknowledged before it began, whichever
  process made it.
- Failures of the database are raised as StoreError.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graphrag.extraction.resolution import UNDECIDED, Decided
from graphrag.filters import Filter
from graphrag.stores.moving import Moves
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
SCORE_DECIMALS = 6
"""Similarities are rounded: beyond it, float32 dot products differ with the place of a row in the matrix."""


class GraphStore(Protocol):
    """Where documents and their graph live."""

    @property
    def location(self) -> str:
        """Where the data is, for people: a file path or a server address, without credentials."""
        ...

    @property
    def moves(self) -> Moves:
        """Moving the whole store, of all tenants, to another embedding model."""
        ...

    async def bind(self, fingerprints: Fingerprints) -> None:
        """Record which models made the vectors, or check against what is recorded.

        Raises:
            SchemaMismatchError: the store was filled with another model; says which one and what to do.
        """
        ...

    async def fingerprints(self) -> Fingerprints | None:
        """Which models made the vectors; None while the store is not bound."""
        ...

    async def write(self, scope: Scope, batch: GraphBatch, *, lease: Lease | None = None) -> WriteOutcome:
        """Store one document and all it contributes in one transaction, replacing what it contributed before.

        A no-op if the *stored* document of that id is complete and has an equal fingerprint: the rest of the batch is not
        even looked at. `created_at` and `updated_at` of the batch are ignored. When this returns, the write survives a
        crash and loss of power. With a lease, the write happens only while that worker holds the job, checked inside the
        transaction.

        Raises:
            LeaseLostError: the lease is no longer held.
            SchemaMismatchError: the store records other models by now than those this object was bound to.
            InputError: nothing was written, because
                the document is not in the scope (its tenant, or an access label the scope does not hold);
                a document of that id exists that the scope does not see;
                metadata is not allowed (graphrag.types.check_metadata), or a text is not valid Unicode;
                the document has more than MAX_CHUNKS_PER_DOCUMENT chunks, or its length or count is not that of what
                comes with it;
                a chunk or relation belongs to another document, has an id that one of another document has (of any
                tenant), or an id that comes twice;
                a chunk is not the span of the text that it says, or its core and what stands in it (sentences, mentions,
                headings, pages) are not spans and offsets of it; its sentences, or its phrases or mentions by key, are not
                strictly ascending, or a mention's entity id is not that of tenant and key;
                the evidence of a relation is not a span of the text; a position, page, part or count is no number from 0 to
                2^63 - 1;
                a relation's subject or object is not mentioned in its chunk;
                a vector is missing, not finite, not of unit length (chunk vectors), or not of the dimension that the
                store holds. The dimensions are those of the first vectors written, until the store is moved to another model.
        """
        ...

    async def write_many(
        self, scope: Scope, batches: Sequence[GraphBatch], *, lease: Lease | None = None
    ) -> list[WriteOutcome]:
        """As `write` for each of several documents, all of them in one transaction: either all are stored or none.

        A transaction costs far more than a small document, so this is how many are written.

        Returns:
            What became of each, in their order.

        Raises:
            As write; InputError too when a document, chunk or relation id comes twice in different batches.
        """
        ...

    async def delete_documents(self, scope: Scope, ids: Sequence[str], *, lease: Lease | None = None) -> int:
        """Remove documents and all they contributed, each whole. Returns how many existed and were visible.

        Few documents are one transaction; a store may take several for many. What a call that fails has removed by then
        stays removed, and calling it again removes the rest.

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
        """Documents ascending by id, those with an id greater than `after`, at most `limit`.

        All conditions hold together: with `ids`, too, `after` and `limit` apply. `source_prefix` is taken literally.
        """
        ...

    async def texts(self, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
        """Full text by document id."""
        ...

    async def text_between(self, scope: Scope, id: str, start: int, end: int) -> tuple[int, str] | None:
        """How many characters a document's text has, and those from `start` to `end`, cut to what there is. None without such a
        document. No more of the text leaves the database.
        """
        ...

    async def chunk_ids(self, scope: Scope, document_id: str) -> list[str]:
        """Ids of a document's chunks, ascending by position."""
        ...

    async def chunks(self, scope: Scope, ids: Sequence[str], filter: Filter | None = None) -> list[Chunk]:
        """Chunks in the order of `ids`."""
        ...

    async def chunks_with_vectors(
        self, scope: Scope, ids: Sequence[str], filter: Filter | None = None
    ) -> list[tuple[Chunk, ChunkVectors]]:
        """Chunks in the order of `ids`, each with its embeddings, as they were at one moment.

        Raises:
            SchemaMismatchError: as write.
        """
        ...

    async def nearest_chunks(
        self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None = None
    ) -> list[list[Hit]]:
        """The `k` chunks nearest to each vector by cosine similarity (the score), descending, ties ascending by id.

        Args:
            scope: who is asking.
            vectors: `(n, dim)` unit length; one result list for each row.
            k: 1 to MAX_K; fewer hits come back only where fewer chunks are visible.
            filter: see the module.

        Raises:
            SchemaMismatchError: as write.
            InputError: `k` is out of range, or a vector is not finite or of another dimension than the stored ones.
        """
        ...

    async def search_chunks(
        self,
        scope: Scope,
        terms: Sequence[str],
        k: int,
        filter: Filter | None = None,
        *,
        statistics: TermStatistics | None = None,
    ) -> list[TermHit]:
        """The `k` best BM25 candidates that hold at least one of the analysed terms, ascending by id.

        The statistics of BM25 are those of `term_statistics`: over all that the scope sees, filter or not. The filter
        narrows which chunks are scored. Equal scores are cut ascending by id.
        The order of hits is computed above the port from `terms` and `term_statistics` (graphrag.retrieval.keyword).

        Args:
            scope: who is asking.
            terms: repetitions count once.
            k: 1 to MAX_K.
            filter: see the module.
            statistics: what `term_statistics` gave for these terms and this scope, if the caller has it: a store that would have to
                look it up need not.

        Raises:
            InputError: `k` is not 1 to MAX_K.
        """
        ...

    async def term_statistics(self, scope: Scope, terms: Sequence[str]) -> TermStatistics:
        """Corpus statistics over all visible chunks, for the given terms."""
        ...

    async def find_entities(
        self, scope: Scope, *, keys: Sequence[str] = (), blocks: Sequence[str] = (), prefix: str = "", limit: int = 100
    ) -> list[Entity]:
        """Visible entities that one of the three selects, by mention count descending, then id; at most `limit`.

        Args:
            scope: who is asking.
            keys: selects entities by key.
            blocks: selects entities that fall into one of these (graphrag.extraction.resolution.blocking_keys).
            prefix: selects entities whose key, or the part of it from some word on, starts with this text, folded as
                keys are (graphrag.analysis.fold). It may be of several words; empty, it selects nothing.
            limit: how many at most.
        """
        ...

    async def entities(self, scope: Scope, ids: Sequence[str]) -> list[Entity]:
        """Entities in the order of `ids`. Name and type weigh each mention by its `count`, as `mention_count` does."""
        ...

    async def chunks_mentioning(
        self,
        scope: Scope,
        entity_ids: Sequence[str],
        limit: int,
        filter: Filter | None = None,
        *,
        rare: bool = False,
    ) -> list[Occurrences]:
        """For each entity that is visible under the filter, its chunk count and the first `limit` chunks.

        In the order of `entity_ids`. The count is of all such chunks, whatever the limit. With `rare`, an entity in more than
        `limit` chunks comes without any: for who passes over the common ones, which have the most.
        """
        ...

    async def title_links(
        self, scope: Scope, chunk_ids: Sequence[str], limit: int, filter: Filter | None = None
    ) -> list[TitleLink]:
        """Links "a phrase of `source` is the key of what `target` is about", from each of the chunks.

        A chunk is about the entities it mentions with role `subject`. Both ends are visible and pass the filter, and
        the source is not itself about the key. Within a source only longest matches count: a phrase that is the key of a
        visible subject is covered, and makes no link, when one longer match (a phrase that is the key of a visible
        subject, too, be it of the source itself) contains it as a run of whole tokens and stands in every sentence in
        which the phrase stands; see graphrag.analysis.longest_matches.

        The first `limit` links out of each chunk, ascending by (source, target, key), without duplicates.
        """
        ...

    async def entity_ids(self, scope: Scope, *, after: str = "", limit: int = 1000) -> list[str]:
        """Ids of visible entities, ascending, those greater than `after`, at most `limit`."""
        ...

    async def neighbourhood(
        self, scope: Scope, seeds: Sequence[str], hops: int, limit: int, *, decided: Decided = UNDECIDED
    ) -> Subgraph:
        """Entities within `hops` steps of the seed entities, with the relations and SAME_AS links among them.

        A step follows a visible relation in either direction or a SAME_AS link: one that is derived and not split, or a
        merge. Of what is decided only pairs of which both are visible count. Entities are taken hop by hop, within a
        hop by mention count descending, then id, until there are `limit`. With 0 hops these are the seeds.
        """
        ...

    async def statistics(self, scope: Scope) -> Statistics:
        """Counts of what the scope sees. `mentions` counts Mention values (one entity in one chunk), not their spans."""
        ...

    def export(self, scope: Scope, *, ids: Sequence[str] | None = None) -> AsyncIterator[GraphBatch]:
        """All visible documents, or those of the ids, with their contributions, ascending by document id.

        Not one snapshot, but each document is: writes that end meanwhile are in it or not, document by document, and
        what is no longer visible when its turn comes is left out.

        Raises:
            SchemaMismatchError: the store was moved to another model meanwhile: begin again.
        """
        ...

    async def revision(self) -> int:
        """A number that grows with every write that changed something, in any process."""
        ...
