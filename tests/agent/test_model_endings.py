"""Answers that a model does not end as it should: cut off, refused, empty."""

import pytest

from api.views import answer_out
from graphrag.knowledge import KnowledgeBase
from graphrag.types import is_text
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


@pytest.mark.parametrize(
    ("said", "text", "citations"),
    [
        ("It is Halvorix [[P99]7].", "It is Halvorix [7].", ()),
        ("It is Halvorix [P1] [[P99]7].", "It is Halvorix [1] [7].", (1,)),
        (f"It is [P{'1' * 6000}] Halvorix [P1].", "It is  Halvorix [1].", (1,)),
    ],
)
async def test_numbers_in_brackets_that_name_no_passage_are_no_citations(
    kb: KnowledgeBase, server: ModelServer, said: str, text: str, citations: tuple[int, ...]
):
    server.next(replies(None, FINISH), replies(said))
    answer = await ask(kb, server)

    assert answer.text == text
    assert [claim.citations for claim in answer.claims] == [citations]


@pytest.mark.parametrize("half", ["\ud83d", "\ude00"])
async def test_half_a_character_is_left_out_of_whatever_the_model_writes(
    kb: KnowledgeBase, server: ModelServer, half: str
):
    server.next(
        replies(half, (f"look{half}", f'{{"query": "{half}"}}'), ("keyword_search", {"query": f"amber {half}"})),
        replies(None, ("finish", {"sufficient": False, "missing": [f"the date {half}"]})),
        replies(f"{SAYS} {half}"),
    )
    answer = await ask(kb, server)

    assert answer.text == "Halvorix Components supplies the PMX-48 power module [1]."
    assert not answer.degraded
    assert is_text(repr(answer)), "it can be sent"
    assert answer_out(answer, []).model_dump_json()
