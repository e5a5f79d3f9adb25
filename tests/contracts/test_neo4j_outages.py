"""What the Neo4j store does while its server is away: who waits for a response learns soon, work in the background goes on."""

import asyncio
import uuid
from collections.abc import AsyncGenerator

import pytest
from neo4j import AsyncDriver

from graphrag.errors import StoreError
from graphrag.stores.neo4j import connection, schema
from graphrag.stores.neo4j.open import open_stores
from graphrag.stores.neo4j.store import Neo4jStore
from graphrag.stores.waiting import somebody_waiting
from graphrag.types import Scope
from tests.contracts.jobs import a_key
from tests.relay import SOON, Relay, leading_to


@pytest.fixture
async def relay(neo4j_url: str) -> AsyncGenerator[Relay]:
    """A way to the server."""
    async with leading_to(neo4j_url) as made:
        yield made


@pytest.fixture
async def store(neo4j_url: str, relay: Relay) -> AsyncGenerator[Neo4jStore]:
    """A store behind the relay."""
    async with open_stores(relay.url, filter_fields=()) as (opened, _):
        yield opened


async def test_who_waits_learns_soon_that_the_server_is_away_and_the_background_outlives_it(
    store: Neo4jStore, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    await relay.down()
    background = asyncio.create_task(store.revision())
    writing = asyncio.create_task(store.delete_documents(Scope(), ["none"]))
    async with asyncio.timeout(SOON):
        with somebody_waiting(), pytest.raises(StoreError, match="cannot be reached: start the server"):
            await store.revision()
    assert not background.done()
    assert not writing.done()
    await relay.up()
    assert await background >= 0
    assert await writing == 0
    with somebody_waiting():
        assert await store.revision() >= 0
    away, back = [line.getMessage() for line in caplog.records if line.name == connection.__name__]
    assert away.startswith(f"{store.location} is away, and is tried again until it is back: ")
    assert back.startswith(f"{store.location} is back after ")


async def test_who_waits_learns_of_a_server_that_hangs(
    store: Neo4jStore, relay: Relay, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "WAITED_READ_SECONDS", 1)
    relay.deaf()
    background = asyncio.create_task(store.revision())
    async with asyncio.timeout(SOON):
        with somebody_waiting(), pytest.raises(StoreError, match="does not answer"):
            await store.revision()
    relay.deaf(for_now=False)
    assert await background >= 0
    away, back = [line.getMessage() for line in caplog.records if line.name == connection.__name__]
    assert away.endswith(": no answer in time")
    assert " is back after " in back


async def test_who_waits_for_a_write_learns_of_a_server_that_hangs(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WAITED_READ_SECONDS", 0.5)
    first, second, third = (a_key(uuid.uuid4().hex) for _ in range(3))
    async with open_stores(relay.url, filter_fields=()) as (_, system):
        await system.add_key(first)
        relay.deaf()
        async with asyncio.timeout(SOON):
            with somebody_waiting(), pytest.raises(StoreError, match="does not answer"):
                await system.add_key(second)
        relay.deaf(for_now=False)
        with somebody_waiting():
            await system.add_key(third)
        assert {key.id for key in await system.keys("default")} >= {first.id, third.id}


async def test_a_write_that_takes_long_is_waited_for_while_the_server_answers(
    store: Neo4jStore, driver: AsyncDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[object] = []
    read = connection.Connection.read

    async def noted(self: connection.Connection, query: str, **parameters: object) -> list[connection.Row]:
        found = await read(self, query, **parameters)
        answered.append(found)
        return found

    async def work(transaction: connection.Transaction) -> int:
        while len(answered) < 3:  # noqa: ASYNC110 - as a large document takes its time
            await asyncio.sleep(0.02)
        return int((await transaction.run("RETURN 7"))[0][0])

    monkeypatch.setattr(connection.Connection, "read", noted)
    monkeypatch.setattr(connection, "WAITED_READ_SECONDS", 0.5)
    with somebody_waiting():
        assert await connection.Connection(driver, "neo4j", "here").write(work) == 7
    assert answered == [[[1]]] * 3


async def test_the_schema_that_a_dead_process_has_locked_is_waited_for_and_that_is_said(
    store: Neo4jStore, driver: AsyncDriver, neo4j_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await driver.execute_query(
        "MATCH (s:SchemaVersion) SET s.version = 1, s.locked_by = 'dead', s.locked_until = timestamp() + 600000"
    )
    starting = asyncio.create_task(_open(neo4j_url))
    async with asyncio.timeout(30):
        while not (told := [one.getMessage() for one in caplog.records if one.name == schema.__name__]):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    assert not starting.done()
    await driver.execute_query("MATCH (s:SchemaVersion) SET s.locked_until = timestamp() - 1")
    await starting
    assert len(told) == 1
    assert "waiting for another process, which prepares the schema" in told[0]


async def test_a_process_that_prepares_the_schema_keeps_its_lock_for_as_long_as_that_takes(
    store: Neo4jStore, driver: AsyncDriver, neo4j_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def slow(_: connection.Connection) -> None:
        begun.set()
        await end.wait()

    monkeypatch.setattr(schema, "_LOCK_SECONDS", 1)
    monkeypatch.setattr(schema, "_renew_blocks", slow)
    await driver.execute_query("MATCH (s:SchemaVersion) SET s.version = 1")
    starting = asyncio.create_task(_open(neo4j_url))
    await begun.wait()
    await asyncio.sleep(2)
    held = await driver.execute_query("MATCH (s:SchemaVersion) RETURN s.locked_until > timestamp()")
    end.set()
    await starting
    assert held.records[0].values() == [True]


async def _open(url: str) -> None:
    async with open_stores(url, filter_fields=()):
        pass
