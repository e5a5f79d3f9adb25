"""`graphrag import`: bring in what `graphrag export` wrote."""

import asyncio
import sys
import time
from itertools import chain
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from api.cli.options import JsonOption, TenantOption, scope_of
from api.cli.output import counted, line, print_json, waiting
from graphrag.bootstrap import open_stores
from graphrag.errors import InputError
from graphrag.importing import ImportReport, check_header, import_lines
from graphrag.settings import Settings, load_settings
from graphrag.types import Scope


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE|-", help="What 'graphrag export' wrote as JSON lines; - is standard input.")
    ],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Store what `export` wrote, without embedding again.

    People's decisions on entities come along.

    What is stored unchanged is left alone, so a run that broke off can be run again. Documents stay in their tenant: name it
    with --tenant.
    """
    scope = scope_of(tenant)
    settings = load_settings()
    begun = time.perf_counter()
    if str(file) == "-":
        if sys.stdin is None:
            raise InputError("there is no standard input to read, it is closed: name a file of 'graphrag export'")
        report, store = _run(settings, scope, sys.stdin.buffer, "standard input", as_json)
    else:
        try:
            with file.open("rb") as opened:
                report, store = _run(settings, scope, opened, str(file), as_json)
        except OSError as exc:
            raise InputError(
                f"{file} cannot be read ({exc.strerror or exc}): name a file of 'graphrag export'"
            ) from exc
    seconds = time.perf_counter() - begun
    if as_json:
        counts = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
        print_json(
            {
                "store": store,
                "documents": report.documents,
                **counts,
                "chunks": report.chunks,
                "decisions": report.decisions,
            }
        )
        return
    parts = [f"{n} {what}" for what in ("created", "updated", "unchanged") if (n := getattr(report, what))]
    told = f": {', '.join(parts)}" if parts else ""
    line(f"{counted(report.documents, 'document')}{told} ({counted(report.chunks, 'chunk')}, {seconds:.1f} s)")
    if report.decisions:
        line(f"{counted(report.decisions, 'decision')} on entities")
    line(f"Stored in {store}")


def _run(settings: Settings, scope: Scope, file: BinaryIO, name: str, silent: bool) -> tuple[ImportReport, str]:
    first = file.readline()
    check_header(first, name)  # to open a store makes one where there is none
    lines = chain([first], file)

    async def work() -> tuple[ImportReport, str]:
        async with open_stores(settings) as (store, system):
            return await import_lines(store, system, scope, lines, name=name), store.location

    with waiting("Importing", silent=silent):
        return asyncio.run(work())
