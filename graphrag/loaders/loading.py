"""Reading a document, whatever its format."""

from dataclasses import replace
from pathlib import Path

from graphrag.errors import InputError
from graphrag.loaders.base import MAX_DOCUMENT_BYTES, LoadedDocument
from graphrag.loaders.builder import empty_error
from graphrag.loaders.characters import clean_line, clean_title
from graphrag.loaders.detection import detect
from graphrag.loaders.fields import checked
from graphrag.loaders.registry import resolve
from graphrag.loaders.sandbox import ParserProcess
from graphrag.loaders.slack import is_day
from graphrag.loaders.slack_names import Lists, lists_of
from graphrag.types import Metadata, check_metadata


def load_file(
    path: Path,
    source: str,
    *,
    parser: ParserProcess | None = None,
    max_bytes: int = MAX_DOCUMENT_BYTES,
) -> list[LoadedDocument]:
    """Read a file; as `load_bytes`. Its size is checked before it is read. Of a day of Slack the lists of the export are read, too.

    Raises:
        InputError: does not exist, is no regular file, cannot be read, or is too large.
    """
    try:
        if source.endswith("/"):
            raise InputError(f"the folder {source} cannot be read; check its permissions")
        if not path.is_file():
            raise InputError(f"{source} is not a file that can be read; check the path {str(path)!r}")
        data = _read(path, source, max_bytes)
        beside = lists_of(path.absolute()) if is_day(source) else []
        lists = {found.name: _read(found, found.name, max_bytes) for found in beside if found.is_file()}
    except (OSError, ValueError) as exc:
        raise InputError(f"{source} cannot be read ({exc}); check that the file exists and is readable") from exc
    return load_bytes(data, source, parser=parser, max_bytes=max_bytes, lists=lists)


def _read(path: Path, source: str, max_bytes: int) -> bytes:
    _check_size(path.stat().st_size, source, max_bytes)
    with path.open("rb") as file:
        return file.read(max_bytes + 1)  # It may grow meanwhile.


def load_bytes(
    data: bytes,
    source: str,
    *,
    parser: ParserProcess | None = None,
    title: str | None = None,
    metadata: Metadata | None = None,
    max_bytes: int = MAX_DOCUMENT_BYTES,
    lists: Lists | None = None,
) -> list[LoadedDocument]:
    """Read a document: one result, or one for each record of a JSON file, in order; none for a day on which nobody wrote in Slack.

    All or nothing.

    Blocking, for up to the parser's time limit; call it in a thread from asynchronous code.

    Args:
        data: the whole file.
        source: relative path or upload name; its suffix takes part in the choice of the loader.
        parser: where untrusted formats and long Markdown are parsed. Without one, a process is started for this call alone.
        title: used instead of the document's own; not for a file of several records.
        metadata: added to the document's own, and stronger than it.
        max_bytes: largest size that is accepted.
        lists: for a day of Slack, what its export has beside the folders of the channels.

    Raises:
        InputError: too large, a wrong source, title or metadata.
        UnsupportedFormatError: no loader knows the format; lists the ones that are known.
        DocumentParseError: empty, damaged, protected, undecodable, too slow, or not what its suffix says.
    """
    source = clean_line(source)
    if not source:
        raise InputError("a document has no source; give a relative path or a file name, such as 'handbook/leave.md'")
    given = check_metadata(metadata or {})
    _check_size(len(data), source, max_bytes)
    if not data.strip():
        raise empty_error(source)
    chosen = detect(data, source)
    if len(data) < chosen.isolated_from:
        load = resolve(chosen.loader)
        documents = load(data, source, lists) if lists and is_day(source) else load(data, source)
    elif parser is not None:
        documents = parser.load(chosen.loader, data, source)
    else:
        with ParserProcess() as own:
            documents = own.load(chosen.loader, data, source)
    new_title = clean_title(title or "")
    if new_title and len(documents) > 1:
        raise InputError(
            f"{source} has {len(documents)} records, so one title {new_title!r} cannot be given; leave it out"
        )
    return [_finished(document, new_title, given) for document in documents]


def _finished(document: LoadedDocument, title: str, given: Metadata) -> LoadedDocument:
    own = checked(document.metadata, document.source)
    return replace(document, title=title or document.title, metadata=own | dict(given))


def _check_size(size: int, source: str, max_bytes: int) -> None:
    if size > max_bytes:
        raise InputError(
            f"{source} has {size:,} bytes, more than the limit of {max_bytes:,}; "
            f"split it, or raise GRAPHRAG_MAX_DOCUMENT_BYTES"
        )
