"""The contract of SystemStore: API keys, and that what is written is seen by others at once."""

from dataclasses import replace
from pathlib import Path

import pytest

from graphrag.errors import InputError, LeaseLostError, NotFoundError
from graphrag.stores.system import ApiKey, SystemStore
from graphrag.types import Scope
from tests.contracts.jobs import EVERYBODY, LONG, RIVAL, Opener, a_decision, a_job, a_key, claimed, is_timestamp


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
