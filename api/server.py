"""Running the application under uvicorn."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import structlog
import uvicorn
from litestar import Litestar
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import logs
from api.app import create_app
from api.workers import end_workers
from graphrag.errors import ConfigError
from graphrag.settings import Settings

_log = structlog.stdlib.get_logger(__name__)


class Server(uvicorn.Server):
    """A server that tells the application that it is to stop before it waits for open responses to end."""

    def __init__(self, config: uvicorn.Config, close: Callable[[], None], started: Callable[[], None]) -> None:
        super().__init__(config)
        self._close = close
        self._announce = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As the method of the base class."""
        await super().startup(sockets)
        if not self.should_exit:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As the method of the base class."""
        self._close()
        await super().shutdown(sockets)


def run(settings: Settings, *, development: bool, announce: Callable[[str], None]) -> None:
    """Serve until told to stop.

    Raises:
        ConfigError: the address cannot be listened on.
        GraphRAGError: the application does not start; as open_knowledge_base.
    """
    logs.configure(settings)
    closing = asyncio.Event()
    app = create_app(settings, development=development, closing=closing)
    listening = _listen(settings)
    config = uvicorn.Config(
        ForwardedFor(_Plain(app), settings.trusted_proxies),
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="on",
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
        timeout_keep_alive=30,
    )
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address

    def started() -> None:
        announce(f"Serving {app.state.service.kb.store.location} at http://{shown}:{port} (API: /schema)")
        if development:
            announce("Development mode: no key is needed, every caller is an admin of the tenant 'default'.")

    def close() -> None:
        closing.set()
        # Now, and not with the lifespan: to give a job back takes a moment, and open requests may take all of theirs.
        end_workers(app.state.get("workers", ()))

    server = Server(config, close, started)
    try:
        asyncio.run(server.serve([listening]))
    except KeyboardInterrupt:
        return
    except SystemExit:  # how uvicorn ends where the application does not start
        refusal = app.state.get("refusal")
        raise refusal or ConfigError("the service could not start; the log above says why") from None


class ForwardedFor:
    """Around an application: clients are who trusted proxies say they are; the first other one that says so is logged.

    Args:
        app: handles the requests.
        proxies: addresses and networks that are trusted; "*" is any.
    """

    def __init__(self, app: Any, proxies: Sequence[str]) -> None:
        self._app = ProxyHeadersMiddleware(app, list(proxies)) if proxies else app
        self._networks = [ip_network(proxy) for proxy in proxies if proxy != "*"]
        self._silent = "*" in proxies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See the class."""
        if not self._silent and any(name == b"x-forwarded-for" for name, _ in scope.get("headers", ())):
            self._look_at(scope["client"])
        await self._app(scope, receive, send)

    def _look_at(self, client: tuple[str, int] | None) -> None:
        address = client[0] if client else ""
        if not address or any(ip_address(address) in network for network in self._networks):
            return
        self._silent = True
        # Never what the header holds: anybody may send it. The address is that of the connection.
        _log.warning(
            "forwarded for somebody by an address that is not trusted, so its clients share one limit: if it is your "
            "reverse proxy, add it to GRAPHRAG_TRUSTED_PROXIES",
            address=address,
        )


class _Plain:
    """An application that cannot start for a reason that is known says that, in place of a traceback around it."""

    def __init__(self, app: Litestar) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "lifespan.startup.failed" and (refusal := self._app.state.get("refusal")):
                message["message"] = str(refusal)
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "lifespan" else send)


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
