"""Keeping what is stored from a folder equal to the folder: what has vanished from it is deleted, and nothing else.

Which documents came from a folder is told by themselves, in the metadata value `synced_from`: a name of the folder, by
default its own name and a hash of where it is. A document of another folder has another value, one of no folder has none.
"""

import asyncio
import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from graphrag.errors import InputError
from graphrag.ingested import IngestReport
from graphrag.relabelling import fingerprint_of
from graphrag.sources import SourceFile, list_sources
from graphrag.stores.base import GraphStore
from graphrag.stores.paging import every_document
from graphrag.types import Document, Scope, check_text, stable_id

SYNCED_FROM = "synced_from"


def name_of(folder: Path) -> str:
    """The name under which a folder is synchronised: the same wherever it is called from, and for no other folder.

    Raises:
        InputError: it is no folder, or its name is not valid Unicode.
    """
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is not a folder; --sync keeps a folder, so name one")
    real = folder.resolve()
    return f"{check_text('the name of the folder', real.name)}-{stable_id('folder', os.fspath(real))[:8]}"


def names_of(paths: Sequence[Path]) -> frozenset[str]:
    """The names of those that are folders, for `still_kept`."""
    names: set[str] = set()
    for path in paths:
        with suppress(InputError):
            names.add(name_of(path))
    return frozenset(names)


def still_kept(stored: Document, document: Document, folders: Collection[str], pipeline: str) -> Document:
    """A document that replaces one which is kept from one of these folders: that is kept, too, where it says nothing of its own.

    So an ingest of a synchronised folder without --sync takes no document out of the care of the next one with it.
    """
    name = stored.metadata.get(SYNCED_FROM)
    if name not in folders or SYNCED_FROM in document.metadata:
        return document
    document = replace(document, metadata={**document.metadata, SYNCED_FROM: name})
    return replace(document, fingerprint=fingerprint_of(document, pipeline))


def kept_by_another(stored: Document, document: Document) -> str:
    """Why a document of a synchronised folder may not replace a stored one of the same source; empty if it may.

    Two folders with a README.md would replace each other's for ever, and what one of them drops would be lost to the other.
    """
    theirs, ours = stored.metadata.get(SYNCED_FROM), document.metadata.get(SYNCED_FROM)
    if theirs is None or ours is None or theirs == ours:
        return ""
    return (
        f"a document of this source is kept from the folder {theirs!r}, and this one is of {ours!r}; synchronise a folder that "
        f"holds both, or if it is the same folder in another place, say --sync-as {theirs}"
    )


@dataclass(frozen=True, slots=True)
class Vanished:
    """What of a folder's documents is no longer in the folder."""

    documents: Sequence[Document]
    """Ascending by source and part."""
    renamed: Sequence[tuple[str, str]]
    """Old and new source where the same content came under another one, ascending by the old one."""


async def vanished(
    store: GraphStore, scope: Scope, name: str, folder: Path, files: Sequence[SourceFile], report: IngestReport
) -> Vanished:
    """The documents of a folder that an ingest of all of it has not met.

    What a file gave before is not gone because the file cannot be read now, nor because the file came while this ingest was at
    work and another one has stored it.

    Args:
        store: where the folder's documents are.
        scope: of its tenant, with every label that its documents may have.
        name: the folder's `synced_from`.
        folder: where it is.
        files: all files of the folder when its ingest began.
        report: of their ingest with this name.

    Raises:
        InputError: the folder has gone meanwhile, is empty, or cannot be read.
    """
    met = {result.source for result in report.results}
    failed = {failure.source for failure in report.failures}
    synced = [one async for one in every_document(store, scope) if one.metadata.get(SYNCED_FROM) == name]
    stored = sorted(synced, key=lambda document: (document.source, document.part))
    # Listed after what is stored was read: of all that another ingest has stored by then the files are there.
    listed = {source for _, source in files}
    new = {source for _, source in (await asyncio.to_thread(list_sources, [folder])).files} - listed
    kept = tuple(source if source.endswith("/") else f"{source}#" for source in {*new, *(listed & failed)})
    known = met | new
    gone = [one for one in stored if one.source not in known and not one.source.startswith(kept)]
    # Vanished content that stands under a new source: of several such sources the first, each used once.
    created = {result.source for result in report.results if result.outcome == "created"}
    places: dict[str, list[str]] = {}
    for document in stored:
        if document.part == 0 and document.source in created:
            places.setdefault(document.content_sha256, []).append(document.source)
    renamed = [
        (document.source, found.pop(0))
        for document in gone
        if document.part == 0 and (found := places.get(document.content_sha256))
    ]
    return Vanished(gone, renamed)
