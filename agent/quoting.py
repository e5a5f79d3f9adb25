"""Choosing what of each passage is quoted: the sentence that answers, and what leads to it.

The constants were chosen on HotpotQA and MuSiQue by how often the quotations hold the answer (docs/benchmarks.md).
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from agent.assess import Assessment
from agent.citing import cite, labels, named_in
from agent.evidence import EvidenceSet, weight_of, with_question
from agent.spans.candidates import find, sentence_at
from agent.spans.features import fit
from agent.spans.fields import heads_of, said_with
from agent.spans.quantities import DATED, read_measure
from agent.spans.wanted import Wanted, canonical, read_wanted
from agent.types import Citation, ShortAnswer
from graphrag.analysis import held_terms, normalise, terms
from graphrag.retrieval.chain import bridge_between
from graphrag.retrieval.ledger import Candidate, Ledger
from graphrag.types import Chunk, Span

ANSWER_BONUS = 0.25
"""Worth of a sentence that holds something of the kind that is asked for and that the question does not name."""
BRIDGE_BONUS = 0.25
"""Worth of a sentence that names the entity which leads to or from its passage."""
LABEL_PENALTY = 2.0
"""Of a title, a heading or the head of a table, which is quoted by itself only where there is nothing else."""
OWN_SHARE = 0.5
"""How much of the question's words in a sentence counts where sentences before it hold them too."""
MIN_SECOND_GAIN = 0.12
"""Least new question weight for quoting a second sentence of one passage."""
MAX_SENTENCES = 2
MAX_QUOTE = 600
"""Characters of one quote; a longer sentence is cut at a word."""
_FIELD = re.compile(r"- [^:\n]{1,60}: ")


def quotations(ledger: Ledger, assessment: Assessment, short: ShortAnswer | None) -> tuple[Citation, ...]:
    """Citations of the evidence, passage by passage, numbered from 1. The sentence of a short answer is always among them, as are those that
    tell what the question goes through.
    """
    keys: dict[str, set[str]] = {}
    for earlier, later, bridge in assessment.evidence.bridges:
        keys.setdefault(earlier, set()).add(bridge.key)
        keys.setdefault(later, set()).add(bridge.key)
    if assessment.evidence.left is not None:
        ledger = with_question(ledger, assessment.evidence.left.question)
    wanted = _decisive(ledger) if assessment.evidence.compared else read_wanted(ledger.question.text)
    citations: list[Citation] = []
    covered: set[str] = set()
    quoted: dict[str, Set[str]] = {}
    for id_ in assessment.evidence.chunk_ids:
        candidate = ledger.candidates[id_]
        leading = _leading(ledger, quoted, id_) or keys.get(id_, set())
        first = _first(candidate.chunk, assessment.evidence, short)
        best = _best_sentences(ledger, candidate, wanted, covered, leading, first)
        cited = [cite(candidate, span, number, score) for number, (span, score) in enumerate(best, len(citations) + 1)]
        quoted[id_] = named_in(candidate, [one.quote for one in cited])
        citations += cited
    return tuple(citations)


def _decisive(ledger: Ledger) -> Wanted:
    """What a question that compares two things wants of the passages about them: of a choice, the date or number that mostly decides."""
    wanted = read_wanted(ledger.question.text)
    if wanted.kind != "choice":
        return wanted
    measure = read_measure(ledger.question.text)
    dated = measure is None or measure.dimensions == (DATED,)
    return replace(wanted, kind="date" if dated else "number")


def _first(chunk: Chunk, evidence: EvidenceSet, short: ShortAnswer | None) -> list[int]:
    """The sentences of a passage that are quoted in any case: that of the short answer, and those that tell what the question goes
    through; else, of two things that are compared, the first one, which says what it is, and of whom when and where born.
    """
    steps = [step for step in evidence.steps if step.chunk.id == chunk.id]
    starts = [step.start for step in steps if normalise(step.sentence) not in labels(chunk)]
    starts += [short.start] if short is not None and short.chunk_id == chunk.id else []
    if evidence.compared and not starts and not heads_of(chunk):
        return [0]
    return [sentence_at(chunk, start) for start in starts]


def _leading(ledger: Ledger, quoted: Mapping[str, Set[str]], id_: str) -> Set[str]:
    """The key that leads to a passage from what is quoted before it: of two instruments in both, the one that was spoken of."""
    bridges = [bridge_between(ledger, earlier, id_, among=among) for earlier, among in quoted.items()]
    best = max((bridge for bridge in bridges if bridge is not None), key=attrgetter("score"), default=None)
    return {best.key} if best is not None else set()


def _best_sentences(
    ledger: Ledger, candidate: Candidate, wanted: Wanted, covered: set[str], keys: Set[str], first: Sequence[int]
) -> list[tuple[Span, float]]:
    """One or two sentences of a passage, in text order, `first` among them, and the heads of tables of which they are rows. What they
    hold is added to `covered`.
    """
    chunk, question = candidate.chunk, ledger.question
    spans, heads = chunk.spans, heads_of(chunk)
    empty = labels(chunk)
    told = [span for span in spans if normalise(chunk.between(*span)) not in empty]
    if _is_record([chunk.between(*span) for span in told]):
        covered |= candidate.terms
        return [((told[0][0], told[-1][1]), candidate.best_sentence)]
    held = [
        held_terms(question.terms, frozenset(terms(said if index in heads else chunk.between(*span))))
        for index, (span, said) in enumerate(zip(spans, said_with(chunk), strict=True))
    ]
    answers = _answers(chunk, wanted, f" {normalise(question.text)} ", keys)
    worth = _worth(candidate, answers, keys, frozenset(heads.values()))
    own = np.array([weight_of(question.weights, one) for one in held]) / question.total_weight
    nearest = wanted.nearest
    chosen = list(dict.fromkeys(first))
    while len(chosen) < min(MAX_SENTENCES, len(spans)):
        covered.update(*(held[index] for index in chosen))
        gains = np.array([weight_of(question.weights, one - covered) for one in held]) / question.total_weight
        scores = worth + np.maximum(gains, OWN_SHARE * own)
        scores[chosen] = -np.inf
        best = int(scores.argmax())
        fits = answers.get(best, 0.0)
        says = fits >= 1 or (fits > 0 and not nearest.isdisjoint(map(canonical, held[best])))
        alone_answers = says and not any(index in answers for index in chosen)
        if chosen and gains[best] < MIN_SECOND_GAIN and not alone_answers:
            break
        chosen.append(best)
    covered.update(*(held[index] for index in chosen))
    chosen = list({*chosen, *(heads[index] for index in chosen if index in heads)})
    return [(_cut(chunk.text, chunk.start, spans[i]), candidate.sentences[i]) for i in sorted(chosen)]


def _worth(candidate: Candidate, answers: Mapping[int, float], keys: Set[str], heads: Set[int]) -> NDArray[np.float64]:
    """What each sentence of a passage is worth, whatever is quoted before it: as it resembles the question, names what leads on and holds an
    answer.

    Args:
        answers: see `_answers`.
        keys: of what leads to or from the passage.
        heads: sentences that are the head of a table.
    """
    chunk = candidate.chunk
    empty = labels(chunk)
    worth = np.zeros(len(chunk.spans))
    for index, span in enumerate(chunk.spans):
        key = f" {normalise(chunk.between(*span))} "
        worth[index] = candidate.sentences[index] + BRIDGE_BONUS * any(f" {k} " in key for k in keys)
        worth[index] += ANSWER_BONUS * answers.get(index, 0.0)
        if index in heads or (key.strip() in empty and len(chunk.spans) > 1):
            worth[index] -= LABEL_PENALTY
    return worth


def _answers(chunk: Chunk, wanted: Wanted, asked: str, keys: Set[str]) -> dict[int, float]:
    """By sentence, how well what it holds is of the kind that is wanted, if neither the question nor the bridge names it."""
    answers: dict[int, float] = {}
    for found in find(chunk, wanted):
        if f" {found.key} " not in asked and found.key not in keys:
            index, fits = sentence_at(chunk, found.start), fit(found, wanted)
            if fits:
                answers[index] = max(answers.get(index, 0.0), fits)
    return answers


def _is_record(said: Sequence[str]) -> bool:
    """Whether what a passage says, title and headings apart, is a few short lines "- key: value", as a row of a table is: one of them says
    little.
    """
    lines = [line for text in said for line in text.splitlines() if line.strip()]
    return sum(map(len, lines)) <= MAX_QUOTE and len(lines) > 1 and all(map(_FIELD.match, lines))


def _cut(text: str, offset: int, span: Span) -> Span:
    start, end = span
    if end - start <= MAX_QUOTE:
        return span
    space = text.rfind(" ", start - offset, start - offset + MAX_QUOTE)
    return (start, offset + space if space > start - offset else start + MAX_QUOTE)
