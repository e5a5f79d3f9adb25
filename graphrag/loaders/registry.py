"""The formats that can be read. A new one is a module with a loader and one line in FORMATS.

A loader is a function `(data: bytes, source: str) -> list[LoadedDocument]` that raises InputError or a subclass of it; that of JSON
takes the lists of an export of Slack, too.
"""

import re
import sys
from collections.abc import Callable
from pathlib import PurePosixPath
from pkgutil import resolve_name
from typing import NamedTuple, cast

from graphrag.loaders.base import LoadedDocument

Loader = Callable[..., list[LoadedDocument]]

_ALWAYS, _NEVER = 0, sys.maxsize


class Format(NamedTuple):
    """How a kind of document is read."""

    loader: str
    """ "module:function", imported when first used."""
    isolated_from: int
    """Size in bytes from which a document is parsed in a child process."""


# Markdown inline markup has the worst measured cost in process: 33 ms a kilobyte for text made of "![" alone.
FORMATS = {
    ".txt": Format("graphrag.loaders.text:load", _NEVER),
    ".text": Format("graphrag.loaders.text:load", _NEVER),
    ".md": Format("graphrag.loaders.markdown:load", 200_000),
    ".markdown": Format("graphrag.loaders.markdown:load", 200_000),
    ".html": Format("graphrag.loaders.html:load", _ALWAYS),
    ".htm": Format("graphrag.loaders.html:load", _ALWAYS),
    ".xhtml": Format("graphrag.loaders.html:load", _ALWAYS),
    ".pdf": Format("graphrag.loaders.pdf:load", _ALWAYS),
    ".docx": Format("graphrag.loaders.docx:load", _ALWAYS),
    ".eml": Format("graphrag.loaders.mail:load", _ALWAYS),
    ".jsonl": Format("graphrag.loaders.jsonl:load", _NEVER),
    ".ndjson": Format("graphrag.loaders.jsonl:load", _NEVER),
    ".csv": Format("graphrag.loaders.rows:load", _NEVER),
    ".tsv": Format("graphrag.loaders.rows:load", _NEVER),
    ".json": Format("graphrag.loaders.jsonl:load_json", _NEVER),
}

NO_TEXT = frozenset({".pdf", ".docx"})
"""Formats that no text is in, whatever it says."""

_REMEDIES = {
    "unpack it and ingest the folder": (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"),
    "save it as .docx or .pdf": (".doc", ".rtf", ".odt", ".ppt", ".pptx", ".odp", ".pages"),
    "save each of its sheets as .csv": (".xls", ".xlsx", ".xlsm", ".ods", ".numbers"),
    "save its mails as .eml": (".msg", ".mbox", ".pst"),
}
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{0,9}")


def supported() -> str:
    """The suffixes that can be read, for messages."""
    return ", ".join(FORMATS)


def unsupported(source: str) -> str:
    """What to say of a file whose suffix no loader knows."""
    suffix = suffix_of(source)
    remedies = [remedy for remedy, suffixes in _REMEDIES.items() if suffix in suffixes]
    return f"{source}: {suffix} files are not supported; {'; '.join([*remedies, f'supported are {supported()}'])}"


def suffix_of(source: str) -> str:
    """Suffix in lower case; empty where what follows the last dot is no suffix, as in `minutes 2025.03`."""
    suffix = PurePosixPath(source).suffix.lower()
    return suffix if _SUFFIX.fullmatch(suffix) else ""


def is_unknown(source: str) -> bool:
    """Whether it has a suffix that no loader knows. A file without suffix is told by its content."""
    suffix = suffix_of(source)
    return bool(suffix) and suffix not in FORMATS


def resolve(loader: str) -> Loader:
    """Import the function that "module:function" names."""
    return cast(Loader, resolve_name(loader))
