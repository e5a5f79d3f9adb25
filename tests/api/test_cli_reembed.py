"""`graphrag reembed`, as people run it: with commands of the old and of the new settings."""

import json
from pathlib import Path

import pytest

from tests.api.conftest import Ran, Run, write
from tests.model_server import fails, hashes, model_server

DIMENSION = 64
TEXTS = {
    "ferry.md": "# Ferries\n\nThe ferry to Harwich leaves at nine in the evening.\n",
    "invoices.md": "# Invoices\n\nInvoices above 5,000 euros need two signatures.\n",
}


def test_a_store_is_moved_and_commands_with_the_old_settings_are_told_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def command(*arguments: str, **settings: str) -> Ran:
        with monkeypatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            return run(*arguments)

    write(tmp_path / "notes", TEXTS)
    old = {"GRAPHRAG_EMBEDDER": "minilm"}
    assert command("ingest", "notes", **old).code == 0
    with model_server() as server:
        new = {
            "GRAPHRAG_EMBEDDER": "vllm",
            "GRAPHRAG_EMBEDDING_MODEL": "hashing",
            "GRAPHRAG_EMBEDDING_DIMENSIONS": str(DIMENSION),
            "GRAPHRAG_EMBEDDING_BASE_URL": server.url,
        }
        refused = command("search", "signatures", **new)
        assert refused.code == 5
        assert "graphrag reembed" in refused.err

        server.otherwise = fails(401)
        broken = command("reembed", **new)
        assert broken.code == 6
        assert "GRAPHRAG_EMBEDDING_API_KEY" in broken.err
        assert command("search", "signatures", "--tool", "vector", **old).code == 0

        server.otherwise = hashes(DIMENSION)
        moved = command("reembed", "--json", **new).json
        assert (moved["phase"], moved["chunks"], moved["embedded"]) == ("ended", 2, 2)
        assert moved["source"].startswith("all-MiniLM")
        assert moved["target"] == "hashing/64/prefix:none"

        hits = command("search", "signatures on invoices", "--tool", "vector", "--json", **new).json
        assert "signatures" in json.dumps(hits["hits"][0])
        assert "2 unchanged" in command("ingest", "notes", **new).out
        assert "nothing to do" in command("reembed", **new).out
        jobs = command("jobs", "list", "--json", **new).json["jobs"]
        assert {job["state"] for job in jobs} == {"failed", "succeeded"}
        ended = next(job for job in jobs if job["state"] == "succeeded" and job["embedded"] == 2)
        watched = command("jobs", "watch", ended["id"], **new)
        assert "succeeded: 2 of 2 passages embedded" in watched.out
        failed = next(job for job in jobs if job["state"] == "failed")
        refused = command("jobs", "retry", failed["id"], **new)
        assert refused.code == 3
        assert "run 'graphrag reembed'" in refused.err
        assert command("jobs", "show", failed["id"], "--json", **new).json["state"] == "failed"

    late = command("search", "signatures", **old)
    assert late.code == 5
    assert "graphrag reembed" in late.err
