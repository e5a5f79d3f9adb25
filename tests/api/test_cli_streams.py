"""Commands whose standard streams are full or closed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.conftest import REPOSITORY, Ran, Run


def in_shell(folder: Path, command: str) -> Ran:
    """Run `graphrag` with redirections, which a shell understands."""
    done = subprocess.run(
        ["sh", "-c", f'graphrag() {{ "{sys.executable}" -m api.cli "$@"; }}; {command}'],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ["export", "stats --json", "ask '?' --json"])
def test_an_output_that_is_full_is_told_on_standard_error(filled: Run, tmp_path: Path, arguments: str):
    result = in_shell(tmp_path, f"graphrag {arguments} > /dev/full")

    assert (result.code, result.err) == (3, "Error: cannot write the output: no space left on device\n")


def test_a_command_works_without_the_streams_that_it_does_not_need(filled: Run, tmp_path: Path):
    assert "documents  4" in in_shell(tmp_path, "graphrag stats <&- 2>&-").out
    assert in_shell(tmp_path, "graphrag stats --json <&- >&-") == Ran(0, "", "")


@pytest.mark.parametrize(
    ("command", "message"),
    [("graphrag export >&-", "no standard output to write to"), ("graphrag import - <&-", "no standard input to read")],
)
def test_a_closed_stream_that_a_command_is_for_is_named(filled: Run, tmp_path: Path, command: str, message: str):
    result = in_shell(tmp_path, command)

    assert result.code == 3
    assert result.err.startswith(f"Error: there is {message}")


def test_ctrl_c_before_the_commands_are_loaded_is_no_traceback():
    interrupted = (
        "import builtins, api.cli; real = builtins.__import__\n"
        "def importing(name, *rest):\n"
        "    if name == 'api.cli.app': raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = importing; api.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", interrupted], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Error: interrupted\n")


@pytest.mark.parametrize("at_ctrl_c", ["default_int_handler", "SIG_IGN"])  # the second as in the background of a script
def test_an_export_that_is_told_to_end_leaves_no_part_of_a_file(filled: Run, tmp_path: Path, at_ctrl_c: str):
    before = set(tmp_path.iterdir())
    told_to_end = (
        f"import asyncio, signal; signal.signal(signal.SIGINT, signal.{at_ctrl_c})\n"
        "import api.cli.export\n"
        "async def parts(*_):\n"
        "    yield 'a part of it'\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    await asyncio.sleep(60)\n"
        "api.cli.export._parts = parts\n"
        "import api.cli; api.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", told_to_end, "export", "--output", "kb.jsonl"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.startswith("Error: interrupted")
    assert set(tmp_path.iterdir()) == before
