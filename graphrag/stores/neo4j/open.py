"""The two stores of one Neo4j database, from its URL."""

import logging
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from neo4j import AsyncGraphDatabase, NotificationMinimumSeverity

from graphrag.errors import ConfigError
from graphrag.registry import NEO4J_SCHEMES
from graphrag.stores.neo4j.connection import RETRY_SECONDS, Connection, neo4j_errors
from graphrag.stores.neo4j.display import Display
from graphrag.stores.neo4j.schema import prepare
from graphrag.stores.neo4j.store import Neo4jStore
from graphrag.stores.neo4j.system import Neo4jSystemStore

CONNECT_SECONDS = 5.0
"""For a connection, and for one of the pool to become free: a request would rather fail than hang."""
_FORMS = (
    "use neo4j://user:password@host:7687/database (neo4j+s:// with TLS), special characters in user and password "
    "percent-encoded, and no ?query or #fragment; without /database, the user's home database"
)
# What the driver logs it also raises, and then it is told once, with what to do. Whoever sets up logging still gets it.
_NOT_PRINTED = logging.NullHandler()
_DATABASE = re.compile(r"[A-Za-z][A-Za-z0-9.-]{2,62}")


@dataclass(frozen=True, slots=True)
class Address:
    """A store URL taken apart."""

    server: str
    """Without credentials and database, as the driver takes it."""
    user: str
    password: str
    database: str
    """Empty for the user's home database."""


@asynccontextmanager
async def open_stores(url: str, *, filter_fields: Iterable[str]) -> AsyncGenerator[tuple[Neo4jStore, Neo4jSystemStore]]:
    """Connect, prepare the schema, and close the connections at the end of `async with`.

    Args:
        url: such as `neo4j://user:password@host:7687/database`.
        filter_fields: metadata fields that filters may use.

    Raises:
        ConfigError: the URL is not of an accepted form.
        StoreError: the server is out of reach, refuses the credentials, or is too old.
        SchemaMismatchError: the schema is newer than this software.
    """
    address = address_of(url)
    logging.getLogger("neo4j").addHandler(_NOT_PRINTED)
    fields = frozenset(filter_fields)
    with neo4j_errors(address.server):
        driver = AsyncGraphDatabase.driver(
            address.server,
            auth=(address.user, address.password) if address.user else None,
            user_agent="agentic-graphrag-service",
            connection_timeout=CONNECT_SECONDS,
            connection_acquisition_timeout=2 * CONNECT_SECONDS,
            liveness_check_timeout=60,
            max_transaction_retry_time=RETRY_SECONDS,
            telemetry_disabled=True,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
        )
    async with driver:
        with neo4j_errors(address.server):
            await driver.verify_connectivity()
            database = address.database
            if not database:
                home = await driver.execute_query("SHOW HOME DATABASE YIELD name RETURN name")
                database = str(home.records[0][0])
        connection = Connection(driver, database, f"{address.server}/{database}")
        await prepare(connection, fields)
        async with Display(connection) as display:
            yield Neo4jStore(connection, display, filter_fields=fields), Neo4jSystemStore(connection, display)


def address_of(url: str) -> Address:
    """The parts of a store URL.

    Raises:
        ConfigError: it is not of an accepted form. The message does not repeat the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise ConfigError(f"the store URL is not valid: {_FORMS}") from exc
    if parts.scheme not in NEO4J_SCHEMES:
        raise ConfigError(f"store URL with scheme {parts.scheme[:20]!r} is not a Neo4j one: {_FORMS}")
    database = unquote(parts.path.removeprefix("/"))
    if not parts.hostname or parts.query or parts.fragment or "?" in url or "#" in url:
        raise ConfigError(f"the store URL is not valid: {_FORMS}")
    if database and not _DATABASE.fullmatch(database):
        raise ConfigError(f"the store URL names the database {database[:70]!r}, which cannot be one: {_FORMS}")
    if (parts.username or "") and parts.password is None:
        raise ConfigError(f"the store URL has a user and no password: {_FORMS}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(
        f"{parts.scheme}://{host}:{port or 7687}",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        database,
    )
