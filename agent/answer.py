"""Composing an answer from evidence: quoted sentences, their citations, the path that joins them, and the verdict."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from agent.assess import Assessment
from agent.citing import named_in
from agent.evidence import EvidenceSet
from agent.quoting import quotations
from agent.types import Answer, Citation, PathEdge, RankedChunk, Step, StoppedBy, Verdict
from agent.writer import Written
from graphrag.retrieval.chain import Bridge, bridge_between
from graphrag.retrieval.ledger import Ledger

ANSWERED = 0.45
"""Least confidence for the verdict `answered`: from here on, few incomplete answers of the papers of organisations have it."""
INSUFFICIENT = 0.3
"""Below this confidence the verdict is `insufficient_evidence`. It begins the plateau on which benchmarks/fit_verdict.py
finds complete evidence kept and incomplete evidence flagged equally well."""


def compose(
    ledger: Ledger,
    assessment: Assessment,
    *,
    missing: tuple[str, ...] = (),
    steps: tuple[Step, ...],
    stopped_by: StoppedBy,
) -> Answer:
    """Put an answer of quotations together from the evidence set, but for what the run took. Needs no further read.

    Args:
        missing: what a planner found missing, beyond the words that the evidence lacks.
    """
    verdict = judge(assessment.evidence, assessment.confidence)
    short = None if verdict == "insufficient_evidence" else assessment.short
    citations = quotations(ledger, assessment, short)
    text = " ".join(f"{' '.join(citation.quote.split())} [{citation.id}]" for citation in citations)
    return Answer(
        question=ledger.question.text,
        text="" if verdict == "insufficient_evidence" else text,
        verdict=verdict,
        confidence=round(assessment.confidence, 4),
        missing=tuple(dict.fromkeys((*missing, *assessment.missing))),
        citations=citations,
        path=_path(ledger, assessment, citations),
        steps=steps,
        stopped_by=stopped_by,
        ranked=[
            RankedChunk(hit.chunk_id, ledger.candidates[hit.chunk_id].chunk.document_id, hit.score)
            for hit in assessment.ranked
        ],
        features=assessment.features,
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


def judge(evidence: EvidenceSet, confidence: float) -> Verdict:
    """The verdict on an evidence set, by how likely it holds the answer."""
    if not evidence.chunk_ids or confidence < INSUFFICIENT:
        return "insufficient_evidence"
    return "answered" if confidence >= ANSWERED else "evidence_only"


def _path(ledger: Ledger, assessment: Assessment, citations: Sequence[Citation]) -> tuple[PathEdge, ...]:
    """The strongest bridges that hold the evidence set together: the maximum spanning forest over its passages.

    Of what joins two passages, what both quotations name goes before the rest. Edges lead from the passage cited first, in that
    order.
    """
    chosen = assessment.evidence.chunk_ids
    quoted = [
        named_in(ledger.candidates[id_], [one.quote for one in citations if one.chunk_id == id_]) for id_ in chosen
    ]
    bridges = [
        (bridge, one, other)
        for one, other in combinations(range(len(chosen)), 2)
        if (bridge := bridge_between(ledger, chosen[one], chosen[other], among=quoted[one] & quoted[other])) is not None
        or (bridge := bridge_between(ledger, chosen[one], chosen[other])) is not None
    ]
    # Kruskal's algorithm, here since there are a handful of passages: a library takes longer to import than the answer.
    trees = list(range(len(chosen)))
    kept: list[tuple[int, int, Bridge]] = []
    for bridge, one, other in sorted(bridges, key=lambda found: -found[0].score):
        if trees[one] != trees[other]:
            kept.append((one, other, bridge))
            trees = [trees[one] if tree == trees[other] else tree for tree in trees]
    return tuple(
        PathEdge(chosen[one], chosen[other], _surface(ledger, (chosen[one], chosen[other]), bridge.key), bridge.kind)
        for one, other, bridge in sorted(kept, key=lambda edge: edge[:2])
    )


def _surface(ledger: Ledger, chunk_ids: Sequence[str], key: str) -> str:
    """The form in which the passages name the entity."""
    for id_ in chunk_ids:
        for mention in ledger.candidates[id_].chunk.mentions:
            if mention.key == key:
                return mention.surface
    return key
