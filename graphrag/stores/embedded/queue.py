"""The queue of jobs as a whole, over all tenants, in the SQLite file: see SystemStore."""

import json
import sqlite3
import time
from collections.abc import Sequence
from typing import cast, get_args

from graphrag.stores.embedded.database import Database
from graphrag.stores.system import ENDED, Job, JobState, Lease, Queue
from graphrag.stores.system_rows import LONGEST_LEASE, REMOVED_AT_ONCE, job_from, now

JOB_COLUMNS = "id, tenant, access, kind, payload, state, priority, progress, error, created_at, updated_at"

_TURN = "turn"
"""Key of meta: the tenant whose job was taken last."""
_DONE, _FAILED = "documents_done", "documents_failed"
"""Keys of meta: see Queue."""
_CLAIMABLE = f"(state = 'queued' OR (state = 'running' AND abs(lease_until - ? - {LONGEST_LEASE}) >= {LONGEST_LEASE}))"
"""With the time now: a lease that has run out, or that no worker can have made by this clock."""


async def claim_job(database: Database, worker: str, seconds: float, kinds: Sequence[str]) -> tuple[Job, Lease] | None:
    """See SystemStore.claim_job."""

    def work(connection: sqlite3.Connection) -> tuple[Job, Lease] | None:
        # Read inside the transaction: waiting for another process's write may have taken a while.
        clock = time.time()
        found = connection.execute(
            f"SELECT id, tenant FROM jobs WHERE {_CLAIMABLE} AND (? OR kind IN (SELECT value FROM json_each(?))) "
            f"ORDER BY tenant <= coalesce((SELECT value FROM meta WHERE key = ?), ''), tenant, priority DESC, created_at, id "
            f"LIMIT 1",
            (clock, not kinds, json.dumps(list(kinds)), _TURN),
        ).fetchone()
        if found is None:
            return None
        id_, tenant = found
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_TURN, tenant))
        until = clock + seconds
        *columns, fence = connection.execute(
            f"UPDATE jobs SET state = 'running', worker = ?, fence = fence + 1, lease_until = ?, updated_at = ? "
            f"WHERE id = ? RETURNING {JOB_COLUMNS}, fence",
            (worker, until, now(), id_),
        ).fetchone()
        job = job_from(columns)
        return job, Lease(job.id, worker, fence, until)

    return await database.write(work)


def count_documents(connection: sqlite3.Connection, done: int, failed: int) -> None:
    """Add to the documents that jobs have settled."""
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = value + excluded.value",
        [(key, str(count)) for key, count in ((_DONE, done), (_FAILED, failed)) if count],
    )


async def queue(database: Database) -> Queue:
    """See SystemStore.queue."""

    def work(connection: sqlite3.Connection) -> Queue:
        jobs = dict.fromkeys(cast(tuple[JobState, ...], get_args(JobState)), 0)
        jobs.update(connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
        (since,) = connection.execute(f"SELECT min(updated_at) FROM jobs WHERE {_CLAIMABLE}", (time.time(),)).fetchone()
        counts = dict(
            connection.execute("SELECT key, value FROM meta WHERE key IN (?, ?)", (_DONE, _FAILED)).fetchall()
        )
        return Queue(jobs, since or "", int(counts.get(_DONE, 0)), int(counts.get(_FAILED, 0)))

    return await database.read(work)


async def remove_jobs(database: Database, before: str) -> int:
    """See SystemStore.remove_jobs."""

    def work(connection: sqlite3.Connection) -> tuple[int, bool]:
        # A job ends after it came. When it came is in the index, which so leaves out most of those that stay.
        found = connection.execute(
            "SELECT id FROM (SELECT id FROM jobs WHERE state IN (SELECT value FROM json_each(?)) AND created_at < ?) AS old "
            "WHERE (SELECT updated_at FROM jobs WHERE id = old.id) < ? LIMIT ?",
            (json.dumps(sorted(ENDED)), before, before, REMOVED_AT_ONCE),
        )
        ids = json.dumps([id_ for (id_,) in found])
        failures = connection.execute(
            "DELETE FROM job_failures WHERE (job_id, source) IN (SELECT job_id, source FROM job_failures "
            "WHERE job_id IN (SELECT value FROM json_each(?)) LIMIT ?)",
            (ids, REMOVED_AT_ONCE),
        ).rowcount
        if failures == REMOVED_AT_ONCE:  # there may be more of them
            return 0, True
        jobs = connection.execute("DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?))", (ids,)).rowcount
        return jobs, jobs == REMOVED_AT_ONCE

    removed, more = 0, True
    while more:
        jobs, more = await database.write(work)
        removed += jobs
    return removed
