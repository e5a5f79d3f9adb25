"""Errors as `application/problem+json` (RFC 9457): stable types, and nothing that the caller may not know.

A 4xx says what to change. A 5xx says only that something failed and under which request id the log tells more: messages of
stores and models may name paths and servers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException

from graphrag.errors import (
    GraphRAGError,
    InputError,
    ModelError,
    NotFoundError,
    SchemaMismatchError,
    StoreError,
)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:graphrag:problem:"
CLIENT_GONE = 499
GONE = "client_gone"
"""Set in a request's state when its client has closed the connection: Litestar takes that for a fault of the server."""
BODY_LIMIT = "body_limit"
"""The `opt` of handlers: how many bytes a body may have, and the setting that says so."""
MAX_ERRORS = 20
_MAX_TEXT = 300
_ABSENT = re.compile(r"Missing required \w+ parameter '([^']+)'")

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """A stable kind of problem; `slug` ends its type."""

    status: int
    slug: str
    title: str


_KINDS = (
    Kind(400, "invalid-request", "The request does not fit the API's description"),
    Kind(401, "no-valid-key", "A valid API key is needed"),
    Kind(403, "not-allowed", "This key may not do that"),
    Kind(404, "not-found", "There is no such thing, or this key does not see it"),
    Kind(405, "method-not-allowed", "This route does not know that method"),
    Kind(408, "request-timeout", "The request did not come in time"),
    Kind(413, "too-large", "The request is larger than the limit"),
    Kind(415, "unsupported-media-type", "This route does not take that content type"),
    Kind(421, "wrong-host", "The service does not answer under that host name"),
    Kind(422, "refused", "The request is well formed but cannot be accepted"),
    Kind(429, "too-many-requests", "Too many requests"),
    Kind(500, "fault", "A fault of the software"),
    Kind(502, "model-failed", "A model failed"),
    Kind(503, "unavailable", "Not available just now"),
    Kind(504, "timeout", "The time limit was reached"),
)
BY_STATUS: Mapping[int, Kind] = {kind.status: kind for kind in _KINDS}


class ProblemError(Exception):
    """An error as the caller is to see it.

    Args:
        status: one of BY_STATUS.
        detail: what is wrong and what to do.
        errors: (field, message) for each field at fault.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


class ClientGoneError(Exception):
    """The client closed its connection; nobody reads the response."""


def busy(detail: str, *, retry_after: int = 1) -> ProblemError:
    """A refusal because of load."""
    return ProblemError(503, detail, headers={"Retry-After": str(retry_after)})


def problem_of(exc: BaseException) -> ProblemError:
    """Translate an exception; one that is nobody's doing becomes a 500 or 503 without its text."""
    match exc:
        case ProblemError():
            return exc
        case ValidationException():
            fields = _fields(exc)
            return ProblemError(400, _FIELDS if fields else _HTTP_DETAILS[400], errors=fields)
        case HTTPException() if exc.status_code in BY_STATUS and exc.status_code < 500:
            return ProblemError(exc.status_code, _HTTP_DETAILS[exc.status_code], headers=exc.headers)
        case NotFoundError():
            return ProblemError(404, "the id does not exist, or this key does not see it")
        case InputError():
            return ProblemError(422, str(exc)[:_MAX_TEXT])
        case SchemaMismatchError():
            told = "the knowledge base has another model or version now: whoever runs the service has to start it again"
            return busy(told, retry_after=60)
        case StoreError():
            return busy("the knowledge base cannot be reached or is busy; try again", retry_after=5)
        case ModelError():
            return ProblemError(502, "a model failed; try again")
        case TimeoutError():
            return ProblemError(504, "the question took longer than the time limit; try again or make it smaller")
        case _:
            return ProblemError(500, "the fault was logged under the request id that 'instance' names")


_FIELDS = "the fields under 'errors' do not fit; see /schema"
_HTTP_DETAILS: Mapping[int, str] = {
    400: "the body or a parameter is malformed; see /schema",
    401: "send a key as 'Authorization: Bearer <key>'",
    403: "this key may not do that",
    404: "no such route; /schema lists them",
    405: "this route does not know that method; see the header Allow",
    413: "send less at once",
    415: "this route does not take that content type",
    429: "wait before the next request",
}


def body_of(problem: ProblemError, request_id: str) -> dict[str, object]:
    """A problem as JSON."""
    kind = BY_STATUS[problem.status]
    body: dict[str, object] = {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": f"urn:graphrag:request:{request_id}",
    }
    if problem.errors:
        body["errors"] = [{"field": field, "message": message} for field, message in problem.errors[:MAX_ERRORS]]
    return body


def handle(request: Request[Any, Any, Any], exc: Exception) -> Response[dict[str, object]]:
    """Litestar's handler of every exception."""
    request_id = str(request.scope["state"].get("request_id", "-"))
    if request.scope["state"].get(GONE):
        return Response({}, status_code=CLIENT_GONE, media_type=MediaType.JSON)
    problem = problem_of(exc)
    if (
        isinstance(exc, HTTPException)
        and problem.status == 413
        and (limit := request.route_handler.opt.get(BODY_LIMIT))
    ):
        most, setting = limit
        problem.detail = f"the body may have {most:,} bytes ({setting}): send less at once, or raise the setting"
    if problem.status >= 500:
        report(exc, problem)
    return Response(
        body_of(problem, request_id), status_code=problem.status, media_type=CONTENT_TYPE, headers=problem.headers
    )


def report(exc: BaseException, problem: ProblemError) -> None:
    """Log what the caller is not told."""
    if isinstance(exc, ProblemError | TimeoutError):
        _log.info("refused", status=problem.status, reason=problem.detail)
    elif isinstance(exc, GraphRAGError):
        _log.error("failed", status=problem.status, error=f"{type(exc).__name__}: {exc}")
    else:
        _log.error("fault", status=problem.status, exc_info=exc)


def _fields(exc: ValidationException) -> list[tuple[str, str]]:
    """Where and why validation failed. Never a value: only names of fields, which the caller wrote, and our rules."""
    if absent := _ABSENT.match(exc.detail):  # Litestar names it in a sentence, with the path, and nowhere else
        return [(absent[1], "Field required")]
    extra = exc.extra if isinstance(exc.extra, list) else []
    return [
        (_name(item)[:_MAX_TEXT], str(item.get("message", ""))[:_MAX_TEXT])
        for item in cast("list[Mapping[str, object]]", extra)
    ]


def _name(item: Mapping[str, object]) -> str:
    """A field as the caller wrote it: a query parameter called like something of Litestar ends in "_" in our code."""
    name = str(item.get("key", ""))
    return name.removesuffix("_") if item.get("source") == "query" else name
