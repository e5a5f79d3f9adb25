"""`graphrag export`: take everything, or the entity graph, out."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Literal, TextIO

import typer

from api.cli.options import AccessOption, JsonOption, TenantOption, require_store, scope_of
from api.cli.output import line, print_json
from graphrag.bootstrap import open_stores
from graphrag.decisions import decisions_seen
from graphrag.errors import InputError
from graphrag.exporting import canonical_lines, entity_graph, export_lines, graphml_of, node_link_of
from graphrag.settings import Settings, load_settings
from graphrag.stores.base import GraphStore
from graphrag.stores.system import Decision, decided_by
from graphrag.types import Scope

Format = Literal["jsonl", "canonical", "graphml", "json"]


def export(
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="jsonl: everything; canonical: to compare what two stores hold, byte by byte; graphml, json "
            "(node-link): the entity graph.",
        ),
    ] = "jsonl",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE|-", help="Where to; - is standard output.")
    ] = Path("-"),
    documents: Annotated[bool, typer.Option("--documents", help="In a graph: documents as nodes too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    tenant: TenantOption = "default",
    access: AccessOption = "*",
    as_json: JsonOption = False,
) -> None:
    """Write everything as JSON lines, or the entity graph.

    With `--format canonical` equal knowledge gives equal bytes.
    """
    scope = scope_of(tenant, access)
    to_stdout = str(output) == "-"
    if to_stdout and as_json:
        raise InputError("--json reports on the export, so the export itself needs a file: add --output FILE")
    if to_stdout and sys.__stdout__ is None:
        raise InputError("there is no standard output to write to, it is closed: add --output FILE")
    if not to_stdout and output.exists() and not force:
        raise InputError(f"{output} exists already: choose another --output, or add --force to replace it")
    settings = load_settings()
    require_store(settings)
    if to_stdout:
        asyncio.run(_export(settings, scope, format, documents, sys.stdout))
        return
    with _replacing(output) as file:
        asyncio.run(_export(settings, scope, format, documents, file))
    size = output.stat().st_size
    if as_json:
        print_json({"output": str(output), "format": format, "bytes": size})
    else:
        line(f"Wrote {output} ({size:,} bytes)")


async def _export(settings: Settings, scope: Scope, format: Format, documents: bool, file: TextIO) -> None:
    async with open_stores(settings) as (store, system):
        decisions = await decisions_seen(store, system, scope)
        async for part in _parts(store, scope, format, documents, decisions):
            await asyncio.to_thread(file.write, part)


async def _parts(
    store: GraphStore, scope: Scope, format: Format, documents: bool, decisions: Sequence[Decision]
) -> AsyncIterator[str]:
    if format in ("jsonl", "canonical"):
        lines = export_lines if format == "jsonl" else canonical_lines
        async for text in lines(store, scope, decisions=decisions):
            yield f"{text}\n"
        return
    graph = await entity_graph(store, scope, documents=documents, decided=decided_by(decisions))
    yield graphml_of(graph) if format == "graphml" else node_link_of(graph)


@contextmanager
def _replacing(path: Path) -> Generator[TextIO]:
    """A file that appears under its name only when all of it has been written."""
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", newline="\n", delete=False
        ) as file:
            temporary = Path(file.name)
            yield file  # pyright: ignore[reportReturnType] # a text file in all but name
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # temporary files are private, this one is as any other
        temporary.replace(path)
        temporary = None
    except OSError as exc:
        raise InputError(f"{path} cannot be written ({exc.strerror or exc}): choose another --output") from exc
    finally:  # to close a file writes what is left of it, which may fail, too
        if temporary is not None:
            temporary.unlink(missing_ok=True)
