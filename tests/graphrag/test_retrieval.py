"""Retrieval: keyword, vector and fused ranking, reading a question, the ledger, and the scoring of chains."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from graphrag.analysis import chunk_terms, normalise, phrases, terms
from graphrag.bm25 import K1, B
from graphrag.embedding import Passage
from graphrag.embedding.hashing import Hashing
from graphrag.errors import InputError
from graphrag.filters import Filter, parse_filter
from graphrag.retrieval.chain import (
    COMMON_CHUNKS,
    MAX_COMMON_CHUNKS,
    Bridge,
    Scored,
    bridge_between,
    common_from,
    score_chains,
)
from graphrag.retrieval.fusion import KEYWORD_WEIGHT, fuse
from graphrag.retrieval.graph import MENTIONS_OF_NAMED, expand, graph_search
from graphrag.retrieval.keyword import bm25_rank, keyword_search
from graphrag.retrieval.ledger import MAX_CANDIDATES, Ledger
from graphrag.retrieval.question import MAX_CHARACTERS, check_question, read_question
from graphrag.retrieval.vector import embed_query, vector_search
from graphrag.sentences import split_sentences
from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.store import EmbeddedStore
from graphrag.types import (
    PUBLIC,
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Hit,
    Mention,
    Metadata,
    Scope,
    TermHit,
    TermStatistics,
    chunk_id,
    document_id,
    entity_id,
    stable_id,
)

EMBEDDER = Hashing()
EVERYONE = Scope(access=frozenset({"*"}))


@dataclass(frozen=True)
class Part:
    """One chunk: its text, the names in it that are mentions, and what it is about."""

    text: str
    names: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One document of hand-made chunks."""

    name: str
    parts: tuple[Part, ...]
    access: str = PUBLIC
    tenant: str = "default"
    metadata: tuple[tuple[str, str], ...] = ()

    def chunk(self, position: int = 0) -> str:
        """The id of one of its chunks."""
        return chunk_id(document_id(self.tenant, self.name), position, self.parts[position].text)


def source(name: str, text: str, *names: str, about: tuple[str, ...] = (), **options: str) -> Source:
    """A document of one chunk; further options are access, tenant and metadata fields."""
    access, tenant = options.pop("access", PUBLIC), options.pop("tenant", "default")
    return Source(name, (Part(text, names, about),), access, tenant, tuple(options.items()))


class Store(EmbeddedStore):
    """An embedded store that takes hand-made documents."""

    async def put(self, *sources: Source) -> None:
        """Write documents, each in its own tenant."""
        for one in sources:
            await self.write(Scope(one.tenant, frozenset({"*"})), await batch(one))


async def batch(one: Source) -> GraphBatch:
    """What a document contributes, with vectors of the hashing embedder."""
    id_ = document_id(one.tenant, one.name)
    text, chunks = "", list[Chunk]()
    for position, part in enumerate(one.parts):
        start, end = len(text), len(text) + len(part.text)
        text += part.text
        sentences = tuple((start + left, start + right) for left, right in split_sentences(part.text))
        chunks.append(
            Chunk(
                id=one.chunk(position),
                document_id=id_,
                source=one.name,
                title="",
                position=position,
                start=start,
                core_start=start,
                end=end,
                text=part.text,
                heading=(),
                page=None,
                token_count=len(part.text.split()),
                sentences=sentences,
                terms=chunk_terms("", (), part.text),
                phrases=phrases(part.text, sentences, start),
                mentions=_mentions(one.tenant, part, start),
            )
        )
        text += "\n"
    text = text[:-1]
    vectors = await EMBEDDER.encode(
        [Passage("", c.text, tuple((a - c.start, b - c.start) for a, b in c.sentences)) for c in chunks]
    )
    metadata: Metadata = dict(one.metadata)
    document = Document(
        id=id_,
        tenant=one.tenant,
        access=one.access,
        source=one.name,
        title="",
        media_type="text/plain",
        content_sha256=stable_id(text),
        fingerprint=stable_id(repr(one)),
        metadata=metadata,
        length=len(text),
        chunk_count=len(chunks),
    )
    return GraphBatch(document, text, chunks, list[ChunkVectors](vectors), [])


def _mentions(tenant: str, part: Part, offset: int) -> tuple[Mention, ...]:
    found: dict[str, Mention] = {}
    for name in (*part.names, *part.about):
        key = normalise(name)
        at = part.text.find(name)
        spans = ((offset + at, offset + at + len(name)),) if at >= 0 and name in part.names else ()
        role = "subject" if name in part.about else "mention"
        found[key] = Mention(entity_id(tenant, key), key, name, "", role, spans)
    return tuple(found[key] for key in sorted(found))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store]:
    """An empty store."""
    async with Database(tmp_path / "graph.db") as database:
        yield Store(database, filter_fields={"department"})


async def ledger_for(store: Store, question: str, scope: Scope = EVERYONE, filter: Filter | None = None) -> Ledger:
    """An empty ledger for a question."""
    return Ledger(store, scope, await read_question(store, EMBEDDER, EMBEDDER, scope, question), filter)


async def search(
    store: Store, question: str, scope: Scope = EVERYONE, filter: Filter | None = None
) -> tuple[Ledger, Scored]:
    """The outcome of a chain search, with all that was met."""
    ledger = await ledger_for(store, question, scope, filter)
    await graph_search(ledger, 100)
    return ledger, score_chains(ledger)


def bridges(ledger: Ledger, scored: Scored) -> list[Bridge]:
    """What joins the passages of the chains."""
    found = [bridge_between(ledger, *chain.chunk_ids) for chain in scored.chains]
    return [bridge for bridge in found if bridge is not None]


# Keyword search

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


# Reading a question


@pytest.mark.parametrize("text", ["", "a", " ab ", "a" * (MAX_CHARACTERS + 1), "a" * 100_000, "???", "¿…! —"])
async def test_a_question_too_short_too_long_or_without_a_word_is_refused(store: Store, text: str):
    with pytest.raises(InputError, match=r"characters|no word"):
        check_question(text)
    with pytest.raises(InputError) as refused:
        await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, text)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("text", ["why", "  why\n", "你好吗", "a" * MAX_CHARACTERS, " " * 5_000 + "why"])
def test_a_question_within_bounds_is_stripped_and_accepted(text: str):
    assert check_question(text) == text.strip()


async def test_a_question_knows_its_terms_once_each_with_their_weights(store: Store):
    await store.put(source("a.txt", "A pump and a valve."), source("b.txt", "A pump."))

    question = await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, "  Which pump, pumps or zebra? ")

    assert question.text == "Which pump, pumps or zebra?"
    assert question.terms == ("pump", "zebra")
    assert question.weights == pytest.approx({"pump": math.log(1 + 98.5 / 2.5), "zebra": math.log(1 + 100.5 / 0.5)})
    assert question.total_weight == pytest.approx(math.log(1 + 98.5 / 2.5) + math.log(1 + 100.5 / 0.5))
    assert np.linalg.norm(question.vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("what is the defualt rate limmit", "what is the default rate limit"),
        ("what limits the rate", "what limits the rate"),
        ("which limerick is it", "which limerick is it"),  # a word of its own, though the documents have none
        ("what is the Limmit", "what is the Limmit"),  # may be a name
        ("where is the xylqzt", "where is the xylqzt"),
        ("defualt limmit raate dafault limitt", "defualt limmit raate dafault limitt"),
        ("who foundde it", "who founded it"),
        ("who will refoundle it", "who will refoundle it"),  # "refounde" is no word
    ],
)
async def test_slips_of_the_pen_are_put_right_by_what_the_documents_hold(store: Store, asked: str, read: str):
    await store.put(
        source("a.txt", "The default rate limit is 120."),
        source("b.txt", "The limits are checked by who refounds it, or founds it."),
    )

    question = await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, asked)

    assert question.text == read
    hidden = await read_question(store, EMBEDDER, EMBEDDER, Scope("other"), asked)
    assert hidden.text == asked  # nothing is learnt of what the scope does not see


async def test_of_names_within_each_other_a_question_names_the_longest(store: Store):
    await store.put(
        source("a.txt", "Acme, Acme Corp and Acme Corp Berlin met Jane Smith.", "Acme", "Acme Corp"),
        source("b.txt", "Acme Corp Berlin and Jane Smith.", "Acme Corp Berlin", "Jane Smith"),
    )

    question = await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, "Did Acme Corp Berlin hire jane smith?")

    assert [entity.key for entity in question.entities] == ["acme corp berlin", "jane smith"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("What may I do?", []),
        ("What did May do?", ["may"]),
        ("what is systemd?", ["systemd"]),
        ("What must the Mayor know, and what may I do?", []),
    ],
)
async def test_a_lower_case_word_is_a_name_only_where_people_write_it_so(store: Store, text: str, named: list[str]):
    await store.put(source("a.txt", "May runs systemd.", "May", "systemd"))

    question = await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, text)

    assert [entity.key for entity in question.entities] == named


async def test_a_question_names_no_entity_that_the_scope_does_not_see(store: Store):
    await store.put(source("a.txt", "Jane Smith left.", "Jane Smith", access="secret"))

    assert not (await read_question(store, EMBEDDER, EMBEDDER, Scope(), "Where is Jane Smith?")).entities
    assert (await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, "Where is Jane Smith?")).entities


# The ledger


async def test_a_ledger_never_holds_more_than_its_limit(store: Store):
    many = Source("many.txt", tuple(Part(f"Pump {n} runs.") for n in range(MAX_CANDIDATES + 20)))
    await store.put(many)
    ids = [many.chunk(position) for position in range(len(many.parts))]
    ledger = await ledger_for(store, "Which pump runs?")

    first = await ledger.add(ids[:150])
    second = await ledger.add(ids)

    assert (first, second) == (ids[:150], ids[150:MAX_CANDIDATES])
    assert len(ledger.candidates) == MAX_CANDIDATES
    assert await ledger.add(ids) == []


async def test_additions_made_side_by_side_keep_to_the_limit(store: Store):
    many = Source("many.txt", tuple(Part(f"Pump {n} runs.") for n in range(MAX_CANDIDATES + 60)))
    await store.put(many)
    ids = [many.chunk(position) for position in range(len(many.parts))]
    ledger = await ledger_for(store, "Which pump runs?")

    await asyncio.gather(ledger.add(ids[:130]), ledger.add(ids[130:]))

    assert len(ledger.candidates) <= MAX_CANDIDATES


async def test_a_passage_added_twice_side_by_side_joins_only_what_it_mentions(store: Store):
    await store.put(FIRST, SECOND, *DISTRACTORS)
    ids = [one.chunk() for one in (FIRST, SECOND, *DISTRACTORS)]
    ledger = await ledger_for(store, QUESTION)

    await asyncio.gather(ledger.add(ids[:2]), ledger.add(ids[:2]))
    await ledger.add(ids)
    await expand(ledger, ids, 0)

    expected = await ledger_for(store, QUESTION)
    await expected.add(ids)
    await expand(expected, ids, 0)
    assert score_chains(ledger) == score_chains(expected)


async def test_adding_a_passage_twice_loads_it_once(store: Store):
    one = source("a.txt", "A pump runs.")
    await store.put(one)
    ledger = await ledger_for(store, "Which pump runs?")

    assert await ledger.add([one.chunk(), one.chunk()]) == [one.chunk()]
    loaded = ledger.candidates[one.chunk()]
    assert await ledger.add([one.chunk()]) == []
    assert ledger.candidates[one.chunk()] is loaded


async def test_unknown_and_invisible_passages_are_not_added(store: Store):
    hidden = source("a.txt", "A pump runs.", access="secret")
    await store.put(hidden)
    ledger = await ledger_for(store, "Which pump runs?", Scope())

    assert await ledger.add(["unknown", hidden.chunk()]) == []
    assert not ledger.candidates


# Chains

QUESTION = "Who leads the maker of the turbine of Brackwater Station?"
FIRST = source(
    "first.txt", "The turbine of Brackwater Station was built by Halvorix.", "Brackwater Station", "Halvorix"
)
SECOND_TEXT = "Ewa Strzelecka runs Halvorix from Gdynia."
SECOND = source("second.txt", SECOND_TEXT, "Ewa Strzelecka", "Halvorix", "Gdynia")
DISTRACTORS = [
    source(f"other-{n}.txt", text)
    for n, text in enumerate(
        [
            "A turbine at Norwell was inspected twice.",
            "The station clock was painted green.",
            "The turbine hall has high windows.",
            "Stations along the coast were closed.",
            "Old turbines are sold for scrap in March.",
            "Nobody waited at the station.",
            "The choir sings on Sundays.",
            "Bread is baked at night.",
        ]
    )
]


async def test_the_second_hop_joined_by_a_rare_entity_ranks_among_the_first_two(store: Store):
    assert not set(terms(SECOND_TEXT)) & set(terms(QUESTION))
    await store.put(FIRST, SECOND, *DISTRACTORS)

    ledger, scored = await search(store, QUESTION)

    assert {hit.chunk_id for hit in scored.hits[:2]} == {FIRST.chunk(), SECOND.chunk()}
    assert scored.chains[0].chunk_ids == (FIRST.chunk(), SECOND.chunk())
    bridge = bridge_between(ledger, FIRST.chunk(), SECOND.chunk())
    assert bridge is not None
    assert (bridge.key, bridge.kind) == ("halvorix", "entity")
    by_itself = sorted(scored.base, key=lambda id_: -scored.base[id_])
    assert by_itself.index(SECOND.chunk()) > 3
    assert [hit.chunk_id for hit in scored.hits] != by_itself


async def test_without_the_entity_the_second_hop_does_not_rank_among_the_first_two(store: Store):
    unjoined = source("second.txt", SECOND_TEXT, "Ewa Strzelecka", "Gdynia")
    await store.put(FIRST, unjoined, *DISTRACTORS)

    ledger, scored = await search(store, QUESTION)

    assert unjoined.chunk() not in {hit.chunk_id for hit in scored.hits[:2]}
    assert bridge_between(ledger, FIRST.chunk(), unjoined.chunk()) is None


@pytest.mark.parametrize(("chunks", "joined"), [(COMMON_CHUNKS, True), (COMMON_CHUNKS + 1, False)])
async def test_an_entity_in_too_many_passages_joins_nothing(store: Store, chunks: int, joined: bool):
    common = [source(f"invoice-{n}.txt", f"Invoice {n} to Halvorix.", "Halvorix") for n in range(chunks - 2)]
    await store.put(FIRST, SECOND, *DISTRACTORS, *common)
    ledger, _ = await search(store, QUESTION)
    await ledger.add([SECOND.chunk()])

    bridge = bridge_between(ledger, FIRST.chunk(), SECOND.chunk())
    scored = score_chains(ledger)

    assert (bridge is not None) == joined
    if not joined:
        assert SECOND.chunk() not in {hit.chunk_id for hit in scored.hits[:2]}
        assert not bridges(ledger, scored)


def test_in_a_large_corpus_an_entity_may_be_in_more_chunks():
    assert [common_from(chunks) for chunks in (0, 2_000, 12_000)] == [COMMON_CHUNKS] * 3
    assert common_from(50_000) == 125
    assert common_from(10**7) == MAX_COMMON_CHUNKS


async def test_an_entity_that_the_question_names_is_no_bridge(store: Store):
    await store.put(FIRST, SECOND, *DISTRACTORS)

    ledger, scored = await search(store, "Who leads Halvorix, the maker of the turbine of Brackwater Station?")

    assert {"halvorix", "brackwater station"} <= ledger.named.keys()
    assert bridge_between(ledger, FIRST.chunk(), SECOND.chunk()) is None
    assert not bridges(ledger, scored)


async def test_an_entity_of_one_passage_alone_joins_nothing(store: Store):
    await store.put(FIRST, *DISTRACTORS)

    ledger, scored = await search(store, QUESTION)

    assert not bridges(ledger, scored)


async def test_a_passage_is_joined_to_the_one_about_what_it_names_and_back(store: Store):
    naming = source("naming.txt", "The turbine of Brackwater Station was built by Halvorix.")
    subject = source("subject.txt", "Founded in Gdynia by Ewa Strzelecka.", about=("Halvorix",))
    await store.put(naming, subject, *DISTRACTORS)

    ledger, scored = await search(store, QUESTION)

    assert ledger.links == {(naming.chunk(), subject.chunk()): {"halvorix"}}
    assert {hit.chunk_id for hit in scored.hits[:2]} == {naming.chunk(), subject.chunk()}
    there = bridge_between(ledger, naming.chunk(), subject.chunk())
    back = bridge_between(ledger, subject.chunk(), naming.chunk())
    assert there is not None
    assert back is not None
    assert (there.key, there.kind) == ("halvorix", "link")
    assert (back.key, back.kind) == ("halvorix", "back")


async def test_a_first_hop_leads_back_to_the_passage_that_names_what_it_is_about(store: Store):
    subject = source("subject.txt", "The turbine of Brackwater Station was new.", about=("Halvorix",))
    naming = source("naming.txt", "Nobody leads Halvorix.")
    await store.put(subject, naming, *DISTRACTORS)

    ledger, scored = await search(store, QUESTION)

    assert (naming.chunk(), subject.chunk()) in ledger.links
    chain = next(chain for chain in scored.chains if chain.chunk_ids[0] == subject.chunk())
    assert chain.chunk_ids == (subject.chunk(), naming.chunk())
    bridge = bridge_between(ledger, *chain.chunk_ids)
    assert bridge is not None
    assert (bridge.key, bridge.kind) == ("halvorix", "back")


async def test_sharing_an_entity_is_worth_half_within_one_document(tmp_path: Path):
    parts = (Part(FIRST.parts[0].text, ("Halvorix",)), Part(SECOND_TEXT, ("Halvorix",)))
    together = Source("both.txt", parts)
    apart = [Source("one.txt", parts[:1]), Source("two.txt", parts[1:])]
    scores: list[float] = []
    for name, sources, ids in (
        ("together", [together], [together.chunk(0), together.chunk(1)]),
        ("apart", apart, [one.chunk() for one in apart]),
    ):
        async with Database(tmp_path / f"{name}.db") as database:
            store = Store(database)
            await store.put(*sources)
            ledger, _ = await search(store, QUESTION)
            bridge = bridge_between(ledger, ids[0], ids[1])
            assert bridge is not None
            scores.append(bridge.score)

    assert scores[0] == pytest.approx(0.5 * scores[1])


async def test_what_a_whole_document_is_about_joins_none_of_its_passages(store: Store):
    about = ("Halvorix",)
    one = Source("one.txt", (Part("The turbine was made.", about=about), Part("Ewa runs it.", about=about)))
    await store.put(one)

    ledger, scored = await search(store, QUESTION)

    assert len(scored.hits) == 2
    assert bridge_between(ledger, one.chunk(0), one.chunk(1)) is None


async def test_what_repeats_a_passage_under_another_name_is_not_joined_to_it(store: Store):
    text = "The turbine of {} Station was made in spring by Halvorix, who tested it twice and painted it green."
    one = source("one.txt", text.format("Brackwater"), "Halvorix")
    copies = [source(f"copy{n}.txt", text.format(name), "Halvorix") for n, name in enumerate(("Overmere", "Lydgate"))]
    second = source("second.txt", SECOND_TEXT, "Halvorix")
    await store.put(one, *copies, second)

    ledger, scored = await search(store, QUESTION)

    assert [bridge_between(ledger, one.chunk(), copy.chunk()) for copy in copies] == [None, None]
    assert bridge_between(ledger, one.chunk(), second.chunk()) is not None
    assert {hit.chunk_id for hit in scored.hits[:2]} == {one.chunk(), second.chunk()}
    ledger.weights = ledger.weights.without("distinct")
    assert second.chunk() not in {hit.chunk_id for hit in score_chains(ledger).hits[:2]}


async def test_copies_rank_after_all_others_and_stand_in_no_chain(store: Store):
    copies = [source(f"print/{n}.txt", SECOND_TEXT, "Halvorix") for n in range(2)]
    firsts = [source(f"print/first{n}.txt", FIRST.parts[0].text, "Halvorix", "Brackwater Station") for n in range(2)]
    await store.put(FIRST, SECOND, *DISTRACTORS, *copies, *firsts)

    ledger, scored = await search(store, QUESTION)

    texts = [ledger.candidates[hit.chunk_id].chunk.text for hit in scored.hits]
    assert {*texts[:2]} == {FIRST.parts[0].text, SECOND_TEXT}
    assert len({*texts[:-4]}) == len(texts) - 4
    assert {*texts[-4:]} == {FIRST.parts[0].text, SECOND_TEXT}
    assert [hit.score for hit in scored.hits] == sorted((hit.score for hit in scored.hits), reverse=True)
    chained = {id_ for chain in scored.chains for id_ in chain.chunk_ids}
    assert chained.isdisjoint(hit.chunk_id for hit in scored.hits[-4:])
    assert all(chain.score > float("-inf") for chain in scored.chains)


async def test_a_passage_and_its_copies_alone_are_scored_by_themselves(store: Store):
    await store.put(*(source(f"{n}.txt", FIRST.parts[0].text, "Halvorix") for n in range(3)))

    _, scored = await search(store, QUESTION)

    assert len(scored.hits) == 3
    (chain,) = scored.chains
    assert chain.chunk_ids == (scored.hits[0].chunk_id,)


async def test_a_text_that_stands_under_two_names_of_the_question_is_no_copy(store: Store):
    text = "Closed. The turbine was leads."
    tickets = [source(f"{name}.txt", text, about=(name,)) for name in ("Ticket Alder", "Ticket Birch", "Ticket Cedar")]
    await store.put(*tickets, *DISTRACTORS)

    _, scored = await search(store, "Who leads Ticket Alder and Ticket Birch?")

    assert {hit.chunk_id for hit in scored.hits[:2]} == {ticket.chunk() for ticket in tickets[:2]}
    assert scored.hits[-1].chunk_id == tickets[2].chunk()


async def test_nothing_is_scored_when_nothing_was_found(store: Store):
    _, scored = await search(store, QUESTION)

    assert (scored.hits, scored.chains, scored.base) == ([], [], {})


async def test_a_single_passage_is_scored_by_itself(store: Store):
    await store.put(FIRST)

    _, scored = await search(store, QUESTION)

    assert scored.hits == [Hit(FIRST.chunk(), round(scored.base[FIRST.chunk()], 6))]
    (chain,) = scored.chains
    assert chain.chunk_ids == (FIRST.chunk(),)
    assert chain.score == pytest.approx(scored.base[FIRST.chunk()])


async def test_chains_do_not_depend_on_the_order_in_which_documents_came(tmp_path: Path):
    outcomes: list[Scored] = []
    for name, sources in (("one", [FIRST, SECOND, *DISTRACTORS]), ("two", [*DISTRACTORS[::-1], SECOND, FIRST])):
        async with Database(tmp_path / f"{name}.db") as database:
            store = Store(database)
            await store.put(*sources)
            outcomes.append((await search(store, QUESTION))[1])

    assert outcomes[0] == outcomes[1]


async def test_chains_do_not_depend_on_the_order_in_which_passages_were_met(store: Store):
    copies = [source("copy.txt", SECOND_TEXT, "Halvorix")]
    sources = [FIRST, SECOND, *DISTRACTORS, *copies]
    await store.put(*sources)
    ids = [one.chunk() for one in sources]
    outcomes: list[Scored] = []
    for order in (ids, ids[::-1], sorted(ids)):
        ledger = await ledger_for(store, QUESTION)
        await ledger.add(order)
        await expand(ledger, sorted(ids), 0)
        outcomes.append(score_chains(ledger))

    assert outcomes[0].chains[0].chunk_ids[1] in {SECOND.chunk(), copies[0].chunk()}
    for outcome in outcomes[1:]:
        assert outcome.hits == outcomes[0].hits
        assert [chain.chunk_ids for chain in outcome.chains] == [chain.chunk_ids for chain in outcomes[0].chains]


# Scope and filter

MIDDLE = "Halvorix is owned by Zyrvane Holdings."
LAST = source("last.txt", "Zyrvane Holdings sits in Porto.", "Zyrvane Holdings")


@pytest.mark.parametrize("hidden", [{"access": "secret"}, {"tenant": "rival"}])
async def test_a_chain_never_passes_through_a_document_outside_the_scope(tmp_path: Path, hidden: dict[str, str]):
    scope = Scope()
    visible = [FIRST, LAST, *DISTRACTORS]
    invisible = [
        source("middle.txt", MIDDLE, "Halvorix", "Zyrvane Holdings", about=("Halvorix",), **hidden),
        source("hidden-second.txt", SECOND_TEXT, "Halvorix", **hidden),
        source("hidden-first.txt", FIRST.parts[0].text, "Halvorix", "Brackwater Station", **hidden),
    ]
    outcomes: list[Scored] = []
    ledgers: list[Ledger] = []
    for name, sources in (("without", visible), ("with", [*invisible, *visible])):
        async with Database(tmp_path / f"{name}.db") as database:
            store = Store(database)
            await store.put(*sources)
            ledger, scored = await search(store, QUESTION, scope)
            ledgers.append(ledger)
            outcomes.append(scored)

    assert outcomes[0] == outcomes[1]
    assert ledgers[0].occurrences == ledgers[1].occurrences
    assert ledgers[1].links == {}
    assert {hit.chunk_id for hit in outcomes[1].hits} == {one.chunk() for one in visible}
    assert not bridges(ledgers[1], outcomes[1])


async def test_who_sees_the_bridge_document_gets_the_chain_through_it(store: Store):
    middle = source("middle.txt", MIDDLE, "Halvorix", "Zyrvane Holdings", access="secret")
    await store.put(FIRST, middle, LAST, *DISTRACTORS)

    ledger, scored = await search(store, QUESTION, Scope(access=frozenset({"secret"})))

    assert scored.chains[0].chunk_ids == (FIRST.chunk(), middle.chunk())
    assert bridge_between(ledger, middle.chunk(), LAST.chunk()) is not None


async def test_a_chain_never_passes_through_a_document_that_the_filter_excludes(store: Store):
    first = source("first.txt", FIRST.parts[0].text, "Halvorix", department="operations")
    middle = source("middle.txt", MIDDLE, "Halvorix", "Zyrvane Holdings", about=("Halvorix",), department="legal")
    last = source("last.txt", "Zyrvane Holdings sits in Porto.", "Zyrvane Holdings", department="operations")
    await store.put(first, middle, last, *DISTRACTORS)

    unfiltered, scored = await search(store, QUESTION)
    assert scored.chains[0].chunk_ids == (first.chunk(), middle.chunk())
    assert unfiltered.links

    narrowed = parse_filter({"department": "operations"}, {"department"})
    ledger, scored = await search(store, QUESTION, filter=narrowed)

    assert {hit.chunk_id for hit in scored.hits} == {first.chunk(), last.chunk()}
    assert {id_ for found in ledger.occurrences.values() for id_ in found.chunk_ids} <= {first.chunk(), last.chunk()}
    assert not ledger.links
    assert not bridges(ledger, scored)


async def test_expanding_a_passage_twice_looks_nothing_up_again(store: Store):
    await store.put(FIRST, SECOND)
    ledger = await ledger_for(store, QUESTION)
    await ledger.add([FIRST.chunk()])

    assert await expand(ledger, [FIRST.chunk(), "unknown"], 10) == [SECOND.chunk()]
    assert await expand(ledger, [FIRST.chunk()], 10) == []
    assert ledger.expanded == {FIRST.chunk()}


async def test_expanding_leads_to_what_mentions_a_rare_entity_too(store: Store):
    apart = source("apart.txt", "Zyrvane sits in Porto.", "Zyrvane")
    crowd = [source(f"{n}.txt", f"Quellan has pump {n}.", "Quellan") for n in range(MENTIONS_OF_NAMED + 1)]
    await store.put(FIRST, SECOND, apart, *crowd)
    ledger = await ledger_for(store, "Who makes the pump that Zyrvane of Quellan runs?")
    named = [entity.id for entity in ledger.question.entities]
    assert len(named) == 2
    await ledger.add([FIRST.chunk()])

    assert await expand(ledger, [FIRST.chunk()], 10, named) == [apart.chunk(), SECOND.chunk()]
