"""Opening a model with ONNX Runtime, which would report on its use if it were let."""

import os
from pathlib import Path
from typing import Any

from graphrag.errors import ModelError

_SLOW_FUSION = "SkipLayerNormFusion"
"""The addition and the normalisation after it take four times as long in one as they do in two."""


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
