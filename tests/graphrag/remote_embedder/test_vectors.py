"""The embedder behind a protocol, against a real HTTP server: what it asks for and what it returns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphrag.embedding.models import embedding_model
from graphrag.embedding.remote import BATCH_TOKENS, open_remote
from graphrag.llm.usage import Purse, paying
from tests.graphrag.remote_embedder.conftest import KEY, Open, unit
from tests.llama_server import NAME, llama_server
from tests.model_server import ModelServer, embeds

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
    assert server.bodies[0]["input"] == [" ", "half  a pair", "ü 船"]


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
