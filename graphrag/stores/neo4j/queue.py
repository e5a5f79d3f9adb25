"""The queue of jobs as a whole, over all tenants, in Neo4j: see SystemStore."""

import secrets
from typing import LiteralString

from graphrag.stores.neo4j.connection import Connection, Transaction
from graphrag.stores.system import ENDED

REMOVED_AT_ONCE = 500
"""Jobs, and failures of jobs, that one transaction removes."""

_ENDED_BEFORE: LiteralString = "j.state IN $ended AND j.updated_at < $before"
_OLD: LiteralString = f"MATCH (j:Job) WHERE {_ENDED_BEFORE} RETURN j.id LIMIT $limit"
_REMOVE_FAILURES: LiteralString = """
MATCH (f:JobFailure) WHERE f.job_id IN $ids
WITH f LIMIT $limit DELETE f RETURN count(f)"""
# Locked before it is looked at again: somebody may have retried or removed it. In the order of ids, so that two transactions
# never wait for each other.
_REMOVE_JOBS: LiteralString = f"""
UNWIND $ids AS id
MATCH (j:Job {{id: id}}) SET j.lock = $lock
WITH j WHERE {_ENDED_BEFORE}
DELETE j RETURN count(j)"""


async def remove_jobs(connection: Connection, before: str) -> int:
    """See SystemStore.remove_jobs."""
    old = {"ended": sorted(ENDED), "before": before}

    async def work(tx: Transaction) -> tuple[int, bool]:
        ids = sorted(id_ for (id_,) in await tx.run(_OLD, limit=REMOVED_AT_ONCE, **old))
        ((failures,),) = await tx.run(_REMOVE_FAILURES, ids=ids, limit=REMOVED_AT_ONCE)
        if failures == REMOVED_AT_ONCE:  # there may be more of them
            return 0, True
        ((jobs,),) = await tx.run(_REMOVE_JOBS, ids=ids, lock=secrets.token_hex(8), **old)
        return int(jobs), len(ids) == REMOVED_AT_ONCE

    removed, more = 0, True
    while more:
        jobs, more = await connection.write(work)
        removed += jobs
    return removed
