"""Reads of the graph: entities, and the neighbourhood of some."""

import asyncio
from collections.abc import Iterable, Sequence

from graphrag.analysis import fold
from graphrag.extraction.resolution import Decided, by_block, link_between, links_among, perhaps_same
from graphrag.stores import rows
from graphrag.stores.neo4j import lucene, queries
from graphrag.stores.neo4j.connection import Connection
from graphrag.stores.neo4j.folding import entity_of
from graphrag.types import Entity, Scope, Subgraph, entity_id, is_text

_ALL = 2**31 - 1


async def entities(connection: Connection, scope: Scope, ids: Iterable[str], limit: int = _ALL) -> list[Entity]:
    """The visible ones of the entities, by mention count descending, then id; at most `limit`. One round trip."""
    wanted = [id_ for id_ in dict.fromkeys(ids) if is_text(id_)]
    if not wanted:
        return []
    found = await connection.read_together(queries.ENTITIES, ids=wanted, limit=limit, **queries.scope_parameters(scope))
    return [entity_of(row) for row in found]


async def find_entities(
    connection: Connection, scope: Scope, keys: Sequence[str], blocks: Sequence[str], prefix: str, limit: int
) -> list[Entity]:
    """See GraphStore.find_entities. One round trip for keys, one more for blocks and prefix together."""
    ids = [entity_id(scope.tenant, key) for key in keys]
    in_blocks, with_prefix = await asyncio.gather(
        _in_blocks(connection, scope.tenant, blocks), _with_prefix(connection, scope.tenant, prefix)
    )
    return await entities(connection, scope, [*ids, *in_blocks, *with_prefix], limit)


async def _in_blocks(connection: Connection, tenant: str, blocks: Iterable[str]) -> dict[str, str]:
    """Keys, by id, of the tenant's entities that fall into one of the blocks."""
    texts = lucene.any_block(tenant, blocks)
    if not texts:
        return {}
    found = await connection.read_together(queries.ENTITY_IDS_BY_BLOCK, queries=texts, tenant=tenant)
    return {str(id_): str(key) for id_, key in found}


async def _with_prefix(connection: Connection, tenant: str, prefix: str) -> list[str]:
    start = fold(prefix) if is_text(prefix) else ""
    query = lucene.word_prefix(start)
    if not query:
        return []
    found = await connection.read_together(queries.ENTITY_IDS_BY_PREFIX, words=query, start=f" {start}", tenant=tenant)
    return [id_ for (id_,) in found]


async def entity_ids(connection: Connection, scope: Scope, after: str, limit: int) -> list[str]:
    """See GraphStore.entity_ids. One round trip."""
    found = await connection.read_together(
        queries.ENTITY_IDS, after=after, limit=limit, **queries.scope_parameters(scope)
    )
    return [id_ for (id_,) in found]


async def neighbourhood(
    connection: Connection, scope: Scope, seeds: Sequence[str], hops: int, limit: int, decided: Decided
) -> Subgraph:
    """See GraphStore.neighbourhood. Two round trips, and three for each hop."""
    frontier = await entities(connection, scope, seeds, limit)
    found = {entity.id: entity for entity in frontier}
    for _ in range(hops):
        if not frontier or len(found) >= limit:
            break
        reached, variants = await asyncio.gather(
            _neighbours(connection, scope, frontier), _possible_variants(connection, scope, frontier)
        )
        for one in frontier:
            for id_ in decided.merged.get(one.id, ()):
                variants.setdefault(id_, []).append(one)
        fresh = await entities(connection, scope, [id_ for id_ in (*reached, *variants) if id_ not in found])
        frontier = [
            other
            for other in fresh
            if other.id in reached or any(link_between(one, other, decided) for one in variants.get(other.id, ()))
        ][: limit - len(found)]
        found.update((entity.id, entity) for entity in frontier)
    relations = (
        await connection.read_together(queries.RELATIONS_AMONG, ids=sorted(found), **queries.scope_parameters(scope))
        if found
        else []
    )
    return Subgraph(
        entities=[found[id_] for id_ in sorted(found)],
        relations=[rows.relation_from(row) for row in relations],
        same_as=links_among(found.values(), decided),
    )


async def _neighbours(connection: Connection, scope: Scope, frontier: Sequence[Entity]) -> set[str]:
    """Ids of what visible relations lead to."""
    ids = [entity.id for entity in frontier]
    found = await connection.read_together(queries.NEIGHBOURS, ids=ids, **queries.scope_parameters(scope))
    return {id_ for (id_,) in found}


async def _possible_variants(
    connection: Connection, scope: Scope, frontier: Sequence[Entity]
) -> dict[str, list[Entity]]:
    """By id of another entity, those of the frontier whose key allows that the two are one."""
    blocks = by_block(frontier)
    others = await _in_blocks(connection, scope.tenant, blocks)
    return {id_: likely for id_, key in others.items() if (likely := perhaps_same(key, blocks))}
