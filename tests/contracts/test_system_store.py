"""What every SystemStore does. A further store is one line in OPENERS."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from graphrag.decisions import decide, decisions_seen, undo
from graphrag.errors import BudgetError, InputError, LeaseLostError, NotFoundError
from graphrag.llm.usage import Account, Charge, Limit, Purse, Usage, today
from graphrag.stores.base import GraphStore
from graphrag.stores.embedded import queue as embedded_queue
from graphrag.stores.embedded.open import open_stores
from graphrag.stores.merged import with_merges
from graphrag.stores.neo4j import queue as neo4j_queue
from graphrag.stores.neo4j.open import open_stores as open_neo4j
from graphrag.stores.system import ENDED, ApiKey, Decision, Job, JobFailure, JobState, Lease, Queue, SystemStore
from graphrag.stores.trips import count_round_trips
from graphrag.tally import Tally
from graphrag.types import Scope, entity_id
from tests.contracts.generate import ChunkPlan, DocumentPlan, SentencePlan, build
from tests.contracts.neo4j import empty

Stores = tuple[GraphStore, SystemStore]
Opener = Callable[[Path], AbstractAsyncContextManager[Stores]]

OPENERS: dict[str, Callable[[pytest.FixtureRequest], Opener]] = {
    "embedded": lambda request: (
        lambda place: open_stores(f"sqlite:///{quote(str(place / 'graph.db'))}", filter_fields=())
    ),
    "neo4j": lambda request: _on_server(request.getfixturevalue("neo4j_url")),
}
EVERYBODY = Scope()
LEGAL = Scope("default", frozenset({"legal"}))
ADMIN = Scope("default", frozenset({"*"}))
RIVAL = Scope("rival", frozenset({"*"}))
SHORT, LONG = 0.05, 600.0  # seconds of a lease
LONG_AGO, FAR_AHEAD = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


def _on_server(url: str) -> Opener:
    """A server is one place; it is emptied when a test comes."""
    asyncio.run(empty(url))
    return lambda place: open_neo4j(url, filter_fields=())


@pytest.fixture(params=sorted(OPENERS))
def opener(request: pytest.FixtureRequest) -> Opener:
    """Opens the two stores at a place; what is opened at one place is shared."""
    return OPENERS[request.param](request)


@pytest.fixture
async def stores(opener: Opener, tmp_path: Path) -> AsyncGenerator[Stores]:
    """Both stores, empty."""
    async with opener(tmp_path) as opened:
        yield opened


@pytest.fixture
def system(stores: Stores) -> SystemStore:
    """The system store, empty."""
    return stores[1]


def a_key(id_: str, *, tenant: str = "default", created_at: str = "2026-01-01T00:00:00Z") -> ApiKey:
    return ApiKey(id_, f"name of {id_}", f"hash of {id_}", "reader", Scope(tenant), created_at)


def a_job(id_: str, *, scope: Scope = EVERYBODY, kind: str = "ingest", priority: int = 0, age: int = 0) -> Job:
    """A job; a greater age means submitted earlier."""
    return Job(id_, scope, kind, {"of": id_}, priority=priority, created_at=f"2026-01-01T00:00:{59 - age:02}Z")


async def claimed(system: SystemStore, worker: str = "w", seconds: float = LONG) -> Lease:
    """The lease of the next job, which must exist."""
    found = await system.claim_job(worker, seconds)
    assert found is not None
    return found[1]


async def run_out(lease: Lease) -> None:
    """Wait until a short lease has certainly run out."""
    await asyncio.sleep(SHORT * 2)


def is_timestamp(text: str, *, instant: bool = False) -> bool:
    return len(text) == (27 if instant else 20) and text[10] == "T" and text[-1] == "Z"


# Keys


async def test_a_key_is_found_by_the_hash_of_its_secret_with_all_its_fields(system: SystemStore) -> None:
    key = ApiKey(
        "k1",
        "Ünï",
        "abc123",
        "admin",
        Scope("acme", frozenset({"legal", "*"})),
        "2026-01-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
    )
    await system.add_key(key)
    assert await system.key_by_secret("abc123") == key
    assert await system.key_by_secret("ABC123") is None
    assert await system.key_by_secret("") is None


async def test_expired_and_revoked_keys_are_still_found(system: SystemStore) -> None:
    key = replace(a_key("k1"), expires_at="2000-01-01T00:00:00Z", revoked_at="2000-01-01T00:00:00Z")
    await system.add_key(key)
    assert await system.key_by_secret(key.secret_sha256) == key


@pytest.mark.parametrize(
    "twin", [replace(a_key("k1"), secret_sha256="other"), replace(a_key("k2"), secret_sha256="hash of k1")]
)
async def test_a_key_with_a_known_id_or_secret_is_refused_and_changes_nothing(
    system: SystemStore, twin: ApiKey
) -> None:
    await system.add_key(a_key("k1"))
    with pytest.raises(InputError) as error:
        await system.add_key(replace(twin, scope=RIVAL))
    assert "hash of" not in str(error.value)
    assert await system.keys("default") == [a_key("k1")]
    assert await system.keys("rival") == []


async def test_keys_of_a_tenant_come_by_age_then_id_without_those_of_others(system: SystemStore) -> None:
    young = a_key("a", created_at="2026-03-01T00:00:00Z")
    for key in (young, a_key("c"), a_key("b"), a_key("z", tenant="rival")):
        await system.add_key(key)
    assert await system.keys("default") == [a_key("b"), a_key("c"), young]
    assert await system.keys("rival") == [a_key("z", tenant="rival")]
    assert await system.keys("nobody") == []


async def test_revoking_a_key_marks_it_once(system: SystemStore) -> None:
    await system.add_key(a_key("k1"))
    await system.add_key(replace(a_key("k2"), revoked_at="2001-01-01T00:00:00Z"))
    await system.revoke_key("default", "k1")
    await system.revoke_key("default", "k2")
    first, second = await system.keys("default")
    assert first.revoked_at is not None and is_timestamp(first.revoked_at)
    assert replace(first, revoked_at=None) == a_key("k1")
    assert second.revoked_at == "2001-01-01T00:00:00Z"


@pytest.mark.parametrize(("tenant", "id_"), [("rival", "k1"), ("default", "k2")])
async def test_revoking_a_key_the_tenant_does_not_have_is_an_error_and_revokes_nothing(
    system: SystemStore, tenant: str, id_: str
) -> None:
    await system.add_key(a_key("k1"))
    with pytest.raises(NotFoundError, match=id_):
        await system.revoke_key(tenant, id_)
    assert await system.keys("default") == [a_key("k1")]


async def test_whether_there_is_a_key_counts_no_revoked_or_expired_one(system: SystemStore) -> None:
    now = "2026-06-01T00:00:00Z"
    assert not await system.has_key(now)
    await system.add_key(replace(a_key("k1"), expires_at=now))
    await system.add_key(replace(a_key("k2"), revoked_at="2026-01-01T00:00:00Z"))
    assert not await system.has_key(now)
    await system.add_key(replace(a_key("k3", tenant="rival"), expires_at="2026-06-01T00:00:01Z"))
    assert await system.has_key(now)
    await system.revoke_key("rival", "k3")
    assert not await system.has_key(now)
    await system.add_key(a_key("k4"))
    assert await system.has_key(now)


# Submitting and seeing jobs


async def test_a_submitted_job_is_queued_and_keeps_what_it_was_given(system: SystemStore) -> None:
    payload = {"sources": ["a.md", "\udcff.md"], "depth": {"n": 1.5, "none": None}, "ü": True}
    await system.submit_job(Job("j1", LEGAL, "ingest", payload, priority=-3))
    job = await system.job(LEGAL, "j1")
    assert (job.scope, job.kind, job.payload, job.state, job.priority) == (LEGAL, "ingest", payload, "queued", -3)
    assert (job.progress, job.error) == ({}, "")
    assert is_timestamp(job.created_at, instant=True) and is_timestamp(job.updated_at)


async def test_a_job_submitted_again_changes_nothing(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    before = await system.job(EVERYBODY, "j1")
    await system.submit_job(a_job("j1", scope=RIVAL, kind="other", priority=9))
    assert await system.job(EVERYBODY, "j1") == before
    assert await system.jobs(RIVAL) == []


async def test_jobs_of_one_second_begin_in_the_order_in_which_they_were_submitted(system: SystemStore) -> None:
    names = [f"{place * 7919 % 13:02}" for place in range(12)]  # in no order
    for name in names:
        await system.submit_job(Job(name, EVERYBODY, "ingest", {}))
    assert [job.id for job in reversed(await system.jobs(EVERYBODY))] == names
    begun = [await system.claim_job("w", LONG) for _ in names]
    assert [found[0].id for found in begun if found] == names


async def test_a_job_that_is_not_plain_json_is_refused(system: SystemStore) -> None:
    for payload in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(InputError, match="payload"):
            await system.submit_job(Job("j1", EVERYBODY, "ingest", payload))
    assert await system.jobs(ADMIN) == []


@pytest.mark.parametrize(
    ("of", "by", "seen"),
    [
        (EVERYBODY, EVERYBODY, True),
        (EVERYBODY, LEGAL, True),
        (LEGAL, EVERYBODY, False),
        (LEGAL, LEGAL, True),
        (LEGAL, Scope("default", frozenset({"legal", "hr"})), True),
        (Scope("default", frozenset({"legal", "hr"})), LEGAL, False),
        (LEGAL, ADMIN, True),
        (ADMIN, LEGAL, False),
        (ADMIN, ADMIN, True),
        (EVERYBODY, RIVAL, False),
        (LEGAL, Scope("rival", frozenset({"legal"})), False),
    ],
)
async def test_a_job_is_seen_and_changed_only_by_scopes_of_its_tenant_that_hold_its_labels(
    system: SystemStore, of: Scope, by: Scope, seen: bool
) -> None:
    await system.submit_job(a_job("j1", scope=of))
    assert [job.id for job in await system.jobs(by)] == (["j1"] if seen else [])
    for act in (system.job, system.retry_job, system.cancel_job):
        if seen:
            assert (await act(by, "j1")).id == "j1"
        else:
            with pytest.raises(NotFoundError, match="j1"):
                await act(by, "j1")
    assert (await system.job(of, "j1")).state == ("cancelled" if seen else "queued")


async def test_an_unknown_job_is_not_found(system: SystemStore) -> None:
    for act in (system.job, system.retry_job, system.cancel_job):
        with pytest.raises(NotFoundError, match="nothing"):
            await act(ADMIN, "nothing")


async def test_jobs_are_listed_newest_first_by_state_and_up_to_the_limit_of_visible_ones(system: SystemStore) -> None:
    for job in (a_job("a", age=3), a_job("b", age=1), a_job("c", age=1), a_job("d", scope=ADMIN), a_job("e", age=2)):
        await system.submit_job(job)
    await system.cancel_job(EVERYBODY, "e")
    assert [job.id for job in await system.jobs(EVERYBODY)] == ["c", "b", "e", "a"]
    assert [job.id for job in await system.jobs(EVERYBODY, limit=2)] == ["c", "b"]
    assert await system.jobs(EVERYBODY, limit=0) == []
    assert [job.id for job in await system.jobs(EVERYBODY, states=["queued"])] == ["c", "b", "a"]
    assert [job.id for job in await system.jobs(EVERYBODY, states=["cancelled", "failed"])] == ["e"]
    assert await system.jobs(EVERYBODY, states=["running"]) == []


async def test_ids_of_visible_jobs_are_found_by_how_they_begin(system: SystemStore) -> None:
    for id_, scope in (("a1", ADMIN), ("a10", LEGAL), ("a2", RIVAL), ("a1%", EVERYBODY), ("A1", ADMIN), ("b", ADMIN)):
        await system.submit_job(a_job(id_, scope=scope))
    assert await system.job_ids(ADMIN, "a1", 9) == ["a1", "a1%", "a10"]
    assert await system.job_ids(ADMIN, "a1", 2) == ["a1", "a1%"]
    assert await system.job_ids(ADMIN, "a10", 9) == ["a10"]
    assert await system.job_ids(ADMIN, "", 9) == ["A1", "a1", "a1%", "a10", "b"]
    assert await system.job_ids(LEGAL, "a", 9) == ["a1%", "a10"]
    assert await system.job_ids(RIVAL, "a", 9) == ["a2"]
    for nothing in ("a100", "c", "a1_", "%", "a%"):
        assert await system.job_ids(ADMIN, nothing, 9) == []


# Claiming


async def test_jobs_of_a_tenant_are_claimed_by_priority_and_then_age(system: SystemStore) -> None:
    for job in (
        a_job("new"),
        a_job("old", age=5),
        a_job("rush", priority=2, scope=LEGAL),
        a_job("later", priority=-1, age=9),
        a_job("old-rush", priority=2, age=1),
    ):
        await system.submit_job(job)
    order = [(await claimed(system)).job_id for _ in range(5)]
    assert order == ["old-rush", "rush", "old", "new", "later"]
    assert await system.claim_job("w", LONG) is None


async def test_tenants_take_turns_whatever_the_number_age_and_priority_of_their_jobs(
    opener: Opener, tmp_path: Path
) -> None:
    order: list[str] = []
    async with opener(tmp_path) as (_, one), opener(tmp_path) as (_, two):
        for n in range(6):
            await one.submit_job(a_job(f"many-{n}", scope=Scope("many"), priority=9, age=50 - n))
        for id_, tenant in (("few-0", "few"), ("one-0", "one"), ("few-1", "few")):
            await one.submit_job(a_job(id_, scope=Scope(tenant), age=9))
        await one.submit_job(a_job("few-9", scope=Scope("few"), priority=-1, age=40))
        for system in (one, two) * 3:
            order.append((await claimed(system)).job_id)
        await two.submit_job(a_job("new-0", scope=Scope("new")))
        while found := await one.claim_job("w", LONG):
            order.append(found[0].id)
    first = ["few-0", "many-0", "one-0", "few-1", "many-1", "few-9"]
    assert order == [*first, "many-2", "new-0", "many-3", "many-4", "many-5"]


async def test_a_job_whose_lease_ran_out_or_that_was_given_back_waits_for_the_turn_of_its_tenant(
    system: SystemStore,
) -> None:
    for id_ in ("a-0", "a-1", "b-0"):
        await system.submit_job(a_job(id_, scope=Scope(id_[0])))
    lease = await claimed(system, seconds=SHORT)
    assert lease.job_id == "a-0"
    await run_out(lease)
    given_back = await claimed(system)
    await system.finish_job(given_back, "queued")
    order = [given_back.job_id] + [(await claimed(system)).job_id for _ in range(3)]
    assert order == ["b-0", "a-0", "b-0", "a-1"]


async def test_a_claim_makes_the_job_running_and_returns_it_with_its_lease(system: SystemStore) -> None:
    assert await system.claim_job("w", LONG) is None
    await system.submit_job(a_job("j1", scope=LEGAL))
    found = await system.claim_job("w1", LONG)
    assert found is not None
    job, lease = found
    assert job.state == "running"
    assert job == await system.job(LEGAL, "j1")
    assert (lease.job_id, lease.worker) == ("j1", "w1")


async def test_only_the_asked_kinds_are_claimed(system: SystemStore) -> None:
    await system.submit_job(a_job("j1", kind="ingest", priority=5))
    await system.submit_job(a_job("j2", kind="communities"))
    assert await system.claim_job("w", LONG, ["other"]) is None
    found = await system.claim_job("w", LONG, ["other", "communities"])
    assert found is not None and found[0].id == "j2"


async def test_concurrent_claims_on_two_stores_give_each_job_to_one_worker(opener: Opener, tmp_path: Path) -> None:
    async with opener(tmp_path) as (_, one), opener(tmp_path) as (_, two):
        for n in range(12):
            await one.submit_job(a_job(f"j{n}"))

        async def worker(name: str, system: SystemStore) -> list[str]:
            mine: list[str] = []
            while (found := await system.claim_job(name, LONG)) is not None:
                assert found[1].fence == 1
                mine.append(found[0].id)
            return mine

        shares = await asyncio.gather(*(worker(f"w{n}", (one, two)[n % 2]) for n in range(6)))
        assert sorted(id_ for share in shares for id_ in share) == sorted(f"j{n}" for n in range(12))


async def test_an_expired_job_is_taken_over_by_one_of_many_workers(opener: Opener, tmp_path: Path) -> None:
    async with opener(tmp_path) as (_, one), opener(tmp_path) as (_, two):
        await one.submit_job(a_job("j1"))
        await run_out(await claimed(one, seconds=SHORT))
        found = await asyncio.gather(*(system.claim_job(f"w{n}", LONG) for n, system in enumerate((one, two) * 4)))
        assert len([claim for claim in found if claim is not None]) == 1


# Leases


async def test_a_job_is_not_taken_over_before_its_lease_runs_out(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    await claimed(system)
    assert await system.claim_job("w2", LONG) is None


async def test_each_claim_raises_the_fence_over_expiry_giving_back_and_retrying(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    leases = [await claimed(system, seconds=SHORT)]
    await run_out(leases[-1])
    leases.append(await claimed(system))
    await system.finish_job(leases[-1], "queued", "the model was away")
    assert (await system.job(EVERYBODY, "j1")).state == "queued"
    leases.append(await claimed(system))
    await system.cancel_job(EVERYBODY, "j1")
    await system.retry_job(EVERYBODY, "j1")
    leases.append(await claimed(system))
    fences = [lease.fence for lease in leases]
    assert fences == sorted(set(fences))
    for old in leases[:-1]:
        with pytest.raises(LeaseLostError):
            await system.renew_lease(old, LONG)
    await system.renew_lease(leases[-1], LONG)


async def test_a_renewed_lease_keeps_the_job(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    lease = await claimed(system, seconds=SHORT)
    renewed = await system.renew_lease(lease, LONG)
    assert renewed.until > lease.until
    assert replace(renewed, until=lease.until) == lease
    await run_out(lease)
    assert await system.claim_job("w2", LONG) is None


async def test_a_lease_that_ran_out_is_held_until_somebody_takes_the_job(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    lease = await claimed(system, seconds=SHORT)
    await run_out(lease)
    await system.save_progress(lease, {"done": 1})
    await system.renew_lease(lease, LONG)
    assert await system.claim_job("w2", LONG) is None


async def test_progress_is_replaced_and_kept_over_a_takeover(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    lease = await claimed(system, seconds=SHORT)
    await system.save_progress(lease, {"done": 1, "first": True})
    await system.save_progress(lease, {"done": 2, "at": "ü.md", "share": 0.5})
    await run_out(lease)
    found = await system.claim_job("w2", LONG)
    assert found is not None
    assert found[0].progress == {"done": 2, "at": "ü.md", "share": 0.5}


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
async def test_a_finished_job_keeps_its_end_and_its_lease_is_over(system: SystemStore, state: JobState) -> None:
    await system.submit_job(a_job("j1"))
    lease = await claimed(system, seconds=SHORT)
    await system.finish_job(lease, state, "why \udcff")
    job = await system.job(EVERYBODY, "j1")
    assert (job.state, job.error.startswith("why ")) == (state, True)
    with pytest.raises(LeaseLostError):
        await system.finish_job(lease, "queued")
    await run_out(lease)
    assert await system.claim_job("w", LONG) is None
    assert await system.cancel_job(EVERYBODY, "j1") == job


async def _taken_over(system: SystemStore, lease: Lease) -> None:
    await run_out(lease)
    # By the same name, as a restarted worker has: only the fence tells them apart.
    await claimed(system, lease.worker)


async def _cancelled(system: SystemStore, lease: Lease) -> None:
    await system.cancel_job(ADMIN, lease.job_id)


async def _retried(system: SystemStore, lease: Lease) -> None:
    await system.cancel_job(ADMIN, lease.job_id)
    await system.retry_job(ADMIN, lease.job_id)


async def _given_back(system: SystemStore, lease: Lease) -> None:
    await system.finish_job(lease, "queued")


@pytest.mark.parametrize("lose", [_taken_over, _cancelled, _retried, _given_back])
async def test_a_lost_lease_is_refused_everywhere_and_leaves_nothing_written(
    stores: Stores, lose: Callable[[SystemStore, Lease], object]
) -> None:
    graph, system = stores
    kept = build(DocumentPlan((ChunkPlan((SentencePlan((0, 4)),)),), source="kept.md"))
    new = build(DocumentPlan((ChunkPlan((SentencePlan((1, 5)),)),), source="new.md"))
    changed = build(DocumentPlan((ChunkPlan((SentencePlan((2, 6)),)),), source="kept.md"))
    await system.submit_job(a_job("j1"))
    lease = await claimed(system, seconds=SHORT)
    assert await graph.write(EVERYBODY, kept, lease=lease) == "created"
    await _awaited(lose(system, lease))
    before = (await system.job(ADMIN, "j1"), await graph.statistics(ADMIN), await graph.revision())

    for refused in (
        lambda: system.renew_lease(lease, LONG),
        lambda: system.save_progress(lease, {"done": 9}),
        lambda: system.add_failures(lease, [JobFailure("a", "bad")]),
        lambda: system.add_failures(lease, []),
        lambda: system.finish_job(lease, "succeeded"),
        lambda: graph.write(EVERYBODY, new, lease=lease),
        lambda: graph.write(EVERYBODY, changed, lease=lease),
        lambda: graph.write_many(EVERYBODY, [new, changed], lease=lease),
        lambda: graph.delete_documents(EVERYBODY, [kept.document.id], lease=lease),
    ):
        with pytest.raises(LeaseLostError, match="j1"):
            await _awaited(refused())

    assert (await system.job(ADMIN, "j1"), await graph.statistics(ADMIN), await graph.revision()) == before
    assert [document.id for document in await graph.documents(ADMIN)] == [kept.document.id]
    assert await graph.texts(ADMIN, [kept.document.id]) == {kept.document.id: kept.text}


async def _awaited(call: object) -> None:
    assert asyncio.iscoroutine(call)
    await call


async def test_a_held_lease_lets_documents_be_written_and_deleted(stores: Stores) -> None:
    graph, system = stores
    batch = build(DocumentPlan((ChunkPlan((SentencePlan((0, 4)),)),)))
    await system.submit_job(a_job("j1"))
    lease = await claimed(system)
    assert await graph.write(EVERYBODY, batch, lease=lease) == "created"
    assert await graph.delete_documents(EVERYBODY, [batch.document.id], lease=lease) == 1


async def test_a_lease_on_a_job_that_does_not_exist_is_lost(stores: Stores) -> None:
    graph, system = stores
    lease = Lease("nothing", "w", 0, 0.0)
    with pytest.raises(LeaseLostError):
        await system.renew_lease(lease, LONG)
    with pytest.raises(LeaseLostError):
        await system.add_failures(lease, [])
    with pytest.raises(LeaseLostError):
        await graph.delete_documents(EVERYBODY, [], lease=lease)


# Failures


async def test_failures_come_by_source_page_by_page_and_the_last_reason_counts(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    await system.submit_job(a_job("j2"))
    lease, other = await claimed(system), await claimed(system)
    assert await system.failures(EVERYBODY, "j1") == []
    await system.add_failures(lease, [JobFailure("b", "one"), JobFailure("ü", "Ünï"), JobFailure("B", "two")])
    await system.add_failures(lease, [JobFailure("b", "three"), JobFailure("a/😀", "four")])
    await system.add_failures(lease, [])
    await system.add_failures(other, [JobFailure("b", "of another job")])
    listed = [JobFailure("B", "two"), JobFailure("a/😀", "four"), JobFailure("b", "three"), JobFailure("ü", "Ünï")]
    assert await system.failures(EVERYBODY, "j1") == listed
    assert await system.failures(EVERYBODY, "j1", limit=2) == listed[:2]
    assert await system.failures(EVERYBODY, "j1", after="a/😀", limit=2) == listed[2:]
    assert await system.failures(EVERYBODY, "j1", after="ü") == []
    assert await system.failures(EVERYBODY, "j1", limit=0) == []


async def test_failures_outlive_the_job_and_are_those_of_its_last_claim(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    lease = await claimed(system)
    await system.add_failures(lease, [JobFailure("a", "bad"), JobFailure("b", "bad")])
    await system.finish_job(lease, "failed", "all bad")
    assert [failure.source for failure in await system.failures(EVERYBODY, "j1")] == ["a", "b"]
    await system.retry_job(EVERYBODY, "j1")
    assert [failure.source for failure in await system.failures(EVERYBODY, "j1")] == ["a", "b"]
    again = await claimed(system)
    assert await system.failures(EVERYBODY, "j1") == []
    await system.add_failures(again, [JobFailure("b", "still bad")])
    assert await system.failures(EVERYBODY, "j1") == [JobFailure("b", "still bad")]


async def test_failures_are_seen_by_those_who_see_the_job(system: SystemStore) -> None:
    await system.submit_job(a_job("j1", scope=LEGAL))
    await system.add_failures(await claimed(system), [JobFailure("a", "bad")])
    assert len(await system.failures(LEGAL, "j1")) == 1
    for scope in (EVERYBODY, RIVAL):
        with pytest.raises(NotFoundError, match="j1"):
            await system.failures(scope, "j1")
    with pytest.raises(NotFoundError, match="nothing"):
        await system.failures(ADMIN, "nothing")


# Cancelling and retrying


async def test_a_cancelled_job_is_not_claimed_until_it_is_retried(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    assert (await system.cancel_job(EVERYBODY, "j1")).state == "cancelled"
    assert await system.claim_job("w", LONG) is None
    assert (await system.retry_job(EVERYBODY, "j1")).state == "queued"
    assert (await claimed(system)).job_id == "j1"


async def test_cancelling_a_running_job_ends_it_and_its_lease(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    lease = await claimed(system, seconds=SHORT)
    assert (await system.cancel_job(EVERYBODY, "j1")).state == "cancelled"
    with pytest.raises(LeaseLostError):
        await system.renew_lease(lease, LONG)
    await run_out(lease)
    assert await system.claim_job("w", LONG) is None


async def test_retrying_a_failed_job_keeps_its_progress(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    lease = await claimed(system)
    await system.save_progress(lease, {"done": 7})
    await system.finish_job(lease, "failed", "disk full")
    job = await system.retry_job(EVERYBODY, "j1")
    assert (job.state, job.progress, job.error) == ("queued", {"done": 7}, "")


async def test_cancelling_or_retrying_a_job_is_no_death_of_its_worker(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    kept = {"created": 7, "quarantined": '{"bad.md": "kills"}'}
    run = {"phase": "running", "suspect": "a.md", "suspect_deaths": 1, "crashes": 4, "outages": 19, "eta_seconds": 9.5}
    for cancelled in (True, False):
        lease = await claimed(system)
        await system.save_progress(lease, kept | run)
        if cancelled:
            assert (await system.cancel_job(EVERYBODY, "j1")).progress == {**kept, "phase": "queued"}
            with pytest.raises(LeaseLostError):
                await system.save_progress(lease, kept | run)
        else:
            await system.finish_job(lease, "failed")
        job = await system.retry_job(EVERYBODY, "j1")
        assert (job.state, job.progress) == ("queued", {**kept, "phase": "queued"})
        tally = Tally.of(job, 9)
        assert (tally.careful, tally.deaths, tally.quarantined) == (False, {}, {"bad.md": "kills"})


async def test_retrying_a_queued_running_or_succeeded_job_changes_nothing(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    queued = await system.job(EVERYBODY, "j1")
    assert await system.retry_job(EVERYBODY, "j1") == queued
    lease = await claimed(system)
    assert (await system.retry_job(EVERYBODY, "j1")).state == "running"
    await system.renew_lease(lease, LONG)
    await system.finish_job(lease, "succeeded")
    assert (await system.retry_job(EVERYBODY, "j1")).state == "succeeded"
    assert "succeeded" in ENDED


# The queue as a whole


async def test_the_queue_tells_how_many_jobs_of_all_tenants_there_are_and_since_when_one_waits(
    system: SystemStore,
) -> None:
    nothing = dict.fromkeys(("queued", "running", "succeeded", "failed", "cancelled"), 0)
    assert await system.queue() == Queue(nothing)
    for id_, scope in (("j1", LEGAL), ("j2", RIVAL), ("j3", EVERYBODY)):
        await system.submit_job(a_job(id_, scope=scope))
    since = min([job.updated_at for scope in (ADMIN, RIVAL) for job in await system.jobs(scope)])
    assert await system.queue() == Queue(nothing | {"queued": 3}, since)
    await system.finish_job(await claimed(system), "failed")
    await system.cancel_job(RIVAL, "j2")
    lease = await claimed(system, seconds=SHORT)
    assert (await system.queue()).jobs == nothing | {"failed": 1, "cancelled": 1, "running": 1}
    await run_out(lease)
    died = (await system.job(ADMIN, lease.job_id)).updated_at
    assert (await system.queue()).waiting_since == died
    await system.renew_lease(lease, LONG)
    assert (await system.queue()).waiting_since == ""


async def test_documents_of_jobs_are_counted_when_the_job_is_put_down(system: SystemStore) -> None:
    for state, done, failed in (("succeeded", 4, 1), ("queued", 3, 0), ("failed", 0, 2)):
        await system.submit_job(a_job("j1" if state == "succeeded" else "j2"))
        await system.finish_job(lease := await claimed(system), state, done=done, failed=failed)
        with pytest.raises(LeaseLostError):
            await system.finish_job(lease, state, done=9, failed=9)
    queue = await system.queue()
    assert (queue.done, queue.failed) == (7, 3)
    await system.remove_jobs(FAR_AHEAD)
    assert await system.queue() == replace(queue, jobs=dict.fromkeys(queue.jobs, 0))


# Removing


async def test_jobs_that_ended_before_a_time_are_removed_with_their_failures_and_no_others(system: SystemStore) -> None:
    for state in ("succeeded", "failed", "cancelled"):
        await system.submit_job(a_job(state, scope=RIVAL if state == "failed" else LEGAL))
        lease = await claimed(system)
        await system.add_failures(lease, [JobFailure("a", "bad"), JobFailure("b", "bad")])
        await system.finish_job(lease, state)
    for waits in ("retried", "running", "queued"):
        await system.submit_job(a_job(waits))
        lease = await claimed(system, seconds=LONG if waits == "running" else SHORT)
        await system.add_failures(lease, [JobFailure("a", "bad")])
        if waits != "running":
            await system.finish_job(lease, "failed" if waits == "retried" else "queued")
    await system.retry_job(EVERYBODY, "retried")
    before_any_ended = "2026-01-01T00:01:00Z"  # and after all were submitted

    assert [await system.remove_jobs(before) for before in (LONG_AGO, before_any_ended)] == [0, 0]
    assert len(await system.jobs(ADMIN)) + len(await system.jobs(RIVAL)) == 6
    assert await system.remove_jobs(FAR_AHEAD) == 3
    assert await system.remove_jobs(FAR_AHEAD) == 0

    assert await system.jobs(RIVAL) == []
    left = {job.id: job.state for job in await system.jobs(ADMIN)}
    assert left == {"queued": "queued", "running": "running", "retried": "queued"}
    assert await system.failures(EVERYBODY, "running") == [JobFailure("a", "bad")]
    await system.submit_job(a_job("succeeded", priority=9))
    await claimed(system)  # with the fence of before
    assert await system.failures(EVERYBODY, "succeeded") == []


async def test_very_many_jobs_and_failures_are_removed_piece_by_piece(
    system: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (embedded_queue, neo4j_queue):
        monkeypatch.setattr(module, "REMOVED_AT_ONCE", 2)
    for n in range(5):
        await system.submit_job(a_job(f"j{n}"))
        lease = await claimed(system)
        await system.add_failures(lease, [JobFailure(f"{place}", "bad") for place in range(n)])
        await system.finish_job(lease, "failed")

    with count_round_trips() as trips:
        assert await system.remove_jobs(FAR_AHEAD) == 5
    assert trips.count > 5
    for n in range(5):
        await system.submit_job(a_job(f"j{n}"))
        await claimed(system)
        assert await system.failures(EVERYBODY, f"j{n}") == []


async def test_jobs_are_removed_by_several_workers_at_once_while_they_are_retried(
    stores: Stores, opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stores[1]
    for module in (embedded_queue, neo4j_queue):
        monkeypatch.setattr(module, "REMOVED_AT_ONCE", 4)
    for n in range(20):
        await one.submit_job(a_job(f"j{n:02}"))
        await one.finish_job(await claimed(one), "failed")

    async def retried(id_: str) -> bool:
        try:
            return (await one.retry_job(EVERYBODY, id_)).state == "queued"
        except NotFoundError:
            return False

    async with opener(tmp_path) as (_, two):
        removing = asyncio.gather(*(system.remove_jobs(FAR_AHEAD) for system in (one, two, one, two)))
        kept = await asyncio.gather(*(retried(f"j{n:02}") for n in reversed(range(20))))
        removed = await removing

    assert sum(removed) + sum(kept) == 20
    assert len(await one.jobs(EVERYBODY, states=["queued"])) == len(await one.jobs(EVERYBODY)) == sum(kept)


# Decisions


def a_decision(id_: str, a: str, b: str, *, tenant: str = "default") -> Decision:
    return Decision(id_, tenant, "merge", a, b, "ann", "2026-01-01T00:00:00Z")


async def test_decisions_of_a_tenant_come_by_id_with_all_their_fields(system: SystemStore) -> None:
    first = Decision("d1", "default", "split", "e1", "e2", "Ünï")
    for decision in (a_decision("d2", "e1", "e3"), first, a_decision("d0", "e1", "e2", tenant="rival")):
        await system.record_decisions([decision])
    stored = await system.decisions("default")
    assert [replace(stored[0], created_at=""), stored[1]] == [first, a_decision("d2", "e1", "e3")]
    assert is_timestamp(stored[0].created_at)
    assert await system.decisions("rival") == [a_decision("d0", "e1", "e2", tenant="rival")]
    assert await system.decisions("nobody") == []


@pytest.mark.parametrize(("a", "b"), [("e1", "e2"), ("e2", "e1")])
@pytest.mark.parametrize("id_", ["d1", "d2"])
async def test_a_decision_on_the_same_pair_replaces_the_old_one_whichever_way_round(
    system: SystemStore, id_: str, a: str, b: str
) -> None:
    others = [a_decision("x1", "e1", "e3"), a_decision("x2", "e2", "e3")]
    for decision in (*others, a_decision("d1", "e1", "e2"), a_decision("x3", "e1", "e2", tenant="rival")):
        await system.record_decisions([decision])
    word = replace(a_decision(id_, a, b), kind="split", author="bob")
    await system.record_decisions([word])
    assert await system.decisions("default") == [word, *others]
    assert await system.decisions("rival") == [a_decision("x3", "e1", "e2", tenant="rival")]


async def test_a_decision_never_overwrites_one_of_another_tenant_or_pair_with_its_id(system: SystemStore) -> None:
    await system.record_decisions([a_decision("d1", "e1", "e2")])
    await system.record_decisions([a_decision("d2", "e1", "e3")])
    for decision in (a_decision("d1", "e1", "e2", tenant="rival"), a_decision("d1", "e3", "e1")):
        with pytest.raises(InputError, match="d1"):
            await system.record_decisions([decision])
    assert await system.decisions("default") == [a_decision("d1", "e1", "e2"), a_decision("d2", "e1", "e3")]
    assert await system.decisions("rival") == []


async def test_a_decision_is_taken_back_by_its_own_tenant_alone(system: SystemStore) -> None:
    await system.record_decisions([a_decision("d1", "e1", "e2")])
    for tenant, id_ in (("rival", "d1"), ("default", "d2")):
        with pytest.raises(NotFoundError, match=id_):
            await system.remove_decision(tenant, id_)
    assert len(await system.decisions("default")) == 1
    await system.remove_decision("default", "d1")
    assert await system.decisions("default") == []


async def test_decisions_that_a_caller_does_not_see_are_not_held_against_his(stores: Stores) -> None:
    graph, system = stores
    for number, access in ((13, "public"), (8, "public"), (4, "legal")):
        plan = DocumentPlan((ChunkPlan((SentencePlan((number,)),)),), source=f"{number}.md", access=access)
        await graph.write(ADMIN, build(plan))
    lamprey, ibm, hidden = (entity_id("default", key) for key in ("lamprey", "ibm", "berlin"))

    merges = [await decide(graph, system, LEGAL, "merge", id_, hidden, "ann") for id_ in (ibm, lamprey)]
    split = await decide(graph, system, EVERYBODY, "split", ibm, lamprey, "bob")
    assert await decisions_seen(graph, system, EVERYBODY) == [split]
    with pytest.raises(InputError, match=merges[0].id):
        await decide(graph, system, LEGAL, "split", ibm, lamprey, "ann")
    for scope, count in ((EVERYBODY, 1), (LEGAL, 3)):  # merges win for those who see them
        view = await with_merges(graph, system, scope)
        assert [one.chunk_count for one in await view.chunks_mentioning(scope, [ibm], 9)] == [count]

    await undo(graph, system, EVERYBODY, split.id)
    await decide(graph, system, LEGAL, "split", ibm, hidden, "ann")
    merge = await decide(graph, system, EVERYBODY, "merge", ibm, lamprey, "bob")
    assert await decisions_seen(graph, system, EVERYBODY) == [merge]


async def test_decisions_are_recorded_together_and_only_beside_those_that_were_known(opener: Opener, tmp_path: Path):
    async with opener(tmp_path) as (_, one), opener(tmp_path) as (_, two):
        made = [a_decision(f"d{n}", "e0", f"e{n}") for n in (1, 2)]
        assert await one.record_decisions(made, [])
        assert not await two.record_decisions([a_decision("d3", "e0", "e3")], made[:1])
        with pytest.raises(InputError, match="d1"):
            await two.record_decisions([a_decision("d4", "e0", "e4"), a_decision("d1", "e0", "e5")], made)
        assert await one.decisions("default") == made
        at_once = [a_decision(f"d{n}", "e0", f"e{n}") for n in (6, 7)]
        done = await asyncio.gather(*(s.record_decisions([d], made) for s, d in zip((one, two), at_once, strict=True)))
        assert sorted(done) == [False, True]


# Sharing


async def test_what_is_written_outlives_the_store_and_is_seen_by_others_at_once(opener: Opener, tmp_path: Path) -> None:
    async with opener(tmp_path) as (_, one), opener(tmp_path) as (_, two):
        await one.add_key(a_key("k1"))
        assert await two.keys("default") == [a_key("k1")]
        await one.submit_job(a_job("j1"))
        lease = await claimed(two)
        await one.cancel_job(EVERYBODY, "j1")
        with pytest.raises(LeaseLostError):
            await two.renew_lease(lease, LONG)
        await two.record_decisions([a_decision("d1", "e1", "e2")])
    async with opener(tmp_path) as (_, later):
        assert await later.keys("default") == [a_key("k1")]
        assert (await later.job(EVERYBODY, "j1")).state == "cancelled"
        assert await later.decisions("default") == [a_decision("d1", "e1", "e2")]


# What models used

DAY = "2026-01-02"
TOTAL = Account("total", day=DAY)


def a_charge(account: Account, tokens: int, *, limit: int = 0, dollars: float = 0.0, cost: int = 0) -> Charge:
    return Charge(account, Usage(1, tokens, 1, cost), Limit(limit, dollars))


async def test_charges_add_up_by_account_and_are_listed_by_tenant_the_latest_day_first(system: SystemStore) -> None:
    key, job, rival = Account("key", "t1", "k", DAY), Account("job", "t1", "j"), Account("key", "t2", "k", DAY)
    later = Account("key", "t1", "k", "2026-01-03")
    await system.charge([a_charge(TOTAL, 5), a_charge(key, 5, cost=7), a_charge(job, 5)])
    await system.charge([a_charge(TOTAL, 3), a_charge(rival, 3), a_charge(later, 3)])
    await system.charge([a_charge(key, 1)])

    assert await system.usage("t1") == [(later, Usage(1, 3, 1)), (key, Usage(2, 6, 2, 7)), (job, Usage(1, 5, 1))]
    assert await system.usage("t2") == [(rival, Usage(1, 3, 1))]
    assert await system.usage("") == [(TOTAL, Usage(2, 8, 2))]
    assert await system.usage("t1", kind="job") == [(job, Usage(1, 5, 1))]
    assert await system.usage("t1", limit=1) == [(later, Usage(1, 3, 1))]
    assert await system.usage("nobody") == []


async def test_a_charge_beyond_a_limit_is_refused_on_all_accounts(system: SystemStore) -> None:
    key = Account("key", "t1", "k", DAY)
    await system.charge([a_charge(TOTAL, 90, cost=500_000_000)])
    for charge in (a_charge(TOTAL, 10, limit=100), a_charge(TOTAL, 1, dollars=0.6, cost=100_000_001)):
        with pytest.raises(BudgetError, match="all model calls on 2026-01-02"):
            await system.charge([a_charge(key, 1), charge])
    await system.charge([a_charge(TOTAL, 1, limit=100, dollars=0.6, cost=100_000_000)])

    assert await system.usage("t1") == []
    assert await system.usage("") == [(TOTAL, Usage(2, 91, 2, 600_000_000))]


async def test_what_was_reserved_is_given_back_also_beyond_a_limit(system: SystemStore) -> None:
    await system.charge([a_charge(TOTAL, 1_000)])
    await system.charge([Charge(TOTAL, Usage(0, -400, 30))])
    assert await system.usage("") == [(TOTAL, Usage(1, 600, 31))]


async def test_a_limit_holds_against_charges_at_once(stores: Stores, opener: Opener, tmp_path: Path) -> None:
    """Eight at a time through two openings of one place, as two processes would."""
    async with opener(tmp_path) as second:
        systems = [stores[1], second[1]] * 8
        charges = [a_charge(Account("key", "t1", str(n % 2), DAY), 9) for n in range(16)]
        done = await asyncio.gather(
            *(one.charge([a_charge(TOTAL, 9, limit=75), charges[n]]) for n, one in enumerate(systems)),
            return_exceptions=True,
        )
    refused = [result for result in done if result is not None]
    assert len(refused) == 16 - 7
    assert {type(result) for result in refused} == {BudgetError}
    assert await stores[1].usage("") == [(TOTAL, Usage(7, 63, 7))]
    assert sum(usage.calls for _, usage in await stores[1].usage("t1")) == 7


async def test_a_purse_reserves_and_settles_on_the_books(system: SystemStore) -> None:
    purse = Purse(system, charged=[(Account("total"), Limit(1_000)), (Account("job", "t1", "j"), Limit())])
    first = await purse.reserve(Usage(1, 100, 500))
    with pytest.raises(BudgetError):
        await purse.reserve(Usage(1, 100, 500))
    await purse.settle(first, Usage(1, 90, 10, 5))
    second = await purse.reserve(Usage(1, 100, 500))
    await purse.settle(second, Usage(1))

    ((total, usage),) = await system.usage("")
    assert (total, usage) == (Account("total", day=today()), Usage(2, 90, 10, 5))
    assert await system.usage("t1") == [(Account("job", "t1", "j"), usage)]
    assert (purse.spent, purse.reserved) == (usage, Usage())


# What models replied


async def test_a_reply_is_kept_under_its_key_for_its_tenant_alone(system: SystemStore) -> None:
    await system.keep_reply("default", "k1", '{"a": "ü \\ud800"}')
    await system.keep_reply("default", "k2", "two")
    await system.keep_reply("rival", "k1", "theirs")
    assert await system.replies("default", ["k1", "k2", "k3", "k1"]) == {"k1": '{"a": "ü \\ud800"}', "k2": "two"}
    assert await system.replies("rival", ["k1", "k2"]) == {"k1": "theirs"}
    assert await system.replies("nobody", ["k1"]) == {}
    assert await system.replies("default", []) == {}


async def test_the_first_reply_under_a_key_stays(system: SystemStore) -> None:
    await system.keep_reply("default", "k1", "first")
    await asyncio.gather(*(system.keep_reply("default", "k1", "second") for _ in range(5)))
    assert await system.replies("default", ["k1"]) == {"k1": "first"}
    assert await system.count_replies("default") == 1


async def test_replies_are_counted_and_removed_by_tenant_and_age(system: SystemStore) -> None:
    for key in ("k1", "k2", "k3"):
        await system.keep_reply("default", key, "text")
    await system.keep_reply("rival", "k1", "theirs")
    counts = [await system.count_replies("default", before=before) for before in ("", LONG_AGO, FAR_AHEAD)]
    assert counts == [3, 0, 3]
    assert await system.remove_replies("default", before=LONG_AGO) == 0
    assert await system.remove_replies("default", before=FAR_AHEAD) == 3
    assert await system.remove_replies("default") == 0
    assert await system.replies("default", ["k1", "k2", "k3"]) == {}
    assert await system.replies("rival", ["k1"]) == {"k1": "theirs"}
    assert await system.remove_replies("rival") == 1


async def test_a_kept_reply_outlives_the_store_and_is_no_part_of_an_export(opener: Opener, tmp_path: Path) -> None:
    async with opener(tmp_path) as (store, one), opener(tmp_path) as (_, two):
        await one.keep_reply("default", "k1", "text")
        assert await two.replies("default", ["k1"]) == {"k1": "text"}
        assert [batch async for batch in store.export(EVERYBODY)] == []
    async with opener(tmp_path) as (_, later):
        assert await later.replies("default", ["k1"]) == {"k1": "text"}
