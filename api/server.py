"""Running the application under uvicorn."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from api import logs
from api.app import create_app
from graphrag.errors import ConfigError
from graphrag.settings import Settings


class Server(uvicorn.Server):
    """A server that tells the application that it is to stop before it waits for open responses to end."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._closing = closing
        self._announce = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As the method of the base class."""
        await super().startup(sockets)
        if not self.should_exit:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As the method of the base class."""
        self._closing.set()
        await super().shutdown(sockets)


def run(settings: Settings, *, development: bool, announce: Callable[[str], None]) -> None:
    """Serve until told to stop.

    Raises:
        ConfigError: the address cannot be listened on, or the application does not start.
    """
    logs.configure(settings)
    closing = asyncio.Event()
    app = create_app(settings, development=development, closing=closing)
    listening = _listen(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="on",
        server_header=False,
        date_header=True,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
        timeout_keep_alive=30,
    )
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address

    def started() -> None:
        announce(f"Serving {app.state.service.kb.store.location} at http://{shown}:{port} (API: /schema)")
        if development:
            announce("Development mode: no key is needed, every caller is an admin of the tenant 'default'.")

    server = Server(config, closing, started)
    try:
        asyncio.run(server.serve([listening]))
    except KeyboardInterrupt:
        return
    if not server.started:
        raise ConfigError("the service could not start; the log above says why")


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.host, settings.port
    try:
        family: Any = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048)
        # Connections take it over; asyncio sets it for sockets that were made with a protocol number alone. Without it, the body of
        # an answer waits 40 ms for the client to acknowledge the head.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as exc:
        raise ConfigError(
            f"cannot listen on {host}:{port} ({exc.strerror or exc}): choose another GRAPHRAG_HOST or GRAPHRAG_PORT"
        ) from exc
