"""The contract of SystemStore: submitting, claiming, cancelling, retrying and removing jobs."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from graphrag.errors import InputError, LeaseLostError, NotFoundError
from graphrag.stores.embedded import queue as embedded_queue
from graphrag.stores.neo4j import queue as neo4j_queue
from graphrag.stores.system import ENDED, Job, JobFailure, Queue, SystemStore
from graphrag.stores.trips import count_round_trips
from graphrag.tally import Tally
from graphrag.types import Scope
from tests.contracts.jobs import (
    ADMIN,
    EVERYBODY,
    FAR_AHEAD,
    LEGAL,
    LONG,
    LONG_AGO,
    RIVAL,
    SHORT,
    Opener,
    Stores,
    a_job,
    claimed,
    is_timestamp,
    run_out,
)

# Submitting and seeing jobs


async def test_a_submitted_job_is_queued_and_keeps_what_it_was_given(system: SystemStore) -> None:
    payload = {"sources": ["a.md", "\udcff.md"], "depth": {"n": 1.5, "none": None}, "ü": True}
    await system.submit_job(Job("j1", LEGAL, "ingest", payload, priority=-3))
    job = await system.job(LEGAL, "j1")
    assert (job.scope, job.kind, job.payload, job.state, job.priority) == (LEGAL, "ingest", payload, "queued", -3)
    assert (job.progress, job.error) == ({}, "")
    assert is_timestamp(job.created_at, instant=True) and is_timestamp(job.updated_at)


async def test_a_job_is_looked_at_without_its_files_which_may_be_many_and_claimed_with_them(
    system: SystemStore,
) -> None:
    rest = {"access": "legal", "metadata": {"ü": "\udcff", "n": 1.5}, "estimate": False}
    payload = {"files": [{"source": "a.md", "metadata": {"files": "x"}}], **rest}
    await system.submit_job(Job("j1", LEGAL, "ingest", payload))
    looked = [await system.job(LEGAL, "j1"), *await system.jobs(LEGAL), *await system.jobs(LEGAL, states=["queued"])]
    looked += [await system.cancel_job(LEGAL, "j1"), await system.retry_job(LEGAL, "j1")]
    assert [job.payload for job in looked] == [rest] * 5
    assert (await system.job(LEGAL, "j1", whole=True)).payload == payload
    found = await system.claim_job("w", LONG)
    assert found is not None
    assert found[0].payload == payload


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


async def test_jobs_are_listed_page_by_page_though_the_last_of_a_page_goes_and_new_ones_come(
    system: SystemStore,
) -> None:
    for job in (a_job("a", age=3), a_job("b", age=1), a_job("c", age=1), a_job("d", scope=ADMIN), a_job("e", age=2)):
        await system.submit_job(job)
    first = await system.jobs(EVERYBODY, limit=1)
    assert [job.id for job in first] == ["c"]
    await system.cancel_job(EVERYBODY, "c")
    assert await system.remove_jobs(FAR_AHEAD) == 1
    await system.submit_job(a_job("f"))
    after = first[0].place
    assert [job.id for job in await system.jobs(EVERYBODY, after=after)] == ["b", "e", "a"]
    assert [job.id for job in await system.jobs(EVERYBODY, states=["queued"], after=after, limit=2)] == ["b", "e"]
    assert [job.id for job in await system.jobs(ADMIN, after=(await system.job(EVERYBODY, "e")).place)] == ["a"]
    for nowhere in ("/", "/x", "2001", " "):
        assert await system.jobs(EVERYBODY, after=nowhere) == []
    with pytest.raises(InputError, match="Unicode"):
        await system.jobs(EVERYBODY, after="\ud800")


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
