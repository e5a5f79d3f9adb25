"""Who chooses the agent's next step. The evidence-driven planner needs no language model: it looks at what the evidence
explains, what it leaves open, and where the graph leads from it.
"""

from dataclasses import dataclass
from typing import Protocol

from agent.assess import Assessment
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
STOP_AT_ONCE = 0.8
"""Enough to stop before the graph has been followed: what was found holds the question and is joined already. At 0.65 a
second hop was missed in large corpora: 8 points of all@5 among 10,000 near copies of the passages of HotpotQA."""
ONE_PASSAGE = 0.9
"""Share of the question that the best passage holds by itself from which nothing else is looked for, if it also holds an
answer. Less saves reads and loses second hops: with 0.75, 40 % of the questions of HotpotQA ended after the first step. A passage
without an answer cost two of a hundred questions their second hop among 50,000 chunks."""
POOR = 0.1
"""Below it a third step is worth its reads: the evidence lacks something that the words may still find. Above it, a third
step brought nothing on either benchmark (docs/benchmarks.md)."""
STOP_CONFIDENCE = 0.45
"""Enough to stop once it has been: what is found later rarely changes an answer of this confidence."""


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
        if state.step == 1 and assessment.alone >= ONE_PASSAGE and _holds_answer(ledger, assessment):
            return Stop("sufficient")
        if assessment.confidence >= (STOP_AT_ONCE if state.step == 1 else STOP_CONFIDENCE):
            return Stop("sufficient")
        if state.step == 1 and "graph_expand" in state.tools:
            best = tuple(best_first(ledger, FIRST_HOPS))
            return Plan((GraphExpand(chunk_ids=best, k=NEIGHBOURS),), "follow the graph from the best passages")
        if state.step >= 3 or state.gained == 0 or (state.step == 2 and assessment.confidence >= POOR):
            return Stop("no_gain")
        calls = _unexplained(ledger, assessment, state.tools)
        return (
            Plan(tuple(calls), f"look for what is unexplained: {', '.join(assessment.missing[:5]) or 'the rest'}")
            if calls
            else Stop("no_gain")
        )


def _holds_answer(ledger: Ledger, assessment: Assessment) -> bool:
    """Whether what is asked for stands in what was found, as far as a short answer would show it.

    A passage can hold every word of "... is an album by a singer from what state?" and name the singer alone.
    """
    return read_wanted(ledger.question.text).kind == "other" or assessment.short is not None


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
