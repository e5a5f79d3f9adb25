"""The contract of SystemStore: what people decided about entities."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from graphrag.decisions import decide, decisions_seen, undo
from graphrag.errors import InputError, NotFoundError
from graphrag.stores.merged import with_merges
from graphrag.stores.system import Decision, SystemStore
from graphrag.types import entity_id
from tests.contracts.generate import ChunkPlan, DocumentPlan, SentencePlan, build
from tests.contracts.jobs import ADMIN, EVERYBODY, LEGAL, Opener, Stores, a_decision, is_timestamp


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
