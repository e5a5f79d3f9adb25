"""The queue of jobs as a whole, over all tenants, in the SQLite file: see SystemStore."""

import json
import sqlite3

from graphrag.stores.embedded.database import Database
from graphrag.stores.system import ENDED

REMOVED_AT_ONCE = 500
"""Jobs, and failures of jobs, that one transaction removes: others that write wait for it."""


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
