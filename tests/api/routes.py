"""Every route of the OpenAPI document, as requests: what the generated tests go through."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT: Mapping[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))
BODIES: Mapping[str, Mapping[str, Any]] = {
    "query": {"json": {"question": "Who founded Alder Pumps?", "top_k": 10}},
    "search": {"json": {"query": "Alder Pumps", "tool": "hybrid"}},
    "mergeEntities": {"json": {"a": "Alder Pumps", "b": "Ida Rowan"}},
    "splitEntities": {"json": {"a": "Alder Pumps", "b": "Ida Rowan"}},
    "ingestDocuments": {"json": {"documents": [{"source": "matrix.md", "text": "Alder Pumps sells pumps."}]}},
}
QUERIES: Mapping[str, Mapping[str, str]] = {
    "findEntities": {"q": "alder"},
    "deleteDocuments": {"source": "no-such.md", "dry_run": "true"},
    "getGraph": {"entity": "Alder Pumps", "hops": "2"},
}


@dataclass(frozen=True)
class Route:
    """One operation."""

    id: str
    method: str
    path: str
    tags: tuple[str, ...]
    needs_key: bool

    @property
    def needs_admin(self) -> bool:
        """Whether a reader is refused."""
        return "admin" in self.tags or self.id == "metrics"

    @property
    def ids(self) -> bool:
        """Whether the path names one thing."""
        return "{" in self.path

    def send(self, client: httpx.Client, ids: Mapping[str, str]) -> httpx.Response:
        """Call it with real ids, by the name of the path's parameter."""
        path = self.path.format_map(ids) if self.ids else self.path
        return client.request(self.method, path, params=QUERIES.get(self.id), **BODIES.get(self.id, {}))


def routes() -> Iterator[Route]:
    """Every operation of the document."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield Route(
                operation["operationId"],
                method.upper(),
                path,
                tuple(operation["tags"]),
                operation.get("security") != [{}],
            )


ROUTES = sorted(routes(), key=lambda route: (route.method == "DELETE", route.id))
"""What deletes comes last."""
