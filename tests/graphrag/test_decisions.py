"""Deciding which entities are one, and what questions see of it."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from graphrag.decisions import decide, decided, decision_id, decisions_seen, record, undo
from graphrag.entities import all_candidates, find_entity, links_of
from graphrag.errors import InputError, NotFoundError
from graphrag.stores.base import GraphStore
from graphrag.stores.embedded.open import open_stores
from graphrag.stores.merged import with_merges
from graphrag.stores.system import Decision, DecisionKind, SystemStore
from graphrag.types import Fingerprints, Scope, entity_id
from tests.contracts.generate import ChunkPlan, DocumentPlan, SentencePlan, build

NAMES = {"IBM": 8, "International Business Machines": 7, "Lamprey": 13, "Berlin": 4}
SCOPE = Scope()
LEGAL = Scope(access=frozenset({"legal"}))
ALL = Scope(access=frozenset({"*"}))
IBM, FULL, LAMPREY, BERLIN = (
    entity_id("default", key) for key in ("ibm", "international business machines", "lamprey", "berlin")
)

Stores = tuple[GraphStore, SystemStore]


def plan(name: str, *, access: str = "public") -> DocumentPlan:
    """A document with one passage that mentions one thing."""
    chunk = ChunkPlan((SentencePlan((NAMES[name],)),))
    return DocumentPlan((chunk,), source=f"{name}.md", access=access)


def made(kind: DecisionKind, a: str, b: str) -> Decision:
    """A decision as an export has it."""
    return Decision(decision_id("default", a, b), "default", kind, min(a, b), max(a, b), "ann", "2026-01-01T00:00:00Z")


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncGenerator[Stores]:
    """Three things that everybody sees, and Berlin, for `legal` alone."""
    async with open_stores(f"sqlite:///{tmp_path / 'graph.db'}", filter_fields=()) as (store, system):
        await store.bind(Fingerprints("hashing-8", "sentences-8"))
        for one in (*map(plan, list(NAMES)[:3]), plan("Berlin", access="legal")):
            await store.write(one.owner, build(one))
        yield store, system


async def test_a_merge_makes_two_one_for_a_question_and_undoing_it_leaves_no_trace(stores: Stores) -> None:
    store, system = stores
    chunks = [id_ for one in await store.chunks_mentioning(SCOPE, [IBM, LAMPREY], 9) for id_ in one.chunk_ids]
    before = await store.chunks(SCOPE, chunks)
    decision = await decide(store, system, SCOPE, "merge", LAMPREY, IBM, "ann")
    view = await with_merges(store, system, SCOPE)
    (asked,) = await view.find_entities(SCOPE, keys=["lamprey"])
    seen = await view.chunks(SCOPE, chunks)
    assert {mention.entity_id for chunk in seen for mention in chunk.mentions} == {asked.id}
    for id_ in (IBM, LAMPREY):
        (found,) = await view.chunks_mentioning(SCOPE, [id_], 9)
        assert (found.chunk_count, list(found.chunk_ids)) == (2, sorted(chunks))
        (common,) = await view.chunks_mentioning(SCOPE, [id_], 1, rare=True)
        assert (common.chunk_count, common.chunk_ids) == (2, ())
    assert await store.chunks(SCOPE, chunks) == before
    assert await undo(store, system, SCOPE, decision.id[:8]) == decision
    assert await with_merges(store, system, SCOPE) is store
    assert await decisions_seen(store, system, SCOPE) == []


async def test_a_decision_holds_on_after_the_document_was_deleted_and_ingested_again(stores: Stores) -> None:
    store, system = stores
    await decide(store, system, SCOPE, "split", IBM, FULL, "ann")
    batch = build(plan("IBM"))
    await store.delete_documents(SCOPE, [batch.document.id])
    assert await decisions_seen(store, system, SCOPE) == []
    assert len(await decisions_seen(store, system, ALL)) == 1
    await store.write(SCOPE, batch)
    assert await links_of(store, SCOPE, await store.entities(SCOPE, [IBM]), await decided(system, "default")) == []


async def test_candidates_are_the_derived_links_on_which_nobody_decided(stores: Stores) -> None:
    store, system = stores
    (link,) = await all_candidates(store, SCOPE, await decided(system, "default"))
    assert {link.one.id, link.other.id} == {IBM, FULL}
    assert not link.decided
    for kind in ("merge", "split"):
        await decide(store, system, SCOPE, kind, IBM, FULL, "ann")
        assert await all_candidates(store, SCOPE, await decided(system, "default")) == []
    assert len(await decisions_seen(store, system, SCOPE)) == 1


async def test_whoever_does_not_see_an_entity_learns_nothing_of_decisions_on_it(stores: Stores) -> None:
    store, system = stores
    with pytest.raises(NotFoundError):
        await decide(store, system, SCOPE, "merge", IBM, BERLIN, "ann")
    made = [
        await decide(store, system, LEGAL, "merge", IBM, BERLIN, "ann"),
        await decide(store, system, LEGAL, "merge", BERLIN, LAMPREY, "ann"),
    ]
    assert await decisions_seen(store, system, SCOPE) == []
    with pytest.raises(NotFoundError):
        await undo(store, system, SCOPE, made[0].id)
    known = await decided(system, "default")
    assert BERLIN not in {
        link.other.id for link in await links_of(store, SCOPE, await store.entities(SCOPE, [IBM]), known)
    }
    # Nor are the two made one by way of what is hidden.
    for scope, count in ((SCOPE, 1), (LEGAL, 3)):
        view = await with_merges(store, system, scope)
        assert [one.chunk_count for one in await view.chunks_mentioning(scope, [IBM], 9)] == [count]


async def test_decisions_that_contradict_each_other_are_refused(stores: Stores) -> None:
    store, system = stores
    first = await decide(store, system, SCOPE, "merge", IBM, FULL, "ann")
    await decide(store, system, SCOPE, "merge", FULL, LAMPREY, "ann")
    with pytest.raises(InputError, match=first.id):
        await decide(store, system, SCOPE, "split", IBM, LAMPREY, "bob")
    split = await decide(store, system, SCOPE, "split", IBM, FULL, "bob")
    assert split.id == first.id
    with pytest.raises(InputError, match=split.id):
        await decide(store, system, SCOPE, "merge", IBM, LAMPREY, "bob")


async def test_of_contradicting_decisions_at_once_one_is_refused(stores: Stores) -> None:
    store, system = stores
    await decide(store, system, SCOPE, "merge", IBM, FULL, "ann")
    merge = decide(store, system, SCOPE, "merge", FULL, LAMPREY, "ann")
    split = decide(store, system, SCOPE, "split", IBM, LAMPREY, "bob")
    done = await asyncio.gather(merge, split, return_exceptions=True)
    assert [type(one) for one in done].count(InputError) == 1
    assert len(await system.decisions("default")) == 2


async def test_of_contradicting_decisions_brought_at_once_those_of_one_are_recorded(stores: Stores) -> None:
    _, system = stores
    merges = [made("merge", IBM, FULL), made("merge", FULL, LAMPREY)]
    splits = [made("split", IBM, LAMPREY)]
    done = await asyncio.gather(*(record(system, SCOPE, one) for one in (merges, splits)), return_exceptions=True)
    assert [type(one) for one in done].count(InputError) == 1
    assert set(await system.decisions("default")) in (set(merges), set(splits))


async def test_what_cannot_be_decided_is_refused(stores: Stores) -> None:
    store, system = stores
    with pytest.raises(InputError, match="different"):
        await decide(store, system, SCOPE, "merge", IBM, IBM, "ann")
    for author in ("", " ", "x" * 101, "a\nb"):
        with pytest.raises(InputError, match="name of who decides"):
            await decide(store, system, SCOPE, "merge", IBM, FULL, author)
    with pytest.raises(NotFoundError, match="similar: 'International Business Machines'"):
        await find_entity(store, SCOPE, "International")
    with pytest.raises(NotFoundError):
        await undo(store, system, SCOPE, "no such id")
