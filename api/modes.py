"""Answering with one tool instead of the agent: what the agent is compared with."""

from dataclasses import dataclass
from typing import Literal

from agent.loop import Agent
from agent.planner import FIRST_CANDIDATES, EvidencePlanner, Plan, Planner, State, Stop
from agent.tools import GraphSearch, KeywordSearch, Tool, VectorSearch
from agent.types import Mode
from graphrag.knowledge import KnowledgeBase


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
            calls.append(VectorSearch(query=query, k=FIRST_CANDIDATES))
        if self.mode in ("keyword", "hybrid"):
            calls.append(KeywordSearch(query=query, k=FIRST_CANDIDATES))
        if self.mode == "graph":
            calls.append(GraphSearch())
        return Plan(tuple(calls), f"one {self.mode} search")


def agent_for(kb: KnowledgeBase, mode: Mode) -> Agent:
    """The agent that answers in a mode."""
    planner: Planner = EvidencePlanner() if mode == "agent" else OneStepPlanner(mode)
    return Agent(kb, planner)
