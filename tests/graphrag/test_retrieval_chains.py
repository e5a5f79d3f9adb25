"""Retrieval: the scoring of chains, within scope and filter."""

from pathlib import Path

import pytest
from msgspec import structs

from graphrag.analysis import terms
from graphrag.filters import parse_filter
from graphrag.retrieval.chain import (
    COMMON_CHUNKS,
    KEPT,
    MAX_COMMON_CHUNKS,
    Scored,
    bridge_between,
    common_from,
    score_chains,
)
from graphrag.retrieval.graph import MENTIONS_OF_NAMED, expand
from graphrag.retrieval.ledger import Ledger
from graphrag.stores.embedded.database import Database
from graphrag.types import Hit, Scope
from tests.graphrag.handmade import (
    DISTRACTORS,
    FIRST,
    QUESTION,
    SECOND,
    SECOND_TEXT,
    Part,
    Source,
    Store,
    bridges,
    ledger_for,
    search,
    source,
)


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


async def test_a_word_that_few_passages_hold_counts_without_a_joint_and_a_common_one_does_not(store: Store):
    first = source("band.txt", "Admiral Twin released a record.", "Admiral Twin", about=("Admiral Twin",))
    rare = source("museums.txt", "The Philbrook collection is kept here.", "Tulsa")
    common = source("fund.txt", "The museum fund opened here.", "Cebu")
    many = [source(f"museum-{n}.txt", f"The museum opened hall {n}.", f"Hall {n}") for n in range(40)]
    await store.put(first, rare, common, *many)
    question = "When did Admiral Twin play in the city where the Philbrook museum opened?"

    ledger, scored = await search(store, question)

    assert ledger.question.statistics.frequency["philbrook"] == 1
    assert bridge_between(ledger, first.chunk(), rare.chunk()) is None
    assert {hit.chunk_id for hit in scored.hits[:2]} == {first.chunk(), rare.chunk()}


async def test_what_many_passages_name_promises_no_more_than_if_the_best_names_it(store: Store):
    first = source("first.txt", "Halvorix opened a yard in Gdynia, Pomerania.", "Gdynia", "Pomerania")
    others = [source(f"{n}.txt", f"Depot {n} of Pomerania.", "Pomerania") for n in range(4)]
    rare = source("rare.txt", "The mayor of Gdynia.", "Gdynia")
    common = source("common.txt", "The voivode of Pomerania.", "Pomerania")
    await store.put(first, rare, common, *others)
    ledger = await ledger_for(store, QUESTION)
    expanded = [first.chunk(), *(other.chunk() for other in others)]
    await ledger.add(expanded)

    assert await expand(ledger, expanded, 1) == [rare.chunk()]


async def test_the_passage_nearest_by_its_vector_ranks_right_after_the_best_chain(store: Store):
    joined = [source(f"yard-{n}.txt", f"Halvorix delivered hull {n} to yard {n}.", "Halvorix") for n in range(8)]
    await store.put(FIRST, SECOND, *DISTRACTORS, *joined)
    ledger, before = await search(store, QUESTION)
    last = before.hits[-1].chunk_id
    nearest = max(candidate.similarity for candidate in ledger.candidates.values()) + 0.01

    for id_, candidate in ledger.candidates.items():
        ledger.candidates[id_] = structs.replace(candidate, best_sentence=1.0)
    ledger.candidates[last] = structs.replace(
        ledger.candidates[last], similarity=nearest, keyword=0.0, best_sentence=0.0
    )
    after = score_chains(ledger)

    assert sorted(after.base.values(), reverse=True).index(after.base[last]) >= KEPT
    assert last in {hit.chunk_id for hit in after.hits[: 2 + KEPT + 1]}
