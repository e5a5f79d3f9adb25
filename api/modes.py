"""Which agent answers in which mode, and in how much time. A mode other than `agent` is one search: what it is compared with."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from agent.loop import Agent
from agent.model_planner import ModelPlanner
from agent.planner import EvidencePlanner, Plan, State, Stop
from agent.tool import Tool
from agent.tools import GraphSearch, KeywordSearch, VectorSearch
from agent.types import Budget, Mode
from graphrag.knowledge import KnowledgeBase
from graphrag.retrieval.graph import CANDIDATES_PER_SEARCH


@dataclass(frozen=True, slots=True)
class OneStepPlanner:
    """A Planner that takes one step with the tool of a mode."""

    mode: Literal["graph", "hybrid", "vector", "keyword"]

    async def next(self, state: State) -> Plan | Stop:
        """See Planner.next."""
        if state.step:
            return Stop("no_gain" if state.ledger.candidates else "empty")
        query = state.ledger.question.text
        calls: list[Tool] = []
        if self.mode in ("vector", "hybrid"):
            calls.append(VectorSearch(query=query, k=CANDIDATES_PER_SEARCH))
        if self.mode in ("keyword", "hybrid"):
            calls.append(KeywordSearch(query=query, k=CANDIDATES_PER_SEARCH))
        if self.mode == "graph":
            calls.append(GraphSearch())
        return Plan(tuple(calls), f"one {self.mode} search")


SHARE_OF_TIME = 0.8
"""Of the time limit of a question that the agent may use: better a short answer than none."""


def budget_within(seconds: float) -> Budget:
    """The budget of an answer that has to be there after so many seconds."""
    return Budget(seconds=seconds * SHARE_OF_TIME)


def agent_for(kb: KnowledgeBase, mode: Mode, *, model: bool = True) -> Agent:
    """The agent that answers in a mode.

    Args:
        model: whether the configured language model, if there is one, plans (in the mode `agent`) and writes the answer.
    """
    llm = kb.llm if model else None
    if mode != "agent":
        return Agent(kb, partial(OneStepPlanner, mode), llm=llm)
    return Agent(kb, EvidencePlanner if llm is None else partial(ModelPlanner, llm), llm=llm)
