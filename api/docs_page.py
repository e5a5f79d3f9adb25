"""The API's description as one HTML page without scripts and without anything from another server."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, cast

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

Node = Mapping[str, Any]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2430; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccd3dd; }
code, pre { font: 14px/1.45 ui-monospace, monospace; background: #f3f5f8; border-radius: 4px; }
pre { padding: .7rem; overflow-x: auto; } code { padding: .1rem .3rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid #e3e7ed; }
summary { cursor: pointer; padding: .4rem 0; } .verb { font-weight: 600; display: inline-block; min-width: 4.5rem; }
details details { margin-left: 1rem; }
"""


class DocsPage(OpenAPIRenderPlugin):
    """Serves the page at the root of the schema's router."""

    def __init__(self) -> None:
        super().__init__(path="/", favicon="")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """As the method of the base class."""
        return page(openapi_schema).encode()


def page(document: Node) -> str:
    """The page."""
    info = document["info"]
    groups: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            tag = (operation.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(_operation(document, method.upper(), path, operation))
    parts = [f"<h2>{escape(tag)}</h2>{''.join(found)}" for tag, found in groups.items()]
    models = "".join(
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code> {escape(_first(schema.get("description", "")))}'
        f"</summary>{_fields(schema)}</details>"
        for name, schema in sorted(document["components"]["schemas"].items())
    )
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{escape(info['title'])}</title>"
        f'<meta name=viewport content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('description', ''))} "
        f'The same as <a href="/schema/openapi.json">OpenAPI {escape(document["openapi"])}</a>. Every route but '
        f"<code>/health</code> and <code>/schema</code> needs a key: <code>Authorization: Bearer …</code></p>"
        f"{''.join(parts)}<h2>Models</h2>{models}</body></html>"
    )


def _operation(document: Node, method: str, path: str, operation: Node) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(found['name'])}</code></td><td>{escape(found['in'])}"
        f"{', required' if found.get('required') else ''}</td><td>{_type(found.get('schema', {}))}</td>"
        f"<td>{escape(found.get('description', ''))}</td></tr>"
        for found in operation.get("parameters", [])
    )
    bodies = "".join(
        f"<p>Body <code>{escape(kind)}</code>: {_type(content.get('schema', {}))}</p>"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    responses = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(found.get('description', ''))}</td><td>"
        + "<br>".join(
            f"<code>{escape(kind)}</code> {_type(content.get('schema', {}))}"
            for kind, content in (found.get("content") or {}).items()
        )
        + "</td></tr>"
        for status, found in operation.get("responses", {}).items()
    )
    table = f"<table><tr><th>Parameter<th>Where<th>Type<th>Meaning</tr>{parameters}</table>" if parameters else ""
    return (
        f"<details><summary><span class=verb>{method}</span> <code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary><p>{escape(operation.get('description', ''))}</p>{table}{bodies}"
        f"<pre>{escape(_curl(document, method, path, operation))}</pre>"
        f"<table><tr><th>Status<th>Meaning<th>Content</tr>{responses}</table></details>"
    )


def _curl(document: Node, method: str, path: str, operation: Node) -> str:
    lines = [f"curl -X {method} $URL{path}" if method != "GET" else f"curl $URL{path}"]
    if operation.get("security") != [{}]:
        lines.append('-H "Authorization: Bearer $KEY"')
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        lines.append("-F files=@handbook.pdf")
    elif "application/json" in content:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d '{json.dumps(_example(document, content['application/json']['schema']))}'")
    return " \\\n  ".join(lines)


def _example(document: Node, schema: Node) -> object:
    """A body with what is required."""
    model = _resolve(document, schema)
    required = model.get("required", [])
    return {name: (model["properties"][name].get("examples") or ["…"])[0] for name in required}


def _resolve(document: Node, schema: Node) -> Node:
    if "$ref" in schema:
        return cast("Node", document["components"]["schemas"][str(schema["$ref"]).rpartition("/")[2]])
    return schema


def _fields(schema: Node) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{'required' if name in required else ''}</td><td>{_type(found)}</td>"
        f"<td>{escape(found.get('description', ''))}</td></tr>"
        for name, found in schema.get("properties", {}).items()
    )
    return f"<table>{rows}</table>"


def _type(schema: Node) -> str:
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f'<a href="#{escape(name)}"><code>{escape(name)}</code></a>'
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " or ".join(_type(option) for option in schema[key])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(kind if isinstance(kind, str) else " or ".join(kind)) + escape("".join(_bounds(schema)))


def _bounds(schema: Node) -> Iterator[str]:
    for key, sign in (("minimum", "at least"), ("maximum", "at most"), ("minLength", "from"), ("maxLength", "to")):
        if key in schema:
            unit = " characters" if key.endswith("Length") else ""
            yield f", {sign} {schema[key]}{unit}"


def _first(text: str) -> str:
    return text.partition("\n")[0]
