"""What every store that outlives its process promises of a move to another embedding model."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from graphrag.errors import SchemaMismatchError
from graphrag.stores.base import GraphStore
from graphrag.stores.moving import Move, Rename, Unembedded
from graphrag.types import ALL_ACCESS, ChunkVectors, Fingerprints, GraphBatch, Scope
from tests.contracts.compare import assert_same_reads, assert_same_searches, probe
from tests.contracts.conftest import FINGERPRINTS, StoreFactory
from tests.contracts.generate import build, seeded_corpus
from tests.contracts.oracle import OracleStore
from tests.contracts.plans import fill

TARGET, DIMENSION = "another-5", 5
MOVED = Fingerprints(TARGET, FINGERPRINTS.sentences)
EVERYTHING = Scope("default", frozenset({ALL_ACCESS}))
RIVAL = Scope("rival", frozenset({ALL_ACCESS}))
PLANS = seeded_corpus(seed=21, size=10)


def vector(id_: str, dimension: int = DIMENSION) -> NDArray[np.float32]:
    numbers = Random(id_)
    made = np.array([numbers.gauss(0, 1) for _ in range(dimension)], dtype=np.float32)
    return made / np.linalg.norm(made)


def moved(batch: GraphBatch, dimension: int = DIMENSION) -> GraphBatch:
    """The batch as it would have been written with the other model."""
    vectors = [
        ChunkVectors(vector(chunk.id, dimension), held.sentences)
        for chunk, held in zip(batch.chunks, batch.vectors, strict=True)
    ]
    return replace(batch, vectors=vectors)


async def oracle_with(batches: Sequence[GraphBatch]) -> OracleStore:
    oracle = OracleStore()
    for batch in batches:
        await oracle.write(Scope(batch.document.tenant, frozenset({ALL_ACCESS})), batch)
    return oracle


async def embed(store: GraphStore, limit: int = 3, dimension: int = DIMENSION, most: int = 10**6) -> list[Unembedded]:
    """Give chunks their new vectors, as re-embedding does; returns those that got one."""
    after, done = "", list[Unembedded]()
    while len(done) < most and (chunks := await store.moves.waiting(after, limit)):
        after = chunks[-1].id
        target = (await current(store)).target
        await store.moves.add(target, chunks, np.stack([vector(chunk.id, dimension) for chunk in chunks]))
        done += chunks
    return done


async def current(store: GraphStore) -> Move:
    move = await store.moves.current()
    assert move is not None
    return move


async def assert_moved(store: GraphStore, batches: Sequence[GraphBatch]) -> None:
    oracle = await oracle_with([moved(batch) for batch in batches])
    asked = replace(probe(batches), vectors=np.stack([vector(f"asked {n}") for n in range(6)]))
    for scope in (EVERYTHING, RIVAL):
        await assert_same_reads(store, oracle, scope, None, asked)
        await assert_same_searches(store, oracle, scope, None, asked)


async def assert_as_ever(store: GraphStore, batches: Sequence[GraphBatch]) -> None:
    oracle, asked = await oracle_with(batches), probe(batches)
    for scope in (EVERYTHING, RIVAL):
        await assert_same_reads(store, oracle, scope, None, asked)
        await assert_same_searches(store, oracle, scope, None, asked)


async def test_after_a_move_the_store_is_as_if_filled_with_the_other_model(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    async with shared_factory(place) as old:
        batches = await fill(old, PLANS)
        chunks = {chunk.id: (batch, chunk) for batch in batches for chunk in batch.chunks}
        revision = await old.revision()
        assert await old.moves.current() is None
        assert await old.moves.count() == len(chunks)
        assert await old.moves.begin(TARGET, DIMENSION) == Move(FINGERPRINTS.embedder, TARGET, switched=False)
        done = await embed(old)
        assert [one.id for one in done] == sorted(chunks)
        for one in done:
            batch, chunk = chunks[one.id]
            spans = tuple((start - chunk.start, end - chunk.start) for start, end in chunk.sentences)
            assert one == Unembedded(
                chunk.id, batch.document.fingerprint, chunk.title, chunk.heading, chunk.text, spans
            )
        await assert_as_ever(old, batches)  # while it is being filled

        assert await old.moves.switch(TARGET)
        assert await current(old) == Move(FINGERPRINTS.embedder, TARGET, switched=True)
        assert await old.fingerprints() == MOVED
        async with shared_factory.unbound(place) as new:
            await new.bind(MOVED)
            await assert_moved(new, batches)  # before the old vectors are gone
            assert await new.revision() > revision
            await new.moves.end(TARGET)
            assert await new.moves.current() is None
            await assert_moved(new, batches)
            assert [held async for held in new.export(EVERYTHING)]
    async with shared_factory.unbound(place) as again:
        await again.bind(MOVED)
        await assert_moved(again, batches)


async def test_who_is_bound_to_the_old_model_is_refused_after_the_switch_and_told_what_to_do(
    shared_factory: StoreFactory,
) -> None:
    async with shared_factory() as old:
        batches = await fill(old, PLANS)
        ids = [chunk.id for batch in batches for chunk in batch.chunks]
        await old.moves.begin(TARGET, 8)  # of the same dimension, so that nothing but the fingerprint tells them apart
        await embed(old, dimension=8)
        assert await old.nearest_chunks(EVERYTHING, batches[0].vectors[0].chunk[None, :], 3)
        assert await old.moves.switch(TARGET)
        for ended in (False, True):
            if ended:
                await old.moves.end(TARGET)
            for refused in (
                old.nearest_chunks(EVERYTHING, batches[0].vectors[0].chunk[None, :], 3),
                old.chunks_with_vectors(EVERYTHING, ids),
                old.write(PLANS[0].owner, replace(batches[0], document=replace(batches[0].document, fingerprint="x"))),
                old.bind(FINGERPRINTS),
            ):
                with pytest.raises(SchemaMismatchError, match=rf"{TARGET}.*{FINGERPRINTS.embedder}.*reembed"):
                    await refused
            # What needs no vectors goes on.
            assert len(await old.chunks(EVERYTHING, ids)) > 0
            assert (await old.statistics(EVERYTHING)).documents > 0


async def test_an_export_never_mixes_two_models(shared_factory: StoreFactory) -> None:
    async with shared_factory() as store:
        await fill(store, PLANS)
        exported = store.export(EVERYTHING)
        assert (await anext(exported)).document.tenant == "default"
        await store.moves.begin(TARGET, DIMENSION)
        await embed(store)
        await anext(exported)
        assert await store.moves.switch(TARGET)
        with pytest.raises(SchemaMismatchError, match=TARGET):
            await anext(exported)


async def test_nothing_is_switched_while_a_chunk_has_no_new_vector(shared_factory: StoreFactory) -> None:
    async with shared_factory() as store:
        batches = await fill(store, PLANS)
        await store.moves.begin(TARGET, DIMENSION)
        await embed(store, limit=2, most=5)
        assert not await store.moves.switch(TARGET)
        assert await store.fingerprints() == FINGERPRINTS
        await assert_as_ever(store, batches)


async def test_a_move_that_was_broken_off_goes_on_where_it_stopped(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    async with shared_factory(place) as store:
        batches = await fill(store, PLANS)
        begun = await store.moves.begin(TARGET, DIMENSION)
        first = await embed(store, limit=2, most=5)
    async with shared_factory.unbound(place) as store:
        assert await store.moves.begin(TARGET, DIMENSION) == begun
        second = await embed(store)
        assert not {one.id for one in first} & {one.id for one in second}
        assert await store.moves.switch(TARGET)
        with pytest.raises(SchemaMismatchError, match="was not ended"):
            await store.moves.begin("third-6", 6)
    async with shared_factory.unbound(place) as store:
        await store.moves.end(TARGET)
        await store.bind(MOVED)
        await assert_moved(store, batches)


async def test_documents_written_during_a_move_get_their_vectors_before_the_switch(
    shared_factory: StoreFactory,
) -> None:
    place = shared_factory.place()
    async with shared_factory(place) as store:
        batches = await fill(store, PLANS[:6])
        await store.moves.begin(TARGET, DIMENSION)
        await embed(store)
        # One is new, one is gone, and one has another title above the same texts: its chunks keep their ids.
        new = (await fill(store, PLANS[6:7]))[0]
        await store.delete_documents(PLANS[0].owner, [PLANS[0].id])
        retitled = next(batch for batch in batches[1:] if batch.chunks)
        document = replace(retitled.document, title="Another title", fingerprint="another")
        changed = replace(
            retitled, document=document, chunks=[replace(chunk, title="Another title") for chunk in retitled.chunks]
        )
        scope = Scope(document.tenant, frozenset({ALL_ACCESS}))
        assert await store.write(scope, changed) == "updated"

        assert not await store.moves.switch(TARGET)
        late = await embed(store)
        assert {one.id for one in late} == {chunk.id for batch in (new, changed) for chunk in batch.chunks}
        assert await store.moves.switch(TARGET)
        await store.moves.end(TARGET)
    async with shared_factory.unbound(place) as store:
        await store.bind(MOVED)
        await assert_moved(store, [changed if one is retitled else one for one in (*batches[1:], new)])


async def test_what_is_written_between_the_switch_and_its_end_counts(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    async with shared_factory(place) as store:
        batches = await fill(store, PLANS)
        await store.moves.begin(TARGET, DIMENSION)
        await embed(store)
        assert await store.moves.switch(TARGET)
    async with shared_factory.unbound(place) as store:
        await store.bind(MOVED)
        # Another title above the same texts: chunks keep their ids and get other vectors.
        held = next(batch for batch in batches if batch.chunks)
        scope = Scope(held.document.tenant, frozenset({ALL_ACCESS}))
        vectors = [ChunkVectors(vector(f"{n} again"), one.sentences) for n, one in enumerate(held.vectors)]
        changed = replace(held, document=replace(held.document, fingerprint="another"), vectors=vectors)
        assert await store.write(scope, changed) == "updated"
        ids = [chunk.id for chunk in held.chunks]
        for ended in (False, True):
            if ended:
                await store.moves.end(TARGET)
            found = await store.chunks_with_vectors(scope, ids)
            assert [chunk.id for chunk, _ in found] == ids
            for (_, one), wanted in zip(found, vectors, strict=True):
                np.testing.assert_allclose(one.chunk, wanted.chunk, atol=1e-6)
            (hits,) = await store.nearest_chunks(scope, vectors[0].chunk[None, :], 1)
            assert hits[0].chunk_id == ids[0]
            exported = {one.document.id: one async for one in store.export(scope)}
            np.testing.assert_allclose(exported[held.document.id].vectors[0].chunk, vectors[0].chunk, atol=1e-6)


async def test_vectors_of_what_has_changed_or_gone_meanwhile_are_passed_over(shared_factory: StoreFactory) -> None:
    async with shared_factory() as store:
        batches = await fill(store, PLANS[:3])
        await store.moves.begin(TARGET, DIMENSION)
        seen = await store.moves.waiting("", 1000)
        await store.delete_documents(PLANS[0].owner, [PLANS[0].id])
        held = next(batch for batch in batches[1:] if batch.chunks)
        scope = Scope(held.document.tenant, frozenset({ALL_ACCESS}))
        await store.write(scope, replace(held, document=replace(held.document, fingerprint="another")))
        await store.moves.add(TARGET, seen, np.stack([vector(chunk.id) for chunk in seen]))
        assert {one.id for one in await store.moves.waiting("", 1000)} == {chunk.id for chunk in held.chunks}


async def test_a_move_to_a_third_model_drops_what_was_made_for_the_second(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    async with shared_factory(place) as store:
        batches = await fill(store, PLANS)
        await store.moves.begin("second-6", 6)
        stale = await embed(store, dimension=6)
        await store.moves.begin(TARGET, DIMENSION)
        with pytest.raises(SchemaMismatchError, match="not being moved to the model 'second-6'"):
            await store.moves.add("second-6", stale, np.stack([vector(chunk.id, 6) for chunk in stale]))
        with pytest.raises(SchemaMismatchError, match="not being moved"):
            await store.moves.switch("second-6")
        assert len(await embed(store)) == len(stale)
        assert await store.moves.switch(TARGET)
        await store.moves.end(TARGET)
    async with shared_factory.unbound(place) as store:
        await store.bind(MOVED)
        await assert_moved(store, batches)


async def test_a_store_can_be_moved_back_and_forth(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    async with shared_factory(place) as store:
        batches = await fill(store, PLANS)
    for target, dimension in ((TARGET, DIMENSION), ("second-6", 6), (TARGET, DIMENSION)):
        async with shared_factory.unbound(place) as store:
            await store.moves.begin(target, dimension)
            await embed(store, dimension=dimension)
            assert await store.moves.switch(target)
            await store.moves.end(target)
    async with shared_factory.unbound(place) as store:
        await store.bind(MOVED)
        await assert_moved(store, batches)
        # And it is written to as ever.
        added = [moved(build(plan)) for plan in seeded_corpus(seed=22, size=4)]
        for batch in added:
            await store.write(Scope(batch.document.tenant, frozenset({ALL_ACCESS})), batch)
        ids = {batch.document.id for batch in added}
        await assert_moved(store, [*(one for one in batches if one.document.id not in ids), *added])


async def test_steps_out_of_turn_are_refused(shared_factory: StoreFactory) -> None:
    place = shared_factory.place()
    async with shared_factory.unbound(place) as store:
        with pytest.raises(SchemaMismatchError, match="no vectors yet"):
            await store.moves.begin(TARGET, DIMENSION)
        await store.bind(FINGERPRINTS)
        with pytest.raises(SchemaMismatchError, match="nothing to do"):
            await store.moves.begin(FINGERPRINTS.embedder, 8)
        with pytest.raises(SchemaMismatchError):
            await store.moves.switch(TARGET)
        await store.moves.begin(TARGET, DIMENSION)
        with pytest.raises(SchemaMismatchError):
            await store.moves.end(TARGET)
        assert await store.moves.switch(TARGET)  # of an empty store
        assert await store.fingerprints() == MOVED
        with pytest.raises(SchemaMismatchError):
            await store.moves.switch(TARGET)


async def test_documents_are_renamed_where_they_are_as_they_were(shared_factory: StoreFactory) -> None:
    async with shared_factory() as store:
        batches = await fill(store, PLANS)
        listed = [*await store.moves.documents("", 4)]
        while page := await store.moves.documents(listed[-1].id, 4):
            listed += page
        assert [one.id for one in listed] == sorted(batch.document.id for batch in batches)
        first, second = listed[:2]
        await store.moves.rename([Rename(first.id, first.fingerprint, "new"), Rename(second.id, "not this", "new")])
        renamed = {one.id: one.fingerprint for one in await store.moves.documents("", 1000)}
        assert renamed == {one.id: "new" if one is first else one.fingerprint for one in listed}
        held = next(batch for batch in batches if batch.document.id == first.id)
        scope = Scope(first.tenant, frozenset({ALL_ACCESS}))
        assert [one.document.fingerprint async for one in store.export(scope) if one.document.id == first.id] == ["new"]
        assert (
            await store.write(scope, replace(held, document=replace(held.document, fingerprint="new"))) == "unchanged"
        )


async def test_writers_readers_and_a_move_at_the_same_time(shared_factory: StoreFactory) -> None:
    """Whatever the order, nothing of the old model is left, and nobody reads a mixture."""
    place = shared_factory.place()
    async with shared_factory(place) as writer, shared_factory.unbound(place) as mover:
        written = {batch.document.id: batch for batch in await fill(writer, PLANS)}
        known = {id_: held.chunk for batch in written.values() for id_, held in _by_id(batch)}
        later = seeded_corpus(seed=23, size=25)

        async def write() -> None:
            for plan in later:
                batch = build(plan)
                try:
                    await writer.write(plan.owner, batch)
                except SchemaMismatchError:
                    return
                written[batch.document.id] = batch
                known.update((id_, held.chunk) for id_, held in _by_id(batch))

        async def read() -> None:
            try:
                while True:
                    for chunk, held in await writer.chunks_with_vectors(EVERYTHING, list(known)):
                        assert held.chunk.shape == (8,), chunk.id
                    await asyncio.sleep(0)
            except SchemaMismatchError:
                return

        async def move() -> None:
            await mover.moves.begin(TARGET, DIMENSION)
            while True:
                await embed(mover)
                if await mover.moves.switch(TARGET):
                    break

        await asyncio.gather(write(), read(), move())
        await mover.moves.end(TARGET)
    async with shared_factory.unbound(place) as store:
        await store.bind(MOVED)
        await assert_moved(store, list(written.values()))


def _by_id(batch: GraphBatch) -> list[tuple[str, ChunkVectors]]:
    return [(chunk.id, held) for chunk, held in zip(batch.chunks, batch.vectors, strict=True)]
