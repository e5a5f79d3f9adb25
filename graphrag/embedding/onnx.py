"""Opening a model with ONNX Runtime, which would report on its use if it were let."""

import os
from pathlib import Path
from typing import Any

from graphrag.errors import ConfigError, ModelError

_SLOW_FUSION = "SkipLayerNormFusion"
"""The addition and the normalisation after it take three times as long in one as they do in two."""


def open_session(model: bytes | Path, name: str, *, threads: int, arena: bool) -> Any:
    """An onnxruntime.InferenceSession (which has no type stubs) on the CPU.

    Since 1.29 the library sends the names, shapes and hashes of models with an identifier of the machine to its maker, and
    keeps both in the home directory, unless it is told otherwise before it is first imported.

    Args:
        model: the file, or what it holds.
        name: of the model, for errors.
        threads: within one forward pass.
        arena: whether memory of a pass is kept for the next one.

    Raises:
        ModelError: it cannot be loaded.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # on Windows, where the variable counts for nothing
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.enable_cpu_mem_arena = arena
    # Waiting threads would spin, which costs CPU time while nothing is embedded.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            model if isinstance(model, bytes) else str(model),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=[_SLOW_FUSION],
        )
    except Exception as exc:  # the binding raises its own kinds, without a common public base
        raise ModelError(f"{name} cannot be read as an ONNX model: {exc}") from exc


def model_files(folder: Path, setting: str) -> tuple[Path, Path]:
    """The model and the tokenizer of a folder as model hubs have it: `model.onnx` or `onnx/model.onnx`, and `tokenizer.json`.

    Args:
        folder: on this machine.
        setting: names the folder, for errors.

    Raises:
        ConfigError: one of them is missing.
    """
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise ConfigError(f"{tokenizer} is missing: set {setting} to a folder with model.onnx and tokenizer.json")
    model = next((file for name in ("model.onnx", "onnx/model.onnx") if (file := folder / name).is_file()), None)
    if model is None:
        raise ConfigError(f"{folder} holds no model.onnx: set {setting} to a folder with it and tokenizer.json")
    return model, tokenizer


def text_inputs(session: Any, file: Path) -> frozenset[str]:
    """The inputs of a model of texts.

    Raises:
        ModelError: it takes others.
    """
    inputs = frozenset(one.name for one in session.get_inputs())
    if not {"input_ids", "attention_mask"} <= inputs <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise ModelError(
            f"{file} takes the inputs {', '.join(sorted(inputs))}: a model of texts takes input_ids, attention_mask and perhaps "
            f"token_type_ids"
        )
    return inputs
