"""Which model is used unless one is named: E5 where it is installed, MiniLM otherwise, and for a store the one that filled it."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from graphrag.bootstrap import open_embedders, open_knowledge_base
from graphrag.embedding import Passage, installed
from graphrag.embedding.centring import CentredEncoder
from graphrag.embedding.folder import open_folder
from graphrag.embedding.local import LocalEncoder
from graphrag.errors import ConfigError, SchemaMismatchError
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import load_bytes
from graphrag.reembedding import reembed
from graphrag.retrieval.question import read_question
from graphrag.sentences import split_sentences
from graphrag.settings import Settings, load_settings
from graphrag.types import Fingerprints, Scope
from tests.local_model import model_folder

MINILM = "all-MiniLM-L6-v2-int8/"
E5 = "e5-small-v2/"
NOTES = ["The ferry to Harwich leaves at nine in the evening.", "Invoices above 5,000 euros need two signatures."]
QUESTION = "When does the ship depart?"


@pytest.fixture
def e5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where it is looked for, with a model of the same form."""
    folder = model_folder(tmp_path / "models" / "e5-small-v2")
    monkeypatch.setattr(installed, "FOLDER", folder)
    return folder


def names(settings: Settings, stored: Fingerprints | None = None) -> tuple[str, str, bool]:
    """The fingerprints of embedder and encoder, and whether they are one."""
    embedder, encoder = open_embedders(settings, stored)
    asyncio.run(embedder.aclose())
    asyncio.run(encoder.aclose())
    return embedder.fingerprint.partition("/")[0], encoder.fingerprint.partition("/")[0], embedder is encoder


async def fill(kb: KnowledgeBase) -> None:
    documents = [load_bytes(text.encode(), f"{place}.md")[0] for place, text in enumerate(NOTES)]
    await ingest_documents(kb, Scope(), documents)


async def best(kb: KnowledgeBase) -> str:
    question = await read_question(kb.store, kb.embedder, kb.encoder, Scope(), QUESTION)
    ((first, *_),) = await kb.store.nearest_chunks(Scope(), question.vector[np.newaxis], 2)
    (chunk,) = await kb.store.chunks(Scope(), [first.chunk_id])
    return chunk.text


def test_a_new_store_gets_the_installed_model_for_everything(e5: Path):
    assert names(load_settings()) == ("e5-small-v2", "e5-small-v2", True)


def test_without_it_a_new_store_gets_the_packaged_one(only_minilm: None):
    assert names(load_settings()) == ("all-MiniLM-L6-v2-int8", "all-MiniLM-L6-v2-int8", True)


@pytest.mark.parametrize("embedder", ["minilm", "hashing"])
def test_a_model_that_is_named_encodes_sentences_too_in_a_new_store(e5: Path, embedder: str):
    first, second, one = names(load_settings(embedder=embedder))
    assert first == second != "e5-small-v2"
    assert one


def test_a_remote_model_leaves_sentences_to_the_installed_one(e5: Path):
    settings = load_settings(embedder="ollama", embedding_model="bge-m3", embedding_base_url="http://127.0.0.1:9")
    assert names(settings) == ("bge-m3", "e5-small-v2", False)
    assert names(settings, Fingerprints("bge-m3/1024/prefix:none", f"{MINILM}384/prefix:none"))[1].startswith("all-M")


async def test_a_store_keeps_the_model_that_filled_it(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch):
    settings = load_settings(store_url=store_url)
    monkeypatch.setattr(installed, "FOLDER", tmp_path / "models" / "e5-small-v2")
    async with open_knowledge_base(settings) as kb:
        await fill(kb)
    await asyncio.to_thread(model_folder, installed.FOLDER)

    async with open_knowledge_base(settings) as kb:
        assert kb.embedder.fingerprint.startswith(MINILM)
        assert kb.encoder.fingerprint.startswith(MINILM)
        assert await best(kb) == NOTES[0]


async def test_a_store_can_be_moved_to_it_and_on_with_sentences_as_they_are(e5: Path, tmp_path: Path, store_url: str):
    """Each way: what was filled by the packaged model, and what was filled by the installed one."""
    moved = load_settings(store_url=store_url, embedder="local", embedding_model=str(e5))
    async with open_knowledge_base(load_settings(store_url=store_url, embedder="minilm")) as kb:
        await fill(kb)
    with pytest.raises(SchemaMismatchError, match=r"e5-small-v2/384/.*graphrag reembed"):
        async with open_knowledge_base(moved):
            pass
    async with open_knowledge_base(moved, bind=False) as kb:
        assert (await reembed(kb)).embedded == len(NOTES)
    async with open_knowledge_base(load_settings(store_url=store_url)) as kb:  # needs no setting afterwards
        assert kb.embedder.fingerprint.startswith(E5)
        assert kb.encoder.fingerprint.startswith(MINILM)
        assert await best(kb) == NOTES[0]
        await fill(kb)
        assert await kb.store.fingerprints() == Fingerprints(kb.embedder.fingerprint, kb.encoder.fingerprint)


async def test_what_it_filled_can_be_moved_to_another_model(e5: Path, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/kb.db"
    other = await asyncio.to_thread(model_folder, tmp_path / "bge-small-en-of-ours")
    moved = load_settings(store_url=url, embedder="local", embedding_model=str(other))
    async with open_knowledge_base(load_settings(store_url=url)) as kb:
        await fill(kb)
    async with open_knowledge_base(moved, bind=False) as kb:
        assert (await reembed(kb)).embedded == len(NOTES)
    async with open_knowledge_base(moved) as kb:
        assert kb.encoder.fingerprint.startswith(E5)
        assert await best(kb) == NOTES[0]


def test_a_store_whose_model_is_not_installed_says_how_to_get_it(only_minilm: None):
    stored = Fingerprints(f"{E5}384/x/mean/centred:1", f"{E5}384/x/mean/centred:1")
    with pytest.raises(
        ConfigError, match=r"vectors of the model e5-small-v2, which is not installed here: .*make model"
    ):
        open_embedders(load_settings(), stored)


def test_a_model_in_a_folder_is_refused_with_it(e5: Path):
    with pytest.raises(ConfigError, match=r"GRAPHRAG_EMBEDDER=auto needs neither: .* local for a model in a folder"):
        open_embedders(load_settings(embedding_model=str(e5)))


async def test_sentences_are_further_apart_than_the_model_has_them_and_mean_their_passage(e5: Path):
    text = f"{NOTES[0]} It carries 900 people and 120 cars. Tickets are sold on board."
    passages = [Passage("Ferries", text, tuple(split_sentences(text)))]
    encoder = await asyncio.to_thread(open_folder, e5)
    assert isinstance(encoder, CentredEncoder)
    (apart,) = await encoder.encode(passages)
    (together,) = await LocalEncoder(encoder._encoder._model).encode(passages)

    def alike(of: np.ndarray) -> float:
        rows = of.astype(np.float32)
        return float((rows @ rows.T)[np.triu_indices(len(rows), 1)].mean())

    assert len(apart.sentences) == 3
    assert alike(apart.sentences) < alike(together.sentences) - 0.2
    mean = apart.sentences.astype(np.float32).mean(axis=0)
    assert float(mean @ apart.chunk) / float(np.linalg.norm(mean)) > 0.6
    await encoder.aclose()


async def test_cosines_are_scaled_where_passages_are_scored_and_nowhere_else(e5: Path, tmp_path: Path):
    async with open_knowledge_base(load_settings(store_url=f"sqlite:///{tmp_path}/kb.db")) as kb:
        question = await read_question(kb.store, kb.embedder, kb.encoder, Scope(), QUESTION)
        assert np.linalg.norm(question.vector) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(question.passage_vector, 1.4 * question.vector, rtol=1e-5)
        np.testing.assert_allclose(question.sentence_vector, 1.4 * question.vector, rtol=1e-5)
    async with open_knowledge_base(load_settings(store_url=f"sqlite:///{tmp_path}/other.db", embedder="minilm")) as kb:
        question = await read_question(kb.store, kb.embedder, kb.encoder, Scope(), QUESTION)
        np.testing.assert_array_equal(question.passage_vector, question.vector)
        np.testing.assert_array_equal(question.sentence_vector, question.vector)
