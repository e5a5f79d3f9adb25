"""Judging evidence: how likely it is that the evidence set holds the answer, and what it lacks.

The judgement is a logistic regression on a few scale-free features. Its weights are fitted by benchmarks/fit_verdict.py on
HotpotQA and MuSiQue training questions, each asked of the whole corpus and again with one of its gold passages removed;
the label is whether the evidence set holds every gold passage. So it is a probability where every second question is one
that the documents do not answer. The sample corpus had no part in it.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from agent.evidence import EvidenceSet, Left, choose_evidence, left_to_ask, weight_of
from agent.expected import asked_words, name_terms, numbered_names, says_one_thing, wanted_terms, wanted_weights
from agent.sections import words_about
from agent.spans.described import asks_what_it_is
from agent.spans.fields import said_with
from agent.spans.kin import kin_asked, tells_of_others
from agent.spans.nested import with_nested
from agent.spans.offer import short_answer
from agent.spans.quantities import read_measure, told_by_amounts
from agent.spans.stated import with_stated
from agent.spans.wanted import held_alike, kin_held, read_wanted
from agent.telling import lacks_life, tells
from agent.types import ShortAnswer
from graphrag.analysis import held_terms, terms
from graphrag.lives import implied_terms
from graphrag.retrieval.chain import Scored, repeats, score_chains
from graphrag.retrieval.ledger import Candidate, Ledger
from graphrag.retrieval.question import Question
from graphrag.types import Hit

WEIGHTS: Mapping[str, float] = {
    "bias": -5.9,
    "coverage": 0.35,
    "quoted": 0.72,
    "heaviest": -0.41,
    "names": 1.37,
    "joined": 1.67,
    "bridge": 1.38,
    "margin": 1.35,
    "answer": 1.41,
}
NEUTRAL_BRIDGE = 0.6
"""Counts as the bridge of a passage that answers alone and so needs none: about the mean over complete sets of the fit."""
NEUTRAL_ANSWER = 0.24
"""Counts as the short answer where none is offered, since what is unlikely says nothing: about the least that is, in the fit."""
UNTOLD = 0.3
"""Most confidence where the evidence plainly does not tell what is asked."""
ABSENT_IDENTIFIER = 0.1
"""Most confidence where the question gives an identifier ("INC-2041") that no passage of the evidence holds."""
_HYPHENATED = re.compile(r"\w+(?:-\w+)*")
_ORDINARY = re.compile(r"\d+(?:st|nd|rd|th|s|k|m)?(?:-[a-z]+)*|(?:mid|early|late|pre|post)-\d+s?", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Assessment:
    """What the evidence amounts to after a step.

    Most of it is worked out when it is first asked for, and most steps ask for little. It is of the passages that the ledger holds
    by then, so whoever asks does so before the ledger grows.
    """

    ledger: Ledger
    scored: Scored
    evidence: EvidenceSet

    @property
    def hits(self) -> Sequence[Hit]:
        """All passages, best first."""
        return self.scored.hits

    @property
    def ranked(self) -> Sequence[Hit]:
        """The same, behind the evidence where that was chosen by what it says: what one passage tells of another, its words do not show."""
        if self.evidence.by_score:
            return self.hits
        leading = {id_: place for place, id_ in enumerate(self.evidence.chunk_ids)}
        return sorted(self.hits, key=lambda hit: leading.get(hit.chunk_id, len(leading)))

    @property
    def heads(self) -> tuple[str, ...]:
        """First passages of the best chains."""
        return tuple(dict.fromkeys(chain.chunk_ids[0] for chain in self.scored.chains[:5]))

    @cached_property
    def short(self) -> ShortAnswer | None:
        """The short answer that is probable enough to be offered."""
        return short_answer(self.ledger, self.evidence, self.hits)

    @cached_property
    def coverage(self) -> float:
        """As in `features`."""
        return _coverage(*self._judged)

    @cached_property
    def joined(self) -> float:
        """As in `features`."""
        return _joined(*self._judged)

    @cached_property
    def features(self) -> Mapping[str, float]:
        """What the confidence is computed from."""
        ledger, evidence = self._judged
        return features(ledger, self.scored, evidence, self.short)

    @cached_property
    def confidence(self) -> float:
        """Estimated probability that the evidence set holds the answer."""
        likely = min(confidence(self.features), ABSENT_IDENTIFIER if self._lacking else 1.0)
        return UNTOLD if likely > UNTOLD and any(self._untold()) else likely

    def _untold(self) -> Iterator[bool]:
        """Whether it is plain that the evidence does not tell what is asked, whatever else it holds: sign by sign, each worked out
        only where none before it shows so.
        """
        question, evidence = self.ledger.question, self.evidence
        wanted, left = read_wanted(question.text), evidence.left
        # A birth or a death is asked for, and nothing speaks of one.
        yield lacks_life(question, evidence.terms)
        # What passages lead to does not say it.
        yield evidence.reached is not None and evidence.reached.found is None
        if self.short is None:
            # Somebody's occupation or the like is asked for, or a relative where others are told of.
            yield asks_what_it_is(question.text) is not None
            yield tells_of_others(self.ledger, self.hits)
            # What is compared is not told of both.
            yield wanted.kind == "choice" and read_measure(question.text) is not None
            # What is left to ask is a relative, of whom no passage tells.
            yield left is not None and kin_asked(left.question) is not None
        # One thing is asked, and nothing of its kind stands where the evidence speaks of it.
        ledger, judged = self._judged
        said = [ledger.candidates[id_].chunk for id_ in judged.chunk_ids]
        single = self._single or (left is not None and says_one_thing(ledger.question))
        yield single and not tells(ledger.question, said)

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Words of the question that the evidence set does not hold, weightiest first."""
        parts = {part for identifier in self._lacking for part in re.findall(r"\w+", identifier)}
        ledger, evidence = self._judged
        words = (word for word in missing_words(ledger.question, evidence) if word not in parts)
        return tuple(dict.fromkeys((*self._lacking, *words)))

    @cached_property
    def _lacking(self) -> tuple[str, ...]:
        return absent_identifiers(self.ledger, self.evidence)

    @cached_property
    def _single(self) -> bool:
        return self.evidence.by_score and says_one_thing(self.ledger.question)

    @cached_property
    def _judged(self) -> tuple[Ledger, EvidenceSet]:
        """What is judged of the evidence, and by what question."""
        if self.evidence.left is not None:
            return _of_what_is_left(self.ledger, self.evidence, self.evidence.left)
        return self.ledger, _of_one_document(self.ledger, self.evidence) if self._single else self.evidence


def assess(ledger: Ledger) -> Assessment:
    """Score the chains of the ledger and choose the evidence set, to be judged as far as is asked."""
    scored = score_chains(ledger)
    evidence = with_stated(ledger, choose_evidence(ledger, scored), scored.hits)
    evidence = _with_implied(ledger, with_nested(ledger, evidence, scored.hits))
    return Assessment(ledger, scored, evidence)


def _with_implied(ledger: Ledger, evidence: EvidenceSet) -> EvidenceSet:
    """What is told without its word is not missing. It is by no means the answer to a question that goes on from there, so the choice
    of the evidence knows nothing of it.
    """
    asked = frozenset(ledger.question.terms)
    implied = frozenset[str]().union(*(_implied(asked, ledger.candidates[id_]) for id_ in evidence.chunk_ids))
    return replace(evidence, terms=evidence.terms | evidence.told | implied)


def _implied(wanted: frozenset[str], candidate: Candidate) -> frozenset[str]:
    """What a passage tells without its word: of a father by "daughter", and of the length of what it is about by "71 km long"."""
    chunk = candidate.chunk
    return _implied_by(wanted, candidate, candidate.words, (chunk.between(*span) for span in chunk.sentences))


def _implied_by(wanted: frozenset[str], candidate: Candidate, words: Set[str], said: Iterable[str]) -> frozenset[str]:
    """The same of what it says in some words."""
    told = told_by_amounts(wanted - words, said) if candidate.named else frozenset[str]()
    return kin_held(wanted, words) | told


def _of_one_document(ledger: Ledger, evidence: EvidenceSet) -> EvidenceSet:
    """What the document that holds most of a question says of it, judged as a passage that answers alone.

    A question that asks one thing of one thing leads from no passage to another: "designed" in one about the Tarn 90 says
    nothing of the Tarn 40 that another one names.
    """
    weights, wanted = wanted_weights(ledger.question), wanted_terms(ledger.question)
    parts: dict[str, list[str]] = {}
    held: dict[str, frozenset[str]] = {}
    for id_ in evidence.chunk_ids:
        candidate = ledger.candidates[id_]
        document = candidate.chunk.document_id
        parts.setdefault(document, []).append(id_)
        own = candidate.terms | _implied(wanted, candidate)
        held[document] = held.get(document, frozenset()) | own
    if not held:
        return evidence
    best = max(held, key=lambda document: weight_of(weights, held[document] & wanted))
    bridges = tuple(bridge for bridge in evidence.bridges if {*bridge[:2]} <= {*parts[best]})
    return replace(evidence, chunk_ids=tuple(parts[best]), bridges=bridges, terms=held[best], alone=True)


def _of_what_is_left(ledger: Ledger, evidence: EvidenceSet, left: Left) -> tuple[Ledger, EvidenceSet]:
    """What is left to ask, and the evidence for that, judged as a passage that answers alone: the name is told."""
    view, judged = left_to_ask(ledger, evidence)
    wanted, named = frozenset(view.question.terms), frozenset(terms(left.name))
    weights = {term: 0.0 if term in named else weight for term, weight in view.question.weights.items()}
    view.question = replace(view.question, weights=weights)
    chosen = [ledger.candidates[id_] for id_ in judged.chunk_ids]
    words = frozenset[str]().union(*(words_about(candidate.chunk, named) for candidate in chosen))
    held = held_alike(wanted, words).union(*(_implied(wanted, candidate) for candidate in chosen))
    held = held.union(*(implied_terms(one.chunk) & wanted for one in chosen if len(one.chunk.headings_within) < 2))
    told = replace(left, told=held - held_terms(wanted, words))
    return view, replace(judged, terms=held, alone=True, left=told)


def confidence(values: Mapping[str, float]) -> float:
    """The logistic model on features."""
    total = WEIGHTS["bias"] + sum(WEIGHTS[name] * values[name] for name in WEIGHTS if name != "bias")
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def features(ledger: Ledger, scored: Scored, evidence: EvidenceSet, short: ShortAnswer | None) -> dict[str, float]:
    """What the judgement rests on; each is about 0 to 1 and does not grow with the corpus.

    The question's terms count by their weight (`wanted_weights`), without those that only say what kind of answer is wanted.

    coverage   share of the terms that the evidence set holds
    quoted     share of the terms in one sentence of each passage, the one that holds most of what the others lack
    heaviest   weight of the weightiest term that the set lacks, by that of the weightiest of all
    names      share of the names and numbers of the question that the set holds; 1 if it has none
    joined     share of the terms, each as firmly as the passage that holds it is joined to the first one by bridges
    bridge     strength of the weakest bridge within the set; 0 without any, NEUTRAL_BRIDGE for one that answers alone
               and for two things that the question compares
    margin     how far the best chain is ahead of the best one of other documents, at most 1; for a passage that answers alone,
               how far it is ahead of the best of other documents by itself
    answer     probability of the short answer, if one is offered; else NEUTRAL_ANSWER
    """
    question = ledger.question
    chosen = [ledger.candidates[id_] for id_ in evidence.chunk_ids]
    if not chosen:
        return {name: 0.0 for name in WEIGHTS if name != "bias"}
    weights, wanted = wanted_weights(question), wanted_terms(question)
    names = frozenset(name_terms(question.text)) & wanted
    named = weight_of(weights, names)
    return {
        "coverage": _coverage(ledger, evidence),
        "quoted": _share(weights, _quoted_terms(weights, chosen, wanted) | evidence.told, wanted),
        "heaviest": max((weights[term] for term in wanted - evidence.terms), default=0.0)
        / (max((weights[term] for term in wanted), default=0.0) or 1.0),
        "names": weight_of(weights, names & evidence.terms) / named if named else 1.0,
        "joined": _joined(ledger, evidence),
        "bridge": NEUTRAL_BRIDGE
        if evidence.alone or evidence.compared
        else min((bridge.score for _, _, bridge in evidence.bridges), default=0.0),
        "margin": _margin(ledger, scored, evidence, chosen),
        "answer": short.confidence if short is not None else NEUTRAL_ANSWER,
    }


def _margin(ledger: Ledger, scored: Scored, evidence: EvidenceSet, chosen: Sequence[Candidate]) -> float:
    """As in `features`; 1 where nothing else is in question."""
    if evidence.reached is not None or evidence.left is not None:
        return 1.0  # it is told of nobody else
    own = {candidate.chunk.document_id for candidate in chosen}
    if evidence.alone:
        score = scored.base[chosen[0].chunk.id]
        others = [one for one in ledger.candidates.values() if one.chunk.document_id not in own]
        rivals = [scored.base[one.chunk.id] for one in others if not repeats(one, chosen[0])]
    else:
        score = evidence.score
        rivals = [
            chain.score
            for chain in scored.chains
            if own.isdisjoint(ledger.candidates[id_].chunk.document_id for id_ in chain.chunk_ids)
        ]
    return min(1.0, score - max(rivals)) if rivals else 1.0


def _share(weights: Mapping[str, float], held: frozenset[str], wanted: frozenset[str]) -> float:
    """Share of the weight of the wanted terms that some hold; 1 where nothing is wanted."""
    total = weight_of(weights, wanted)
    return weight_of(weights, held & wanted) / total if total else 1.0


def _coverage(ledger: Ledger, evidence: EvidenceSet) -> float:
    weights, wanted = wanted_weights(ledger.question), wanted_terms(ledger.question)
    return _share(weights, evidence.terms, wanted)


def _joined(ledger: Ledger, evidence: EvidenceSet) -> float:
    """Share of the terms, less what a passage holds that little joins to the first. One about a thing that the question names, or
    compares, needs no bridge.
    """
    weights, wanted = wanted_weights(ledger.question), wanted_terms(ledger.question)
    firm: dict[str, float] = {}
    held: dict[str, float] = dict.fromkeys(evidence.told & wanted, 1.0)
    for id_ in evidence.chunk_ids:
        candidate = ledger.candidates[id_]
        bridges = [bridge.score * firm[earlier] for earlier, later, bridge in evidence.bridges if later == id_]
        sure = not firm or evidence.compared or evidence.left is not None or candidate.named
        firm[id_] = 1.0 if sure else max(bridges, default=0.0)
        own = held_terms(wanted, candidate.terms | candidate.words) | _implied(wanted, candidate)
        held.update((term, firm[id_]) for term in own if firm[id_] > held.get(term, 0.0))
    total = weight_of(weights, wanted)
    return math.fsum(weights.get(term, 0.0) * share for term, share in held.items()) / total if total else 1.0


def _quoted_terms(weights: Mapping[str, float], chosen: Sequence[Candidate], wanted: frozenset[str]) -> frozenset[str]:
    quoted: frozenset[str] = frozenset()
    for candidate in chosen:
        chunk = candidate.chunk
        held: list[frozenset[str]] = []
        for text in said_with(chunk) if chunk.sentences else []:
            words = frozenset(terms(text))
            held.append(held_terms(wanted, words) | _implied_by(wanted, candidate, words, [text]))
        if held:
            quoted |= max(held, key=lambda found: weight_of(weights, found - quoted))
    return quoted


def absent_identifiers(ledger: Ledger, evidence: EvidenceSet) -> tuple[str, ...]:
    """Identifiers of the question ("INC-2041", "VX-4", "sensor_7") that no passage of the evidence holds.

    So is a name that ends in a number ("Alto 60") where none has the two together.

    Case, hyphens, underscores and spaces are ignored, so "VX-4" is found in "VX4" and in "VX 4". Words such as "30-day"
    and "11th" mix letters and digits too, but name nothing.
    """
    text = ledger.question.text
    named = [
        word
        for word in _HYPHENATED.findall(text)
        if any(map(str.isalpha, word)) and any(map(str.isdigit, word)) and not _ORDINARY.fullmatch(word)
    ]
    asked = {tuple(_TOKEN.findall(word.casefold())): word for word in (*numbered_names(text), *named)}
    if not asked:
        return ()
    chunks = [ledger.candidates[id_].chunk for id_ in evidence.chunk_ids]
    tokens = _TOKEN.findall(" ".join(f"{chunk.title} {chunk.text}" for chunk in chunks).casefold())
    absent: list[str] = []
    for parts, word in asked.items():
        joined = "".join(parts)
        runs = (
            "".join(tokens[start : start + length])
            for length in range(1, len(parts) + 2)
            for start in range(len(tokens) - length + 1)
        )
        if joined not in runs:
            absent.append(word)
    return tuple(absent)


def missing_words(question: Question, evidence: EvidenceSet) -> tuple[str, ...]:
    """Words of the question, as written, whose term the evidence does not hold; weightiest first."""
    asked, weights = asked_words(question.text), wanted_weights(question)
    lacking: dict[str, float] = {}
    for word in dict.fromkeys(re.findall(r"\w+", question.text)):
        for term in terms(word):
            if term in question.terms and term not in evidence.terms and word.casefold() not in asked:
                lacking[word] = weights.get(term, 0.0)
    return tuple(sorted(lacking, key=lambda word: (-lacking[word], word)))
