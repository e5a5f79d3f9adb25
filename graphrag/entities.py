"""Looking at entities with what makes them one: links that are derived from their names, and people's decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphrag.analysis import normalise
from graphrag.errors import NotFoundError
from graphrag.extraction.resolution import Decided, by_block, link_between, perhaps_same
from graphrag.stores.base import GraphStore
from graphrag.types import Entity, SameAs, Scope

MAX_IN_BLOCKS = 10_000
"""Entities looked at for the links of some."""
_SIMILAR_NAMES = 3


@dataclass(frozen=True, slots=True)
class Link:
    """Two entities and why they are one."""

    one: Entity
    other: Entity
    same_as: SameAs
    decided: bool
    """Whether a person said so."""


async def find_entity(store: GraphStore, scope: Scope, name: str) -> Entity:
    """The entity with an id or name, as the scope sees it.

    Raises:
        NotFoundError: there is none; says which names are near.
    """
    found = await store.entities(scope, [name])
    if not found and (key := normalise(name)):
        found = await store.find_entities(scope, keys=[key], limit=1)
    if found:
        return found[0]
    words = normalise(name).split()
    near = await store.find_entities(scope, prefix=words[0], limit=_SIMILAR_NAMES) if words else []
    hint = f"; similar: {', '.join(repr(entity.name) for entity in near)}" if near else ""
    raise NotFoundError(f"no entity with the id or name {name[:200]!r} is visible in tenant {scope.tenant!r}{hint}")


async def names_of(store: GraphStore, scope: Scope, ids: Iterable[str]) -> dict[str, str]:
    """Names by entity id, as far as the scope sees them."""
    return {entity.id: entity.name for entity in await store.entities(scope, list(dict.fromkeys(ids)))}


async def links_of(store: GraphStore, scope: Scope, entities: Sequence[Entity], decided: Decided) -> list[Link]:
    """Every link of the given entities, `one` being the given one; by score descending, then name, then id.

    A link between two of them comes once. Two reads.
    """
    given = {entity.id: entity for entity in entities}
    blocks = by_block(entities)
    if not blocks:
        return []
    others = await store.find_entities(scope, blocks=sorted(blocks), limit=MAX_IN_BLOCKS)
    merged = {id_ for entity in entities for id_ in decided.merged.get(entity.id, ())}
    others += await store.entities(scope, sorted(merged - {other.id for other in others}))
    found: dict[tuple[str, str], Link] = {}
    for other in others:
        likely = perhaps_same(other.key, blocks)
        likely += [given[id_] for id_ in decided.merged.get(other.id, ()) if id_ in given and given[id_] not in likely]
        for one in likely:
            link = link_between(one, other, decided) if one.id != other.id else None
            if link is not None:
                is_decided = other.id in decided.merged.get(one.id, ())
                found.setdefault((link.a, link.b), Link(one, other, link, is_decided))
    return best_first(found.values())


async def candidates(
    store: GraphStore, scope: Scope, decided: Decided, *, after: str = "", entities: int = 500
) -> tuple[list[Link], str | None]:
    """Derived links on which nobody has decided, entity by entity, for people to look through.

    Args:
        after: id of the last entity that was looked at before.
        entities: how many to look at.

    Returns:
        The links of these entities to ones with greater ids, so that no link comes twice; best first. And the id to go on
        after, None at the end.
    """
    ids = await store.entity_ids(scope, after=after, limit=entities)
    held = await store.entities(scope, ids)
    links = await links_of(store, scope, held, decided)
    pages = {entity.id for entity in held}
    fresh = [link for link in links if not link.decided and link.same_as.a in pages]
    return fresh, ids[-1] if len(ids) == entities else None


async def all_candidates(store: GraphStore, scope: Scope, decided: Decided) -> list[Link]:
    """All that there is to decide on, best first. Costs a look at every entity."""
    found: list[Link] = []
    after: str | None = ""
    while after is not None:
        page, after = await candidates(store, scope, decided, after=after)
        found += page
    return best_first(found)


def best_first(links: Iterable[Link]) -> list[Link]:
    """By score descending, then names, then ids."""
    return sorted(
        links, key=lambda link: (-link.same_as.score, link.one.key, link.other.key, link.one.id, link.other.id)
    )
