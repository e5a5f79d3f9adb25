"""One parser for all tests, a store for hand-made documents, and an empty knowledge base."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from graphrag.bootstrap import open_knowledge_base
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.client import Chat
from graphrag.loaders import ParserProcess
from graphrag.settings import load_settings
from graphrag.stores.embedded.database import Database
from tests.graphrag.chatting import chat_at
from tests.graphrag.handmade import Store
from tests.model_server import ModelServer


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


@pytest.fixture
async def kb(tmp_path: Path) -> AsyncGenerator[KnowledgeBase]:
    """An empty knowledge base, in the file `kb.db`."""
    settings = load_settings(store_url=f"sqlite:///{tmp_path / 'kb.db'}", embedder="hashing")
    async with open_knowledge_base(settings) as opened:
        yield opened


@pytest.fixture
async def chat(server: ModelServer) -> AsyncGenerator[Chat]:
    """A chat client at the server."""
    async with chat_at(server) as opened:
        yield opened
