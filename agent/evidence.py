"""Choosing the evidence set: the passages that together answer the question, in hop order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphrag.retrieval.chain import Bridge, Scored, bridge_between
from graphrag.retrieval.ledger import Ledger

MAX_EVIDENCE = 4
"""Passages cited at most."""
CONSIDERED = 12
"""Best-ranked passages from which the set is extended."""
RANK = 0.3
"""What a further passage loses for each point by which its chain is behind the best one."""
MIN_EXTENSION = 0.15
"""Least worth of a further passage: new question weight it covers, plus half of how strongly it is joined, less RANK."""
MIN_SECOND = 0.15
"""Least worth of the second passage of the best pair; below it one passage answers alone."""


@dataclass(frozen=True, slots=True)
class EvidenceSet:
    """Passages in hop order with the bridge into each from an earlier one."""

    chunk_ids: tuple[str, ...]
    bridges: tuple[tuple[str, str, Bridge], ...]
    """(earlier chunk, later chunk, why)."""
    terms: frozenset[str]
    """Question terms that the set holds."""
    score: float
    """Score of the pair it began with."""


def choose_evidence(ledger: Ledger, scored: Scored) -> EvidenceSet:
    """Begin with the best pair; leave out its second passage if that adds nothing; extend while a passage adds something."""
    if not scored.hits:
        return EvidenceSet((), (), frozenset(), 0.0)
    best = scored.chains[0] if scored.chains else None
    pair = best.chunk_ids if best is not None else (scored.hits[0].chunk_id,)
    chosen = [pair[0]]
    bridges: list[tuple[str, str, Bridge]] = []
    terms = set(ledger.candidates[pair[0]].terms)
    behind = {hit.chunk_id: scored.hits[0].score - hit.score for hit in scored.hits[:CONSIDERED]}
    pool = [*pair[1:], *behind]
    while len(chosen) < MAX_EVIDENCE:
        options = [id_ for id_ in dict.fromkeys(pool) if id_ not in chosen]
        worth = {id_: _worth(ledger, chosen, terms, id_) for id_ in options}
        if len(chosen) == 1 and len(pair) > 1:
            following, least = pair[1], MIN_SECOND
        else:
            worth = {id_: (value - RANK * behind.get(id_, 0.0), joint) for id_, (value, joint) in worth.items()}
            following, least = max(options, key=lambda id_: (worth[id_][0], id_), default=""), MIN_EXTENSION
        if not following or worth[following][0] < least:
            break
        _, joint = worth[following]
        if joint is not None:
            bridges.append((joint[0], following, joint[1]))
        chosen.append(following)
        terms |= ledger.candidates[following].terms
    return EvidenceSet(tuple(chosen), tuple(bridges), frozenset(terms), best.score if best is not None else 0.0)


def _worth(ledger: Ledger, chosen: Sequence[str], terms: set[str], id_: str) -> tuple[float, tuple[str, Bridge] | None]:
    candidate = ledger.candidates[id_]
    gain = weight_of(ledger.question.weights, candidate.terms - terms) / ledger.question.total_weight
    joints = [(other, bridge) for other in chosen if (bridge := bridge_between(ledger, other, id_)) is not None]
    joint = max(joints, key=lambda item: item[1].score, default=None)
    return gain + 0.5 * (joint[1].score if joint is not None else 0.0), joint


def weight_of(weights: Mapping[str, float], terms: frozenset[str] | set[str]) -> float:
    """Sum of the weights of question terms."""
    return sum(weights.get(term, 0.0) for term in terms)
