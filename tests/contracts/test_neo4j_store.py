"""What the Neo4j store promises beyond the contract of the port."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from neo4j import AsyncDriver

from graphrag.errors import ConfigError, GraphRAGError, SchemaMismatchError, StoreError
from graphrag.filters import Condition, Filter
from graphrag.stores.neo4j import display, schema
from graphrag.stores.neo4j.connection import Connection
from graphrag.stores.neo4j.open import address_of, open_stores
from graphrag.stores.neo4j.store import Neo4jStore
from graphrag.stores.system import Decision
from graphrag.stores.trips import count_round_trips
from graphrag.types import GraphBatch, Scope, chunk_id, entity_id, relation_id
from tests.contracts.generate import (
    FIELDS,
    NAMES,
    VECTORS,
    ChunkPlan,
    DocumentPlan,
    SentencePlan,
    build,
    form_before_8,
    seeded_corpus,
)
from tests.contracts.neo4j import empty
from tests.contracts.plans import fill

ANYBODY = Scope()
EVERYTHING = Scope(access=frozenset({"*"}))


@pytest.fixture
async def store(neo4j_url: str) -> AsyncGenerator[Neo4jStore]:
    """An empty store."""
    await empty(neo4j_url)
    async with open_stores(neo4j_url, filter_fields=FIELDS) as (opened, _):
        yield opened


async def rows(driver: AsyncDriver, query: str, **values: object) -> list[list[object]]:
    return [record.values() for record in (await driver.execute_query(query, values)).records]


def named(*names: str, source: str = "a.md", access: str = "public", types: tuple[int, ...] = (0,)) -> DocumentPlan:
    plan = ChunkPlan((SentencePlan(tuple(NAMES.index(name) for name in names)),), types=types, relations=1)
    return DocumentPlan((plan,), source=source, access=access)


# Opening


@pytest.mark.parametrize(
    "url",
    [
        "neo4j://", "neo4j:///database", "neo4j://host:seven", "neo4j://user@host", "neo4j://host/db?x=1", "neo4j://host#x",
        "neo4j://host/a/b", "neo4j://host/../etc", "http://host", "neo4j://secret:pa ss@[::1",
    ],
)  # fmt: skip
def test_a_malformed_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError, match="use neo4j://user:password@host") as refused:
        address_of(url)
    assert "secret" not in str(refused.value)


def test_the_parts_of_a_url_are_percent_decoded() -> None:
    address = address_of("neo4j+s://us%40er:p%2Fss%3Aword@db.example.com/graph")
    assert (address.server, address.user, address.password, address.database) == (
        "neo4j+s://db.example.com:7687",
        "us@er",
        "p/ss:word",
        "graph",
    )


async def refusal(url: str, kind: type[GraphRAGError]) -> str:
    """What opening a store says."""
    with pytest.raises(kind) as refused:
        async with open_stores(url, filter_fields=()):
            pass
    return str(refused.value)


async def test_an_unreachable_server_is_reported_with_what_to_do(unused_tcp_port: int) -> None:
    told = await refusal(f"neo4j://user:hidden@127.0.0.1:{unused_tcp_port}", StoreError)
    assert "cannot be reached" in told
    assert "start the server" in told
    assert "Connect call failed" in told  # and not what the driver makes of it: no routing information
    assert "hidden" not in told


async def test_wrong_credentials_and_an_unknown_database_are_reported_with_what_to_do(neo4j_url: str) -> None:
    parts = urlsplit(neo4j_url)
    place = f"{parts.hostname}:{parts.port}"
    if parts.username:  # a server without authentication takes any
        told = await refusal(f"neo4j://neo4j:wrong@{place}", StoreError)
        assert "credentials" in told
        assert "wrong@" not in told
    login = f"{parts.username}:{parts.password}@" if parts.username else ""
    assert "no such database" in await refusal(f"neo4j://{login}{place}/nowhere", StoreError)


async def test_an_older_server_is_refused(neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "OLDEST_SERVER", (9999, 1))
    assert "9999.01 or newer is needed" in await refusal(neo4j_url, StoreError)


async def test_a_newer_schema_is_refused_and_left_alone(store: Neo4jStore, driver: AsyncDriver, neo4j_url: str) -> None:
    await rows(driver, "MATCH (s:SchemaVersion) SET s.version = 1000")
    try:
        assert "schema version 1000" in await refusal(neo4j_url, SchemaMismatchError)
        assert await rows(driver, "MATCH (s:SchemaVersion) RETURN s.version") == [[1000]]
    finally:
        await rows(driver, "MATCH (s:SchemaVersion) SET s.version = $version", version=schema.SCHEMA_VERSION)


async def test_blocks_that_older_software_stored_are_made_anew(
    store: Neo4jStore, driver: AsyncDriver, neo4j_url: str
) -> None:
    await store.write(ANYBODY, build(DocumentPlan((ChunkPlan((SentencePlan((0, 4)),)),))))
    wanted = await rows(driver, "MATCH (e:Entity) RETURN e.id, e.blocks ORDER BY e.id")
    await rows(
        driver, "MATCH (e:Entity) SET e.blocks = ['old'] WITH count(*) AS n MATCH (s:SchemaVersion) SET s.version = 1"
    )
    async with open_stores(neo4j_url, filter_fields=FIELDS):
        assert await rows(driver, "MATCH (e:Entity) RETURN e.id, e.blocks ORDER BY e.id") == wanted
    # What Browser shows is made anew, too, here or by a store that is open.
    while await display.refresh(store._connection):
        pass
    assert await rows(driver, "MATCH (e:Stale) RETURN count(*)") == [[0]]


async def test_chunks_that_older_software_stored_are_brought_up_to_date_with_their_counts(
    store: Neo4jStore, driver: AsyncDriver, neo4j_url: str
) -> None:
    batch, _ = await fill(store, [named("Acme", "Berlin"), named("Acme", source="b.md", access="secret")])
    held = (
        "MATCH (c:Chunk) RETURN c.id AS id, c.terms AS terms UNION ALL MATCH (d:Document) RETURN d.id AS id, d.term_count "
        "AS terms UNION ALL MATCH (p:Partition) RETURN p.id AS id, p.terms AS terms"
    )
    wanted = sorted(await rows(driver, held))
    phrases, mentions = form_before_8(batch.chunks[0])
    await rows(driver, "MATCH (c:Chunk) SET c.terms = 'old'")
    await rows(
        driver,
        "MATCH (c:Chunk {id: $id}) SET c.phrases = $phrases, c.mentions = $mentions",
        id=batch.chunks[0].id, phrases=phrases, mentions=mentions,
    )  # fmt: skip
    await rows(driver, "MATCH (d:Document) SET d.term_count = 99, d.title_key = 'a', d.heading_keys = '[]'")
    await rows(driver, "MATCH (p:Partition) SET p.terms = 99")
    await rows(driver, "MATCH (s:SchemaVersion) SET s.version = 5")
    async with open_stores(neo4j_url, filter_fields=FIELDS):
        assert sorted(await rows(driver, held)) == wanted
        assert await rows(driver, "MATCH (d:Document) WHERE d.title_key IS NOT NULL RETURN d.id") == []
        assert await store.chunks(ANYBODY, [batch.chunks[0].id]) == list(batch.chunks)


async def test_the_text_index_of_older_software_is_made_anew(
    store: Neo4jStore, driver: AsyncDriver, neo4j_url: str
) -> None:
    await fill(store, [named("Acme")])
    held = "SHOW INDEXES YIELD name, state, properties WHERE name = 'chunk_text' RETURN state, properties"
    wanted = await rows(driver, held)
    await rows(driver, "DROP INDEX chunk_text")
    await rows(driver, "CREATE FULLTEXT INDEX chunk_text FOR (n:Chunk) ON EACH [n.scope, n.terms, n.phrase_ids]")
    await rows(driver, "MATCH (s:SchemaVersion) SET s.version = 6")
    async with open_stores(neo4j_url, filter_fields=FIELDS) as (upgraded, _):
        assert await rows(driver, held) == wanted == [["ONLINE", ["scope", "terms"]]]
        assert await upgraded.search_chunks(ANYBODY, ["acm"], 5)


async def test_a_start_that_waited_for_newer_software_is_refused(
    store: Neo4jStore, driver: AsyncDriver, neo4j_url: str
) -> None:
    await rows(
        driver,
        "MATCH (s:SchemaVersion) SET s.version = 1, s.locked_by = 'newer', s.locked_until = timestamp() + 600000",
    )
    starting = asyncio.create_task(refusal(neo4j_url, SchemaMismatchError))
    try:
        while await rows(driver, "MATCH (s:SchemaVersion) WHERE s.lock IS NOT NULL RETURN 1") == []:
            pass  # it has not asked for the lock yet
        await rows(driver, "MATCH (s:SchemaVersion) SET s.version = 1000 REMOVE s.locked_by, s.locked_until")
        assert "schema version 1000" in await starting
        assert await rows(driver, "MATCH (s:SchemaVersion) RETURN s.version") == [[1000]]
    finally:
        await rows(driver, "MATCH (s:SchemaVersion) SET s.version = $version", version=schema.SCHEMA_VERSION)


async def test_the_schema_is_made_by_one_of_many_that_start_at_once(neo4j_url: str, driver: AsyncDriver) -> None:
    await empty(neo4j_url)
    await rows(driver, "MATCH (s:SchemaVersion) DELETE s")
    await rows(driver, "DROP INDEX chunk_document")

    async def start() -> None:
        async with open_stores(neo4j_url, filter_fields=FIELDS):
            pass

    await asyncio.gather(start(), start(), start())
    assert await rows(driver, "SHOW INDEXES YIELD name, state WHERE name = 'chunk_document' RETURN state") == [
        ["ONLINE"]
    ]
    assert await rows(driver, "MATCH (s:SchemaVersion) RETURN s.version, s.locked_by") == [
        [schema.SCHEMA_VERSION, None]
    ]


async def test_a_new_filter_field_is_declared_in_the_vector_index_and_old_ones_stay(
    store: Neo4jStore, neo4j_url: str
) -> None:
    plan = replace(named("Acme"), metadata=(("colour", "red"), ("year", 2024)))
    await fill(store, [plan])
    async with open_stores(neo4j_url, filter_fields={"colour"}) as (other, _):
        for colour, count in (("red", 1), ("blue", 0)):
            condition = Condition("colour", "eq", (colour,))
            (hits,) = await other.nearest_chunks(ANYBODY, VECTORS[:1], 5, Filter((condition,)))
            assert len(hits) == count
    assert await schema.declared_fields(store._connection, 0) >= FIELDS | {"colour"}


# Writing


async def test_writers_at_the_same_time_lose_nothing(store: Neo4jStore) -> None:
    plans = seeded_corpus(seed=4, size=40)
    batches = [build(plan) for plan in plans]
    await asyncio.gather(*(store.write(plan.owner, batch) for plan, batch in zip(plans, batches, strict=True)))
    ours = [batch for plan, batch in zip(plans, batches, strict=True) if plan.tenant == "default"]
    terms = sum(len(chunk.terms.split()) for batch in ours for chunk in batch.chunks)
    chunks = sum(len(batch.chunks) for batch in ours)
    statistics = await store.term_statistics(EVERYTHING, ["berlin"])
    assert (statistics.chunks, statistics.average_length) == (chunks, pytest.approx(terms / chunks))
    assert await store.revision() == len(plans)
    assert (await store.statistics(EVERYTHING)).chunks == chunks


async def test_two_writers_of_one_document_leave_one_of_its_versions(store: Neo4jStore) -> None:
    versions = [named("Acme", "Berlin"), named("Lamprey"), named("IBM", "Acme", "Berlin")]
    for _ in range(3):
        await asyncio.gather(*(store.write(ANYBODY, build(version)) for version in versions))
        (batch,) = [held async for held in store.export(ANYBODY)]
        assert [chunk.id for chunk in batch.chunks] in [[c.id for c in build(v).chunks] for v in versions]
        assert (await store.term_statistics(ANYBODY, [])).chunks == 1
        await store.delete_documents(ANYBODY, [batch.document.id])
        assert (await store.term_statistics(ANYBODY, [])).chunks == 0


async def test_deletion_leaves_no_node_of_the_document_behind(store: Neo4jStore, driver: AsyncDriver) -> None:
    kept, gone = named("Acme", "Berlin"), named("Acme", "Lamprey", source="b.md")
    await fill(store, [kept, gone])
    await store.delete_documents(ANYBODY, [gone.id])
    found = await rows(driver, "MATCH (n) WHERE n:Document OR n:Chunk OR n:Entity RETURN labels(n)[0], count(*) ORDER BY labels(n)[0]")  # fmt: skip
    assert found == [["Chunk", 1], ["Document", 1], ["Entity", 2]]
    assert await rows(driver, "MATCH (e:Entity {key: 'lamprey'}) RETURN e") == []


async def test_many_documents_are_deleted_in_portions(store: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphrag.stores.neo4j.store.CHUNKS_PER_DELETION", 3)
    plans = [named("Acme", source=f"{n}.md") for n in range(8)]
    await fill(store, plans)
    before = await store.revision()
    assert await store.delete_documents(ANYBODY, [plan.id for plan in plans]) == 8
    assert await store.revision() == before + 3
    assert await store.documents(ANYBODY) == []


async def test_a_document_of_many_chunks_is_written_and_deleted_whole(store: Neo4jStore, driver: AsyncDriver) -> None:
    one = build(named("Acme", "Berlin"))
    (chunk,) = one.chunks
    chunks = [
        replace(chunk, id=chunk_id(one.document.id, n, chunk.text), position=n) for n in range(1200)
    ]  # all the same span: the store does not mind
    relations = [
        replace(r, chunk_id=c.id, id=relation_id(c.id, r.subject_id, r.predicate, r.object_id, r.start))
        for c in chunks
        for r in one.relations
    ]
    batch = GraphBatch(replace(one.document, chunk_count=1200), one.text, chunks, list(one.vectors) * 1200, relations)
    assert await store.write(ANYBODY, batch) == "created"
    assert await store.chunk_ids(ANYBODY, one.document.id) == [held.id for held in chunks]
    ordered = await rows(driver, "MATCH (a:Chunk)-[:NEXT]->(b:Chunk) RETURN a.position, b.position ORDER BY a.position")
    assert ordered == [list(pair) for pair in pairwise(range(1200))]
    (acme,) = await store.find_entities(ANYBODY, keys=["acme"])
    assert acme.chunk_count == 1200
    assert await store.delete_documents(ANYBODY, [one.document.id]) == 1
    assert await rows(driver, "MATCH (n) WHERE NOT n:SchemaVersion AND NOT n:Partition RETURN count(n)") == [[0]]


# What Browser shows


async def test_browser_shows_names_types_and_counts_over_all_mentions(store: Neo4jStore, driver: AsyncDriver) -> None:
    await fill(store, [named("Acme"), named("ACME", "ACME", source="b.md", types=(1,), access="legal")])
    while await display.refresh(store._connection):
        pass
    shown = "MATCH (e:Entity {key: 'acme'}) RETURN e.name, e.type, e.mention_count, e.document_count, labels(e)"
    assert await rows(driver, shown) == [["ACME", "ORG", 3, 2, ["Entity"]]]
    await store.delete_documents(EVERYTHING, [named("ACME", source="b.md").id])
    assert (await rows(driver, shown))[0][-1] == ["Entity", "Stale"]
    while await display.refresh(store._connection):
        pass
    assert await rows(driver, shown) == [["Acme", "", 1, 1, ["Entity"]]]


async def test_browser_shows_entities_that_may_be_one(store: Neo4jStore, driver: AsyncDriver) -> None:
    await fill(store, [named("IBM", "Acme"), named("International Business Machines", source="b.md")])
    while await display.refresh(store._connection):
        pass
    links = "MATCH (a:Entity)-[s:SAME_AS]->(b:Entity) RETURN a.id, b.id, s.reason"
    pair = sorted([entity_id("default", "ibm"), entity_id("default", "international business machines")])
    ((a, b, reason),) = await rows(driver, links)
    assert [a, b] == pair
    assert "acronym" in str(reason)
    await store.delete_documents(ANYBODY, [named("IBM", source="b.md").id])
    assert await rows(driver, links) == []


async def test_browser_shows_what_people_decided(store: Neo4jStore, driver: AsyncDriver, neo4j_url: str) -> None:
    await fill(store, [named("IBM", "Lamprey"), named("International Business Machines", source="b.md")])
    ibm, lamprey, full = (entity_id("default", key) for key in ("ibm", "lamprey", "international business machines"))

    async def links() -> dict[frozenset[object], object]:
        while await display.refresh(store._connection):
            pass
        found = await rows(driver, "MATCH (a:Entity)-[s:SAME_AS]->(b:Entity) RETURN a.id, b.id, s.reason")
        return {frozenset((a, b)): reason for a, b, reason in found}

    derived = await links()
    assert list(derived) == [frozenset((ibm, full))]
    async with open_stores(neo4j_url, filter_fields=FIELDS) as (_, system):
        await system.record_decisions([Decision("1", "default", "merge", ibm, lamprey, "ann")])
        await system.record_decisions([Decision("2", "default", "split", ibm, full, "ann")])
        assert await links() == {frozenset((ibm, lamprey)): "decided by ann"}
        # A decision of another tenant names what is not its own.
        await system.record_decisions([Decision("3", "rival", "merge", lamprey, full, "eve")])
        # What is ingested again finds the decisions again.
        await fill(store, [named("Lamprey"), named("IBM", source="c.md")])
        assert await links() == {frozenset((ibm, lamprey)): "decided by ann"}
        await system.remove_decision("default", "1")
        await system.remove_decision("default", "2")
    # The end of the stores has brought Browser up to date.
    assert await rows(driver, "MATCH (e:Stale) RETURN e") == []
    assert await links() == derived


async def test_browser_is_brought_up_to_date_a_moment_after_a_write(
    store: Neo4jStore, driver: AsyncDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "QUIET_SECONDS", 0.01)
    await fill(store, [named("Acme")])
    async with asyncio.timeout(10):
        while await rows(driver, "MATCH (e:Stale) RETURN e"):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
    assert await rows(driver, "MATCH (e:Entity) RETURN e.name, e.mention_count") == [["Acme", 1]]


async def test_a_chunk_that_is_read_while_it_is_replaced_is_read_again(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch,) = await fill(store, [named("Acme")])
    ids = [chunk.id for chunk in batch.chunks]
    whole, read = await store.chunks(ANYBODY, ids), Connection.read_together
    torn: list[int] = []

    async def read_together(connection: Connection, query: str, **parameters: object) -> list[Any]:
        found = await read(connection, query, **parameters)
        if torn:
            torn.pop()
            found[0][4] = found[0][10] = None  # its position and headings, as the server has given them once
        return found

    monkeypatch.setattr(Connection, "read_together", read_together)
    torn[:] = [1, 1]
    assert await store.chunks(ANYBODY, ids) == whole
    torn[:] = [1]
    assert [chunk for chunk, _ in await store.chunks_with_vectors(ANYBODY, ids)] == whole
    torn[:] = [1] * 99
    with pytest.raises(StoreError, match="a chunk was being written during each"):
        await store.chunks(ANYBODY, ids)


# Round trips and query texts


async def test_each_read_takes_a_fixed_small_number_of_round_trips(store: Neo4jStore) -> None:
    batches = await fill(store, seeded_corpus(seed=6, size=30))
    ids = [chunk.id for batch in batches for chunk in batch.chunks]
    await store.chunks_with_vectors(ANYBODY, ids)  # learns the dimensions
    statistics = await store.term_statistics(ANYBODY, ["acm", "berlin"])
    reads: list[tuple[Callable[[], object], int]] = [
        (lambda: store.chunks(ANYBODY, ids), 1),
        (lambda: store.chunks_with_vectors(ANYBODY, ids), 1),
        (lambda: store.nearest_chunks(ANYBODY, VECTORS, 5), 2),
        (lambda: store.search_chunks(ANYBODY, ["acm", "berlin"], 2), 2),
        (lambda: store.search_chunks(ANYBODY, ["acm", "berlin"], 2, statistics=statistics), 1),
        (lambda: store.term_statistics(ANYBODY, ["acm", "berlin"]), 1),
        (lambda: store.find_entities(ANYBODY, keys=["acme", "berlin"]), 1),
        (lambda: store.chunks_mentioning(ANYBODY, [entity_id("default", "acme")], 5), 1),
        (lambda: store.title_links(ANYBODY, ids, 5), 1),
        (lambda: store.statistics(ANYBODY), 1),
    ]
    for read, expected in reads:
        with count_round_trips() as trips:
            await read()
        assert trips.count == expected


async def test_vectors_come_back_to_the_last_bit(store: Neo4jStore) -> None:
    (batch,) = await fill(store, [named("Acme")])
    ((_, held),) = await store.chunks_with_vectors(ANYBODY, [batch.chunks[0].id])
    assert np.array_equal(held.chunk, batch.vectors[0].chunk)
    assert np.array_equal(held.sentences, batch.vectors[0].sentences)
