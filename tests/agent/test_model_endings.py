"""Answers that a model does not end as it should: cut off, refused, empty."""

import pytest

from graphrag.knowledge import KnowledgeBase
from tests.agent.with_model import FINISH, SAYS, ask
from tests.model_server import ModelServer, replies


async def test_an_answer_that_is_cut_off_at_its_limit_is_given_and_said_not_to_be_whole(
    kb: KnowledgeBase, server: ModelServer
):
    server.next(replies(None, FINISH), replies(f"{SAYS} It also", finish="length"))
    answer = await ask(kb, server)

    assert answer.text == "Halvorix Components supplies the PMX-48 power module [1]. It also"
    (note,) = answer.degraded
    assert note.part == "writing"
    assert "not whole" in note.detail
    assert "GRAPHRAG_LLM_OUTPUT_TOKENS" in note.detail


@pytest.mark.parametrize(("finish", "said"), [("length", "GRAPHRAG_LLM_OUTPUT_TOKENS"), ("content_filter", "filter")])
async def test_an_answer_that_never_began_says_why(kb: KnowledgeBase, server: ModelServer, finish: str, said: str):
    server.next(replies(None, FINISH), replies("", finish=finish))
    answer = await ask(kb, server)

    (note,) = answer.degraded
    assert said in note.detail
    assert answer.citations, "it is quoted instead"


async def test_a_step_that_was_cut_off_leaves_planning_to_code_and_says_so(kb: KnowledgeBase, server: ModelServer):
    server.next(replies("", finish="length"), replies(SAYS))
    answer = await ask(kb, server)

    (note,) = answer.degraded
    assert note.part == "planning"
    assert "GRAPHRAG_LLM_OUTPUT_TOKENS" in note.detail


async def test_a_longer_reply_counts_for_planning_too_since_models_think_there(kb: KnowledgeBase, server: ModelServer):
    server.next(replies(None, FINISH), replies(SAYS))
    await ask(kb, server, output_tokens=4_000)

    assert [body["max_completion_tokens"] for body in server.bodies] == [4_000, 4_000]
