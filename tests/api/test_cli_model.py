"""Ingest with a language model on the command line."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.api.conftest import REPOSITORY, Run, write
from tests.graphrag.extracting import MODULE, NOTHING, TEXT
from tests.model_server import ModelServer, hangs, model_server, replies


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, run: Run) -> Generator[ModelServer]:
    """A model that commands use; after `run`, which takes all settings away."""
    with model_server() as running:
        running.otherwise = NOTHING
        for name, value in {
            "EXTRACTOR": "llm", "LLM_PROVIDER": "openai", "LLM_MODEL": "gpt-4o-mini", "LLM_API_KEY": "sk-test",
            "LLM_BASE_URL": running.url, "LLM_CONCURRENCY": "1", "LLM_OUTPUT_TOKENS": "200",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"GRAPHRAG_{name}", value)
        yield running


def test_an_estimate_says_what_it_would_cost_and_stores_nothing(
    server: ModelServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path / "documents", {"a.txt": TEXT, "b.txt": f"{TEXT} Twice.", "c.txt": "", "d.xlsx": "x"})

    told = run("ingest", tmp_path / "documents", "--estimate")
    assert told.code == 3
    assert "2 documents to store (2 chunks), 0 unchanged, 1 that cannot be read" in told.out
    assert "Left out, since they cannot be read here: 1 .xlsx" in told.out
    assert "Calls of gpt-4o-mini   2" in told.out
    assert "at most 400" in told.out
    assert "US dollars" in told.out
    assert "budget" not in told.out
    assert (server.bodies, list(tmp_path.glob("*.db"))) == ([], [])
    assert "there is no knowledge base" in run("documents").err

    monkeypatch.setenv("GRAPHRAG_LLM_JOB_TOKENS", "500")
    assert "The budget of a job may not suffice" in run("ingest", tmp_path / "documents", "--estimate").out
    found = run("ingest", tmp_path / "documents" / "a.txt", "--estimate", "--json")
    assert (found.code, found.json["calls"], found.json["output_tokens"]) == (0, 1, 200)
    assert found.json["dollars"] > 0

    monkeypatch.setenv("GRAPHRAG_EXTRACTOR", "spacy")
    assert "it costs nothing" in run("ingest", tmp_path / "documents" / "a.txt", "--estimate").out


def test_what_the_model_failed_on_is_reported_and_tried_again(server: ModelServer, run: Run, tmp_path: Path):
    write(tmp_path / "documents", {"a.txt": TEXT, "b.txt": f"{TEXT} Twice."})
    server.next(replies("no"), replies("no"), MODULE)

    first = run("ingest", tmp_path / "documents")
    assert first.code == 6
    assert "2 documents: 2 created" in first.out
    assert "Stored without all that the language model would find (1)" in first.out
    assert "a.txt: 1 of 1 passages" in first.out.replace("\n", " ")

    again = run("ingest", tmp_path / "documents", "--json")
    assert again.code == 0
    assert {name: again.json[name] for name in ("updated", "unchanged", "model_failures")} == {
        "updated": 1, "unchanged": 1, "model_failures": 0,
    }  # fmt: skip
    assert len(server.bodies) == 4


def test_a_budget_that_is_used_up_ends_the_command_with_the_reason(
    server: ModelServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path / "documents", {f"{number}.txt": f"{TEXT} Number {number}." for number in range(5)})
    estimate = run("ingest", tmp_path / "documents" / "0.txt", "--estimate", "--json").json
    one_call = estimate["input_tokens"] + estimate["output_tokens"]
    monkeypatch.setenv("GRAPHRAG_LLM_JOB_TOKENS", str(one_call + 120 + 20))

    ended = run("ingest", tmp_path / "documents")
    assert ended.code == 6
    assert "does not suffice" in ended.err
    assert "pays for nothing twice" in ended.err.replace("\n", " ")
    assert len(run("documents", "--json").json["documents"]) == 2

    monkeypatch.setenv("GRAPHRAG_LLM_JOB_TOKENS", "0")
    assert run("ingest", tmp_path / "documents", "--json").json["created"] == 3
    assert len(server.bodies) == 5


def test_a_process_that_is_killed_pays_for_nothing_twice(server: ModelServer, run: Run, tmp_path: Path):
    write(tmp_path / "documents", {f"{number}.txt": f"{TEXT} Number {number}." for number in range(5)})
    server.next(NOTHING, NOTHING, NOTHING, hangs())
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "ingest", "documents"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while len(server.exchanges) < 4 and time.monotonic() < end:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert len(server.exchanges) == 4
    assert run("documents", "--json").json["documents"] == []  # none was written yet

    assert run("ingest", "documents", "--json").json["created"] == 5
    asked = Counter(body["messages"][-1]["content"] for body in server.bodies)
    # Only what was under way when the process died is asked for again.
    assert sorted(asked.values()) == [1, 1, 1, 1, 2]
    assert len(server.exchanges) == 6


def test_kept_replies_are_counted_and_removed(server: ModelServer, run: Run, tmp_path: Path):
    write(tmp_path / "documents", {"a.txt": TEXT})
    assert run("ingest", tmp_path / "documents").code == 0

    assert run("replies", "count").out.strip() == "1 reply kept"
    assert run("replies", "count", "--days", "1", "--json").json == {"kept": 0}
    assert run("replies", "remove", "--days", "1").out.strip() == "0 replies removed"
    assert run("replies", "remove", "--tenant", "other", "--json").json == {"removed": 0}
    assert run("replies", "remove", "--json").json == {"removed": 1}
    assert run("replies", "count").out.strip() == "0 replies kept"


def test_extraction_with_a_model_needs_one(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, {"a.txt": TEXT})
    monkeypatch.setenv("GRAPHRAG_EXTRACTOR", "llm")
    refused = run("ingest", "a.txt")
    assert refused.code == 2
    assert "GRAPHRAG_EXTRACTOR=llm needs a language model" in refused.err.replace("\n", " ")
