"""Options that several commands share, and the checks of their values."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer

from graphrag.bootstrap import open_stores
from graphrag.errors import InputError, NotFoundError
from graphrag.filters import Filter, read_filter
from graphrag.settings import Settings, load_settings, without_credentials
from graphrag.stores.base import GraphStore
from graphrag.stores.embedded.open import path_of
from graphrag.stores.system import SystemStore
from graphrag.types import ALL_ACCESS, Scalar, Scope, check_metadata

MAX_RESULTS = 100

TenantOption = Annotated[
    str, typer.Option("--tenant", metavar="NAME", help="Tenant to work in; nothing of another one is seen or changed.")
]
AccessOption = Annotated[
    str,
    typer.Option(
        "--access",
        metavar="LABELS",
        help="See only what holders of these labels see, comma-separated; '*' is everything in the tenant.",
    ),
]
FilterOption = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="JSON",
        help='Only documents whose metadata match, such as \'{"year": {"gte": 2025}}\' (fields: GRAPHRAG_FILTER_FIELDS).',
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

_T = TypeVar("_T")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def path_named(text: str) -> Path:
    """A path of the command line. An empty one, as an unset variable of a script gives, is not the current folder.

    Raises:
        BadParameter: it is empty.
    """
    if not text:
        raise typer.BadParameter("it is empty; write . for the current folder")
    return Path(text)


def id_named(text: str) -> str:
    """An id of the command line, whose bytes may be no text: such an id is of nothing, and no store takes it."""
    return text.encode(errors="replace").decode()


def scope_of(tenant: str, access: str = ALL_ACCESS) -> Scope:
    """The scope that --tenant and --access name.

    Raises:
        InputError: a malformed name.
    """
    return Scope(tenant, frozenset(label.strip() for label in access.split(",") if label.strip()))


def filter_of(text: str, fields: Iterable[str]) -> Filter | None:
    """The filter that --filter holds; see read_filter."""
    return read_filter(text, fields, name="--filter")


def metadata_of(pairs: Sequence[str]) -> dict[str, Scalar]:
    """Metadata from key=value pairs. A value is true, false, a number, or else a text; JSON quotes force a text.

    Raises:
        InputError: no `=`, a key given twice, or a key that metadata may not set.
    """
    found: dict[str, Scalar] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        key = key.strip()
        if not separator:
            raise InputError(f"--meta {pair[:80]!r} has no '=': write --meta key=value")
        if key in found:
            raise InputError(f"--meta sets {key[:80]!r} twice; keep one of them")
        found[key] = _scalar(value.strip())
    return check_metadata(found)


def _scalar(value: str) -> Scalar:
    if value in ("true", "false"):
        return value == "true"
    if _NUMBER.fullmatch(value) and len(value) < 300:
        return cast(int | float, json.loads(value))
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            return value
    return value


def store_file(settings: Settings) -> Path | None:
    """The file of an embedded store, whether it exists or not; None where a server has the store."""
    url = settings.store_url
    return path_of(url).absolute() if url.startswith("sqlite:") else None


def store_named_by(settings: Settings) -> str:
    """Where the store is, without opening it, and without the credentials of its URL."""
    return str(store_file(settings) or without_credentials(settings.store_url))


def require_store(settings: Settings, first: str = "run 'graphrag ingest FOLDER' first") -> None:
    """Refuse to read a store file that does not exist, instead of creating an empty one.

    Args:
        settings: of this process.
        first: what makes one.

    Raises:
        NotFoundError: there is none; says where it was looked for.
    """
    if lacks_store(settings):
        raise NotFoundError(
            f"there is no knowledge base at {store_named_by(settings)}: {first}, or set GRAPHRAG_STORE_URL to where it is"
        )


def lacks_store(settings: Settings) -> bool:
    """Whether the store is a file that does not exist; opening the store would create it."""
    file = store_file(settings)
    return file is not None and not file.exists()


def with_stores(work: Callable[[GraphStore, SystemStore], Coroutine[Any, Any, _T]], *, create: bool = False) -> _T:
    """Run work on the configured stores, without loading a model.

    Raises:
        NotFoundError: there is no store yet, unless `create` makes one.
    """
    settings = load_settings()
    if not create:
        require_store(settings)

    async def run() -> _T:
        async with open_stores(settings) as (store, system):
            return await work(store, system)

    return asyncio.run(run())
