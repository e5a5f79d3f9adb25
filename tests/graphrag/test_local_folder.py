"""A sentence encoder of one's own in a folder. What it shares with every embedder is in tests/contracts/test_embedder.py."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from graphrag.bootstrap import open_embedders, open_knowledge_base
from graphrag.embedding import Embedder, Kind
from graphrag.embedding.folder import open_folder
from graphrag.embedding.minilm import open_minilm
from graphrag.errors import ConfigError, ModelError, SchemaMismatchError
from graphrag.ingest import ingest_documents
from graphrag.loaders import load_bytes
from graphrag.reembedding import reembed
from graphrag.settings import load_settings
from graphrag.types import Scope
from tests.graphrag.test_cross_encoder import MODEL as CROSS_ENCODER
from tests.local_model import model_folder

UNRELATED = [
    "The ferry to Harwich leaves at nine in the evening.",
    "Invoices above 5,000 euros need two signatures.",
    "Photosynthesis takes place in the leaves of a plant.",
    "She won the race by four seconds and broke a record.",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return model_folder(tmp_path / "of-ours")


def vectors(folder: Path, kind: Kind = "document", **prefixes: Any) -> NDArray[np.float32]:
    return embedded(open_folder(folder, **prefixes), kind)


def embedded(model: Embedder, kind: Kind = "document") -> NDArray[np.float32]:
    found = asyncio.run(model.embed(UNRELATED, kind))
    asyncio.run(model.aclose())
    return found


def fingerprint(folder: Path, **prefixes: Any) -> str:
    model = open_folder(folder, **prefixes)
    asyncio.run(model.aclose())
    return model.fingerprint


def test_what_all_vectors_have_in_common_is_taken_from_them(folder: Path):
    plain = embedded(open_minilm())

    centred = vectors(folder)

    assert np.linalg.norm(centred.sum(axis=0)) < np.linalg.norm(plain.sum(axis=0))
    assert (centred * plain).sum(axis=1).min() > 0.8, "and little else: the model has little in common by itself"


def test_prefixes_are_known_by_the_name_of_the_folder_and_set_for_others(folder: Path, tmp_path: Path):
    known = model_folder(tmp_path / "e5-small-v2")

    np.testing.assert_array_equal(vectors(known), vectors(folder, document_prefix="passage: "))
    np.testing.assert_array_equal(vectors(known, "query"), vectors(folder, "query", query_prefix="query: "))
    assert not np.allclose(vectors(known), vectors(folder), atol=0.01)


def test_a_model_may_pool_by_its_first_token(folder: Path, tmp_path: Path):
    other = model_folder(tmp_path / "other")
    (other / "1_Pooling").mkdir()
    (other / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))

    assert not np.allclose(vectors(other), vectors(folder), atol=0.1)
    assert "first-token" in fingerprint(other)


def test_whatever_changes_vectors_changes_the_fingerprint(folder: Path, tmp_path: Path):
    same = model_folder(tmp_path / "elsewhere" / "of-ours")
    changed = model_folder(tmp_path / "changed" / "of-ours")
    data = (changed / "model.onnx").read_bytes()
    (changed / "model.onnx").unlink()
    # The doc string of the model, which ends the file, says nothing of what it computes.
    (changed / "model.onnx").write_bytes(data + b"\x32\x01x")

    assert fingerprint(same) == fingerprint(folder)
    assert len({fingerprint(folder), fingerprint(changed), fingerprint(folder, query_prefix="query: ")}) == 3


async def test_a_store_is_moved_to_it_and_searched_with_it(folder: Path, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/kb.db"
    settings = load_settings(store_url=url, embedder="local", embedding_model=str(folder))
    documents = [load_bytes(text.encode(), f"{place}.md")[0] for place, text in enumerate(UNRELATED)]
    async with open_knowledge_base(load_settings(store_url=url)) as kb:
        await ingest_documents(kb, Scope(), documents)
    with pytest.raises(SchemaMismatchError, match=r"of-ours/384/.*graphrag reembed"):
        async with open_knowledge_base(settings):
            pass
    async with open_knowledge_base(settings, bind=False) as kb:
        assert (await reembed(kb)).embedded == len(UNRELATED)
    async with open_knowledge_base(settings) as kb:
        assert (await ingest_documents(kb, Scope(), documents)).count("unchanged") == len(UNRELATED)
        question = await kb.embedder.embed(["when does the ship depart?"], "query")
        ((best, *_),) = await kb.store.nearest_chunks(Scope(), question, 4)
        (chunk,) = await kb.store.chunks(Scope(), [best.chunk_id])
        assert chunk.text == UNRELATED[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding_model": ""}, "set GRAPHRAG_EMBEDDING_MODEL to its folder"),
        ({"embedding_model": "nowhere"}, r"tokenizer\.json is missing: set GRAPHRAG_EMBEDDING_MODEL"),
        ({"embedding_base_url": "http://127.0.0.1:9"}, "no GRAPHRAG_EMBEDDING_BASE_URL"),
    ],
)
def test_settings_that_name_no_model_are_refused(folder: Path, changes: dict[str, Any], message: str):
    settings = load_settings(**{"embedder": "local", "embedding_model": str(folder), **changes})
    with pytest.raises(ConfigError, match=message):
        open_embedders(settings)


def test_what_is_no_sentence_encoder_is_refused(folder: Path):
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("[]")
    with pytest.raises(ConfigError, match="does not say how the model pools"):
        open_folder(folder)
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").write_bytes(CROSS_ENCODER)
    with pytest.raises(ModelError, match="not the states of the tokens"):
        open_folder(folder)
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be read as an ONNX model"):
        open_folder(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(ConfigError, match=r"holds no model\.onnx"):
        open_folder(folder)
