"""Choosing the evidence set: the passages that together answer the question."""

import copy
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import combinations

from agent.expected import says_one_thing, wanted_terms
from agent.spans.candidates import LEADING, Found, Reached
from agent.spans.comparison import Comparison, compared_passages, decide
from agent.spans.fields import fields_of
from agent.spans.kin import relative
from agent.spans.naming import names_it
from agent.spans.wanted import read_wanted
from graphrag.analysis import asked_terms, normalise
from graphrag.retrieval.chain import Bridge, Scored, bridge_between
from graphrag.retrieval.ledger import Ledger
from graphrag.types import Hit

MAX_EVIDENCE = 4
"""Passages cited at most."""
RANK = 0.3
"""What a further passage loses for each point by which its chain is behind the best one."""
MIN_EXTENSION = 0.15
"""Least worth of a further passage: new question weight it covers, plus half of how strongly it is joined, less RANK."""
MIN_PARTNER = 0.15
"""Least worth of the second passage of the best pair; below it the one that answers better by itself stands alone."""
WHOLE = 0.95
"""Share of the question's term weight that counts as the whole question: a passage that holds it answers alone, and passages
that hold it together take no further one from their own documents, whose passages are joined anyway."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is left to ask where passages tell what a question goes through."""

    question: str
    """Of "who manages the yard of the Skarv", of which one says that it is Osk Yard, "who manages Osk Yard"."""
    name: str
    """What it asks about: "Osk Yard"."""
    told: frozenset[str] = frozenset()
    """Terms of the question that passages tell in other words."""


@dataclass(frozen=True, slots=True)
class EvidenceSet:
    """Passages, the one that answers best by itself first, with the bridge into each further one from one before it.

    Most are found by score: a pair with what extends it, or one that answers `alone`. Others are chosen by what they say: those about
    two things that are `compared`, those that have `reached` an answer step by step, and those that tell what the question goes through,
    so that something is `left` to ask.
    """

    chunk_ids: tuple[str, ...]
    bridges: tuple[tuple[str, str, Bridge], ...]
    """(earlier chunk, later chunk, why)."""
    terms: frozenset[str]
    """Question terms that the set holds."""
    score: float
    """Score of the pair it began with."""
    alone: bool = False
    """Whether nothing need join it: one passage that holds the whole question, or those about the one thing that is asked about."""
    compared: bool = False
    """Whether it is about two things that the question compares, which nothing need join."""
    decided: Comparison | None = None
    """What the comparison comes to, where that is plainly said."""
    reached: Reached | None = None
    """The answer to which the set leads step by step, passage by passage: a relative, or what a record says of what another one names."""
    left: Left | None = None
    """Where passages tell what the question goes through."""
    steps: tuple[Found, ...] = ()
    """What that is, where they tell it."""

    @property
    def told(self) -> frozenset[str]:
        """Terms that the set tells and no passage by its words."""
        if self.reached is not None:
            return self.reached.terms
        return self.left.told if self.left is not None else frozenset()

    @property
    def by_score(self) -> bool:
        """Whether it was found by score, and not by what its passages say."""
        return not self.compared and self.reached is None and self.left is None


def choose_evidence(ledger: Ledger, scored: Scored) -> EvidenceSet:
    """One passage alone if it holds the whole question and leads the best pair, or is the best by itself and outside that pair.

    Of two things that are compared, the passages about them, or those of the fields that decide; of a relative who is asked for, those
    that say who is whose. Else the best pair with what extends it.
    """
    if not scored.hits:
        return EvidenceSet((), (), frozenset(), 0.0)
    best = scored.chains[0] if scored.chains else None
    pair = best.chunk_ids if best is not None else (scored.hits[0].chunk_id,)
    score = best.score if best is not None else 0.0
    compared, decided = _compared(ledger, scored.hits)
    if compared:
        return replace(of_passages(ledger, compared, score), compared=True, decided=decided)
    kin = relative(ledger, scored.hits)
    if kin is not None:
        return leading_to(ledger, kin, score)
    best_alone = min(scored.base, key=lambda id_: (-scored.base[id_], id_))
    for id_ in (pair[0],) if best_alone in pair else (pair[0], best_alone):
        if _is_whole(ledger, ledger.candidates[id_].terms):
            return of_passages(ledger, (id_,), scored.hits[0].score, alone=True)
    return _extended(ledger, scored, pair, score)


def _compared(ledger: Ledger, hits: Sequence[Hit]) -> tuple[tuple[str, ...], Comparison | None]:
    """The passages about two things that the question compares, or those of the fields that decide, and what is decided; none where it
    compares nothing.
    """
    wanted = read_wanted(ledger.question.text)
    decided = decide(ledger, hits, wanted)
    if decided is not None and decided.fields:
        return tuple(dict.fromkeys(field.chunk.id for field in decided.fields)), decided
    return compared_passages(ledger, hits, wanted)[:MAX_EVIDENCE], decided


def _is_whole(ledger: Ledger, held: Set[str]) -> bool:
    """Whether some terms are as good as the whole question."""
    weights, wanted = ledger.question.weights, wanted_terms(ledger.question)
    return weight_of(weights, held & wanted) >= WHOLE * weight_of(weights, wanted)


def _extended(ledger: Ledger, scored: Scored, pair: Sequence[str], score: float) -> EvidenceSet:
    """The best pair, without its second passage if that adds nothing, and what else adds something, the most first."""
    # The passage that answers best by itself comes first, whichever hop it is.
    chosen = list(_needed(ledger, sorted(pair, key=lambda id_: -scored.base[id_])))
    bridges: list[tuple[str, str, Bridge]] = []
    if len(chosen) == 2 and (bridge := bridge_between(ledger, *chosen)) is not None:
        bridges.append((chosen[0], chosen[1], bridge))
    held = set[str]().union(*(ledger.candidates[id_].terms for id_ in chosen))
    top = max(scored.joined.values())
    behind = {hit.chunk_id: top - scored.joined[hit.chunk_id] for hit in scored.hits[:LEADING]}
    while len(chosen) < MAX_EVIDENCE:
        options = [id_ for id_ in behind if id_ not in chosen]
        if _is_whole(ledger, held):
            cited = {ledger.candidates[id_].chunk.document_id for id_ in chosen}
            options = [id_ for id_ in options if ledger.candidates[id_].chunk.document_id not in cited]
        worth = {id_: _worth(ledger, chosen, held, id_) for id_ in options if not _is_like(ledger, chosen, held, id_)}
        following = max(worth, key=lambda id_: (worth[id_][0] - RANK * behind[id_], id_), default="")
        if not following or worth[following][0] - RANK * behind[following] < MIN_EXTENSION:
            break
        _, joint = worth[following]
        if joint is not None:
            bridges.append((joint[0], following, joint[1]))
        chosen.append(following)
        held |= ledger.candidates[following].terms
    if len(chosen) == 1 and _is_whole(ledger, held):
        return of_passages(ledger, tuple(chosen), scored.joined[chosen[0]], alone=True)
    return EvidenceSet(tuple(chosen), tuple(bridges), frozenset(held), score)


def leading_to(ledger: Ledger, reached: Reached, score: float) -> EvidenceSet:
    """The passages that lead to an answer.

    Args:
        score: of the pair that was best.
    """
    return replace(of_passages(ledger, reached.chunk_ids, score, alone=len(reached.chunk_ids) == 1), reached=reached)


def of_passages(ledger: Ledger, chosen: tuple[str, ...], score: float, *, alone: bool = False) -> EvidenceSet:
    """The passages with the bridges between them."""
    bridges = [
        (*pair, bridge) for pair in combinations(chosen, 2) if (bridge := bridge_between(ledger, *pair)) is not None
    ]
    held = frozenset[str]().union(*(ledger.candidates[id_].terms for id_ in chosen))
    return EvidenceSet(chosen, tuple(bridges), held, score, alone)


def _needed(ledger: Ledger, pair: Sequence[str]) -> Sequence[str]:
    """The first passage of a pair, and the second if it adds something."""
    if len(pair) == 2 and _worth(ledger, pair[:1], ledger.candidates[pair[0]].terms, pair[1])[0] < MIN_PARTNER:
        return pair[:1]
    return pair


def _is_like(ledger: Ledger, chosen: Sequence[str], held: Set[str], id_: str) -> bool:
    """Whether a passage holds nothing new of the question, says of something else what a chosen one says, as rows of one table do, and
    nothing joins it to that: as that one leads to the answer, this one leads away.
    """
    passage = ledger.candidates[id_]
    said = [field.head for field in fields_of(passage.chunk)] if passage.terms <= held else []
    like = [one for one in chosen if [field.head for field in fields_of(ledger.candidates[one].chunk)] == said]
    return bool(said and like) and all(bridge_between(ledger, one, id_) is None for one in like)


def _worth(ledger: Ledger, chosen: Sequence[str], held: Set[str], id_: str) -> tuple[float, tuple[str, Bridge] | None]:
    """What a further passage is worth (see MIN_EXTENSION), and which chosen one leads to it, and how."""
    candidate = ledger.candidates[id_]
    gain = weight_of(ledger.question.weights, candidate.terms - held) / ledger.question.total_weight
    joints = [(other, bridge) for other in chosen if (bridge := bridge_between(ledger, other, id_)) is not None]
    joint = max(joints, key=lambda item: item[1].score, default=None)
    return gain + 0.5 * (joint[1].score if joint is not None else 0.0), joint


def weight_of(weights: Mapping[str, float], held: Set[str]) -> float:
    """Sum of the weights of question terms, whichever their order, so that the share of all of them is 1."""
    return math.fsum(weights.get(term, 0.0) for term in held)


def left_to_ask(ledger: Ledger, evidence: EvidenceSet) -> tuple[Ledger, EvidenceSet]:
    """The question and the evidence; where passages tell what the question goes through, what is left of it, and of the evidence what names
    what that asks about.
    """
    left = evidence.left
    if left is None:
        return ledger, evidence
    view = with_question(ledger, left.question)
    if not says_one_thing(view.question):  # other passages lead on from there
        return view, evidence
    said = [id_ for id_ in evidence.chunk_ids if names_it(ledger.candidates[id_].chunk, left.name)]
    about = [id_ for id_ in said if normalise(left.name) in ledger.candidates[id_].about]
    said += [
        id_
        for id_ in evidence.chunk_ids
        if id_ not in said and any(bridge_between(ledger, one, id_) is not None for one in about)
    ]
    return view, replace(evidence, chunk_ids=tuple(said), bridges=(), alone=True)


def with_question(ledger: Ledger, text: str) -> Ledger:
    """The ledger, asked another question. Of words that are not in the question that it was filled for, as names that a record gives, each
    weighs as much as the weightiest. What it knows of its candidates (`terms`, `named`, their similarities) stays that of the first
    question, so what they hold of the other one's further words is looked up in their `words`.
    """
    question, view = ledger.question, copy.copy(ledger)
    most = max(question.weights.values(), default=1.0)
    asked = asked_terms(text)
    view.question = replace(
        question, text=text, terms=asked, weights={term: question.weights.get(term, most) for term in asked}
    )
    return view
