"""The port to what is not knowledge: API keys, jobs with leases, people's decisions on entities, what models used and replied.

It lives in the same database as the GraphStore, so that a lease can be checked inside a document's transaction. Times are
UTC, ISO 8601 with seconds, but for `lease_until` and the clock of leases, which are seconds since the epoch.
Ids that do not exist raise NotFoundError in methods that change one thing, and are left out of listings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from graphrag.extraction.resolution import Decided
from graphrag.llm.replies import Replies
from graphrag.llm.usage import Books
from graphrag.types import Scalar, Scope

KeyRole = Literal["reader", "admin"]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JobEnd = Literal["queued", "succeeded", "failed", "cancelled"]
"""How a worker leaves a job: ended, or given back."""
DecisionKind = Literal["merge", "split"]
ENDED: frozenset[JobState] = frozenset({"succeeded", "failed", "cancelled"})
UNENDED: frozenset[JobState] = frozenset({"queued", "running"})
BULK = "files"
"""What of a job's payload may be large. Whoever looks at jobs gets them without it, whoever claims one with it."""
RETRIED: frozenset[JobState] = frozenset({"failed", "cancelled"})
"""Queued again by retry_job."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret, of which only the SHA-256 is stored."""

    id: str
    name: str
    secret_sha256: str
    role: KeyRole
    scope: Scope
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A unit of durable work. `payload` says what to do, `progress` how far it is; both are plain JSON objects."""

    id: str
    scope: Scope
    kind: str
    payload: Mapping[str, object]
    state: JobState = "queued"
    priority: int = 0
    progress: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    error: str = ""
    created_at: str = ""
    updated_at: str = ""

    @property
    def place(self) -> str:
        """Where it stands in listings, which go on after it. Not the id alone: the job may have been removed meanwhile."""
        return f"{self.created_at}/{self.id}"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to work on one job. `fence` grows with each claim of the job, so that an older one is known."""

    job_id: str
    worker: str
    fence: int
    until: float


@dataclass(frozen=True, slots=True)
class JobFailure:
    """What of a job could not be done, and why."""

    source: str
    reason: str
    """What is wrong with it, and what to do."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How the jobs of all tenants stand, for those who run the service."""

    jobs: Mapping[JobState, int]
    """How many of each state there are."""
    waiting_since: str = ""
    """When the job that waits longest for a worker was queued or last worked on; empty where none waits."""
    done: int = 0
    """Documents that jobs have stored or found unchanged, ever."""
    failed: int = 0
    """Documents that jobs could not store, ever."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word that two entities are one (merge) or are not (split); wins over any derived SAME_AS link."""

    id: str
    tenant: str
    kind: DecisionKind
    a: str
    b: str
    author: str
    created_at: str = ""


def decided_by(decisions: Iterable[Decision]) -> Decided:
    """The decisions of one tenant as links are made from them."""
    merged: dict[str, dict[str, str]] = {}
    split: dict[str, set[str]] = {}
    for decision in decisions:
        for one, other in ((decision.a, decision.b), (decision.b, decision.a)):
            if decision.kind == "merge":
                merged.setdefault(one, {})[other] = decision.author
            else:
                split.setdefault(one, set()).add(other)
    return Decided(merged, split)


class SystemStore(Books, Replies, Protocol):
    """Keys, jobs and decisions, the books of what models used, and replies of models."""

    async def add_key(self, key: ApiKey) -> None:
        """Store a key.

        Raises:
            InputError: its id or secret exists.
        """
        ...

    async def key_by_secret(self, secret_sha256: str) -> ApiKey | None:
        """The key with this hash, expired and revoked ones included; None if there is none."""
        ...

    async def keys(self, tenant: str) -> list[ApiKey]:
        """All keys of a tenant, ascending by created_at, then id."""
        ...

    async def has_key(self, now: str) -> bool:
        """Whether any tenant has a key that is not revoked and has not expired at `now` (a time as in the module)."""
        ...

    async def revoke_key(self, tenant: str, id: str) -> None:
        """Mark a key of the tenant as revoked; a no-op for one that is.

        Raises:
            NotFoundError: the tenant has no such key.
        """
        ...

    async def submit_job(self, job: Job) -> None:
        """Queue a job; a no-op if its id exists."""
        ...

    async def job(self, scope: Scope, id: str, *, whole: bool = False) -> Job:
        """One job of the scope's tenant whose labels the scope holds; only where it is wanted whole with BULK.

        Raises:
            NotFoundError: there is none.
        """
        ...

    async def jobs(
        self, scope: Scope, *, states: Sequence[JobState] = (), after: str = "", limit: int = 100
    ) -> list[Job]:
        """The newest jobs that the scope sees, without BULK: descending by created_at, then id. No states means all.

        With `after`, the place of a job (Job.place), those that come after it.

        Raises:
            InputError: `after` is not valid Unicode.
        """
        ...

    async def job_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        """Ids that begin with a prefix, of jobs that the scope sees: ascending, at most so many."""
        ...

    async def claim_job(self, worker: str, seconds: float, kinds: Sequence[str] = ()) -> tuple[Job, Lease] | None:
        """Take the next queued job, or a running one whose lease has run out, or ends so late (two hours from now or more) that the
        clock must have been set back since.

        Tenants take turns, so that nobody's many jobs hold up those of others: it is the turn of the tenant whose name is next
        after that of the job taken last, of those that have one. Of its jobs, by priority descending, then age.

        The job becomes `running` and its fence grows by one. None when there is nothing to do. No kinds means all.
        """
        ...

    async def renew_lease(self, lease: Lease, seconds: float) -> Lease:
        """Hold a job for longer.

        Raises:
            LeaseLostError: another worker took it, or it has ended (for example was cancelled).
        """
        ...

    async def save_progress(self, lease: Lease, progress: Mapping[str, Scalar]) -> None:
        """Replace the progress of the leased job.

        Raises:
            LeaseLostError: as renew_lease.
        """
        ...

    async def add_failures(self, lease: Lease, failures: Sequence[JobFailure]) -> None:
        """Keep what could not be done of the leased job. Of one source the last reason given counts.

        Raises:
            LeaseLostError: as renew_lease.
        """
        ...

    async def failures(self, scope: Scope, id: str, *, after: str = "", limit: int = 100) -> list[JobFailure]:
        """What the last claim of a job could not do; claiming it again leaves those of earlier claims out.

        Ascending by source (code points), those with a source greater than `after`, at most `limit`.

        Raises:
            NotFoundError: as job.
        """
        ...

    async def finish_job(self, lease: Lease, state: JobEnd, error: str = "", *, done: int = 0, failed: int = 0) -> None:
        """End the leased job, or give it back with state `queued`.

        Args:
            lease: of the job.
            error: why it failed.
            done: documents that were stored or found unchanged under this lease; added to those of Queue.
            failed: the same of those that could not be stored.

        Raises:
            LeaseLostError: as renew_lease.
        """
        ...

    async def cancel_job(self, scope: Scope, id: str) -> Job:
        """Cancel a job; a no-op for one that has ended. Its worker learns of it at the next use of its lease.

        Its progress is kept, but for what would make it look as if that worker had died.

        Raises:
            NotFoundError: as job.
        """
        ...

    async def retry_job(self, scope: Scope, id: str) -> Job:
        """Queue a failed or cancelled job again, its progress kept as by cancel_job; a no-op for any other.

        Raises:
            NotFoundError: as job.
        """
        ...

    async def queue(self) -> Queue:
        """How the jobs of all tenants stand. Looks at those that wait, and at the index of the others."""
        ...

    async def remove_jobs(self, before: str) -> int:
        """Remove the jobs of all tenants that ended before a time (as in the module), with their failures; says how many.

        In several transactions where there are very many, between which others may write.
        """
        ...

    async def record_decisions(self, decisions: Sequence[Decision], known: Sequence[Decision] | None = None) -> bool:
        """Store decisions of one tenant, all or none. Those on the same pair are replaced, whichever way round it is given.

        Args:
            decisions: at least one, each on another pair.
            known: what the tenant's decisions were when these were found to fit them, as `decisions` gave them; None stores
                them whatever there is.

        Returns:
            False, and nothing is stored, where the tenant's decisions are no longer the known ones.
        """
        ...

    async def decisions(self, tenant: str) -> list[Decision]:
        """The tenant's decisions, ascending by id."""
        ...

    async def remove_decision(self, tenant: str, id: str) -> None:
        """Take a decision back.

        Raises:
            NotFoundError: the tenant has no such decision.
        """
        ...
