"""Judging evidence: features, identifiers that are absent, words that are missing."""

from dataclasses import replace
from hashlib import sha256

import pytest

from agent.answer import ANSWERED, INSUFFICIENT, judge
from agent.assess import (
    ABSENT_IDENTIFIER,
    NEUTRAL_ANSWER,
    NEUTRAL_BRIDGE,
    WEIGHTS,
    Assessment,
    absent_identifiers,
    assess,
    confidence,
    features,
    missing_words,
)
from agent.evidence import EvidenceSet, choose_evidence
from agent.expected import COMMON, wanted_terms, wanted_weights
from agent.loop import Agent
from agent.spans.wanted import read_wanted
from graphrag.analysis import terms
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument
from graphrag.retrieval.chain import Chain, score_chains
from graphrag.retrieval.graph import graph_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import read_question
from graphrag.types import Scope

SCOPE = Scope()


async def searched(kb: KnowledgeBase, question: str) -> tuple[Ledger, Assessment]:
    """The judgement on what a graph search found."""
    ledger = Ledger(kb.store, SCOPE, await read_question(kb.store, kb.embedder, kb.encoder, SCOPE, question))
    await graph_search(ledger, 20)
    return ledger, assess(ledger)


@pytest.mark.parametrize("question", ["Who supplies the PMX-48 power module?", "what is it?", "zyzzyva quux"])
async def test_features_are_those_of_the_model_and_within_bounds(kb: KnowledgeBase, question: str):
    _, assessment = await searched(kb, question)

    assert set(assessment.features) == set(WEIGHTS) - {"bias"}
    for name in ("coverage", "quoted", "heaviest", "names", "joined"):
        assert -1e-9 <= assessment.features[name] <= 1 + 1e-9
    assert assessment.features["joined"] <= assessment.features["coverage"] + 1e-9
    assert assessment.features["quoted"] <= assessment.features["coverage"] + 1e-9
    assert assessment.features["bridge"] >= 0
    assert assessment.features["margin"] <= 1
    assert (assessment.coverage, assessment.joined) == (assessment.features["coverage"], assessment.features["joined"])
    assert assessment.confidence == confidence(assessment.features)


async def test_a_passage_that_holds_the_whole_question_answers_alone_unless_it_stands_in_the_best_pair(
    kb: KnowledgeBase,
):
    ledger, _ = await searched(kb, "Who supplies the PMX-48 power module?")
    scored = score_chains(ledger)
    wanted = wanted_terms(ledger.question)
    whole = next(id_ for id_, candidate in ledger.candidates.items() if wanted <= candidate.terms)
    one, other = [id_ for id_, candidate in ledger.candidates.items() if not wanted <= candidate.terms][:2]
    base = {**scored.base, whole: 9.0}

    apart = choose_evidence(ledger, replace(scored, base=base, chains=[Chain((one, other), 1.0)]))
    within = choose_evidence(ledger, replace(scored, base=base, chains=[Chain((one, whole), 1.0)]))

    assert (apart.chunk_ids, apart.alone) == ((whole,), True)
    assert (within.chunk_ids[0], within.alone) == (whole, False)
    values = features(ledger, replace(scored, base=base), apart, None)
    assert (values["bridge"], values["margin"]) == (NEUTRAL_BRIDGE, 1.0)


async def test_what_nothing_joins_to_the_first_passage_says_little_unless_two_things_are_compared(kb: KnowledgeBase):
    ledger, _ = await searched(kb, "Who supplies the PMX-48 power module?")
    first, other = [id_ for id_, candidate in ledger.candidates.items() if candidate.terms and not candidate.named][:2]
    held = ledger.candidates[first].terms | ledger.candidates[other].terms
    apart = EvidenceSet((first, other), (), held, 1.0)
    scored = score_chains(ledger)

    alone = features(ledger, scored, EvidenceSet((first,), (), ledger.candidates[first].terms, 1.0), None)
    values = features(ledger, scored, apart, None)
    compared = features(ledger, scored, replace(apart, compared=True), None)

    assert values["joined"] == alone["joined"]
    assert compared["joined"] == pytest.approx(compared["coverage"])
    assert (values["bridge"], compared["bridge"]) == (0.0, NEUTRAL_BRIDGE)


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        ("When did the gateways at Maasvliet Terminal go dark?", True),
        ("How tall is the PMX-48 power module?", False),
        ("How does the PMX-48 power module fail?", False),
    ],
)
async def test_evidence_that_shows_an_answer_of_the_kind_asked_for_counts_more(
    kb: KnowledgeBase, question: str, answered: bool
):
    _, assessment = await searched(kb, question)

    assert (assessment.short is not None) == answered
    assert assessment.features["answer"] == (assessment.short.confidence if assessment.short else NEUTRAL_ANSWER)


async def test_without_evidence_every_feature_is_zero(empty: KnowledgeBase):
    _, assessment = await searched(empty, "Who supplies the power module?")

    assert set(assessment.features.values()) == {0.0}
    assert assessment.confidence < INSUFFICIENT
    assert assessment.evidence.chunk_ids == ()
    assert judge(assessment.evidence, assessment.confidence) == "insufficient_evidence"


async def test_a_common_word_that_is_missing_on_the_way_says_less_than_a_rare_one(kb: KnowledgeBase):
    async def missing_share(question: str, word: str) -> float:
        read = await read_question(kb.store, kb.embedder, kb.encoder, SCOPE, question)
        weights = wanted_weights(read)
        (term,) = terms(word)
        return weights[term] / read.weights[term]

    assert (
        await missing_share("Which company brings the gasket of the pump that failed at the harbour?", "brings")
        == COMMON
    )
    assert await missing_share("Which company galvanised the gasket of the pump that failed?", "galvanised") == 1.0
    assert await missing_share("Who supplies the gasket of the pump that failed at Ferry Place?", "Place") == 1.0
    assert await missing_share("Which company brings the gasket?", "brings") == 1.0  # the one thing that is asked


async def test_an_amount_with_its_unit_tells_what_it_is_called(empty: KnowledgeBase):
    text = "The Velda is a river in Carinthia. It is 71 km long and flows into the Drau."
    document = LoadedDocument("velda", "Velda", "text/plain", text, (), (), {}, sha256(text.encode()).hexdigest())
    await ingest_documents(empty, SCOPE, [document])

    _, length = await searched(empty, "What is the length of the Velda?")
    _, warm = await searched(empty, "What is the temperature of the Velda?")

    assert (length.missing, warm.missing) == ((), ("temperature",))
    assert length.coverage == 1.0 > warm.coverage


def test_confidence_grows_with_what_speaks_for_the_evidence_and_stays_a_probability():
    middle = dict.fromkeys((name for name in WEIGHTS if name != "bias"), 0.5)

    for name, weight in WEIGHTS.items():
        if name != "bias":
            more = confidence({**middle, name: 0.9})
            assert (more > confidence(middle)) == (weight > 0)
    assert 0 < confidence(dict.fromkeys(middle, -1e9)) <= confidence(dict.fromkeys(middle, 1e9)) < 1


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.0, "insufficient_evidence"),
        (INSUFFICIENT - 0.001, "insufficient_evidence"),
        (INSUFFICIENT, "evidence_only"),
        (ANSWERED - 0.001, "evidence_only"),
        (ANSWERED, "answered"),
        (1.0, "answered"),
    ],
)
def test_the_verdict_follows_from_the_confidence(value: float, verdict: str):
    assert judge(EvidenceSet(("a",), (), frozenset(), 1.0), value) == verdict


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What happened in INC-9999?", "INC-9999"),
        ("Who supplies the PMX-49 power module of Halvorix Components?", "PMX-49"),
        ("Which warranty has the PMX-48 power module under SA-119?", "SA-119"),
    ],
)
async def test_an_absent_identifier_makes_evidence_insufficient_and_is_named_first(
    kb: KnowledgeBase, question: str, first: str
):
    answer = await Agent(kb).run(SCOPE, question)

    assert answer.verdict == "insufficient_evidence"
    assert answer.confidence <= ABSENT_IDENTIFIER
    assert answer.missing[0] == first
    assert not {*first.split("-")} & {*answer.missing}, "nothing is missing twice"
    assert answer.text == ""


@pytest.mark.parametrize(
    ("question", "absent"),
    [
        ("Who led the response to INC-2041?", ()),
        ("Who led the response to inc 2041?", ()),
        ("What is the warranty of the PMX48 power module?", ()),
        ("What kind of press is the VX-4?", ()),
        ("Why was the sensor_7 probe replaced?", ()),
        ("What is asset 550e8400-e29b-41d4-a716-446655440000?", ()),
        ("What kind of press is the VX-5?", ("VX-5",)),
        ("Who led the response in 2025?", ()),
        ("Who led the response?", ()),
    ],
)
async def test_an_identifier_is_found_however_it_is_hyphenated(
    kb: KnowledgeBase, question: str, absent: tuple[str, ...]
):
    ledger, assessment = await searched(kb, question)

    assert absent_identifiers(ledger, assessment.evidence) == absent


@pytest.mark.parametrize("said", ["Between A and " * 280, "A B or " * 560, "ß-" * 1_990, "A.B." * 990, "1.a" * 1_300])
async def test_a_question_that_repeats_itself_takes_no_longer_than_others(kb: KnowledgeBase, said: str):
    # Seconds to hours on the event loop, if patterns tried every way to cut it.
    ledger, assessment = await searched(kb, f"Who led the response to INC-2041? {said[:3_900]}")

    assert "INC-2041" not in absent_identifiers(ledger, assessment.evidence)
    assert read_wanted(ledger.question.text).kind in ("person", "choice")


async def test_words_that_the_evidence_lacks_are_missing_weightiest_first(kb: KnowledgeBase):
    text = "Has an elephant in Porto, Porto, the power modules?"
    question = await read_question(kb.store, kb.embedder, kb.encoder, SCOPE, text)
    evidence = EvidenceSet(("a",), (), frozenset(terms("power module")), 1.0)

    missing = missing_words(question, evidence)

    # "Porto" stands in a passage, "elephant" in none: the rarer a word, the more it weighs.
    assert missing == ("elephant", "Porto")
    assert missing_words(question, EvidenceSet((), (), frozenset(question.terms), 1.0)) == ()


async def test_words_that_say_what_kind_of_answer_is_wanted_are_not_missing(kb: KnowledgeBase):
    _, assessment = await searched(kb, "Which elephant flies, and for how much money?")

    assert "elephant" not in assessment.missing
    assert "money" not in assessment.missing
    assert "flies" in assessment.missing
