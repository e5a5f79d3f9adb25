"""The description of the API is committed, complete, and readable without anything from another server."""

import json
import re
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.problems import BY_STATUS, TYPE_PREFIX
from graphrag.settings import load_settings
from tests.api.routes import DOCUMENT, OPENAPI, ROUTES, Route

SERVICE = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")


def test_the_committed_document_is_that_of_the_code():
    current = create_app(load_settings()).openapi_schema.to_schema()

    assert json.loads(OPENAPI.read_text(encoding="utf-8")) == json.loads(json.dumps(current)), (
        "the API has changed: run 'make openapi', look at the difference, and commit docs/openapi.json"
    )


def test_it_is_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_every_route_has_a_call_in_the_documentation(route: Route):
    path = re.sub(r"\\\{\w+\\\}", r"[^/\\s]+", re.escape(route.path))
    calls = [line for line in SERVICE.replace("\\\n", " ").splitlines() if "curl" in line and "$URL" in line]
    method = rf"(?=.*-X {route.method}\b)" if route.method == "DELETE" or "retry" in route.path else ""

    assert any(re.match(rf'{method}.*\$URL{path}["? ]', call) for call in calls)


def test_every_kind_of_problem_stands_in_the_documentation():
    assert [
        kind.slug for kind in BY_STATUS.values() if f"| {kind.status} | `{TYPE_PREFIX}{kind.slug}` |" not in SERVICE
    ] == []


async def test_the_page_names_every_route_and_fetches_nothing():
    async with AsyncTestClient(create_app(load_settings(allowed_hosts="*"))) as client:
        response = await client.get("/schema")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert [route.path for route in ROUTES if route.path not in response.text] == []
    assert "<script" not in response.text
    assert re.findall(r'(?:src|href)="(?!/schema/|#)[^"]*"', response.text) == []
    assert "default-src 'none'" in response.headers["content-security-policy"]
