"""A Neo4j database that was restored from a backup under a process that has seen later transactions."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from neo4j.exceptions import Neo4jError

from graphrag.errors import StoreError
from graphrag.stores.neo4j import connection
from graphrag.stores.neo4j.connection import Bookmarks, Connection, Transaction
from graphrag.stores.waiting import somebody_waiting

LATER = "transaction 900 of a database that has 500"


class SetBack:
    """What the driver does then: it waits for what will not come, and at last says so."""

    def __init__(self) -> None:
        self.asked = 0

    async def _wait_for(self, bookmarks: Bookmarks, seconds: float) -> None:
        self.asked += 1
        if LATER in await bookmarks.get_bookmarks():
            await asyncio.sleep(seconds)
            raise Neo4jError._hydrate_neo4j(
                code="Neo.TransientError.Transaction.BookmarkTimeout", message="not up to the requested version"
            )

    async def execute_query(self, *_: object, bookmark_manager_: Bookmarks, **__: object) -> Any:
        await self._wait_for(bookmark_manager_, self.seconds)
        return SimpleNamespace(records=[])

    seconds = 0.0
    """Until the server gives up on a query of the driver's own transactions."""

    @asynccontextmanager
    async def session(self, *, bookmark_manager: Bookmarks, **_: object) -> AsyncGenerator[Any]:
        async def run(_: object) -> Any:
            await self._wait_for(bookmark_manager, 0)
            return SimpleNamespace(consume=lambda: asyncio.sleep(0))

        yield SimpleNamespace(run=run, execute_write=run)


@pytest.fixture
async def opened() -> tuple[Connection, SetBack]:
    """A connection that has seen later transactions."""
    driver = SetBack()
    made = Connection(driver, "neo4j", "neo4j://db")  # pyright: ignore[reportArgumentType]
    await made._bookmarks.update_bookmarks([], [LATER])
    return made, driver


async def test_work_in_the_background_goes_on_with_what_the_database_holds(
    opened: tuple[Connection, SetBack], caplog: pytest.LogCaptureFixture
) -> None:
    made, driver = opened

    async def work(_: Transaction) -> None:
        pass

    assert await made.read("RETURN 1") == []
    await made._bookmarks.update_bookmarks([], [LATER])
    await made.write(work)
    assert driver.asked == 4
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["neo4j://db was set back, as by a restored backup: go on with what it holds"] * 2


async def test_who_waits_is_answered_once_the_server_has_said_what_it_waits_for(
    opened: tuple[Connection, SetBack], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, driver = opened
    driver.seconds = 60
    monkeypatch.setattr(connection, "WAITED_READ_SECONDS", 0.01)
    with somebody_waiting():
        with pytest.raises(StoreError, match="does not answer"):
            await made.read("RETURN 1")
        assert made._looking is not None
        await made._looking
        assert await made.read("RETURN 1") == []
