"""Reads of the graph: entities, their variants, the relations between them, and the neighbourhood of some."""

import sqlite3
from collections.abc import Iterable, Sequence

from graphrag.analysis import fold
from graphrag.extraction.resolution import Decided, link_between, links_among
from graphrag.stores import rows
from graphrag.stores.embedded.index import MemoryIndex
from graphrag.stores.embedded.sql import RELATION_COLUMNS, marks, parts
from graphrag.types import Entity, Relation, Scope, Subgraph, entity_id


def find_entities(
    index: MemoryIndex, scope: Scope, keys: Sequence[str], blocks: Sequence[str], prefix: str, limit: int
) -> list[Entity]:
    """See GraphStore.find_entities."""
    ids = [entity_id(scope.tenant, key) for key in keys]
    ids += index.entities_in_blocks(scope.tenant, blocks)
    if prefix:
        ids += index.entities_with_prefix(scope.tenant, fold(prefix))
    return _by_weight(index.entities(scope, dict.fromkeys(ids)))[:limit]


def neighbourhood(
    connection: sqlite3.Connection,
    index: MemoryIndex,
    scope: Scope,
    seeds: Sequence[str],
    hops: int,
    limit: int,
    decided: Decided,
) -> Subgraph:
    """See GraphStore.neighbourhood."""
    found: dict[str, Entity] = {}
    frontier = _by_weight(index.entities(scope, dict.fromkeys(seeds)))[:limit]
    found.update((entity.id, entity) for entity in frontier)
    for _ in range(hops):
        reached: dict[str, None] = {}
        for relation in _relations(connection, index, scope, [entity.id for entity in frontier]):
            reached[relation.subject_id] = reached[relation.object_id] = None
        for entity in frontier:
            reached.update((other.id, None) for other in _variants(index, scope, entity, decided))
        fresh = index.entities(scope, [id_ for id_ in reached if id_ not in found])
        frontier = _by_weight(fresh)[: limit - len(found)]
        found.update((entity.id, entity) for entity in frontier)
        if not frontier:
            break
    relations = _relations(connection, index, scope, list(found))
    return Subgraph(
        entities=[found[id_] for id_ in sorted(found)],
        relations=[r for r in relations if r.subject_id in found and r.object_id in found],
        same_as=links_among(found.values(), decided),
    )


def _variants(index: MemoryIndex, scope: Scope, entity: Entity, decided: Decided) -> list[Entity]:
    ids = [*index.possible_variants(scope.tenant, entity.key), *decided.merged.get(entity.id, ())]
    others = index.entities(scope, dict.fromkeys(ids))
    return [other for other in others if link_between(entity, other, decided) is not None]


def _relations(
    connection: sqlite3.Connection, index: MemoryIndex, scope: Scope, entities: Sequence[str]
) -> list[Relation]:
    """Visible relations that touch one of the entities, ascending by id."""
    found: dict[str, Relation] = {}
    for part in parts(entities):
        for row in connection.execute(
            f"SELECT {RELATION_COLUMNS} FROM relations WHERE subject_id IN ({marks(part)}) "
            f"UNION SELECT {RELATION_COLUMNS} FROM relations WHERE object_id IN ({marks(part)})",
            (*part, *part),
        ):
            relation = rows.relation_from(row)
            found[relation.id] = relation
    visible = set(index.visible_ids(scope, (relation.chunk_id for relation in found.values()), None))
    return [found[id_] for id_ in sorted(found) if found[id_].chunk_id in visible]


def _by_weight(entities: Iterable[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda entity: (-entity.mention_count, entity.id))
