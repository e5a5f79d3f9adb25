"""From paths to loaded documents: which files there are, and what became of reading each."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from graphrag.errors import GraphRAGError, InputError, StoreError, UnsupportedFormatError
from graphrag.loaders import LoadedDocument, ParserProcess, find_files, load_file, suffix_of, supported
from graphrag.loaders.detection import is_binary
from graphrag.loaders.registry import is_unknown, unsupported
from graphrag.loaders.slack_names import beside_channels

_log = logging.getLogger(__name__)

_Read = TypeVar("_Read")
SourceFile = tuple[Path, str]
"""A file and the source under which its documents are stored; or a folder that cannot be listed, its source ending in a slash."""
_FIRST_BLOCK = 4096
GROUP_DOCUMENTS = 200
GROUP_CHARACTERS = 4_000_000
"""Documents are read in groups of at most so many; a group ends at so many characters."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not be read."""

    source: str
    reason: str
    """What is wrong with it, and what to do."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What paths lead to."""

    files: Sequence[SourceFile]
    left_out: Sequence[str] = ()
    """Sources of files inside folders that hold nothing to read: of a suffix that no loader knows, such as the pictures of a page,
    without one and no text, and the lists of users and channels beside the messages in what Slack exports."""
    links: Sequence[str] = ()
    """Sources that symbolic links inside folders would have which are not followed: to folders, out of the folder, to nothing."""


def by_suffix(sources: Sequence[str]) -> str:
    """How many there are of each suffix, the most frequent first: "12 .png, 3 .css, 1 without a suffix"."""
    counts = Counter(map(suffix_of, sources)).most_common()
    return ", ".join(f"{count:,} {suffix or 'without a suffix'}" for suffix, count in counts)


def list_sources(paths: Sequence[Path], *, if_none: str = "") -> Sources:
    """Files to ingest. Inside folders, those of an unknown suffix are left out, and those without messages in what Slack exports.

    Args:
        paths: files and folders.
        if_none: what else to say where they hold no file that can be read.

    Raises:
        InputError: no path, a path that does not exist, paths without a file that can be read, or two files with one source.
        UnsupportedFormatError: a file that was named itself has a suffix no loader knows.
    """
    if not paths:
        raise InputError("nothing to ingest: name files or folders")
    for path in paths:
        if is_unknown(path.name) and path.is_file():
            raise UnsupportedFormatError(unsupported(str(path)))
    links: list[str] = []
    found = find_files(paths, unfollowed=links.append)
    named = frozenset(path for path in paths if path.is_file())
    lists = beside_channels([path for path, _ in found if path not in named])
    left_out = [
        source
        for path, source in found
        if path in lists
        or (not source.endswith("/") and (is_unknown(source) or (path not in named and _is_binary(path))))
    ]
    without = frozenset(left_out)
    sources = Sources([file for file in found if file[1] not in without], left_out, links)
    if not sources.files:
        places = ", ".join(str(path) for path in paths)
        others = by_suffix(left_out) or "hidden ones and symbolic links out of it are left out"
        raise InputError(f"no files that can be read in {places} ({others}); supported are {supported()}{if_none}")
    return sources


def _is_binary(path: Path) -> bool:
    """Whether it has no suffix and holds no text; one that cannot be opened is told when it is read."""
    if suffix_of(path.name):
        return False
    try:
        with path.open("rb") as file:
            return is_binary(file.read(_FIRST_BLOCK))
    except OSError:
        return False


@contextmanager
def open_sources(
    files: Sequence[SourceFile],
    *,
    max_document_bytes: int,
    parse_seconds: float,
    read: Callable[[str, int], None] | None = None,
) -> Generator[Iterator[LoadedDocument | Failure]]:
    """Read files one after the other, lazily; a file that cannot be read is a Failure and the rest go on.

    Reading blocks (I/O, parsing): iterate in a thread. Leaving the block ends a parser that is still at work.

    Args:
        files: those of `list_sources`.
        max_document_bytes: a larger file is a Failure.
        parse_seconds: wall-clock limit for one file that is parsed in the child process.
        read: called after each file with its source and the number of documents (or failures) that it gave.
    """
    with ParserProcess(timeout=parse_seconds) as parser:
        yield _load_all(files, parser, max_document_bytes, read)


def _load_all(
    files: Sequence[SourceFile], parser: ParserProcess, max_bytes: int, read: Callable[[str, int], None] | None
) -> Iterator[LoadedDocument | Failure]:
    for path, source in files:
        found = loaded(source, partial(load_file, path, source, parser=parser, max_bytes=max_bytes))
        if read is not None:
            read(source, len(found))
        yield from found


def loaded(source: str, load: Callable[[], Sequence[LoadedDocument]]) -> Sequence[LoadedDocument | Failure]:
    """What a file gives, or the failure that it is where it cannot be read: no reason to stop reading the others.

    Raises:
        StoreError: what keeps the file is away, and would be for the others, too.
    """
    try:
        return load()
    except StoreError:
        raise
    except GraphRAGError as exc:
        return [Failure(source, str(exc))]
    except Exception as exc:  # of a loader that meets what nobody thought of
        _log.exception("reading %s", source)
        told = f"{type(exc).__name__}: {str(exc)[:200]}"
        return [Failure(source, f"it cannot be read (unexpected {told}); please report this")]


async def read_ahead(
    documents: Iterable[LoadedDocument | Failure],
) -> AsyncGenerator[list[LoadedDocument | Failure]]:
    """Groups of documents, each of bounded size; while one is worked on, the next is read in a thread."""
    groups = _groups(documents)
    reading = asyncio.create_task(in_own_thread(partial(next, groups, None)))
    try:
        while (group := await reading) is not None:
            reading = asyncio.create_task(in_own_thread(partial(next, groups, None)))
            yield group
    finally:
        # Not waited for: whoever owns the documents may have to end a parser first.
        reading.cancel()


async def in_own_thread(read: Callable[[], _Read]) -> _Read:
    """As asyncio.to_thread, but in a thread that ends with it.

    Reading may take minutes, for each job under way; questions, which share the threads of the event loop, would wait for it.
    """
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, copy_context().run, read)
    finally:
        executor.shutdown(wait=False)


def _groups(documents: Iterable[LoadedDocument | Failure]) -> Iterator[list[LoadedDocument | Failure]]:
    group: list[LoadedDocument | Failure] = []
    characters = 0
    for document in documents:
        group.append(document)
        characters += len(document.text) if isinstance(document, LoadedDocument) else 0
        if len(group) >= GROUP_DOCUMENTS or characters >= GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group
