"""`graphrag ingest`: store files and folders."""

import asyncio
import json
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from typing import Annotated, Protocol

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.cli.documents import MANY, confirm
from api.cli.estimate import print_estimate, run_estimate, say_left_out
from api.cli.options import JsonOption, TenantOption, metadata_of, path_named, scope_of
from api.cli.output import console, counted, line, print_failures, print_json, say
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import InputError, ModelError
from graphrag.ingest import ingest_documents
from graphrag.ingested import Ingested, IngestReport
from graphrag.parts import delete_sources
from graphrag.settings import Settings, load_settings
from graphrag.sources import Sources, by_suffix, list_sources, open_sources
from graphrag.syncing import SYNCED_FROM, Vanished, name_of, names_of, vanished
from graphrag.types import PUBLIC, Metadata, Scope, check_label, check_metadata

SHOWN_LOST = 5


class View(Protocol):
    """What shows the progress of a run."""

    def read(self, documents: int) -> None:
        """A file was read and gave so many documents."""
        ...

    def settled(self, result: Ingested) -> None:
        """A document was settled."""
        ...

    def ask(self, what: str, yes: bool) -> None:
        """Go on only if the user wants it; see api.cli.documents.confirm."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """The outcome of a run."""

    report: IngestReport
    sources: Sources
    store: str
    seconds: float
    empty: Sequence[str] = ()
    """Sources of files that hold no document, such as tables without rows."""
    removed: Sequence[str] = ()
    """Sources that have vanished from a synchronised folder."""
    renamed: Sequence[tuple[str, str]] = ()
    """Old and new source; the old ones are among `removed`."""


@dataclass(frozen=True, slots=True)
class Sync:
    """A folder whose vanished documents are to be deleted."""

    name: str
    folder: Path
    yes: bool
    """Do not ask, however many there are."""


def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", parser=path_named, help="Files or folders (searched recursively)."),
    ],
    tenant: TenantOption = "default",
    access: Annotated[
        str, typer.Option("--access", metavar="LABEL", help="Access label of the documents: who may see them.")
    ] = PUBLIC,
    meta: Annotated[
        list[str] | None,
        typer.Option(
            "--meta", metavar="KEY=VALUE", help="Metadata of every document: text, number, true or false; repeatable."
        ),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Also delete what came from this folder before and is no longer in it.")
    ] = False,
    sync_as: Annotated[
        str,
        typer.Option(
            "--sync-as",
            metavar="NAME",
            help="As --sync, for a folder that may lie elsewhere each time: its name, which every ingest of it has to give.",
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --sync: delete without asking.")] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Store nothing; say what it would use of the language model.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Store files and folders.

    A document is known by its path below the given folder: what is stored unchanged is left alone, what has changed
    replaces what was stored. Files of other formats inside a folder are left out and counted. Ends with exit code 3 if some
    could not be stored, and else with 6 if the language model failed on passages of some, which are stored without what it
    would find; ingesting again has it try those again.

    With --sync, documents carry the metadata 'synced_from' with a name of the folder, by which the next run knows what
    came from there; more than 10 that have vanished are deleted only when that is confirmed. A file that cannot be read
    has not vanished. An ingest of the same folder without --sync deletes nothing, and leaves what is kept from it so.
    """
    metadata = metadata_of(meta or [])
    syncing = _sync_of(paths, sync_as, yes) if sync or sync_as else None
    if syncing:
        metadata = check_metadata({**metadata, SYNCED_FROM: syncing.name})
    check_label("access label", access)
    scope = scope_of(tenant)
    settings = load_settings()
    sources, folders = list_sources(paths, if_none=_emptied(syncing) if syncing else ""), names_of(paths)
    if estimate:
        told = run_estimate(settings, scope, sources, access=access, metadata=metadata, folders=folders)
        print_json(told) if as_json else print_estimate(told)
        raise typer.Exit(InputError.exit_code if told["failed"] else 0)
    with progress_view(len(sources.files), silent=as_json) as view:
        run = asyncio.run(
            run_ingest(settings, scope, sources, view, access=access, metadata=metadata, folders=folders, sync=syncing)
        )
    if as_json:
        print_json(run_to_json(run))
    else:
        print_run(run)
    if run.report.failures:
        raise typer.Exit(InputError.exit_code)
    if run.report.incomplete:
        raise typer.Exit(ModelError.exit_code)


def _sync_of(paths: Sequence[Path], name: str, yes: bool) -> Sync:
    if len(paths) != 1:
        raise InputError("--sync keeps one folder at a time; name one")
    of_folder = name_of(paths[0])  # refuses what is no folder, whatever it is to be called
    return Sync(name or of_folder, paths[0], yes)


def _emptied(sync: Sync) -> str:
    """What to say of a folder without any file to read."""
    wanted = quote(json.dumps({SYNCED_FROM: sync.name}, ensure_ascii=False))
    return (
        "; nothing was deleted, as an empty folder may be one that is not there: to delete what came from it, "
        f"GRAPHRAG_FILTER_FIELDS={SYNCED_FROM} graphrag delete --filter {wanted}"
    )


async def run_ingest(
    settings: Settings,
    scope: Scope,
    sources: Sources,
    view: View,
    *,
    access: str = PUBLIC,
    metadata: Metadata | None = None,
    folders: Collection[str] = (),
    sync: Sync | None = None,
) -> Run:
    """Store files in the configured knowledge base."""
    begun = time.perf_counter()
    empty: list[str] = []

    def read(source: str, documents: int) -> None:
        view.read(documents)
        empty.extend([] if documents else [source])

    async with open_knowledge_base(settings) as kb:
        with open_sources(
            sources.files, max_document_bytes=kb.max_document_bytes, parse_seconds=kb.parse_seconds, read=read
        ) as documents:
            report = await ingest_documents(
                kb, scope, documents, access=access, metadata=metadata, folders=folders, progress=view.settled
            )
        gone = Vanished((), ())
        if sync is not None:
            gone = await vanished(kb.store, scope, sync.name, sync.folder, sources.files, report)
            moved = {old for old, _ in gone.renamed}
            lost = sorted({document.source for document in gone.documents} - moved)
            if len(lost) > MANY:
                some = f"{', '.join(map(repr, lost[:SHOWN_LOST]))} and {len(lost) - SHOWN_LOST} more"
                said = f"{len(lost)} documents have vanished from the folder and would be deleted ({some})"
                await asyncio.to_thread(view.ask, said, sync.yes)
            await delete_sources(kb.store, scope, gone.documents)
        removed = tuple(dict.fromkeys(document.source for document in gone.documents))
        store, seconds = kb.store.location, time.perf_counter() - begun
        return Run(report, sources, store, seconds, empty, removed, gone.renamed)


def run_to_json(run: Run) -> Mapping[str, object]:
    """A run as JSON."""
    counts = {outcome: run.report.count(outcome) for outcome in ("created", "updated", "unchanged", "failed")}
    return {
        **counts,
        "files": len(run.sources.files),
        "left_out": list(run.sources.left_out),
        "links": list(run.sources.links),
        "empty": list(run.empty),
        "chunks": run.report.chunks,
        "model_failures": sum(result.model_failures for result in run.report.incomplete),
        "store": run.store,
        "seconds": round(run.seconds, 3),
        "removed": list(run.removed),
        "renamed": [{"from": old, "to": new} for old, new in run.renamed],
        "documents": [asdict(result) for result in run.report.results],
    }


def print_run(run: Run) -> None:
    """A run for people."""
    report = run.report
    counts = [f"{report.count(outcome)} {outcome}" for outcome in ("created", "updated", "unchanged", "failed")]
    said = ", ".join(count for count in counts if not count.startswith("0 ")) or "nothing to store"
    files, documents = counted(len(run.sources.files), "file"), counted(len(report.results), "document")
    say(f"{files}, {documents}: {said} ({counted(report.chunks, 'chunk')}, {run.seconds:.1f} s)")
    say_left_out(run.sources.left_out, run.sources.links)
    if run.empty:
        say(f"Without any document: {by_suffix(run.empty)}")
    moved = dict(run.renamed)
    for source in run.removed:
        line(f"renamed   {source} -> {moved[source]}" if source in moved else f"removed   {source}")
    line(f"Stored in {run.store}")
    print_failures("Not stored", [(one.source, one.reason) for one in report.failures])
    partly = [(one.source, one.reason) for one in report.incomplete]
    print_failures("Stored without all that the language model would find", partly)
    print_failures("Stored without what could not be read", [(one.source, one.warning) for one in report.warned])


@contextmanager
def progress_view(files: int, *, silent: bool) -> Generator[View]:
    """A bar on a terminal, a line for each document elsewhere, nothing if silent."""
    target = console(stderr=True)
    if silent:
        yield _Silent()
    elif not target.is_terminal:
        yield _Lines()
    else:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=target,
            transient=True,
        )
        with bar:
            yield _Bar(bar, files)


class _Silent:
    """See View."""

    def read(self, documents: int) -> None:
        return

    def settled(self, result: Ingested) -> None:
        return

    def ask(self, what: str, yes: bool) -> None:
        confirm(what, yes=yes)


class _Lines(_Silent):
    """See View."""

    def settled(self, result: Ingested) -> None:
        if result.outcome != "unchanged":
            size = f" ({counted(result.chunks, 'chunk')})" if result.chunks else ""
            line(f"{result.outcome:<9} {result.source}{size}")


class _Bar:
    """See View. The total begins as the number of files and grows where a file holds several documents."""

    def __init__(self, bar: Progress, files: int) -> None:
        self._bar = bar
        self._task = bar.add_task("Loading models", total=files)
        self._total = files

    def read(self, documents: int) -> None:
        self._total += documents - 1
        self._bar.update(self._task, total=self._total, description="Ingesting")

    def settled(self, result: Ingested) -> None:
        self._bar.advance(self._task)
        if result.outcome == "failed":
            self._bar.console.print(f"failed {result.source}", style="red", soft_wrap=True)

    def ask(self, what: str, yes: bool) -> None:
        self._bar.stop()
        confirm(what, yes=yes)
