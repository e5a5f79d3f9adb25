"""What an ingest and a question leave behind on the machine: the knowledge base, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
# Where tests run, ONNX Runtime may be silent by itself: not here.
SILENCING = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS")


def test_nothing_is_written_outside_the_current_folder(tmp_path: Path):
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    (work / "note.md").write_text("# Marlow bridge\n\nIda Kestrel drew the Marlow bridge.\n")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in SILENCING and not name.startswith(("XDG_", "GRAPHRAG_"))
    }
    environment = kept | {"HOME": str(home), "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}

    for command in (["ingest", "note.md"], ["ask", "Who drew the Marlow bridge?"]):
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", *command], cwd=work, env=environment, capture_output=True, timeout=300
        )
        assert done.returncode == 0, done.stderr

    assert [path.relative_to(home).as_posix() for path in home.rglob("*")] == []
    assert {path.name.partition(".db")[0] for path in work.iterdir()} == {"note.md", "graphrag"}
