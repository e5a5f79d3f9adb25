"""An embedder at a scripted server."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import numpy as np
import pytest

from graphrag.embedding.models import embedding_model
from graphrag.embedding.remote import RemoteEmbedder
from graphrag.llm.calls import Patience
from graphrag.llm.service import Service
from graphrag.llm.usage import Price
from tests.model_server import ModelServer, direction, embeds, model_server

KEY = "sk-proj-very-secret-0123456789"
QUICK = Patience(seconds=3, silence_seconds=1, first_pause=0.01, longest_pause=0.02, failures=4, open_seconds=30)
Open = Callable[..., AbstractAsyncContextManager[RemoteEmbedder]]


@pytest.fixture
def server() -> Generator[ModelServer]:
    with model_server() as running:
        running.otherwise = embeds(8)
        yield running


@pytest.fixture
def opened(server: ModelServer) -> Open:
    @asynccontextmanager
    async def opened(
        model: str = "of-our-own", dimensions: int = 8, patience: Patience = QUICK, **options: Any
    ) -> AsyncGenerator[RemoteEmbedder]:
        concurrency = options.pop("concurrency", 4)
        price = options.pop("price", Price(0.02, 0.0))
        prefixes = {name: options.pop(name) for name in ("query_prefix", "document_prefix") if name in options}
        service = Service(
            "openai", server.url, model, api_key=KEY, setting="GRAPHRAG_EMBEDDING", price=price,
            concurrency=concurrency, patience=patience,
        )  # fmt: skip
        known = embedding_model(model, dimensions=dimensions, **prefixes)
        embedder = RemoteEmbedder(service, known, concurrency=concurrency, **options)
        yield embedder
        await embedder.aclose()

    return opened


def unit(text: str, dimension: int = 8) -> np.ndarray:
    vector = np.array(direction(text, dimension))
    return vector / np.linalg.norm(vector)
