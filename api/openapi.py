"""The OpenAPI document: what Litestar derives from the handlers, completed by what all routes have in common."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from litestar import Litestar, Response, Router
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import (
    Components,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from pydantic import BaseModel

from api.auth import OPEN
from api.docs_page import DocsPage
from api.problems import BY_STATUS, CONTENT_TYPE
from api.schemas import models
from api.sse import MEDIA_TYPE
from graphrag import __version__

# Name one thing in the query or the body, others do in the path.
_NAMES_ONE = frozenset({"getGraph", "mergeEntities", "splitEntities"})
_KEYLESS = frozenset({"live", "ready"})
_METHODS = ("get", "post", "put", "patch", "delete")
# Of one event, as is the custom for streams.
_STREAM: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["step", "evidence", "token", "citation", "progress", "done", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
# What handlers answer that Litestar cannot see in their types.
_CONTENTS: Mapping[str, Mapping[str, Any]] = {
    "query": {
        "application/json": {"schema": {"$ref": "#/components/schemas/AnswerOut"}},
        MEDIA_TYPE: {"schema": _STREAM},
    },
    "jobEvents": {MEDIA_TYPE: {"schema": _STREAM}},
    "metrics": {"text/plain": {"schema": {"type": "string"}}},
}
_INGEST_BODY: Mapping[str, Any] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {
                "files": {
                    "type": "array",
                    "items": {"type": "string", "format": "binary"},
                    "minItems": 1,
                    "description": "files; the name of each part's file is the document's source",
                },
                "access": {"type": "string", "description": "label that a key needs to see them"},
                "metadata": {"type": "string", "description": "a JSON object, for every document"},
            },
            "required": ["files"],
            "additionalProperties": False,
        }
    },
    "application/json": {"schema": {"$ref": "#/components/schemas/TextDocuments"}},
    "application/x-ndjson": {
        "schema": {
            "type": "string",
            "description": "one JSON object a line: text and, as wanted, id, title, metadata",
        }
    },
}


def config() -> OpenAPIConfig:
    """What Litestar is told."""
    return OpenAPIConfig(
        title="Agentic GraphRAG service",
        version=__version__,
        description="Cited answers from a team's own documents.",
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="http", scheme="bearer", description="A key made with 'graphrag keys create'"
                )
            }
        ),
        security=[{"key": []}],
        render_plugins=[DocsPage()],
        openapi_router=Router(
            "/schema", route_handlers=[], opt={OPEN: True}, include_in_schema=False, after_request=_no_other_page
        ),
    )


def complete(app: Litestar) -> None:
    """Add to the document of an application: problems, streams, and the bodies that one handler takes in several forms."""
    document = app.openapi_schema
    schemas = cast("dict[str, Any]", document.components.schemas)
    # Pydantic's own descriptions of its models: Litestar's leave out that unknown fields are refused.
    schemas.update((name, _described(model)) for name, model in models().items())
    for operation in operations(app):
        id_ = operation.operation_id or ""
        responses = cast("dict[str, OpenAPIResponse]", operation.responses)
        if id_ in _KEYLESS:
            operation.security = [{}]
        if id_ in _CONTENTS:
            responses["200"].content = cast("dict[str, OpenAPIMediaType]", _CONTENTS[id_])
        if id_ == "ready":
            responses["503"] = OpenAPIResponse(
                description="The service still loads or stops, or the store does not answer",
                content=responses["200"].content,
            )
        if id_ == "ingestDocuments":
            operation.request_body = RequestBody(
                required=True, content=cast("dict[str, OpenAPIMediaType]", _INGEST_BODY)
            )
        responses.pop("400", None)
        responses |= {str(status): _problem(status) for status in sorted(_statuses(operation))}


@cache
def _described(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model, which takes most of the time in which an application is made."""
    made = model.model_json_schema(ref_template="#/components/schemas/{model}")
    made.pop("$defs", None)
    return made


def operations(app: Litestar) -> Iterator[Operation]:
    """Every operation of the document."""
    for item in (app.openapi_schema.paths or {}).values():
        for method in _METHODS:
            operation = cast("Operation | None", getattr(item, method))
            if operation is not None:
                yield operation


def _no_other_page(response: Response[Any]) -> Response[Any]:
    """Litestar answers a page below /schema that does not exist in HTML; every error is a problem here."""
    if response.status_code == 404:
        raise NotFoundException
    return response


def _statuses(operation: Operation) -> set[int]:
    """Problems that an operation may meet."""
    id_, tags = operation.operation_id, operation.tags or ()
    if id_ in _KEYLESS:
        return {405, 421}
    found = {400, 401, 403, 405, 421, 422, 429, 500, 503}
    if id_ in _NAMES_ONE or any(getattr(given, "param_in", "") == "path" for given in operation.parameters or ()):
        found.add(404)
    if id_ == "ingestDocuments" or operation.request_body is not None:
        found |= {408, 413, 415}
    if "ask" in tags:
        found |= {502, 504}
    return found


def _problem(status: int) -> OpenAPIResponse:
    headers: dict[str, OpenAPIHeader | Reference] = {}
    if status in (429, 503):
        headers["Retry-After"] = OpenAPIHeader(schema=Schema(type=OpenAPIType.INTEGER), description="seconds")
    return OpenAPIResponse(
        description=BY_STATUS[status].title,
        headers=headers or None,
        content={CONTENT_TYPE: OpenAPIMediaType(schema=Reference("#/components/schemas/ProblemOut"))},
    )
