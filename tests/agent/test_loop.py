"""The loop: what a trace tells, why a run stops, and that a call gone wrong does not end it."""

import math
from copy import copy
from dataclasses import replace

import pytest

from agent.assess import Assessment, assess
from agent.loop import ALL_TOOLS, Agent
from agent.planner import EvidencePlanner, Plan, Planner, State, Stop
from agent.tool import Means
from agent.tools import GRAPH_TOOLS, TOOLS, GraphExpand, GraphSearch, KeywordSearch, ReadChunk, VectorSearch
from agent.types import Answer, Budget, Piece, ShortAnswer, Step, StoppedBy
from graphrag.errors import InputError
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import load_bytes
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import read_question
from graphrag.stores.trips import count_round_trips
from graphrag.types import Scope

SCOPE = Scope()
QUESTIONS = [
    "Who supplies the PMX-48 power module?",
    "Who leads the response to INC-2041, and where does Ewa Strzelecka work?",
    "Which company owns the supplier of the power module that burnt out at Maasvliet Terminal?",
    "what is it?",
    "zyzzyva quux",
]


def without_times(answer: Answer) -> Answer:
    """The answer as it has to be every time."""
    steps = tuple(
        replace(step, observations=tuple(replace(seen, milliseconds=0.0) for seen in step.observations))
        for step in answer.steps
    )
    return replace(answer, steps=steps, milliseconds=0.0)


# Traces


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_trace_tells_what_was_called_and_what_it_brought(kb: KnowledgeBase, question: str):
    with count_round_trips() as trips:
        answer = await Agent(kb).run(SCOPE, question)

    assert [step.number for step in answer.steps] == list(range(1, len(answer.steps) + 1))
    observations = [seen for step in answer.steps for seen in step.observations]
    met = {ranked.chunk_id for ranked in answer.ranked}
    for seen in observations:
        call = TOOLS[seen.tool](**seen.arguments)
        assert call.model_dump(exclude_defaults=True) == seen.arguments
        assert not seen.error
        assert set(seen.hits) <= met
        assert 0 <= seen.new_evidence <= len(set(seen.hits))
        assert seen.milliseconds > 0
    assert sum(seen.new_evidence for seen in observations) == len(met) == len(answer.ranked)
    assert all(seen.round_trips > 0 for seen in observations if seen.hits)
    # Three reads for the question (decisions, statistics, names), one more for words near one that nothing holds ("zyzzyva"),
    # and one for each step that brought passages.
    read = 3 + ("zyzzyva" in question)
    brought = sum(any(seen.new_evidence for seen in step.observations) for step in answer.steps)
    assert answer.round_trips == sum(seen.round_trips for seen in observations) + read + brought == trips.count
    assert all(step.reason for step in answer.steps)
    assert all(0 <= step.coverage <= 1 and math.isfinite(step.score) for step in answer.steps)
    assert 0 <= answer.confidence <= 1
    assert 0 < max(seen.milliseconds for seen in observations) <= answer.milliseconds


async def test_passages_met_are_ranked_by_score_without_repetition(kb: KnowledgeBase):
    answer = await Agent(kb).run(SCOPE, QUESTIONS[0])

    scores = [ranked.score for ranked in answer.ranked]
    assert scores == sorted(scores, reverse=True)
    assert len({ranked.chunk_id for ranked in answer.ranked}) == len(answer.ranked)
    chunks = {
        chunk.id: chunk.document_id for chunk in await kb.store.chunks(SCOPE, [r.chunk_id for r in answer.ranked])
    }
    assert chunks == {ranked.chunk_id: ranked.document_id for ranked in answer.ranked}


async def test_steps_are_streamed_before_the_answer_that_holds_them(kb: KnowledgeBase):
    events = [event async for event in Agent(kb).stream(SCOPE, QUESTIONS[1])]

    *before, answer = events
    assert isinstance(answer, Answer)
    steps = [event for event in before if isinstance(event, Step)]
    pieces = [event.text for event in before if isinstance(event, Piece)]
    assert events == [*steps, *(Piece(text) for text in pieces), *answer.citations, answer]
    assert "".join(pieces) == answer.text
    assert tuple(steps) == answer.steps


@pytest.mark.parametrize("question", QUESTIONS)
async def test_the_same_question_gets_the_same_answer(kb: KnowledgeBase, question: str):
    first, second = [await Agent(kb).run(SCOPE, question) for _ in range(2)]

    assert without_times(first) == without_times(second)


async def test_what_a_graph_search_brought_counts_as_new_evidence(kb: KnowledgeBase, script: type[Planner]):
    answer = await Agent(kb, planner=lambda: script([(GraphSearch(),)])).run(SCOPE, QUESTIONS[0])

    ((seen,),) = [step.observations for step in answer.steps]
    assert seen.hits
    assert seen.new_evidence > 0


async def test_a_passage_that_two_calls_found_is_new_evidence_of_the_first(kb: KnowledgeBase, script: type[Planner]):
    call = VectorSearch(query=QUESTIONS[0], k=3)

    answer = await Agent(kb, planner=lambda: script([(call, call), (call,)])).run(SCOPE, QUESTIONS[0])

    assert [[seen.new_evidence for seen in step.observations] for step in answer.steps] == [[3, 0], [0]]
    assert len(answer.ranked) == 3


# Calls that go wrong


async def test_a_call_that_cannot_be_carried_out_is_observed_and_the_run_goes_on(
    kb: KnowledgeBase, script: type[Planner]
):
    wrong = (VectorSearch(query="x", unexplained_by=("unknown",)), GraphExpand(), ReadChunk(chunk_id="unknown"))
    planner = script([wrong, (KeywordSearch(query="power module"), *wrong)])

    answer = await Agent(kb, planner=lambda: planner).run(SCOPE, QUESTIONS[0])

    first, second = [step.observations for step in answer.steps]
    assert all(seen.error and not seen.hits and not seen.new_evidence for seen in (*first, *second[1:]))
    assert second[0].hits
    assert not second[0].error
    assert answer.citations


@pytest.mark.parametrize("question", ["", "ab", "???", "a" * 4_001])
async def test_a_question_that_cannot_be_read_raises(kb: KnowledgeBase, question: str):
    with pytest.raises(InputError):
        await Agent(kb).run(SCOPE, question)


async def test_the_longest_question_that_is_accepted_is_answered(kb: KnowledgeBase):
    question = ("Who supplies the PMX-48 power module? " * 200)[:4_000]

    assert (await Agent(kb).run(SCOPE, question)).ranked


# Why a run stops


@pytest.mark.parametrize("question", QUESTIONS)
async def test_nothing_stored_ends_in_insufficient_evidence(empty: KnowledgeBase, question: str):
    answer = await Agent(empty).run(SCOPE, question)

    assert (answer.verdict, answer.stopped_by, answer.text) == ("insufficient_evidence", "empty", "")
    assert (answer.citations, answer.path, list(answer.ranked)) == ((), (), [])
    assert answer.confidence < 0.1
    assert len(answer.steps) == 1


async def test_nothing_visible_ends_as_nothing_stored_does(kb: KnowledgeBase, empty: KnowledgeBase):
    stranger = Scope(tenant="rival")

    answers = [await Agent(base).run(stranger, QUESTIONS[0]) for base in (kb, empty)]

    assert without_times(answers[0]) == without_times(answers[1])


async def test_without_any_tool_a_run_ends_at_once(kb: KnowledgeBase):
    answer = await Agent(kb, tools=frozenset()).run(SCOPE, QUESTIONS[0])

    assert (answer.verdict, answer.stopped_by, answer.steps) == ("insufficient_evidence", "empty", ())


@pytest.mark.parametrize("budget", [Budget(steps=1), Budget(round_trips=1), Budget(seconds=0.0)])
async def test_a_spent_budget_ends_the_search_and_what_was_found_is_answered_from(kb: KnowledgeBase, budget: Budget):
    answer = await Agent(kb, budget=budget).run(SCOPE, QUESTIONS[2])

    assert answer.stopped_by == "budget"
    assert len(answer.steps) == 1
    assert answer.citations
    assert answer.ranked


async def test_a_budget_of_two_steps_is_kept(kb: KnowledgeBase, script: type[Planner]):
    planner = script([(KeywordSearch(query=word),) for word in ("power", "module", "Porto", "Delft")])

    answer = await Agent(kb, planner=lambda: planner, budget=Budget(steps=2)).run(SCOPE, QUESTIONS[0])

    assert (len(answer.steps), answer.stopped_by) == (2, "budget")


async def test_a_run_that_finds_nothing_more_stops_for_no_gain(kb: KnowledgeBase):
    answer = await Agent(kb).run(SCOPE, "Why do zebras sleep on cold mountains?")

    assert answer.stopped_by == "no_gain"
    assert answer.verdict == "insufficient_evidence"


async def test_evidence_that_joins_up_stops_the_search_as_sufficient(empty: KnowledgeBase):
    first = "Brackwater Station has a turbine built by Halvorix Components.\n"
    second = "Halvorix Components, builder of turbines, has a director in Gdynia.\n"
    for name, text in (("a.txt", first), ("b.txt", second)):
        await ingest_documents(empty, SCOPE, load_bytes(text.encode(), name))
    for n in range(40):  # more than a first search returns, with words that the question does not hold
        text = f"Soup number {n} is served cold on Mondays.\n".encode()
        await ingest_documents(empty, SCOPE, load_bytes(text, f"{n}.txt"))

    answer = await Agent(empty).run(SCOPE, "Has the builder of the Brackwater Station turbine a director in Gdynia?")

    assert answer.stopped_by == "sufficient"
    assert answer.verdict == "answered"
    assert {citation.source for citation in answer.citations} == {"a.txt", "b.txt"}


async def test_nothing_else_is_looked_for_where_one_passage_holds_the_question(kb: KnowledgeBase):
    answer = await Agent(kb).run(SCOPE, "What did Lusovent Paper report?")

    assert len(answer.steps) == 1
    assert answer.stopped_by == "sufficient"


async def test_a_passage_that_holds_the_question_and_no_answer_is_followed(empty: KnowledgeBase):
    for name, text in (
        ("a.txt", "Ferrosonde is the third album by the singer Ada Quill.\n"),
        ("b.txt", "Ada Quill lives in Oregon.\n"),
    ):
        await ingest_documents(empty, SCOPE, load_bytes(text.encode(), name))

    answer = await Agent(empty).run(SCOPE, "Ferrosonde is the third album by a singer from what state?")
    told = await Agent(empty).run(SCOPE, "Who is the singer of the third album Ferrosonde?")

    assert "graph_expand" in {seen.tool for step in answer.steps for seen in step.observations}
    assert len(told.steps) == 1


@pytest.fixture
async def found(kb: KnowledgeBase) -> tuple[Ledger, Assessment]:
    """What a first search found, and a judgement for tests to change."""
    question = await read_question(kb.store, kb.embedder, kb.encoder, SCOPE, QUESTIONS[0])
    ledger = Ledger(kb.store, SCOPE, question)
    await ledger.add(await VectorSearch(query=QUESTIONS[0]).run(ledger, Means(kb.embedder)))
    return ledger, assess(ledger)


def judged(assessment: Assessment, **values: object) -> Assessment:
    """The same with other outcomes than those that would be worked out."""
    changed = copy(assessment)
    vars(changed).update(values)
    return changed


@pytest.mark.parametrize(
    ("step", "confidence", "stops"), [(2, 1.0, "sufficient"), (2, 0.05, "no_gain"), (3, 0.01, "no_gain")]
)
async def test_later_the_planner_stops_by_the_confidence(
    found: tuple[Ledger, Assessment], step: int, confidence: float, stops: StoppedBy
):
    ledger, assessment = found
    state = State(ledger, step, judged(assessment, confidence=confidence), 5, ALL_TOOLS)

    assert await EvidencePlanner().next(state) == Stop(stops)


async def test_evidence_of_next_to_nothing_gets_a_third_step(found: tuple[Ledger, Assessment]):
    ledger, assessment = found

    plan = await EvidencePlanner().next(State(ledger, 2, judged(assessment, confidence=0.01), 5, ALL_TOOLS))

    assert isinstance(plan, Plan)


@pytest.mark.parametrize(
    ("confidence", "joined", "answered", "compared", "stops"),
    [
        (0.5, 0.9, True, False, True),
        (0.5, 0.7, True, False, False),  # its words stand in passages that little joins
        (0.99, 1.0, False, False, False),  # nothing shows the answer
        (0.2, 0.9, True, False, False),  # the answer would be that the evidence does not suffice
        (0.5, 0.0, False, True, True),  # the passages about both things
        (0.2, 0.0, False, True, False),
    ],
)
async def test_the_first_searches_suffice_with_an_answer_that_is_firmly_joined(
    found: tuple[Ledger, Assessment], confidence: float, joined: float, answered: bool, compared: bool, stops: bool
):
    ledger, assessment = found
    chunk = next(iter(ledger.candidates.values())).chunk
    short = ShortAnswer("Vantor Components", "thing", 0.6, chunk.document_id, chunk.id, 0, 17) if answered else None
    evidence = replace(assessment.evidence, alone=True, compared=compared)
    changed = judged(assessment, confidence=confidence, short=short, joined=joined, evidence=evidence)

    plan = await EvidencePlanner().next(State(ledger, 1, changed, 5, ALL_TOOLS))

    assert plan == Stop("sufficient") if stops else isinstance(plan, Plan)


@pytest.mark.parametrize("alone", [True, False])
async def test_what_no_short_answer_could_say_suffices_in_one_passage_with_the_whole_question(
    kb: KnowledgeBase, alone: bool
):
    text = "What kind of module is the PMX-48?"
    question = await read_question(kb.store, kb.embedder, kb.encoder, SCOPE, text)
    ledger = Ledger(kb.store, SCOPE, question)
    await ledger.add(await VectorSearch(query=text).run(ledger, Means(kb.embedder)))
    assessment = assess(ledger)
    evidence = replace(assessment.evidence, alone=alone, compared=False)

    plan = await EvidencePlanner().next(
        State(ledger, 1, judged(assessment, confidence=0.5, short=None, evidence=evidence), 5, ALL_TOOLS)
    )

    assert plan == Stop("sufficient") if alone else isinstance(plan, Plan)


async def test_courtesies_around_a_question_change_nothing(kb: KnowledgeBase):
    plain = await Agent(kb).run(SCOPE, QUESTIONS[0])
    courteous = await Agent(kb).run(
        SCOPE, f"Hello, could you please tell me {QUESTIONS[0][:1].lower()}{QUESTIONS[0][1:]} Thanks!"
    )

    assert courteous.question == plain.question == QUESTIONS[0]
    assert (courteous.text, courteous.confidence, courteous.ranked) == (plain.text, plain.confidence, plain.ranked)


# Tools that are switched off


@pytest.mark.parametrize("off", [GRAPH_TOOLS, {"vector_search"}, {"keyword_search"}, {"graph_expand", "vector_search"}])
@pytest.mark.parametrize("question", QUESTIONS[:3])
async def test_a_tool_that_is_switched_off_is_never_called(kb: KnowledgeBase, off: frozenset[str], question: str):
    answer = await Agent(kb, tools=ALL_TOOLS - off).run(SCOPE, question)

    called = {seen.tool for step in answer.steps for seen in step.observations}
    assert called
    assert not called & off
    if off >= {"graph_expand"}:
        assert answer.path == ()
