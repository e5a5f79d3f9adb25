"""Schemathesis over the OpenAPI document: every check, with a key, against a real server."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.api.routes import ROUTES
from tests.api.serving import QUIET, add_key, ingest_texts, serve

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 3
SEED = 20_261


def test_no_generated_request_meets_a_fault_or_an_undocumented_answer(tmp_path: Path):
    key = asyncio.run(add_key(tmp_path))
    with serve(tmp_path, **QUIET) as served:
        ingest_texts(served.client(key), {"alder.md": "# Alder Pumps\n\nIda Rowan founded Alder Pumps in Aarhus."})
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG, "run", f"{served.url}/schema/openapi.json",
                "--header", f"Authorization: Bearer {key}", "--checks", "all",
                # DELETE cancels a job, whose record and events stay; that deleted documents are gone is tested by test_ingest.py.
                "--exclude-checks", "use_after_free", "--max-examples", str(EXAMPLES),
                "--seed", str(SEED), "--generation-database", "none", "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )  # fmt: skip
        log = served.log()

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert f"Tested: {len(ROUTES)}" in done.stdout
    assert '"level": "error"' not in log
