"""What the embedded store keeps in memory: exact vectors, BM25 postings, entity postings, visibility.

Rows are append-only: a replaced or deleted chunk leaves a dead row behind, and the owner rebuilds the index when dead
rows outnumber live ones. The index belongs to one thread.
"""

from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from graphrag.extraction.resolution import blocking_keys
from graphrag.filters import Filter
from graphrag.bm25 import B, K1, idf
from graphrag.stores.embedded.columns import MetadataColumn
from graphrag.types import ALL_ACCESS, Entity, Hit, Mention, Metadata, Scope

_Number = TypeVar("_Number", bound=np.generic)
_MENTION_STRIDE = 5  # row, count, surface code, type code, is subject
_SCORE_DECIMALS = 6  # beyond it float32 dot products differ with the place of a row in the matrix


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """What the index needs of a stored chunk."""

    id: str
    terms: str
    embedding: bytes
    mentions: Sequence[Mention]


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
        self._postings: dict[str, array[int]] = {}
        self._mentions: dict[str, array[int]] = {}
        self._keys: dict[str, str] = {}
        self._tenant_of_entity: dict[str, int] = {}
        self._subjects: dict[tuple[int, str], array[int]] = {}
        self._blocks: dict[str, list[str]] | None = None
        self._masks: dict[tuple[Scope, Filter | None], NDArray[np.bool_]] = {}

    # Writing

    def put_document(self, id_: str, tenant: str, access: str, metadata: Metadata, chunks: Iterable[IndexedChunk]) -> None:
        """Add a document, replacing what was known of it."""
        self.drop_document(id_)
        row = self._document_rows.get(id_)
        if row is None:
            row = self._document_rows[id_] = len(self._document_ids)
            self._document_ids.append(id_)
            self._chunks_of.append([])
        self._tenant = _fit(self._tenant, row)
        self._access = _fit(self._access, row)
        self._tenant[row] = self._labels.code(tenant)
        self._access[row] = self._labels.code(access)
        for column in self._columns.values():
            column.set(row, metadata)
        for chunk in chunks:
            self._put_chunk(row, chunk)
        self._masks.clear()

    def drop_document(self, id_: str) -> None:
        """Forget a document's chunks; unknown ids are passed over."""
        row = self._document_rows.get(id_)
        if row is None:
            return
        for chunk in self._chunks_of[row]:
            self._alive[chunk] = False
            if self.row_of.get(self.chunk_ids[chunk]) == chunk:
                del self.row_of[self.chunk_ids[chunk]]
            self.dead += 1
        self._chunks_of[row] = []
        self._masks.clear()

    def _put_chunk(self, document: int, chunk: IndexedChunk) -> None:
        row = len(self.chunk_ids)
        self.chunk_ids.append(chunk.id)
        self.row_of[chunk.id] = row
        self._chunks_of[document].append(row)
        vector = np.frombuffer(chunk.embedding, dtype="<f4")
        if row >= len(self._vectors):
            grown = np.zeros((max(64, row * 2), len(vector)), dtype=np.float32)
            grown[: len(self._vectors), : self._vectors.shape[1]] = self._vectors
            self._vectors = grown
        self._vectors[row] = vector
        words = chunk.terms.split()
        self._lengths = _fit(self._lengths, row)
        self._document_of = _fit(self._document_of, row)
        self._alive = _fit(self._alive, row)
        self._lengths[row] = len(words)
        self._document_of[row] = document
        self._alive[row] = True
        counts: dict[str, int] = {}
        for word in words:
            counts[word] = counts.get(word, 0) + 1
        for word, count in counts.items():
            posting = self._postings.get(word)
            if posting is None:
                posting = self._postings[word] = array("i")
            posting.extend((row, count))
        tenant = int(self._tenant[document])
        for mention in chunk.mentions:
            posting = self._mentions.get(mention.entity_id)
            if posting is None:
                posting = self._mentions[mention.entity_id] = array("i")
                self._keys[mention.entity_id] = mention.key
                self._tenant_of_entity[mention.entity_id] = tenant
                if self._blocks is not None:
                    self._add_blocks(mention.entity_id, mention.key)
            subject = mention.role == "subject"
            posting.extend((row, mention.count, self._texts.code(mention.surface), self._texts.code(mention.type), subject))
            if subject:
                self._subjects.setdefault((tenant, mention.key), array("i")).append(row)

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
        tenant = self._labels.codes.get(scope.tenant, -1)
        entities = mentions = 0
        for id_, owner in self._tenant_of_entity.items():
            if owner == tenant:
                seen = int(np.count_nonzero(mask[self._table(id_)[:, 0]]))
                entities += seen > 0
                mentions += seen
        return int(np.count_nonzero(mask)), entities, mentions

    # Search

    def nearest(self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None) -> list[list[Hit]]:
        """Exact nearest chunks for each vector; by score descending, then id."""
        rows = np.flatnonzero(self.visible(scope, filter))
        if not len(rows):
            return [[] for _ in vectors]
        # Copying rows is cheaper than scoring all only while few are visible.
        sparse = len(rows) < 0.3 * len(self.chunk_ids)
        matrix = self._vectors[rows] if sparse else self._vectors[: len(self.chunk_ids)]
        scores = np.round(vectors @ matrix.T, _SCORE_DECIMALS)
        if not sparse:
            scores = scores[:, rows]
        return [self._top(rows, row, k) for row in scores]

    def _top(self, rows: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> list[Hit]:
        if len(scores) > k:
            threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
            keep = scores >= threshold
            rows, scores = rows[keep], scores[keep]
        hits = [Hit(self.chunk_ids[row], float(score)) for row, score in zip(rows, scores, strict=True)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:k]

    def best_matches(self, scope: Scope, terms: Collection[str], k: int, filter: Filter | None) -> list[str]:
        """Ids of the k best chunks by BM25 that hold at least one term, ascending; statistics over all that is visible."""
        corpus = self.visible(scope, None)
        mask = corpus if filter is None else self.visible(scope, filter)
        total = int(np.count_nonzero(corpus))
        if not total:
            return []
        lengths = self._lengths[: len(self.chunk_ids)]
        average = float(lengths[corpus].mean())
        scores = np.zeros(len(self.chunk_ids))
        matched = np.zeros(len(self.chunk_ids), dtype=np.bool_)
        for term in sorted(set(terms)):
            posting = self._postings.get(term)
            if posting is None:
                continue
            rows, counts = np.array(posting, dtype=np.int32).reshape(-1, 2).T
            seen = corpus[rows]
            rows, counts = rows[seen], counts[seen]
            weight = idf(total, len(rows))
            scores[rows] += weight * counts * (K1 + 1) / (counts + K1 * (1 - B + B * lengths[rows] / average))
            matched[rows] = True
        found = np.flatnonzero(matched & mask)
        return sorted(hit.chunk_id for hit in self._top(found, np.round(scores[found], 9), k))

    def term_counts(self, scope: Scope, terms: Iterable[str]) -> tuple[int, float, dict[str, int]]:
        """Visible chunks, their average length in terms, and document frequencies."""
        mask = self.visible(scope, None)
        total = int(np.count_nonzero(mask))
        average = float(self._lengths[: len(self.chunk_ids)][mask].mean()) if total else 0.0
        frequency: dict[str, int] = {}
        for term in terms:
            posting = self._postings.get(term)
            rows = np.array(posting, dtype=np.int32)[::2] if posting is not None else np.zeros(0, dtype=np.int32)
            frequency[term] = int(np.count_nonzero(mask[rows]))
        return total, average, frequency

    # Entities

    def _table(self, entity: str) -> NDArray[np.int32]:
        return np.array(self._mentions.get(entity, array("i")), dtype=np.int32).reshape(-1, _MENTION_STRIDE)

    def entity(self, scope: Scope, id_: str) -> Entity | None:
        """The entity as the scope sees it, or None."""
        table = self._table(id_)
        table = table[self.visible(scope, None)[table[:, 0]]] if len(table) else table
        if not len(table):
            return None
        return Entity(
            id=id_,
            key=self._keys[id_],
            name=self._most_frequent(table[:, 2], table[:, 1]),
            type=self._most_frequent(table[:, 3], table[:, 1], skip_empty=True),
            mention_count=int(table[:, 1].sum()),
            chunk_count=len(table),
            document_count=len(np.unique(self._document_of[table[:, 0]])),
        )

    def _most_frequent(self, codes: NDArray[np.int32], weights: NDArray[np.int32], *, skip_empty: bool = False) -> str:
        totals: dict[str, int] = {}
        for code, weight in zip(codes.tolist(), weights.tolist(), strict=True):
            name = self._texts.names[code]
            if name or not skip_empty:
                totals[name] = totals.get(name, 0) + weight
        return min(totals, key=lambda name: (-totals[name], name), default="")

    def mentioning(self, scope: Scope, entity: str, filter: Filter | None) -> list[str]:
        """Ids of the visible chunks that mention the entity, ascending."""
        rows = self._table(entity)[:, 0]
        return sorted(self.chunk_ids[row] for row in rows[self.visible(scope, filter)[rows]].tolist())

    def about(self, scope: Scope, key: str, filter: Filter | None) -> list[str]:
        """Ids of the visible chunks that have the key as a subject, ascending."""
        rows = np.array(self._subjects.get((self._labels.codes.get(scope.tenant, -1), key), ()), dtype=np.int64)
        return sorted(self.chunk_ids[row] for row in rows[self.visible(scope, filter)[rows]].tolist())

    def entities_with_prefix(self, tenant: str, prefix: str) -> list[str]:
        """Ids of the tenant's entities whose key, or a word of it, starts with the prefix."""
        owner = self._labels.codes.get(tenant, -1)
        inner = f" {prefix}"
        return [
            id_
            for id_, key in self._keys.items()
            if self._tenant_of_entity[id_] == owner and (key.startswith(prefix) or inner in key)
        ]

    def entities_in_blocks(self, tenant: str, blocks: Iterable[str]) -> list[str]:
        """Ids of the tenant's entities that fall into one of the blocks."""
        if self._blocks is None:  # built on first use: a question without name variants never needs it
            self._blocks = {}
            for id_, key in self._keys.items():
                self._add_blocks(id_, key)
        owner = self._labels.codes.get(tenant, -1)
        return [
            id_
            for id_ in dict.fromkeys(id_ for block in blocks for id_ in self._blocks.get(block, ()))
            if self._tenant_of_entity[id_] == owner
        ]

    def _add_blocks(self, id_: str, key: str) -> None:
        assert self._blocks is not None
        for block in blocking_keys(key):
            self._blocks.setdefault(block, []).append(id_)

    def vector(self, chunk: str) -> NDArray[np.float32]:
        """The embedding of a known chunk, a copy."""
        return self._vectors[self.row_of[chunk]].copy()


def _fit(column: NDArray[_Number], row: int) -> NDArray[_Number]:
    """The column, grown so that `row` exists."""
    if row < len(column):
        return column
    return np.concatenate([column, np.zeros(max(len(column), row + 1 - len(column)), dtype=column.dtype)])
