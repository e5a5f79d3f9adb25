"""JSON schemas of pydantic models, as models are told of them and as servers constrain by them."""

import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

_NOISE = frozenset({"title", "discriminator"})
# OpenAI's strict mode refuses them; other servers use them to keep a small model from running on.
_NOT_STRICT = frozenset({"minLength", "maxLength", "default"})


def constraint(shape: type[BaseModel], *, strict: bool) -> dict[str, Any]:
    """The schema by which a server constrains a reply: closed objects with every field required."""
    return cast("dict[str, Any]", _closed(_inlined(shape.model_json_schema()), strict))


def response_format(shape: type[BaseModel], *, strict: bool) -> dict[str, object]:
    """What a request says to have its reply constrained."""
    described: dict[str, object] = {"name": shape.__name__, "schema": constraint(shape, strict=strict)}
    return {"type": "json_schema", "json_schema": {**described, "strict": True} if strict else described}


def parameters(shape: type[BaseModel]) -> dict[str, Any]:
    """The schema of a tool's arguments."""
    return cast("dict[str, Any]", _plain(_inlined(shape.model_json_schema())))


def told(shape: type[BaseModel]) -> str:
    """The schema as text, for a prompt."""
    return json.dumps(parameters(shape), ensure_ascii=False)


def _inlined(schema: Mapping[str, Any]) -> object:
    """The schema with its definitions put in place: not every server follows references."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})

    def put(node: object) -> object:
        if isinstance(node, Mapping):
            entries = cast("Mapping[str, object]", node)
            if isinstance(reference := entries.get("$ref"), str):
                rest = {name: value for name, value in entries.items() if name != "$ref"}
                return put({**definitions[reference.rpartition("/")[2]], **rest})
            # A union that pydantic tells apart by a field says "oneOf", which few servers constrain by; "anyOf" is the same here.
            named = ((name.replace("oneOf", "anyOf"), value) for name, value in entries.items() if name != "$defs")
            return {name: put(value) for name, value in named}
        return [put(item) for item in cast("list[object]", node)] if isinstance(node, list) else node

    return put(schema)


def _plain(node: object) -> object:
    if isinstance(node, Mapping):
        entries = cast("Mapping[str, object]", node)
        return {
            name: {field: _plain(value) for field, value in cast("Mapping[str, object]", value).items()}
            if name == "properties"
            else _plain(value)
            for name, value in entries.items()
            if name not in _NOISE
        }
    return [_plain(item) for item in cast("list[object]", node)] if isinstance(node, list) else node


def _closed(node: object, strict: bool) -> object:
    if isinstance(node, list):
        return [_closed(item, strict) for item in cast("list[object]", node)]
    if not isinstance(node, Mapping):
        return node
    entries = cast("Mapping[str, object]", node)
    made: dict[str, object] = {}
    for name, value in entries.items():
        if name == "properties":
            fields = cast("Mapping[str, object]", value)
            made[name] = {field: _closed(inner, strict) for field, inner in fields.items()}
            made["required"] = list(fields)
            made["additionalProperties"] = False
        elif name not in _NOISE | {"required", "additionalProperties"} and not (strict and name in _NOT_STRICT):
            made[name] = _closed(value, strict)
    return made
