"""Who chooses the agent's next step. The evidence-driven planner needs no language model: it looks at what the evidence
explains, what it leaves open, and where the graph leads from it.
"""

from dataclasses import dataclass
from typing import Protocol

from agent.answer import INSUFFICIENT
from agent.assess import Assessment
from agent.spans.comparison import lacks_makers
from agent.spans.wanted import read_wanted
from agent.tool import Tool
from agent.tools import GraphExpand, KeywordSearch, ReadChunk, VectorSearch
from agent.types import Observation, StoppedBy
from graphrag.retrieval.chain import FIRST_HOPS
from graphrag.retrieval.graph import CANDIDATES_PER_SEARCH, NEIGHBOURS, best_first
from graphrag.retrieval.ledger import Ledger

LATER_HOPS = 5
"""Passages expanded in a later step, the best in chains."""
LATER_CANDIDATES = 10
"""Hits taken from each of the later searches."""
LATER_EXPANSION = 25
"""Neighbours taken from a later one."""
FIRM = 0.85
"""Share of the question's words, each counted as firmly as the passage that holds it is joined (`joined` in
agent/assess.py), from which a short answer ends the search after the first step. With both, following the graph hardly ever brings a
passage that is lacking; with less than this, or without a short answer, however confident, it often does. Chosen on HotpotQA,
MuSiQue and two corpora of organisations, also among near copies and among 50,000 chunks."""
POOR = 0.03
"""Below it a third step is worth its reads: the evidence holds next to nothing of the question, whose words may still
find something. A third step above it takes as much from the best passages as it adds. Chosen on the same questions."""
STOP_CONFIDENCE = 0.45
"""Enough to stop once the graph has been followed: what is found later rarely changes an answer of this confidence."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls of the next step, and why."""

    calls: tuple[Tool, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of the search, and why."""

    by: StoppedBy
    missing: tuple[str, ...] = ()
    """What the evidence lacks, as a language model names it."""


@dataclass(frozen=True, slots=True)
class State:
    """What a planner sees."""

    ledger: Ledger
    step: int
    """Steps taken so far."""
    assessment: Assessment | None
    """Of the evidence after the last step; None before the first."""
    gained: int
    """Passages that the last step added."""
    tools: frozenset[str]
    """Names of the tools that may be used."""
    observations: tuple[Observation, ...] = ()
    """Of the last step, one for each of its calls, in their order."""


class Planner(Protocol):
    """Chooses the next calls of one run from the question and the evidence so far."""

    async def next(self, state: State) -> Plan | Stop:
        """The next step, or the end of the search."""
        ...


class EvidencePlanner:
    """Search by meaning and words; stop if that suffices; follow the graph; if the evidence is still poor, ask for what it
    leaves unexplained.
    """

    async def next(self, state: State) -> Plan | Stop:
        """See Planner.next."""
        ledger, assessment = state.ledger, state.assessment
        if assessment is None:
            return _first(ledger, state.tools)
        if not ledger.candidates:
            return Stop("empty")
        enough = _settled(ledger, assessment) if state.step == 1 else assessment.confidence >= STOP_CONFIDENCE
        if enough:
            return Stop("sufficient")
        if state.step == 1 and "graph_expand" in state.tools:
            best, named = best_first(ledger, FIRST_HOPS), [entity.key for entity in ledger.question.entities]
            call = GraphExpand(chunk_ids=tuple(best), entities=tuple(named), k=NEIGHBOURS)
            return Plan((call,), "follow the graph from the best passages and what the question names")
        if state.step >= 3 or state.gained == 0 or (state.step == 2 and assessment.confidence >= POOR):
            return Stop("no_gain")
        calls = _unexplained(ledger, assessment, state.tools)
        if not calls:
            return Stop("no_gain")
        return Plan(tuple(calls), f"look for what is unexplained: {', '.join(assessment.missing[:5]) or 'the rest'}")


def _settled(ledger: Ledger, assessment: Assessment) -> bool:
    """Whether the first searches found all that following the graph would, and enough to answer from.

    Of two things that are compared, that is the passages about both, and about who made them where that is compared. Else it is a short
    answer with the question's words firmly joined: while the passage that answers is still to be found, there is none, even if others
    stand in for it. Where no short answer could say it ("what kind of"), it is one passage with the whole question.
    """
    evidence = assessment.evidence
    if evidence.compared:
        enough = not lacks_makers(ledger, evidence.chunk_ids)
    elif read_wanted(ledger.question.text).kind == "other":
        enough = evidence.alone
    else:
        enough = assessment.joined >= FIRM and assessment.short is not None
    # Last, since it takes longest to know.
    return enough and assessment.confidence >= INSUFFICIENT


def _first(ledger: Ledger, tools: frozenset[str]) -> Plan | Stop:
    question = ledger.question
    calls: list[Tool] = []
    if "vector_search" in tools:
        calls.append(VectorSearch(query=question.text, k=CANDIDATES_PER_SEARCH))
    if "keyword_search" in tools and question.terms:
        calls.append(KeywordSearch(query=question.text, k=CANDIDATES_PER_SEARCH))
    return Plan(tuple(calls), "find candidates by meaning and words") if calls else Stop("empty")


def _unexplained(ledger: Ledger, assessment: Assessment, tools: frozenset[str]) -> list[Tool]:
    """Calls for what the best chains leave open: beyond their first passages, by the words they lack, further along the
    graph, and in the text around a passage from within a longer document.
    """
    calls: list[Tool] = []
    if "vector_search" in tools:
        calls.append(VectorSearch(query=ledger.question.text, k=LATER_CANDIDATES, unexplained_by=assessment.heads[:3]))
    if "keyword_search" in tools and assessment.missing:
        calls.append(KeywordSearch(query=" ".join(assessment.missing[:8]), k=LATER_CANDIDATES))
    if "graph_expand" in tools:
        ends = tuple(hit.chunk_id for hit in assessment.hits if hit.chunk_id not in ledger.expanded)[:LATER_HOPS]
        if ends:
            calls.append(GraphExpand(chunk_ids=ends, k=LATER_EXPANSION))
    within = next((id_ for id_ in assessment.evidence.chunk_ids if ledger.candidates[id_].chunk.position), None)
    if "read_chunk" in tools and within is not None:
        calls.append(ReadChunk(chunk_id=within))
    return calls
