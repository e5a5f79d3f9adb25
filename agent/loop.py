"""The agent loop: plan, call tools, add what they found to the ledger, judge, until the planner stops or the budget ends;
then answer, in quotations or in the words of a language model.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.answer import compose, with_written
from agent.assess import Assessment, assess
from agent.planner import EvidencePlanner, Plan, Planner, State, Stop
from agent.search import read_or_degrade
from agent.tool import Means, run_tool
from agent.tools import MODEL_TOOLS, TOOLS, name_of
from agent.types import Answer, Budget, Citation, Observation, Piece, Step
from agent.writer import Written, write
from graphrag.degraded import Degraded, collect_degraded, note_degraded
from graphrag.errors import ModelError
from graphrag.filters import Filter
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.calls import within
from graphrag.llm.usage import Purse, paying
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.vector import NoVectors
from graphrag.retrieval.weights import WEIGHTS, Weights
from graphrag.stores.merged import with_merges
from graphrag.stores.trips import count_round_trips
from graphrag.types import Scope

if TYPE_CHECKING:
    from graphrag.llm.model import LanguageModel

ALL_TOOLS = frozenset(TOOLS)
MIN_WRITING_SECONDS = 5.0
"""Time that writing an answer is given at least, however long the search took."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Answers questions over a knowledge base.

    Args:
        planner: makes the planner of each run.
        tools: names of the tools that may be used; without the graph tools nothing joins passages.
        weights: of chain search; others than the default for ablations.
        llm: writes the answers and serves the tools that need a model; None for answers in quotations.
    """

    kb: KnowledgeBase
    planner: Callable[[], Planner] = EvidencePlanner
    budget: Budget = field(default_factory=Budget)
    tools: frozenset[str] = ALL_TOOLS
    weights: Weights = WEIGHTS
    llm: "LanguageModel | None" = None

    async def run(
        self, scope: Scope, question: str, filter: Filter | None = None, *, purse: Purse | None = None
    ) -> Answer:
        """Answer a question.

        Args:
            purse: pays for calls of models; by default one of its own, within the budgets of the knowledge base.

        Raises:
            InputError: the question is empty, too short or too long.
            StoreError, ModelError: the store or a local model failed. Models that are called over the network fail nothing:
                see Answer.degraded.
        """
        async for event in self.stream(scope, question, filter, purse=purse):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a run ends with an answer")

    async def stream(
        self, scope: Scope, question: str, filter: Filter | None = None, *, purse: Purse | None = None
    ) -> AsyncGenerator[Step | Piece | Citation | Answer]:
        """Yield each step as soon as it is taken, the answer's text and citations as they come, at last the answer.

        A citation comes before the piece with its `[n]`. Raises as run.
        """
        run = _Run(self, scope, filter, purse or self.kb.purse(scope.tenant))
        async with aclosing(run.search(question)) as steps:
            async for step in steps:
                yield step
        answer = run.composed()
        written: Written | None = None
        if self.llm is not None and run.assessment.evidence.chunk_ids:
            begun = False
            try:
                async with aclosing(run.write(self.llm)) as pieces:
                    async for made in pieces:
                        if isinstance(made, Written):
                            written = made
                        else:
                            begun = True
                            yield made
            except ModelError as exc:
                with collect_degraded(run.degraded):
                    note_degraded("writing", exc)
                if begun:
                    yield Piece("", restart=True)
        if written is not None:
            answer = with_written(answer, written)
        else:
            for piece in quoted(answer):
                yield piece
        yield run.complete(answer)


def quoted(answer: Answer) -> list[Piece | Citation]:
    """The text of an answer in quotations, a word a piece, with its citations after it."""
    words = answer.text.split(" ") if answer.text else []
    pieces = [Piece(word if index == 0 else f" {word}") for index, word in enumerate(words)]
    return [*pieces, *answer.citations]


class _Run:
    """One question on its way."""

    def __init__(self, agent: Agent, scope: Scope, filter: Filter | None, purse: Purse) -> None:
        self.agent = agent
        self.scope = scope
        self.filter = filter
        self.purse = purse
        self.degraded: list[Degraded] = []
        self.steps: list[Step] = []
        self.stopped = Stop("empty")
        self.trips = 0
        self.begun = time.perf_counter()
        self._assessment: Assessment | None = None
        self._ledger: Ledger | None = None

    @property
    def ledger(self) -> Ledger:
        """What was found; known once the search has begun."""
        assert self._ledger is not None  # noqa: S101
        return self._ledger

    @property
    def assessment(self) -> Assessment:
        """What that amounts to."""
        if self._assessment is None:
            self._assessment = assess(self.ledger)
        return self._assessment

    @property
    def milliseconds(self) -> float:
        """Since the run began."""
        return (time.perf_counter() - self.begun) * 1000

    @contextmanager
    def _counted(self, at_least: float = 0.001) -> Generator[None]:
        """For everything that calls stores or models: counts, pays, and ends calls of models in the time that is left. Nothing
        is yielded to readers inside of it, since they run in the same context.
        """
        seconds = max(at_least, self.agent.budget.seconds - self.milliseconds / 1000)
        with count_round_trips() as trips, paying(self.purse), collect_degraded(self.degraded), within(seconds):
            try:
                yield
            finally:
                self.trips += trips.count

    async def search(self, text: str) -> AsyncGenerator[Step]:
        """Gather evidence, step by step."""
        agent = self.agent
        with self._counted():
            store = await with_merges(agent.kb.store, agent.kb.system, self.scope)
            question = await read_or_degrade(agent.kb, store, self.scope, text)
        away = any(note.part == "vectors" for note in self.degraded)
        means = Means(NoVectors(agent.kb.embedder) if away else agent.kb.embedder, agent.llm)
        tools = agent.tools if means.llm is not None else agent.tools - MODEL_TOOLS
        ledger = Ledger(store, self.scope, question, self.filter, joined="graph_expand" in tools, weights=agent.weights)
        self._ledger = ledger
        planner = agent.planner()
        assessment: Assessment | None = None
        gained = 0
        observations: tuple[Observation, ...] = ()
        while True:
            if self.steps and self._over_budget():
                self.stopped = Stop("budget")
                break
            with self._counted():
                plan = await planner.next(State(ledger, len(self.steps), assessment, gained, tools, observations))
            if isinstance(plan, Stop):
                self.stopped = plan
                break
            before = len(ledger.candidates)
            with self._counted():
                observations = await _observe(plan, ledger, means)
            gained = len(ledger.candidates) - before
            self._assessment = assessment = assess(ledger)
            step = Step(
                len(self.steps) + 1,
                plan.reason,
                observations,
                assessment.coverage,
                assessment.evidence.score,
            )
            self.steps.append(step)
            yield step

    def _over_budget(self) -> bool:
        budget = self.agent.budget
        spent = len(self.steps) >= budget.steps or self.trips >= budget.round_trips
        return spent or self.milliseconds >= budget.seconds * 1000

    def composed(self) -> Answer:
        """The answer in quotations."""
        return compose(
            self.ledger,
            self.assessment,
            missing=self.stopped.missing,
            steps=tuple(self.steps),
            stopped_by=self.stopped.by,
        )

    async def write(self, llm: "LanguageModel") -> AsyncGenerator[Piece | Citation | Written]:
        """The answer in the words of a model."""
        async with aclosing(write(self.ledger, self.assessment, llm, self.agent.kb.encoder)) as writing:
            while True:
                with self._counted(MIN_WRITING_SECONDS):
                    made = await anext(writing, None)
                if made is None:
                    return
                yield made

    def complete(self, answer: Answer) -> Answer:
        """The answer with what it took."""
        return replace(
            answer,
            degraded=tuple(self.degraded),
            usage=self.purse.spent,
            round_trips=self.trips,
            milliseconds=round(self.milliseconds, 3),
        )


async def _observe(plan: Plan, ledger: Ledger, means: Means) -> tuple[Observation, ...]:
    known = set(ledger.candidates)
    outcomes = await asyncio.gather(*(run_tool(call, ledger, means) for call in plan.calls))
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
