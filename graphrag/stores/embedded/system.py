"""SystemStore in the same SQLite file."""

import json
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple

from graphrag.errors import InputError, LeaseLostError, NotFoundError
from graphrag.llm.usage import Account, AccountKind, Charge, Usage, check_charges
from graphrag.stores.embedded import queue, replies
from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.queue import JOB_COLUMNS
from graphrag.stores.system import (
    BULK,
    RETRIED,
    UNENDED,
    ApiKey,
    Decision,
    Job,
    JobEnd,
    JobFailure,
    JobState,
    Lease,
    Queue,
)
from graphrag.stores.system_rows import (
    KEY_FIELDS,
    account_row,
    decision_from,
    instant,
    job_from,
    json_object,
    key_from,
    key_row,
    labels,
    now,
    place_of,
    put_down,
    replaced_by,
    storable,
    usage_from,
)
from graphrag.types import ALL_ACCESS, Scalar, Scope

_KEY_COLUMNS = ", ".join(KEY_FIELDS)
_LOOKED = JOB_COLUMNS.replace("payload", f"json_remove(payload, '$.{BULK}')")
_USAGE_COLUMNS = "tenant, day, kind, id, calls, input_tokens, output_tokens, cost"
_DECISION_COLUMNS = "id, tenant, kind, a, b, author, created_at"
# Parameters: _visible_to(scope).
_HELD = "NOT EXISTS (SELECT 1 FROM json_each(jobs.access) WHERE value NOT IN (SELECT value FROM json_each(?)))"
_VISIBLE = f"tenant = ? AND (? OR {_HELD})"
# A job that is gone has no labels that anybody could be compared with.
_ACCOUNTS = f"""
WITH placed AS (
    SELECT usage.*, row_number() OVER (
        PARTITION BY usage.kind ORDER BY usage.day DESC, jobs.created_at DESC, usage.id) AS place
    FROM usage LEFT JOIN jobs ON usage.kind = 'job' AND jobs.id = usage.id AND jobs.tenant = usage.tenant
    WHERE usage.tenant = ? AND (? IS NULL OR usage.kind = ?)
        AND (? OR usage.kind <> 'job' OR (jobs.id IS NOT NULL AND {_HELD})))
SELECT {_USAGE_COLUMNS} FROM placed WHERE place <= ? ORDER BY day DESC, kind, place"""


def check_lease(connection: sqlite3.Connection, lease: Lease | None) -> None:
    """Within a transaction: refuse to go on when a lease was given and is no longer held.

    Raises:
        LeaseLostError: another worker took the job, or it has ended.
    """
    if lease is None:
        return
    row = connection.execute("SELECT state, worker, fence FROM jobs WHERE id = ?", (lease.job_id,)).fetchone()
    if row is None or tuple(row) != ("running", lease.worker, lease.fence):
        raise LeaseLostError(f"job {lease.job_id} is no longer held by worker {lease.worker!r}: stop working on it")


class EmbeddedSystemStore:
    """A SystemStore in an opened Database.

    Several processes may claim jobs of one file: each claim is a write transaction, and SQLite has one at a time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # Keys

    async def add_key(self, key: ApiKey) -> None:
        """See SystemStore.add_key."""

        def work(connection: sqlite3.Connection) -> None:
            for column, value in (("id", key.id), ("secret_sha256", key.secret_sha256)):
                if connection.execute(f"SELECT 1 FROM keys WHERE {column} = ?", (value,)).fetchone() is not None:
                    raise InputError(f"key {key.id!r} cannot be added, a key with this {column} exists: make a new one")
            connection.execute(f"INSERT INTO keys ({_KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", key_row(key))

        await self._database.write(work)

    async def key_by_secret(self, secret_sha256: str) -> ApiKey | None:
        """See SystemStore.key_by_secret."""

        def work(connection: sqlite3.Connection) -> ApiKey | None:
            row = connection.execute(
                f"SELECT {_KEY_COLUMNS} FROM keys WHERE secret_sha256 = ?", (secret_sha256,)
            ).fetchone()
            return None if row is None else key_from(row)

        return await self._database.read(work)

    async def keys(self, tenant: str) -> list[ApiKey]:
        """See SystemStore.keys."""

        def work(connection: sqlite3.Connection) -> list[ApiKey]:
            rows = connection.execute(
                f"SELECT {_KEY_COLUMNS} FROM keys WHERE tenant = ? ORDER BY created_at, id", (tenant,)
            )
            return [key_from(row) for row in rows]

        return await self._database.read(work)

    async def has_key(self, now: str) -> bool:
        """See SystemStore.has_key."""

        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(
                "SELECT 1 FROM keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) LIMIT 1", (now,)
            ).fetchone()
            return row is not None

        return await self._database.read(work)

    async def revoke_key(self, tenant: str, id: str) -> None:
        """See SystemStore.revoke_key."""

        def work(connection: sqlite3.Connection) -> None:
            changed = connection.execute(
                "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE tenant = ? AND id = ?", (now(), tenant, id)
            )
            if not changed.rowcount:
                raise NotFoundError(f"tenant {tenant!r} has no key {id!r}: list its keys")

        await self._database.write(work)

    # Jobs, as people see them

    async def submit_job(self, job: Job) -> None:
        """See SystemStore.submit_job. An empty `created_at` is set to now; state and error are those of a new job."""
        payload, progress = json_object("payload", job.payload), json_object("progress", job.progress)

        def work(connection: sqlite3.Connection) -> None:
            submitted = now()
            connection.execute(
                f"INSERT INTO jobs ({JOB_COLUMNS}, fence) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, '', ?, ?, 0) "
                f"ON CONFLICT (id) DO NOTHING",
                (
                    job.id,
                    job.scope.tenant,
                    labels(job.scope),
                    job.kind,
                    payload,
                    job.priority,
                    progress,
                    job.created_at or instant(),
                    submitted,
                ),
            )

        await self._database.write(work)

    async def job(self, scope: Scope, id: str, *, whole: bool = False) -> Job:
        """See SystemStore.job."""
        columns = JOB_COLUMNS if whole else _LOOKED
        return await self._database.read(lambda connection: _visible_job(connection, scope, id, columns))

    async def jobs(
        self, scope: Scope, *, states: Sequence[JobState] = (), after: str = "", limit: int = 100
    ) -> list[Job]:
        """See SystemStore.jobs."""
        place = place_of(after)

        def work(connection: sqlite3.Connection) -> list[Job]:
            # A condition of its own, so that the index of states is used: each upload asks for what waits, among all jobs that are kept.
            of_states = "AND state IN (SELECT value FROM json_each(?)) " if states else ""
            wanted = [json.dumps(list(states))] if states else []
            rest = "AND (created_at, id) < (?, ?) " if place else ""
            rows = connection.execute(
                f"SELECT {_LOOKED} FROM jobs WHERE {_VISIBLE} {of_states}{rest}"
                f"ORDER BY created_at DESC, id DESC LIMIT ?",
                (*_visible_to(scope), *wanted, *place, max(0, limit)),
            )
            return [job_from(row) for row in rows]

        return await self._database.read(work)

    async def job_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        """See SystemStore.job_ids."""

        def work(connection: sqlite3.Connection) -> list[str]:
            rows = connection.execute(
                f"SELECT id FROM jobs WHERE id >= ? AND id < ? || char(0x10ffff) AND {_VISIBLE} ORDER BY id LIMIT ?",
                (prefix, prefix, *_visible_to(scope), limit),
            )
            return [str(id_) for (id_,) in rows]

        return await self._database.read(work)

    async def cancel_job(self, scope: Scope, id: str) -> Job:
        """See SystemStore.cancel_job."""
        return await self._put_down(scope, id, UNENDED, "cancelled")

    async def retry_job(self, scope: Scope, id: str) -> Job:
        """See SystemStore.retry_job. The error of the failed attempt is cleared."""
        return await self._put_down(scope, id, RETRIED, "queued")

    async def _put_down(self, scope: Scope, id_: str, states: Collection[JobState], state: JobState) -> Job:
        def work(connection: sqlite3.Connection) -> Job:
            job = _visible_job(connection, scope, id_)
            if job.state in states:
                _set_progress(connection, id_, json_object("progress", put_down(job.progress)))
                _release(connection, id_, state, "")
            return _visible_job(connection, scope, id_)

        return await self._database.write(work)

    # Jobs, as workers see them

    async def claim_job(self, worker: str, seconds: float, kinds: Sequence[str] = ()) -> tuple[Job, Lease] | None:
        """See SystemStore.claim_job."""
        return await queue.claim_job(self._database, worker, seconds, kinds)

    async def renew_lease(self, lease: Lease, seconds: float) -> Lease:
        """See SystemStore.renew_lease. A lease that has run out is still held until another worker takes the job."""

        def work(connection: sqlite3.Connection) -> Lease:
            check_lease(connection, lease)
            until = time.time() + seconds
            connection.execute("UPDATE jobs SET lease_until = ? WHERE id = ?", (until, lease.job_id))
            return Lease(lease.job_id, lease.worker, lease.fence, until)

        return await self._database.write(work)

    async def save_progress(self, lease: Lease, progress: Mapping[str, Scalar]) -> None:
        """See SystemStore.save_progress."""
        data = json_object("progress", progress)

        def work(connection: sqlite3.Connection) -> None:
            check_lease(connection, lease)
            _set_progress(connection, lease.job_id, data)

        await self._database.write(work)

    async def add_failures(self, lease: Lease, failures: Sequence[JobFailure]) -> None:
        """See SystemStore.add_failures."""
        rows = [(lease.job_id, storable(one.source), lease.fence, storable(one.reason)) for one in failures]

        def work(connection: sqlite3.Connection) -> None:
            check_lease(connection, lease)
            connection.executemany(
                "INSERT INTO job_failures (job_id, source, fence, reason) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (job_id, source) DO UPDATE SET fence = excluded.fence, reason = excluded.reason",
                rows,
            )

        await self._database.write(work)

    async def failures(self, scope: Scope, id: str, *, after: str = "", limit: int = 100) -> list[JobFailure]:
        """See SystemStore.failures."""

        def work(connection: sqlite3.Connection) -> list[JobFailure]:
            _visible_job(connection, scope, id)
            rows = connection.execute(
                "SELECT source, reason FROM job_failures JOIN jobs ON jobs.id = job_id AND jobs.fence = job_failures.fence "
                "WHERE job_id = ? AND source > ? ORDER BY source LIMIT ?",
                (id, storable(after), max(0, limit)),
            )
            return [JobFailure(str(source), str(reason)) for source, reason in rows]

        return await self._database.read(work)

    async def finish_job(self, lease: Lease, state: JobEnd, error: str = "", *, done: int = 0, failed: int = 0) -> None:
        """See SystemStore.finish_job."""

        def work(connection: sqlite3.Connection) -> None:
            check_lease(connection, lease)
            _release(connection, lease.job_id, state, error)
            queue.count_documents(connection, done, failed)

        await self._database.write(work)

    async def queue(self) -> Queue:
        """See SystemStore.queue."""
        return await queue.queue(self._database)

    async def remove_jobs(self, before: str) -> int:
        """See SystemStore.remove_jobs."""
        return await queue.remove_jobs(self._database, before)

    # Decisions

    async def record_decisions(self, decisions: Sequence[Decision], known: Sequence[Decision] | None = None) -> bool:
        """See SystemStore.record_decisions. An empty `created_at` is set to now.

        Raises:
            InputError: an id is that of a decision on another pair.
        """

        def work(connection: sqlite3.Connection) -> bool:
            held = _decisions(connection, decisions[0].tenant)
            if known is not None and held != list(known):
                return False
            connection.executemany(
                "DELETE FROM decisions WHERE id = ?", [(id_,) for id_ in replaced_by(decisions, held)]
            )
            for one in decisions:
                if connection.execute("SELECT 1 FROM decisions WHERE id = ?", (one.id,)).fetchone() is not None:
                    raise InputError(f"decision {one.id!r} exists and is on another pair: use a new id")
                connection.execute(
                    f"INSERT INTO decisions ({_DECISION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (one.id, one.tenant, one.kind, one.a, one.b, one.author, one.created_at or now()),
                )
            return True

        return await self._database.write(work)

    async def decisions(self, tenant: str) -> list[Decision]:
        """See SystemStore.decisions."""
        return await self._database.read(lambda connection: _decisions(connection, tenant))

    async def remove_decision(self, tenant: str, id: str) -> None:
        """See SystemStore.remove_decision."""

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute("DELETE FROM decisions WHERE tenant = ? AND id = ?", (tenant, id)).rowcount:
                raise NotFoundError(f"tenant {tenant!r} has no decision {id!r}: list its decisions")

        await self._database.write(work)

    # What models used

    async def charge(self, charges: Sequence[Charge]) -> None:
        """See Books.charge."""

        def work(connection: sqlite3.Connection) -> None:
            held = [_held(connection, charge.account) for charge in charges]
            for charge, usage in zip(charges, check_charges(charges, held), strict=True):
                connection.execute(
                    f"INSERT INTO usage ({_USAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                    f"ON CONFLICT (tenant, day, kind, id) DO UPDATE SET calls = excluded.calls, "
                    f"input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, cost = excluded.cost",
                    (*account_row(charge.account), *astuple(usage)),
                )

        await self._database.write(work)

    async def usage(
        self,
        tenant: str,
        *,
        kind: AccountKind | None = None,
        access: Collection[str] | None = None,
        limit: int = 1000,
    ) -> list[tuple[Account, Usage]]:
        """See Books.usage."""
        sees_all = access is None or ALL_ACCESS in access
        values = (tenant, kind, kind, sees_all, json.dumps(sorted(access or ())), limit)
        return await self._database.read(
            lambda connection: [usage_from(row) for row in connection.execute(_ACCOUNTS, values)]
        )

    # What models replied

    async def replies(self, tenant: str, keys: Sequence[str]) -> dict[str, str]:
        """See Replies.replies."""
        return await replies.replies(self._database, tenant, keys)

    async def keep_reply(self, tenant: str, key: str, text: str) -> None:
        """See Replies.keep_reply."""
        await replies.keep_reply(self._database, tenant, key, text)

    async def count_replies(self, tenant: str, *, before: str = "") -> int:
        """See Replies.count_replies."""
        return await replies.count_replies(self._database, tenant, before)

    async def remove_replies(self, tenant: str, *, before: str = "") -> int:
        """See Replies.remove_replies."""
        return await replies.remove_replies(self._database, tenant, before)


def _held(connection: sqlite3.Connection, account: Account) -> Usage:
    row = connection.execute(
        "SELECT calls, input_tokens, output_tokens, cost FROM usage WHERE tenant = ? AND day = ? AND kind = ? AND id = ?",
        account_row(account),
    ).fetchone()
    return Usage(*row) if row else Usage()


def _visible_job(connection: sqlite3.Connection, scope: Scope, id_: str, columns: str = _LOOKED) -> Job:
    row = connection.execute(
        f"SELECT {columns} FROM jobs WHERE id = ? AND {_VISIBLE}", (id_, *_visible_to(scope))
    ).fetchone()
    if row is None:
        raise NotFoundError(f"job {id_!r} does not exist, or the caller's scope does not see it: list the jobs")
    return job_from(row)


def _visible_to(scope: Scope) -> tuple[str, bool, str]:
    return scope.tenant, ALL_ACCESS in scope.access, labels(scope)


def _release(connection: sqlite3.Connection, id_: str, state: JobState, error: str) -> None:
    """Take a job out of its worker's hands. Its fence stays: it has to grow over all claims of the job."""
    connection.execute(
        "UPDATE jobs SET state = ?, error = ?, worker = NULL, lease_until = NULL, updated_at = ? WHERE id = ?",
        (state, storable(error), now(), id_),
    )


def _set_progress(connection: sqlite3.Connection, id_: str, data: str) -> None:
    connection.execute("UPDATE jobs SET progress = ?, updated_at = ? WHERE id = ?", (data, now(), id_))


def _decisions(connection: sqlite3.Connection, tenant: str) -> list[Decision]:
    rows = connection.execute(f"SELECT {_DECISION_COLUMNS} FROM decisions WHERE tenant = ? ORDER BY id", (tenant,))
    return [decision_from(row) for row in rows]
