"""What is refused over HTTP, and how it is told."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.service import Service
from tests.api.in_process import QUESTION, Client, settings_for


async def test_a_parameter_that_is_missing_is_named(client: Client):
    response = await client.get("/v1/graph")

    assert response.status_code == 400
    assert response.json()["errors"] == [{"field": "entity", "message": "Field required"}]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"question": "?"}, 400, "question"),
        ({"question": "x" * 4001}, 400, "question"),
        ({"question": "!!!!"}, 422, "holds no word"),
        ({"question": QUESTION, "top_k": 101}, 400, "top_k"),
        ({"question": QUESTION, "model_url": "http://x"}, 400, "model_url"),
        ({"question": QUESTION, "tenant": "rival"}, 400, "tenant"),
        ({"question": QUESTION, "budget": {"steps": 7}}, 400, "budget.steps"),
        ({"question": QUESTION, "budget": {"dollars": 7}}, 400, "budget.dollars"),
        ({"question": QUESTION, "mode": "cypher"}, 400, "mode"),
        ({"question": QUESTION, "stream": "yes"}, 400, "stream"),
        ({"question": QUESTION, "filter": {"secret": 1}}, 422, "'secret' is not filterable"),
        ({"question": QUESTION, "filter": {"year": {"like": 1}}}, 422, "unknown operator"),
        ({}, 400, "question"),
        ([], 400, ""),
        (7, 400, ""),
    ],
)
async def test_a_bad_question_is_refused_by_the_name_of_the_field(client: Client, body: Any, status: int, told: str):
    response = await client.post("/v1/query", json=body)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["instance"] == f"urn:graphrag:request:{response.headers['x-request-id']}"
    assert told in json.dumps([problem["detail"], problem.get("errors", [])])


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"question": "\xff\xfe\xfa"}', b'{"question": "\\ud800 what is it"}', b"[" * 100_000]
)
async def test_a_malformed_body_is_refused(client: Client, body: bytes):
    response = await client.post("/v1/query", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
async def test_another_content_type_is_refused(client: Client, kind: str):
    response = await client.post("/v1/query", content=b'{"question": "what is it?"}', headers={"Content-Type": kind})

    assert response.status_code == 415
    assert "application/json" in response.json()["detail"]


async def test_a_large_question_body_is_refused_whether_or_not_it_says_its_size(client: Client):
    async def parts() -> AsyncGenerator[bytes]:
        for _ in range(30):
            yield b" " * 100_000

    said = await client.post("/v1/query", content=b" " * 3_000_000, headers={"Content-Type": "application/json"})
    assert said.status_code == 413


@pytest.mark.parametrize("path", ["/v1/query", "/v1/search", "/v1/admin/entities/merge"])
async def test_a_list_and_many_unknown_fields_are_refused_by_one_error(client: Client, path: str):
    listed = await client.post(path, json=[{}] * 100)
    unknown = await client.post(path, json={f"k{n}": 1 for n in range(100)})

    assert (listed.status_code, unknown.status_code) == (400, 400)
    assert listed.json()["detail"] == "the body is not a JSON object in UTF-8; see /schema"
    assert [error["message"][:26] for error in unknown.json()["errors"]] == ["has 100 fields, more than "]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limt=5", "after=a&after=b", "%00=1"])
async def test_bad_and_unknown_query_parameters_are_refused(client: Client, query: str):
    response = await client.get(f"/v1/documents?{query}")

    assert response.status_code == 400
    assert response.json()["errors"]


async def test_a_query_parameter_that_does_not_fit_is_told_by_its_name(client: Client):
    response = await client.get("/v1/admin/jobs?state=nope")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["state"]


async def test_a_page_that_does_not_exist_is_a_problem_like_any_other(client: Client):
    response = await client.get("/schema/nope")

    assert (response.status_code, response.json()["type"]) == (404, "urn:graphrag:problem:not-found")
    assert response.headers["content-type"] == "application/problem+json"
    assert (await client.get("/schema")).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", ""])
async def test_a_foreign_host_name_is_refused(folder: Path, host: str):
    app = create_app(settings_for(folder, allowed_hosts=("localhost", "127.0.0.1")), development=True)
    async with AsyncTestClient(app) as client:
        for path in ("/v1/documents", "/metrics", "/schema", "/nothing"):
            assert (await client.get(path, headers={"Host": host})).status_code == 421
        assert (await client.get("/v1/documents", headers={"Host": "LOCALHOST:8321"})).status_code == 200
        assert (await client.get("/health/ready", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_passes_over_what_a_probe_puts_behind_the_path(client: Client, path: str):
    assert (await client.get(f"{path}?probe=1")).status_code == 200


async def test_development_mode_answers_no_web_page(client: Client):
    response = await client.get("/v1/documents", headers={"Origin": "https://evil.example"})

    assert response.status_code == 403


async def test_cross_origin_requests_are_allowed_to_named_origins_only(folder: Path):
    app = create_app(settings_for(folder, cors_origins=("https://wiki.example.org",)))
    async with AsyncTestClient(app) as client:
        page = {"Origin": "https://wiki.example.org"}
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, Content-Type",
        }
        good = await client.options("/v1/query", headers=page | asked)
        bad = await client.options("/v1/query", headers={"Origin": "https://wiki.example.org.evil.example", **asked})
        method = await client.options("/v1/query", headers=page | asked | {"Access-Control-Request-Method": "PATCH"})
        header = await client.options(
            "/health/live", headers=page | asked | {"Access-Control-Request-Headers": "x-own"}
        )

    assert good.headers["access-control-allow-origin"] == "https://wiki.example.org"
    assert "access-control-allow-credentials" not in good.headers
    assert good.status_code == 204
    assert "access-control-allow-origin" not in bad.headers
    for refused in (bad, method, header):
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
        assert "GRAPHRAG_CORS_ORIGINS may call, with DELETE, GET, POST and the headers" in refused.json()["detail"]


async def test_a_page_of_a_named_origin_sees_why_it_is_refused_and_may_always_ask(folder: Path):
    page, other = {"Origin": "https://wiki.example.org"}, {"Origin": "https://evil.example"}
    asked = {"Access-Control-Request-Method": "GET"}
    app = create_app(settings_for(folder, cors_origins=("https://wiki.example.org",), address_rate=1))
    async with AsyncTestClient(app) as client:
        await client.get("/v1/documents")
        limited, hidden = [await client.get("/v1/documents", headers=origin) for origin in (page, other)]
        elsewhere = await client.get("/v1/documents", headers=page | {"Host": "evil.example"})
        may = [await client.options("/v1/documents", headers=page | asked) for _ in range(3)]
        others = await client.options("/v1/documents", headers=other | asked)
        plain = await client.options("/v1/documents", headers=page)

    assert [answer.status_code for answer in (limited, elsewhere, hidden, others, plain)] == [429, 421, 429, 429, 429]
    for answer in (limited, elsewhere):
        assert answer.headers["access-control-allow-origin"] == "https://wiki.example.org"
        assert answer.headers["vary"] == "Origin"
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in hidden.headers
    assert [answer.status_code for answer in may] == [204, 204, 204]


async def test_any_origin_may_be_allowed(folder: Path):
    async with AsyncTestClient(create_app(settings_for(folder, cors_origins=("*",)))) as client:
        refused = await client.get("/v1/documents", headers={"Origin": "https://a.example", "Host": "evil.example"})

    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (421, "*")


@pytest.mark.usefixtures("logged")
async def test_a_fault_says_nothing_but_its_request_id(folder: Path, monkeypatch: pytest.MonkeyPatch):
    app = create_app(settings_for(folder), development=True)
    async with AsyncTestClient(app) as client:
        service: Service = app.state.service

        async def broken(*_: object, **__: object) -> list[object]:
            raise RuntimeError("/srv/secret/path and rival")

        monkeypatch.setattr(type(service.kb.store), "documents", broken)
        response = await client.get("/v1/documents?after=tellnobody")

    assert response.status_code == 500
    assert response.json()["type"] == "urn:graphrag:problem:fault"
    for forbidden in ("secret", "rival", "tellnobody", "RuntimeError", "Traceback"):
        assert forbidden not in response.text
