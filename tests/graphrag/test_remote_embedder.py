"""The embedder behind a protocol, against a real HTTP server."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphrag.bootstrap import open_embedders, open_knowledge_base
from graphrag.embedding.models import MODELS, embedding_model
from graphrag.embedding.remote import BATCH_TOKENS, RemoteEmbedder, open_remote
from graphrag.errors import (
    BudgetError,
    ConfigError,
    ModelDeniedError,
    ModelOutputError,
    ModelRefusedError,
    ModelUnavailableError,
)
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.calls import Patience, within
from graphrag.llm.service import Service
from graphrag.llm.usage import Limit, Price, Purse, Usage, paying
from graphrag.loaders import load_bytes
from graphrag.settings import load_settings
from graphrag.types import Scope, document_id
from tests.llama_server import NAME, llama_server
from tests.model_server import Action, Exchange, ModelServer, closes, direction, embeds, fails, hangs, model_server, raw

KEY = "sk-proj-very-secret-0123456789"
QUICK = Patience(seconds=3, silence_seconds=1, first_pause=0.01, longest_pause=0.02, failures=4, open_seconds=30)
Open = Callable[..., AbstractAsyncContextManager[RemoteEmbedder]]


@pytest.fixture
def server() -> Generator[ModelServer]:
    with model_server() as running:
        running.otherwise = embeds(8)
        yield running


@pytest.fixture
def opened(server: ModelServer) -> Open:
    @asynccontextmanager
    async def opened(
        model: str = "of-our-own", dimensions: int = 8, patience: Patience = QUICK, **options: Any
    ) -> AsyncGenerator[RemoteEmbedder]:
        concurrency = options.pop("concurrency", 4)
        price = options.pop("price", Price(0.02, 0.0))
        prefixes = {name: options.pop(name) for name in ("query_prefix", "document_prefix") if name in options}
        service = Service(
            "openai", server.url, model, api_key=KEY, setting="GRAPHRAG_EMBEDDING", price=price,
            concurrency=concurrency, patience=patience,
        )  # fmt: skip
        known = embedding_model(model, dimensions=dimensions, **prefixes)
        embedder = RemoteEmbedder(service, known, concurrency=concurrency, **options)
        yield embedder
        await embedder.aclose()

    return opened


def unit(text: str, dimension: int = 8) -> np.ndarray:
    vector = np.array(direction(text, dimension))
    return vector / np.linalg.norm(vector)


# What goes well


async def test_vectors_are_of_unit_length_in_the_order_of_the_texts(server: ModelServer, opened: Open) -> None:
    server.otherwise = embeds(8, backwards=True)
    texts = [f"text {n}" for n in range(10)]
    async with opened(batch=4) as embedder:
        vectors = await embedder.embed(texts, "document")
        nothing = await embedder.embed([], "document")

    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [unit(text) for text in texts], atol=1e-6)
    assert nothing.shape == (0, 8)
    assert sorted(len(body["input"]) for body in server.bodies) == [2, 4, 4]
    assert {exchange.path for exchange in server.exchanges} == {"/v1/embeddings"}
    assert server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("answered", [None, False, True])
async def test_vectors_are_read_in_either_form_whatever_was_asked_for(
    server: ModelServer, opened: Open, packed: bool, answered: bool | None
) -> None:
    server.otherwise = embeds(8, packed=answered)
    async with opened(packed=packed) as embedder:
        vectors = await embedder.embed(["a", "b"], "query")
    np.testing.assert_allclose(vectors, [unit("a"), unit("b")], atol=1e-6)
    assert server.bodies[0]["encoding_format"] == ("base64" if packed else "float")


async def test_a_request_holds_no_more_than_its_share_of_tokens(server: ModelServer, opened: Open) -> None:
    thousand = "x" * 3_000  # tokens, as they are estimated
    async with opened(batch=100) as embedder:
        await embedder.embed([thousand] * (BATCH_TOKENS // 1_000 + 1) + [thousand * 20, "z"], "document")
    sizes = sorted(sum(len(text) // 3 for text in body["input"]) for body in server.bodies)
    assert sizes == [0, 1_000, BATCH_TOKENS, 20_000]


@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("nomic-embed-text:latest", "search_query: Where?", "search_document: Where?"),
        ("nomic-ai/nomic-embed-text-v1.5", "search_query: Where?", "search_document: Where?"),
        ("mxbai-embed-large", "Represent this sentence for searching relevant passages: Where?", "Where?"),
        ("intfloat/multilingual-e5-large", "query: Where?", "passage: Where?"),
        ("text-embedding-3-small", "Where?", "Where?"),
    ],
)
async def test_the_server_sees_the_prefix_of_the_model(
    server: ModelServer, opened: Open, model: str, query: str, document: str
) -> None:
    server.otherwise = embeds(embedding_model(model).dimension)
    async with opened(model, 0) as embedder:
        await embedder.embed(["Where?"], "query")
        await embedder.embed(["Where?"], "document")
    assert [body["input"] for body in server.bodies] == [[query], [document]]
    assert ("dimensions" in server.bodies[0]) == model.startswith("text-embedding-3")


async def test_prefixes_of_the_settings_count_before_those_of_the_model(server: ModelServer, opened: Open) -> None:
    async with opened("nomic-embed-text", 768, query_prefix="", document_prefix="doc: ") as embedder:
        server.otherwise = embeds(768)
        await embedder.embed(["Where?"], "query")
        await embedder.embed(["Where?"], "document")
    assert [body["input"] for body in server.bodies] == [["Where?"], ["doc: Where?"]]


async def test_a_model_that_shortens_its_vectors_is_asked_to(server: ModelServer, opened: Open) -> None:
    async with opened("text-embedding-3-large", 256) as embedder:
        vectors = await embedder.embed(["Where?"], "query")
    assert server.bodies[0]["dimensions"] == 256
    np.testing.assert_allclose(vectors, [unit("Where?", 256)], atol=1e-6)


async def test_cohere_is_told_what_a_text_is_for(server: ModelServer, opened: Open) -> None:
    async with opened("embed-v4.0", 512, cohere=True) as embedder:
        asked = await embedder.embed(["Where?"], "query")
        await embedder.embed(["There."], "document")
    np.testing.assert_allclose(asked, [unit("Where?", 512)], atol=1e-6)
    assert [exchange.path for exchange in server.exchanges] == ["/v1/embed"] * 2
    assert [(body["texts"], body["input_type"]) for body in server.bodies] == [
        (["Where?"], "search_query"),
        (["There."], "search_document"),
    ]
    assert {body["output_dimension"] for body in server.bodies} == {512}


async def test_any_text_can_be_embedded(server: ModelServer, opened: Open) -> None:
    async with opened() as embedder:
        vectors = await embedder.embed(["", "half \ud800 a pair", "ü 船"], "document")
    assert vectors.shape == (3, 8)
    assert server.bodies[0]["input"] == [" ", "half ? a pair", "ü 船"]


async def test_a_text_beyond_the_limit_is_cut_and_its_neighbours_are_not(server: ModelServer, opened: Open) -> None:
    server.otherwise = embeds(8, longest=40)
    texts = ["a" * 40, "b" * 100, "c" * 40, "d" * 60]
    async with opened() as embedder:
        vectors = await embedder.embed(texts, "document")
        alone = await embedder.embed([texts[1]], "document")
    np.testing.assert_allclose(vectors[[0, 2]], [unit("a" * 40), unit("c" * 40)], atol=1e-6)
    np.testing.assert_array_equal(vectors[1], alone[0])
    np.testing.assert_allclose(vectors[1], unit("b" * 31), atol=1e-6)


# Fingerprints


async def test_a_fingerprint_holds_model_dimension_and_prefix_rule(opened: Open) -> None:
    async def fingerprint(*args: Any, **options: Any) -> str:
        async with opened(*args, **options) as embedder:
            return embedder.fingerprint

    prints = [
        await fingerprint("text-embedding-3-small", 0),
        await fingerprint("text-embedding-3-small", 512),
        await fingerprint("text-embedding-3-large", 0),
        await fingerprint("embed-v4.0", 0),
        await fingerprint("embed-v4.0", 0, cohere=True),
        await fingerprint("nomic-embed-text", 0),
        await fingerprint("nomic-embed-text", 0, query_prefix=""),
        await fingerprint("nomic-embed-text", 0, query_prefix="", document_prefix=""),
    ]
    assert len(set(prints)) == len(prints)
    assert prints[0] == "text-embedding-3-small/1536/prefix:none"
    assert await fingerprint("nomic-embed-text", 768) == prints[5]


# What goes wrong


async def test_too_many_requests_are_repeated_when_the_server_says(server: ModelServer, opened: Open) -> None:
    server.next(fails(429, retry_after="0.2"))
    async with opened() as embedder:
        begun = time.monotonic()
        vectors = await embedder.embed(["a"], "query")
    assert time.monotonic() - begun >= 0.2
    np.testing.assert_allclose(vectors, [unit("a")], atol=1e-6)


@pytest.mark.parametrize("failure", [fails(503), closes(), hangs()])
async def test_a_server_that_is_down_is_unavailable_and_then_left_alone(
    server: ModelServer, opened: Open, failure: Any
) -> None:
    server.otherwise = failure
    async with opened(patience=Patience(seconds=1, silence_seconds=0.2, first_pause=0.01, failures=3)) as embedder:
        with pytest.raises(ModelUnavailableError):
            await embedder.embed(["a"], "query")
        asked = len(server.bodies)
        with pytest.raises(ModelUnavailableError, match="left alone"):
            await embedder.embed(["a"], "query")
        assert len(server.bodies) == asked


async def test_a_server_that_does_not_run_is_unavailable_and_says_which_setting_to_check() -> None:
    service = Service(
        "ollama", "http://127.0.0.1:9/v1", "m", api_key="", setting="GRAPHRAG_EMBEDDING", price=None, concurrency=1,
        patience=QUICK,
    )  # fmt: skip
    embedder = RemoteEmbedder(service, embedding_model("m", dimensions=8))
    with pytest.raises(ModelUnavailableError, match=r"cannot be reached.*GRAPHRAG_EMBEDDING_BASE_URL"):
        await embedder.embed(["a"], "query")
    await embedder.aclose()


async def test_a_deadline_of_the_caller_counts(server: ModelServer, opened: Open) -> None:
    server.otherwise = hangs()
    async with opened() as embedder:
        begun = time.monotonic()
        with within(0.3), pytest.raises(ModelUnavailableError):
            await embedder.embed(["a"], "query")
        assert time.monotonic() - begun < 1


def answers(data: object) -> bytes:
    return json.dumps({"data": data}).encode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (answers([{"index": 0, "embedding": [1.0] * 8}]), "2 texts with 1 vectors"),
        (answers([{"index": n, "embedding": [1.0] * 8} for n in range(3)]), "2 texts with 3 vectors"),
        (answers([{"index": n, "embedding": [1.0] * 7} for n in range(2)]), "7 numbers, expected are 8.*DIMENSIONS"),
        (answers([{"index": n, "embedding": [[1.0] * 8]} for n in range(2)]), "expected are 8"),
        (answers([{"index": n, "embedding": [float("nan")] * 8} for n in range(2)]), "not finite"),
        (answers([{"index": n, "embedding": [10**400] * 8} for n in range(2)]), "no vector"),
        (answers([{"index": n, "embedding": [1e39] * 7 + [float("inf")]} for n in range(2)]), "not finite"),
        (answers([{"index": n, "embedding": [0.0] * 8} for n in range(2)]), "or zero"),
        (answers([{"index": n, "embedding": "not base64!"} for n in range(2)]), "no vector"),
        (answers([{"index": n, "embedding": ["a"] * 8} for n in range(2)]), "no vector"),
        (answers([{"index": n, "embedding": {"a": 1}} for n in range(2)]), "no vector"),
        (answers([{"index": n} for n in range(2)]), "no vector"),
        (answers([1, 2]), "no vector"),
        (answers({}), "0 vectors"),
        (b"{}", "0 vectors"),
        (b"[]", "no object"),
        (b"<html>", "not JSON"),
    ],
)
async def test_a_reply_that_is_no_list_of_vectors_is_an_output_error(
    server: ModelServer, opened: Open, body: bytes, message: str
) -> None:
    server.otherwise = raw(body)
    async with opened() as embedder:
        with pytest.raises(ModelOutputError, match=message):
            await embedder.embed(["a", "b"], "query")
    assert len(server.bodies) == 1


async def test_an_index_that_is_none_leaves_the_order_of_the_reply(server: ModelServer, opened: Open) -> None:
    vectors = [direction("a", 8), direction("b", 8)]
    for index in ([0, 0], [[], {}], [1, 2]):
        data = [{"index": n, "embedding": vector} for n, vector in zip(index, vectors, strict=True)]
        server.next(raw(answers(data)))
        async with opened() as embedder:
            np.testing.assert_allclose(await embedder.embed(["a", "b"], "query"), [unit("a"), unit("b")], atol=1e-6)


@pytest.mark.parametrize(("status", "message"), [(401, "API_KEY"), (404, "EMBEDDING_MODEL"), (501, "cannot do this")])
async def test_a_refusal_is_not_tried_again_and_says_what_to_do(
    server: ModelServer, opened: Open, status: int, message: str
) -> None:
    server.otherwise = fails(status, f"no: {KEY}")
    async with opened() as embedder:
        with pytest.raises(ModelRefusedError, match=message) as raised:
            await embedder.embed(["a"], "query")
    assert KEY not in str(raised.value)
    assert len(server.bodies) == 1


async def test_a_key_is_in_no_log(server: ModelServer, opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.next(fails(500, KEY))
    async with opened() as embedder:
        await embedder.embed(["a"], "query")
    assert KEY not in caplog.text


async def test_one_failed_request_fails_the_call_and_leaves_no_other_behind(server: ModelServer, opened: Open) -> None:
    server.otherwise = hangs()
    server.next(fails(401))
    async with opened(batch=1) as embedder:
        with pytest.raises(ModelRefusedError):
            await asyncio.wait_for(embedder.embed(["a", "b", "c", "d"], "document"), 2)
        assert len(asyncio.all_tasks()) == 1


# Budgets and room


async def test_usage_is_what_the_server_counted(server: ModelServer, opened: Open) -> None:
    purse = Purse()
    async with opened(batch=2) as embedder:
        with paying(purse):
            await embedder.embed(["a", "b", "c"], "document")
    assert purse.spent == Usage(2, 14, 0, 2 * 7 * 20)
    assert purse.reserved == Usage()


async def test_a_call_beyond_the_budget_is_not_made(server: ModelServer, opened: Open) -> None:
    async with opened() as embedder:
        with paying(Purse(limit=Limit(tokens=10))), pytest.raises(BudgetError, match="of 10 tokens"):
            await embedder.embed(["a" * 100], "document")
    assert server.bodies == []


async def test_what_a_server_refuses_costs_nothing(server: ModelServer, opened: Open) -> None:
    server.next(fails(503))
    purse = Purse()
    async with opened() as embedder:
        with paying(purse):
            await embedder.embed(["a"], "query")
    assert purse.spent == Usage(2, 7, 0, 7 * 20)


async def test_documents_leave_room_for_a_question(server: ModelServer, opened: Open) -> None:
    server.next(hangs(2), hangs(2))
    async with opened(batch=1, concurrency=3) as embedder:
        documents = asyncio.create_task(embedder.embed(["a", "b", "c", "d"], "document"))
        while len(server.bodies) < 2:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.01)
        begun = time.monotonic()
        await embedder.embed(["Where?"], "query")
        assert time.monotonic() - begun < 0.5
        documents.cancel()
        await asyncio.gather(documents, return_exceptions=True)


# Ingest

LONG = "\n\n".join(f"Paragraph {n} tells of harbours and ships. " * 30 for n in range(80))


@pytest.fixture
async def remote(opened: Open, tmp_path: Path) -> AsyncGenerator[KnowledgeBase]:
    """An empty knowledge base with the embedder of the server."""
    settings = load_settings(store_url=f"sqlite:///{tmp_path}/kb.db", embedder="hashing")
    async with opened() as embedder, open_knowledge_base(settings, bind=False) as kb:
        yield replace(kb, embedder=embedder)


def _refuses(word: str) -> Action:
    """A server that has no vector for texts with a word, and refuses all that come with them."""

    async def act(exchange: Exchange) -> None:
        refused = any(word in text for text in exchange.body["input"])
        await (fails(400, f"no vector for {word}") if refused else embeds(8))(exchange)

    return act


@pytest.mark.parametrize("sources", [("a", "poison", "c"), ("a",), ("poison",), ("poison", "poison too")])
async def test_a_document_that_the_embedder_refuses_keeps_no_other_out(
    server: ModelServer, remote: KnowledgeBase, sources: tuple[str, ...]
) -> None:
    server.otherwise = _refuses("poison")
    scope = Scope()
    documents = [load_bytes(f"This is about {name}.".encode(), f"{name}.md")[0] for name in sources]
    good = [name for name in sources if "poison" not in name]
    if not good:  # as if the model took nothing at all
        with pytest.raises(ModelRefusedError, match="no vector for poison"):
            await ingest_documents(remote, scope, documents)
        return
    report = await ingest_documents(remote, scope, documents)
    assert [document.source for document in await remote.store.documents(scope)] == sorted(
        (f"{name}.md" for name in good), key=lambda source: document_id("default", source)
    )
    assert [(failed.source, "on no other" in failed.reason) for failed in report.failures] == [
        (f"{name}.md", True) for name in sources if name not in good
    ]


async def test_a_document_alone_that_the_embedder_refuses_fails_alone_where_it_took_others_before(
    server: ModelServer, remote: KnowledgeBase
) -> None:
    server.otherwise = _refuses("poison")
    documents = [load_bytes(text.encode(), name)[0] for name, text in (("a.md", LONG), ("b.md", "Of poison."))]
    report = await ingest_documents(remote, Scope(), documents)
    assert {one.source: one.outcome for one in report.results} == {"a.md": "created", "b.md": "failed"}


async def test_an_embedder_that_refuses_everything_from_some_time_on_ends_the_run(
    server: ModelServer, remote: KnowledgeBase
) -> None:
    server.otherwise = _refuses("poison")
    texts = {"a.md": LONG, "b.md": "Of poison.", "c.md": "More poison.", "d.md": "Poison is poison."}
    documents = [load_bytes(text.encode(), name)[0] for name, text in texts.items()]
    with pytest.raises(ModelRefusedError, match="no vector for poison"):
        await ingest_documents(remote, Scope(), documents)
    assert [document.source for document in await remote.store.documents(Scope())] == ["a.md"]


def _revoked_at(word: str) -> Action:
    """A server whose key is revoked when a text with the word comes alone; until then as _refuses("poison")."""
    revoked = False

    async def act(exchange: Exchange) -> None:
        nonlocal revoked
        revoked = revoked or [word in text for text in exchange.body["input"]] == [True]
        await (fails(401) if revoked else _refuses("poison"))(exchange)

    return act


@pytest.mark.parametrize("long", [True, False])
async def test_a_key_that_is_revoked_ends_the_run_and_keeps_what_was_embedded(
    server: ModelServer, remote: KnowledgeBase, long: bool
) -> None:
    server.otherwise = _revoked_at("revoked")
    # Of one group, each of which is embedded alone, since one is refused; or a group of its own after a long document.
    group = {"a.md": LONG} if long else {"a.md": "This is about a.", "b.md": "This is about poison."}
    texts = {**group, "c.md": "This is about revoked."}
    outcomes: list[tuple[str, str]] = []
    documents = [load_bytes(text.encode(), name)[0] for name, text in texts.items()]
    with pytest.raises(ModelDeniedError, match="does not accept the key"):
        await ingest_documents(
            remote,
            Scope(),
            documents,
            progress=lambda one: outcomes.append((one.source, one.outcome)),
        )
    assert sorted(outcomes) == [("a.md", "created")] + [("b.md", "failed")] * (not long)


async def test_a_long_source_that_the_embedder_refuses_in_part_fails_alone(
    server: ModelServer, remote: KnowledgeBase
) -> None:
    server.otherwise = _refuses("poison")
    texts = {"a.md": LONG, "b.md": f"{LONG}\n\nOf poison.", "c.md": "Of ships."}
    documents = [load_bytes(text.encode(), name)[0] for name, text in texts.items()]
    report = await ingest_documents(remote, Scope(), documents, max_chunks=20)
    assert {one.source: one.outcome for one in report.results} == {
        "a.md": "created", "b.md": "failed", "c.md": "created",
    }  # fmt: skip


# Settings


async def test_settings_open_a_remote_embedder_and_leave_sentences_to_the_local_model(
    server: ModelServer, only_minilm: None
) -> None:
    server.otherwise = embeds(768)
    settings = load_settings(embedder="ollama", embedding_model="nomic-embed-text", embedding_base_url=server.url)
    embedder, encoder = await asyncio.to_thread(open_embedders, settings)
    assert embedder.fingerprint == "nomic-embed-text/768/prefix:('search_query: ', 'search_document: ')"
    assert encoder.fingerprint.startswith("all-MiniLM-L6-v2-int8/384")
    assert (await embedder.embed(["Where?"], "query")).shape == (1, 768)
    await embedder.aclose()
    await encoder.aclose()


async def test_a_model_with_all_texts_in_one_corner_is_centred(server: ModelServer, only_minilm: None) -> None:
    async def in_a_corner(exchange: Exchange) -> None:
        rows = [0.2 * unit(text, 384) + 1 / 384**0.5 for text in exchange.body["input"]]
        data = [{"index": n, "embedding": row.tolist()} for n, row in enumerate(rows)]
        await raw(json.dumps({"data": data}).encode())(exchange)

    server.otherwise = in_a_corner
    settings = load_settings(embedder="vllm", embedding_model="intfloat/e5-small-v2", embedding_base_url=server.url)
    embedder, encoder = await asyncio.to_thread(open_embedders, settings)

    vectors = await embedder.embed(["Where?", "When?"], "query")

    assert embedder.fingerprint.endswith("/centred:1")
    assert vectors[0] @ vectors[1] == pytest.approx(unit("query: Where?", 384) @ unit("query: When?", 384), abs=0.15)
    assert [len(body["input"]) for body in server.bodies] == [16, 2], "the centre of queries, once"
    await embedder.embed(["Where?"], "query")
    await embedder.embed(["Here."], "document")
    assert [len(body["input"]) for body in server.bodies[2:]] == [1, 32, 1]
    assert (await embedder.embed([], "document")).shape == (0, 384)
    await embedder.aclose()
    await encoder.aclose()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"embedder": "openai", "embedding_api_key": "k"}, "needs a model"),
        ({"embedder": "openai", "embedding_model": "text-embedding-3-small"}, "needs a key"),
        ({"embedder": "ollama", "embedding_model": "of-our-own"}, "EMBEDDING_DIMENSIONS"),
        ({"embedder": "ollama", "embedding_model": "bge-m3", "embedding_dimensions": 512}, "have 1024 numbers"),
        ({"embedding_model": "bge-m3"}, "set GRAPHRAG_EMBEDDER to the provider"),
        ({"embedder": "cohere", "embedding_model": "embed-v4.0", "embedding_api_key": "k", "embedding_query_prefix": "q"}, "take no prefixes"),
        ({"embedder": "mistral", "embedding_model": "mistral-embed", "embedding_api_key": "k", "llm_job_cost": 1.0}, "EMBEDDING_PRICE"),
    ],
)  # fmt: skip
def test_settings_that_do_not_suffice_say_what_is_missing(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_embedders(load_settings(**settings))


def test_known_models_can_be_had_at_their_own_dimension() -> None:
    for name, known in MODELS.items():
        assert embedding_model(name) == embedding_model(name, dimensions=known.dimension) == known


# A real server


async def test_a_real_server_embeds_alike_alone_and_together_and_texts_beyond_its_limit(tmp_path: Path) -> None:
    with llama_server(tmp_path, embeddings=True) as llama:
        embedder = open_remote(
            "llamacpp", NAME, base_url=llama.url, api_key="", dimensions=576, query_prefix=None, document_prefix=None,
            price=None, batch=8, concurrency=2, seconds=60,
        )  # fmt: skip
        texts = ["The ferry leaves at nine.", "", "\ud800", "The boat departs at nine.", "tea " * 750]
        purse = Purse()
        with paying(purse):
            vectors = await embedder.embed(texts, "document")
        alone = np.concatenate([await embedder.embed([text], "query") for text in texts])
        await embedder.aclose()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    # A quantised model computes other roundings when it reads two texts at once.
    assert (vectors * alone).sum(axis=1).min() > 0.95
    assert vectors[0] @ vectors[3] > vectors[0] @ vectors[4]
    assert 0 < purse.spent.input_tokens < 3_000
