"""Composing an answer from evidence: quoted sentences, their citations, the path that joins them, and the verdict."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from agent.assess import Assessment
from agent.citing import cite, labels
from agent.evidence import weight_of
from agent.spans.offer import short_answer
from agent.types import Answer, Citation, PathEdge, RankedChunk, Step, StoppedBy, Verdict
from agent.writer import Written
from graphrag.analysis import held_terms, normalise, terms
from graphrag.retrieval.chain import Bridge, bridge_between
from graphrag.retrieval.ledger import Candidate, Ledger
from graphrag.types import Span

ANSWERED = 0.4
"""Least confidence for the verdict `answered`."""
INSUFFICIENT = 0.3
"""Below this confidence the verdict is `insufficient_evidence`. It begins the plateau on which benchmarks/fit_verdict.py
finds complete evidence kept and incomplete evidence flagged equally well."""
BRIDGE_BONUS = 0.5
"""Worth of a sentence that names the entity which leads to or from its passage."""
LABEL_PENALTY = 2.0
"""Of a title or heading, which is quoted only where there is nothing else."""
MIN_SECOND_GAIN = 0.12
"""Least new question weight for quoting a second sentence of one passage."""
MAX_SENTENCES = 2
MAX_QUOTE = 600
"""Characters of one quote; a longer sentence is cut at a word."""


def compose(
    ledger: Ledger,
    assessment: Assessment,
    *,
    missing: tuple[str, ...] = (),
    steps: tuple[Step, ...],
    stopped_by: StoppedBy,
    round_trips: int,
    milliseconds: float,
) -> Answer:
    """Put an answer of quotations together from the evidence set. Needs no further read.

    Args:
        missing: what a planner found missing, beyond the words that the evidence lacks.
    """
    begun = time.perf_counter()
    citations = _cite(ledger, assessment)
    verdict = judge(assessment)
    short = None if verdict == "insufficient_evidence" else short_answer(ledger, assessment)
    text = " ".join(f"{' '.join(citation.quote.split())} [{citation.id}]" for citation in citations)
    return Answer(
        question=ledger.question.text,
        text="" if verdict == "insufficient_evidence" else text,
        verdict=verdict,
        confidence=round(assessment.confidence, 4),
        missing=tuple(dict.fromkeys((*missing, *assessment.missing))),
        citations=citations,
        path=_path(ledger, assessment),
        steps=steps,
        stopped_by=stopped_by,
        ranked=[
            RankedChunk(hit.chunk_id, ledger.candidates[hit.chunk_id].chunk.document_id, hit.score)
            for hit in assessment.hits
        ],
        features=assessment.features,
        round_trips=round_trips,
        milliseconds=round(milliseconds + (time.perf_counter() - begun) * 1000, 3),
        short=short,
    )


def with_written(answer: Answer, written: Written) -> Answer:
    """The answer with what a language model wrote in place of the quotations.

    It counts as answered if every sentence is supported by what it cites; with one that is not, the reader has to look. Where
    the model finds that the evidence does not hold the answer, that is the verdict, and the nearest quotations stay.
    """
    if written.missing:
        lacking = tuple(dict.fromkeys((written.missing, *answer.missing)))
        return replace(answer, text="", verdict="insufficient_evidence", missing=lacking, written=True, short=None)
    sound = bool(written.claims) and all(claim.supported for claim in written.claims)
    return replace(
        answer,
        text=written.text,
        verdict="answered" if sound else "evidence_only",
        citations=written.citations or answer.citations,
        claims=written.claims,
        written=True,
        short=None,  # the model has its own words for it
    )


def judge(assessment: Assessment) -> Verdict:
    """The verdict for a confidence."""
    if not assessment.evidence.chunk_ids or assessment.confidence < INSUFFICIENT:
        return "insufficient_evidence"
    return "answered" if assessment.confidence >= ANSWERED else "evidence_only"


def _cite(ledger: Ledger, assessment: Assessment) -> tuple[Citation, ...]:
    keys: dict[str, set[str]] = {}
    for earlier, later, bridge in assessment.evidence.bridges:
        keys.setdefault(earlier, set()).add(bridge.key)
        keys.setdefault(later, set()).add(bridge.key)
    citations: list[Citation] = []
    covered: set[str] = set()
    for id_ in assessment.evidence.chunk_ids:
        candidate = ledger.candidates[id_]
        for span, score in _best_sentences(ledger, candidate, covered, keys.get(id_, set())):
            citations.append(cite(candidate, span, len(citations) + 1, score))
    return tuple(citations)


def _best_sentences(
    ledger: Ledger, candidate: Candidate, covered: set[str], keys: set[str]
) -> list[tuple[Span, float]]:
    """One or two sentences of a passage, in text order. What they hold is added to `covered`."""
    chunk, question = candidate.chunk, ledger.question
    spans = chunk.sentences or ((chunk.start, chunk.end),)
    held: list[frozenset[str]] = []
    worth = np.zeros(len(spans))
    empty = labels(chunk)
    for index, (start, end) in enumerate(spans):
        text = chunk.text[start - chunk.start : end - chunk.start]
        held.append(held_terms(question.terms, frozenset(terms(text))))
        key = f" {normalise(text)} "
        worth[index] = float(candidate.sentences[index]) + BRIDGE_BONUS * any(f" {k} " in key for k in keys)
        if key.strip() in empty and len(spans) > 1:
            worth[index] -= LABEL_PENALTY
    chosen: list[int] = []
    while len(chosen) < min(MAX_SENTENCES, len(spans)):
        gains = np.array([weight_of(question.weights, terms_ - covered) / question.total_weight for terms_ in held])
        scores = worth + gains
        scores[chosen] = -np.inf
        best = int(scores.argmax())
        if chosen and gains[best] < MIN_SECOND_GAIN:
            break
        chosen.append(best)
        covered |= held[best]
    return [(_cut(chunk.text, chunk.start, spans[i]), float(candidate.sentences[i])) for i in sorted(chosen)]


def _cut(text: str, offset: int, span: Span) -> Span:
    start, end = span
    if end - start <= MAX_QUOTE:
        return span
    space = text.rfind(" ", start - offset, start - offset + MAX_QUOTE)
    return (start, offset + space if space > start - offset else start + MAX_QUOTE)


def _path(ledger: Ledger, assessment: Assessment) -> tuple[PathEdge, ...]:
    """The strongest bridges that hold the evidence set together: the maximum spanning forest over its passages.

    Edges lead from the passage cited first, in that order.
    """
    import networkx as nx  # half a second to import, and it reads the environment

    chosen = assessment.evidence.chunk_ids
    graph: nx.Graph[str] = nx.Graph()
    for earlier, later in combinations(chosen, 2):
        bridge = bridge_between(ledger, earlier, later)
        if bridge is not None:
            graph.add_edge(earlier, later, weight=bridge.score, bridge=bridge)
    place = {id_: index for index, id_ in enumerate(chosen)}
    edges: list[tuple[int, int, Bridge]] = []
    for one, other, data in nx.maximum_spanning_edges(graph, data=True):
        earlier, later = sorted((place[one], place[other]))
        edges.append((earlier, later, data["bridge"]))
    return tuple(
        PathEdge(
            chosen[earlier], chosen[later], _surface(ledger, (chosen[earlier], chosen[later]), bridge.key), bridge.kind
        )
        for earlier, later, bridge in sorted(edges, key=lambda edge: edge[:2])
    )


def _surface(ledger: Ledger, chunk_ids: Sequence[str], key: str) -> str:
    """The form in which the passages name the entity."""
    for id_ in chunk_ids:
        for mention in ledger.candidates[id_].chunk.mentions:
            if mention.key == key:
                return mention.surface
    return key
