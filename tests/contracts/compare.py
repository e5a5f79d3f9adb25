"""Whether two stores answer alike: every read of the port, asked with the same arguments."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from graphrag.extraction.resolution import Decided, blocking_keys
from graphrag.filters import Filter
from graphrag.stores.base import MAX_K, GraphStore
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Hit,
    Scope,
    Subgraph,
    TermStatistics,
    canonical_json,
)
from tests.contracts.generate import VECTORS
from tests.contracts.oracle import OracleStore

TOLERANCE = 1e-5
LIMITS = (1, 3, 1000)


@dataclass(frozen=True)
class Probe:
    """Arguments to ask with: everything that exists in any of the data, visible or not, and something that does not."""

    documents: Sequence[str]
    chunks: Sequence[str]
    entities: Sequence[str]
    keys: Sequence[str]
    blocks: Sequence[str]
    terms: Sequence[str]
    vectors: NDArray[np.float32]


def probe(batches: Iterable[GraphBatch]) -> Probe:
    """A probe for the given data. Ids descend, so that an answer in ascending order is not right by accident."""
    held = list(batches)
    chunks = [chunk for batch in held for chunk in batch.chunks]
    mentions = [mention for chunk in chunks for mention in chunk.mentions]
    keys = sorted({mention.key for mention in mentions})
    return Probe(
        documents=[*sorted({batch.document.id for batch in held}, reverse=True), "no such id"],
        chunks=[*sorted({chunk.id for chunk in chunks}, reverse=True), "no such id"],
        entities=[*sorted({mention.entity_id for mention in mentions}, reverse=True), "no such id"],
        keys=[*keys, "no such key"],
        blocks=sorted({block for key in keys for block in blocking_keys(key)}),
        terms=[*sorted({term for chunk in chunks for term in chunk.terms.split()}), "unseen"],
        vectors=np.concatenate([VECTORS, VECTORS[:2] + VECTORS[1:3]]),
    )


async def snapshot(store: GraphStore, scope: Scope, filter: Filter | None, asked: Probe) -> dict[str, object]:
    """Every answer that is exact: all but the scores and cuts of the two searches."""
    # All asked at once: a store may answer while the next question is on its way, and has to answer as if asked alone.
    reads: dict[str, Awaitable[object]] = {
        "documents": _timeless(store.documents(scope, filter=filter)),
        "documents by id": _timeless(store.documents(scope, ids=asked.documents, filter=filter)),
        "documents by prefix": _timeless(store.documents(scope, source_prefix="notes/", limit=2)),
        "texts": store.texts(scope, asked.documents),
        "parts of texts": asyncio.gather(*(store.text_between(scope, id_, 3, 9) for id_ in asked.documents)),
        "chunk ids": asyncio.gather(*(store.chunk_ids(scope, id_) for id_ in asked.documents)),
        "chunks": store.chunks(scope, asked.chunks, filter),
        "chunks with vectors": _with_vectors(store.chunks_with_vectors(scope, asked.chunks, filter)),
        "matching chunks": store.search_chunks(scope, asked.terms, MAX_K, filter),
        "entities": store.entities(scope, asked.entities),
        "entity ids": store.entity_ids(scope),
        "entity ids, a page": store.entity_ids(scope, after=sorted(asked.entities)[0], limit=3),
        "entities by key": store.find_entities(scope, keys=asked.keys),
        "entities by key, cut": store.find_entities(scope, keys=asked.keys, limit=2),
        "entities by block": store.find_entities(scope, blocks=asked.blocks[::3]),
        "entities by prefix": store.find_entities(scope, prefix="B"),
        "entities by word prefix": store.find_entities(scope, prefix="cor"),
        "entities by prefix of two words": store.find_entities(scope, prefix="Corp b"),
        "entities by all three": store.find_entities(
            scope, keys=asked.keys[:1], blocks=asked.blocks[:1], prefix="goth"
        ),
        "term statistics": _rounded(store.term_statistics(scope, asked.terms)),
        "statistics": store.statistics(scope),
        "export": _exported(store.export(scope)),
    }
    for limit in LIMITS:
        reads[f"chunks mentioning, {limit}"] = store.chunks_mentioning(scope, asked.entities, limit, filter)
        reads[f"chunks mentioning rare ones, {limit}"] = store.chunks_mentioning(
            scope, asked.entities, limit, filter, rare=True
        )
        reads[f"title links, {limit}"] = store.title_links(scope, asked.chunks, limit, filter)
        reads[f"title links of some, {limit}"] = store.title_links(scope, asked.chunks[::3], limit, filter)
        for hops in (0, 1, 2):
            graph = store.neighbourhood(scope, asked.entities[:2], hops, limit)
            reads[f"neighbourhood, {hops} hops, {limit}"] = _listed(graph)
            graph = store.neighbourhood(scope, asked.entities[:2], hops, limit, decided=_decided(asked.entities))
            reads[f"neighbourhood with decisions, {hops} hops, {limit}"] = _listed(graph)
    return dict(zip(reads, await asyncio.gather(*reads.values()), strict=True))


def _decided(entities: Sequence[str]) -> Decided:
    """The first one with the last ones, one of them unknown; none of the second with another."""
    merged: dict[str, dict[str, str]] = {}
    for other in entities[-3:]:
        if other != entities[0]:
            merged.setdefault(entities[0], {})[other] = "ann"
            merged.setdefault(other, {})[entities[0]] = "ann"
    split: dict[str, set[str]] = {}
    for other in entities[2:-3]:
        split.setdefault(entities[1], set()).add(other)
        split.setdefault(other, set()).add(entities[1])
    return Decided(merged, split)


async def _timeless(read: Awaitable[list[Document]]) -> object:
    return timeless(await read)


async def _with_vectors(read: Awaitable[list[tuple[Chunk, ChunkVectors]]]) -> object:
    found = await read
    return [chunk for chunk, _ in found], _comparable({chunk.id: vectors for chunk, vectors in found})


async def _rounded(read: Awaitable[TermStatistics]) -> object:
    found = await read
    return found.chunks, dict(found.frequency), round(found.average_length, 4)


async def _exported(batches: AsyncIterator[GraphBatch]) -> object:
    return [described(batch) async for batch in batches]


async def _listed(read: Awaitable[Subgraph]) -> object:
    graph = await read
    return list(graph.entities), list(graph.relations), list(graph.same_as)


def timeless(documents: Iterable[Document]) -> list[tuple[Document, str]]:
    """Documents without their times. The metadata also as JSON, because `True == 1 == 1.0` in Python."""
    return [
        (replace(document, created_at="", updated_at=""), canonical_json(dict(document.metadata)))
        for document in documents
    ]


def described(batch: GraphBatch) -> object:
    """All that a batch says, comparable by `==`; the order of its relations says nothing."""
    ids = [chunk.id for chunk in batch.chunks]
    return (
        timeless([batch.document]),
        batch.text,
        list(batch.chunks),
        _comparable(dict(zip(ids, batch.vectors, strict=True))),
        sorted(batch.relations, key=lambda relation: relation.id),
    )


def _comparable(vectors: dict[str, ChunkVectors]) -> dict[str, object]:
    return {
        id_: (held.chunk.dtype, held.chunk.tolist(), held.sentences.dtype, held.sentences.tolist())
        for id_, held in vectors.items()
    }


async def assert_same_reads(
    store: GraphStore, want: GraphStore, scope: Scope, filter: Filter | None, asked: Probe
) -> None:
    """Both stores give the same exact answers."""
    got_answers = await snapshot(store, scope, filter, asked)
    want_answers = await snapshot(want, scope, filter, asked)
    for name, answer in want_answers.items():
        assert got_answers[name] == answer, name


async def assert_same_searches(
    store: GraphStore, oracle: OracleStore, scope: Scope, filter: Filter | None, asked: Probe
) -> None:
    """The searches give what the specification ranks first; where scores are equal but for rounding, either is right."""
    everything = await oracle.nearest_chunks(scope, asked.vectors, MAX_K, filter)
    for k in LIMITS:
        found = await store.nearest_chunks(scope, asked.vectors, k, filter)
        assert len(found) == len(asked.vectors)
        for hits, ranked in zip(found, everything, strict=True):
            assert_best_hits(hits, ranked, k)
        for terms in (asked.terms[::4], asked.terms[1::5]):
            scores = oracle.keyword_scores(scope, terms, filter)
            matches = [hit.chunk_id for hit in await store.search_chunks(scope, terms, k, filter)]
            assert matches == sorted(set(matches))
            assert_best({id_: scores[id_] for id_ in matches}, scores, k)


def assert_best_hits(hits: Sequence[Hit], ranked: Sequence[Hit], k: int) -> None:
    """`hits` are the best `k` of `ranked` (which is everything), in order."""
    scores = {hit.chunk_id: hit.score for hit in ranked}
    for hit in hits:
        assert abs(hit.score - scores[hit.chunk_id]) < TOLERANCE
    for one, following in pairwise(hits):
        assert (-one.score, one.chunk_id) < (-following.score, following.chunk_id)
    assert_best({hit.chunk_id: hit.score for hit in hits}, scores, k)


def assert_best(found: dict[str, float], scores: dict[str, float], k: int) -> None:
    """`found` is as large as can be, and nothing left out is clearly better than anything in it."""
    assert len(found) == min(k, len(scores))
    left_out = [score for id_, score in scores.items() if id_ not in found]
    if found and left_out:
        assert min(scores[id_] for id_ in found) >= max(left_out) - TOLERANCE
