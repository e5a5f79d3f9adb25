"""The queue of jobs as a whole, over all tenants, in Neo4j: see SystemStore."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import LiteralString, get_args

from graphrag.stores.neo4j.connection import Connection, Transaction
from graphrag.stores.system import ENDED, Job, JobState, Lease, Queue
from graphrag.stores.system_rows import LONGEST_LEASE, REMOVED_AT_ONCE, job_from, now

JOB: LiteralString = """j.id, j.tenant, j.labels, j.kind, j.payload, j.state, j.priority, j.progress, j.error, j.created_at,
    j.updated_at"""
CLOCK: LiteralString = "datetime.realtime().epochMillis / 1000.0"
"""The server's, the same for workers on different machines."""

COUNT_DOCUMENTS: LiteralString = """
MATCH (s:SchemaVersion {id: 'schema'}) SET s.lock = $lock
WITH s
SET s.documents_done = coalesce(s.documents_done, 0) + $done, s.documents_failed = coalesce(s.documents_failed, 0) + $failed"""

_CLAIMABLE: LiteralString = (
    f"(j.state = 'queued' OR (j.state = 'running' AND abs(j.lease_until - {CLOCK} - $longest) >= $longest))"
)
"""A lease that has run out, or that no worker can have made by this clock; `$longest` is LONGEST_LEASE."""
# `turn` is the tenant whose job was taken last.
_NEXT: LiteralString = f"""
MATCH (s:SchemaVersion {{id: 'schema'}})
WITH coalesce(s.turn, '') AS turn
MATCH (j:Job) WHERE {_CLAIMABLE} AND ($kinds = [] OR j.kind IN $kinds)
RETURN j.id ORDER BY j.tenant <= turn, j.tenant, j.priority DESC, j.created_at, j.id LIMIT 1"""
_CLAIM: LiteralString = f"""
MATCH (j:Job {{id: $id}}) SET j.lock = $lock
WITH j WHERE {_CLAIMABLE}
SET j.state = 'running', j.worker = $worker, j.fence = j.fence + 1, j.lease_until = {CLOCK} + $seconds, j.updated_at = $now
WITH j
MATCH (s:SchemaVersion {{id: 'schema'}}) SET s.turn = j.tenant
RETURN {JOB}, j.fence, j.lease_until"""
_QUEUE: LiteralString = f"""
MATCH (s:SchemaVersion {{id: 'schema'}})
CALL () {{
    UNWIND $states AS state
    OPTIONAL MATCH (j:Job {{state: state}})
    WITH state, count(j) AS jobs
    RETURN collect([state, jobs]) AS states
}}
CALL () {{ MATCH (j:Job) WHERE {_CLAIMABLE} RETURN min(j.updated_at) AS since }}
RETURN states, coalesce(since, ''), coalesce(s.documents_done, 0), coalesce(s.documents_failed, 0)"""
_ENDED_BEFORE: LiteralString = "j.state IN $ended AND j.updated_at < $before"
_OLD: LiteralString = f"MATCH (j:Job) WHERE {_ENDED_BEFORE} RETURN j.id, coalesce(j.size, size(j.payload)) LIMIT $limit"
_LARGE = 50_000_000
"""Characters of payloads that one transaction removes, which the server holds in memory until it ends: one job may have more."""
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


async def claim_job(
    connection: Connection, worker: str, seconds: float, kinds: Sequence[str]
) -> tuple[Job, Lease] | None:
    """See SystemStore.claim_job."""

    async def work(tx: Transaction) -> tuple[Job, Lease] | None:
        while found := await tx.run(_NEXT, kinds=list(kinds), longest=LONGEST_LEASE):
            ((id_,),) = found
            claimed = await tx.run(_CLAIM, id=id_, worker=worker, seconds=seconds, now=now(), longest=LONGEST_LEASE)
            if claimed:  # otherwise another worker was faster, and this one has waited for it
                *columns, fence, until = claimed[0]
                job = job_from(columns)
                return job, Lease(job.id, worker, fence, until)
        return None

    return await connection.write(work)


async def queue(connection: Connection) -> Queue:
    """See SystemStore.queue."""
    ((states, since, done, failed),) = await connection.read(_QUEUE, longest=LONGEST_LEASE, states=get_args(JobState))
    return Queue(dict(states), since, done, failed)


async def remove_jobs(connection: Connection, before: str) -> int:
    """See SystemStore.remove_jobs."""
    old = {"ended": sorted(ENDED), "before": before}

    async def work(tx: Transaction) -> tuple[int, bool]:
        found = await tx.run(_OLD, limit=REMOVED_AT_ONCE, **old)
        fitting = bisect_right(list(accumulate(size for _, size in found)), _LARGE)
        ids = sorted(id_ for id_, _ in found[: max(1, fitting)])
        ((failures,),) = await tx.run(_REMOVE_FAILURES, ids=ids, limit=REMOVED_AT_ONCE)
        if failures == REMOVED_AT_ONCE:  # there may be more of them
            return 0, True
        ((jobs,),) = await tx.run(_REMOVE_JOBS, ids=ids, **old)
        return int(jobs), len(found) == REMOVED_AT_ONCE or len(ids) < len(found)

    removed, more = 0, True
    while more:
        jobs, more = await connection.write(work)
        removed += jobs
    return removed
