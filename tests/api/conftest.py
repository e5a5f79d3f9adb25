"""A command line in a folder of its own, a small knowledge base that was ingested once, and a service over it."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from litestar.testing import AsyncTestClient
from typer.testing import CliRunner

from api import logs
from api.app import create_app
from api.cli.app import app
from graphrag.settings import load_settings
from tests.api.in_process import Client, settings_for

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = {
    "incidents/inc-1.md": (
        "---\ntitle: INC-1 post-mortem\nyear: 2025\ndepartment: operations\n---\n# INC-1 post-mortem\n\n"
        "The gateways at Maasvliet Terminal went dark on 11 March 2025. The PMX-48 power module had burnt out.\n"
    ),
    "contracts/sa-118.md": (
        "---\ntitle: Supply agreement SA-118\nyear: 2024\ndepartment: legal\n---\n# Supply agreement SA-118\n\n"
        "Halvorix Components supplies the PMX-48 power module.\n\n## Warranty\n\n"
        "The warranty of the PMX-48 power module is 30 months.\n"
    ),
    "tickets.jsonl": (
        '{"id": "T-1", "title": "Flashing light", "text": "Brackwater Utilities reported a flashing amber light."}\n'
        '{"id": "T-2", "title": "Dropouts", "text": "Lusovent Paper reported that a sensor drops out."}\n'
    ),
}


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The message of a failed command that was run with --json."""
        assert list(self.json) == ["error"]
        assert list(self.json["error"]) == ["type", "message"]
        return self.json["error"]["message"]


Run = Callable[..., Ran]


def write(folder: Path, documents: dict[str, str]) -> Path:
    """Write files below a folder."""
    for name, text in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def invoke(*arguments: str | Path) -> Ran:
    """Run a command in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_process(folder: Path, *arguments: str, **environment: str) -> Ran:
    """Run a command as its own process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHRAG_")}
    result = subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(REPOSITORY), "GRAPHRAG_EMBEDDER": "hashing"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Ran(result.returncode, result.stdout, result.stderr)


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `documents/` and the store `graphrag.db` that holds them. Not to be changed."""
    folder = tmp_path_factory.mktemp("ingested")
    write(folder / "documents", DOCUMENTS)
    with pytest.MonkeyPatch.context() as patch:
        prepare(patch, folder)
        assert invoke("ingest", folder / "documents").code == 0
    return folder


def prepare(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Work in a folder, with the hashing embedder and no other setting."""
    for name in [name for name in os.environ if name.startswith("GRAPHRAG_")]:
        patch.delenv(name)
    patch.setenv("GRAPHRAG_EMBEDDER", "hashing")
    patch.setenv("COLUMNS", "80")
    patch.chdir(folder)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands in an empty folder, which is the current one."""
    prepare(monkeypatch, tmp_path)
    return invoke


@pytest.fixture
def filled(run: Run, ingested: Path, tmp_path: Path) -> Run:
    """Commands in a folder with the documents and the store of `ingested`."""
    shutil.copytree(ingested, tmp_path, dirs_exist_ok=True)
    return run


@pytest.fixture
def folder(ingested: Path, tmp_path: Path) -> Path:
    """A folder with a filled store."""
    shutil.copytree(ingested, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
async def client(folder: Path) -> AsyncGenerator[Client]:
    """In development mode, so that no key is needed."""
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        yield client


@pytest.fixture
def logged() -> Generator[None]:
    """Logging as the server sets it up."""
    logs.configure(load_settings())
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
