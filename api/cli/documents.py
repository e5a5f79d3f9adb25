"""`graphrag documents`, `graphrag delete` and `graphrag stats`: what is in the knowledge base."""

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Annotated

import typer

from api.cli.options import (
    AccessOption,
    FilterOption,
    JsonOption,
    TenantOption,
    filter_of,
    scope_of,
    with_stores,
)
from api.cli.output import console, line, print_json, say, shortened, show, table
from api.views import document_out
from graphrag.errors import InputError, NotFoundError
from graphrag.parts import delete_sources
from graphrag.settings import load_settings
from graphrag.stores.base import GraphStore
from graphrag.stores.paging import every_document
from graphrag.stores.system import SystemStore
from graphrag.types import Document, Scope

SHORT_ID = 8
MIN_TITLE = 12
MANY = 10
"""More documents than this are deleted by a condition only when that is confirmed."""
_ID_START = re.compile(rf"[0-9a-f]{{{SHORT_ID},32}}")


def documents(
    source: Annotated[str, typer.Option("--source", metavar="START", help="Only sources that begin so.")] = "",
    tenant: TenantOption = "default",
    access: AccessOption = "*",
    as_json: JsonOption = False,
) -> None:
    """List the documents."""
    scope = scope_of(tenant, access)

    async def work(store: GraphStore, _: SystemStore) -> list[Document]:
        return [one async for one in every_document(store, scope, source_prefix=source)]

    found = sorted(with_stores(work), key=lambda document: (document.source, document.part))
    if as_json:
        print_json({"documents": [document_out(document).model_dump() for document in found]})
        return
    if not found:
        say(f"No documents in tenant {tenant!r}" + (f" with a source that begins with {source!r}." if source else "."))
        return
    _print_table(found)
    count = len({document.source for document in found})
    say(f"{count} document{'s' if count != 1 else ''}")


def delete(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID_OR_SOURCE",
            help="Ids (or their first 8 characters) or sources; 'file.jsonl#*' is every record of a file.",
        ),
    ] = None,
    source_prefix: Annotated[
        str, typer.Option("--source-prefix", metavar="START", help="All whose source begins so, taken literally.")
    ] = "",
    filter: FilterOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deleted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, however many there are.")] = False,
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Delete documents and all that came from them.

    All of the named ones or, if one of them is not found, none. --source-prefix and --filter select further ones, both
    conditions together. More than 10 selected so have to be confirmed. A source that is stored in parts goes as a whole.
    """
    scope, settings = scope_of(tenant), load_settings()
    wanted = filter_of(filter, settings.filter_fields)
    if not names and not source_prefix and wanted is None:
        raise InputError("nothing to delete: name ids or sources, or give --source-prefix or --filter")

    async def choose(store: GraphStore, _: SystemStore) -> list[Document]:
        chosen: dict[str, Document] = {}
        for name in names or []:
            chosen.update((document.id, document) for document in await find_documents(store, scope, name))
        if source_prefix or wanted is not None:
            async for document in every_document(store, scope, source_prefix=source_prefix, filter=wanted):
                chosen[document.id] = document
        return list(chosen.values())

    chosen = with_stores(choose)
    sources = sorted({document.source for document in chosen})
    if not dry_run and len(sources) > MANY and (source_prefix or wanted is not None):
        said = f"{len(sources)} documents would be deleted, from {sources[0]!r} to {sources[-1]!r}"
        confirm(said, yes=yes, instead=", or --dry-run to see them")
    gone = chosen if dry_run else with_stores(lambda store, _: delete_sources(store, scope, chosen))
    if as_json:
        listed = [{"id": document.id, "source": document.source, "part": document.part} for document in gone]
        print_json({"dry_run": dry_run, "deleted": listed})
        return
    for source in sorted({document.source for document in gone}):
        line(f"{'would delete' if dry_run else 'deleted'} {source}")
    if not gone:
        say("No document fits, nothing was deleted.")


def confirm(what: str, *, yes: bool, instead: str = "") -> None:
    """Go on only if the user wants it.

    Args:
        what: would happen.
        yes: whether --yes was given.
        instead: what else the command offers, beginning with ", or".

    Raises:
        InputError: nobody can be asked, or the answer is no.
        Abort: no answer came.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError(f"{what}: add --yes if that is meant{instead}; nothing was deleted")
    try:
        wanted = typer.confirm(f"{what}. Go on?")
    except typer.Abort:  # Ctrl-C, or the end of the input
        raise typer.Abort("interrupted; nothing was deleted") from None
    if not wanted:
        raise InputError("nothing was deleted")


def stats(tenant: TenantOption = "default", access: AccessOption = "*", as_json: JsonOption = False) -> None:
    """Count what is in the knowledge base."""
    scope = scope_of(tenant, access)

    async def work(store: GraphStore, _: SystemStore) -> dict[str, object]:
        counts = asdict(await store.statistics(scope))
        return {"store": store.location, "revision": await store.revision(), "tenant": tenant, **counts}

    found = with_stores(work)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        line(f"{name:<10} {value:,}" if isinstance(value, int) else f"{name:<10} {value}")


async def find_documents(store: GraphStore, scope: Scope, name: str) -> list[Document]:
    """The documents that an id, the start of one, a source, or `source#*` names.

    Raises:
        NotFoundError: there is none.
        InputError: the start of an id fits several documents.
    """
    if _ID_START.fullmatch(name):
        # Ids that begin with the name are the first ones after it; the id itself is found by equality.
        found = await store.documents(scope, ids=[name]) or [
            document for document in await store.documents(scope, after=name, limit=2) if document.id.startswith(name)
        ]
        if len(found) > 1:
            raise InputError(f"{name!r} begins the ids of several documents; give more characters of the one you mean")
        if found:
            return found
    if name.endswith("#*"):
        found = [one async for one in every_document(store, scope, source_prefix=name[:-1])]
    else:
        same = [one async for one in every_document(store, scope, source_prefix=name)]
        found = [document for document in same if document.source == name]
        records = [document for document in same if document.source.startswith(f"{name}#")]
        if records and not found:
            raise NotFoundError(
                f"{name!r} holds {len(records)} documents, such as {records[0].source!r}; "
                f"name one of them, or {name + '#*'!r} for all"
            )
    if not found:
        raise NotFoundError(
            f"no document with the id or source {name!r} in tenant {scope.tenant!r}; 'graphrag documents' lists them"
        )
    return found


def _print_table(found: Sequence[Document]) -> None:
    """One line for each document; titles are cut, and left out where there is no room: sources have to stay whole."""
    fixed = SHORT_ID + len("chunks") + len("2026-01-01") + 10  # and two spaces between columns
    room = console().width - fixed - max(len(document.source) for document in found)
    room -= max(len("access"), *(len(document.access) for document in found))
    titles = room >= MIN_TITLE
    columns = ("id", "source", *(("title",) if titles else ()), "chunks", "access", "updated")
    listed = table(*columns, right=("chunks",), whole=("id", "chunks", "access", "updated"))
    for document, chunks in _by_source(found):
        listed.add_row(
            document.id[:SHORT_ID],
            document.source,
            *((shortened(document.title, room),) if titles else ()),
            str(chunks),
            document.access,
            document.updated_at[:10],
        )
    show(listed)


def _by_source(found: Sequence[Document]) -> list[tuple[Document, int]]:
    """The first part of each source with the chunks of all its parts. The documents are ascending by source and part."""
    rows: list[tuple[Document, int]] = []
    for _, parts in groupby(found, key=lambda document: document.source):
        held = list(parts)
        rows.append((held[0], sum(part.chunk_count for part in held)))
    return rows
