"""Questions and searches."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

import structlog
from litestar import Controller, Request, Response, post
from litestar.params import JSONBody
from litestar.response import Stream

from agent.loop import Agent
from agent.search import search as agent_search
from agent.types import Answer, Budget, Citation, Piece, Step
from api.modes import SHARE_OF_TIME, agent_for, budget_within
from api.schemas_ask import AnswerOut, CitationOut, HitOut, QueryRequest, SearchRequest, SearchResponse
from api.service import Caller, CallerDependency, Service, ServiceDependency, until_gone
from api.sse import Event
from api.views import answer_out, degraded_out, passage_out, step_out
from graphrag.degraded import Degraded, collect_degraded
from graphrag.filters import Filter, parse_filter
from graphrag.llm.calls import within
from graphrag.llm.usage import paying
from graphrag.retrieval.question import check_question

_log = structlog.stdlib.get_logger(__name__)


class AskController(Controller):
    """Questions and searches."""

    path = "/"
    tags = ("ask",)

    @post("/query", status_code=200, operation_id="query", summary="Answer a question with citations")
    async def query(
        self,
        data: JSONBody[QueryRequest],
        request: Request[Any, Any, Any],
        service: ServiceDependency,
        caller: CallerDependency,
    ) -> Response[AnswerOut] | Stream:
        """The agent picks among vector, keyword and graph search until it holds enough evidence, then quotes it.

        With a language model configured, it picks too, and writes the answer, each sentence with its citations.

        With `stream` the answer comes as server-sent events: `step` for each call of a tool, `evidence` after each turn, then
        `token` (pieces of the answer; one with `restart` makes those before it void) and `citation`, and at last `done` with
        what a plain answer holds, or `error` with a problem.
        """
        check_question(data.question)
        wanted = parse_filter(data.filter, service.kb.filter_fields) if data.filter else None
        events = _answering(service, caller, data, wanted)
        if data.stream:
            return service.streamed(request, events)
        return Response(await until_gone(request, _last(events)))

    @post("/search", status_code=200, operation_id="search", summary="Rank passages with one tool")
    async def search(
        self,
        data: JSONBody[SearchRequest],
        request: Request[Any, Any, Any],
        service: ServiceDependency,
        caller: CallerDependency,
    ) -> SearchResponse:
        """Vector (cosine), keyword (BM25), hybrid (both, fused) or graph (chain search in one go)."""
        check_question(data.query)
        wanted = parse_filter(data.filter, service.kb.filter_fields) if data.filter else None
        return await until_gone(request, _searching(service, caller, data, wanted))


async def _searching(service: Service, caller: Caller, data: SearchRequest, wanted: Filter | None) -> SearchResponse:
    kb, scope = service.kb, caller.scope
    seconds = service.settings.question_seconds
    purse = kb.purse(scope.tenant, key=caller.key_id)
    asked = {"query": data.query} if service.settings.log_questions else {}
    with _noted("searched", {"tool": data.tool} | asked) as line:
        async with asyncio.timeout(seconds), service.questions.enter():
            line.waited()
            with paying(purse), collect_degraded() as degraded, within(seconds * SHARE_OF_TIME):
                hits = await agent_search(kb, scope, data.query, data.tool, data.k, wanted)
            _warn(degraded)
            chunks = {chunk.id: chunk for chunk in await kb.store.chunks(scope, [hit.chunk_id for hit in hits], wanted)}
        line.done(hits=len(hits))
    found = [(hit, chunks[hit.chunk_id]) for hit in hits if hit.chunk_id in chunks]
    return SearchResponse(
        query=data.query,
        tool=data.tool,
        hits=[
            HitOut(rank=rank, score=hit.score, passage=passage_out(chunk))
            for rank, (hit, chunk) in enumerate(found, start=1)
        ],
        degraded=degraded_out(degraded),
    )


async def _answering(
    service: Service, caller: Caller, data: QueryRequest, wanted: Filter | None
) -> AsyncGenerator[Event]:
    """Events of an answer, `done` with an AnswerOut the last one."""
    seconds = service.settings.question_seconds
    agent = replace(agent_for(service.kb, data.mode, model=data.model), budget=_budget(data, seconds))
    asked = {"question": data.question} if service.settings.log_questions else {}
    with _noted("answered", {"mode": data.mode} | asked) as line:
        async with (
            asyncio.timeout(seconds),
            service.questions.enter(),
            aclosing(_events(service, agent, caller, data, wanted, line)) as events,
        ):
            line.waited()
            async for event in events:
                yield event


async def _events(
    service: Service, agent: Agent, caller: Caller, data: QueryRequest, wanted: Filter | None, line: "_Line"
) -> AsyncGenerator[Event]:
    purse = service.kb.purse(caller.scope.tenant, key=caller.key_id)
    async with aclosing(agent.stream(caller.scope, data.question, wanted, purse=purse)) as run:
        async for made in run:
            match made:
                case Answer():
                    best = [ranked.chunk_id for ranked in made.ranked[: data.top_k]]
                    passages = await service.kb.store.chunks(caller.scope, best, wanted) if best else []
                    _note(service, made, line)
                    yield Event("done", answer_out(made, [passage_out(chunk) for chunk in passages]))
                case Piece():
                    yield Event("token", {"text": made.text} | ({"restart": True} if made.restart else {}))
                case Citation():
                    yield Event("citation", CitationOut.model_validate(made))
                case Step():
                    line.took(made)
                    for call in step_out(made):
                        yield Event("step", call)
                    new = sum(observation.new_evidence for observation in made.observations)
                    yield Event(
                        "evidence",
                        {"step": made.number, "new_evidence": new, "coverage": made.coverage, "score": made.score},
                    )


async def _last(events: AsyncGenerator[Event]) -> AnswerOut:
    answer: AnswerOut | None = None
    async for event in events:
        if isinstance(event.data, AnswerOut):
            answer = event.data
    if answer is None:
        raise AssertionError("an answer ends with 'done'")
    return answer


def _budget(data: QueryRequest, seconds: float) -> Budget:
    """The default budget within the time limit, lowered as asked."""
    most = budget_within(seconds)
    asked = data.budget
    if asked is None:
        return most
    return Budget(
        steps=min(asked.steps or most.steps, most.steps),
        seconds=min(asked.seconds or most.seconds, most.seconds),
        round_trips=min(asked.round_trips or most.round_trips, most.round_trips),
    )


class _Line:
    """What the log says of a question or search: enough to tell where its time went."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.ended = False
        self._begun = time.perf_counter()
        self._tools = defaultdict[str, float](float)

    def waited(self) -> None:
        """Its turn has come."""
        self.known["waited_ms"] = self.milliseconds

    def took(self, step: Step) -> None:
        """Count what the tools of a step took; those of one step run side by side."""
        for observation in step.observations:
            self._tools[observation.tool] += observation.milliseconds
        self.known["tools_ms"] = {tool: round(spent, 1) for tool, spent in self._tools.items()}

    def done(self, **known: object) -> None:
        """It has come to its end."""
        self.known |= known
        self.ended = True

    @property
    def milliseconds(self) -> float:
        """Since it came."""
        return round((time.perf_counter() - self._begun) * 1000, 1)


@contextmanager
def _noted(event: str, known: dict[str, Any]) -> Generator[_Line]:
    """Write one line when it ends, however it ends: one that ran out of time is the one that is looked for."""
    line = _Line(known)
    try:
        yield line
    finally:
        _log.info(event if line.ended else f"not {event}", **line.known, ms=line.milliseconds)


def _note(service: Service, answer: Answer, line: _Line) -> None:
    service.metrics.verdicts.labels(answer.verdict).inc()
    _warn(answer.degraded)
    line.done(
        verdict=answer.verdict,
        stopped_by=answer.stopped_by,
        steps=len(answer.steps),
        round_trips=answer.round_trips,
        tokens=answer.usage.tokens,
        degraded=[note.part for note in answer.degraded],
    )


def _warn(degraded: Sequence[Degraded]) -> None:
    """Log what the caller is not told."""
    for note in degraded:
        _log.warning("degraded", part=note.part, reason=note.detail)
