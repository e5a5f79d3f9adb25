"""What speaks for a possible answer, in numbers from about 0 to 1 that do not grow with the corpus.

Asked who founded a yard, "Sigrid Halle" in "it was founded by Sigrid Halle" has the right type and stands near the word "founded".
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.evidence import WHOLE, EvidenceSet, weight_of
from agent.spans.candidates import ANSWERING, DONE_BY, SAID_WHERE, Found, find, sentence_at
from agent.spans.guards import NAMED_BY_NOUN, TOWNS, Guards
from agent.spans.nearness import beside, nearness_of
from agent.spans.places import CLASSES, COUNTRIES, STATES
from agent.spans.wanted import CONVERSE, Kind, Wanted, canonical
from graphrag.analysis import terms
from graphrag.lives import life
from graphrag.retrieval.ledger import Candidate, Ledger, rarity
from graphrag.types import Chunk, Hit

SHARED = 0.8
"""Worth of an entity that two passages share, where a title link counts 1."""
UNTYPED = 0.6
"""Fit of a name whose type the recogniser does not know."""
NEUTRAL_EXPLAINED = 0.4
"""Share explained by others that a passage which answers alone counts as having, times what the sentence holds: about the mean of
the right answers of the fit."""
MAX_OPENING = 250
"""Characters of a first sentence that may describe what a passage is about."""

_TYPES: Mapping[Kind, frozenset[str]] = {
    "person": frozenset(("PERSON",)),
    "place": frozenset(("GPE", "LOC", "FAC")),
    "date": frozenset(("DATE",)),
    "thing": frozenset("ORG WORK_OF_ART EVENT PRODUCT LAW FAC CODE LOC".split()),
}
_CERTAIN = frozenset("NORP LANGUAGE DATE NUMBER".split())
_PEOPLES = frozenset(terms("nation nationality tribe religion language ethnic ethnicity"))
_BODY_OF_WATER = frozenset(terms("body water"))
_WATERS = frozenset(terms("bay canal creek gulf harbor lake ocean pond river sea strait"))
_YEAR = re.compile(r"[12]\d{3}")
_MODEL = re.compile(r"\b[A-Z]+-?\d")
_LETTERS = re.compile(r"[^\W\d_]+")
_IN_NAMES = frozenset("a al and da de del della den der di du la le of or the van von was born in on".split())
_SAID_BEFORE: Mapping[Kind, tuple[str, ...]] = {"person": DONE_BY, "place": SAID_WHERE}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A possible answer with what speaks for it."""

    found: Found
    features: Mapping[str, float]


def weigh(ledger: Ledger, evidence: EvidenceSet, hits: Sequence[Hit], wanted: Wanted) -> list[Weighed]:
    """Every possible answer of the best passages (`hits`, best first), but what the question names itself or goes through.

    behind     how far its passage's chain is behind the best one
    evidence   1 if its passage is in the evidence set
    explained  share of the question's weight that a passage joined to its own holds beyond its sentence, without the terms nearest the
               question word: what is asked of the answer itself, a passage that leads to it does not explain
    asked      share of the terms near the question word that its sentence or title holds
    asked_near the same, each by its nearness to the candidate
    nearest    1 if its sentence or title holds the term nearest the question word, unless the question goes through that
    through    1 if a noun that the question goes through stands in it or right beside it ("the Lindane *yard*")
    type       how well its type fits; for a thing, `described` counts as well
    head       1 if it holds the noun that is asked for ("which river": "North Canadian River")
    described  share of that noun's terms in the first sentence of a passage about it
    first      1 in the first sentence of a passage
    """
    # A passage that holds the whole question is joined to others only by what the question names itself.
    hits = [hit for hit in hits[:ANSWERING] if not evidence.alone or hit.chunk_id in evidence.chunk_ids]
    passages = [ledger.candidates[hit.chunk_id] for hit in hits]
    reading = _Reading.of(ledger, wanted, passages)
    guards = Guards.of(ledger.question, wanted, passages)
    about = _subjects(ledger)
    # "Which *company* owns the production *company* of Winter Boat?" asks for the one of which "owns" is said.
    twice = max((list(map(canonical, terms(ledger.question.text))).count(term) for term in wanted.head), default=0) > 1
    by_name = not wanted.head.isdisjoint(CLASSES) or wanted.head >= _BODY_OF_WATER  # a country, a body of water
    weighed: list[Weighed] = []
    for hit, passage in zip(hits, passages, strict=True):
        outer = {
            "behind": min(1.0, hits[0].score - hit.score),
            "evidence": float(hit.chunk_id in evidence.chunk_ids),
        }
        joined = [] if evidence.alone else reading.joined(ledger, passage)
        for found in guards.possible(find(passage.chunk, wanted), passage):
            subjects = about.get(found.key, ())
            described = _described(subjects, wanted.head)
            suits = fit(found, wanted)
            if wanted.kind in ("person", "place", "thing") and any(map(_is_birth, subjects)):  # whatever its type
                suits = float(wanted.kind == "person")
            elif wanted.kind == "thing":
                suits = max(suits, described)
            if not suits and (by_name or found.type in _CERTAIN):
                continue  # "Welsh" stands near many a name and is none; other types are the recogniser's guess
            own = {"type": suits, "described": described}
            said = reading.features(found, joined)
            if said is not None and not (twice and found.key in passage.about and not said["nearest"]):
                weighed.append(Weighed(found, {**outer, **said, **own}))
    return weighed


@dataclass(frozen=True, slots=True)
class _Reading:
    """The question's words as they are looked for in sentences, and the passages that may explain each other."""

    wanted: Wanted
    weights: Mapping[str, float]
    """Weight of each canonical term of the question but the noun that is asked for."""
    asked: Mapping[str, float]
    """Of those that are asked: the same, by how near they are to the question word."""
    passages: Sequence[tuple[Candidate, frozenset[str]]]
    """With the terms of the question that each holds."""
    counts: Mapping[str, int]
    """Entity key -> passages that mention it."""
    nearest: frozenset[str]
    """The terms nearest the question word, but what the question goes through."""
    through: frozenset[str]
    """The nouns that it goes through and does not ask for."""
    looked_for: frozenset[str]
    """The terms whose nearness counts."""
    total: float
    """Sum of the weights, at least a tiny number."""
    total_asked: float
    """The same of what is asked."""

    @classmethod
    def of(cls, ledger: Ledger, wanted: Wanted, passages: Sequence[Candidate]) -> "_Reading":
        """Of the question, and of these passages."""
        weights: dict[str, float] = {}
        for term, weight in ledger.question.weights.items():
            if canonical(term) not in wanted.head:
                weights[canonical(term)] = max(weight, weights.get(canonical(term), 0.0))
        through = frozenset(map(canonical, wanted.through)) - wanted.head
        asked = {term: near * weights.get(term, 0.0) for term, near in wanted.asked.items()}
        return cls(
            wanted=wanted,
            weights=weights,
            asked=asked,
            passages=[(p, frozenset(map(canonical, p.words)) & weights.keys()) for p in passages],
            counts=Counter(mention.key for p in passages for mention in p.chunk.mentions),
            nearest=wanted.nearest - through,
            through=through,
            looked_for=frozenset((*weights, *asked, *(CONVERSE[term] for term in asked.keys() & CONVERSE.keys()))),
            total=sum(weights.values()) or 1e-9,
            total_asked=sum(asked.values()) or 1e-9,
        )

    def joined(self, ledger: Ledger, passage: Candidate) -> list[tuple[float, frozenset[str]]]:
        """How firmly each other passage leads to this one, with the terms it holds."""
        chunk = passage.chunk
        own = {mention.key for mention in chunk.mentions} - ledger.named.keys()
        joined: list[tuple[float, frozenset[str]]] = []
        for other, held in self.passages:
            if other.chunk.id != chunk.id:
                shared = own & {mention.key for mention in other.chunk.mentions}
                rarest = max((rarity(self.counts[key]) for key in shared), default=0.0)
                link = float((other.chunk.id, chunk.id) in ledger.links)
                joined.append((max(SHARED * rarest, link), held))
        return joined

    def features(self, found: Found, joined: Sequence[tuple[float, frozenset[str]]]) -> dict[str, float] | None:
        """What the sentence of a candidate says; None where it says that it is the converse: "whose son", asked for the son."""
        sentence = sentence_at(found.chunk, found.start)
        nearness, apart = nearness_of(found, sentence, self.looked_for, acting=self.wanted.kind == "person")
        if self.wanted.kind == "person" and any(
            nearness.get(CONVERSE[kin], 0.0) > nearness.get(kin, 0.0) for kin in self.asked.keys() & CONVERSE.keys()
        ):
            return None
        own = frozenset(map(canonical, found.terms))
        title = frozenset(map(canonical, found.above))
        local = (nearness.keys() | own | title) & self.weights.keys()
        own_hop = self.nearest | local
        explained = max((firm * weight_of(self.weights, held - own_hop) for firm, held in joined if firm), default=0.0)
        # A passage that answers alone needs none to explain it, nor does a sentence that says all that is asked.
        if not joined or weight_of(self.asked, local) >= WHOLE * self.total_asked:
            explained = max(explained, NEUTRAL_EXPLAINED * weight_of(self.weights, local))
        asked_near = [weight * nearness[term] for term, weight in self.asked.items() if term in nearness]
        return {
            "explained": explained / self.total,
            "asked": sum([self.asked.get(term, 0.0) for term in local - own]) / self.total_asked,
            "asked_near": sum(asked_near) / self.total_asked,
            "nearest": float(not self.nearest.isdisjoint(local - apart)),
            "through": float(bool(self.through) and not self.through.isdisjoint(own | beside(found))),
            "head": float(bool(self.wanted.head & own)),
            "first": float(sentence == 0),
        }


def fit(found: Found, wanted: Wanted) -> float:
    """How well a candidate's type is what is wanted, from 0 to 1."""
    head = wanted.head
    if wanted.kind == "number" or "month" in head:
        text = found.text
        if _YEAR.fullmatch(text):
            return 0.0
        if "popul" in head:
            return float("," in text or "illion" in text)
        return float("%" in text or "percent" in text) if "percentag" in head else 1.0
    for noun, names in CLASSES.items():
        if wanted.kind == "place" and noun in head:
            return float(found.key in names)
    if head >= _BODY_OF_WATER:
        return float(bool(_WATERS & found.terms))
    if found.type in ("NORP", "LANGUAGE"):
        return float(bool(head & _PEOPLES))
    if wanted.kind == "person" and _MODEL.search(found.text):
        return 0.0  # "Fenwick G3", which the recogniser takes for a person
    if wanted.kind == "place" and head & NAMED_BY_NOUN:
        return float(bool(head & found.terms))
    if wanted.kind == "place" and head & TOWNS and (found.key in COUNTRIES or found.key in STATES - {"new york"}):
        return 0.0
    if found.type in _TYPES[wanted.kind] or (wanted.kind == "thing" and head & found.terms):
        return 1.0
    # The type of a name that the recogniser has never seen is a guess: "founded by Sigrid Halle" says more than its ORG.
    return UNTYPED if found.follows(_SAID_BEFORE.get(wanted.kind, ())) or not found.type else 0.0


def _subjects(ledger: Ledger) -> Mapping[str, Sequence[Chunk]]:
    """By key: the passages about it."""
    about: dict[str, list[Chunk]] = {}
    for candidate in ledger.candidates.values():
        for key in candidate.about:
            about.setdefault(key, []).append(candidate.chunk)
    return about


def _described(chunks: Iterable[Chunk], head: frozenset[str]) -> float:
    """The share of a noun's terms in the opening of one of the passages."""
    openings = (chunk.between(*chunk.spans[0])[:MAX_OPENING] for chunk in chunks if head)
    return max((len(head.intersection(map(canonical, terms(text)))) / len(head) for text in openings), default=0.0)


def _is_birth(chunk: Chunk) -> bool:
    """Whether a passage begins with a birth. Nothing but a name goes before its date: "a list of films (1983–1990)" tells of none."""
    born, _ = life(chunk)
    before = _LETTERS.findall(chunk.between(chunk.spans[0][0], born[0])) if born else []
    return born is not None and all(not word[0].islower() or word in _IN_NAMES for word in before)
