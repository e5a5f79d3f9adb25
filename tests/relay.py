"""A way to a Neo4j server that a test can close, or make hang, while others use the server."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from graphrag.stores.neo4j.open import address_of

SOON = 8
"""Seconds; more than somebody has to wait by far, and less than an outage that the background outlives."""


class Relay:
    """A port that leads to the server, and can be closed, or opened and deaf."""

    def __init__(self, host: str, port: int, login: str) -> None:
        self._target = (host, port)
        self._login = login
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._hears = asyncio.Event()
        self._hears.set()
        self._port = 0

    @property
    def url(self) -> str:
        """Of the store; `bolt` does not ask the server for the address of another way."""
        return f"bolt://{self._login}127.0.0.1:{self._port}/neo4j"

    async def up(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """As if the server had ended."""
        server, self._server = self._server, None
        if server is not None:
            # A connection that is being taken while its server closes, asyncio leaves open: first none is taken any more.
            for listening in server.sockets:
                asyncio.get_running_loop().remove_reader(listening.fileno())
            await _turns()
            server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _turns()

    def deaf(self, *, for_now: bool = True) -> None:
        """As if the server hung."""
        self._hears.clear() if for_now else self._hears.set()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()
            return
        leading = asyncio.current_task()
        assert leading is not None
        self._tasks.add(leading)  # so that down() waits for a connection that is being made
        self._open.add(writer)
        there, back = await asyncio.open_connection(*self._target)
        if self._server is None:  # closed meanwhile
            writer.transport.abort()
            back.transport.abort()
            return
        self._open.add(back)
        pair = [asyncio.create_task(self._pass(reader, back)), asyncio.create_task(self._pass(there, writer))]
        self._tasks.update(pair)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._hears.wait()
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.transport.abort()


async def _turns() -> None:
    """Let the loop go round until what was begun is done: a time would be no measure of that on a busy machine."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def leading_to(url: str) -> AsyncGenerator[Relay]:
    """A relay to the server of a store URL, which is open."""
    address = address_of(url)
    host, _, port = address.server.rpartition("://")[2].rpartition(":")
    made = Relay(host, int(port), f"{address.user}:{address.password}@" if address.user else "")
    await made.up()
    try:
        yield made
    finally:
        made.deaf(for_now=False)
        await made.down()
