"""The contract of SystemStore: leases of jobs, and the failures written under them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from graphrag.errors import LeaseLostError, NotFoundError
from graphrag.stores.system import JobFailure, JobState, Lease, SystemStore
from tests.contracts.generate import ChunkPlan, DocumentPlan, SentencePlan, build
from tests.contracts.jobs import ADMIN, EVERYBODY, LEGAL, LONG, RIVAL, SHORT, Stores, a_job, claimed, run_out

# Leases


async def test_a_job_is_not_taken_over_before_its_lease_runs_out(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    await claimed(system)
    assert await system.claim_job("w2", LONG) is None


async def test_a_job_is_taken_over_from_a_worker_whose_clock_was_years_ahead(system: SystemStore) -> None:
    await system.submit_job(a_job("j1"))
    ahead = await claimed(system, seconds=1e8)
    lease = await claimed(system, "w2", seconds=3_600)
    assert (lease.job_id, lease.fence) == ("j1", ahead.fence + 1)
    assert await system.claim_job("w3", LONG) is None


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
