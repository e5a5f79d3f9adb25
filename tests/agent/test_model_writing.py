"""How a language model writes the answer, and what becomes of it without one, against a real HTTP server."""

from dataclasses import replace
from typing import Any

import pytest

from agent.loop import Agent
from agent.planner import EvidencePlanner
from agent.types import Answer, Citation, Piece
from graphrag.embedding import Kind
from graphrag.errors import FAILED_CALLS, ModelError
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.usage import Limit, Limits, estimate_tokens
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
from tests.model_server import ModelServer, fails, replies

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
