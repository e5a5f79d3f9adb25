"""Settings that open an embedder at a server."""

import asyncio
import json
from typing import Any

import pytest

from graphrag.bootstrap import open_embedders
from graphrag.embedding.models import MODELS, embedding_model
from graphrag.errors import ConfigError
from graphrag.settings import load_settings
from tests.graphrag.remote_embedder.conftest import unit
from tests.model_server import Exchange, ModelServer, embeds, raw


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
