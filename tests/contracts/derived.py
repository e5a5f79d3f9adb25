"""What follows from a set of batches, whichever they are: the naive rules that the specification answers by."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass

import msgspec

from graphrag.analysis import longest_matches
from graphrag.types import Chunk, ChunkVectors, Entity, GraphBatch, Mention, TermStatistics


def strings_in(held: object) -> Iterable[str]:
    """Every string in a value, however deep."""
    if isinstance(held, str):
        return [held]
    if is_dataclass(held):
        return strings_in([getattr(held, field.name) for field in fields(held)])
    if isinstance(held, msgspec.Struct):
        return strings_in(msgspec.structs.astuple(held))
    if isinstance(held, list | tuple):
        return [text for part in held for text in strings_in(part)]
    return strings_in(list(held.values())) if isinstance(held, dict) else []


def chunks_of(batches: Iterable[GraphBatch]) -> Iterable[Chunk]:
    return [chunk for batch in batches for chunk in batch.chunks]


def vectors_of(batches: Iterable[GraphBatch]) -> dict[str, ChunkVectors]:
    return {c.id: v for batch in batches for c, v in zip(batch.chunks, batch.vectors, strict=True)}


def mentions_of(batches: Iterable[GraphBatch]) -> Iterable[tuple[Chunk, Mention]]:
    return [(chunk, mention) for chunk in chunks_of(batches) for mention in chunk.mentions]


def by_mentions(entity: Entity) -> tuple[int, str]:
    return -entity.mention_count, entity.id


def entities_of(batches: Iterable[GraphBatch]) -> dict[str, Entity]:
    """The fold: what the given batches say about each entity.

    Reading: "most mentions" weighs each Mention by its `count`, as `mention_count` does.
    """
    found: defaultdict[str, list[tuple[Chunk, Mention]]] = defaultdict(list)
    for chunk, mention in mentions_of(batches):
        found[mention.entity_id].append((chunk, mention))
    entities: dict[str, Entity] = {}
    for id_, held in found.items():
        names: Counter[str] = Counter()
        types: Counter[str] = Counter()
        for _, mention in held:
            names[mention.surface] += mention.count
            if mention.type:
                types[mention.type] += mention.count
        entities[id_] = Entity(
            id=id_,
            key=held[0][1].key,
            name=_most_common(names),
            type=_most_common(types),
            mention_count=names.total(),
            chunk_count=len({chunk.id for chunk, _ in held}),
            document_count=len({chunk.document_id for chunk, _ in held}),
        )
    return entities


def _most_common(counts: Counter[str]) -> str:
    return min(counts, key=lambda value: (-counts[value], value), default="")


def term_statistics_of(chunks: Iterable[Chunk], terms: Sequence[str]) -> TermStatistics:
    split = [chunk.terms.split() for chunk in chunks]
    return TermStatistics(
        chunks=len(split),
        average_length=sum(map(len, split)) / len(split) if split else 0.0,
        frequency={term: sum(term in held for held in split) for term in terms},
    )


def title_links_among(chunks: Sequence[Chunk]) -> list[tuple[str, str, str]]:
    about = {chunk.id: {m.key for m in chunk.mentions if m.role == "subject"} for chunk in chunks}
    subjects = {key for keys in about.values() for key in keys}
    links: list[tuple[str, str, str]] = []
    for source in chunks:
        for key in longest_matches(source.phrases, subjects) - about[source.id]:
            links += [(source.id, target.id, key) for target in chunks if key in about[target.id]]
    return links
