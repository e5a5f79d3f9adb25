"""SystemStore in the same Neo4j database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import LiteralString, get_args

from graphrag.errors import InputError, NotFoundError
from graphrag.llm.usage import Account, AccountKind, Charge, Usage, check_charges
from graphrag.stores.neo4j import queue, replies
from graphrag.stores.neo4j.connection import Connection, Transaction
from graphrag.stores.neo4j.display import Display
from graphrag.stores.neo4j.queries import scope_parameters
from graphrag.stores.neo4j.queue import CLOCK, JOB
from graphrag.stores.neo4j.writing import check_lease
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
from graphrag.types import ALL_ACCESS, Scalar, Scope, stable_id

_KEY: LiteralString = (
    "k.id, k.name, k.secret_sha256, k.role, k.tenant, k.access, k.created_at, k.expires_at, k.revoked_at"
)
_DECISION: LiteralString = "x.id, x.tenant, x.kind, x.a, x.b, x.author, x.created_at"
# A job is seen by who holds all of its labels.
_HOLDS_J: LiteralString = "all(label IN j.access WHERE label IN $access)"
_SEES_J: LiteralString = f"j.tenant = $tenant AND ($all OR {_HOLDS_J})"

_KEY_TWINS: LiteralString = """
OPTIONAL MATCH (i:ApiKey {id: $id})
OPTIONAL MATCH (s:ApiKey {secret_sha256: $secret_sha256})
RETURN i IS NOT NULL, s IS NOT NULL"""
_ADD_KEY: LiteralString = "CREATE (k:ApiKey) SET k = $properties"
_KEY_BY_SECRET: LiteralString = f"MATCH (k:ApiKey {{secret_sha256: $secret}}) RETURN {_KEY}"
_KEYS: LiteralString = f"MATCH (k:ApiKey {{tenant: $tenant}}) RETURN {_KEY} ORDER BY k.created_at, k.id"
_HAS_KEY: LiteralString = """
MATCH (k:ApiKey) WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $now)
RETURN true LIMIT 1"""
_REVOKE_KEY: LiteralString = """
MATCH (k:ApiKey {id: $id, tenant: $tenant}) SET k.revoked_at = coalesce(k.revoked_at, $now)
RETURN k.id"""

_SUBMIT: LiteralString = "MERGE (j:Job {id: $properties.id}) ON CREATE SET j = $properties"
# `looked` is the payload without BULK; jobs of older versions have none.
_LOOKED: LiteralString = JOB.replace("j.payload", "coalesce(j.looked, j.payload)")
_WHOLE_JOB: LiteralString = f"MATCH (j:Job {{id: $id}}) WHERE {_SEES_J} RETURN {JOB}"
_JOB_BY_ID: LiteralString = f"MATCH (j:Job {{id: $id}}) WHERE {_SEES_J} RETURN {_LOOKED}"
_JOB_IDS: LiteralString = f"""
MATCH (j:Job) WHERE j.id STARTS WITH $prefix AND {_SEES_J}
RETURN j.id ORDER BY j.id LIMIT $limit"""
_NEWEST: LiteralString = f"RETURN {_LOOKED} ORDER BY j.created_at DESC, j.id DESC LIMIT $limit"
_REST: LiteralString = "(j.created_at < $after[0] OR (j.created_at = $after[0] AND j.id < $after[1]))"
_JOBS: LiteralString = f"MATCH (j:Job) WHERE {_SEES_J} AND ($after = [] OR {_REST}) {_NEWEST}"
# A statement of its own, so that the index of states is used: each upload asks for what waits, among all jobs that are kept.
_JOBS_IN_STATES: LiteralString = (
    f"MATCH (j:Job) WHERE j.state IN $states AND {_SEES_J} AND ($after = [] OR {_REST}) {_NEWEST}"
)
# Looked at again once it is locked: without properties where a sweep removed it meanwhile.
_LOCK_JOB: LiteralString = f"""
MATCH (j:Job {{id: $id}}) WHERE {_SEES_J} SET j.lock = $lock
WITH j WHERE j.id IS NOT NULL RETURN {_LOOKED}"""
_RELEASE: LiteralString = """
MATCH (j:Job {id: $id}) SET j.state = $state, j.error = $error, j.updated_at = $now
REMOVE j.worker, j.lease_until"""
_RENEW: LiteralString = f"MATCH (j:Job {{id: $id}}) SET j.lease_until = {CLOCK} + $seconds RETURN j.lease_until"
_PROGRESS: LiteralString = "MATCH (j:Job {id: $id}) SET j.progress = $progress, j.updated_at = $now"
# `place` is the source as hexadecimal UTF-8: in the order of its code points, which Cypher does not keep.
_ADD_FAILURES: LiteralString = """
UNWIND $failures AS row
MERGE (f:JobFailure {id: row.id})
SET f = row"""
_FAILURES: LiteralString = f"""
MATCH (j:Job {{id: $id}}) WHERE {_SEES_J}
MATCH (f:JobFailure {{job_id: j.id, fence: j.fence}}) WHERE f.place > $after
RETURN f.source, f.reason ORDER BY f.place LIMIT $limit"""

# Held until the transaction ends, so that what it found decided stays so.
_LOCK_DECISIONS: LiteralString = "MATCH (s:SchemaVersion {id: 'schema'}) SET s.lock = $lock"
_REPLACE_DECISIONS: LiteralString = "UNWIND $ids AS id MATCH (x:Decision {id: id}) DELETE x"
_DECISIONS_EXIST: LiteralString = "UNWIND $ids AS id MATCH (x:Decision {id: id}) RETURN x.id LIMIT 1"
_ADD_DECISIONS: LiteralString = "UNWIND $rows AS row CREATE (x:Decision) SET x = row"
_DECISIONS: LiteralString = f"MATCH (x:Decision {{tenant: $tenant}}) RETURN {_DECISION} ORDER BY x.id"
_REMOVE_DECISION: LiteralString = """
MATCH (x:Decision {id: $id, tenant: $tenant})
WITH x, x.a AS a, x.b AS b DELETE x RETURN a, b"""
# In the order of ids, so that two transactions never wait for each other.
_TOUCH: LiteralString = """
UNWIND $ids AS id
MATCH (e:Entity {id: id, tenant: $tenant}) SET e:Stale, e.touched = $lock"""

# In the order of ids, so that two transactions never wait for each other.
_LOCK_ACCOUNTS: LiteralString = """
UNWIND $accounts AS row
MERGE (a:Account {id: row.id})
ON CREATE SET a += row, a.calls = 0, a.input_tokens = 0, a.output_tokens = 0, a.cost = 0
SET a.lock = $lock
RETURN a.calls, a.input_tokens, a.output_tokens, a.cost"""
_SET_ACCOUNTS: LiteralString = """
UNWIND $accounts AS row
MATCH (a:Account {id: row.id})
SET a += row"""
# A job that is gone has no labels that anybody could be compared with.
_ACCOUNTS: LiteralString = f"""
UNWIND $kinds AS kind
CALL (kind) {{
    MATCH (a:Account {{tenant: $tenant, kind: kind}})
    OPTIONAL MATCH (j:Job {{id: a.name}}) WHERE a.kind = 'job' AND j.tenant = $tenant
    WITH a, j WHERE $all OR a.kind <> 'job' OR (j IS NOT NULL AND {_HOLDS_J})
    RETURN a, coalesce(j.created_at, '') AS submitted
    ORDER BY a.day DESC, submitted DESC, a.name LIMIT $limit
}}
RETURN a.tenant, a.day, a.kind, a.name, a.calls, a.input_tokens, a.output_tokens, a.cost
ORDER BY a.day DESC, a.kind, submitted DESC, a.name"""


class Neo4jSystemStore:
    """A SystemStore beside a Neo4jStore.

    Args:
        connection: opened and closed by the caller.
        display: shows in Browser what people decided.
    """

    def __init__(self, connection: Connection, display: Display) -> None:
        self._connection = connection
        self._display = display

    # Keys

    async def add_key(self, key: ApiKey) -> None:
        """See SystemStore.add_key."""

        async def work(tx: Transaction) -> None:
            (known,) = await tx.run(_KEY_TWINS, id=key.id, secret_sha256=key.secret_sha256)
            for column, exists in zip(("id", "secret_sha256"), known, strict=True):
                if exists:
                    raise InputError(f"key {key.id!r} cannot be added, a key with this {column} exists: make a new one")
            await tx.run(_ADD_KEY, properties=dict(zip(KEY_FIELDS, key_row(key), strict=True)))

        await self._connection.write(work)

    async def key_by_secret(self, secret_sha256: str) -> ApiKey | None:
        """See SystemStore.key_by_secret."""
        found = await self._connection.read(_KEY_BY_SECRET, secret=secret_sha256)
        return key_from(found[0]) if found else None

    async def keys(self, tenant: str) -> list[ApiKey]:
        """See SystemStore.keys."""
        return [key_from(row) for row in await self._connection.read(_KEYS, tenant=tenant)]

    async def has_key(self, now: str) -> bool:
        """See SystemStore.has_key."""
        return bool(await self._connection.read(_HAS_KEY, now=now))

    async def revoke_key(self, tenant: str, id: str) -> None:
        """See SystemStore.revoke_key."""
        if not await self._connection.write(lambda tx: tx.run(_REVOKE_KEY, id=id, tenant=tenant, now=now())):
            raise NotFoundError(f"tenant {tenant!r} has no key {id!r}: list its keys")

    # Jobs, as people see them

    async def submit_job(self, job: Job) -> None:
        """See SystemStore.submit_job. An empty `created_at` is set to now; state and error are those of a new job."""
        submitted, payload = now(), json_object("payload", job.payload)
        properties = {
            "id": job.id,
            "tenant": job.scope.tenant,
            "access": sorted(job.scope.access),
            "labels": labels(job.scope),
            "kind": job.kind,
            "payload": payload,
            "size": len(payload),
            "looked": json_object("payload", {name: job.payload[name] for name in job.payload if name != BULK}),
            "state": "queued",
            "priority": job.priority,
            "progress": json_object("progress", job.progress),
            "error": "",
            "created_at": job.created_at or instant(),
            "updated_at": submitted,
            "fence": 0,
        }
        await self._connection.write(lambda tx: tx.run(_SUBMIT, properties=properties))

    async def job(self, scope: Scope, id: str, *, whole: bool = False) -> Job:
        """See SystemStore.job."""
        query = _WHOLE_JOB if whole else _JOB_BY_ID
        return _one_job(await self._connection.read(query, id=id, **scope_parameters(scope)), id)

    async def jobs(
        self, scope: Scope, *, states: Sequence[JobState] = (), after: str = "", limit: int = 100
    ) -> list[Job]:
        """See SystemStore.jobs."""
        wanted: dict[str, object] = {"after": list(place_of(after)), "limit": max(0, limit), **scope_parameters(scope)}
        if states:
            wanted["states"] = list(states)
        found = await self._connection.read(_JOBS_IN_STATES if states else _JOBS, **wanted)
        return [job_from(row) for row in found]

    async def job_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        """See SystemStore.job_ids."""
        found = await self._connection.read(_JOB_IDS, prefix=prefix, limit=limit, **scope_parameters(scope))
        return [str(id_) for (id_,) in found]

    async def cancel_job(self, scope: Scope, id: str) -> Job:
        """See SystemStore.cancel_job."""
        return await self._put_down(scope, id, UNENDED, "cancelled")

    async def retry_job(self, scope: Scope, id: str) -> Job:
        """See SystemStore.retry_job. The error of the failed attempt is cleared."""
        return await self._put_down(scope, id, RETRIED, "queued")

    async def _put_down(self, scope: Scope, id_: str, states: Collection[JobState], state: JobState) -> Job:
        async def work(tx: Transaction) -> Job:
            job = await _locked_job(tx, scope, id_)
            if job.state not in states:
                return job
            await tx.run(_PROGRESS, id=id_, progress=json_object("progress", put_down(job.progress)), now=now())
            await tx.run(_RELEASE, id=id_, state=state, error="", now=now())
            return await _locked_job(tx, scope, id_)

        return await self._connection.write(work)

    # Jobs, as workers see them

    async def claim_job(self, worker: str, seconds: float, kinds: Sequence[str] = ()) -> tuple[Job, Lease] | None:
        """See SystemStore.claim_job."""
        return await queue.claim_job(self._connection, worker, seconds, kinds)

    async def renew_lease(self, lease: Lease, seconds: float) -> Lease:
        """See SystemStore.renew_lease. A lease that has run out is still held until another worker takes the job."""

        async def work(tx: Transaction) -> Lease:
            await check_lease(tx, lease)
            ((until,),) = await tx.run(_RENEW, id=lease.job_id, seconds=seconds)
            return Lease(lease.job_id, lease.worker, lease.fence, until)

        return await self._connection.write(work)

    async def save_progress(self, lease: Lease, progress: Mapping[str, Scalar]) -> None:
        """See SystemStore.save_progress."""
        data = json_object("progress", progress)

        async def work(tx: Transaction) -> None:
            await check_lease(tx, lease)
            await tx.run(_PROGRESS, id=lease.job_id, progress=data, now=now())

        await self._connection.write(work)

    async def add_failures(self, lease: Lease, failures: Sequence[JobFailure]) -> None:
        """See SystemStore.add_failures."""
        rows = [
            {
                "id": stable_id("failure", lease.job_id, storable(one.source)),
                "job_id": lease.job_id,
                "fence": lease.fence,
                "source": storable(one.source),
                "place": _place(one.source),
                "reason": storable(one.reason),
            }
            for one in failures
        ]

        async def work(tx: Transaction) -> None:
            await check_lease(tx, lease)
            await tx.run(_ADD_FAILURES, failures=rows)

        await self._connection.write(work)

    async def failures(self, scope: Scope, id: str, *, after: str = "", limit: int = 100) -> list[JobFailure]:
        """See SystemStore.failures."""
        await self.job(scope, id)
        found = await self._connection.read(
            _FAILURES, id=id, after=_place(after), limit=max(0, limit), **scope_parameters(scope)
        )
        return [JobFailure(source, reason) for source, reason in found]

    async def finish_job(self, lease: Lease, state: JobEnd, error: str = "", *, done: int = 0, failed: int = 0) -> None:
        """See SystemStore.finish_job."""

        async def work(tx: Transaction) -> None:
            await check_lease(tx, lease)
            await tx.run(_RELEASE, id=lease.job_id, state=state, error=storable(error), now=now())
            if done or failed:
                await tx.run(queue.COUNT_DOCUMENTS, done=done, failed=failed)

        await self._connection.write(work)

    async def queue(self) -> Queue:
        """See SystemStore.queue."""
        return await queue.queue(self._connection)

    async def remove_jobs(self, before: str) -> int:
        """See SystemStore.remove_jobs."""
        return await queue.remove_jobs(self._connection, before)

    # Decisions

    async def record_decisions(self, decisions: Sequence[Decision], known: Sequence[Decision] | None = None) -> bool:
        """See SystemStore.record_decisions. An empty `created_at` is set to now.

        Raises:
            InputError: an id is that of a decision on another pair.
        """
        tenant, created_at = decisions[0].tenant, now()
        rows = [{**asdict(one), "created_at": one.created_at or created_at} for one in decisions]

        async def work(tx: Transaction) -> bool:
            await tx.run(_LOCK_DECISIONS)
            held = [decision_from(row) for row in await tx.run(_DECISIONS, tenant=tenant)]
            if known is not None and held != list(known):
                return False
            await tx.run(_REPLACE_DECISIONS, ids=replaced_by(decisions, held))
            if taken := await tx.run(_DECISIONS_EXIST, ids=[one.id for one in decisions]):
                raise InputError(f"decision {taken[0][0]!r} exists and is on another pair: use a new id")
            await tx.run(_ADD_DECISIONS, rows=rows)
            ids = sorted({id_ for one in decisions for id_ in (one.a, one.b)})
            await tx.run(_TOUCH, tenant=tenant, ids=ids)
            return True

        recorded = await self._connection.write(work)
        self._display.refresh_soon()
        return recorded

    async def decisions(self, tenant: str) -> list[Decision]:
        """See SystemStore.decisions."""
        return [decision_from(row) for row in await self._connection.read(_DECISIONS, tenant=tenant)]

    async def remove_decision(self, tenant: str, id: str) -> None:
        """See SystemStore.remove_decision."""

        async def work(tx: Transaction) -> bool:
            for a, b in (found := await tx.run(_REMOVE_DECISION, tenant=tenant, id=id)):
                await tx.run(_TOUCH, tenant=tenant, ids=sorted((a, b)))
            return bool(found)

        if not await self._connection.write(work):
            raise NotFoundError(f"tenant {tenant!r} has no decision {id!r}: list its decisions")
        self._display.refresh_soon()

    # What models used

    async def charge(self, charges: Sequence[Charge]) -> None:
        """See Books.charge."""
        ordered = sorted(charges, key=lambda charge: _account_id(charge.account))

        async def work(tx: Transaction) -> None:
            accounts: list[dict[str, object]] = []
            for charge in ordered:
                tenant, day, kind, name = account_row(charge.account)
                accounts.append(
                    {"id": _account_id(charge.account), "tenant": tenant, "day": day, "kind": kind, "name": name}
                )
            rows = await tx.run(_LOCK_ACCOUNTS, accounts=accounts)
            after = check_charges(ordered, [Usage(*row) for row in rows])
            held = [{"id": account["id"], **asdict(usage)} for account, usage in zip(accounts, after, strict=True)]
            await tx.run(_SET_ACCOUNTS, accounts=held)

        await self._connection.write(work)

    async def usage(
        self,
        tenant: str,
        *,
        kind: AccountKind | None = None,
        access: Collection[str] | None = None,
        limit: int = 1000,
    ) -> list[tuple[Account, Usage]]:
        """See Books.usage."""
        seen = {"all": access is None or ALL_ACCESS in access, "access": sorted(access or ())}
        kinds = get_args(AccountKind) if kind is None else [kind]
        rows = await self._connection.read(_ACCOUNTS, tenant=tenant, kinds=list(kinds), limit=max(0, limit), **seen)
        return [usage_from(row) for row in rows]

    # What models replied

    async def replies(self, tenant: str, keys: Sequence[str]) -> dict[str, str]:
        """See Replies.replies."""
        return await replies.replies(self._connection, tenant, keys)

    async def keep_reply(self, tenant: str, key: str, text: str) -> None:
        """See Replies.keep_reply."""
        await replies.keep_reply(self._connection, tenant, key, text)

    async def count_replies(self, tenant: str, *, before: str = "") -> int:
        """See Replies.count_replies."""
        return await replies.count_replies(self._connection, tenant, before)

    async def remove_replies(self, tenant: str, *, before: str = "") -> int:
        """See Replies.remove_replies."""
        return await replies.remove_replies(self._connection, tenant, before)


def _account_id(account: Account) -> str:
    return stable_id("account", *account_row(account))


async def _locked_job(tx: Transaction, scope: Scope, id_: str) -> Job:
    """A visible job that stays as it is until the transaction ends."""
    return _one_job(await tx.run(_LOCK_JOB, id=id_, **scope_parameters(scope)), id_)


def _one_job(found: Sequence[Sequence[object]], id_: str) -> Job:
    if not found:
        raise NotFoundError(f"job {id_!r} does not exist, or the caller's scope does not see it: list the jobs")
    return job_from(found[0])


def _place(source: str) -> str:
    return storable(source).encode().hex()
