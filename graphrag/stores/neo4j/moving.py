"""Moves in a Neo4j database: the slot of vectors that is not in use is filled, then the two are exchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray

from graphrag.stores import rows
from graphrag.stores.moving import Move, Rename, Unembedded, check_begin, check_move, unembedded
from graphrag.stores.neo4j import queries
from graphrag.stores.neo4j.connection import Connection, Row, Transaction
from graphrag.stores.neo4j.schema import declared_fields, drop_vector_index, vector_index
from graphrag.stores.neo4j.values import to_vector
from graphrag.types import Document, Fingerprints

_CHUNKS_AT_ONCE = 5_000
_WAIT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class _State:
    """What the database says of its models."""

    models: Fingerprints | None
    slot: int
    """In use."""
    move: Move | None

    @classmethod
    def of(cls, row: Row) -> "_State":
        embedder, sentences, slot, source, target, switched = row
        return cls(
            Fingerprints(embedder, sentences) if embedder is not None else None,
            slot or 0,
            Move(source, target, bool(switched)) if target is not None else None,
        )


class Neo4jMoves:
    """Implements Moves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def _location(self) -> str:
        return self._connection.location

    async def _state(self) -> _State:
        return _State.of((await self._connection.read(_STATE))[0])

    async def current(self) -> Move | None:
        """See Moves.current."""
        return (await self._state()).move

    async def begin(self, target: str, dimension: int) -> Move:
        """See Moves.begin."""

        async def drop(tx: Transaction) -> _State:
            state = await _locked(tx)
            check_begin(state.move, state.models, target, self._location)
            if state.move is not None and state.move.target != target:
                await tx.run(_FORGET)  # from now on nobody adds to it
            return state

        async def begin(tx: Transaction) -> Move:
            state = await _locked(tx)
            source = check_begin(state.move, state.models, target, self._location)
            if state.move is not None:
                return check_move(state.move, target, self._location)
            await tx.run(_BEGIN, source=source, target=target, dimension=dimension)
            return Move(source, target, switched=False)

        state = await self._connection.write(drop)
        other = 1 - state.slot
        if state.move is None or state.move.target != target:
            await self._connection.define(drop_vector_index(other))
            await self._clear(other)
        fields = await declared_fields(self._connection, state.slot) or set[str]()
        await self._connection.define(vector_index(fields, other))
        return await self._connection.write(begin)

    async def count(self) -> int:
        """See Moves.count."""
        return int((await self._connection.read("MATCH (c:Chunk) RETURN count(c)"))[0][0])

    async def waiting(self, after: str, limit: int) -> list[Unembedded]:
        """See Moves.waiting."""
        slot = (await self._state()).slot
        return [unembedded(row) for row in await self._connection.read(_WAITING[1 - slot], after=after, limit=limit)]

    async def add(self, target: str, chunks: Sequence[Unembedded], vectors: NDArray[np.float32]) -> None:
        """See Moves.add."""
        added = [
            {"id": chunk.id, "version": chunk.version, "vector": to_vector(vector)}
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]

        async def work(tx: Transaction) -> None:
            state = await _locked(tx)
            check_move(state.move, target, self._location)
            await tx.run(_ADD, rows=added, property=queries.VECTOR_PROPERTIES[1 - state.slot])

        await self._connection.write(work)

    async def switch(self, target: str) -> bool:
        """See Moves.switch."""
        await self._connection.define(f"CALL db.awaitIndexes({_WAIT_SECONDS})")

        async def work(tx: Transaction) -> bool:
            state = await _locked(tx)
            check_move(state.move, target, self._location)
            if await tx.run(_WAITING[1 - state.slot], after="", limit=1):
                return False
            await tx.run(_SWITCH, slot=1 - state.slot)
            await tx.run(_REVISE)
            return True

        return await self._connection.write(work)

    async def documents(self, after: str, limit: int) -> list[Document]:
        """See Moves.documents."""
        found = await self._connection.read(queries.ALL_DOCUMENTS, after=after, limit=limit)
        return [rows.document_from(row) for row in found]

    async def rename(self, renames: Sequence[Rename]) -> None:
        """See Moves.rename. No revision: nothing that a question reads has changed."""
        values = [{"id": one.id, "old": one.old, "new": one.new} for one in sorted(renames, key=lambda one: one.id)]
        await self._connection.write(lambda tx: tx.run(_RENAME, rows=values))

    async def end(self, target: str) -> None:
        """See Moves.end."""
        state = await self._state()
        check_move(state.move, target, self._location, switched=True)
        await self._connection.define(drop_vector_index(1 - state.slot))
        await self._clear(1 - state.slot)

        async def work(tx: Transaction) -> None:
            held = await _locked(tx)
            check_move(held.move, target, self._location, switched=True)
            await tx.run(_FORGET)

        await self._connection.write(work)

    async def _clear(self, slot: int) -> None:
        """Remove the vectors of a slot, page by page."""
        after = ""
        while True:
            page = await self._connection.read(_PAGE[slot], after=after, limit=_CHUNKS_AT_ONCE)
            ids = [id_ for id_, held in page if held]
            if ids:
                await self._connection.write(lambda tx, ids=ids: tx.run(_CLEAR[slot], ids=ids))
            if len(page) < _CHUNKS_AT_ONCE:
                return
            after = page[-1][0]


async def _locked(tx: Transaction) -> _State:
    """The state, which stays so until the transaction ends."""
    return _State.of((await tx.run(_LOCK))[0])


_MODELS: LiteralString = "s.embedder, s.sentences, s.slot, s.move_source, s.move_target, s.move_switched"
_STATE = f"OPTIONAL MATCH (s:SchemaVersion {{id: 'schema'}}) RETURN {_MODELS}"
_LOCK: LiteralString = f"MATCH (s:SchemaVersion {{id: 'schema'}}) SET s.lock = $lock WITH s RETURN {_MODELS}"
_BEGIN: LiteralString = """
MATCH (s:SchemaVersion {id: 'schema'})
SET s.move_source = $source, s.move_target = $target, s.move_dimension = $dimension, s.move_switched = false"""
_FORGET: LiteralString = """
MATCH (s:SchemaVersion {id: 'schema'})
REMOVE s.move_source, s.move_target, s.move_dimension, s.move_switched"""
_SWITCH: LiteralString = """
MATCH (s:SchemaVersion {id: 'schema'})
SET s.slot = $slot, s.embedder = s.move_target, s.dimension = s.move_dimension, s.move_switched = true"""
_REVISE: LiteralString = "MATCH (p:Partition) WITH p ORDER BY p.id SET p.revision = p.revision + 1"
_ADD: LiteralString = """
UNWIND $rows AS row
MATCH (c:Chunk {id: row.id}) WHERE c.version = row.version
CALL db.create.setNodeVectorProperty(c, $property, row.vector)"""
_RENAME: LiteralString = """
UNWIND $rows AS row
MATCH (d:Document {id: row.id}) SET d.lock = $lock
WITH d, row WHERE d.fingerprint = row.old
SET d.fingerprint = row.new
WITH d, row
MATCH (c:Chunk {document_id: d.id}) SET c.version = row.new"""


def _waiting(name: LiteralString) -> LiteralString:
    return f"""
MATCH (c:Chunk) WHERE c.id > $after AND c.{name} IS NULL
RETURN c.id, c.version, c.title, c.heading, c.text, c.start, c.sentences ORDER BY c.id LIMIT $limit"""


def _page(name: LiteralString) -> LiteralString:
    return f"MATCH (c:Chunk) WHERE c.id > $after RETURN c.id, c.{name} IS NOT NULL ORDER BY c.id LIMIT $limit"


def _clear(name: LiteralString) -> LiteralString:
    return f"UNWIND $ids AS id MATCH (c:Chunk {{id: id}}) REMOVE c.{name}"


# By slot.
_WAITING: tuple[LiteralString, ...] = tuple(_waiting(name) for name in queries.VECTOR_PROPERTIES)
_PAGE: tuple[LiteralString, ...] = tuple(_page(name) for name in queries.VECTOR_PROPERTIES)
_CLEAR: tuple[LiteralString, ...] = tuple(_clear(name) for name in queries.VECTOR_PROPERTIES)
