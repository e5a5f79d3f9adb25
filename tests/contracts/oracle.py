"""The GraphStore port as an executable specification: naive, slow, and short enough to be checked by reading.

There is one list of batches and no index. Every read first computes the batches that the caller sees and then works on
those alone, so that nothing invisible can take part by construction. Where graphrag/stores/base.py leaves a choice
open, the comment `Reading:` says which one the contract suite settles on. Leases are taken and not checked: they are
of the SystemStore's contract.
"""

import math
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from graphrag.analysis import fold
from graphrag.errors import InputError, SchemaMismatchError
from graphrag.extraction.resolution import UNDECIDED, Decided, blocking_keys, links_among
from graphrag.filters import Filter, check_field
from graphrag.stores.base import MAX_K
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
    check_metadata,
    entity_id,
    is_text,
)
from tests.contracts.derived import (
    by_mentions,
    chunks_of,
    entities_of,
    mentions_of,
    strings_in,
    term_statistics_of,
    title_links_among,
    vectors_of,
)
from tests.contracts.generate import FIELDS

BM25_K1 = 1.2
BM25_B = 0.75


class OracleStore:
    """GraphStore over a dictionary of batches."""

    def __init__(self, filter_fields: frozenset[str] = FIELDS) -> None:
        self._filter_fields = filter_fields
        self._batches: dict[str, GraphBatch] = {}
        self._fingerprints: Fingerprints | None = None
        self._revision = 0

    @property
    def location(self) -> str:
        """Nowhere: the data ends with the object."""
        return "memory"

    async def bind(self, fingerprints: Fingerprints) -> None:
        """Record or check the models."""
        if self._fingerprints is None:
            self._fingerprints = fingerprints
        elif self._fingerprints != fingerprints:
            raise SchemaMismatchError(f"the store holds {self._fingerprints}, the settings say {fingerprints}")

    async def fingerprints(self) -> Fingerprints | None:
        return self._fingerprints

    async def write(self, scope: Scope, batch: GraphBatch, *, lease: Lease | None = None) -> WriteOutcome:
        """Check everything, then replace the one batch."""
        document = batch.document
        stored = self._batches.get(document.id)
        if not scope.sees(document.tenant, document.access):
            raise InputError(f"document {document.source!r} is not in the scope {scope}")
        if stored is not None and not scope.sees(stored.document.tenant, stored.document.access):
            raise InputError(f"document {document.source!r} exists already, outside the scope {scope}")
        # Reading: what must be complete is the stored document; a partial one is always written again.
        if stored and stored.document.fingerprint == document.fingerprint and stored.document.state == "complete":
            return "unchanged"
        if not all(is_text(text) for text in strings_in(batch)):
            raise InputError("half a surrogate pair")
        check_metadata(document.metadata)
        self._check_ids(batch)
        self._check_parts(batch)
        self._check_vectors(batch)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        created = stored.document.created_at if stored else now
        self._batches[document.id] = replace(batch, document=replace(document, created_at=created, updated_at=now))
        self._revision += 1
        return "updated" if stored else "created"

    async def write_many(
        self, scope: Scope, batches: Sequence[GraphBatch], *, lease: Lease | None = None
    ) -> list[WriteOutcome]:
        """One after the other, and back to what was there if one is refused."""
        before = (dict(self._batches), self._revision)
        if len({batch.document.id for batch in batches}) < len(batches):
            raise InputError("a document comes twice")
        try:
            return [await self.write(scope, batch, lease=lease) for batch in batches]
        except InputError:
            self._batches, self._revision = before
            raise

    def _check_ids(self, batch: GraphBatch) -> None:
        """Ids are global, so a batch must not bring along what belongs to another document."""
        others = [other for id_, other in self._batches.items() if id_ != batch.document.id]
        taken = {held.id for other in others for held in (*other.chunks, *other.relations)}
        ids = [held.id for held in (*batch.chunks, *batch.relations)]
        if len(set(ids)) < len(ids) or taken & set(ids):
            raise InputError("a chunk or relation id is used twice")
        if any(held.document_id != batch.document.id for held in (*batch.chunks, *batch.relations)):
            raise InputError("a chunk or relation belongs to another document")

    def _check_parts(self, batch: GraphBatch) -> None:
        document = batch.document
        if (document.length, document.chunk_count) != (len(batch.text), len(batch.chunks)):
            raise InputError("the document's length or count is wrong")
        for chunk in batch.chunks:
            if batch.text[chunk.start : chunk.end] != chunk.text:
                raise InputError("a chunk is not a span of the text")
            within = [span for mention in chunk.mentions for span in mention.spans]
            offsets = [chunk.start, chunk.core_start, *sum(chunk.sentences, ()), chunk.end]
            if offsets != sorted(offsets) or not 0 <= chunk.start <= chunk.end <= len(batch.text):
                raise InputError("a chunk's offsets are not ascending")
            if any(start >= end for start, end in (*chunk.sentences, *within)):
                raise InputError("a sentence or mention is empty")
            if any(start < chunk.start or end > chunk.end for start, end in within):
                raise InputError("a mention is outside its chunk")
            marks = (*chunk.headings_within, *chunk.pages_within)
            if any(at < chunk.core_start or at > chunk.end for at, _ in marks):
                raise InputError("a heading or page is outside the core")
            pages = [page for _, page in chunk.pages_within]
            numbers = [document.part, chunk.position, chunk.page or 0, chunk.token_count, *pages]
            if min(numbers) < 0 or max(numbers) >= 2**63:
                raise InputError("a number cannot be stored")
            for keys in (list(chunk.phrases), [mention.key for mention in chunk.mentions]):
                if keys != sorted(set(keys)):
                    raise InputError("phrases or mentions are not ascending, each key once")
            if any(mention.entity_id != entity_id(document.tenant, mention.key) for mention in chunk.mentions):
                raise InputError("an entity id is not that of its key")
        mentioned = {chunk.id: {mention.entity_id for mention in chunk.mentions} for chunk in batch.chunks}
        for relation in batch.relations:
            if not {relation.subject_id, relation.object_id} <= mentioned.get(relation.chunk_id, set()):
                raise InputError("a relation's end is not mentioned in its chunk")
            if not 0 <= relation.start < relation.end <= len(batch.text):
                raise InputError("the evidence is not a span of the text")

    def _check_vectors(self, batch: GraphBatch) -> None:
        if len(batch.vectors) != len(batch.chunks):
            raise InputError(f"{len(batch.chunks)} chunks come with {len(batch.vectors)} vectors")
        others = [other for id_, other in self._batches.items() if id_ != batch.document.id]
        chunk_shapes = {v.chunk.shape for b in (*others, batch) for v in b.vectors}
        sentence_sizes = {v.sentences.shape[1:] for b in (*others, batch) for v in b.vectors if len(v.sentences)}
        if len(chunk_shapes) > 1 or any(len(shape) != 1 for shape in chunk_shapes):
            raise InputError(f"vectors of different dimensions: {chunk_shapes}")
        if len(sentence_sizes) > 1 or any(len(size) != 1 for size in sentence_sizes):
            raise InputError(f"sentence vectors of different dimensions: {sentence_sizes}")
        for chunk, vectors in zip(batch.chunks, batch.vectors, strict=True):
            if len(vectors.sentences) != len(chunk.sentences):
                raise InputError(f"{len(chunk.sentences)} sentences come with {len(vectors.sentences)} vectors")
            if not np.isfinite(vectors.chunk).all() or not np.isfinite(vectors.sentences).all():
                raise InputError("a vector is not finite")
            if abs(float(np.linalg.norm(vectors.chunk)) - 1) > 1e-3:
                raise InputError("a vector is not of unit length")

    async def delete_documents(self, scope: Scope, ids: Sequence[str], *, lease: Lease | None = None) -> int:
        """Drop the visible ones."""
        found = [batch.document.id for batch in self._visible(scope) if batch.document.id in ids]
        for id_ in found:
            del self._batches[id_]
        if found:
            self._revision += 1
        return len(found)

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
        """All conditions hold together."""
        found = [
            batch.document
            for batch in self._visible(scope, filter)
            if (ids is None or batch.document.id in ids)
            and batch.document.source.startswith(source_prefix)
            and batch.document.id > after
        ]
        return found[: max(0, limit)]

    async def texts(self, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
        """Text by document id."""
        return {batch.document.id: batch.text for batch in self._visible(scope) if batch.document.id in ids}

    async def text_between(self, scope: Scope, id: str, start: int, end: int) -> tuple[int, str] | None:
        """Length, and a part of the text."""
        text = (await self.texts(scope, [id])).get(id)
        return None if text is None else (len(text), text[max(0, start) : max(0, start, end)])

    async def chunk_ids(self, scope: Scope, document_id: str) -> list[str]:
        """Ids by position."""
        chunks = [chunk for chunk in chunks_of(self._visible(scope)) if chunk.document_id == document_id]
        return [chunk.id for chunk in sorted(chunks, key=lambda chunk: chunk.position)]

    async def chunks(self, scope: Scope, ids: Sequence[str], filter: Filter | None = None) -> list[Chunk]:
        """In the order of `ids`."""
        by_id = {chunk.id: chunk for chunk in chunks_of(self._visible(scope, filter))}
        return [by_id[id_] for id_ in dict.fromkeys(ids) if id_ in by_id]

    async def chunks_with_vectors(
        self, scope: Scope, ids: Sequence[str], filter: Filter | None = None
    ) -> list[tuple[Chunk, ChunkVectors]]:
        """In the order of `ids`."""
        held = vectors_of(self._visible(scope, filter))
        return [(chunk, held[chunk.id]) for chunk in await self.chunks(scope, ids, filter)]

    async def nearest_chunks(
        self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None = None
    ) -> list[list[Hit]]:
        """Every chunk is scored, one dot product each, so that equal vectors have equal scores to the last bit."""
        _check_k(k)
        stored = vectors_of(self._visible(scope, filter))
        sizes = {held.chunk.shape for batch in self._batches.values() for held in batch.vectors}
        if vectors.ndim != 2 or not np.isfinite(vectors).all() or (sizes and vectors.shape[1:] not in sizes):
            raise InputError(f"query vectors of shape {vectors.shape}, expected finite ones with one of {sizes}")
        results: list[list[Hit]] = []
        for row in vectors:
            hits = [Hit(id_, float(np.dot(row, held.chunk))) for id_, held in stored.items()]
            results.append(sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:k])
        return results

    async def search_chunks(
        self,
        scope: Scope,
        terms: Sequence[str],
        k: int,
        filter: Filter | None = None,
        *,
        statistics: TermStatistics | None = None,
    ) -> list[TermHit]:
        """The `k` best of `keyword_scores`, ties ascending by id."""
        _check_k(k)
        scores = self.keyword_scores(scope, terms, filter)
        best = sorted(scores, key=lambda id_: (-scores[id_], id_))[:k]
        by_id = {chunk.id: chunk for chunk in chunks_of(self._visible(scope, filter))}
        return [TermHit(id_, by_id[id_].terms) for id_ in sorted(best)]

    def keyword_scores(self, scope: Scope, terms: Sequence[str], filter: Filter | None) -> dict[str, float]:
        """BM25 by chunk id, for the chunks that hold at least one of the terms.

        Reading: a term given twice counts once, and a filter narrows which chunks are scored but not the statistics,
        because the order above the port is computed from `term_statistics`, which knows no filter.
        """
        statistics = term_statistics_of(chunks_of(self._visible(scope)), terms)
        scores: dict[str, float] = {}
        for chunk in chunks_of(self._visible(scope, filter)):
            counts = Counter(chunk.terms.split())
            for term in set(terms) & set(counts):
                seen, tf = statistics.frequency[term], counts[term]
                idf = math.log(1 + (statistics.chunks - seen + 0.5) / (seen + 0.5))
                norm = 1 - BM25_B + BM25_B * counts.total() / statistics.average_length
                scores[chunk.id] = scores.get(chunk.id, 0.0) + idf * tf * (BM25_K1 + 1) / (tf + BM25_K1 * norm)
        return scores

    async def term_statistics(self, scope: Scope, terms: Sequence[str]) -> TermStatistics:
        """Over all visible chunks."""
        return term_statistics_of(chunks_of(self._visible(scope)), terms)

    async def find_entities(
        self, scope: Scope, *, keys: Sequence[str] = (), blocks: Sequence[str] = (), prefix: str = "", limit: int = 100
    ) -> list[Entity]:
        """Any of the three selects; an empty prefix selects nothing.

        Reading: a prefix of several words may start at any word, as one of a single word may.
        """
        start = f" {fold(prefix)}"
        found = [
            entity
            for entity in entities_of(self._visible(scope)).values()
            if entity.key in keys
            or set(blocking_keys(entity.key)) & set(blocks)
            or (prefix and start in f" {entity.key}")
        ]
        return sorted(found, key=by_mentions)[: max(0, limit)]

    async def entities(self, scope: Scope, ids: Sequence[str]) -> list[Entity]:
        """In the order of `ids`."""
        by_id = entities_of(self._visible(scope))
        return [by_id[id_] for id_ in dict.fromkeys(ids) if id_ in by_id]

    async def chunks_mentioning(
        self,
        scope: Scope,
        entity_ids: Sequence[str],
        limit: int,
        filter: Filter | None = None,
        *,
        rare: bool = False,
    ) -> list[Occurrences]:
        """In the order of `entity_ids`."""
        chunks: defaultdict[str, list[str]] = defaultdict(list)
        for chunk, mention in mentions_of(self._visible(scope, filter)):
            chunks[mention.entity_id].append(chunk.id)
        return [
            Occurrences(
                id_,
                len(chunks[id_]),
                () if rare and len(chunks[id_]) > limit else tuple(sorted(chunks[id_])[: max(0, limit)]),
            )
            for id_ in dict.fromkeys(entity_ids)
            if id_ in chunks
        ]

    async def title_links(
        self, scope: Scope, chunk_ids: Sequence[str], limit: int, filter: Filter | None = None
    ) -> list[TitleLink]:
        """All links of the visible part, then those from the given chunks.

        Reading: the limit holds for each chunk on its own; and a longer phrase covers a shorter one even where the source is
        itself about the longer one.
        """
        links = title_links_among(list(chunks_of(self._visible(scope, filter))))
        found: set[tuple[str, str, str]] = set()
        for id_ in chunk_ids:
            found.update(sorted(link for link in links if link[0] == id_)[: max(0, limit)])
        return [TitleLink(*link) for link in sorted(found)]

    async def entity_ids(self, scope: Scope, *, after: str = "", limit: int = 1000) -> list[str]:
        """Ascending."""
        return sorted(id_ for id_ in entities_of(self._visible(scope)) if id_ > after)[: max(0, limit)]

    async def neighbourhood(
        self, scope: Scope, seeds: Sequence[str], hops: int, limit: int, *, decided: Decided = UNDECIDED
    ) -> Subgraph:
        """Breadth first; each hop is sorted before the limit cuts it."""
        visible = self._visible(scope)
        entities = entities_of(visible)
        relations = [relation for batch in visible for relation in batch.relations]
        same_as = links_among(entities.values(), decided)
        steps = [(r.subject_id, r.object_id) for r in relations] + [(link.a, link.b) for link in same_as]

        taken: list[Entity] = []
        reached = {id_ for id_ in seeds if id_ in entities}
        fringe = reached
        for hop in range(hops + 1):
            taken += sorted((entities[id_] for id_ in fringe), key=by_mentions)
            if hop == hops or len(taken) >= limit:
                break
            beyond = {b for a, b in steps if a in fringe} | {a for a, b in steps if b in fringe}
            fringe = {id_ for id_ in beyond - reached if id_ in entities}
            reached = reached | fringe
        kept = {entity.id: entity for entity in taken[: max(0, limit)]}
        return Subgraph(
            entities=[kept[id_] for id_ in sorted(kept)],
            relations=sorted(
                (r for r in relations if r.subject_id in kept and r.object_id in kept), key=lambda relation: relation.id
            ),
            same_as=[link for link in same_as if link.a in kept and link.b in kept],
        )

    async def statistics(self, scope: Scope) -> Statistics:
        """Reading: `mentions` counts Mention values (one entity in one chunk), not their spans."""
        visible = self._visible(scope)
        return Statistics(
            documents=len(visible),
            chunks=len(list(chunks_of(visible))),
            entities=len(entities_of(visible)),
            mentions=len(list(mentions_of(visible))),
            relations=sum(len(batch.relations) for batch in visible),
        )

    async def export(self, scope: Scope, *, ids: Sequence[str] | None = None) -> AsyncIterator[GraphBatch]:
        """The visible batches as they were written."""
        for batch in self._visible(scope):
            if ids is None or batch.document.id in ids:
                yield batch

    async def revision(self) -> int:
        """Number of writes that changed something."""
        return self._revision

    def _visible(self, scope: Scope, filter: Filter | None = None) -> list[GraphBatch]:
        """The one place where visibility is decided."""
        for condition in filter.conditions if filter else ():
            check_field(condition.field, self._filter_fields)
        return [
            batch
            for _, batch in sorted(self._batches.items())
            if scope.sees(batch.document.tenant, batch.document.access)
            and (filter is None or filter.matches(batch.document.metadata))
        ]


def _check_k(k: int) -> None:
    if not 1 <= k <= MAX_K:
        raise InputError(f"k is {k}, not 1 to {MAX_K}")
