"""What only Neo4j Browser shows: an entity's name, type and counts, and SAME_AS edges.

The service computes them from what each caller sees and never reads these copies. A write labels the entities that it
touches `Stale`, as does a decision on two entities; they are brought up to date a moment after the last write, so that
ingesting many documents does this work once, and at the latest when the store is closed. What a killed process left is done
by the next one that writes.
"""

import asyncio
import contextvars
import logging
from contextlib import suppress
from types import TracebackType
from typing import LiteralString, Self

from graphrag.errors import StoreError
from graphrag.extraction.resolution import Decided, by_block, link_between, perhaps_same
from graphrag.stores.neo4j import lucene
from graphrag.stores.neo4j.connection import Connection, Row, Transaction
from graphrag.stores.neo4j.folding import name_and_type
from graphrag.stores.neo4j.queries import together
from graphrag.stores.system import decided_by
from graphrag.stores.system_rows import decision_from
from graphrag.types import Entity, SameAs

QUIET_SECONDS = 1.0
ENTITIES_PER_STEP = 500
_log = logging.getLogger(__name__)


class Display:
    """Keeps the copies up to date in the background. Belongs to one event loop; used with `async with`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._task: asyncio.Task[None] | None = None
        self._written = False

    def refresh_soon(self) -> None:
        """Something was written: refresh once no more is written for QUIET_SECONDS."""
        self._written = True
        if self._task is None or self._task.done():
            # In a context of its own: its round trips are no caller's.
            self._task = asyncio.create_task(self._when_quiet(), context=contextvars.Context())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; first bring everything up to date, if anything was written and the block did not fail."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            if error is None:
                await self._refresh()

    async def _when_quiet(self) -> None:
        while self._written:
            self._written = False
            await asyncio.sleep(QUIET_SECONDS)
        await self._refresh()

    async def _refresh(self) -> None:
        try:
            while await refresh(self._connection):
                if self._written and self._task is asyncio.current_task():
                    break  # writers first
        except StoreError as exc:
            # Browser shows older names until the next refresh; nothing else depends on it.
            _log.warning("what Neo4j Browser shows of entities could not be brought up to date: %s", exc)


async def refresh(connection: Connection) -> int:
    """Bring some of the stale entities up to date. Returns how many there were."""
    # With the time of a write: to count a name in a million passages takes longer than a read may.
    ((found,),) = await connection.write(lambda tx: tx.run(_STALE, limit=ENTITIES_PER_STEP))
    # One that is deleted just now is read without its values.
    stale = [row for row in found if None not in row[:4]]
    if not stale:
        return 0
    held = {row[0]: _shown(row) for row in stale}
    tenants = {row[0]: row[2] for row in stale}
    decisions = map(decision_from, await connection.read(_DECIDED, tenants=sorted(set(tenants.values()))))
    # Of a tenant's own entities only, whatever ids a decision names.
    own = [one for one in decisions if {tenants.get(one.a), tenants.get(one.b)} <= {one.tenant, None}]
    decided = decided_by(own)
    links = _merges(held, decided)
    for query in lucene.any_token(token for row in stale for token in row[4]):
        # One query after the other: a common surname has many bearers, and all of them together may not fit into memory.
        others = await connection.read_together(_SIMILAR, queries=[query])
        links |= await asyncio.to_thread(_links, held, tenants, others, decided)
    entities = [
        {
            "id": id_,
            "touched": touched,
            "properties": {
                "name": held[id_].name,
                "type": held[id_].type,
                "mention_count": mentions,
                "document_count": documents,
            },
        }
        for id_, _, _, touched, _, mentions, documents, _ in stale
    ]

    async def work(tx: Transaction) -> None:
        await tx.run(_SHOW, entities=entities)
        ordered = [links[pair] for pair in sorted(links)]
        rows = [{"a": link.a, "b": link.b, "score": link.score, "reason": link.reason} for link in ordered]
        await tx.run(_SHOW_LINKS, links=rows)

    await connection.write(work)
    return len(stale)


def _shown(row: Row) -> Entity:
    id_, key, _, _, _, mentions, documents, forms = row
    name, type_ = name_and_type(forms)
    return Entity(id_, key, name or key, type_, mentions, 0, documents)


def _links(
    held: dict[str, Entity], tenants: dict[str, str], others: list[Row], decided: Decided
) -> dict[tuple[str, str], SameAs]:
    """The links of the stale entities, to each other and to these others, within a tenant, by pair."""
    blocks = {
        tenant: by_block(entity for entity in held.values() if tenants[entity.id] == tenant)
        for tenant in set(tenants.values())
    }
    found: dict[tuple[str, str], SameAs] = {}
    for id_, key, tenant, name, type_ in others:
        other = held.get(id_) or Entity(id_, key, name or key, type_ or "", 0, 0, 0)
        for one in perhaps_same(key, blocks.get(tenant, {})):
            link = link_between(one, other, decided)
            if link is not None:
                found[link.a, link.b] = link
    return found


def _merges(held: dict[str, Entity], decided: Decided) -> dict[tuple[str, str], SameAs]:
    """The links that people made of the stale entities, by pair."""
    found: dict[tuple[str, str], SameAs] = {}
    for id_ in held.keys() & decided.merged.keys():
        for other in decided.merged[id_]:
            # Names do not matter where people decided; if there is no such entity, no edge is made.
            link = link_between(held[id_], held.get(other) or Entity(other, "", "", "", 0, 0, 0), decided)
            if link is not None:
                found[link.a, link.b] = link
    return found


# Over all that the tenant of an entity holds.
_STALE: LiteralString = f"""
MATCH (e:Stale) WITH e LIMIT $limit
CALL (e) {{
    MATCH (e)<-[m:MENTIONS]-()
    RETURN sum(m.count) AS mentions, count(DISTINCT m.document_id) AS documents
}}
CALL (e) {{
    MATCH (e)<-[m:MENTIONS]-()
    WITH m.surface AS surface, m.type AS type, sum(m.count) AS weight
    RETURN collect([surface, type, weight]) AS forms
}}
{together("e.id, e.key, e.tenant, e.touched, e.blocks, mentions, documents, forms")}"""

_SIMILAR: LiteralString = f"""
UNWIND $queries AS query
CALL db.index.fulltext.queryNodes('entity_names', query) YIELD node AS e
WITH DISTINCT e
{together("e.id, e.key, e.tenant, e.name, e.type")}"""

_DECIDED: LiteralString = """
UNWIND $tenants AS tenant
MATCH (x:Decision {tenant: tenant})
RETURN x.id, x.tenant, x.kind, x.a, x.b, x.author, x.created_at"""

_SHOW: LiteralString = """
UNWIND $entities AS row
MATCH (e:Entity {id: row.id}) WHERE e.touched = row.touched
SET e += row.properties
REMOVE e:Stale, e.touched
WITH e
MATCH (e)-[s:SAME_AS]-() DELETE s"""

_SHOW_LINKS: LiteralString = """
UNWIND $links AS row
MATCH (a:Entity {id: row.a}) MATCH (b:Entity {id: row.b}) WHERE a.tenant = b.tenant
MERGE (a)-[s:SAME_AS]->(b)
SET s.score = row.score, s.reason = row.reason, s.tenant = a.tenant"""
