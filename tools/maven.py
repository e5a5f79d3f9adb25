"""Fetching published artifacts with Maven. Uses the standard library alone; for the other tools here."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

SECONDS = 900
"""Time limit: a proxy that answers nothing would otherwise hold up for ever what waits for it."""


class FetchError(Exception):
    """Something cannot be had; the message says what to do."""


def maven_command(what: str) -> str:
    """The Maven command, which fetches what is named.

    Raises:
        FetchError: it is not installed.
    """
    command = shutil.which("mvn")
    if command is None:
        raise FetchError(
            f"Maven (mvn) is not installed, which fetches {what}. Install it (Debian, Ubuntu: apt install maven; "
            f"macOS: brew install maven)"
        )
    return command


def run_maven(
    command: str, *arguments: str, what: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run Maven, quietly and with checksums enforced.

    Raises:
        FetchError: it failed, with what it said.
    """
    try:
        done = subprocess.run(
            [command, "-B", "-q", "-C", *arguments],
            cwd=cwd,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"Maven had not fetched {what} after {SECONDS} seconds; it needs a Maven repository") from None
    if done.returncode:
        reason = "\n".join((done.stdout + done.stderr).strip().splitlines()[:12])
        raise FetchError(f"Maven could not fetch {what}; it needs a Maven repository:\n{reason}")
