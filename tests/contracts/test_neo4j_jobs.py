"""Jobs on Neo4j, beyond the contract of the port."""

from typing import Any

import pytest
from neo4j import AsyncGraphDatabase

from graphrag.jobs import ingest_job
from graphrag.stores.neo4j import queue
from graphrag.stores.neo4j.open import address_of, open_stores
from graphrag.stores.system import Job
from graphrag.types import Scope
from tests.contracts.generate import FIELDS
from tests.contracts.jobs import FAR_AHEAD
from tests.contracts.neo4j import empty

ANYBODY = Scope()


async def test_the_jobs_that_wait_are_found_without_a_look_at_all_that_ever_were(neo4j_url: str):
    await empty(neo4j_url)
    address = address_of(neo4j_url)
    auth = (address.user, address.password) if address.user else None
    sent: list[tuple[Any, dict[str, object]]] = []
    async with (
        AsyncGraphDatabase.driver(address.server, auth=auth) as driver,
        open_stores(neo4j_url, filter_fields=FIELDS) as (_, system),
    ):
        await driver.execute_query(
            "UNWIND range(1, 500) AS n CREATE (:Job {id: 'done' + n, tenant: 'default', state: 'succeeded'})"
        )
        for number in range(3):
            await system.submit_job(ingest_job(f"j{number}", ANYBODY, []))
        read = system._connection.read

        async def noting(query: str, **values: object) -> object:
            sent.append((query, values))
            return await read(query, **values)

        system._connection.read = noting
        found = await system.jobs(ANYBODY, states=("queued",), limit=2)
        ((query, values),) = sent
        plan = (await driver.execute_query(f"PROFILE {query}", values)).summary.profile

    assert [job.id for job in found] == ["j2", "j1"]
    assert 0 < hits(plan) < 200


async def test_jobs_with_much_in_them_are_removed_in_transactions_that_fit_into_the_memory_of_the_server(
    neo4j_url: str, monkeypatch: pytest.MonkeyPatch
):
    await empty(neo4j_url)
    monkeypatch.setattr(queue, "_LARGE", 1_000, raising=False)
    transactions = 0
    async with open_stores(neo4j_url, filter_fields=FIELDS) as (_, system):
        for number, length in enumerate((400, 400, 5_000, 400, 5_000)):
            await system.submit_job(Job(f"j{number}", ANYBODY, "ingest", {"files": "x" * length}))
            await system.cancel_job(ANYBODY, f"j{number}")
        write = system._connection.write

        async def counting(work: Any) -> Any:
            nonlocal transactions
            transactions += 1
            return await write(work)

        system._connection.write = counting
        removed = await system.remove_jobs(FAR_AHEAD)

    assert removed == 5
    assert 4 <= transactions <= 5


def hits(plan: Any) -> int:
    """Looks at the database of a plan, all its operators together."""
    return plan.get("dbHits", 0) + sum(map(hits, plan.get("children", ())))
