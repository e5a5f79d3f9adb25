"""One parser for all tests, and a store for hand-made documents."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from graphrag.loaders import ParserProcess
from graphrag.stores.embedded.database import Database
from tests.graphrag.handmade import Store


@pytest.fixture(scope="session")
def parser() -> Iterator[ParserProcess]:
    """One child for all, which takes a second to start."""
    with ParserProcess() as process:
        yield process


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store]:
    """An empty store that takes hand-made documents."""
    async with Database(tmp_path / "graph.db") as database:
        yield Store(database, filter_fields={"department"})
