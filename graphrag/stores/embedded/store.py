"""GraphStore in one SQLite file: the default store.

SQLite (WAL) is the only truth. The reading thread of the Database owns the memory index, which follows the change log, so
writes of any process are seen by the next read. Each read is one transaction: index and rows are of the same revision.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphrag.analysis import fold
from graphrag.errors import InputError, NotFoundError, SchemaMismatchError
from graphrag.extraction.resolution import links_among, same_as
from graphrag.filters import Filter, check_field
from graphrag.stores.base import MAX_K
from graphrag.stores.embedded import codec, links
from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.index import IndexedChunk, MemoryIndex
from graphrag.stores.embedded.system import check_lease
from graphrag.stores.system import Lease
from graphrag.types import (
    ALL_ACCESS,
    MAX_CHUNKS_PER_DOCUMENT,
    Chunk,
    ChunkVectors,
    Document,
    Entity,
    Fingerprints,
    GraphBatch,
    Hit,
    Occurrences,
    Relation,
    Scope,
    Statistics,
    Subgraph,
    TermHit,
    TermStatistics,
    TitleLink,
    WriteOutcome,
    check_text,
    entity_id,
    is_text,
)

_T = TypeVar("_T")
_PARAMETERS = 500  # values in one IN list
_CACHED_CHUNKS = 4_000
_DIMENSION, _SENTENCE_DIMENSION = "dimension", "sentence_dimension"


class EmbeddedStore:
    """A GraphStore in one file. Open it with `async with`.

    Args:
        path: the database file; created if its folder exists. Or a Database, opened and closed by the caller.
        filter_fields: metadata fields that filters may use.
    """

    def __init__(self, path: Path | Database, *, filter_fields: Iterable[str] = ()) -> None:
        self._owns_database = not isinstance(path, Database)
        self._database = path if isinstance(path, Database) else Database(path)
        self._filter_fields = frozenset(filter_fields)
        self._index = MemoryIndex(self._filter_fields)
        self._revision = -1
        self._chunk_cache: dict[str, Chunk] = {}

    @property
    def location(self) -> str:
        """Absolute path of the file."""
        return self._database.location

    async def __aenter__(self) -> Self:
        if self._owns_database:
            await self._database.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owns_database:
            await self._database.__aexit__(kind, error, trace)

    async def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        def following(connection: sqlite3.Connection) -> _T:
            self._follow(connection)
            return work(connection)

        return await self._database.read(following)

    def _check_filter(self, filter: Filter | None) -> None:
        for condition in filter.conditions if filter else ():
            check_field(condition.field, self._filter_fields)

    # Keeping the index in step

    def _follow(self, connection: sqlite3.Connection) -> None:
        revision = _revision(connection)
        if revision == self._revision:
            return
        if self._index.dead > max(1_000, len(self._index.row_of)):
            self._index, self._revision = MemoryIndex(self._filter_fields), -1
            self._chunk_cache.clear()
        changed = [
            id_
            for (id_,) in connection.execute("SELECT document_id FROM changes WHERE revision > ?", (self._revision,))
        ]
        for id_ in changed:
            self._index.drop_document(id_)
        self._chunk_cache.clear()
        for ids in _known(changed):
            self._load(connection, ids)
        self._revision = revision

    def _load(self, connection: sqlite3.Connection, ids: Sequence[str]) -> None:
        marks = _marks(ids)
        documents = {
            document.id: document
            for document in map(
                codec.document_from,
                connection.execute(f"SELECT {codec.DOCUMENT_COLUMNS} FROM documents WHERE id IN ({marks})", ids),
            )
        }
        chunks: dict[str, list[IndexedChunk]] = {id_: [] for id_ in documents}
        for number, id_, document_id, terms, phrases, mentions, embedding in connection.execute(
            f"SELECT n, id, document_id, terms, phrases, mentions, embedding FROM chunks WHERE document_id IN ({marks}) ORDER BY document_id, position",
            ids,
        ):
            decoded = codec.decode_mentions(documents[document_id].tenant, mentions)
            chunks[document_id].append(IndexedChunk(number, id_, terms, embedding, json.loads(phrases), decoded))
        for id_, document in documents.items():
            self._index.put_document(id_, document.tenant, document.access, document.metadata, chunks[id_])

    # Writing

    async def bind(self, fingerprints: Fingerprints) -> None:
        """See GraphStore.bind."""

        def work(connection: sqlite3.Connection) -> None:
            for name, value in (("embedder", fingerprints.embedder), ("sentences", fingerprints.sentences)):
                stored = connection.execute("SELECT value FROM meta WHERE key = ?", (name,)).fetchone()
                if stored is None:
                    connection.execute("INSERT INTO meta VALUES (?, ?)", (name, value))
                elif stored[0] != value:
                    raise SchemaMismatchError(
                        f"{self.location} was filled with the {name} model {stored[0]!r}, this process is configured with "
                        f"{value!r}, and their vectors cannot be compared: set GRAPHRAG_EMBEDDER back, or ingest into a new "
                        f"file (GRAPHRAG_STORE_URL=sqlite:///other.db)"
                    )

        await self._database.write(work)

    async def write(self, scope: Scope, batch: GraphBatch, *, lease: Lease | None = None) -> WriteOutcome:
        """See GraphStore.write."""
        document = batch.document
        if not scope.sees(document.tenant, document.access):
            raise InputError(
                f"{document.source}: a document of tenant {document.tenant!r} with access {document.access!r} is outside the "
                f"caller's scope; write with that tenant and label"
            )
        if len(batch.chunks) > MAX_CHUNKS_PER_DOCUMENT:
            raise InputError(
                f"{document.source}: {len(batch.chunks)} chunks, a document holds at most {MAX_CHUNKS_PER_DOCUMENT}: split the source"
            )

        codec.check_document(document)

        def work(connection: sqlite3.Connection) -> WriteOutcome:
            check_lease(connection, lease)
            old = connection.execute(
                "SELECT tenant, access, fingerprint, state, created_at FROM documents WHERE id = ?", (document.id,)
            ).fetchone()
            if old is not None:
                if not scope.sees(old[0], old[1]):
                    raise InputError(f"{document.source}: a document of this source exists outside the caller's scope")
                if old[2] == document.fingerprint and old[3] == "complete":
                    return "unchanged"
            codec.check_batch(batch, _meta(connection, _DIMENSION), _meta(connection, _SENTENCE_DIMENSION))
            _check_owner(connection, batch)
            if batch.vectors:
                _record(connection, _DIMENSION, batch.vectors[0].chunk.shape[0])
            _record(connection, _SENTENCE_DIMENSION, codec.sentence_dimension_of(batch))
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            if old is not None:
                _delete(connection, [document.id])
            _insert(connection, batch, created_at=old[4] if old else now, updated_at=now)
            _log(connection, [document.id])
            return "updated" if old is not None else "created"

        return await self._database.write(work)

    async def delete_documents(self, scope: Scope, ids: Sequence[str], *, lease: Lease | None = None) -> int:
        """See GraphStore.delete_documents."""

        def work(connection: sqlite3.Connection) -> int:
            check_lease(connection, lease)
            found = [
                id_
                for part in _known(ids)
                for id_, tenant, access in connection.execute(
                    f"SELECT id, tenant, access FROM documents WHERE id IN ({_marks(part)})", part
                )
                if scope.sees(tenant, access)
            ]
            if found:
                _delete(connection, found)
                _log(connection, found)
            return len(found)

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
        self._check_filter(filter)
        check_text("'after'", after)
        if limit < 1:
            return []

        def work(connection: sqlite3.Connection) -> list[Document]:
            found: list[Document] = []
            if ids is None:
                rows = connection.execute(
                    f"SELECT {codec.DOCUMENT_COLUMNS} FROM documents WHERE id > ? AND tenant = ? ORDER BY id",
                    (after, scope.tenant),
                )
                parts = [rows]
            else:
                parts = [
                    connection.execute(
                        f"SELECT {codec.DOCUMENT_COLUMNS} FROM documents WHERE id IN ({_marks(part)}) AND id > ? ORDER BY id",
                        (*part, after),
                    )
                    for part in _known(sorted(set(ids)))
                ]
            for rows in parts:
                for row in rows:
                    document = codec.document_from(row)
                    if (
                        scope.sees(document.tenant, document.access)
                        and document.source.startswith(source_prefix)
                        and (filter is None or filter.matches(document.metadata))
                    ):
                        found.append(document)
                        if len(found) >= limit:
                            return found
            return found

        return await self._read(work)

    async def texts(self, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
        """See GraphStore.texts."""

        def work(connection: sqlite3.Connection) -> dict[str, str]:
            return {
                id_: text
                for part in _known(ids)
                for id_, tenant, access, text in connection.execute(
                    f"SELECT id, tenant, access, text FROM documents WHERE id IN ({_marks(part)})", part
                )
                if scope.sees(tenant, access)
            }

        return await self._read(work)

    async def chunk_ids(self, scope: Scope, document_id: str) -> list[str]:
        """See GraphStore.chunk_ids."""
        if not is_text(document_id):
            return []

        def work(connection: sqlite3.Connection) -> list[str]:
            rows = connection.execute("SELECT id FROM chunks WHERE document_id = ? ORDER BY position", (document_id,))
            return self._index.visible_ids(scope, [id_ for (id_,) in rows], None)

        return await self._read(work)

    async def chunks(self, scope: Scope, ids: Sequence[str], filter: Filter | None = None) -> list[Chunk]:
        """See GraphStore.chunks."""
        self._check_filter(filter)

        def work(connection: sqlite3.Connection) -> list[Chunk]:
            return self._chunks(connection, self._index.visible_ids(scope, ids, filter))

        return await self._read(work)

    def _chunks(self, connection: sqlite3.Connection, ids: Sequence[str]) -> list[Chunk]:
        cache = self._chunk_cache
        missing = [id_ for id_ in ids if id_ not in cache]
        if len(cache) + len(missing) > _CACHED_CHUNKS:
            cache.clear()
            missing = list(ids)
        for part in _known(missing):
            for row in connection.execute(
                f"SELECT {codec.CHUNK_COLUMNS} FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.id IN ({_marks(part)})",
                part,
            ):
                chunk = codec.chunk_from(row)
                cache[chunk.id] = chunk
        return [cache[id_] for id_ in ids]

    async def chunk_vectors(
        self, scope: Scope, ids: Sequence[str], filter: Filter | None = None
    ) -> dict[str, ChunkVectors]:
        """See GraphStore.chunk_vectors."""
        self._check_filter(filter)

        def work(connection: sqlite3.Connection) -> dict[str, ChunkVectors]:
            visible = self._index.visible_ids(scope, ids, filter)
            dimension = _meta(connection, _SENTENCE_DIMENSION) or 0
            sentences = {
                id_: codec.sentence_vectors(data, dimension)
                for part in _known(visible)
                for id_, data in connection.execute(
                    f"SELECT id, sentence_embeddings FROM chunks WHERE id IN ({_marks(part)})", part
                )
            }
            vectors = self._index.vectors(visible)
            return {id_: ChunkVectors(vector, sentences[id_]) for id_, vector in zip(visible, vectors, strict=True)}

        return await self._read(work)

    # Search

    async def nearest_chunks(
        self, scope: Scope, vectors: NDArray[np.float32], k: int, filter: Filter | None = None
    ) -> list[list[Hit]]:
        """See GraphStore.nearest_chunks."""
        _check_k(k)
        self._check_filter(filter)
        if vectors.ndim != 2 or not np.isfinite(vectors).all():
            raise InputError(f"query vectors have to be finite and of shape (n, dimension), not {vectors.shape}")

        def work(connection: sqlite3.Connection) -> list[list[Hit]]:
            expected = _meta(connection, _DIMENSION)
            if expected is not None and vectors.shape[1] != expected:
                raise InputError(
                    f"query vectors have dimension {vectors.shape[1]}, those of the store have {expected}: embed the "
                    f"query with the model that the store was filled with"
                )
            return self._index.nearest(scope, vectors, k, filter)

        return await self._read(work)

    async def search_chunks(
        self, scope: Scope, terms: Sequence[str], k: int, filter: Filter | None = None
    ) -> list[TermHit]:
        """See GraphStore.search_chunks."""
        _check_k(k)
        self._check_filter(filter)

        def work(connection: sqlite3.Connection) -> list[TermHit]:
            ids = self._index.best_matches(scope, terms, k, filter)
            found = {
                id_: text
                for part in _known(ids)
                for id_, text in connection.execute(f"SELECT id, terms FROM chunks WHERE id IN ({_marks(part)})", part)
            }
            return [TermHit(id_, found[id_]) for id_ in ids]

        return await self._read(work)

    async def term_statistics(self, scope: Scope, terms: Sequence[str]) -> TermStatistics:
        """See GraphStore.term_statistics."""
        return await self._read(lambda _: TermStatistics(*self._index.term_counts(scope, dict.fromkeys(terms))))

    # The graph

    async def find_entities(
        self, scope: Scope, *, keys: Sequence[str] = (), blocks: Sequence[str] = (), prefix: str = "", limit: int = 100
    ) -> list[Entity]:
        """See GraphStore.find_entities."""
        if limit < 1:
            return []

        def work(_: sqlite3.Connection) -> list[Entity]:
            ids = [entity_id(scope.tenant, key) for key in keys]
            ids += self._index.entities_in_blocks(scope.tenant, blocks)
            if prefix:
                ids += self._index.entities_with_prefix(scope.tenant, fold(prefix))
            return _by_weight(self._entities(scope, ids))[:limit]

        return await self._read(work)

    def _entities(self, scope: Scope, ids: Iterable[str]) -> list[Entity]:
        return self._index.entities(scope, dict.fromkeys(ids))

    async def entities(self, scope: Scope, ids: Sequence[str]) -> list[Entity]:
        """See GraphStore.entities."""
        return await self._read(lambda _: self._entities(scope, ids))

    async def chunks_mentioning(
        self, scope: Scope, entity_ids: Sequence[str], limit: int, filter: Filter | None = None
    ) -> list[Occurrences]:
        """See GraphStore.chunks_mentioning."""
        self._check_filter(filter)
        return await self._read(lambda _: self._index.mentioning(scope, dict.fromkeys(entity_ids), limit, filter))

    async def title_links(
        self, scope: Scope, chunk_ids: Sequence[str], limit: int, filter: Filter | None = None
    ) -> list[TitleLink]:
        """See GraphStore.title_links."""
        self._check_filter(filter)
        if limit < 1:
            return []

        def work(connection: sqlite3.Connection) -> list[TitleLink]:
            rows = [self._index.row_of[id_] for id_ in self._index.visible_ids(scope, chunk_ids, filter)]
            return links.title_links(connection, self._index, scope, rows, limit, filter)

        return await self._read(work)

    async def neighbourhood(self, scope: Scope, seeds: Sequence[str], hops: int, limit: int) -> Subgraph:
        """See GraphStore.neighbourhood."""
        if limit < 1 or hops < 0:
            return Subgraph((), (), ())

        def work(connection: sqlite3.Connection) -> Subgraph:
            found: dict[str, Entity] = {}
            frontier = _by_weight(self._entities(scope, seeds))[:limit]
            found.update((entity.id, entity) for entity in frontier)
            for _ in range(hops):
                reached: dict[str, None] = {}
                for relation in self._relations(connection, scope, [entity.id for entity in frontier]):
                    reached[relation.subject_id] = reached[relation.object_id] = None
                for entity in frontier:
                    reached.update((other.id, None) for other in self._variants(scope, entity))
                fresh = self._entities(scope, [id_ for id_ in reached if id_ not in found])
                frontier = _by_weight(fresh)[: limit - len(found)]
                found.update((entity.id, entity) for entity in frontier)
                if not frontier:
                    break
            relations = self._relations(connection, scope, list(found))
            return Subgraph(
                entities=[found[id_] for id_ in sorted(found)],
                relations=[r for r in relations if r.subject_id in found and r.object_id in found],
                same_as=links_among(found.values()),
            )

        return await self._read(work)

    def _variants(self, scope: Scope, entity: Entity) -> list[Entity]:
        ids = self._index.possible_variants(scope.tenant, entity.key)
        return [other for other in self._entities(scope, ids) if same_as(entity, other) is not None]

    def _relations(self, connection: sqlite3.Connection, scope: Scope, entities: Sequence[str]) -> list[Relation]:
        """Visible relations that touch one of the entities, ascending by id."""
        found: dict[str, Relation] = {}
        for part in _known(entities):
            for row in connection.execute(
                f"SELECT {codec.RELATION_COLUMNS} FROM relations WHERE subject_id IN ({_marks(part)}) "
                f"UNION SELECT {codec.RELATION_COLUMNS} FROM relations WHERE object_id IN ({_marks(part)})",
                (*part, *part),
            ):
                relation = codec.relation_from(row)
                found[relation.id] = relation
        visible = set(self._index.visible_ids(scope, (relation.chunk_id for relation in found.values()), None))
        return [found[id_] for id_ in sorted(found) if found[id_].chunk_id in visible]

    # Everything

    async def statistics(self, scope: Scope) -> Statistics:
        """See GraphStore.statistics."""

        def work(connection: sqlite3.Connection) -> Statistics:
            chunks, entities, mentions = self._index.counts(scope)
            visible = "SELECT id FROM documents WHERE tenant = ? AND (? OR access IN (SELECT value FROM json_each(?)))"
            values = (scope.tenant, ALL_ACCESS in scope.access, codec.canonical_json(sorted(scope.access)))
            (documents,) = connection.execute(f"SELECT count(*) FROM ({visible})", values).fetchone()
            (relations,) = connection.execute(
                f"SELECT count(*) FROM relations WHERE document_id IN ({visible})", values
            ).fetchone()
            return Statistics(documents, chunks, entities, mentions, relations)

        return await self._read(work)

    async def export(self, scope: Scope) -> AsyncIterator[GraphBatch]:
        """See GraphStore.export."""
        after = ""
        while page := await self.documents(scope, after=after, limit=100):
            for document in page:
                try:
                    yield await self._read(lambda connection, id_=document.id: self._batch(connection, scope, id_))
                except NotFoundError:
                    continue  # deleted, or taken out of the scope, since the page was read
            after = page[-1].id

    def _batch(self, connection: sqlite3.Connection, scope: Scope, id_: str) -> GraphBatch:
        row = connection.execute(
            f"SELECT {codec.DOCUMENT_COLUMNS}, text FROM documents WHERE id = ?", (id_,)
        ).fetchone()
        if row is None:
            raise NotFoundError(f"document {id_} does not exist")
        document = codec.document_from(row[:-1])
        if not scope.sees(document.tenant, document.access):
            raise NotFoundError(f"document {id_} does not exist")
        dimension = _meta(connection, _SENTENCE_DIMENSION) or 0
        chunks: list[Chunk] = []
        vectors: list[ChunkVectors] = []
        for *columns, embedding, sentences in connection.execute(
            f"SELECT {codec.CHUNK_COLUMNS}, c.embedding, c.sentence_embeddings FROM chunks c "
            f"JOIN documents d ON d.id = c.document_id WHERE c.document_id = ? ORDER BY c.position",
            (id_,),
        ):
            chunk = codec.chunk_from(columns)
            chunks.append(chunk)
            vectors.append(
                ChunkVectors(np.frombuffer(embedding, dtype="<f4"), codec.sentence_vectors(sentences, dimension))
            )
        relations = [
            codec.relation_from(columns)
            for columns in connection.execute(
                f"SELECT {codec.RELATION_COLUMNS} FROM relations WHERE document_id = ? ORDER BY id", (id_,)
            )
        ]
        return GraphBatch(document, row[-1], chunks, vectors, relations)

    async def revision(self) -> int:
        """See GraphStore.revision."""
        return await self._read(_revision)


def _insert(connection: sqlite3.Connection, batch: GraphBatch, *, created_at: str, updated_at: str) -> None:
    row = codec.document_row(batch.document, batch.text, created_at, updated_at)
    connection.execute(f"INSERT INTO documents ({codec.DOCUMENT_COLUMNS}, text) VALUES ({_marks(row)})", row)
    for chunk, vectors in zip(batch.chunks, batch.vectors, strict=True):
        values = codec.chunk_row(chunk, vectors)
        cursor = connection.execute(f"INSERT INTO chunks VALUES (NULL, {_marks(values)})", values)
        connection.executemany(
            "INSERT INTO phrases VALUES (?, ?)", [(phrase.key, cursor.lastrowid) for phrase in chunk.phrases]
        )
    connection.executemany(
        "INSERT INTO relations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (r.id, r.chunk_id, r.document_id, r.subject_id, r.predicate, r.object_id, r.start, r.end, r.description)
            for r in batch.relations
        ],
    )


def _delete(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    for part in _known(ids):
        marks = _marks(part)
        connection.execute(
            f"DELETE FROM phrases WHERE chunk IN (SELECT n FROM chunks WHERE document_id IN ({marks}))", part
        )
        for table, column in (("chunks", "document_id"), ("relations", "document_id"), ("documents", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {column} IN ({marks})", part)


def _log(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Give the touched documents a new revision."""
    revision = _revision(connection) + 1
    connection.execute("UPDATE meta SET value = ? WHERE key = 'revision'", (str(revision),))
    connection.executemany("INSERT OR REPLACE INTO changes VALUES (?, ?)", [(id_, revision) for id_ in ids])


def _revision(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()[0])


def _meta(connection: sqlite3.Connection, key: str) -> int | None:
    stored = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if stored is None else int(stored[0])


def _record(connection: sqlite3.Connection, key: str, value: int | None) -> None:
    """Keep what is recorded, or record it if nothing is. It stays when all is deleted: it belongs to the models."""
    if value is not None:
        connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, str(value)))


def _check_owner(connection: sqlite3.Connection, batch: GraphBatch) -> None:
    """Refuse ids that belong to another document, of whatever tenant."""
    for table, held in (("chunks", batch.chunks), ("relations", batch.relations)):
        for part in _known(one.id for one in held):
            taken = connection.execute(
                f"SELECT id FROM {table} WHERE id IN ({_marks(part)}) AND document_id != ?", (*part, batch.document.id)
            ).fetchone()
            if taken is not None:
                raise InputError(
                    f"{batch.document.source}: the id {taken[0]} is one of the {table} of another document; "
                    f"make ids with chunk_id and relation_id"
                )


def _check_k(k: int) -> None:
    if not 1 <= k <= MAX_K:
        raise InputError(f"k is {k}; it must be between 1 and {MAX_K}")


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _known(ids: Iterable[str]) -> list[list[str]]:
    """Those of the ids that can be stored at all, in parts, each short enough for one statement."""
    items = [id_ for id_ in dict.fromkeys(ids) if is_text(id_)]
    return [items[start : start + _PARAMETERS] for start in range(0, len(items), _PARAMETERS)]


def _by_weight(entities: Iterable[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda entity: (-entity.mention_count, entity.id))
