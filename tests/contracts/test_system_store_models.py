"""The contract of SystemStore: what models used, and what they replied."""

import asyncio
from pathlib import Path

import pytest

from graphrag.errors import BudgetError
from graphrag.llm.usage import Account, Charge, Limit, Purse, Usage, today
from graphrag.stores.system import Job, SystemStore
from graphrag.types import Scope
from tests.contracts.jobs import EVERYBODY, FAR_AHEAD, LONG_AGO, Opener, Stores

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
    assert await system.usage("t1", limit=1) == [(later, Usage(1, 3, 1)), (job, Usage(1, 5, 1))]
    assert await system.usage("nobody") == []


async def test_accounts_of_jobs_have_a_place_however_many_days_there_are_the_newest_job_first(
    system: SystemStore,
) -> None:
    keys = [Account("key", "t1", "k", f"2026-01-0{day}") for day in (3, 2, 1)]
    jobs = [Account("job", "t1", name) for name in ("b", "a", "gone")]
    await system.charge([a_charge(account, 1) for account in keys + jobs])
    for name in ("a", "b"):
        await system.submit_job(Job(name, Scope("t1"), "ingest", {}))
    rival = Account("job", "t2", "a")  # of the same name, which the tenant's job does not stand for
    await system.charge([a_charge(rival, 1)])

    assert [account for account, _ in await system.usage("t1")] == keys + jobs
    assert [account for account, _ in await system.usage("t1", limit=2)] == keys[:2] + jobs[:2]
    assert [account for account, _ in await system.usage("t1", kind="job", limit=1)] == jobs[:1]
    assert [account for account, _ in await system.usage("t2", access={"public"})] == []
    assert await system.usage("t1", limit=0) == []


async def test_accounts_of_jobs_are_seen_by_who_holds_the_labels_of_the_job(system: SystemStore) -> None:
    labels = {"open": (), "hr": ("hr",), "both": ("hr", "legal"), "every": ("*",)}
    for name, held in labels.items():
        await system.submit_job(Job(name, Scope("t1", frozenset(held)), "ingest", {}))
    await system.charge([a_charge(Account("job", "t1", name), 1) for name in (*labels, "gone")])
    await system.charge([a_charge(Account("key", "t1", "k", DAY), 1)])

    async def seen(*access: str) -> list[str]:
        return [account.id for account, _ in await system.usage("t1", access={"public", *access})]

    assert await seen() == ["k", "open"]
    assert await seen("hr") == ["k", "hr", "open"]
    assert await seen("legal", "hr") == ["k", "both", "hr", "open"]
    assert await seen("*") == ["k", "every", "both", "hr", "open", "gone"]
    assert [account.id for account, _ in await system.usage("t1")] == await seen("*")


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
