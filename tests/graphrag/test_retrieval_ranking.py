"""Retrieval: keyword, vector and fused ranking."""

import math
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from rank_bm25 import BM25Okapi

from graphrag.analysis import terms
from graphrag.bm25 import K1, B
from graphrag.filters import parse_filter
from graphrag.retrieval.fusion import KEYWORD_WEIGHT, fuse
from graphrag.retrieval.keyword import bm25_rank, keyword_search
from graphrag.retrieval.vector import embed_query, vector_search
from graphrag.types import Hit, Scope, TermHit, TermStatistics
from tests.graphrag.handmade import EMBEDDER, EVERYONE, Source, Store, search, source

WORDS = "pump valve rotor gasket turbine harbour sensor relay cable module ledger crane bearing piston".split()


def random_sources(count: int, seed: int, **options: str) -> list[Source]:
    """Documents of random length over few words, so that frequencies and lengths vary."""
    random = Random(seed)
    return [
        source(f"{seed}-{n}.txt", f"{' '.join(random.choices(WORDS, k=random.randint(1, 30)))}.", **options)
        for n in range(count)
    ]


def reference_ranking(sources: Sequence[Source], query: str) -> list[tuple[str, float]]:
    """BM25 of rank-bm25 over the whole corpus, with its idf replaced by the one that is positive for every term."""
    corpus = {one.chunk(): terms(one.parts[0].text) for one in sources}
    scorer = BM25Okapi(list(corpus.values()), k1=K1, b=B)
    frequency = Counter(term for held in corpus.values() for term in set(held))
    scorer.idf = {t: math.log(1 + (len(corpus) - df + 0.5) / (df + 0.5)) for t, df in frequency.items()}
    asked = list(dict.fromkeys(terms(query)))
    found = [
        (id_, round(float(score), 6))
        for (id_, held), score in zip(corpus.items(), scorer.get_scores(asked), strict=True)
        if set(held) & set(asked)
    ]
    return sorted(found, key=lambda item: (-item[1], item[0]))


@pytest.mark.parametrize("query", ["pump", "turbine rotor", "the pumps of a harbour crane", "sensor sensor relay zzz"])
async def test_keyword_search_ranks_as_bm25_over_the_whole_corpus_does(store: Store, query: str):
    sources = random_sources(50, seed=1)
    await store.put(*sources)

    expected = reference_ranking(sources, query)

    for k in (3, 10, 100):
        hits = await keyword_search(store, EVERYONE, query, k)
        assert [hit.chunk_id for hit in hits] == [id_ for id_, _ in expected[:k]]
        assert [hit.score for hit in hits] == pytest.approx([score for _, score in expected[:k]], abs=2e-6)


async def test_equal_keyword_scores_are_ordered_by_id(store: Store):
    sources = [source(f"{n}.txt", "A pump and a valve.") for n in range(6)]
    await store.put(*sources)

    hits = await keyword_search(store, EVERYONE, "pump", 4)

    assert [hit.chunk_id for hit in hits] == sorted(one.chunk() for one in sources)[:4]
    assert len({hit.score for hit in hits}) == 1


@pytest.mark.parametrize("query", ["what is it", "???", "zyzzyva"])
async def test_a_query_without_a_term_of_the_corpus_finds_nothing_by_keyword(store: Store, query: str):
    await store.put(source("a.txt", "A pump."))

    assert await keyword_search(store, EVERYONE, query, 5) == []


async def test_an_empty_store_gives_no_keyword_and_no_vector_hits(store: Store):
    assert await keyword_search(store, EVERYONE, "pump", 5) == []
    assert await vector_search(store, EVERYONE, await embed_query(EMBEDDER, "pump"), 5) == []
    assert bm25_rank(["pump"], [], TermStatistics(0, 0.0, {})) == []


async def test_ranking_passages_without_any_term_scores_them_zero():
    statistics = TermStatistics(2, 3.0, {"pump": 1})

    assert bm25_rank(["pump"], [TermHit("b", ""), TermHit("a", "")], statistics) == [Hit("a", 0.0), Hit("b", 0.0)]


async def test_a_store_of_stop_words_alone_can_be_searched(store: Store):
    await store.put(source("a.txt", "It is what it is."))

    _, scored = await search(store, "Which pump failed?")

    assert [hit.chunk_id for hit in scored.hits] == [source("a.txt", "It is what it is.").chunk()]
    assert math.isfinite(scored.hits[0].score)


async def test_documents_that_are_not_visible_move_no_keyword_score(store: Store):
    await store.put(*random_sources(20, seed=2))
    scope = Scope()
    alone = await keyword_search(store, scope, "pump turbine", 50)

    await store.put(
        *random_sources(20, seed=3, access="secret"),
        *random_sources(20, seed=4, tenant="rival"),
        source("long.txt", "pump " * 200, access="secret"),
    )

    assert await keyword_search(store, scope, "pump turbine", 50) == alone
    assert await keyword_search(store, EVERYONE, "pump turbine", 50) != alone


async def test_a_filter_narrows_keyword_hits_and_moves_no_score(store: Store):
    await store.put(*random_sources(15, seed=5, department="legal"), *random_sources(15, seed=6, department="hr"))
    legal = {one.chunk() for one in random_sources(15, seed=5)}
    narrowed = parse_filter({"department": "legal"}, {"department"})

    everything = await keyword_search(store, EVERYONE, "pump relay", 100)

    expected = [hit for hit in everything if hit.chunk_id in legal]
    assert 0 < len(expected) < len(everything)
    assert await keyword_search(store, EVERYONE, "pump relay", 100, narrowed) == expected


# Vector search and fusion


async def test_vector_search_orders_by_cosine_and_then_by_id(store: Store):
    sources = [*random_sources(30, seed=7), *(source(f"same-{n}.txt", "A pump and a crane.") for n in range(3))]
    await store.put(*sources)
    query = await embed_query(EMBEDDER, "pump crane")
    rows = {one.chunk(): row for one in sources for row in await EMBEDDER.embed([one.parts[0].text], "document")}

    hits = await vector_search(store, EVERYONE, query, 10)

    scores = {id_: round(float(row @ query), 6) for id_, row in rows.items()}
    assert [hit.chunk_id for hit in hits] == sorted(scores, key=lambda id_: (-scores[id_], id_))[:10]
    assert [hit.score for hit in hits] == pytest.approx([scores[hit.chunk_id] for hit in hits], abs=2e-6)
    assert [hit.chunk_id for hit in hits[:3]] == sorted(one.chunk() for one in sources[30:])


def test_fusion_adds_the_weighted_share_of_the_best_keyword_score():
    fused = fuse([Hit("a", 0.9), Hit("b", 0.5)], [Hit("b", 8.0), Hit("a", 2.0)], 5, 1.0)

    assert fused == [
        Hit("a", round(0.9 + KEYWORD_WEIGHT * 0.25, 6)),
        Hit("b", round(0.5 + KEYWORD_WEIGHT, 6)),
    ]


def test_a_hit_that_only_keywords_found_counts_with_the_lowest_cosine():
    fused = fuse([Hit("a", 0.9), Hit("b", 0.2)], [Hit("c", 4.0)], 5, 1.0)

    assert fused == [Hit("a", 0.9), Hit("c", round(0.2 + KEYWORD_WEIGHT, 6)), Hit("b", 0.2)]


def test_fusion_breaks_ties_by_id_and_cuts_at_k():
    assert fuse([Hit("c", 0.5), Hit("a", 0.5), Hit("b", 0.5)], [], 2, 1.0) == [Hit("a", 0.5), Hit("b", 0.5)]


def test_fusion_of_empty_lists_is_empty_and_of_one_list_is_that_list():
    assert fuse([], [], 5, 1.0) == []
    assert fuse([Hit("a", 0.5), Hit("b", 0.4)], [Hit("b", 7.0)], 5, 2.0) == [Hit("b", 1.2), Hit("a", 1.0)]
    assert [hit.chunk_id for hit in fuse([], [Hit("b", 1.0), Hit("a", 3.0)], 5, 1.0)] == ["a", "b"]
    assert fuse([Hit("b", 0.1), Hit("a", -0.1)], [], 5, 1.0) == [Hit("b", 0.1), Hit("a", -0.1)]
    assert fuse([Hit("a", 0.1)], [Hit("a", 0.0)], 5, 1.0) == [Hit("a", 0.1)]
