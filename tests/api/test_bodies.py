"""Bodies that say a thing twice, or are no JSON: refused, with what is wrong and where."""

import asyncio
import json
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from api.http.texts import read_texts
from api.problems import ProblemError
from tests.api.serving import QUIET, add_key, serve


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Generator[httpx.Client]:
    """An admin of a server that stores nothing."""
    folder = tmp_path_factory.mktemp("bodies")
    key = asyncio.run(add_key(folder))
    with serve(folder, **QUIET) as served:
        yield served.client(key)


def _form(*fields: tuple[str, str]) -> dict[str, Any]:
    parts: list[tuple[str, tuple[str | None, str]]] = [(name, (None, value)) for name, value in fields]
    return {"files": [("files", ("a.md", "One thing.")), *parts]}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ((("access", "hr"), ("access", "public")), "access"),
        ((("metadata", '{"a": 1}'), ("metadata", '{"b": 2}')), "metadata"),
        ((("metadata", '{"year": 1, "year": 2}'),), "year"),
    ],
)
def test_a_form_that_says_a_thing_twice_is_refused(client: httpx.Client, fields: Any, name: str):
    response = client.post("/v1/admin/documents", **_form(*fields))

    assert response.status_code == 400
    assert response.json()["errors"] == [{"field": name, "message": "repeated"}]
    assert "twice" in response.json()["detail"]
    assert client.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/v1/admin/documents", '{"documents": [{"source": "a", "text": "b"}], "access": "hr", "access": "public"}', "access"),
        ("/v1/admin/documents", '{"metadata": {}, "documents": [], "met\\u0061data": {"a": 1}}', "metadata"),
        ("/v1/query", '{"question": "what is it?", "filter": null, "filter": null}', "filter"),
    ],
)  # fmt: skip
def test_a_body_that_says_a_thing_twice_is_refused(client: httpx.Client, path: str, body: str, name: str):
    response = client.post(path, content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert response.json()["errors"] == [{"field": name, "message": "repeated"}]
    assert client.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


def test_what_stands_in_a_text_twice_is_said_once():
    text = '", "access": "x", "access": "y", {"a": 1, "a": 2}'
    body = json.dumps({"documents": [{"source": "a", "text": text}, {"source": "b", "text": text}], "access": "hr"})

    assert [document.text for document in read_texts(body.encode()).documents] == [text, text]
    with pytest.raises(ProblemError, match="twice"):
        read_texts(body.removesuffix("}").encode() + b', "access": "hr"}')


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"question": "what is secret?",}', "trailing comma in object (byte 31)"),
        ("{'question': 'what is secret?'}", "object keys must be strings (byte 1)"),
        ('{"question": "what is secret?", "top_k": NaN}', "invalid character (byte 41)"),
        ('{"question": "what is secret?" "top_k": 1}', "expected ',' or '}' (byte 31)"),
        ('{"question": "what is secret?', "Input data was truncated"),
        ('{"question": "what is secret?", "top_k": 1e999}', "Number out of range - at `$[...]`"),
    ],
)
def test_a_body_that_is_no_json_is_told_where(client: httpx.Client, body: str, told: str):
    response = client.post("/v1/query", content=body, headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["detail"]) == (400, f"the body is not valid JSON: {told}")
