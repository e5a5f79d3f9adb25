"""How a language model plans the search, against a real HTTP server that replies by a script."""

import json
from typing import Any

import pytest

from agent.loop import Agent
from agent.model_planner import FIRST_SHOWN
from agent.types import Budget, Piece
from graphrag.knowledge import KnowledgeBase
from tests.agent.with_model import (
    FINISH,
    QUESTION,
    SAYS,
    SCOPE,
    agent_with,
    ask,
    events_of,
    model_at,
    passages_in,
    told,
)
from tests.model_server import ModelServer, replies


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
