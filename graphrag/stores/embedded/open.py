"""The two stores of one SQLite file, from its URL."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

from graphrag.errors import ConfigError
from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.store import EmbeddedStore
from graphrag.stores.embedded.system import EmbeddedSystemStore

_PREFIX = "sqlite:///"
_FORMS = (
    "use sqlite:///relative.db or sqlite:////absolute/path.db, special characters percent-encoded (%20 for a space) "
    "and no ?query or #fragment"
)


@asynccontextmanager
async def open_stores(
    url: str, *, filter_fields: Iterable[str]
) -> AsyncGenerator[tuple[EmbeddedStore, EmbeddedSystemStore]]:
    """Open the file that a URL names, created if its folder exists, and close it at the end of `async with`.

    Args:
        url: `sqlite:///relative.db` or `sqlite:////absolute/path.db`.
        filter_fields: metadata fields that filters may use.

    Raises:
        ConfigError: the URL is not of an accepted form.
        StoreError: the file cannot be opened.
    """
    async with Database(path_of(url)) as database:
        yield EmbeddedStore(database, filter_fields=filter_fields), EmbeddedSystemStore(database)


def path_of(url: str) -> Path:
    """The file that a sqlite URL names.

    Raises:
        ConfigError: the URL is not of an accepted form.
    """
    scheme = url.partition(":")[0]
    if scheme != "sqlite":
        # The rest is left out of the message: it may hold a password.
        raise ConfigError(f"store URL with scheme {scheme[:20]!r} is not a SQLite one: {_FORMS}")
    if not url.startswith(_PREFIX) or "?" in url or "#" in url:
        raise ConfigError(f"store URL {url!r} is not valid: {_FORMS}")
    try:
        path = unquote(url.removeprefix(_PREFIX), errors="strict")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"store URL {url!r} is not valid, its percent-encoding is not UTF-8: {_FORMS}") from exc
    if not path or path.endswith("/") or "\0" in path:
        raise ConfigError(f"store URL {url!r} names no file: {_FORMS}")
    if path == ":memory:":
        raise ConfigError(f"store URL {url!r}: a store in memory is not supported, it would be lost; {_FORMS}")
    return Path(path)
