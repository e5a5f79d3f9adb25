"""The driver, with what every query has: a time limit, a count in the trace, bookmarks, and errors that say what to do."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import Context
from typing import Any, LiteralString, TypeVar, cast

from neo4j import AsyncDriver, AsyncManagedTransaction, Query, RoutingControl, unit_of_work
from neo4j.api import AsyncBookmarkManager
from neo4j.exceptions import AuthError, ConfigurationError, DriverError, Neo4jError, ServiceUnavailable, SessionExpired

from graphrag.errors import ConfigError, StoreError
from graphrag.stores.rows import is_torn
from graphrag.stores.trips import note_round_trip
from graphrag.stores.waiting import somebody_waits

READ_SECONDS = 30
WAITED_READ_SECONDS = 10
"""Of a read that somebody waits for, with all its attempts, be the server silent or slow."""
WRITE_SECONDS = 600
"""For a document of the largest size."""
OUTAGE_SECONDS = 15
"""A server that is away for no longer, since it starts again, is noticed only by those who wait."""
RETRY_SECONDS = 1
"""As long the driver goes on trying, and then once more: those who wait learn within about 3 s that the server is away."""
_LANGUAGE: LiteralString = "CYPHER 25 "
_RACES = frozenset(
    {
        # Another transaction deleted, or created, a node that this one was about to use: run again, it sees what is there.
        "Neo.ClientError.Statement.EntityNotFound",
        "Neo.ClientError.Schema.ConstraintValidationFailed",
    }
)
_ATTEMPTS = 5
_log = logging.getLogger(__name__)
_T = TypeVar("_T")

Row = list[Any]


class Transaction:
    """What a unit of writing runs its statements in. Each may use `$lock`, which is another value in each transaction: a node is
    locked by setting it.
    """

    def __init__(self, transaction: AsyncManagedTransaction) -> None:
        self._transaction = transaction
        self._lock = secrets.token_hex(8)

    async def run(self, query: LiteralString, **parameters: object) -> list[Row]:
        """All rows of a statement."""
        note_round_trip()
        result = await self._transaction.run(_LANGUAGE + query, {"lock": self._lock, **parameters})
        return [record.values() async for record in result]


class Bookmarks(AsyncBookmarkManager):
    """Which transactions the next query has to see."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    async def get_bookmarks(self) -> Collection[str]:
        """Of all that was acknowledged."""
        return tuple(self._held)

    async def update_bookmarks(self, previous_bookmarks: Collection[str], new_bookmarks: Collection[str]) -> None:
        """Told by the driver when a transaction has ended."""
        self._held -= set(previous_bookmarks)
        self._held |= set(new_bookmarks)

    def forget(self) -> None:
        """See whatever there is."""
        self._held.clear()


class Connection:
    """One database of one server or cluster. Every query goes through here.

    Args:
        driver: opened and closed by the caller.
        database: always named, which saves a round trip.
        location: for people, without credentials.
    """

    def __init__(self, driver: AsyncDriver, database: str, location: str) -> None:
        self._driver = driver
        self._database = database
        self.location = location
        self._bookmarks = Bookmarks()
        self._away_since: float | None = None
        self._looking: asyncio.Task[None] | None = None

    async def read(self, query: str, **parameters: object) -> list[Row]:
        """All rows of a reading query. It sees every write that this process has had acknowledged.

        Raises:
            StoreError: the server is out of reach, refuses, or takes longer than READ_SECONDS (WAITED_READ_SECONDS).
        """
        note_round_trip()
        waited = somebody_waits()
        # Not literal only where the fields of a filter complete it; see queries.vector_search.
        asked = Query(_LANGUAGE + cast(LiteralString, query), timeout=WAITED_READ_SECONDS if waited else READ_SECONDS)
        with neo4j_errors(self.location):
            # A server that hangs keeps no time limit of its own.
            try:
                async with asyncio.timeout(_patience()):
                    result = await self._persistently(
                        lambda: self._driver.execute_query(
                            asked,
                            parameters,
                            database_=self._database,
                            routing_=RoutingControl.READ,
                            bookmark_manager_=self._bookmarks,
                        )
                    )
            except TimeoutError:
                self._note_away("no answer in time")
                self._look_at_bookmarks()
                raise
        return [record.values() for record in result.records]

    async def read_together(self, query: str, **parameters: object) -> list[Row]:
        """The rows of a reading query that collects them in one record. The driver takes about 0.1 ms for each record, whatever
        it holds, which for the hundreds of a question is as long as the server takes to find them. Raises as read.
        """
        ((rows,),) = await self.read(query, **parameters)
        return cast("list[Row]", rows)

    async def read_chunks(self, query: LiteralString, **parameters: object) -> list[Row]:
        """As read_together, of rows that begin with those of chunks. While one is being replaced the server may give null for some of
        its values, as it isolates no read from the commits of others; then it is read again.

        Raises:
            StoreError: as read, or a chunk is torn in every attempt.
        """
        for attempt in range(_ATTEMPTS):
            found = await self.read_together(query, **parameters)
            if not any(map(is_torn, found)):
                return found
            await asyncio.sleep(0.01 * 2**attempt)
        raise StoreError(
            f"{self.location}: a chunk was being written during each of {_ATTEMPTS} reads, or is damaged: try again, and ingest its "
            f"document again if this goes on"
        )

    async def write(self, work: Callable[[Transaction], Awaitable[_T]]) -> _T:
        """Run `work` in one transaction. It may run several times, until one run commits; so it must only depend on what
        it reads in the transaction.

        It may take as long as it takes while the server answers others; where it does not, the call fails within twice the
        time of a read. Whether it was done is then not known.

        Raises:
            StoreError: as read, or the transaction is too large for the server's memory.
        """

        @unit_of_work(timeout=WRITE_SECONDS)
        async def unit(transaction: AsyncManagedTransaction) -> _T:
            try:
                return await work(Transaction(transaction))
            except Neo4jError as exc:
                if "MemoryPoolOutOfMemory" in _code(exc):
                    # Said to be transient, and it would be tried for half a minute, but it fails every time.
                    raise StoreError(
                        f"{self.location}: a transaction does not fit into the memory that the server grants: raise "
                        f"db.memory.transaction.max and the heap, or split the document"
                    ) from exc
                raise

        with neo4j_errors(self.location):
            async with self._while_it_answers():
                return await self._committed(unit)

    async def _committed(self, unit: Callable[[AsyncManagedTransaction], Awaitable[_T]]) -> _T:
        for attempt in range(_ATTEMPTS):
            try:
                async with self._driver.session(database=self._database, bookmark_manager=self._bookmarks) as session:
                    return await self._persistently(lambda: session.execute_write(unit))
            except Neo4jError as exc:
                if not _met_another(exc) or attempt == _ATTEMPTS - 1:
                    raise
                _log.debug("transaction met another one, trying again: %s", exc.code)
                await asyncio.sleep(0.01 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def _while_it_answers(self) -> AsyncGenerator[None]:
        """Break off what is done inside, with TimeoutError, once the server answers nothing else either: one that hangs keeps no
        time limit of its own, and one that works on a large document must be let.
        """
        seconds = _patience()

        async def watch() -> None:
            with suppress(StoreError):
                while True:
                    await asyncio.sleep(seconds)
                    await self.read("RETURN 1")
            limit.reschedule(asyncio.get_running_loop().time())

        async with asyncio.timeout(None) as limit:
            watching = asyncio.create_task(watch())
            try:
                yield
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching

    async def define(self, statement: str) -> None:
        """Run a statement of the schema, alone in its transaction."""
        with neo4j_errors(self.location):
            await self._driver.execute_query(
                Query(_LANGUAGE + cast(LiteralString, statement), timeout=WRITE_SECONDS),
                database_=self._database,
                bookmark_manager_=self._bookmarks,
            )

    async def _persistently(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """What a call makes. The driver tries it for RETRY_SECONDS, and we for OUTAGE_SECONDS, unless the server is away and
        somebody waits.
        """
        end = time.monotonic() + OUTAGE_SECONDS
        while True:
            try:
                made = await call()
            except (DriverError, Neo4jError) as exc:
                if (
                    isinstance(exc, Neo4jError)
                    and "BookmarkTimeout" in _code(exc)
                    and await self._bookmarks.get_bookmarks()
                ):
                    # Waited for in vain, for the 30 s that the server grants: what it has is older than what it once acknowledged.
                    _log.warning("%s was set back, as by a restored backup: go on with what it holds", self.location)
                    self._bookmarks.forget()
                    continue
                away = isinstance(exc, DriverError)
                if away and exc.is_retryable():
                    self._note_away(_first_line(_root(exc)))
                if not exc.is_retryable() or time.monotonic() > end or (away and somebody_waits()):
                    raise
            else:
                self._note_back()
                return made

    def _look_at_bookmarks(self) -> None:
        """Find out whether the server waits for transactions that it has no more; who waits for it gives up before it says so."""

        async def ask() -> None:
            async with self._driver.session(database=self._database, bookmark_manager=self._bookmarks) as session:
                await (await session.run("RETURN 1")).consume()  # without a second attempt of the driver's

        async def look() -> None:
            with suppress(DriverError, Neo4jError):
                await self._persistently(ask)

        if self._looking is None or self._looking.done():
            # In a context of its own, where nobody waits.
            self._looking = asyncio.create_task(look(), context=Context())

    def _note_away(self, why: str) -> None:
        """Log the beginning of an outage, whoever meets it first; each call that fails of it raises, too."""
        if self._away_since is None:
            self._away_since = time.monotonic()
            _log.warning("%s is away, and is tried again until it is back: %s", self.location, why)

    def _note_back(self) -> None:
        if self._away_since is not None:
            _log.warning("%s is back after %.0f s", self.location, time.monotonic() - self._away_since)
            self._away_since = None


def _patience() -> float:
    """Seconds that a server may be silent, or a read take with all its attempts."""
    return WAITED_READ_SECONDS if somebody_waits() else OUTAGE_SECONDS + 2 * READ_SECONDS


@contextmanager
def neo4j_errors(location: str) -> Generator[None]:
    """Turn what the driver raises into StoreError or ConfigError, with what to do."""
    try:
        yield
    except AuthError as exc:
        raise StoreError(
            f"{location} refuses the credentials: correct user and password in GRAPHRAG_STORE_URL "
            f"(neo4j://user:password@host:7687/database, special characters percent-encoded)"
        ) from exc
    except TimeoutError as exc:
        raise StoreError(f"{location} does not answer: see whether the server hangs, and the network") from exc
    except (ServiceUnavailable, SessionExpired, OSError) as exc:
        raise StoreError(
            f"{location} cannot be reached: start the server (docker compose up neo4j, or make neo4j) or correct "
            f"GRAPHRAG_STORE_URL; it says: {_first_line(_root(exc))}"
        ) from exc
    except ConfigurationError as exc:
        raise ConfigError(f"{location}: {_first_line(exc)}: correct GRAPHRAG_STORE_URL") from exc
    except Neo4jError as exc:
        if "DatabaseNotFound" in _code(exc):
            raise StoreError(f"{location}: there is no such database: correct the end of GRAPHRAG_STORE_URL") from exc
        if "Timed" in _code(exc):
            raise StoreError(
                f"{location}: a query took longer than allowed: try again, or give the server more"
            ) from exc
        raise StoreError(f"{location} failed ({exc.code}): {_first_line(exc)}") from exc
    except DriverError as exc:
        raise StoreError(f"{location}: {type(exc).__name__}: {_first_line(exc)}") from exc


def _root(exc: BaseException) -> BaseException:
    """What the driver sums up as "Unable to retrieve routing information": refused, no TLS there, a bad certificate."""
    below = exc.exceptions[0] if isinstance(exc, BaseExceptionGroup) else exc.__cause__
    return exc if below is None or not str(below) else _root(below)


def _first_line(exc: BaseException) -> str:
    text = (exc.message if isinstance(exc, Neo4jError) else str(exc)) or type(exc).__name__
    return text.strip().splitlines()[0][:300]


def _met_another(exc: Neo4jError) -> bool:
    """Whether a transaction failed since another one deleted or created what it was about to use."""
    # A procedure wraps what it met, and names it in the text alone.
    return _code(exc) in _RACES or (
        _code(exc) == "Neo.ClientError.Procedure.ProcedureCallFailed" and "EntityNotFoundException" in str(exc.message)
    )


def _code(exc: Neo4jError) -> str:
    # Typed as always there, but a server may leave it out.
    return str(exc.code)
