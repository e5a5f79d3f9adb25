"""The contract of GraphStore: reading, searching, and what a caller may see."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from graphrag.errors import InputError
from graphrag.filters import Condition, Filter, parse_filter
from graphrag.stores.base import MAX_K
from graphrag.types import Occurrences, Scalar, Scope, TermStatistics, entity_id
from tests.contracts.compare import assert_same_reads, probe
from tests.contracts.conftest import StoreFactory
from tests.contracts.generate import DIMENSION, FIELDS, VECTORS, build, fingerprinted, seeded_corpus
from tests.contracts.oracle import OracleStore
from tests.contracts.plans import ANYBODY, EVERYTHING, LEGAL, RIVAL, document, fill, named, sizes


async def test_an_empty_store_answers_every_method(store_factory: StoreFactory) -> None:
    asked = probe([build(document())])
    async with store_factory() as store:
        await assert_same_reads(store, OracleStore(), EVERYTHING, None, asked)
        await assert_same_reads(store, OracleStore(), RIVAL, parse_filter({"year": 1}, FIELDS), asked)
        assert await store.nearest_chunks(ANYBODY, VECTORS[:2], 3) == [[], []]
        assert await store.search_chunks(ANYBODY, ["berlin"], 3) == []
        assert (await store.term_statistics(ANYBODY, ["berlin"])).average_length == 0
        assert isinstance(await store.revision(), int)
        assert store.location


async def test_empty_arguments_give_empty_answers(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        assert await store.documents(ANYBODY, ids=[]) == []
        assert await store.texts(ANYBODY, []) == {}
        assert await store.chunks(ANYBODY, []) == []
        assert await store.chunks_with_vectors(ANYBODY, []) == []
        assert await store.nearest_chunks(ANYBODY, VECTORS[:0], 3) == []
        assert await store.search_chunks(ANYBODY, [], 3) == []
        assert (await store.term_statistics(ANYBODY, [])).frequency == {}
        assert await store.find_entities(ANYBODY) == []
        assert await store.entities(ANYBODY, []) == []
        assert await store.chunks_mentioning(ANYBODY, [], 3) == []
        assert await store.title_links(ANYBODY, [], 3) == []
        assert list((await store.neighbourhood(ANYBODY, [], 2, 10)).entities) == []


async def test_ids_keep_their_order_and_count_once(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        batches = await fill(store, [document(named("Acme"), named("Acme", "Berlin"), named("IBM"))])
        first, second, third = (chunk.id for chunk in batches[0].chunks)
        asked = [third, first, "none", third, second, first]
        assert [chunk.id for chunk in await store.chunks(ANYBODY, asked)] == [third, first, second]
        acme, ibm = entity_id("default", "acme"), entity_id("default", "ibm")
        assert [found.id for found in await store.entities(ANYBODY, [ibm, "none", acme, ibm])] == [ibm, acme]
        occurrences = await store.chunks_mentioning(ANYBODY, [ibm, acme, ibm], 1)
        assert [(one.entity_id, one.chunk_count) for one in occurrences] == [(ibm, 1), (acme, 2)]
        assert occurrences[1].chunk_ids == (min(first, second),)
        rare = await store.chunks_mentioning(ANYBODY, [ibm, acme], 1, rare=True)
        assert rare == [Occurrences(ibm, 1, (third,)), Occurrences(acme, 2, ())]
        document_ids = [batches[0].document.id] * 2
        assert len(await store.documents(ANYBODY, ids=document_ids)) == 1
        assert len(await store.find_entities(ANYBODY, keys=["acme", "acme"])) == 1
        once, twice = [await store.title_links(ANYBODY, ids, 5) for ids in ([first], [first, first])]
        assert once == twice


async def test_paging_through_documents_meets_each_one_once(store_factory: StoreFactory) -> None:
    plans = seeded_corpus(seed=3, size=25)
    async with store_factory() as store:
        await fill(store, plans)
        met: list[str] = []
        while page := await store.documents(EVERYTHING, after=met[-1] if met else "", limit=4):
            assert len(page) <= 4
            met += [found.id for found in page]
        assert met == sorted(plan.id for plan in plans if plan.tenant == "default")
        assert [found.id for found in await store.documents(EVERYTHING, ids=met[::-1], after=met[2], limit=2)] == met[
            3:5
        ]


async def test_a_limit_of_nothing_gives_nothing(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        acme, chunk = entity_id("default", "acme"), build(document()).chunks[0].id
        for limit in (0, -1):
            assert await store.documents(ANYBODY, limit=limit) == []
            assert await store.documents(ANYBODY, ids=[document().id], limit=limit) == []
            assert await store.find_entities(ANYBODY, keys=["acme", "berlin"], limit=limit) == []
            assert await store.chunks_mentioning(ANYBODY, [acme], limit) == [Occurrences(acme, 1, ())]
            assert await store.title_links(ANYBODY, [chunk], limit) == []
            for hops in (0, 2):
                assert sizes(await store.neighbourhood(ANYBODY, [acme], hops, limit)) == (0, 0, 0)
        assert sizes(await store.neighbourhood(ANYBODY, [acme], -1, 10)) == (0, 0, 0)


@pytest.mark.parametrize("k", [0, -1, MAX_K + 1])
async def test_a_k_out_of_range_is_refused(store_factory: StoreFactory, k: int) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        with pytest.raises(InputError, match=str(MAX_K)):
            await store.nearest_chunks(ANYBODY, VECTORS[:1], k)
        with pytest.raises(InputError, match=str(MAX_K)):
            await store.search_chunks(ANYBODY, ["berlin"], k)


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (VECTORS[:1, :5], str(DIMENSION)),
        (np.ones((1, DIMENSION + 1), dtype=np.float32), str(DIMENSION)),
        (VECTORS[0], "shape"),
        (VECTORS[:1] * np.float32("nan"), "finite"),
        (VECTORS[:1] * np.float32("inf"), "finite"),
    ],
    ids=["short", "long", "flat", "not a number", "infinite"],
)
async def test_a_query_vector_that_fits_no_chunk_is_refused(
    store_factory: StoreFactory, vectors: NDArray[np.float32], says: str
) -> None:
    async with store_factory() as store:
        await fill(store, [document()])
        with pytest.raises(InputError, match=says):
            await store.nearest_chunks(ANYBODY, vectors, 3)


async def test_a_filter_on_another_field_is_refused_and_names_the_filterable_ones(store_factory: StoreFactory) -> None:
    filter = Filter((Condition("color", "eq", ("red",)),))
    id_ = build(document()).chunks[0].id
    async with store_factory() as store:
        await fill(store, [document()])
        reads: list[Callable[[], Awaitable[object]]] = [
            lambda: store.documents(ANYBODY, filter=filter),
            lambda: store.chunks(ANYBODY, [id_], filter),
            lambda: store.chunks_with_vectors(ANYBODY, [id_], filter),
            lambda: store.nearest_chunks(ANYBODY, VECTORS[:1], 3, filter),
            lambda: store.search_chunks(ANYBODY, ["berlin"], 3, filter),
            lambda: store.chunks_mentioning(ANYBODY, [entity_id("default", "acme")], 3, filter),
            lambda: store.title_links(ANYBODY, [id_], 3, filter),
        ]
        for read in reads:
            with pytest.raises(InputError, match="department, draft, year"):
                await read()


async def test_a_source_prefix_is_taken_literally(store_factory: StoreFactory) -> None:
    sources = ["a_b.md", "axb.md", "a%.md", "A_b.md", "a\\.md", "a*.md", "a[x].md"]
    async with store_factory() as store:
        await fill(store, [document(source=source) for source in sources])
        for prefix in ("a_", "a%", "a\\", "a*", "a["):
            found = [held.source for held in await store.documents(ANYBODY, source_prefix=prefix)]
            assert found == [source for source in sources if source.startswith(prefix)], prefix


async def test_a_k_above_the_number_of_chunks_gives_them_all(store_factory: StoreFactory) -> None:
    async with store_factory() as store:
        (batch,) = await fill(store, [document(named("Acme", vector=0), named("Acme", vector=1))])
        (hits,) = await store.nearest_chunks(ANYBODY, VECTORS[:1], MAX_K)
        assert [hit.chunk_id for hit in hits] == [chunk.id for chunk in batch.chunks]
        assert hits[0].score == pytest.approx(1, abs=1e-5)
        assert len(await store.search_chunks(ANYBODY, ["acm"], MAX_K)) == 2


async def test_a_full_k_comes_back_however_much_is_invisible(store_factory: StoreFactory) -> None:
    noise = [document(*[named("Acme")] * 4, source=f"{n}.md", tenant="rival") for n in range(30)]
    ours = document(named("Acme", vector=5), named("Acme", vector=6))
    async with store_factory() as store:
        await fill(store, [*noise, ours])
        assert [len(hits) for hits in await store.nearest_chunks(ANYBODY, VECTORS[:3], 2)] == [2, 2, 2]
        assert len(await store.search_chunks(ANYBODY, ["acm"], 2)) == 2


async def test_statistics_that_the_caller_has_change_no_hit(store_factory: StoreFactory) -> None:
    terms = ["acm", "berlin", "pump", "absent"]
    async with store_factory() as store:
        await fill(store, seeded_corpus(seed=6, size=30))
        statistics = await store.term_statistics(ANYBODY, terms)
        for k in (1, 3, MAX_K):
            hits = await store.search_chunks(ANYBODY, terms, k)
            assert hits
            assert await store.search_chunks(ANYBODY, terms, k, statistics=statistics) == hits


async def test_texts_that_nobody_sees_do_not_decide_which_chunks_are_found(store_factory: StoreFactory) -> None:
    ours = document(*[named("Gothenburg")] * 110, *[named("Lamprey")] * 3)
    hidden = [*[named("Lamprey")] * 300]
    async with store_factory() as store:
        await fill(store, [ours])
        terms = ["gothenburg", "lamprey"]
        statistics = await store.term_statistics(ANYBODY, terms)
        alone = await store.search_chunks(ANYBODY, terms, 10, statistics=statistics)
        await fill(store, [document(*hidden, tenant="rival"), document(*hidden, source="b.md", access="legal")])
        assert await store.search_chunks(ANYBODY, terms, 10) == alone
        assert await store.search_chunks(ANYBODY, terms, 10, statistics=statistics) == alone
        assert sum("lamprey" in hit.terms for hit in alone) == 3


async def test_chunks_without_any_term_can_be_searched(store_factory: StoreFactory) -> None:
    batch = build(document())
    blank = fingerprinted(replace(batch, chunks=[replace(batch.chunks[0], terms="")]))
    async with store_factory() as store:
        await store.write(ANYBODY, blank)
        assert await store.search_chunks(ANYBODY, ["acm"], 5) == []
        assert await store.term_statistics(ANYBODY, ["acm"]) == TermStatistics(1, 0.0, {"acm": 0})


async def test_chunks_with_equal_vectors_come_ascending_by_id(store_factory: StoreFactory) -> None:
    plans = [document(*[named("Acme", vector=3)] * 3, source=f"{n}.md") for n in range(9)]
    async with store_factory() as store:
        batches = await fill(store, plans)
        ids = sorted(chunk.id for batch in batches for chunk in batch.chunks)
        for k in (1, 5, 27):
            for hits in await store.nearest_chunks(ANYBODY, VECTORS, k):
                assert [hit.chunk_id for hit in hits] == ids[:k]


async def test_a_scope_with_a_star_sees_every_label_of_its_tenant(store_factory: StoreFactory) -> None:
    plans = [document(source=f"{label}.md", access=label) for label in ("public", "legal", "hr", "never-named")]
    async with store_factory() as store:
        await fill(store, [*plans, document(tenant="rival")])
        assert (await store.statistics(EVERYTHING)).documents == 4
        assert (await store.statistics(LEGAL)).documents == 2
        assert (await store.statistics(ANYBODY)).documents == 1


@pytest.mark.parametrize("scope", [ANYBODY, LEGAL, EVERYTHING], ids=["public", "legal", "all"])
async def test_an_entity_is_named_and_typed_by_what_the_caller_sees(store_factory: StoreFactory, scope: Scope) -> None:
    public = document(named("Acme", types=(0,)))
    legal = document(named("ACME", "ACME", types=(1,)), source="b.md", access="legal")
    hr = document(named("Acme", "Acme", types=(2,)), named("Acme", types=(2,)), source="c.md", access="hr")
    expected = {
        ANYBODY: ("Acme", "", 1, 1, 1),
        LEGAL: ("ACME", "ORG", 3, 2, 2),
        EVERYTHING: ("Acme", "PERSON", 6, 4, 3),
    }
    async with store_factory() as store:
        await fill(store, [public, legal, hr])
        (acme,) = await store.find_entities(scope, keys=["acme"])
        counts = acme.mention_count, acme.chunk_count, acme.document_count
        assert (acme.name, acme.type, *counts) == expected[scope]


async def test_filters_that_python_holds_equal_do_not_answer_for_each_other(store_factory: StoreFactory) -> None:
    values: list[Scalar] = [True, 1, 1.0, False, 0, "1"]
    plans = [document(source=f"{n}.md", metadata=(("draft", value),)) for n, value in enumerate(values)]
    async with store_factory() as store:
        batches = await fill(store, plans)
        chunks = [batch.chunks[0].id for batch in batches]
        for value in (True, 1, False, 0, 1.0, "1", True):
            for operator in ("eq", "ne"):
                filter = parse_filter({"draft": {operator: value}}, FIELDS)
                expected = [id_ for id_, plan in zip(chunks, plans, strict=True) if filter.matches(dict(plan.metadata))]
                found = [chunk.id for chunk in await store.chunks(ANYBODY, chunks, filter)]
                assert found == expected, (operator, value)


@pytest.mark.parametrize("bound", [2**53, 2**53 + 1, float(2**53), 10**30, -(10**30), 0.1, -0.0])
async def test_numbers_compare_exactly_in_filters(store_factory: StoreFactory, bound: float) -> None:
    values: list[Scalar] = [2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), 0.1, 0, -0.0, 1e300]
    plans = [document(source=f"{n}.md", metadata=(("year", value),)) for n, value in enumerate(values)]
    async with store_factory() as store:
        batches = await fill(store, plans)
        chunks = [batch.chunks[0].id for batch in batches]
        for operator in ("eq", "ne", "gt", "gte", "lt", "lte"):
            filter = parse_filter({"year": {operator: bound}}, FIELDS)
            expected = [id_ for id_, plan in zip(chunks, plans, strict=True) if filter.matches(dict(plan.metadata))]
            assert [chunk.id for chunk in await store.chunks(ANYBODY, chunks, filter)] == expected, operator
            assert len(await store.documents(ANYBODY, filter=filter)) == len(expected), operator


@pytest.mark.parametrize("name", ["department", "draft"])
async def test_text_compares_by_code_point_in_filters(store_factory: StoreFactory, name: str) -> None:
    values = ["", "A", "a", "aa", "é", "e\u0301", "\uff5e", "\U0001f600", "a\0b", "10", "9", "true"]
    plans = [document(source=f"{n}.md", metadata=((name, value),)) for n, value in enumerate(values)]
    async with store_factory() as store:
        batches = await fill(store, plans)
        chunks = [batch.chunks[0].id for batch in batches]
        for value in values:
            for operator in ("eq", "gt", "lte"):
                filter = parse_filter({name: {operator: value}}, FIELDS)
                expected = [id_ for id_, held in zip(chunks, plans, strict=True) if filter.matches(dict(held.metadata))]
                assert [chunk.id for chunk in await store.chunks(ANYBODY, chunks, filter)] == expected, (
                    operator,
                    value,
                )
