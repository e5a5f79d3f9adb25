"""Around every request, matched by a route or not: host check, limit by address, time for its body, request id, headers, log line,
metrics.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import structlog
from litestar.config.cors import CORSConfig
from litestar.serialization import encode_json
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Message, Receive, Scope, Send

from api.limits import RateLimiter
from api.metrics import Metrics
from api.problems import CLIENT_GONE, CONTENT_TYPE, GONE, ProblemError, body_of, busy
from graphrag.stores.waiting import somebody_waiting

HEALTH = frozenset({"/health/live", "/health/ready"})
"""Never limited, logged at debug level, and answered under any host name: load balancers ask all the time."""
REFUSED_KEY_COST = 9.0
"""A request with a wrong key counts as so many more: keys cannot be guessed fast."""
SLOWEST_BODY = 500.0
"""Bytes a second. A body gets a second more for so many that have come, so that a large one may take long and a trickle may not."""
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_CONTENT_SECURITY = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
)
_NO_STORE = (b"cache-control", b"no-store")
_CLOSE = {"Connection": "close"}

_log = structlog.stdlib.get_logger("api.requests")


class Observed:
    """An ASGI application around another one.

    Args:
        app: handles what is let through.
        hosts: names under which the service may be called, without ports; "*" allows any.
        address_rate: requests a minute from one address; 0 is no limit.
        body_seconds: how long the body of a request may take to come, besides the time of SLOWEST_BODY.
        cors: web pages that may call the service, and so are to understand its refusals.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        hosts: Sequence[str],
        address_rate: int,
        body_seconds: float,
        cors: CORSConfig | None = None,
    ) -> None:
        self._app = app
        self._cors = cors
        self._metrics = metrics
        self._hosts = frozenset(host.lower() for host in hosts)
        self._addresses = RateLimiter(address_rate)
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the module."""
        if scope["type"] == "websocket":  # no route takes them
            await self._app(scope, receive, send)
            return
        scope = cast("HTTPScope", scope)
        if scope["method"] == "HEAD" and scope["path"] in HEALTH:
            # Many who watch services ask for the head alone; the server leaves the body out.
            scope = cast("HTTPScope", {**scope, "method": "GET"})
        begun = time.perf_counter()
        request_id = uuid.uuid4().hex
        scope["state"]["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0
        due: float | None = begun + self._body_seconds  # None: the body is there, and what else comes is waited for

        async def receiving() -> HTTPReceiveMessage:
            nonlocal due
            try:
                async with asyncio.timeout(None if due is None or status else due - time.perf_counter()):
                    message = await receive()
            except TimeoutError:
                raise ProblemError(
                    408, "the body of the request did not come in time; send it again", headers=_CLOSE
                ) from None
            if message["type"] == "http.disconnect":
                scope["state"][GONE] = True
            elif due is not None:
                due = due + len(message.get("body", b"")) / SLOWEST_BODY if message.get("more_body") else None
            return cast("HTTPReceiveMessage", message)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_headers(list(message.get("headers", [])), request_id)
            await send(message)

        self._metrics.open_requests.inc()
        try:
            problem = self._refused(scope)
            if problem is None:
                with somebody_waiting():
                    await self._app(scope, cast("Receive", receiving), sending)
            else:
                await self._refuse(problem, scope, request_id, sending)
        except asyncio.CancelledError:
            # Nobody cancels a request but the server that stops, once it has waited for GRAPHRAG_SHUTDOWN_SECONDS.
            if status:
                raise
            await self._refuse(busy("the service is stopping; ask again", retry_after=5), scope, request_id, sending)
        finally:
            self._metrics.open_requests.dec()
            # Without a response the client left, or the server is told to end at once.
            self._note(scope, status or CLIENT_GONE, time.perf_counter() - begun)

    async def _refuse(self, problem: ProblemError, scope: HTTPScope, request_id: str, send: Send) -> None:
        problem.headers |= self._shared_with(_header(scope, b"origin"))
        await _send_problem(problem, request_id, send)

    def _refused(self, scope: HTTPScope) -> ProblemError | None:
        if scope["path"] in HEALTH or self._is_preflight(scope):
            return self._unshared(scope)
        host = _header(scope, b"host")
        if "*" not in self._hosts and _host_name(host) not in self._hosts:
            return ProblemError(421, "call the service under a host name of GRAPHRAG_ALLOWED_HOSTS")
        try:
            self._addresses.spend(_address(scope))
        except ProblemError as exc:
            return exc
        return self._unshared(scope)

    def _unshared(self, scope: HTTPScope) -> ProblemError | None:
        """What a browser is told that asks for a page that may not call, or not so. Litestar would say it in plain text."""
        cors, origin = self._cors, _header(scope, b"origin")
        if cors is None or scope["method"] != "OPTIONS" or not origin:
            return None
        allowed = cors.preflight_headers
        methods, headers = allowed["Access-Control-Allow-Methods"], allowed["Access-Control-Allow-Headers"]
        if (
            cors.is_origin_allowed(origin)
            and _names(_header(scope, b"access-control-request-method")) <= _names(methods)
            and _names(_header(scope, b"access-control-request-headers").lower()) <= _names(headers.lower())
        ):
            return None
        return ProblemError(
            400, f"pages of the origins in GRAPHRAG_CORS_ORIGINS may call, with {methods} and the headers {headers}"
        )

    def _is_preflight(self, scope: HTTPScope) -> bool:
        """Whether a browser asks on behalf of an allowed page: if that were refused, the page would never learn why."""
        asks = scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method")
        return bool(asks and self._shared_with(_header(scope, b"origin")))

    def _shared_with(self, origin: str) -> dict[str, str]:
        """The headers by which a browser shows an answer to a page; none if the page is not allowed to call."""
        if self._cors is None or not origin or not self._cors.is_origin_allowed(origin):
            return {}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} | self._cors.simple_headers

    def _note(self, scope: HTTPScope, status: int, seconds: float) -> None:
        if status == 401:
            with suppress(ProblemError):  # the next request is told
                self._addresses.spend(_address(scope), REFUSED_KEY_COST)
        # The template, not the path: paths hold ids, and there is no end of them.
        route = scope.get("path_template") or "(none)"
        method = scope["method"] if scope["method"] in _METHODS else "(other)"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        log = _log.debug if scope["path"] in HEALTH else _log.info
        log("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def _header(scope: HTTPScope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _names(listed: str) -> frozenset[str]:
    """What a header lists."""
    return frozenset(name.strip() for name in listed.split(",") if name.strip())


def _address(scope: HTTPScope) -> str:
    client = scope.get("client")
    return client[0] if client else "-"


def _host_name(host: str) -> str:
    """A Host header without its port."""
    name = host.lower()
    head, separator, port = name.rpartition(":")
    return head if separator and port.isdigit() else name


def _with_headers(headers: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    added = [*_HEADERS, _CONTENT_SECURITY, _NO_STORE, (b"x-request-id", request_id.encode())]
    return headers + [(name, value) for name, value in added if name not in given]


async def _send_problem(problem: ProblemError, request_id: str, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    body = encode_json(body_of(problem, request_id))
    headers += [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
