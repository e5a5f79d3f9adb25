"""One SQLite file, opened: a thread that writes and a thread that reads, each with its own connection.

Every unit of work is one transaction. Writes take the lock of the file when they begin (BEGIN IMMEDIATE), so what a write
has read stays true until it commits, whichever process writes next; reads see one snapshot (WAL) and wait for nobody.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from graphrag.errors import StoreError
from graphrag.stores.embedded.schema import SCHEMA_VERSION, connect, prepare
from graphrag.stores.trips import note_round_trip

_T = TypeVar("_T")
_PREPARE_SECONDS = 30
_MAGIC = b"SQLite format 3\0"


class Database:
    """A file that the stores share. Open it with `async with`, once.

    Args:
        path: the database file; created if its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._location = str(path)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="graphrag-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="graphrag-write")
        self._read_connection: sqlite3.Connection | None = None
        self._write_connection: sqlite3.Connection | None = None
        self._entered = False
        self._open = False
        self._file: tuple[int, int] | None = None

    @property
    def location(self) -> str:
        """Absolute path of the file, once it is open."""
        return self._location

    async def __aenter__(self) -> Self:
        if self._entered:
            raise StoreError(f"{self._path} was opened with this object before: make a new one for each 'async with'")
        self._entered = True
        try:
            await self._run(self._writer, self._connect)
        except BaseException as exc:
            closed = self._end()
            # Not waited for after a cancellation: the opening goes on in its thread, perhaps behind another process's lock.
            if isinstance(exc, Exception):
                with suppress(StoreError):
                    await asyncio.shield(asyncio.wrap_future(closed))
            raise
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._open:
            return
        self._open = False
        # Shielded: a caller that is cancelled stops waiting, but the connections are closed nevertheless.
        await asyncio.shield(asyncio.wrap_future(self._end()))

    async def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work` on the reading thread, on one snapshot.

        Raises:
            StoreError: the file cannot be read, or is not open.
        """

        def in_transaction() -> _T:
            connection = _opened(self._read_connection)
            self._check_file()
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                _end_transaction(connection, "COMMIT")

        self._check_open()
        note_round_trip()
        return await self._run(self._reader, in_transaction)

    async def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work` on the writing thread and commit it, or roll it back if it raises.

        Raises:
            StoreError: the file cannot be written, or is not open.
        """

        def in_transaction() -> _T:
            connection = _opened(self._write_connection)
            self._check_file()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                _end_transaction(connection, "ROLLBACK")
                raise
            return result

        self._check_open()
        note_round_trip()
        return await self._run(self._writer, in_transaction)

    def _check_file(self) -> None:
        # SQLite goes on with a file that has no name any more, and all that it writes is lost when it is closed.
        if _identity(self._location) != self._file:
            raise StoreError(
                f"{self._location} was removed or replaced while it was open: stop all that use it, put it back, and start again"
            )

    def _check_open(self) -> None:
        if not self._open:
            raise _not_open()

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        def guarded() -> _T:
            with _sqlite_errors(self._path):
                return work()

        return await asyncio.get_running_loop().run_in_executor(pool, guarded)

    def _connect(self) -> None:
        # Absolute, so that both connections are to the same file and no name is special (":memory:").
        path = self._path.absolute()
        if not path.parent.is_dir():
            raise StoreError(f"{path}: the folder does not exist: create it, or set GRAPHRAG_STORE_URL")
        _check_header(path)
        self._location = str(path.resolve())
        name = str(path)
        self._write_connection = connect(name)
        _prepare(self._write_connection, name)
        _check_writable(self._write_connection)
        self._file = _identity(self._location)
        self._read_connection = connect(name, read_only=True)

    def _end(self) -> "Future[None]":
        """Let both threads do what is queued, close their connections and stop; returns without waiting for it."""
        read = self._reader.submit(self._close_read_connection)
        self._reader.shutdown(wait=False)

        def close_last() -> None:
            # The writer last: it is the connection that moves the write-ahead log into the file.
            wait([read])
            with _sqlite_errors(self._path):
                # The opening may have been under way when `read` looked.
                self._close_read_connection()
                if self._write_connection is not None:
                    self._write_connection.close()
                self._write_connection = None

        closed = self._writer.submit(close_last)
        self._writer.shutdown(wait=False)
        return closed

    def _close_read_connection(self) -> None:
        connection, self._read_connection = self._read_connection, None
        if connection is not None:
            connection.close()


def _prepare(connection: sqlite3.Connection, name: str) -> None:
    # SQLite does not wait for the lock when two connections turn the write-ahead log on at once: one is told "busy".
    end = time.monotonic() + _PREPARE_SECONDS
    while True:
        try:
            return prepare(connection, name)
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(0.01)


def _check_header(path: Path) -> None:
    # SQLite takes a file shorter than its header for an empty database, and would write over it.
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as exc:
        raise StoreError(
            f"{path} cannot be opened ({exc.strerror}): point GRAPHRAG_STORE_URL at a readable file"
        ) from exc
    if start and start != _MAGIC:
        raise StoreError(f"{path} is not a SQLite database: point GRAPHRAG_STORE_URL at another file")


def _identity(name: str) -> tuple[int, int] | None:
    """Which file has that name now; None if none has."""
    try:
        found = os.stat(name)  # noqa: PTH116 - before every transaction, and Path takes several times as long
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_writable(connection: sqlite3.Connection) -> None:
    # On a read-only file BEGIN IMMEDIATE alone succeeds. Better to fail at the start than at the first write.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("ROLLBACK")


def _opened(connection: sqlite3.Connection | None) -> sqlite3.Connection:
    if connection is None:
        raise _not_open()
    return connection


def _not_open() -> StoreError:
    return StoreError("the store is not open: use it inside 'async with'")


def _end_transaction(connection: sqlite3.Connection, how: str) -> None:
    # SQLite itself rolls back on some errors (disk full, input/output); ending it twice would hide the first error.
    if connection.in_transaction:
        connection.execute(how)


@contextmanager
def _sqlite_errors(path: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        advice = "check that it is a file of this software, that it and its folder are writable, and disk space"
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            advice = "another process has kept it for itself too long; try again, or end that process"
        raise StoreError(f"{path.absolute()}: {exc}: {advice}") from exc
