"""A Neo4j server that is killed while documents are written, and started again."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from benchmarks.stores import Corpus
from graphrag.errors import StoreError
from graphrag.stores.neo4j.open import open_stores
from graphrag.types import GraphBatch, Scope
from tests.contracts.compare import described
from tests.neo4j_server import UnavailableError, from_jdk, refuse

SCOPE = Scope("crash")


async def write_all(url: str, batches: list[GraphBatch], acknowledged: set[str]) -> None:
    """Write every document, four at a time."""
    async with open_stores(url, filter_fields=()) as (store, _):

        async def write(batch: GraphBatch) -> None:
            await store.write(SCOPE, batch)
            acknowledged.add(batch.document.id)

        for start in range(0, len(batches), 4):
            ended = await asyncio.gather(*map(write, batches[start : start + 4]), return_exceptions=True)
            for error in filter(None, ended):
                raise error


async def stored(url: str) -> dict[str, object]:
    """Every document with all it contributed."""
    async with open_stores(url, filter_fields=()) as (store, _):
        return {batch.document.id: described(batch) async for batch in store.export(SCOPE)}


async def test_a_killed_server_tears_no_document_and_the_next_run_completes(tmp_path: Path) -> None:
    batches = list(Corpus(SCOPE.tenant, seed=12).documents(1_000))
    whole = {batch.document.id: described(batch) for batch in batches}
    acknowledged: set[str] = set()
    try:
        with from_jdk(tmp_path) as server:
            writing = asyncio.create_task(write_all(server.url, batches, acknowledged))
            while len(acknowledged) < 8 and not writing.done():  # noqa: ASYNC110 - the writer tells nobody
                await asyncio.sleep(0.01)
            assert server.process is not None
            os.kill(server.process, signal.SIGKILL)
            with pytest.raises(StoreError, match="cannot be reached"):
                await writing
        with from_jdk(tmp_path) as server:
            survived = await stored(server.url)
            assert acknowledged <= survived.keys()
            assert len(survived) < len(batches), "the server was killed too late to prove anything"
            assert survived == {id_: whole[id_] for id_ in survived}
            await write_all(server.url, batches, acknowledged)
            assert await stored(server.url) == whole
    except UnavailableError as exc:
        refuse([str(exc)])
