"""The agent with a language model, against a real HTTP server that replies by a script."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from agent.loop import Agent
from agent.model_planner import FIRST_SHOWN, ModelPlanner
from agent.planner import EvidencePlanner
from agent.types import Answer, Budget, Citation, Piece, Step
from graphrag.embedding import Kind
from graphrag.errors import FAILED_CALLS, ModelError
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.calls import Patience
from graphrag.llm.client import Chat
from graphrag.llm.model import LanguageModel
from graphrag.llm.presets import PRESETS
from graphrag.llm.usage import Limit, Limits, estimate_tokens
from graphrag.types import Scope
from tests.model_server import ModelServer, fails, replies

SCOPE = Scope()
QUESTION = "Which company supplies the power module that burnt out at Maasvliet Terminal?"
SAYS = "Halvorix Components supplies the PMX-48 power module [P1]."
FINISH = ("finish", {"sufficient": True, "missing": []})
QUICK = Patience(seconds=3, silence_seconds=1, attempts=2, first_pause=0.01, longest_pause=0.02, failures=50)


@asynccontextmanager
async def model_at(server: ModelServer, provider: str = "openai", **fields: Any) -> AsyncGenerator[LanguageModel]:
    """A model at the server that is asked as a provider is."""
    context = fields.pop("context_tokens", 16_000)
    preset = PRESETS[provider]
    chat = Chat(preset, "gpt-4o-mini", api_key="sk-test", base_url=server.url, patience=QUICK, context_tokens=context)
    async with chat:
        yield LanguageModel(chat, **{"native_tools": preset.tools, **fields})


def agent_with(kb: KnowledgeBase, llm: LanguageModel, **fields: Any) -> Agent:
    """The agent as it is where a model is configured."""
    return Agent(kb, partial(ModelPlanner, llm), llm=llm, **fields)


async def ask(kb: KnowledgeBase, server: ModelServer, question: str = QUESTION, **fields: Any) -> Answer:
    """Ask with a model at the server."""
    async with model_at(server, **fields) as llm:
        return await agent_with(kb, llm).run(SCOPE, question)


async def events_of(agent: Agent, question: str = QUESTION) -> list[Step | Piece | Citation | Answer]:
    return [event async for event in agent.stream(SCOPE, question)]


def told(server: ModelServer, number: int) -> str:
    """All that was said to the model in one request."""
    return "\n".join(str(message.get("content")) for message in server.bodies[number]["messages"])


def passages_in(text: str) -> int:
    """How many passages it shows."""
    return len(re.findall(r"^P\d+: ", text, re.MULTILINE))


# Planning


async def test_the_model_begins_with_the_best_passages_of_a_search_that_cost_nothing(
    kb: KnowledgeBase, server: ModelServer
):
    server.next(replies(None, FINISH), replies(SAYS))

    answer = await ask(kb, server)

    assert [o.tool for step in answer.steps for o in step.observations] == ["graph_search"]
    first = told(server, 0)
    assert "Halvorix Components supplied the power module." in first
    assert f"Question: {QUESTION}" in first
    assert 1 < passages_in(first) <= FIRST_SHOWN
    assert answer.stopped_by == "sufficient"
    assert len(server.exchanges) == 2
    assert answer.usage.calls == 2


async def test_calls_of_one_turn_are_made_side_by_side_and_each_is_told_what_it_found(
    kb: KnowledgeBase, server: ModelServer
):
    server.next(
        replies(None, ("keyword_search", {"query": "amber light"}), ("graph_expand", {"entities": ["Ewa Strzelecka"]})),
        replies(None, FINISH),
        replies(SAYS),
    )

    answer = await ask(kb, server)

    assert [[o.tool for o in step.observations] for step in answer.steps] == [
        ["graph_search"],
        ["keyword_search", "graph_expand"],
    ]
    said = server.bodies[1]["messages"]
    assert [m["tool_call_id"] for m in said if m["role"] == "tool"] == ["call_0", "call_1"]
    assert [call["function"]["name"] for call in said[2]["tool_calls"]] == ["keyword_search", "graph_expand"]


async def test_a_passage_is_written_out_once_and_named_from_then_on(kb: KnowledgeBase, server: ModelServer):
    search = ("keyword_search", {"query": "Halvorix Components power module"})
    server.next(replies(None, search), replies(None, FINISH), replies(SAYS))

    await ask(kb, server)

    everything = told(server, 1)
    assert everything.count("The PMX-48 power module had burnt out.") == 1
    assert "(shown before)" in everything


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (("delete_documents", {"source": "*"}), "there is no such tool; those there are: vector_search"),
        (("keyword_search", "this is no JSON"), "the arguments are no JSON object"),
        (("keyword_search", []), "have to be one JSON object"),
        (("keyword_search", {}), "query: Field required"),
        (("keyword_search", {"query": "a", "k": 5000}), "k: Input should be less than or equal to 100"),
        (("keyword_search", {"query": "a", "tenant": "rival"}), "tenant: Extra inputs are not permitted"),
        (("keyword_search", {"query": "a", "access": ["board"]}), "access: Extra inputs are not permitted"),
        (("graph_expand", {"chunk_ids": ["P99"]}), "there is no passage 'P99'; passages are named: P1 to P"),
        (("read_chunk", {"chunk_id": 7}), "there is no"),
        (("graph_search", {}), "there is no such tool"),
    ],
)
async def test_a_wrong_call_is_an_observation_that_the_model_can_mend(
    kb: KnowledgeBase, server: ModelServer, call: tuple[str, Any], problem: str
):
    server.next(
        # What the second call finds is known already, and two steps without new passages end the search.
        replies(None, call),
        replies(None, ("keyword_search", {"query": "amber"})),
        replies(SAYS),
    )

    answer = await ask(kb, server)

    (wrong,) = answer.steps[1].observations
    if call[0] == "read_chunk":  # a number is no name of a passage; what is wrong with it is the type
        assert wrong.error
    else:
        assert problem in wrong.error
    assert f"Error: {wrong.error}" in told(server, 1)
    assert answer.steps[2].observations[0].error == ""
    assert answer.written
    assert not answer.degraded


async def test_a_call_that_was_made_before_is_not_made_again(kb: KnowledgeBase, server: ModelServer):
    search = ("keyword_search", {"query": "amber light"})
    server.next(replies(None, search), replies(None, search), replies(None, FINISH), replies(SAYS))

    answer = await ask(kb, server)

    assert "made before" in answer.steps[2].observations[0].error


async def test_what_the_model_finds_missing_is_named_first(kb: KnowledgeBase, server: ModelServer):
    missing = ("finish", {"sufficient": False, "missing": ["the price\n of [it](http://evil.example)", "x" * 500]})
    server.next(replies(None, missing), replies("NOT IN EVIDENCE: the price of the module."))

    answer = await ask(kb, server)

    assert answer.verdict == "insufficient_evidence"
    assert answer.text == ""
    assert answer.missing[:2] == ("the price of the module.", "the price of it")
    assert len(answer.missing[2]) == 120
    assert answer.citations, "the nearest passages stay"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("NOT IN EVIDENCE: the price of the module.", ""),
        ("Not in evidence: who supplies it [P1]", ""),
        ("NOT IN GDYNIA.", "NOT IN GDYNIA."),
        ("NOT", "NOT"),
    ],
)
async def test_a_reply_is_held_back_while_it_may_say_that_there_is_no_answer(
    kb: KnowledgeBase, server: ModelServer, reply: str, said: str
):
    server.next(replies(None, FINISH), replies(reply))

    async with model_at(server) as llm:
        events = await events_of(agent_with(kb, llm))

    assert "".join(event.text for event in events if isinstance(event, Piece)) == said


async def test_two_steps_without_new_passages_end_the_search(kb: KnowledgeBase, server: ModelServer):
    searches = [replies(None, ("keyword_search", {"query": f"zyxwvu{n}"})) for n in range(6)]
    server.next(*searches[:2], replies(SAYS))

    answer = await ask(kb, server)

    assert len(answer.steps) == 3
    assert answer.stopped_by == "no_gain"
    assert answer.written


async def test_the_budget_of_steps_ends_the_search_and_the_answer_is_written(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(None, ("keyword_search", {"query": "amber"})), replies(SAYS))
    async with model_at(server) as llm:
        answer = await agent_with(kb, llm, budget=Budget(steps=2)).run(SCOPE, QUESTION)

    assert answer.stopped_by == "budget"
    assert answer.written


async def test_a_model_without_tools_is_asked_for_json(kb: KnowledgeBase, server: ModelServer):
    calls = {"calls": [{"tool": "keyword_search", "arguments": {"query": "amber light", "k": 5}}]}
    finish = {"calls": [{"tool": "finish", "arguments": {"sufficient": True, "missing": []}}]}
    server.next(replies(json.dumps(calls)), replies(json.dumps(finish)), replies(SAYS))

    answer = await ask(kb, server, provider="llamacpp")

    assert [o.tool for step in answer.steps for o in step.observations] == ["graph_search", "keyword_search"]
    assert "tools" not in server.bodies[0]
    schema = json.dumps(server.bodies[0]["response_format"])
    assert '"const": "keyword_search"' in schema
    assert "anyOf" in schema
    assert "$ref" not in schema
    assert server.bodies[1]["messages"][-1]["content"].startswith("keyword_search: ")
    assert answer.written


async def test_a_call_that_is_written_as_text_is_made(kb: KnowledgeBase, server: ModelServer):
    written = 'I will search.\n```json\n{"name": "keyword_search", "arguments": {"query": "amber light"}}\n```'
    server.next(replies(written), replies(None, FINISH), replies(SAYS))

    answer = await ask(kb, server)

    assert answer.steps[1].observations[0].tool == "keyword_search"


async def test_mere_words_end_the_search(kb: KnowledgeBase, server: ModelServer):
    server.next(replies("The evidence is complete."), replies(SAYS))

    answer = await ask(kb, server)

    assert len(answer.steps) == 1
    assert answer.written


@pytest.mark.parametrize(
    ("tool", "reply"),
    [
        ("hypothetical_search", "Brackwater Utilities saw a flashing amber light at the pump."),
        ("rewritten_search", json.dumps({"queries": ["flashing amber light", "amber lamp blinking"]})),
        ("decomposed_search", json.dumps({"queries": ["Who reported an amber light?"]})),
    ],
)
async def test_the_model_finds_other_words_to_search_with(
    kb: KnowledgeBase, server: ModelServer, tool: str, reply: str
):
    server.next(
        replies(None, (tool, {"query": "Who saw a lamp blink?"})), replies(reply), replies(None, FINISH), replies(SAYS)
    )

    answer = await ask(kb, server)

    found = answer.steps[1].observations[0]
    assert found.tool == tool
    assert found.error == ""
    chunks = await kb.store.chunks(SCOPE, found.hits)
    assert "tickets.jsonl#T-1" in [chunk.source for chunk in chunks]


async def test_without_a_model_its_tools_are_not_there(kb: KnowledgeBase):
    answer = await Agent(kb).run(SCOPE, QUESTION)

    assert not answer.written
    assert answer.usage.calls == 0
    assert not answer.degraded


# Writing


async def test_the_answer_is_streamed_with_each_citation_before_its_marker(kb: KnowledgeBase, server: ModelServer):
    text = "The module is supplied by Halvorix Components [P1]. It is the PMX-48 [P2][P1]."
    server.next(replies(None, FINISH), replies(text))
    async with model_at(server) as llm:
        events = await events_of(agent_with(kb, llm))

    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.text == "The module is supplied by Halvorix Components [1]. It is the PMX-48 [2][1]."
    assert "".join(event.text for event in events if isinstance(event, Piece)) == answer.text
    kinds = [
        event.id if isinstance(event, Citation) else event.text
        for event in events
        if isinstance(event, Citation | Piece)
    ]
    assert kinds.index(1) + 1 == kinds.index("[1]")
    assert kinds.index(2) + 1 == kinds.index("[2]")
    assert [citation.id for citation in answer.citations] == [1, 2]
    for citation in answer.citations:
        texts = await kb.store.texts(SCOPE, [citation.document_id])
        assert texts[citation.document_id][citation.start : citation.end] == citation.quote


async def test_citations_of_passages_that_were_not_shown_are_left_out(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(None, FINISH), replies("Halvorix Components supplies it [P1][P77] [P0], see [P1, P99]."))

    answer = await ask(kb, server)

    assert answer.text == "Halvorix Components supplies it [1] , see [1]."
    assert [citation.id for citation in answer.citations] == [1]


async def test_links_of_the_model_are_left_out(kb: KnowledgeBase, server: ModelServer):
    server.next(
        replies(None, FINISH), replies("Halvorix Components [here](http://evil.example/?q=1) supplies it [P1].")
    )

    answer = await ask(kb, server)

    assert answer.text == "Halvorix Components here supplies it [1]."


async def test_a_sentence_that_its_passages_do_not_bear_out_is_marked(kb: KnowledgeBase, server: ModelServer):
    server.next(
        replies(None, FINISH), replies(f"{SAYS} It costs EUR 4,711 and is made in Lisbon [P1]. Nobody knows why.")
    )

    answer = await ask(kb, server)

    assert [claim.supported for claim in answer.claims] == [True, False, False]
    assert [claim.citations for claim in answer.claims] == [(1,), (1,), ()]
    assert answer.verdict == "evidence_only"


async def test_an_answer_whose_sentences_are_all_supported_counts_as_answered(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(None, FINISH), replies("Halvorix Components supplies the PMX-48 power module. [P1]"))

    answer = await ask(kb, server)

    assert [claim.citations for claim in answer.claims] == [(1,)]
    assert answer.verdict == "answered"


async def test_the_model_may_check_what_it_wrote(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(None, FINISH), replies(SAYS), replies('{"supported": [false]}'))

    answer = await ask(kb, server, verify=True)

    assert [claim.supported for claim in answer.claims] == [False]
    assert answer.verdict == "evidence_only"


async def test_a_check_that_fails_leaves_what_code_found_and_says_so(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(None, FINISH), replies(SAYS), replies('{"supported": [true, true, false]}'))

    answer = await ask(kb, server, verify=True)

    assert [claim.supported for claim in answer.claims] == [True]
    assert [note.part for note in answer.degraded] == ["checking"]


# Doing without


async def test_a_model_that_is_down_leaves_the_answer_that_needs_none(kb: KnowledgeBase, server: ModelServer):
    server.otherwise = fails(503)
    async with model_at(server) as llm:
        answer = await agent_with(kb, llm).run(SCOPE, QUESTION)
    plain = await Agent(kb, EvidencePlanner).run(SCOPE, QUESTION)

    assert [note.part for note in answer.degraded] == ["planning", "writing"]
    assert "HTTP 503" in answer.degraded[0].detail
    assert (answer.verdict, answer.text) == (plain.verdict, plain.text)
    assert not answer.written


async def test_a_reply_that_breaks_off_makes_what_came_void(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(None, FINISH), replies(f"{SAYS} And so on and so forth.", cut_after=9))
    async with model_at(server) as llm:
        events = await events_of(agent_with(kb, llm))

    answer = events[-1]
    assert isinstance(answer, Answer)
    restart = events.index(Piece("", restart=True))
    assert any(isinstance(event, Piece) and event.text for event in events[:restart])
    assert "".join(event.text for event in events[restart:] if isinstance(event, Piece)) == answer.text
    assert not answer.written
    assert [note.part for note in answer.degraded] == ["writing"]


async def test_a_context_that_is_too_long_is_halved(kb: KnowledgeBase, server: ModelServer):
    overflow = fails(400, "maximum context length is 1000 tokens", code="context_length_exceeded")
    server.next(replies(None, FINISH), overflow, replies(SAYS))

    answer = await ask(kb, server)

    assert answer.written
    assert not answer.degraded
    shown = [passages_in(told(server, number)) for number in (1, 2)]
    assert shown[1] <= shown[0] // 2 + 1


async def test_a_small_context_is_kept_to(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(SAYS))
    async with model_at(server, context_tokens=1_000, output_tokens=64) as llm:
        answer = await agent_with(kb, llm).run(SCOPE, QUESTION)

    assert answer.stopped_by == "budget", "there was no room to plan with"
    assert answer.written
    assert 0 < passages_in(told(server, 0)) < 8
    assert estimate_tokens(told(server, 0)) + 64 <= 1_000


async def test_an_answer_that_the_budget_does_not_pay_for_is_quoted(kb: KnowledgeBase, server: ModelServer):
    poor = replace(kb, limits=Limits(answer=Limit(tokens=100)))

    answer = await ask(poor, server)

    assert server.exchanges == []
    assert answer.stopped_by == "budget"
    assert [note.part for note in answer.degraded] == ["writing"]
    assert "budget" in answer.degraded[0].detail
    assert answer.text


class Away:
    """An embedder at a server that does not answer."""

    fingerprint = "away"
    scale = 1.0

    def __init__(self, dimension: int, error: ModelError) -> None:
        self.dimension = dimension
        self.error = error

    async def embed(self, texts: object, kind: Kind) -> Any:
        """See Embedder.embed."""
        raise self.error


@pytest.mark.parametrize("kind", FAILED_CALLS)
async def test_an_embedder_that_is_away_leaves_words_and_the_graph(kb: KnowledgeBase, kind: type[ModelError]):
    without = replace(kb, embedder=Away(kb.embedder.dimension, kind("embeddings at nowhere failed")))

    answer = await Agent(without).run(SCOPE, QUESTION)

    assert [note.part for note in answer.degraded] == ["vectors"]
    assert "Halvorix Components" in answer.text
    assert all(not o.hits for step in answer.steps for o in step.observations if o.tool == "vector_search")


async def test_what_an_answer_used_is_counted_for_its_key(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(None, FINISH, usage=(1000, 10)), replies(SAYS, usage=(2000, 30)))
    async with model_at(server) as llm:
        answer = await agent_with(kb, llm).run(SCOPE, QUESTION, purse=kb.purse("default", key="somebody"))

    assert (answer.usage.calls, answer.usage.input_tokens, answer.usage.output_tokens) == (2, 3000, 40)
    accounts = {account.id: used for account, used in await kb.system.usage("default")}
    assert accounts["somebody"] == answer.usage
    assert answer.usage.dollars == pytest.approx(3000 * 0.15e-6 + 40 * 0.6e-6)
