"""Offering a short answer, or none.

The model is a softmax over every possible answer of the best passages and one more outcome, that none of them is right.
benchmarks/fit_spans.py fits it on HotpotQA and MuSiQue training questions and says how well a fit on one does on the other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

from agent.evidence import EvidenceSet, left_to_ask
from agent.expected import says_one_thing
from agent.spans.candidates import Found
from agent.spans.comparison import decide
from agent.spans.described import asks_what_it_is, described
from agent.spans.descriptions import whole
from agent.spans.features import Weighed, weigh
from agent.spans.kin import tells_of_others
from agent.spans.stated import STATED, stated_answer
from agent.spans.told import told
from agent.spans.wanted import Wanted, read_wanted
from agent.telling import asks_of_order, lacks_life
from agent.types import ShortAnswer
from graphrag.retrieval.ledger import Ledger
from graphrag.types import Hit

WEIGHTS: Mapping[str, float] = {
    "none": 7.24,
    "behind": -3.15,
    "evidence": 0.91,
    "explained": 4.39,
    "asked": 0.82,
    "asked_near": 1.31,
    "nearest": 1.76,
    "through": -1.51,
    "type": 1.9,
    "head": 2.56,
    "described": 0.92,
    "first": 1.43,
}
OFFERED = 0.28
"""Least probability for an answer to be offered. Chosen on HotpotQA and MuSiQue, each with a fit on the other: what is a little less
probable is mostly wrong.
"""
TOLD = 0.5
"""Confidence of the name that a sentence tells where nothing is probable enough. Most of those of four made-up teams (benchmarks/teams)
are right."""
COMPARED = 0.7
"""Confidence of a comparison, as often as those of HotpotQA were right. They are made only where the facts are plain."""


def short_answer(ledger: Ledger, evidence: EvidenceSet, hits: Sequence[Hit]) -> ShortAnswer | None:
    """A short answer with the place where it stands; None if nothing is probable enough. Needs no further read.

    Args:
        hits: the passages, best first.
    """
    ledger, evidence = left_to_ask(ledger, evidence)
    if evidence.left is not None and evidence.alone:
        # Their order is that of the question as it was: what led there goes before what it leads to.
        hits = [replace(hit, score=hits[0].score) for hit in hits]
    wanted = read_wanted(ledger.question.text)
    if wanted.kind in ("choice", "yes_no"):
        decided = evidence.decided if evidence.left is None else decide(ledger, hits, wanted)
        if decided is None:
            return None
        text, found, confidence = decided.text, decided.found, COMPARED
    else:
        found, confidence = _find(ledger, evidence, hits, wanted)
        if found is None or confidence < OFFERED:
            return None
        text = found.text
    return ShortAnswer(
        text=text,
        kind=wanted.kind,
        confidence=round(confidence, 4),
        document_id=found.chunk.document_id,
        chunk_id=found.chunk.id,
        start=found.start,
        end=found.end,
    )


def _find(ledger: Ledger, evidence: EvidenceSet, hits: Sequence[Hit], wanted: Wanted) -> tuple[Found | None, float]:
    """Where the answer stands, and its confidence: what passages lead to, else what it is described as, else what is stated or most probable."""
    if evidence.reached is not None:
        return evidence.reached.found, STATED
    asking = asks_what_it_is(ledger.question.text)
    if asking is not None and (found := described(ledger, hits, asking)) is not None:
        return found, STATED
    stated = stated_answer(ledger, evidence.chunk_ids, wanted) or (None, 0.0)
    if asking is not None or tells_of_others(ledger, hits) or lacks_life(ledger.question, evidence.terms):
        return stated
    probable = most_probable(weigh(ledger, evidence, hits, wanted))
    best = max(probable, stated, key=itemgetter(1))
    if best[1] >= OFFERED:
        return best
    question = ledger.question
    one_thing = (evidence.alone or says_one_thing(question)) and not asks_of_order(question.text)
    description = whole(question.text, wanted) if one_thing else None
    chosen = [hit for hit in hits if hit.chunk_id in evidence.chunk_ids]
    found = told(ledger, chosen, description) if description is not None else None
    return (found, TOLD) if found is not None else best


def most_probable(weighed: Sequence[Weighed], weights: Mapping[str, float] = WEIGHTS) -> tuple[Found | None, float]:
    """The answer with the highest probability, at its best place, and the probability; (None, 0.0) without any.

    Places with the same key are one answer, whose probabilities add up.
    """
    best: dict[str, tuple[float, Found]] = {}
    mass: dict[str, float] = {}
    total = math.exp(weights["none"])
    for item in weighed:
        odds = math.exp(sum(weights[name] * value for name, value in item.features.items()))
        total += odds
        key = item.found.key
        mass[key] = mass.get(key, 0.0) + odds
        if key not in best or odds > best[key][0]:
            best[key] = (odds, item.found)
    if not mass:
        return None, 0.0
    chosen = min(mass, key=lambda key: (-mass[key], key))
    return best[chosen][1], mass[chosen] / total
