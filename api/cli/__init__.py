"""The command line: `graphrag <command>`."""

import gc
import os
import sys
from typing import TextIO, cast

GC_THRESHOLDS = (10_000, 20, 100)
"""A question makes some 30,000 short-lived objects. The usual threshold of 700 means dozens of collections for each."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Before numpy is imported: measured, two BLAS threads make the small products of a question several times slower
    # than one, since waking the second one costs more than the product.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    gc.set_threshold(*GC_THRESHOLDS)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character of a document must not end the command.
        cast("TextIO", stream).reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    from api.cli.app import app

    app()
