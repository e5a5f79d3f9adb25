"""Chain search: passages joined by entities are scored together, by what each adds to the question.

Ranking passages one by one loses the later hops of a multi-hop question: such a passage resembles the question little, but
it is joined to one that does. So what is scored is a chain: a first hop p and a second hop r, then a third and a fourth
passage t that add something. A passage ranks as high as the best chain it stands in, but no chain except the best pushes
aside the KEPT passages that answer best by themselves, nor the one whose vector is nearest to the question's. A copy, which has the text of a passage that answers better by
itself, stands in no chain and ranks after all others, unless the question names what it is about; so does a passage of an edition
that another one replaced (graphrag.retrieval.editions).

    base(p)     = cos(q, p) + SENTENCE sentence + KEYWORD keyword + NAMED named + MENTIONED mentioned
    joint(p, r) = (shared + link + back) distinct
    pair(p, r)  = base(p) + SECOND base(r) + joint(p, r) + GAIN gain(r | p), each word by firm + (1 - firm) rare
    chain(c, t) = chain(c) - max(STEP, THRESHOLD - worth(t | c))
    worth(t | c) = FURTHER base(t) + GAIN gain(t | c) + FURTHER_JOINT (best joint of t with a passage of c, either way)

Capitals are weights (graphrag.retrieval.weights). By itself (`base`):

    cos        cosine of the passage's vector and the question's, times the scale of the model
    sentence   the same of its best sentence, at least 0
    keyword    BM25, by that of the best candidate
    named      1 if the question names what the passage is about, else 0
    mentioned  rarity of the rarest entity of the question that the passage mentions, or is about

rarity of an entity is 1 / log2(1 + chunks that mention it): 1 if it is in one only.

Joined (`joint`):

    shared     SHARED times the largest rarity(k) * (s_p + s_r) over entities k of both that the question does not name;
               s is the best similarity to the question of a sentence that mentions k. Within one document SAME_DOCUMENT
               of it, since its passages name the same things anyway, and nothing for what both are about.
    link       LINK + LINK_SENTENCE s if p names, in its text, what r is about; s is that of the sentence
    back       BACK s if r names what p is about
    distinct   how far p and r say different things: 1 while at most REPEATED_FROM of their terms are common to both, 1 -
               DISTINCT from REPEATED on, between them falling; 1 if the question names what each is about. Copies of
               one text under other names, as releases, sites and years have them, share much and add nothing.

Together:

    gain       share of the question's term weight that stands in r (or t) and in no passage before it
    firm       how far the gain is to be trusted: joint / FIRM, at most 1; 1 if the question names what p is about and
               what r is about, as a comparison does. That a passage which nothing joins to p holds a word that many
               hold explains nothing.
    rare       how rare a word is: its inverse document frequency by that of a word in one passage, at most 1
    STEP       a longer chain ranks at least this much below the one that it extends, so that a passage never pushes
               aside those that led to it
"""

import itertools
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrag.bm25 import idf
from graphrag.retrieval.editions import superseded
from graphrag.retrieval.ledger import Candidate, Ledger, common_share, rarity
from graphrag.retrieval.question import FEW_CHUNKS
from graphrag.retrieval.weights import Weights
from graphrag.stores.base import SCORE_DECIMALS
from graphrag.types import Hit

FIRST_HOPS = 20
"""Passages expanded along the graph after the first searches, and tried as the first of a pair: the best by base score."""
KEPT = 2
"""Passages, the best by base score, that rank right after the best chain whatever else joins, together with the nearest by its
vector. Where the same names stand in everything, as in the papers of an organisation, what joins passages says little, and
chains push aside the very passage that answers. Where the question has other words than the passage, or the corpus is so
large that many passages hold its words, the nearest is often the one that answers. Each further one of either takes the place of
a hop: three by base score lose points on HotpotQA and MuSiQue (docs/experiments.md)."""
EXTENDED = 20
"""Chains extended by a further passage, the best of their length."""
COMMON_CHUNKS = 30
"""An entity in more chunks than this is too common to join any, in a small corpus."""
COMMON_SHARE = 1 / 400
"""The same as a share of the chunks that the caller sees, in a large one: among 50,000 chunks, 100 instead of 30 raised
recall@5 on MuSiQue from 73 to 77, while among its 1,890 alone more than 30 lost a point."""
MAX_COMMON_CHUNKS = 200
"""It is never put higher, since all these chunks are looked up."""
MAX_ENTITY_CANDIDATES = 10
"""The same for one that was not looked up, among the candidates."""
FEW = 30
"""Candidates with an entity up to which they share arrays with those of others. Most entities that join any join two."""
REPEATED_FROM = 0.2
"""Share of common terms (Jaccard) from which two passages begin to repeat each other: among the passages of HotpotQA and
MuSiQue, about one pair of gold passages in 20 has more."""
REPEATED = 0.5
"""The share from which they say the same."""

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bridge:
    """Why two passages belong together: the entity, or the subject that one names."""

    key: str
    kind: Literal["entity", "link", "back"]
    """`entity` (both mention it), `link` (the first names what the second is about) or `back` (the other way)."""
    score: float


@dataclass(frozen=True, slots=True)
class Chain:
    """Passages in hop order."""

    chunk_ids: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Scored:
    """The outcome of scoring a ledger."""

    hits: list[Hit]
    """Every candidate in its rank, with the score for it: descending, ties by base score, then id; copies last."""
    chains: list[Chain]
    """The best pair of each first hop, by score descending."""
    base: Mapping[str, float]
    joined: Mapping[str, float]
    """Score of the best chain that each stands in, whether or not it keeps its place by itself."""


@dataclass(frozen=True, slots=True)
class _Arrays:
    """What is known of n candidates, in their order."""

    base: _Matrix
    """`(n,)` how well each answers by itself."""
    joint: _Matrix
    """`(n, n)` how firmly each (row) is joined to each other one, as a first hop to a second."""
    holds: _Matrix
    """`(n, terms)` 1 where the passage holds the term of the question, else 0."""
    shares: _Matrix
    """`(terms,)` the share of each term in the weight of the question."""
    rare: _Matrix
    """`(terms,)` how rare each is, from 0 to 1."""
    copies: NDArray[np.intp]
    """Places of those that stand in no chain."""


def score_chains(ledger: Ledger) -> Scored:
    """Score the chains among the candidates of a ledger. Quadratic in these, of which there are at most 200; all of it
    is array arithmetic.
    """
    candidates = sorted(ledger.candidates.values(), key=lambda candidate: candidate.chunk.id)
    if not candidates:
        return Scored([], [], {}, {})
    base = np.round(base_scores(candidates, ledger.weights), SCORE_DECIMALS)
    ids = [candidate.chunk.id for candidate in candidates]
    order = np.argsort(-base, kind="stable")
    copies = _copies(ledger, candidates, order)
    alone = np.round(_behind(base, base, copies), SCORE_DECIMALS)
    by_id = dict(zip(ids, alone.tolist(), strict=True))
    first = order[~np.isin(order, copies)][:FIRST_HOPS]
    if len(first) == 1:
        best_id = ids[first[0]]
        hits = [Hit(ids[place], float(alone[place])) for place in np.argsort(-alone, kind="stable")]
        return Scored(hits, [Chain((best_id,), by_id[best_id])], by_id, by_id)
    known = _Arrays(base, _joints(ledger, candidates), *_holds(ledger, candidates), copies)
    pairs = _pairs(ledger, candidates, known, first)
    pairs[:, copies] = -np.inf
    best = pairs.max(axis=0)
    np.maximum.at(best, first, pairs.max(axis=1))
    _lengthen(known, ledger.weights, best, *_best_pairs(pairs, first))
    best = _behind(best, base, copies)
    joined = dict(zip(ids, np.round(best, SCORE_DECIMALS).tolist(), strict=True))
    kept = np.append(first[:KEPT], _nearest(candidates, copies))
    best[kept] = np.maximum(best[kept], best.max() - 10.0**-SCORE_DECIMALS)
    scores = np.round(best, SCORE_DECIMALS).tolist()
    hits = sorted(map(Hit, ids, scores), key=lambda hit: (-hit.score, -by_id[hit.chunk_id], hit.chunk_id))
    chains: list[Chain] = []
    for row, place in enumerate(first.tolist()):
        other = int(pairs[row].argmax())
        chains.append(Chain((ids[place], ids[other]), float(pairs[row, other])))
    return Scored(hits, sorted(chains, key=lambda chain: (-chain.score, chain.chunk_ids)), by_id, joined)


def common_from(visible: int) -> int:
    """Most chunks that an entity may be in and still join passages, where the caller sees so many chunks."""
    return min(MAX_COMMON_CHUNKS, max(COMMON_CHUNKS, int(visible * COMMON_SHARE)))


def base_scores(candidates: Sequence[Candidate], weights: Weights) -> _Matrix:
    """`(n,)` how well each passage answers by itself."""
    best_keyword = max((c.keyword for c in candidates), default=0.0) or 1.0
    return np.array(
        [
            c.similarity
            + weights.sentence * c.best_sentence
            + weights.keyword * c.keyword / best_keyword
            + weights.named * c.named
            + weights.mentioned * c.mentioned
            for c in candidates
        ]
    )


def _nearest(candidates: Sequence[Candidate], copies: NDArray[np.intp]) -> np.intp:
    """Place of the passage whose vector is nearest to the question's, of those that are no copies."""
    similar = np.array([candidate.similarity for candidate in candidates])
    similar[copies] = -np.inf
    return similar.argmax()


def _copies(ledger: Ledger, candidates: Sequence[Candidate], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Places of those whose text is that of one before them in the order, and which the question does not name, and of those of
    editions that are not in force.
    """
    texts: set[str] = set()
    copies = superseded(ledger.question.text, candidates)
    for place in order.tolist():
        candidate = candidates[place]
        if candidate.chunk.text in texts and not candidate.named:
            copies.append(place)
        texts.add(candidate.chunk.text)
    return np.unique(np.array(copies, dtype=np.intp))


def _behind(scores: _Matrix, base: _Matrix, copies: NDArray[np.intp]) -> _Matrix:
    """The scores, those of copies below all others."""
    behind = scores.copy()
    behind[copies] = np.minimum(base[copies], np.delete(scores, copies).min() - 10.0**-SCORE_DECIMALS)
    return behind


def _pairs(ledger: Ledger, candidates: Sequence[Candidate], known: _Arrays, first: NDArray[np.intp]) -> _Matrix:
    """`(first, n)` scores of pairs; -inf for a passage with itself."""
    w = ledger.weights
    open_ = (1 - known.holds[first]) * known.shares
    gain = open_ @ known.holds.T
    if w.firm and ledger.joined:
        named = np.array([c.named for c in candidates], dtype=np.float64)
        firm = np.maximum(np.minimum(known.joint[first] / w.firm, 1), named[first][:, None] * named)
        gain = firm * gain + (1 - firm) * ((open_ * known.rare) @ known.holds.T)
    alone = known.base[first][:, None] + w.second * known.base
    pairs = np.round(alone + known.joint[first] + w.gain * gain, SCORE_DECIMALS)
    pairs[np.arange(len(first)), first] = -np.inf
    return pairs


def _best_pairs(pairs: _Matrix, first: NDArray[np.intp]) -> tuple[NDArray[np.intp], _Matrix]:
    """`(m, 2)` the places of the best pairs, and `(m,)` their scores."""
    order = np.argsort(-pairs, axis=None, kind="stable")[:EXTENDED]
    rows, others = np.unravel_index(order, pairs.shape)
    scores = pairs[rows, others]
    possible = scores > -np.inf
    return np.column_stack((first[rows], others))[possible], scores[possible]


def _lengthen(known: _Arrays, w: Weights, best: _Matrix, members: NDArray[np.intp], scores: _Matrix) -> None:
    """Extend chains passage by passage, each by its best one, and raise `best` to what each passage is worth in them.

    Args:
        known: of the candidates.
        w: the weights.
        best: `(n,)` score of the best chain that each passage stands in so far; changed in place.
        members: `(m, passages)` places of the chains' passages.
        scores: `(m,)` of the chains.
    """
    either = np.maximum(known.joint, known.joint.T)
    for _ in range(2, w.length):
        if not len(members):
            return
        open_ = (1 - known.holds[members].max(axis=1)) * known.shares
        worth = w.further * known.base + w.gain * (open_ @ known.holds.T)
        worth += w.further_joint * either[members].max(axis=1)
        longer = scores[:, None] - np.maximum(w.threshold - np.round(worth, SCORE_DECIMALS), w.step)
        np.put_along_axis(longer, members, -np.inf, axis=1)
        longer[:, known.copies] = -np.inf
        np.maximum(best, longer.max(axis=0), out=best)
        following = longer.argmax(axis=1)
        scores = longer[np.arange(len(longer)), following]
        possible = scores > -np.inf
        members, scores = np.column_stack((members, following))[possible], scores[possible]


def _holds(ledger: Ledger, candidates: Sequence[Candidate]) -> tuple[_Matrix, _Matrix, _Matrix]:
    """`(n, terms)` which terms of the question each passage holds, `(terms,)` the share of each in its weight, and how rare it is."""
    question = ledger.question
    holds = np.array([[term in c.terms for term in question.terms] for c in candidates], dtype=np.float64)
    weights = np.array([question.weights[term] for term in question.terms])
    rare = np.minimum(weights / idf(max(question.statistics.chunks, FEW_CHUNKS), 1), 1)
    return holds.reshape(len(candidates), len(question.terms)), weights / question.total_weight, rare


def _joints(ledger: Ledger, candidates: Sequence[Candidate]) -> _Matrix:
    """`(n, n)` how firmly each passage (row) is joined to each other one, as a first hop to a second."""
    shared = np.zeros((len(candidates), len(candidates)))
    if not ledger.joined:
        return shared
    w = ledger.weights
    place = {candidate.chunk.id: i for i, candidate in enumerate(candidates)}
    _join_holders(ledger, candidates, [place[id_] for id_ in ledger.candidates], shared)
    for (source, target), keys in ledger.links.items():
        if source in place and target in place:
            strength = max(candidates[place[source]].naming_score(key) for key in keys)
            shared[place[source], place[target]] += w.link + w.link_sentence * strength
            shared[place[target], place[source]] += w.back * strength
    return np.round(shared * _distinct(w, candidates), SCORE_DECIMALS)


def _join_holders(ledger: Ledger, candidates: Sequence[Candidate], met: Sequence[int], shared: _Matrix) -> None:
    """Raise `shared` to how firmly the entities that two passages hold join them.

    Args:
        met: places of the candidates, in the order in which they were met.
    """
    w = ledger.weights
    joining = [
        (len(numbers), key, rare)
        for key, numbers in ledger.holders.items()
        if len(numbers) > 1
        and key not in ledger.named
        and (rare := _joining(ledger, key, candidates[met[numbers[0]]].mention(key).entity_id))
    ]
    joining.sort()
    # The holders of one entity after those of the other; below, `one` and `other` are places in these lists.
    held = [(key, met[number]) for _, key, _ in joining for number in ledger.holders[key]]
    row = np.array([place for _, place in held], dtype=np.intp)
    strength = np.array([candidates[place].strength(key) for key, place in held])
    about = np.array([key in candidates[place].about for key, place in held], dtype=np.bool_)
    codes = {id_: code for code, id_ in enumerate(dict.fromkeys(c.chunk.document_id for c in candidates))}
    document = np.array([codes[c.chunk.document_id] for c in candidates])[row]

    def scores(one: NDArray[np.intp], other: NDArray[np.intp], rare: _Matrix | float) -> _Matrix:
        apart = w.shared * rare * (strength[one] + strength[other])
        within = w.same_document * apart * ~(about[one] & about[other])
        return np.where(document[one] == document[other], within, apart)

    counts = np.array([count for count, _, _ in joining if count <= FEW], dtype=np.intp)
    sizes = np.repeat(counts, counts)
    one = np.repeat(np.arange(len(sizes)), sizes)
    begins = np.repeat(np.cumsum(counts) - counts, counts)
    other = np.arange(len(one)) - np.repeat(np.cumsum(sizes) - sizes - begins, sizes)
    rarities = np.repeat([rare for _, _, rare in joining[: len(counts)]], counts * counts)
    np.maximum.at(shared.reshape(-1), row[one] * len(candidates) + row[other], scores(one, other, rarities))
    end = len(sizes)
    for count, _, rare in joining[len(counts) :]:
        begin, end = end, end + count
        each = np.arange(begin, end)
        pairs = np.ix_(row[each], row[each])
        shared[pairs] = np.maximum(shared[pairs], scores(each[:, None], each, rare))


def _distinct(weights: Weights, candidates: Sequence[Candidate]) -> _Matrix:
    """`(n, n)` how far each two passages say different things."""
    sizes = np.array([len(c.words) for c in candidates])
    # Terms by their hashes, which are there already: to number them one by one takes longer than all the rest.
    hashes = np.fromiter(
        itertools.chain.from_iterable(map(hash, c.words) for c in candidates), np.int64, int(sizes.sum())
    )
    _, columns, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    several = counts > 1
    held = np.zeros((len(candidates), 1 + int(np.count_nonzero(several))), np.float32)
    # What stands in one passage only is common to none: it goes to the first column, which is left out.
    held[np.repeat(np.arange(len(candidates)), sizes), np.where(several, np.cumsum(several), 0)[columns]] = 1
    common = (held[:, 1:] @ held[:, 1:].T).astype(np.float64)
    np.fill_diagonal(common, sizes)
    named = np.array([c.named for c in candidates])
    share = common / np.maximum(sizes[:, None] + sizes - common, 1)
    return np.where(named[:, None] & named, 1.0, _different(weights, share))


def _different(weights: Weights, share: _Matrix | float) -> _Matrix:
    """The same for shares of common terms, if the question does not name the passages."""
    return 1 - weights.distinct * np.minimum(np.maximum((share - REPEATED_FROM) / (REPEATED - REPEATED_FROM), 0), 1)


def repeats(one: Candidate, other: Candidate) -> bool:
    """Whether two passages say the same."""
    return common_share(one, other) >= REPEATED


def bridge_between(ledger: Ledger, first: str, second: str, *, among: Set[str] | None = None) -> Bridge | None:
    """The strongest bridge from one passage of the ledger to another, or None.

    Args:
        among: the only keys that count; None for all.
    """
    if not ledger.joined:
        return None
    w = ledger.weights
    one, other = ledger.candidates[first], ledger.candidates[second]
    shared = [m for m in one.chunk.mentions if m.key in other.mentions and m.key not in ledger.named]
    there, back = ledger.links.get((first, second), ()), ledger.links.get((second, first), ())
    if not (shared or there or back):
        return None
    distinct = 1.0
    if not (one.named and other.named):
        distinct = float(_different(w, common_share(one, other)))
    if not distinct:
        return None
    bridges = [
        Bridge(m.key, "entity", distinct * weight * rare * (one.strength(m.key) + other.strength(m.key)))
        for m in shared
        if (weight := _shared_weight(w, one, other, m.key)) and (rare := _joining(ledger, m.key, m.entity_id))
    ]
    bridges += [Bridge(k, "link", distinct * (w.link + w.link_sentence * one.naming_score(k))) for k in there]
    bridges += [Bridge(k, "back", distinct * w.back * other.naming_score(k)) for k in back]
    possible = [bridge for bridge in bridges if among is None or bridge.key in among]
    return max(possible, key=lambda bridge: (bridge.score, bridge.key), default=None)


def _shared_weight(w: Weights, one: Candidate, other: Candidate, key: str) -> float:
    """What sharing the entity weighs: less within one document, and nothing for its title or a heading."""
    if one.chunk.document_id != other.chunk.document_id:
        return w.shared
    return 0.0 if key in one.about and key in other.about else w.shared * w.same_document


def _joining(ledger: Ledger, key: str, entity: str) -> float:
    """The rarity of an entity; 0 for one in one chunk only, or too common to join anything.

    One that was not looked up is at least as common as it is among the candidates.
    """
    occurrences = ledger.occurrences.get(entity)
    if occurrences is not None:
        most = common_from(ledger.question.statistics.chunks)
        return rarity(occurrences.chunk_count) if 2 <= occurrences.chunk_count <= most else 0.0
    held = len(ledger.holders[key])
    return rarity(held) if 2 <= held <= MAX_ENTITY_CANDIDATES else 0.0
