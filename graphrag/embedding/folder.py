"""A sentence encoder in a folder: E5, BGE, GTE and their like, exported as model hubs have them. E5 embeds sentences, too; with the
others these stay with the shipped model, as they do beside a remote one.

The folder holds `model.onnx` (or `onnx/model.onnx`), `tokenizer.json` and perhaps `1_Pooling/config.json`, and is called as the
model is, by which its prefixes are known. Nothing is downloaded.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from graphrag.embedding.centring import Centred, CentredEncoder
from graphrag.embedding.local import LocalEncoder, Model
from graphrag.embedding.models import embedding_model
from graphrag.embedding.onnx import model_files, open_session, text_inputs
from graphrag.embedding.tokenizer import SPECIAL_TOKENS, Tokenizer, read_backend
from graphrag.errors import ConfigError, ModelError

_SETTING = "GRAPHRAG_EMBEDDING_MODEL"
_POOLING = "1_Pooling/config.json"
MAX_TOKENS = 512
"""Of a text, its prefix included: the length for which such models are made."""


def open_folder(
    folder: Path, *, query_prefix: str | None = None, document_prefix: str | None = None, workers: int = 2
) -> Centred:
    """The model of a folder, centred.

    Args:
        folder: see above.
        query_prefix: None for the model's own.
        document_prefix: None for the model's own.
        workers: see LocalEncoder.

    Raises:
        ConfigError: the folder or a file is missing, or `workers` is below 1.
        ModelError: a file is damaged, or the model is no encoder of sentences.
    """
    file, tokenizer_file = model_files(folder, _SETTING)
    backend = read_backend(tokenizer_file.read_bytes(), str(tokenizer_file))
    around = backend.encode("").ids
    if len(around) != SPECIAL_TOKENS:
        raise ModelError(
            f"{tokenizer_file} puts {len(around)} tokens around a text: a sentence encoder has one on each side"
        )
    session = open_session(file, str(file), threads=1, arena=True)
    inputs = text_inputs(session, file)
    states = session.get_outputs()[0].shape
    if len(states) != 3 or not isinstance(states[2], int):
        raise ModelError(
            f"the first output of {file} is not the states of the tokens: export the model without its head"
        )
    name = folder.absolute().name
    known = embedding_model(name, dimensions=states[2], query_prefix=query_prefix, document_prefix=document_prefix)
    first_token = _first_token(folder / _POOLING)
    pooled = "first-token" if first_token else "mean"
    prefixes = f"prefix:{known.query_prefix}|{known.document_prefix}"
    model = Model(
        f"{name}/{known.dimension}/{_hash(file)}/{pooled}/{prefixes}",
        known.dimension,
        Tokenizer(backend),
        session,
        max_tokens=MAX_TOKENS,
        begin=around[0],
        end=around[1],
        takes_types="token_type_ids" in inputs,
        first_token=first_token,
        query_prefix=known.query_prefix,
        document_prefix=known.document_prefix,
    )
    encoder = LocalEncoder(model, workers=workers)
    if known.encodes and not first_token:
        return CentredEncoder(encoder, scale=known.scale)
    return Centred(encoder, scale=known.scale)


def _first_token(file: Path) -> bool:
    """Whether the file of sentence-transformers says that a text has the state of its first token; without one, the mean counts."""
    if not file.is_file():
        return False
    try:
        pooling: Any = json.loads(file.read_text())
        return bool(pooling["pooling_mode_cls_token"])
    except (ValueError, KeyError, TypeError) as exc:
        raise ConfigError(f"{file} does not say how the model pools: {exc}") from exc


def _hash(file: Path) -> str:
    """The beginning of the file's SHA-256: two exports of one model give other vectors."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]
