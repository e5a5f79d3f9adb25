"""Re-ranking by protocol, against a scripted server and llama.cpp's own."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.search import search
from graphrag.bootstrap import open_knowledge_base, open_reranking
from graphrag.degraded import collect_degraded
from graphrag.errors import BudgetError, ConfigError, ModelOutputError, ModelRefusedError, ModelUnavailableError
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.rerank import ServedReranker, open_reranker
from graphrag.llm.usage import Limit, Price, Purse, Usage, paying
from graphrag.loaders import LoadedDocument
from graphrag.retrieval.rerank import rerank
from graphrag.settings import load_settings
from graphrag.types import Hit, Scope
from tests.llama_server import NAME, llama_server
from tests.model_server import ModelServer, closes, fails, hangs, model_server, ranks, raw

KEY = "sk-rerank-very-secret-0123456789"
SCOPE = Scope()


def shared_letters(query: str, text: str) -> float:
    return len(set(query) & set(text)) / 10


@pytest.fixture
def server() -> Generator[ModelServer]:
    with model_server() as running:
        running.otherwise = ranks(shared_letters)
        yield running


@pytest.fixture
async def reranker(server: ModelServer) -> AsyncGenerator[ServedReranker]:
    opened = open_reranker(
        "jina", "jina-reranker-v2", base_url=server.url, api_key=KEY, price=Price(1.0, 0.0), candidates=5, concurrency=2,
        seconds=1,
    )  # fmt: skip
    yield opened
    await opened.aclose()


async def test_scores_come_in_the_order_of_the_texts(server: ModelServer, reranker: ServedReranker) -> None:
    scores = await reranker.rerank("abc", ["xyz", "abc", "", "ab \ud800"])
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, [0.0, 0.3, 0.0, 0.2])
    (exchange,) = server.exchanges
    assert exchange.path == "/v1/rerank"
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert exchange.body == {"model": "jina-reranker-v2", "query": "abc", "documents": ["xyz", "abc", " ", "ab "]}
    assert (await reranker.rerank("abc", [])).shape == (0,)
    assert len(server.exchanges) == 1


def results(*pairs: tuple[object, object]) -> bytes:
    return json.dumps({"results": [{"index": n, "relevance_score": score} for n, score in pairs]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        results((0, 1.0)),
        results((0, 1.0), (0, 1.0)),
        results((0, 1.0), (1, 1.0), (1, 1.0)),
        results((0, 1.0), (2, 1.0)),
        results((0, 1.0), (-1, 1.0)),
        results((0, 1.0), (1, float("nan"))),
        results((0, 1.0), (1, 10**400)),
        results((0, 1.0), (1, 1e300)),
        results((0, 1.0), (1, "high")),
        results((0, 1.0), ("1", 1.0)),
        results((0, 1.0), (1, None)),
        b"{}",
        b"[]",
        b'{"results": 3}',
        b"no json",
    ],
)
async def test_a_reply_that_scores_not_each_passage_once_is_an_output_error(
    server: ModelServer, reranker: ServedReranker, body: bytes
) -> None:
    server.otherwise = raw(body)
    with pytest.raises(ModelOutputError):
        await reranker.rerank("abc", ["a", "b"])
    assert len(server.exchanges) == 1


async def test_a_busy_server_is_asked_again_and_a_refusal_is_not(server: ModelServer, reranker: ServedReranker) -> None:
    server.next(fails(429, retry_after="0.05"))
    assert len(await reranker.rerank("abc", ["a", "b"])) == 2
    server.next(fails(401, KEY))
    with pytest.raises(ModelRefusedError, match="GRAPHRAG_RERANK_API_KEY") as raised:
        await reranker.rerank("abc", ["a", "b"])
    assert KEY not in str(raised.value)
    assert len(server.exchanges) == 3


async def test_passages_that_are_too_long_are_shortened(server: ModelServer, reranker: ServedReranker) -> None:
    async def short(exchange: Any) -> None:
        if max(map(len, exchange.body["documents"])) > 50:
            return await fails(400, "input is too long")(exchange)
        return await ranks(shared_letters)(exchange)

    server.otherwise = short
    np.testing.assert_allclose(await reranker.rerank("abc", ["a" * 100, "abc"]), [0.1, 0.3])
    assert [len(text) for text in server.bodies[-1]["documents"]] == [42, 3]


async def test_the_purse_pays(server: ModelServer, reranker: ServedReranker) -> None:
    purse = Purse()
    with paying(purse):
        await reranker.rerank("abc", ["a", "b"])
    assert purse.spent == Usage(1, 11, 0, 11_000)
    with paying(Purse(limit=Limit(tokens=1))), pytest.raises(BudgetError):
        await reranker.rerank("abc", ["a", "b"])


async def test_a_real_server_scores_each_passage(tmp_path: Path) -> None:
    with llama_server(tmp_path, rerank=True) as llama:
        opened = open_reranker(
            "llamacpp", NAME, base_url=llama.url, api_key="", price=None, candidates=5, concurrency=1, seconds=60
        )
        purse = Purse()
        with paying(purse):
            scores = await opened.rerank("When does the ferry leave?", ["At nine.", "", "tea " * 750])
        await opened.aclose()
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    assert purse.spent.input_tokens > 0


# In a search


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with three documents; not to be changed."""
    texts = {"ferry": "The ferry leaves at nine.", "ship": "The ferry ship leaves at ten.", "tea": "Tea is served at the ferry."}  # fmt: skip
    url = f"sqlite:///{tmp_path_factory.mktemp('rerank')}/graph.db"

    async def fill() -> None:
        async with open_knowledge_base(load_settings(store_url=url, embedder="hashing")) as opened:
            documents = [LoadedDocument(n, n, "text/plain", text, (), (), {}, f"{n:0>64}") for n, text in texts.items()]
            await ingest_documents(opened, SCOPE, documents)

    asyncio.run(fill())
    return url


@pytest.fixture
async def kb(filled: str) -> AsyncGenerator[KnowledgeBase]:
    async with open_knowledge_base(load_settings(store_url=filled, embedder="hashing")) as opened:
        yield opened


async def sources(kb: KnowledgeBase, hits: Any) -> list[str]:
    return [chunk.source for chunk in await kb.store.chunks(SCOPE, [hit.chunk_id for hit in hits])]


@pytest.mark.parametrize("tool", ["hybrid", "graph"])
async def test_a_search_is_put_in_the_order_of_the_model_which_sees_titles(
    server: ModelServer, reranker: ServedReranker, kb: KnowledgeBase, tool: Any
) -> None:
    server.otherwise = ranks(lambda _, text: {"tea": 9.0, "ship": 5.0, "ferry": 1.0}[text.partition("\n")[0]])
    hits = await search(replace(kb, reranker=reranker), SCOPE, "When does the ferry leave?", tool, 2)
    assert await sources(kb, hits) == ["tea", "ship"]
    assert [hit.score for hit in hits] == [9.0, 5.0]
    assert server.bodies[0]["query"] == "When does the ferry leave?"
    assert len(server.bodies[0]["documents"]) == 3  # all candidates, though two were asked for
    assert sorted(server.bodies[0]["documents"])[2] == "tea\nTea is served at the ferry."


@pytest.mark.parametrize("tool", ["vector", "keyword"])
async def test_single_tools_stay_what_they_are(
    server: ModelServer, reranker: ServedReranker, kb: KnowledgeBase, tool: Any
) -> None:
    found = await search(replace(kb, reranker=reranker), SCOPE, "When does the ferry leave?", tool, 2)
    assert found == await search(kb, SCOPE, "When does the ferry leave?", tool, 2)
    assert server.bodies == []


@pytest.mark.parametrize("failure", [fails(503), fails(401), closes(), hangs(), raw(b"{}")])
async def test_hits_stay_in_their_order_while_the_model_is_down_and_it_is_said(
    server: ModelServer, reranker: ServedReranker, kb: KnowledgeBase, failure: Any
) -> None:
    server.otherwise = failure
    plain = await search(kb, SCOPE, "When does the ferry leave?", "hybrid", 3)
    with collect_degraded() as degraded:
        assert await rerank(reranker, kb.store, SCOPE, "When does the ferry leave?", plain, 2) == plain[:2]
    (note,) = degraded
    assert note.part == "reranking"
    assert server.url in note.detail
    assert server.url not in note.reason
    assert await search(replace(kb, reranker=reranker), SCOPE, "When does the ferry leave?", "hybrid", 3) == plain


async def test_equal_scores_are_in_the_order_of_ids_and_what_is_gone_is_left_out(
    server: ModelServer, reranker: ServedReranker, kb: KnowledgeBase
) -> None:
    server.otherwise = ranks(lambda _, __: 1.0)
    plain = await search(kb, SCOPE, "When does the ferry leave?", "hybrid", 3)
    with collect_degraded() as degraded:
        found = await rerank(reranker, kb.store, SCOPE, "ferry", [*plain, Hit("no such id", 0.0)], 10)
    assert [hit.chunk_id for hit in found] == sorted(hit.chunk_id for hit in plain)
    assert degraded == []


# Settings


def test_without_settings_there_is_none() -> None:
    assert open_reranking(load_settings()) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rerank_model": "m"}, "set it, too"),
        ({"reranker": "cohere", "rerank_api_key": "k"}, "needs a model"),
        ({"reranker": "cohere", "rerank_model": "rerank-v3.5"}, "needs a key"),
        ({"reranker": "jina", "rerank_model": "m", "rerank_api_key": "k", "llm_daily_cost": 1.0}, "GRAPHRAG_RERANK_PRICE"),
    ],
)  # fmt: skip
def test_settings_that_do_not_suffice_say_what_is_missing(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_reranking(load_settings(**settings))


async def test_a_server_that_does_not_run_is_named_with_its_setting() -> None:
    opened = open_reranking(load_settings(reranker="vllm", rerank_model="m", rerank_base_url="http://127.0.0.1:9/v1"))
    assert opened is not None
    with pytest.raises(ModelUnavailableError, match=r"vllm at http://127.0.0.1:9/v1.*GRAPHRAG_RERANK_BASE_URL"):
        await opened.rerank("a", ["b"])
    await opened.aclose()
