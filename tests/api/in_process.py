"""The service in the process of the tests: its settings, a client, and a question that has an answer."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.testing import AsyncTestClient

from graphrag.settings import Settings, load_settings
from tests.api.serving import store_url

QUESTION = "What is the warranty of the PMX-48 power module?"
Client = AsyncTestClient[Litestar]


def settings_for(folder: Path, **changes: Any) -> Settings:
    given = {
        "address_rate": 0,
        "key_rate": 0,
        "allowed_hosts": ("testserver.local", "localhost"),
        "filter_fields": ("year",),
        "embedder": "hashing",
    }
    return load_settings(store_url=store_url(folder), data_dir=folder / "data", **(given | changes))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has to become true soon."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def ask(client: Client, **body: Any) -> Any:
    response = await client.post("/v1/query", json={"question": QUESTION, **body})
    assert response.status_code == 200, response.text
    return response.json()
