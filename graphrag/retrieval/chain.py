"""Chain search: passages joined by entities are scored together, by what each adds to the question.

Ranking passages one by one loses the second hop of a multi-hop question: that passage resembles the question little, but
it is joined to one that does. So the unit that is scored is a pair (first hop p, second hop r), and a passage ranks
as high as the best pair it stands in.

    base(p)    = cos(q, p) + SENTENCE best sentence + KEYWORD BM25 / best BM25 + NAMED [the question names p's subject]
    pair(p, r) = base(p) + SECOND base(r) + RESIDUAL res + GAIN gain + SHARED shared + LINK link + LINK_SENTENCE ls + BACK back

    res     cosine of r with the question from which what p explains has been taken: q - 0.5 (q.p) p
    gain    share of the question's term weight that stands in r and not in p
    shared  over entities k of both, the largest rarity(k) * (s_p + s_r): rarity is 1 / log2(1 + chunks that mention k),
            s the best similarity to the question of a sentence that mentions k
    link    1 if p names, in its text, what r is about; ls the best similarity of such a sentence of p
    back    the best similarity of a sentence of r that names what p is about

The weights were found by random search on HotpotQA and MuSiQue training questions with two-fold cross-validation and
rounded; the surface is flat (docs/benchmarks.md).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrag.retrieval.ledger import SIMILARITY_DECIMALS, Candidate, Ledger
from graphrag.retrieval.vector import unexplained
from graphrag.types import Hit

SENTENCE = 0.75
KEYWORD = 0.4
NAMED = 0.4
SECOND = 0.4
RESIDUAL = 0.3
GAIN = 1.2
SHARED = 1.2
LINK = 0.2
LINK_SENTENCE = 0.3
BACK = 0.2
SAME_DOCUMENT = 0.5
"""What sharing an entity is worth between passages of one document, by what it is worth between documents."""
FIRST_HOPS = 20
"""Passages tried as the first of a pair, the best by base score."""
MAX_ENTITY_CHUNKS = 30
"""An entity in more chunks than this joins nothing: it is too common."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """Why two passages belong together: the entity, or the subject that one names."""

    key: str
    kind: Literal["entity", "link", "back"]
    """`entity` (both mention it), `link` (the first names what the second is about) or `back` (the other way)."""
    score: float


@dataclass(frozen=True, slots=True)
class Chain:
    """Passages in hop order with the bridge into each after the first (None where nothing but the question joins them)."""

    chunk_ids: tuple[str, ...]
    bridges: tuple[Bridge | None, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Scored:
    """The outcome of scoring a ledger."""

    hits: list[Hit]
    """Every candidate, by score descending, ties by base score, then id."""
    chains: list[Chain]
    """The best pair of each first hop, by score descending."""
    base: Mapping[str, float]


def score_chains(ledger: Ledger) -> Scored:
    """Score every pair of a first hop and another candidate of the ledger. Linear in FIRST_HOPS * candidates."""
    candidates = list(ledger.candidates.values())
    if not candidates:
        return Scored([], [], {})
    base = base_scores(candidates)
    if len(candidates) == 1:
        only, score = candidates[0].chunk.id, round(float(base[0]), 6)
        return Scored([Hit(only, score)], [Chain((only,), (), score)], {only: float(base[0])})
    order = sorted(range(len(candidates)), key=lambda i: (-base[i], candidates[i].chunk.id))
    first = order[:FIRST_HOPS]
    pairs = (
        base[first][:, None]
        + SECOND * base[None, :]
        + RESIDUAL * _residual(ledger, candidates, first)
        + GAIN * _gain(ledger, candidates, first)
    )
    bridges = _bridges(ledger, candidates, first)
    for (row, column), found in bridges.items():
        pairs[row, column] += sum(bridge.score for bridge in found)
    pairs = np.round(pairs, SIMILARITY_DECIMALS)
    for row, index in enumerate(first):
        pairs[row, index] = -np.inf
    best = np.full(len(candidates), -np.inf)
    np.maximum.at(best, first, pairs.max(axis=1))
    best = np.maximum(best, pairs.max(axis=0))
    scores = {c.chunk.id: round(float(s), 6) for c, s in zip(candidates, best, strict=True)}
    by_id = {c.chunk.id: float(b) for c, b in zip(candidates, base, strict=True)}
    hits = sorted(
        (Hit(id_, score) for id_, score in scores.items()), key=lambda h: (-h.score, -by_id[h.chunk_id], h.chunk_id)
    )
    return Scored(hits, _chains(candidates, first, pairs, bridges), by_id)


def base_scores(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """`(n,)` how well each passage answers by itself."""
    best_keyword = max((c.keyword for c in candidates), default=0.0) or 1.0
    return np.array(
        [
            c.similarity + SENTENCE * c.best_sentence + KEYWORD * c.keyword / best_keyword + NAMED * c.named
            for c in candidates
        ]
    )


def _residual(ledger: Ledger, candidates: Sequence[Candidate], first: Sequence[int]) -> NDArray[np.float64]:
    vectors = np.stack([c.vector for c in candidates])
    return (unexplained(ledger.question.vector, vectors[first]) @ vectors.T).astype(np.float64)


def _gain(ledger: Ledger, candidates: Sequence[Candidate], first: Sequence[int]) -> NDArray[np.float64]:
    question = ledger.question
    weights = np.array([question.weights[term] for term in question.terms])
    holds = np.array([[term in c.terms for term in question.terms] for c in candidates], dtype=np.float64)
    if not len(weights):
        return np.zeros((len(first), len(candidates)))
    return ((1 - holds[first]) * weights) @ holds.T / question.total_weight


def _bridges(
    ledger: Ledger, candidates: Sequence[Candidate], first: Sequence[int]
) -> dict[tuple[int, int], list[Bridge]]:
    """Bridges by (row of `first`, index of the other candidate); of shared entities only the strongest."""
    if not ledger.expanded:
        return {}  # nothing has been looked up that could join two passages
    position = {c.chunk.id: i for i, c in enumerate(candidates)}
    row_of = {candidates[index].chunk.id: row for row, index in enumerate(first)}
    found: dict[tuple[int, int], list[Bridge]] = {}
    for row, index in enumerate(first):
        best: dict[int, Bridge] = {}
        for mention in candidates[index].chunk.mentions:
            held = ledger.holders.get(mention.key, ())
            rarity = _rarity(ledger, mention.entity_id) if len(held) > 1 else 0.0
            if not rarity:
                continue
            own = candidates[index].strengths[mention.key]
            for other, strength in held:
                if other != index:
                    weight = _shared_weight(candidates[index], candidates[other], mention.key)
                    score = weight * rarity * (own + strength)
                    known = best.get(other)
                    if weight and (known is None or score > known.score):
                        best[other] = Bridge(mention.key, "entity", score)
        for other, bridge in best.items():
            found[row, other] = [bridge]
    for (source, target), keys in ledger.links.items():
        if source in position and target in position and (source in row_of or target in row_of):
            strength, key = max((candidates[position[source]].naming_score(key), key) for key in keys)
            if source in row_of:
                place = (row_of[source], position[target])
                found.setdefault(place, []).append(Bridge(key, "link", LINK + LINK_SENTENCE * strength))
            if target in row_of:
                place = (row_of[target], position[source])
                found.setdefault(place, []).append(Bridge(key, "back", BACK * strength))
    return found


def bridge_between(ledger: Ledger, first: str, second: str) -> Bridge | None:
    """The strongest bridge from one passage of the ledger to another, or None."""
    one, other = ledger.candidates[first], ledger.candidates[second]
    excluded = ledger.named
    bridges = [
        Bridge(m.key, "entity", weight * rarity * (one.strengths[m.key] + other.strengths[m.key]))
        for m in one.chunk.mentions
        if m.key in other.strengths
        and m.key not in excluded
        and (weight := _shared_weight(one, other, m.key))
        and (rarity := _rarity(ledger, m.entity_id))
    ]
    bridges += [
        Bridge(k, "link", LINK + LINK_SENTENCE * one.naming_score(k)) for k in ledger.links.get((first, second), ())
    ]
    bridges += [Bridge(k, "back", BACK * other.naming_score(k)) for k in ledger.links.get((second, first), ())]
    return max(bridges, key=lambda bridge: (bridge.score, bridge.key), default=None)


def _shared_weight(one: Candidate, other: Candidate, key: str) -> float:
    """SHARED; less within one document, whose passages name the same things anyway, and 0 for its title or a heading."""
    if one.chunk.document_id != other.chunk.document_id:
        return SHARED
    return 0.0 if key in one.about and key in other.about else SHARED * SAME_DOCUMENT


def _rarity(ledger: Ledger, entity: str) -> float:
    """1 / log2(1 + chunks that mention it), or 0 for one that is unknown, in one chunk only, or too common."""
    occurrences = ledger.occurrences.get(entity)
    if occurrences is None or not 2 <= occurrences.chunk_count <= MAX_ENTITY_CHUNKS:
        return 0.0
    return 1 / math.log2(1 + occurrences.chunk_count)


def _chains(
    candidates: Sequence[Candidate],
    first: Sequence[int],
    pairs: NDArray[np.float64],
    bridges: Mapping[tuple[int, int], Sequence[Bridge]],
) -> list[Chain]:
    chains: list[Chain] = []
    for row, index in enumerate(first):
        best: list[int] = np.flatnonzero(pairs[row] == pairs[row].max()).tolist()
        other = min(best, key=lambda place: candidates[place].chunk.id)
        joined = max(bridges.get((row, other), ()), key=lambda bridge: bridge.score, default=None)
        chains.append(
            Chain((candidates[index].chunk.id, candidates[other].chunk.id), (joined,), float(pairs[row, other]))
        )
    return sorted(chains, key=lambda chain: (-chain.score, chain.chunk_ids))
