"""Planning with a language model: it reads the passages that were found, and calls tools for what they lack.

The first search is made without it, so it starts from the best evidence that costs nothing. When the model is away, its
budget is spent or what it writes cannot be used, the evidence-driven planner goes on from there, and the answer says so.
"""

import json
from typing import TYPE_CHECKING

from agent.answer import ANSWERED
from agent.cleaning import short
from agent.passages import Shown
from agent.planner import EvidencePlanner, Plan, State, Stop
from agent.planner_shapes import MAX_CALLS, Finish, decision_shape, descriptions, read_call
from agent.tool import Refused, Tool
from agent.tools import GraphSearch
from agent.types import Observation
from graphrag.degraded import note_degraded
from graphrag.errors import FAILED_CALLS, ModelOutputError
from graphrag.llm.chat_types import Message, ToolRequest
from graphrag.llm.repair import read_json
from graphrag.llm.usage import current_purse, estimate_tokens, used
from graphrag.retrieval.ledger import Ledger

if TYPE_CHECKING:
    from graphrag.llm.model import LanguageModel

FIRST_SHOWN = 8
"""Passages shown with the question: twice as many as an answer cites."""
LATER_SHOWN = 5
"""New passages shown of what one call found."""
REPLY_TOKENS = 500
ANSWER_INPUT = 6_000
"""Tokens kept for the passages that the answer is written from, when the budget is looked at."""
IDLE_STEPS = 2
"""Steps in a row without new passages after which the search ends."""
_OFFERED = frozenset({"vector_search", "keyword_search", "graph_expand", "read_chunk", "hypothetical_search", "rewritten_search", "decomposed_search"})  # fmt: skip


class ModelPlanner:
    """The planner of one run: it holds the conversation with the model."""

    def __init__(self, llm: "LanguageModel") -> None:
        self._llm = llm
        self._fallback = EvidencePlanner()
        self._fallen = False
        self._shown = Shown()
        self._messages: list[Message] = []
        self._asked: list[ToolRequest] = []
        """The calls of the last turn that were carried out, in the order of their observations."""
        self._made: set[str] = set()
        self._idle = 0

    async def next(self, state: State) -> Plan | Stop:
        """See Planner.next."""
        if state.assessment is None and "graph_search" in state.tools:
            return Plan((GraphSearch(),), "search by meaning and words, and follow the graph")
        if state.assessment is None or self._fallen:
            return await self._fallback.next(state)
        if not state.ledger.candidates:
            return Stop("empty")
        self._idle = self._idle + 1 if self._messages and not state.gained else 0
        if self._idle >= IDLE_STEPS:
            return Stop("no_gain")
        self._tell(state)
        if not self._affordable():
            return Stop("budget")
        try:
            return await self._decide(state)
        except FAILED_CALLS as exc:
            note_degraded("planning", exc)
            self._fallen = True
            return await self._fallback.next(state)

    def _affordable(self) -> bool:
        """Whether this turn leaves enough for the answer, within the model's context and the budget."""
        chat = self._llm.chat
        tokens = estimate_tokens(*(message.text for message in self._messages))
        reply = self._llm.room_for(REPLY_TOKENS)
        if tokens + reply > chat.context_tokens:
            return False
        output = reply + self._llm.output_tokens
        return current_purse().affords(used(chat.price, tokens + ANSWER_INPUT, output))

    def _tell(self, state: State) -> None:
        """Add what was found to the conversation."""
        ledger, assessment = state.ledger, state.assessment
        if not self._messages:
            offered = _OFFERED & state.tools
            system = self._llm.prompts.get("plan", marker=self._shown.marker)
            if not self._llm.native_tools:
                tools = "\n".join(f"- {tool.name}: {tool.description} Arguments: {json.dumps(tool.parameters)}" for tool in descriptions(offered))  # fmt: skip
                system += "\n\n" + self._llm.prompts.get("plan_json", tools=tools)
            best = [hit.chunk_id for hit in assessment.hits] if assessment is not None else []
            found = self._shown.told([ledger.candidates[id_] for id_ in best], new=FIRST_SHOWN)
            self._messages = [
                Message("system", system),
                Message("user", f"The best passages of a first search:\n{found}\n\nQuestion: {ledger.question.text}"),
            ]
            return
        told = [_observed(observation, ledger, self._shown) for observation in state.observations]
        if self._llm.native_tools:
            self._messages += [
                Message("tool", text, tool_request_id=request.id)
                for request, text in zip(self._asked, told, strict=True)
            ]
        else:
            named = [f"{o.tool}: {text}" for o, text in zip(state.observations, told, strict=True)]
            self._messages.append(Message("user", "\n\n".join(named)))

    async def _decide(self, state: State) -> Plan | Stop:
        """What the model asks for, as the next step."""
        offered = _OFFERED & state.tools
        requests, reason = await (self._calls if self._llm.native_tools else self._decision)(offered)
        if not requests:  # it has nothing more to look for
            return Stop("sufficient" if _suffices(state) else "no_gain")
        calls = [read_call(request.name, request.arguments, offered, self._shown) for request in requests]
        wanted = [(r, c) for r, c in zip(requests, calls, strict=True) if not isinstance(c, Finish)]
        if not wanted:
            finish = next(call for call in calls if isinstance(call, Finish))
            missing = tuple(text for item in finish.missing[:5] if (text := short(item, 120)))
            return Stop("sufficient" if finish.sufficient else "no_gain", missing)
        if len(wanted) < len(calls) and self._llm.native_tools:  # it finishes and goes on in one: going on counts
            self._messages[-1] = Message("assistant", self._messages[-1].text, tuple(r for r, _ in wanted))
        self._asked = [request for request, _ in wanted]
        return Plan(tuple(self._fresh(call, request) for request, call in wanted), short(reason) or "what is missing")

    async def _calls(self, offered: frozenset[str]) -> tuple[list[ToolRequest], str]:
        """What a model calls for that makes tool calls, and why; nothing where it replies with words only."""
        chat = self._llm.chat
        reply = await chat.complete(
            self._messages, max_tokens=self._llm.room_for(REPLY_TOKENS), tools=descriptions(offered)
        )
        requests, reason = list(reply.tool_requests), reply.text
        if not requests:
            requests, reason = _written_calls(reply.text), ""
        if not requests and reply.broken_off:
            raise ModelOutputError(f"{chat.model!r} chose no step: {reply.broken_off}")
        requests = requests[:MAX_CALLS]
        if requests:
            self._messages.append(Message("assistant", reply.text, tuple(requests)))
        return requests, reason

    async def _decision(self, offered: frozenset[str]) -> tuple[list[ToolRequest], str]:
        """What a model calls for that replies in JSON; it gives no reason."""
        shape, room = decision_shape(offered), self._llm.room_for(REPLY_TOKENS)
        decision = await self._llm.chat.structured(self._messages, shape, max_tokens=room)
        self._messages.append(Message("assistant", decision.model_dump_json(exclude_defaults=True)))
        return _as_requests(decision.model_dump()), ""

    def _fresh(self, call: Tool, request: ToolRequest) -> Tool:
        """The call, unless it was made before: it would find the same."""
        made = f"{request.name} {json.dumps(call.model_dump(), sort_keys=True, default=str)}"
        if made in self._made and not isinstance(call, Refused):
            return Refused(
                request.name, short(request.arguments), "this very call was made before; call for something else"
            )
        self._made.add(made)
        return call


def _suffices(state: State) -> bool:
    return state.assessment is not None and state.assessment.confidence >= ANSWERED


def _written_calls(text: str) -> list[ToolRequest]:
    """Calls that a model wrote as text instead of making them."""
    if '"tool"' not in text and '"name"' not in text:
        return []
    try:
        data = read_json(text)
    except ModelOutputError:
        return []
    return _as_requests(data)


def _as_requests(data: object) -> list[ToolRequest]:
    """`{"calls": [...]}`, a list of calls or one call, each `{"tool" or "name": ..., "arguments": {...}}`."""
    calls = data.get("calls", [data]) if isinstance(data, dict) else data
    found: list[ToolRequest] = []
    for number, call in enumerate(calls if isinstance(calls, list) else []):
        if isinstance(call, dict) and isinstance(name := call.get("tool", call.get("name")), str):
            arguments = call.get("arguments", call.get("parameters", {}))
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            found.append(ToolRequest(f"call_{number}", name, text))
    return found[:MAX_CALLS]


def _observed(observation: Observation, ledger: Ledger, shown: Shown) -> str:
    """What a call found, as the model is told."""
    if observation.error:
        return f"Error: {observation.error}"
    found = [ledger.candidates[id_] for id_ in observation.hits if id_ in ledger.candidates]
    return shown.told(found[: 2 * LATER_SHOWN], new=LATER_SHOWN) if found else "Nothing was found."
