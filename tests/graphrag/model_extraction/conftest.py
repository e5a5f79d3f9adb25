"""A knowledge base whose extractor asks a scripted model."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from graphrag.knowledge import KnowledgeBase
from tests.graphrag.extracting import NOTHING, opened
from tests.model_server import ModelServer, model_server


@pytest.fixture
def server() -> Generator[ModelServer]:
    with model_server() as running:
        running.otherwise = NOTHING
        yield running


@pytest.fixture
async def kb(server: ModelServer, tmp_path: Path) -> AsyncGenerator[KnowledgeBase]:
    async with opened(server, tmp_path) as kb:
        yield kb
