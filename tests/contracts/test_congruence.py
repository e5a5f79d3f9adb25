"""Both stores give the same answers on the same 10,000 chunks."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

import numpy as np
import pytest
import pytest_asyncio

from benchmarks.stores import Corpus, Sample
from graphrag.retrieval.keyword import keyword_search
from graphrag.stores.base import GraphStore
from graphrag.stores.embedded.open import open_stores as open_embedded
from graphrag.stores.neo4j.open import open_stores as open_neo4j
from graphrag.types import Hit, Scope
from tests.contracts.compare import described
from tests.contracts.neo4j import empty

CHUNKS = 10_000
QUERIES = 200
SCOPE = Scope("congruence")


@dataclass(frozen=True)
class Pair:
    """The two stores with the same documents in them."""

    embedded: GraphStore
    neo4j: GraphStore
    sample: Sample


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(neo4j_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Pair]:
    """Filled once: it takes half a minute."""
    file = quote(str(tmp_path_factory.mktemp("congruence") / "graph.db"))
    await empty(neo4j_url)
    sample = Sample()
    async with (
        open_embedded(f"sqlite:///{file}", filter_fields=()) as (embedded, _),
        open_neo4j(neo4j_url, filter_fields=()) as (neo4j, _),
    ):
        documents = Corpus(SCOPE.tenant, seed=9).documents(CHUNKS)
        while some := list(islice(documents, 20)):
            await embedded.write_many(SCOPE, some)
            await neo4j.write_many(SCOPE, some)
            for batch in some:
                sample.take(batch)
        yield Pair(embedded, neo4j, sample)
    await empty(neo4j_url)


def some(values: Sequence[str], count: int, seed: int) -> list[str]:
    """A few of the values, always the same for the same seed."""
    return [values[int(place)] for place in np.random.default_rng(seed).integers(0, len(values), count)]


def assert_same_hits(found: Sequence[Hit], expected: Sequence[Hit]) -> None:
    assert [hit.chunk_id for hit in found] == [hit.chunk_id for hit in expected]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-4)


@pytest.mark.asyncio(loop_scope="module")
async def test_vector_search_finds_the_same_ten_in_99_of_100_places(pair: Pair) -> None:
    same = 0
    for row in pair.sample.queries(QUERIES):
        (found,) = await pair.neo4j.nearest_chunks(SCOPE, row[None, :], 10)
        (expected,) = await pair.embedded.nearest_chunks(SCOPE, row[None, :], 10)
        scores = {hit.chunk_id: hit.score for hit in expected}
        same += sum(hit.chunk_id in scores for hit in found)
        assert all(abs(hit.score - scores.get(hit.chunk_id, hit.score)) < 1e-4 for hit in found)
        assert found == sorted(found, key=lambda hit: (-hit.score, hit.chunk_id))
    assert same / (10 * QUERIES) >= 0.99


@pytest.mark.asyncio(loop_scope="module")
async def test_keyword_search_ranks_the_same_chunks_in_the_same_order(pair: Pair) -> None:
    for seed in range(60):
        query = " ".join(some(pair.sample.terms, 2 + seed % 6, seed))
        found = await keyword_search(pair.neo4j, SCOPE, query, 10)
        assert_same_hits(found, await keyword_search(pair.embedded, SCOPE, query, 10))
        assert found


@pytest.mark.asyncio(loop_scope="module")
async def test_steps_along_the_graph_are_the_same(pair: Pair) -> None:
    for seed in range(30):
        entities = some(pair.sample.entity_ids, 30, seed)
        chunks = some(pair.sample.chunk_ids, 10, seed)
        for limit in (5, 31):
            assert await pair.neo4j.chunks_mentioning(SCOPE, entities, limit) == (
                await pair.embedded.chunks_mentioning(SCOPE, entities, limit)
            )
            assert await pair.neo4j.chunks_mentioning(SCOPE, entities, limit, rare=True) == (
                await pair.embedded.chunks_mentioning(SCOPE, entities, limit, rare=True)
            )
            assert await pair.neo4j.title_links(SCOPE, chunks, limit) == (
                await pair.embedded.title_links(SCOPE, chunks, limit)
            )
        assert await pair.neo4j.entities(SCOPE, entities) == await pair.embedded.entities(SCOPE, entities)
        keys = some(pair.sample.keys, 20, seed)
        assert await pair.neo4j.find_entities(SCOPE, keys=keys) == await pair.embedded.find_entities(SCOPE, keys=keys)
        prefix = keys[0][:4]
        assert await pair.neo4j.find_entities(SCOPE, prefix=prefix, limit=20) == (
            await pair.embedded.find_entities(SCOPE, prefix=prefix, limit=20)
        )
        assert await pair.neo4j.neighbourhood(SCOPE, entities[:2], 2, 40) == (
            await pair.embedded.neighbourhood(SCOPE, entities[:2], 2, 40)
        )


@pytest.mark.asyncio(loop_scope="module")
async def test_documents_and_all_they_contributed_are_the_same(pair: Pair) -> None:
    assert await pair.neo4j.statistics(SCOPE) == await pair.embedded.statistics(SCOPE)
    ids = pair.sample.ids[::37]
    assert await pair.neo4j.chunks(SCOPE, ids) == await pair.embedded.chunks(SCOPE, ids)
    count = 0
    expected = pair.embedded.export(SCOPE)
    async for batch in pair.neo4j.export(SCOPE):
        assert described(batch) == described(await anext(expected))
        count += 1
        if count == 40:
            break
    assert count == 40
