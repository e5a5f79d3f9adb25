"""Who is asking: a key from the header Authorization, and what its role allows."""

import asyncio
import time
from typing import Any

import structlog
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from api.keys import hash_of, is_valid
from api.problems import ProblemError
from api.service import DEVELOPER, READY_TIMEOUT, Caller, Service
from graphrag.errors import StoreError
from graphrag.stores.system import ApiKey

OPEN = "exclude_from_auth"
"""The `opt` of a handler that needs no key. Never a pattern of paths: those match more than they seem to."""
LASTING = "answers_while_the_store_is_away"
"""The `opt` of a handler that needs the store for its key alone, and takes one that was valid lately when the store is away."""
MAX_SECRET = 200
_UNAUTHORIZED = {"WWW-Authenticate": 'Bearer realm="graphrag"'}


class KeyAuthentication(AbstractAuthenticationMiddleware):
    """Every handler needs a valid key, but for those with the option OPEN."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """The Caller of a request; counts against the limit of its key."""
        service: Service = connection.app.state.service
        caller = await _caller(service, connection)
        structlog.contextvars.bind_contextvars(tenant=caller.scope.tenant, key=caller.key_id)
        service.keys.spend(caller.key_id)
        return AuthenticationResult(user=caller, auth=None)


async def _caller(service: Service, connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    header = connection.headers.get("authorization", "")
    if not header and service.development:
        if connection.headers.get("origin") is not None:
            # Any web page can send requests to this machine's loopback interface, and there is no key to stop it.
            raise ProblemError(403, "without a key, development mode answers no web pages")
        return DEVELOPER
    kind, _, secret = header.partition(" ")
    secret = secret.strip()
    if kind.lower() != "bearer" or not secret or len(secret) > MAX_SECRET:
        raise ProblemError(401, "send a key as 'Authorization: Bearer <key>'", headers=_UNAUTHORIZED)
    lasting = bool(connection.route_handler.opt.get(LASTING))
    key = await (_key_seen_lately(service, secret) if lasting else service.kb.system.key_by_secret(hash_of(secret)))
    if key is None or not is_valid(key, secret):
        raise ProblemError(401, "the key is unknown, revoked or expired", headers=_UNAUTHORIZED)
    return Caller.of(key)


async def _key_seen_lately(service: Service, secret: str) -> ApiKey | None:
    """The key by its secret; while the store is away, what it said within the last hour."""
    hashed = hash_of(secret)
    try:
        async with asyncio.timeout(READY_TIMEOUT):  # those who scrape wait no longer than a few seconds
            key = await service.kb.system.key_by_secret(hashed)
    except (StoreError, TimeoutError) as exc:
        service.store_missed = time.monotonic()
        known = service.last_seen.key(hashed)
        if known is None:
            raise StoreError("the store does not answer, and the key was not seen lately") from exc
        return known
    service.last_seen.note(hashed, key if key is not None and is_valid(key, secret) else None)
    return key


def require_admin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: the key has the role admin."""
    if connection.user.role != "admin":
        raise ProblemError(403, "this needs a key with the role admin")
