"""What the Neo4j store does while its server is away: who waits for a response learns soon, work in the background goes on."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from graphrag.errors import StoreError
from graphrag.stores.neo4j import connection
from graphrag.stores.neo4j.open import open_stores
from graphrag.stores.neo4j.store import Neo4jStore
from graphrag.stores.waiting import somebody_waiting
from graphrag.types import Scope
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
