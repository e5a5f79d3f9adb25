"""The command line: `graphrag <command>`."""

import gc
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import cast

from api.cli.codes import INTERRUPTED

GC_THRESHOLDS = (50_000, 20, 100)
"""A question makes some 30,000 short-lived objects, hardly any of them in cycles. With the usual threshold of 700 they are looked
through dozens of times for each; with 10,000, every tenth question among 50,000 chunks still waited 50 ms for it."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""For the environment, before numpy is imported: measured, two BLAS threads make the small products of a question several times
slower than one, since waking the second one costs more than the product."""


def take_one_thread() -> None:
    """Set ONE_THREAD for this process and those it starts, where the caller has not said otherwise."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    take_one_thread()
    gc.set_threshold(*GC_THRESHOLDS)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Closed by the caller. Its number would be given to the next file, into which libraries would then print.
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        # A terminal that cannot show a character of a document must not end the command.
        cast("TextIOWrapper", getattr(sys, name)).reconfigure(errors="replace")
    try:
        from api.cli.app import app
    except KeyboardInterrupt:  # it takes a second, and only what follows it turns Ctrl-C into a message
        print("Error: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    app()
