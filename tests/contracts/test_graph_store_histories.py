"""The contract of GraphStore: random data and histories of writes, against the specification."""

import asyncio
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphrag.filters import parse_filter
from graphrag.stores.base import MAX_K
from graphrag.types import Scope
from tests.contracts.compare import assert_best_hits, assert_same_reads, assert_same_searches, probe, timeless
from tests.contracts.conftest import StoreFactory
from tests.contracts.generate import (
    FIELDS,
    NAMES,
    VECTORS,
    DocumentPlan,
    build,
    corpora,
    document_plans,
    raw_filters,
    scopes,
    seeded_corpus,
)
from tests.contracts.plans import (
    ANYBODY,
    EVERYTHING,
    LEGAL,
    RIVAL,
    bounded,
    changed,
    document,
    fill,
    named,
    oracle_with,
)


def test_every_read_agrees_with_the_oracle(tested_factory: StoreFactory) -> None:
    @bounded(tested_factory)
    @given(plans=corpora, scope=scopes, raw=raw_filters)
    def holds(plans: list[DocumentPlan], scope: Scope, raw: dict[str, object]) -> None:
        async def check() -> None:
            filter = parse_filter(raw, FIELDS)
            async with tested_factory() as store:
                asked = probe(await fill(store, plans))
                oracle = await oracle_with(plans)
                await assert_same_reads(store, oracle, scope, filter, asked)
                if tested_factory.kind.exact_cut:
                    await assert_same_searches(store, oracle, scope, filter, asked)

        asyncio.run(check())

    holds()


@pytest.mark.parametrize("scope", [ANYBODY, LEGAL, EVERYTHING, RIVAL], ids=["public", "legal", "all", "rival"])
async def test_every_read_agrees_with_the_oracle_on_a_larger_corpus(tested_factory: StoreFactory, scope: Scope) -> None:
    plans = seeded_corpus(seed=11, size=60)
    async with tested_factory() as store:
        asked = probe(await fill(store, plans))
        oracle = await oracle_with(plans)
        for raw in ({}, {"year": {"gte": 2024}}, {"department": {"gt": "\uf000"}, "draft": {"exists": True}}):
            filter = parse_filter(raw, FIELDS)
            await assert_same_reads(store, oracle, scope, filter, asked)
            if tested_factory.kind.exact_cut:
                await assert_same_searches(store, oracle, scope, filter, asked)


def test_invisible_documents_change_nothing_that_is_read(tested_factory: StoreFactory) -> None:
    @bounded(tested_factory)
    @given(plans=corpora, scope=scopes)
    def holds(plans: list[DocumentPlan], scope: Scope) -> None:
        async def check() -> None:
            visible = [plan for plan in plans if scope.sees(plan.tenant, plan.access)]
            async with tested_factory() as store, tested_factory.another() as small:
                asked = probe(await fill(store, plans))
                await fill(small, visible)
                await assert_same_reads(store, small, scope, None, asked)
                for k in (1, 3):
                    many = await store.nearest_chunks(scope, asked.vectors, k)
                    few = await small.nearest_chunks(scope, asked.vectors, MAX_K)
                    for hits, ranked in zip(many, few, strict=True):
                        assert_best_hits(hits, ranked, k)

        asyncio.run(check())

    holds()


def test_a_filter_answers_as_if_nothing_else_were_stored(tested_factory: StoreFactory) -> None:
    @bounded(tested_factory)
    @given(plans=corpora, scope=scopes, raw=raw_filters)
    def holds(plans: list[DocumentPlan], scope: Scope, raw: dict[str, object]) -> None:
        async def check() -> None:
            filter = parse_filter(raw, FIELDS)
            matching = [plan for plan in plans if filter.matches(dict(plan.metadata))]
            async with tested_factory() as store, tested_factory.another() as small:
                asked = probe(await fill(store, plans))
                await fill(small, matching)
                assert timeless(await store.documents(scope, filter=filter)) == timeless(await small.documents(scope))
                assert await store.chunks(scope, asked.chunks, filter) == await small.chunks(scope, asked.chunks)
                for limit in (1, 1000):
                    assert await store.chunks_mentioning(scope, asked.entities, limit, filter) == (
                        await small.chunks_mentioning(scope, asked.entities, limit)
                    )
                    assert await store.title_links(scope, asked.chunks, limit, filter) == (
                        await small.title_links(scope, asked.chunks, limit)
                    )

        asyncio.run(check())

    holds()


# Histories

operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), document_plans),
        st.tuples(st.sampled_from(("content", "metadata", "access", "title")), document_plans),
        st.tuples(st.just("delete"), document_plans),
        st.tuples(st.just("read"), document_plans),
    ),
    max_size=12,
)


def test_any_history_of_writes_equals_writing_what_is_left_once(tested_factory: StoreFactory) -> None:
    @bounded(tested_factory)
    @given(history=operations, scope=scopes, shuffle=st.randoms(use_true_random=False))
    def holds(history: list[tuple[str, DocumentPlan]], scope: Scope, shuffle: Random) -> None:
        async def check() -> None:
            held: dict[str, DocumentPlan] = {}
            asked = probe([build(plan) for _, plan in history])
            async with tested_factory() as store, tested_factory.another() as fresh:
                for how, plan in history:
                    old = held.get(plan.id)
                    if how == "read":
                        await assert_same_reads(store, await oracle_with(list(held.values())), scope, None, asked)
                    elif how == "delete":
                        assert await store.delete_documents(plan.owner, [plan.id]) == (old is not None)
                        held.pop(plan.id, None)
                    else:
                        new = plan if old is None or how == "put" else changed(old, how, plan)
                        batch = build(new)
                        same = old is not None and build(old).document.fingerprint == batch.document.fingerprint
                        outcome = await store.write(new.owner, batch)
                        assert outcome == ("created" if old is None else "unchanged" if same else "updated")
                        held[plan.id] = new
                final = sorted(held.values(), key=lambda plan: plan.id)
                shuffle.shuffle(final)
                await fill(fresh, final)
                for reader in (scope, EVERYTHING, RIVAL):
                    await assert_same_reads(store, fresh, reader, None, asked)
                await assert_same_searches(store, await oracle_with(final), scope, None, asked)

        asyncio.run(check())

    holds()


async def test_deleting_a_document_leaves_exactly_what_the_others_contributed(store_factory: StoreFactory) -> None:
    kept = document(named("Acme"), named("Jane Smith", relations=1))
    gone = document(named("ACME", "ACME", "Lamprey", relations=2), source="b.md", title=NAMES.index("Jane Smith"))
    async with store_factory() as store, store_factory.another() as alone:
        asked = probe(await fill(store, [kept, gone]))
        await fill(alone, [kept])
        assert (await store.find_entities(ANYBODY, keys=["acme"]))[0].name == "ACME"
        assert await store.delete_documents(ANYBODY, [gone.id]) == 1
        await assert_same_reads(store, alone, ANYBODY, None, asked)
        assert (await store.find_entities(ANYBODY, keys=["acme"]))[0].name == "Acme"
        assert await store.find_entities(ANYBODY, keys=["lamprey"]) == []


async def test_the_chunks_of_an_older_version_are_gone_after_an_update(store_factory: StoreFactory) -> None:
    old, new = document(named("Acme"), named("Berlin"), named("IBM")), document(named("Lamprey"))
    async with store_factory() as store:
        first, second = await fill(store, [old, new])
        assert await store.chunks(ANYBODY, [chunk.id for chunk in first.chunks]) == []
        assert await store.chunk_ids(ANYBODY, new.id) == [chunk.id for chunk in second.chunks]
        assert await store.search_chunks(ANYBODY, ["berlin"], 10) == []
        assert [len(hits) for hits in await store.nearest_chunks(ANYBODY, VECTORS[:1], 10)] == [1]


async def test_export_written_into_an_empty_store_gives_an_equal_store(store_factory: StoreFactory) -> None:
    plans = seeded_corpus(seed=5, size=20)
    async with store_factory() as store, store_factory.another() as copy:
        asked = probe(await fill(store, plans))
        for scope in (EVERYTHING, RIVAL):
            async for batch in store.export(scope):
                assert await copy.write(scope, batch) == "created"
            await assert_same_reads(copy, store, scope, None, asked)


async def test_export_yields_nothing_that_leaves_the_scope_while_it_runs(store_factory: StoreFactory) -> None:
    plans = sorted((document(source=f"{n}.md") for n in range(3)), key=lambda plan: plan.id)
    async with store_factory() as store:
        await fill(store, plans)
        stream = store.export(ANYBODY)
        yielded = [await anext(stream)]
        hidden = replace(plans[1], access="hr")
        await fill(store, [hidden])
        await store.delete_documents(EVERYTHING, [plans[2].id])
        yielded += [batch async for batch in stream]
        assert all(batch.document.access == "public" for batch in yielded)


async def test_export_of_some_ids_yields_those_of_them_that_are_visible(store_factory: StoreFactory) -> None:
    plans = [document(source="0.md"), document(source="1.md"), document(source="2.md", access="hr")]
    async with store_factory() as store:
        await fill(store, plans)
        ids = [plans[2].id, plans[1].id, plans[1].id, "absent"]
        for scope, expected in ((ANYBODY, {plans[1].id}), (EVERYTHING, {plans[1].id, plans[2].id})):
            found = [batch.document.id async for batch in store.export(scope, ids=ids)]
            assert found == sorted(expected)
        assert [batch async for batch in store.export(EVERYTHING, ids=[])] == []
