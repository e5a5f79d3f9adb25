"""A store as a question sees it: entities that people merged are one, so that passages which mention them are joined.

Nothing is stored or changed. Where the caller sees two or more entities of a group that merges make, one of them stands
for all: the one asked for by key, else the first by id. Chunks mention that one; its occurrences are those of all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import msgspec

from graphrag.extraction.resolution import Decided
from graphrag.filters import Filter
from graphrag.stores.base import GraphStore
from graphrag.stores.system import SystemStore, decided_by
from graphrag.types import Chunk, ChunkVectors, Entity, Mention, Occurrences, Scope


async def with_merges(store: GraphStore, system: SystemStore, scope: Scope) -> GraphStore:
    """The store as one question of the caller sees it: the store itself where nobody merged anything. One read."""
    decided = decided_by(await system.decisions(scope.tenant))
    return cast(GraphStore, _MergedStore(store, scope, decided)) if decided.merged else store


class _MergedStore:
    """The methods of a question that merges change; all others are the store's.

    Args:
        store: read as it is.
        scope: the caller; all reads have to be the same caller's.
        decided: what people decided.
    """

    def __init__(self, store: GraphStore, scope: Scope, decided: Decided) -> None:
        self._store = store
        self._scope = scope
        self._decided = decided
        self._asked: set[str] = set()
        self._seen: dict[str, Entity | None] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def _groups(self, ids: Iterable[str]) -> dict[str, list[Entity]]:
        """For each of the ids that is visible and merged with another visible one: all of its group, the first stands for it."""
        touched = [id_ for id_ in dict.fromkeys(ids) if id_ in self._decided.merged]
        wanted = {member for id_ in touched for member in group_of(self._decided, id_)} - self._seen.keys()
        if wanted:
            found = await self._store.entities(self._scope, sorted(wanted))
            self._seen.update(dict.fromkeys(wanted))
            self._seen.update((entity.id, entity) for entity in found)
        groups: dict[str, list[Entity]] = {}
        for id_ in touched:
            if self._seen[id_] is None or id_ in groups:
                continue
            members = [
                entity for one in group_of(self._decided, id_, self._seen) if (entity := self._seen[one]) is not None
            ]
            if len(members) > 1:
                members.sort(key=lambda entity: (entity.id not in self._asked, entity.id))
                groups.update((member.id, members) for member in members)
        return groups

    async def chunks(self, scope: Scope, ids: Sequence[str], filter: Filter | None = None) -> list[Chunk]:
        """Chunks whose mentions of merged entities are mentions of the one that stands for them."""
        return await self._of_merged(await self._store.chunks(scope, ids, filter))

    async def chunks_with_vectors(
        self, scope: Scope, ids: Sequence[str], filter: Filter | None = None
    ) -> list[tuple[Chunk, ChunkVectors]]:
        """The same, each with its embeddings."""
        found = await self._store.chunks_with_vectors(scope, ids, filter)
        chunks = await self._of_merged([chunk for chunk, _ in found])
        return list(zip(chunks, (vectors for _, vectors in found), strict=True))

    async def _of_merged(self, chunks: list[Chunk]) -> list[Chunk]:
        groups = await self._groups(mention.entity_id for chunk in chunks for mention in chunk.mentions)
        return [_merged(chunk, groups) for chunk in chunks] if groups else chunks

    async def chunks_mentioning(
        self,
        scope: Scope,
        entity_ids: Sequence[str],
        limit: int,
        filter: Filter | None = None,
        *,
        rare: bool = False,
    ) -> list[Occurrences]:
        """For each entity, the chunks that mention it or one that is merged with it.

        The count of a group is exact where each of its entities is in at most `limit` chunks, and else the largest
        number that it may be.
        """
        groups = await self._groups(entity_ids)
        if not groups:
            return await self._store.chunks_mentioning(scope, entity_ids, limit, filter, rare=rare)
        wanted = dict.fromkeys(
            member for id_ in entity_ids for member in ([one.id for one in groups[id_]] if id_ in groups else [id_])
        )
        occurrences = await self._store.chunks_mentioning(scope, list(wanted), limit, filter, rare=rare)
        found = {one.entity_id: one for one in occurrences}
        together: list[Occurrences] = []
        for id_ in dict.fromkeys(entity_ids):
            held = [found[one] for one in ([e.id for e in groups[id_]] if id_ in groups else [id_]) if one in found]
            if held:
                listed = [chunk for one in held for chunk in one.chunk_ids]
                distinct = sorted(set(listed))
                count = sum(one.chunk_count for one in held) - (len(listed) - len(distinct))
                shown = () if rare and count > limit else tuple(distinct[: max(0, limit)])
                together.append(Occurrences(id_, count, shown))
        return together

    async def find_entities(
        self, scope: Scope, *, keys: Sequence[str] = (), blocks: Sequence[str] = (), prefix: str = "", limit: int = 100
    ) -> list[Entity]:
        """As the store; entities asked for by key stand for their groups from now on."""
        found = await self._store.find_entities(scope, keys=keys, blocks=blocks, prefix=prefix, limit=limit)
        wanted = set(keys)
        self._asked.update(entity.id for entity in found if entity.key in wanted)
        return found


def group_of(decided: Decided, id_: str, seen: Mapping[str, Entity | None] | None = None) -> set[str]:
    """What merges make one with an entity, over any number of steps, itself among it: in all, or over what `seen` holds."""
    found = {id_}
    todo = [id_]
    while todo:
        fresh = {other for other in decided.merged.get(todo.pop(), ()) if other not in found}
        if seen is not None:
            fresh = {other for other in fresh if seen.get(other) is not None}
        found |= fresh
        todo += fresh
    return found


def _merged(chunk: Chunk, groups: Mapping[str, Sequence[Entity]]) -> Chunk:
    """The chunk with the mentions of a group as one mention of the entity that stands for it."""
    if not any(mention.entity_id in groups for mention in chunk.mentions):
        return chunk
    found: dict[str, Mention] = {}
    for mention in chunk.mentions:
        group = groups.get(mention.entity_id)
        if group is not None:
            mention = msgspec.structs.replace(mention, entity_id=group[0].id, key=group[0].key)
        known = found.get(mention.entity_id)
        found[mention.entity_id] = mention if known is None else _together(known, mention)
    return replace(chunk, mentions=tuple(sorted(found.values(), key=lambda mention: mention.key)))


def _together(one: Mention, other: Mention) -> Mention:
    first, second = sorted((one, other), key=lambda mention: (-mention.count, mention.surface))
    return msgspec.structs.replace(
        first,
        type=first.type or second.type,
        role="subject" if "subject" in (one.role, other.role) else "mention",
        spans=tuple(sorted({*one.spans, *other.spans})),
    )
