"""Requests say nothing that would be ignored: unknown query parameters and content types are refused by name."""

from dataclasses import dataclass
from typing import Any, cast

from litestar import Litestar, Request
from litestar.openapi.spec import Parameter, RequestBody
from litestar.types import Method

from api.problems import Problem

_METHODS: tuple[tuple[Method, str], ...] = (("GET", "get"), ("POST", "post"), ("DELETE", "delete"))


@dataclass(frozen=True, slots=True)
class _Allowed:
    parameters: frozenset[str]
    content_types: frozenset[str]


class StrictRequests:
    """A hook before each request; what a route takes is read from the OpenAPI document, so the two cannot differ."""

    def __init__(self) -> None:
        self._allowed: dict[str, _Allowed] = {}

    def learn(self, app: Litestar) -> None:
        """Read the document of an application."""
        for item in (app.openapi_schema.paths or {}).values():
            for _, name in _METHODS:
                operation = getattr(item, name)
                if operation is None:
                    continue
                parameters = [
                    parameter for parameter in operation.parameters or () if isinstance(parameter, Parameter)
                ]
                body = cast("RequestBody | None", operation.request_body)
                self._allowed[operation.operation_id] = _Allowed(
                    frozenset(parameter.name for parameter in parameters if parameter.param_in == "query"),
                    frozenset(body.content if body is not None else ()),
                )

    def __call__(self, request: Request[Any, Any, Any]) -> None:
        """Refuse what the route does not take.

        Raises:
            Problem: 400 or 415.
        """
        allowed = self._allowed.get(getattr(request.route_handler, "operation_id", None) or "")
        if allowed is None:
            return
        unknown = sorted(set(request.query_params.keys()) - allowed.parameters)
        if unknown:
            known = ", ".join(sorted(allowed.parameters)) or "none"
            raise Problem(
                400, f"unknown query parameters; this route knows: {known}", errors=[(name[:100], "unknown") for name in unknown]
            )
        repeated = sorted(name for name in allowed.parameters if len(request.query_params.getall(name, [])) > 1)
        if repeated:
            raise Problem(400, "query parameters may be given once", errors=[(name, "repeated") for name in repeated])
        if allowed.content_types and request.content_type[0] not in allowed.content_types:
            raise Problem(415, f"send {' or '.join(sorted(allowed.content_types))}")
