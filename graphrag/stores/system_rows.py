"""Keys, jobs, decisions and accounts as rows of plain values, the same in every store, and back."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from graphrag.errors import InputError
from graphrag.llm.usage import Account, AccountKind, Usage
from graphrag.stores.system import ApiKey, Decision, DecisionKind, Job, JobState, KeyRole
from graphrag.types import Scalar, Scope, check_text

LONGEST_LEASE = 3_600
"""Seconds that a lease may last. One that ends later than twice that was made by a clock that has been set back since."""
REMOVED_AT_ONCE = 500
"""Jobs, and failures of jobs, that one transaction removes: others that write wait for it."""
_OF_A_RUN = ("crashes", "outages", "suspect", "suspect_deaths", "eta_seconds")
"""What workers save with a job (graphrag.tally) that says nothing once a person has stopped it or wants it tried again."""


def json_object(what: str, value: Mapping[str, object]) -> str:
    """A job's payload or progress as text.

    Raises:
        InputError: it is not plain JSON.
    """
    try:
        # ASCII, so that every str survives, lone surrogates of file names included.
        return json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError) as exc:
        raise InputError(
            f"the job's {what} is not plain JSON ({exc}): use text, finite numbers, true, false and null"
        ) from exc


def put_down(progress: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The progress of a job that a person cancels or retries: its next worker must not take that for a death of the last.

    What was counted and which documents were set aside stays.
    """
    kept = {name: value for name, value in progress.items() if name not in _OF_A_RUN}
    return kept | {"phase": "queued"} if kept.get("phase") == "running" else kept


def storable(text: str) -> str:
    """The text with what no store can hold written as an escape: errors may quote file names that are not Unicode."""
    return text.encode(errors="backslashreplace").decode()


def now(*, ago: float = 0.0) -> str:
    """UTC, ISO 8601, seconds; of so many seconds ago, or to come where that is negative."""
    return (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant() -> str:
    """UTC, ISO 8601, microseconds, so that jobs of one second are told apart: the second of two may bring a newer version."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def place_of(after: str) -> tuple[str, ...]:
    """`created_at` and `id` of a Job.place, as queries compare them; nothing of an empty one.

    Raises:
        InputError: it is not valid Unicode.
    """
    created_at, _, id_ = check_text("'after'", after).partition("/")
    return (created_at, id_) if after else ()


def labels(scope: Scope) -> str:
    """The access labels as JSON, ascending."""
    return json.dumps(sorted(scope.access))


def _scope(tenant: object, access: object) -> Scope:
    return Scope(str(tenant), frozenset(json.loads(str(access))))


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


KEY_FIELDS = ("id", "name", "secret_sha256", "role", "tenant", "access", "created_at", "expires_at", "revoked_at")


def key_row(key: ApiKey) -> tuple[str | None, ...]:
    """Values for KEY_FIELDS; `access` as `labels` gives it."""
    owner = key.scope.tenant, labels(key.scope)
    return key.id, key.name, key.secret_sha256, key.role, *owner, key.created_at, key.expires_at, key.revoked_at


def key_from(row: Sequence[object]) -> ApiKey:
    """From KEY_FIELDS."""
    id_, name, secret, role, tenant, access, created, expires, revoked = row
    return ApiKey(
        id=str(id_),
        name=str(name),
        secret_sha256=str(secret),
        role=cast(KeyRole, role),
        scope=_scope(tenant, access),
        created_at=str(created),
        expires_at=_optional(expires),
        revoked_at=_optional(revoked),
    )


def job_from(row: Sequence[object]) -> Job:
    """From id, tenant, access, kind, payload, state, priority, progress, error, created_at, updated_at."""
    id_, tenant, access, kind, payload, state, priority, progress, error, created, updated = row
    return Job(
        id=str(id_),
        scope=_scope(tenant, access),
        kind=str(kind),
        payload=json.loads(str(payload)),
        state=cast(JobState, state),
        priority=int(str(priority)),
        progress=json.loads(str(progress)),
        error=str(error),
        created_at=str(created),
        updated_at=str(updated),
    )


def decision_from(row: Sequence[object]) -> Decision:
    """From id, tenant, kind, a, b, author, created_at."""
    id_, tenant, kind, a, b, author, created = row
    return Decision(str(id_), str(tenant), cast(DecisionKind, kind), str(a), str(b), str(author), str(created))


def replaced_by(decisions: Sequence[Decision], held: Sequence[Decision]) -> list[str]:
    """Ids of the held decisions that are on the pair of another one, whichever way round."""
    pairs = {frozenset((decision.a, decision.b)) for decision in decisions}
    return [decision.id for decision in held if frozenset((decision.a, decision.b)) in pairs]


def account_row(account: Account) -> tuple[str, str, str, str]:
    """Tenant, day, kind, id."""
    return account.tenant, account.day, account.kind, account.id


def usage_from(row: Sequence[object]) -> tuple[Account, Usage]:
    """From tenant, day, kind, id, calls, input_tokens, output_tokens, cost."""
    tenant, day, kind, id_, *counts = row
    calls, given, made, cost = (int(str(count)) for count in counts)
    return Account(cast(AccountKind, kind), str(tenant), str(id_), str(day)), Usage(calls, given, made, cost)
