"""Which files an ingest of folders and files means, and under which source each is stored."""

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from graphrag.errors import InputError

_JUNK = frozenset(
    ("node_modules", "__pycache__", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "Thumbs.db", "desktop.ini")
)


def find_files(
    paths: Sequence[Path], *, unfollowed: Callable[[str], object] = lambda _: None
) -> list[tuple[Path, str]]:
    """Files to ingest with their sources, in the order of `paths`, within a folder sorted by name.

    A folder is searched recursively. Hidden files and folders (a leading dot), Office lock files (`~$`) and the like
    are left out, unless a path names them itself; symbolic links are followed only to files inside the folder. Files
    of unknown formats are returned too, so that the caller can report them, and so are folders that cannot be listed inside
    the given ones, with a source that ends in a slash.

    The source is the path relative to the folder with forward slashes, or the file's name for a single file. It is NFC,
    and bytes that are no text become U+FFFD. The same file given twice under one source counts once. Two names of one folder
    that become the same source are both returned, for the caller to report.

    Args:
        paths: files and folders.
        unfollowed: called with the source that each symbolic link would have which is not followed.

    Raises:
        InputError: a path does not exist or cannot be listed, or files of two of them would have the same source.
    """
    found: list[tuple[Path, str]] = []
    first: dict[str, tuple[Path, Path]] = {}
    for path in paths:
        for file, source in _files(path, unfollowed):
            earlier, root = first.setdefault(source, (file, path))
            if earlier is not file and (earlier == file or _same(earlier, file)):
                continue
            if root != path:
                raise InputError(
                    f"{str(earlier)!r} and {str(file)!r} would both be stored as {source!r}; "
                    f"ingest their common parent folder instead, or rename one"
                )
            found.append((file, source))
    return found


def _files(path: Path, unfollowed: Callable[[str], object]) -> Iterator[tuple[Path, str]]:
    if path.is_file():
        yield path, _source(path.resolve().name if path.name in ("", "..") else path.name)
    elif path.is_dir():
        real_root = path.resolve()
        for entry in _walk(path):
            file = Path(entry.path)
            source = _source(file.relative_to(path).as_posix())
            # The entry is asked, and not the path: of one that is too long the system says nothing.
            if entry.is_symlink() and not _is_file_within(file, real_root):
                unfollowed(source)
            else:
                yield file, source + "/" * entry.is_dir()
    else:
        raise InputError(f"{str(path)!r} does not exist or is neither a file nor a folder; check the path")


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Files, symbolic links, and folders that cannot be listed."""
    try:
        waiting = _entries(folder)
    except OSError as exc:
        raise InputError(f"the folder {str(folder)!r} cannot be read ({exc}); check its permissions") from exc
    while waiting:
        entry = waiting.pop()
        if entry.is_symlink() or entry.is_file():
            yield entry
        elif entry.is_dir():
            try:
                waiting += _entries(Path(entry.path))
            except OSError:
                yield entry


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds that may be searched, the last one first."""
    with os.scandir(folder) as entries:
        wanted = [one for one in entries if not (one.name.startswith((".", "~$")) or one.name in _JUNK)]
    return sorted(wanted, key=lambda entry: entry.name, reverse=True)


def _is_file_within(path: Path, real_root: Path) -> bool:
    # Linked folders are not followed at all: inside the root they would give the same files twice, or a loop.
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_file() and target.is_relative_to(real_root)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _source(name: str) -> str:
    # macOS decomposes names; a name may hold any byte, also line breaks that would forge lines of a log.
    text = unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
