"""What the embedded store promises beyond the contract of the port."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphrag.errors import InputError, StoreError
from graphrag.stores.embedded import documents
from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.following import FollowingIndex
from graphrag.stores.embedded.store import EmbeddedStore
from graphrag.types import Hit, Scope, Statistics, check_text, document_id, is_text, stable_id
from tests.contracts.generate import DIMENSION, FIELDS, VECTORS, build, seeded_corpus
from tests.embedded import embedded_store

EVERYTHING = Scope(access=frozenset({"*"}))


async def filled(store: EmbeddedStore, size: int = 6) -> None:
    for plan in seeded_corpus(seed=2, size=size):
        await store.write(plan.owner, build(plan))


async def test_an_acknowledged_write_waits_for_the_disk(tmp_path: Path) -> None:
    async with Database(tmp_path / "graph.db") as database:
        (level,) = await database.write(lambda connection: connection.execute("PRAGMA synchronous").fetchone())
        assert level == 2, "FULL"


async def test_a_read_under_way_while_the_store_closes_answers_or_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "graph.db")
    store = EmbeddedStore(database, filter_fields=FIELDS)
    async with database:
        await filled(store)
        expected = await store.statistics(EVERYTHING)

        async def read() -> Statistics | StoreError:
            try:
                return await store.statistics(EVERYTHING)
            except StoreError as refused:
                return refused

        export = store.export(EVERYTHING)
        await anext(export)
        under_way = [asyncio.create_task(read()) for _ in range(20)]
        await asyncio.sleep(0)  # each has asked, none has its answer
    late = asyncio.create_task(read())
    assert [await task for task in under_way] == [expected] * 20
    assert isinstance(await late, StoreError)
    with pytest.raises(StoreError):
        await anext(export)


async def test_the_dimensions_are_those_of_the_first_vectors_even_when_all_is_deleted(tmp_path: Path) -> None:
    plan = seeded_corpus(seed=1, size=1)[0]
    batch = build(plan)
    short = [replace(v, sentences=v.sentences[:, :4]) for v in batch.vectors]
    async with embedded_store(tmp_path / "graph.db") as store:
        await store.write(plan.owner, batch)
        await store.delete_documents(plan.owner, [plan.id])
        with pytest.raises(InputError, match=f"dimension 4, expected {DIMENSION}"):
            await store.write(plan.owner, replace(batch, vectors=short))
        with pytest.raises(InputError, match=str(DIMENSION)):
            await store.nearest_chunks(plan.owner, VECTORS[:, :4], 1)


async def test_before_the_first_write_query_vectors_of_any_dimension_find_nothing(tmp_path: Path) -> None:
    async with embedded_store(tmp_path / "graph.db") as store:
        assert await store.nearest_chunks(EVERYTHING, np.ones((2, 3), dtype=np.float32), 1) == [[], []]


async def test_a_read_after_many_rewrites_is_as_from_a_new_store(tmp_path: Path) -> None:
    """Dead rows of the memory index are left behind, and at some point it is built again."""
    plan = max(seeded_corpus(seed=4, size=9), key=lambda plan: len(plan.chunks))
    async with embedded_store(tmp_path / "graph.db", filter_fields=FIELDS) as store:
        await filled(store)
        batch = build(replace(plan, source="again.md"))
        for number in range(1_001 // len(plan.chunks) + 2):
            changed = replace(batch.document, fingerprint=str(number))
            await store.write(plan.owner, replace(batch, document=changed))
            await store.chunk_ids(plan.owner, plan.id)
        async with embedded_store(tmp_path / "graph.db", filter_fields=FIELDS) as fresh:
            assert await store.statistics(EVERYTHING) == await fresh.statistics(EVERYTHING)
            (hits,), (wanted,) = [await one.nearest_chunks(plan.owner, VECTORS[:1], 50) for one in (store, fresh)]
            assert hits == wanted


async def test_a_search_by_vectors_is_of_the_moment_at_which_it_was_prepared(tmp_path: Path) -> None:
    following = FollowingIndex(FIELDS)

    def prepare(connection: sqlite3.Connection) -> Callable[[], list[list[Hit]]]:
        following.follow(connection)
        return following.memory.nearest(EVERYTHING, VECTORS[:3], 5, None)

    async with Database(tmp_path / "graph.db") as database:
        store = EmbeddedStore(database, filter_fields=FIELDS)
        plans = seeded_corpus(seed=3, size=60)
        for plan in plans[:30]:
            await store.write(plan.owner, build(plan))
        search = await database.read(prepare)
        before = search()
        for plan in plans[30:]:
            await store.write(plan.owner, build(plan))
        for plan in plans[:10]:
            await store.delete_documents(plan.owner, [plan.id])
        later = await database.read(prepare)
        assert all(before)
        assert search() == before
        assert later() != before


async def plan_of_a_page(database: Database) -> str:
    """How SQLite reads a page of the documents of tenant `default`."""
    said = list[str]()
    await database.read(lambda connection: connection.set_trace_callback(said.append))
    await EmbeddedStore(database).documents(EVERYTHING, after="1", limit=2)
    await database.read(lambda connection: connection.set_trace_callback(None))
    (paged,) = [statement for statement in said if "ORDER BY id" in statement]
    steps = await database.read(lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {paged}").fetchall())
    return "; ".join(step[3] for step in steps)


async def test_a_page_of_documents_is_read_without_sorting_the_whole_tenant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(tmp_path / "graph.db") as database:
        store = EmbeddedStore(database)
        await filled(store, 12)
        everything = await store.documents(EVERYTHING)
        # Few are sorted, so that a small tenant does not wait for all the documents of others.
        assert "documents_by_source (tenant=?)" in await plan_of_a_page(database)
        monkeypatch.setattr(documents, "_FEW", 2)
        assert await plan_of_a_page(database) == "SEARCH documents USING INDEX sqlite_autoindex_documents_1 (id>?)"
        assert await store.documents(EVERYTHING) == everything != []


async def test_a_page_of_entities_looks_at_those_of_the_page_alone(tmp_path: Path) -> None:
    looked = list[str]()

    class Counted(dict[str, Any]):
        def items(self) -> Any:
            looked.extend(self)
            return super().items()

        def __getitem__(self, id_: str) -> Any:
            looked.append(id_)
            return super().__getitem__(id_)

    async with embedded_store(tmp_path / "graph.db") as store:
        await filled(store)
        ids = await store.entity_ids(EVERYTHING)
        memory = store._following.memory
        memory._entities = Counted(memory._entities)
        assert await store.entity_ids(EVERYTHING, after=ids[4], limit=3) == ids[5:8] == looked
        await filled(store, 12)
        assert await store.entity_ids(EVERYTHING, limit=99) == sorted(await store.entity_ids(EVERYTHING))[:99] != ids


async def test_only_reads_that_use_the_memory_index_build_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    followed = list[int]()
    follow = FollowingIndex.follow

    def counted(self: FollowingIndex, connection: sqlite3.Connection) -> bool:
        followed.append(1)
        return follow(self, connection)

    monkeypatch.setattr(FollowingIndex, "follow", counted)
    async with embedded_store(tmp_path / "graph.db") as store:
        await filled(store)
        exported = [batch.document.id async for batch in store.export(EVERYTHING)]
        assert await store.revision() > 0
        assert exported == [document.id for document in await store.documents(EVERYTHING)] != []
        assert followed == []
        await store.chunk_ids(EVERYTHING, "")
        assert followed == [1]


def test_ids_are_made_of_any_string() -> None:
    assert stable_id("\ud800") != stable_id("\udfff")
    assert document_id("default", "a\ud800") != document_id("default", "a")


@pytest.mark.parametrize("text", ["", "a", "ü 🦑", "a\0b"])
def test_valid_text_passes_unchanged(text: str) -> None:
    assert is_text(text)
    assert check_text("it", text) == text


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\ud83d\ud83d"])
def test_text_with_half_a_character_is_refused_in_printable_words(text: str) -> None:
    assert not is_text(text)
    with pytest.raises(InputError, match="the title is not valid Unicode") as refused:
        check_text("the title", text)
    assert is_text(str(refused.value))
