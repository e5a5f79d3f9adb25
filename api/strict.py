"""Requests say nothing that would be ignored: unknown query parameters and content types are refused by name."""

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from litestar import Litestar, Request, Response
from litestar.openapi.spec import Parameter, RequestBody
from litestar.types import Method

from api.bodies import check_once, place_of_fault
from api.observe import HEALTH
from api.problems import ProblemError

_METHODS: tuple[tuple[Method, str], ...] = (("GET", "get"), ("POST", "post"), ("DELETE", "delete"))
_ONLY_JSON = frozenset({"application/json"})


@dataclass(frozen=True, slots=True)
class _Allowed:
    parameters: frozenset[str]
    content_types: frozenset[str]


class StrictRequests:
    """A hook before each request; what a route takes is read from the OpenAPI document, so the two cannot differ."""

    def __init__(self) -> None:
        self._allowed: dict[str, _Allowed] = {}
        self._methods: dict[str, str] = {}

    def learn(self, app: Litestar) -> None:
        """Read the document of an application."""
        for path, item in (app.openapi_schema.paths or {}).items():
            self._methods[path] = ", ".join([method for method, name in _METHODS if getattr(item, name)] + ["OPTIONS"])
            for _, name in _METHODS:
                operation = getattr(item, name)
                if operation is None:
                    continue
                parameters = [parameter for parameter in operation.parameters or () if isinstance(parameter, Parameter)]
                body = cast("RequestBody | None", operation.request_body)
                self._allowed[operation.operation_id] = _Allowed(
                    frozenset(parameter.name for parameter in parameters if parameter.param_in == "query"),
                    frozenset(body.content if body is not None else ()),
                )

    async def __call__(self, request: Request[Any, Any, Any]) -> Response[None] | None:
        """Refuse what the route does not take; answer OPTIONS, for which Litestar names one method of several.

        Raises:
            ProblemError: 400 or 415.
        """
        if request.method == "OPTIONS":
            methods = self._methods.get(request.scope["path_template"], "GET, OPTIONS")
            return Response(None, status_code=204, headers={"Allow": methods})
        allowed = self._allowed.get(getattr(request.route_handler, "operation_id", None) or "")
        if allowed is None or request.scope["path"] in HEALTH:  # what probes put behind the path changes nothing
            return None
        unknown = sorted(set(request.query_params.keys()) - allowed.parameters)
        if unknown:
            known = ", ".join(sorted(allowed.parameters)) or "none"
            raise ProblemError(
                400,
                f"unknown query parameters; this route knows: {known}",
                errors=[(name[:100], "unknown") for name in unknown],
            )
        repeated = sorted(name for name in allowed.parameters if len(request.query_params.getall(name, [])) > 1)
        if repeated:
            raise ProblemError(
                400, "query parameters may be given once", errors=[(name, "repeated") for name in repeated]
            )
        if allowed.content_types and request.content_type[0] not in allowed.content_types:
            raise ProblemError(415, f"send {' or '.join(sorted(allowed.content_types))}")
        if allowed.content_types == _ONLY_JSON:
            body = await request.body()
            # Every such route takes an object; of a list of a million objects nothing need be built to refuse it.
            if not body.lstrip().startswith(b"{"):
                raise ProblemError(400, "the body is not a JSON object in UTF-8; see /schema")
            # Litestar takes text that is not UTF-8, and nesting that is too deep, for faults of the server.
            try:
                check_once(body, Any)
            except msgspec.DecodeError as exc:
                raise ProblemError(400, f"the body is not valid JSON: {place_of_fault(exc)}") from exc
            except (UnicodeDecodeError, RecursionError) as exc:
                raise ProblemError(400, "the body is not JSON in UTF-8, or nested too deeply") from exc
        return None
