"""The contract of GraphStore: several stores at one place, and the models that it is bound to."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from graphrag.errors import SchemaMismatchError
from graphrag.types import Fingerprints
from tests.contracts.compare import assert_same_reads, assert_same_searches, probe
from tests.contracts.conftest import FINGERPRINTS, StoreFactory
from tests.contracts.generate import DocumentPlan, build, seeded_corpus
from tests.contracts.plans import ANYBODY, EVERYTHING, RIVAL, document, fill, named, oracle_with


async def test_a_store_tells_the_models_it_is_bound_to(store_factory: StoreFactory) -> None:
    async with store_factory.unbound(store_factory.place()) as store:
        assert await store.fingerprints() is None
        await store.bind(FINGERPRINTS)
        assert await store.fingerprints() == FINGERPRINTS


async def test_a_store_bound_to_other_models_is_refused_by_name(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        await store.bind(FINGERPRINTS)
        for other in (
            Fingerprints("another-9", FINGERPRINTS.sentences),
            Fingerprints(FINGERPRINTS.embedder, "another-9"),
        ):
            with pytest.raises(SchemaMismatchError) as refused:
                await store.bind(other)
            assert "another-9" in str(refused.value)
            recorded = FINGERPRINTS.embedder if other.embedder == "another-9" else FINGERPRINTS.sentences
            assert recorded in str(refused.value)
        await store.bind(FINGERPRINTS)
        assert len(await store.documents(ANYBODY)) == 1


async def test_reads_and_writes_at_the_same_time_see_whole_documents(store_factory: StoreFactory) -> None:
    short, long = document(named("Acme")), document(*[named("Lamprey")] * 4)
    sizes: set[tuple[int, int]] = set()
    async with store_factory() as store:
        await fill(store, [short])

        async def write() -> None:
            for _ in range(8):
                await fill(store, [long, short])

        async def read() -> None:
            for _ in range(40):
                seen = await store.statistics(ANYBODY)
                sizes.add((seen.documents, seen.chunks))

        await asyncio.gather(write(), read(), read())
    assert sizes <= {(1, 1), (1, 4)}


async def test_a_write_through_one_store_is_in_the_next_read_of_another(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    plans = seeded_corpus(seed=8, size=12)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(shared_factory(place))
        other = await stack.enter_async_context(shared_factory(place))
        asked = probe([build(plan) for plan in plans])
        held: list[DocumentPlan] = []
        for plan in plans:
            writer, reader = (one, other) if len(held) % 2 else (other, one)
            await fill(writer, [plan])
            held.append(plan)
            await assert_same_reads(reader, await oracle_with(held), EVERYTHING, None, asked)
        revision = await other.revision()
        assert revision == await one.revision()
        await one.delete_documents(plans[0].owner, [plans[0].id])
        assert await other.revision() > revision
        for scope in (EVERYTHING, RIVAL):
            await assert_same_reads(other, await oracle_with(plans[1:]), scope, None, asked)


async def test_a_store_opened_again_holds_everything(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    plans = seeded_corpus(seed=9, size=12)
    async with shared_factory(place) as store:
        asked = probe(await fill(store, plans))
        times = [(held.created_at, held.updated_at) for held in await store.documents(EVERYTHING)]
        revision = await store.revision()
    async with shared_factory(place) as store:
        assert await store.revision() == revision
        assert [(held.created_at, held.updated_at) for held in await store.documents(EVERYTHING)] == times
        for scope in (EVERYTHING, RIVAL):
            await assert_same_reads(store, await oracle_with(plans), scope, None, asked)
            await assert_same_searches(store, await oracle_with(plans), scope, None, asked)
    async with shared_factory.unbound(place) as store:
        with pytest.raises(SchemaMismatchError):
            await store.bind(Fingerprints("another-9", FINGERPRINTS.sentences))
