"""The agent loop: plan, call tools, add what they found to the ledger, judge, until the planner stops or the budget ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from agent.answer import compose
from agent.assess import Assessment, assess
from agent.planner import EvidencePlanner, Plan, Planner, State, Stop
from agent.tools import TOOLS, name_of, run_tool
from agent.types import Answer, Budget, Observation, Step, StoppedBy
from graphrag.filters import Filter
from graphrag.knowledge import KnowledgeBase
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import read_question
from graphrag.retrieval.weights import WEIGHTS, Weights
from graphrag.stores.merged import with_merges
from graphrag.stores.trips import count_round_trips
from graphrag.types import Scope

ALL_TOOLS = frozenset(TOOLS)


@dataclass(frozen=True, slots=True)
class Agent:
    """Answers questions over a knowledge base.

    Args:
        tools: names of the tools that may be used; without the graph tools nothing joins passages.
        weights: of chain search; others than the default for ablations.
    """

    kb: KnowledgeBase
    planner: Planner = field(default_factory=EvidencePlanner)
    budget: Budget = field(default_factory=Budget)
    tools: frozenset[str] = ALL_TOOLS
    weights: Weights = WEIGHTS

    async def run(self, scope: Scope, question: str, filter: Filter | None = None) -> Answer:
        """Answer a question.

        Raises:
            InputError: the question is empty, too short or too long.
            StoreError, ModelError: the store or a model failed.
        """
        async for event in self.stream(scope, question, filter):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a run ends with an answer")

    async def stream(self, scope: Scope, question: str, filter: Filter | None = None) -> AsyncIterator[Step | Answer]:
        """Yield each step as soon as it is taken, then the answer. Raises as run."""
        begun = time.perf_counter()
        with count_round_trips() as trips:
            store = await with_merges(self.kb.store, self.kb.system, scope)
            understood = await read_question(store, self.kb.embedder, self.kb.encoder, scope, question)
        spent = trips.count
        ledger = Ledger(store, scope, understood, filter, joined="graph_expand" in self.tools, weights=self.weights)
        steps: list[Step] = []
        assessment: Assessment | None = None
        gained = 0
        stopped: StoppedBy
        while True:
            if steps and self._over_budget(len(steps), spent, begun):
                stopped = "budget"
                break
            plan = await self.planner.next(State(ledger, len(steps), assessment, gained, self.tools))
            if isinstance(plan, Stop):
                stopped = plan.by
                break
            before = len(ledger.candidates)
            with count_round_trips() as trips:
                observations = await self._observe(plan, ledger)
            spent += trips.count
            gained = len(ledger.candidates) - before
            assessment = assess(ledger)
            step = Step(len(steps) + 1, plan.reason, observations, assessment.coverage, assessment.score)
            steps.append(step)
            yield step
        if assessment is None:
            assessment = assess(ledger)
        yield compose(
            ledger,
            assessment,
            steps=tuple(steps),
            stopped_by=stopped,
            round_trips=spent,
            milliseconds=(time.perf_counter() - begun) * 1000,
        )

    def _over_budget(self, steps: int, trips: int, begun: float) -> bool:
        budget = self.budget
        return steps >= budget.steps or trips >= budget.round_trips or time.perf_counter() - begun >= budget.seconds

    async def _observe(self, plan: Plan, ledger: Ledger) -> tuple[Observation, ...]:
        known = set(ledger.candidates)
        outcomes = await asyncio.gather(*(run_tool(call, ledger, self.kb.embedder) for call in plan.calls))
        # Added together, so that what several calls found is loaded once.
        await ledger.add(id_ for outcome in outcomes for id_ in outcome.hits)
        unclaimed = ledger.candidates.keys() - known
        observations: list[Observation] = []
        for call, outcome in zip(plan.calls, outcomes, strict=True):
            fresh = unclaimed.intersection(outcome.hits)
            unclaimed -= fresh
            observations.append(
                Observation(
                    tool=name_of(call),
                    arguments=call.model_dump(exclude_defaults=True),
                    hits=outcome.hits,
                    new_evidence=len(fresh),
                    round_trips=outcome.round_trips,
                    milliseconds=round(outcome.milliseconds, 3),
                    error=outcome.error,
                )
            )
        return tuple(observations)
