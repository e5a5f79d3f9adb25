"""What the embedded store keeps in memory: exact vectors, BM25 postings, entity postings, visibility.

Rows are append-only: a replaced or deleted chunk leaves a dead row behind, and the owner rebuilds the index when dead
rows outnumber live ones. The index belongs to one thread, but for a prepared search (MemoryIndex.nearest).
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from graphrag.bm25 import K1, B, idf
from graphrag.extraction.resolution import blocking_keys, may_be_same
from graphrag.filters import Filter
from graphrag.stores.base import SCORE_DECIMALS
from graphrag.stores.embedded.columns import MetadataColumn, fit, view
from graphrag.stores.embedded.postings import Postings
from graphrag.types import ALL_ACCESS, Entity, Hit, Mention, Metadata, Occurrences, Scope, ranked

_MENTION_STRIDE = 5  # row, count, surface code, type code, is subject
_FEW = 16
"""Mentions of an entity up to which arrays cost more than they save. Most entities have one or two."""


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """What the index needs of a stored chunk."""

    number: int
    """The chunk's integer key in the database."""
    id: str
    terms: str
    embedding: bytes
    phrases: str
    """As stored, see graphrag.stores.rows.decode_phrases."""
    mentions: Sequence[Mention]


@dataclass(slots=True)
class _Known:
    """An entity of one tenant, and its mentions."""

    number: int
    key: str
    tenant: int
    table: "array[int]" = field(default_factory=lambda: array("i"))
    """_MENTION_STRIDE numbers for each mention; rows ascend, and those of one document stand together."""


class _Interned:
    """Strings as small integers."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.names: list[str] = []

    def code(self, name: str) -> int:
        code = self.codes.get(name)
        if code is None:
            code = self.codes[name] = len(self.names)
            self.names.append(name)
        return code


class MemoryIndex:
    """In-memory indexes over all tenants; every read is narrowed by a visibility mask."""

    def __init__(self, filter_fields: Iterable[str]) -> None:
        self.chunk_ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self._numbers = array("q")
        self.phrases: list[str] = []
        """By row, as stored: few rows are ever asked for theirs, and objects for all would be a burden on every collection."""
        self.subject_keys: list[tuple[str, ...]] = []
        """By row: keys of what the chunk is about."""
        self.dead = 0
        self._vectors = np.zeros((0, 0), dtype=np.float32)
        self._lengths = np.zeros(64, dtype=np.int32)
        self._document_of = np.zeros(64, dtype=np.int32)
        self._alive = np.zeros(64, dtype=np.bool_)
        self._document_rows: dict[str, int] = {}
        self._document_ids: list[str] = []
        self._chunks_of: list[list[int]] = []
        self._tenant = np.zeros(64, dtype=np.int32)
        self._access = np.zeros(64, dtype=np.int32)
        self._labels = _Interned()
        self._texts = _Interned()
        self._columns = {field: MetadataColumn(field) for field in filter_fields}
        self._postings = Postings()
        self._entities: dict[str, _Known] = {}
        # By tenant: ids of its entities, ascending; made when they are listed, and again once there are others.
        self._ordered: dict[int, list[str]] = {}
        # Every mention once more, over all entities: row and entity number.
        self._mention_rows = array("i")
        self._mention_entities = array("i")
        # Beginnings of the chunk ids as numbers of the same order.
        self._prefixes = np.zeros(64, dtype=np.uint64)
        # By tenant and key: rows of the chunks that are about it.
        self._subjects: dict[int, dict[str, array[int]]] = {}
        self._blocks: dict[str, list[str]] | None = None
        self._masks: dict[tuple[Scope, Filter | None], NDArray[np.bool_]] = {}
        self._totals: dict[Scope, tuple[int, float]] = {}

    # Writing

    def put_document(
        self, id_: str, tenant: str, access: str, metadata: Metadata, chunks: Iterable[IndexedChunk]
    ) -> None:
        """Add a document, replacing what was known of it."""
        self.drop_document(id_)
        row = self._document_rows.get(id_)
        if row is None:
            row = self._document_rows[id_] = len(self._document_ids)
            self._document_ids.append(id_)
            self._chunks_of.append([])
        self._tenant = fit(self._tenant, row)
        self._access = fit(self._access, row)
        self._tenant[row] = self._labels.code(tenant)
        self._access[row] = self._labels.code(access)
        for column in self._columns.values():
            column.set(row, metadata)
        for chunk in chunks:
            self._put_chunk(row, chunk)
        self._forget_views()

    def drop_document(self, id_: str) -> None:
        """Forget a document's chunks; unknown ids are passed over."""
        row = self._document_rows.get(id_)
        if row is None:
            return
        for chunk in self._chunks_of[row]:
            self._alive[chunk] = False
            if self.row_of.get(self.chunk_ids[chunk]) == chunk:
                del self.row_of[self.chunk_ids[chunk]]
            self.phrases[chunk] = "{}"
            self.dead += 1
        self._chunks_of[row] = []
        self._forget_views()

    def _forget_views(self) -> None:
        self._masks.clear()
        self._totals.clear()

    def _put_chunk(self, document: int, chunk: IndexedChunk) -> None:
        row = len(self.chunk_ids)
        self.chunk_ids.append(chunk.id)
        self.row_of[chunk.id] = row
        self._numbers.append(chunk.number)
        self._chunks_of[document].append(row)
        self.phrases.append(chunk.phrases)
        self.subject_keys.append(tuple(mention.key for mention in chunk.mentions if mention.role == "subject"))
        vector = np.frombuffer(chunk.embedding, dtype="<f4")
        if row >= len(self._vectors):
            grown = np.zeros((max(64, row * 2), len(vector)), dtype=np.float32)
            grown[: len(self._vectors), : self._vectors.shape[1]] = self._vectors
            self._vectors = grown
        self._vectors[row] = vector
        words = chunk.terms.split()
        self._lengths = fit(self._lengths, row)
        self._document_of = fit(self._document_of, row)
        self._alive = fit(self._alive, row)
        self._prefixes = fit(self._prefixes, row)
        self._prefixes[row] = int.from_bytes(chunk.id.encode()[:8].ljust(8, b"\0"), "big")
        self._lengths[row] = len(words)
        self._document_of[row] = document
        self._alive[row] = True
        self._postings.add(row, words)
        tenant = int(self._tenant[document])
        for mention in chunk.mentions:
            known = self._entities.get(mention.entity_id)
            if known is None:
                known = self._entities[mention.entity_id] = _Known(len(self._entities), mention.key, tenant)
                self._ordered.pop(tenant, None)
                if self._blocks is not None:
                    self._add_blocks(self._blocks, mention.entity_id, mention.key)
            subject = mention.role == "subject"
            known.table.extend(
                (row, mention.count, self._texts.code(mention.surface), self._texts.code(mention.type), subject)
            )
            self._mention_rows.append(row)
            self._mention_entities.append(known.number)
            if subject:
                self._subjects.setdefault(tenant, {}).setdefault(mention.key, array("i")).append(row)

    # Visibility

    def visible(self, scope: Scope, filter: Filter | None) -> NDArray[np.bool_]:
        """`(rows,)` which chunk rows the scope sees and the filter passes."""
        mask = self._masks.get((scope, filter))
        if mask is None:
            count = len(self._document_ids)
            documents = self._tenant[:count] == self._labels.codes.get(scope.tenant, -1)
            if ALL_ACCESS not in scope.access:
                held = [code for label, code in self._labels.codes.items() if label in scope.access]
                documents &= np.isin(self._access[:count], held)
            for condition in filter.conditions if filter else ():
                documents &= self._columns[condition.field].mask(condition, count)
            rows = len(self.chunk_ids)
            mask = self._alive[:rows] & documents[self._document_of[:rows]]
            if len(self._masks) >= 64:
                self._masks.clear()
            self._masks[scope, filter] = mask
        return mask

    def visible_ids(self, scope: Scope, ids: Iterable[str], filter: Filter | None) -> list[str]:
        """Those of the chunk ids that are visible, in order, once each."""
        mask = self.visible(scope, filter)
        rows = self.row_of
        return [id_ for id_ in dict.fromkeys(ids) if (row := rows.get(id_)) is not None and mask[row]]

    def counts(self, scope: Scope) -> tuple[int, int, int]:
        """Chunks, entities and mentions that the scope sees."""
        mask = self.visible(scope, None)
        seen = mask[view(self._mention_rows)]
        entities = self._mentioned(seen)
        return int(np.count_nonzero(mask)), int(np.count_nonzero(entities)), int(np.count_nonzero(seen))

    def _mentioned(self, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """`(entities,)` which entities one of the mentions names; `seen` picks mentions."""
        entities = np.zeros(len(self._entities), dtype=np.bool_)
        entities[view(self._mention_entities)[seen]] = True
        return entities

    def entity_ids(self, scope: Scope, after: str, limit: int) -> list[str]:
        """Ids of the entities that the scope sees, ascending, those greater than `after`, at most `limit`.

        Looks at no more entities than it takes to find them, once the tenant's are in order.
        """
        owner = self._labels.codes.get(scope.tenant, -1)
        ids = self._ordered.get(owner)
        if ids is None:
            ids = self._ordered[owner] = sorted(id_ for id_, known in self._entities.items() if known.tenant == owner)
        mask = self.visible(scope, None)
        rest = (ids[place] for place in range(bisect_right(ids, after), len(ids)))
        seen = (id_ for id_ in rest if mask[view(self._entities[id_].table, _MENTION_STRIDE)[:, 0]].any())
        return list(islice(seen, max(0, limit)))

    def _corpus(self, scope: Scope) -> tuple[int, float]:
        """Visible chunks and their average length in terms."""
        found = self._totals.get(scope)
        if found is None:
            mask = self.visible(scope, None)
            total = int(np.count_nonzero(mask))
            found = total, float(self._lengths[: len(mask)][mask].mean()) if total else 0.0
            self._totals[scope] = found
        return found

    # Search

    def nearest(
        self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None
    ) -> Callable[[], list[list[Hit]]]:
        """Exact nearest chunks for each vector; by score descending, then id.

        Returns the search, prepared: any thread may run it, since rows that are there do not change.
        """
        rows = np.flatnonzero(self.visible(scope, filter))
        every, ids = self._vectors[: len(self.chunk_ids)], self.chunk_ids

        def search() -> list[list[Hit]]:
            if not len(rows):
                return [[] for _ in vectors]
            # Copying rows is cheaper than scoring all only while few are visible.
            sparse = len(rows) < 0.3 * len(every)
            matrix = every[rows] if sparse else every
            # In this order: of several vectors, `vectors @ matrix.T` would copy the matrix into another layout.
            scores = np.round((matrix @ vectors.T).T, SCORE_DECIMALS)
            if not sparse:
                scores = scores[:, rows]
            return [_top(ids, rows, row, k) for row in scores]

        return search

    def best_matches(self, scope: Scope, terms: Collection[str], k: int, filter: Filter | None) -> list[str]:
        """Ids of the k best chunks by BM25 that hold at least one term, ascending; statistics over all that is visible."""
        corpus = self.visible(scope, None)
        mask = corpus if filter is None else self.visible(scope, filter)
        total, average = self._corpus(scope)
        if not average:  # no chunk, or none with a term
            return []
        # The part of the formula that does not depend on the term.
        norms = K1 * (1 - B + B * self._lengths[: len(corpus)] / average)
        scores = np.zeros(len(corpus))
        for term in sorted(set(terms)):
            rows, counts = self._postings.of(term).T
            seen = corpus[rows]
            rows, counts = rows[seen], counts[seen]
            weight = idf(total, len(rows)) * (K1 + 1)
            # A row stands at most once in a posting.
            scores[rows] += weight * counts / (counts + norms[rows])
        # Every term has a positive weight, so a chunk that holds one has a score above zero.
        found = np.flatnonzero((scores > 0) & mask)
        return sorted(hit.chunk_id for hit in _top(self.chunk_ids, found, np.round(scores[found], 9), k))

    def term_counts(self, scope: Scope, terms: Iterable[str]) -> tuple[int, float, dict[str, int]]:
        """Visible chunks, their average length in terms, and document frequencies."""
        mask = self.visible(scope, None)
        frequency = {term: int(np.count_nonzero(mask[self._postings.of(term)[:, 0]])) for term in terms}
        return (*self._corpus(scope), frequency)

    # Entities

    def entities(self, scope: Scope, ids: Iterable[str]) -> list[Entity]:
        """The entities as the scope sees them, in order; those it does not see are left out."""
        mask = self.visible(scope, None)
        found: list[Entity] = []
        for id_ in ids:
            known = self._entities.get(id_)
            if known is None:
                continue
            table = view(known.table, _MENTION_STRIDE)
            seen = mask[table[:, 0]]
            if not seen.all():
                table = table[seen]
                if not len(table):
                    continue
            rows, counts, surfaces, types, _ = table.T
            documents = self._document_of[rows]
            found.append(
                Entity(
                    id=id_,
                    key=known.key,
                    name=self._most_frequent(surfaces, counts),
                    type=self._most_frequent(types, counts, skip_empty=True),
                    mention_count=int(counts.sum()),
                    chunk_count=len(rows),
                    document_count=1 + int(np.count_nonzero(documents[1:] != documents[:-1])),
                )
            )
        return found

    def _most_frequent(self, codes: NDArray[np.int32], weights: NDArray[np.int32], *, skip_empty: bool = False) -> str:
        names = self._texts.names
        if (codes == codes[0]).all():
            return names[codes[0]]
        distinct, places = np.unique(codes, return_inverse=True)
        totals = np.bincount(places, weights=weights).tolist()
        held = [(-total, names[code]) for code, total in zip(distinct.tolist(), totals, strict=True)]
        return min((one for one in held if one[1] or not skip_empty), default=(0, ""))[1]

    def mentioning(
        self, scope: Scope, ids: Iterable[str], limit: int, filter: Filter | None, rare: bool
    ) -> list[Occurrences]:
        """For each of the entities that a visible chunk mentions: how many do, and the first `limit` of them; none of more
        than `limit`, if only rare entities matter.
        """

        def shown(count: int) -> int:
            return 0 if rare and count > limit else max(0, limit)

        mask = self.visible(scope, filter)
        found: list[Occurrences] = []
        for id_ in ids:
            known = self._entities.get(id_)
            if known is None:
                continue
            if len(known.table) <= _FEW * _MENTION_STRIDE:
                few = [self.chunk_ids[row] for row in known.table[::_MENTION_STRIDE] if mask.item(row)]
                count, first = len(few), tuple(sorted(few)[: shown(len(few))])
            else:
                rows = view(known.table, _MENTION_STRIDE)[:, 0]
                rows = rows[mask[rows]]
                count, first = len(rows), self.first_ids(rows, shown(len(rows)))
            if count:
                found.append(Occurrences(id_, count, first))
        return found

    def first_ids(self, rows: NDArray[np.int32], limit: int) -> tuple[str, ...]:
        """The first `limit` chunk ids of the rows, ascending."""
        if limit < 1:
            return ()
        if limit < len(rows):
            # Only what may be among the first is sorted as text: comparing numbers is much cheaper.
            prefixes = self._prefixes[rows]
            rows = rows[prefixes <= np.partition(prefixes, limit - 1)[limit - 1]]
        return tuple(sorted([self.chunk_ids[row] for row in rows.tolist()])[:limit])

    def subjects(self, tenant: str) -> Mapping[str, "array[int]"]:
        """What the tenant's chunks are about, with the rows of these chunks, visible or not, dead ones included."""
        return self._subjects.get(self._labels.codes.get(tenant, -1), {})

    def entities_with_prefix(self, tenant: str, prefix: str) -> list[str]:
        """Ids of the tenant's entities whose key, or a word of it, starts with the prefix."""
        owner = self._labels.codes.get(tenant, -1)
        inner = f" {prefix}"
        return [
            id_
            for id_, known in self._entities.items()
            if known.tenant == owner and (known.key.startswith(prefix) or inner in known.key)
        ]

    def entities_in_blocks(self, tenant: str, blocks: Collection[str]) -> list[str]:
        """Ids of the tenant's entities that fall into one of the blocks."""
        if not blocks:
            return []
        if self._blocks is None:  # built on first use: a question without name variants never needs it
            self._blocks = {}
            for id_, known in self._entities.items():
                self._add_blocks(self._blocks, id_, known.key)
        found = dict.fromkeys(id_ for block in blocks for id_ in self._blocks.get(block, ()))
        owner = self._labels.codes.get(tenant, -1)
        return [id_ for id_ in found if self._entities[id_].tenant == owner]

    def possible_variants(self, tenant: str, key: str) -> list[str]:
        """Ids of the tenant's entities that may be the same as the one with the key, by their keys."""
        candidates = self.entities_in_blocks(tenant, blocking_keys(key))
        return [id_ for id_ in candidates if may_be_same(key, self._entities[id_].key)]

    @staticmethod
    def _add_blocks(blocks: dict[str, list[str]], id_: str, key: str) -> None:
        for block in blocking_keys(key):
            blocks.setdefault(block, []).append(id_)

    def numbers(self, chunks: Iterable[str]) -> list[int]:
        """The integer keys of known chunks in the database."""
        return [self._numbers[self.row_of[id_]] for id_ in chunks]

    def vectors(self, chunks: Sequence[str]) -> NDArray[np.float32]:
        """`(len(chunks), dim)` embeddings of known chunks, a copy."""
        return self._vectors[[self.row_of[id_] for id_ in chunks]]


def _top(ids: list[str], rows: NDArray[np.int64], scores: NDArray[np.floating], k: int) -> list[Hit]:
    if len(scores) > k:
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        keep = scores >= threshold
        rows, scores = rows[keep], scores[keep]
    return ranked((Hit(ids[row], float(score)) for row, score in zip(rows, scores, strict=True)), k)
