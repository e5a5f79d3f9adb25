"""The calls that README.md and docs/service.md show, run as they stand against a real server."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator

import pytest

from tests.api.serving import REPOSITORY, Served, add_key, serve

SERVICE = (REPOSITORY / "docs" / "service.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Served, dict[str, str]]]:
    """A server in a folder with the sample documents, and the environment that the pages assume."""
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copytree(REPOSITORY / "graphrag" / "sample" / "documents", folder, dirs_exist_ok=True)
    key = asyncio.run(add_key(folder))
    with serve(folder) as served:
        yield served, {"PATH": os.environ["PATH"], "URL": served.url, "KEY": key}


def _run(script: str, served: Served, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=served.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_calls_of_the_readme_work(served: tuple[Served, dict[str, str]]):
    (script,) = (block for block in _blocks(README, "sh") if "$URL" in block)

    done = _run(script.replace("curl -s", "curl --fail-with-body -s"), *served)

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"job":{' in done.stdout
    assert done.stdout.count('"verdict":"answered"') == 2  # as JSON and as a stream, so the upload was waited for
    assert "event: done" in done.stdout


def test_the_calls_of_the_service_page_work_one_after_the_other(served: tuple[Served, dict[str, str]]):
    start, *blocks = _blocks(SERVICE, "sh")
    assert "graphrag serve" in start

    done = _run("\n".join(blocks), *served)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert (served[0].folder / "openapi.json").read_text().startswith('{"info":')
    assert "graphrag_requests_total" in done.stdout
    assert done.stdout.count("event: done") >= 6  # of the five jobs of the page and of the streamed answer


def test_the_python_client_of_the_service_page_works(served: tuple[Served, dict[str, str]]):
    (code,) = _blocks(SERVICE, "python")
    server, environment = served

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=server.folder,
        env=environment | {"NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("answered Alder Pumps was founded by Ida Rowan in Aarhus.")
