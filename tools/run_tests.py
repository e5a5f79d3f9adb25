"""Run all tests in two processes: those that use a Neo4j server, and beside them all others.

Either half takes about as long. The tests with Neo4j share one database, which each of them empties, so they stay in one process. The
output of the other half is shown as it comes, that of this one after it. Ends with 0 only if both halves passed.

    python tools/run_tests.py
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from api.cli import take_one_thread

HALF = "neo4j"
ROOT = Path(__file__).parents[1]
PYTEST = [sys.executable, "-m", "pytest", "--durations=20", "--durations-min=2", "-m"]


def main() -> int:
    """The exit code."""
    take_one_thread()  # as the program does: with two each, they spin against each other
    # Tests start some two hundred processes, each of which would compile again all that it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile("w+") as output:
        print(f"== pytest -m '{HALF}' (shown when it has ended)", flush=True)
        command = [*PYTEST, HALF, "-o", "cache_dir=.pytest_cache/neo4j"]
        with subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT) as beside:
            print(f"== pytest -m 'not {HALF}'", flush=True)
            try:
                others = subprocess.run([*PYTEST, f"not {HALF}"], cwd=ROOT).returncode
            except KeyboardInterrupt:  # sent to all of them, which say where they were
                others = 130
        output.seek(0)
        print(f"== pytest -m '{HALF}'", output.read(), sep="\n", end="", flush=True)
    return beside.returncode or others


if __name__ == "__main__":
    sys.exit(main())
