"""Asking over HTTP: answers, searches, what is refused, and limits."""

import asyncio
import json
import logging
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from litestar import Litestar
from litestar.testing import AsyncTestClient

from api import logs
from api.app import create_app
from api.service import Service, warm
from graphrag.bootstrap import open_knowledge_base
from graphrag.embedding.hashing import Hashing
from graphrag.errors import ModelError
from graphrag.knowledge import KnowledgeBase
from graphrag.reembedding import reembed
from graphrag.settings import Settings, load_settings
from graphrag.stores.embedded.following import FollowingIndex
from tests.api.serving import store_url

QUESTION = "What is the warranty of the PMX-48 power module?"
Client = AsyncTestClient[Litestar]


def settings_for(folder: Path, **changes: Any) -> Settings:
    given = {
        "address_rate": 0,
        "key_rate": 0,
        "allowed_hosts": ("testserver.local", "localhost"),
        "filter_fields": ("year",),
        "embedder": "hashing",
    }
    return load_settings(store_url=store_url(folder), data_dir=folder / "data", **(given | changes))


@pytest.fixture
def folder(ingested: Path, tmp_path: Path) -> Path:
    """A folder with a filled store."""
    shutil.copytree(ingested, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
async def client(folder: Path) -> AsyncGenerator[Client]:
    """In development mode, so that no key is needed."""
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        yield client


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has to become true soon."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def ask(client: Client, **body: Any) -> Any:
    response = await client.post("/v1/query", json={"question": QUESTION, **body})
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_answer_quotes_passages_that_its_citations_lead_to(client: Client):
    answer = await ask(client, top_k=3)

    assert list(answer) == [
        "question", "answer", "short", "written_by", "verdict", "confidence", "missing", "citations", "claims", "path", "steps",
        "stopped_by", "degraded", "passages", "usage", "timings",
    ]  # fmt: skip
    assert answer["citations"]
    for citation in answer["citations"]:
        assert set(citation) == {
            "id", "document_id", "chunk_id", "source", "title", "quote", "start", "end", "page", "heading", "score",
        }  # fmt: skip
        text = await client.get(
            f"/v1/documents/{citation['document_id']}/text",
            params={"start": citation["start"], "end": citation["end"]},
        )
        assert text.json()["text"] == citation["quote"]
        assert (await client.get(f"/v1/chunks/{citation['chunk_id']}")).json()["document_id"] == citation["document_id"]
    for step in answer["steps"]:
        assert {"tool", "arguments", "hits", "new_evidence", "milliseconds"} <= set(step)
    assert len(answer["passages"]) == 3


async def test_a_stream_is_the_same_answer_in_pieces(client: Client):
    plain = await ask(client)
    response = await client.post("/v1/query", json={"question": QUESTION, "stream": True})

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    events = [
        (block.split("\n")[0].removeprefix("event: "), json.loads(block.split("\n")[1].removeprefix("data: ")))
        for block in response.text.strip().split("\n\n")
    ]
    names = [name for name, _ in events]
    assert names[-1] == "done" and names.count("done") == 1 and "error" not in names
    assert names.index("step") < names.index("evidence") < names.index("token") < names.index("citation")
    done = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "token") == done["answer"] == plain["answer"]
    assert [data for name, data in events if name == "citation"] == done["citations"] == plain["citations"]
    assert [data["tool"] for name, data in events if name == "step"] == [step["tool"] for step in plain["steps"]]


@pytest.mark.parametrize("tool", ["vector", "keyword", "graph", "hybrid"])
async def test_a_search_ranks_passages_with_one_tool(client: Client, tool: str):
    response = await client.post("/v1/search", json={"query": "PMX-48 power module", "tool": tool, "k": 2})

    hits = response.json()["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2]
    assert hits[0]["score"] >= hits[1]["score"]
    assert "PMX-48" in hits[0]["passage"]["text"]


async def test_a_filter_narrows_what_is_searched(client: Client):
    response = await client.post("/v1/search", json={"query": "PMX-48 power module", "filter": {"year": {"gte": 2025}}})

    assert {hit["passage"]["source"] for hit in response.json()["hits"]} == {"incidents/inc-1.md"}


async def test_a_budget_only_lowers_what_the_service_allows(client: Client):
    answer = await ask(client, budget={"steps": 1})

    assert answer["usage"]["steps"] == 1


async def test_documents_come_page_by_page(client: Client):
    seen: list[str] = []
    after = ""
    while after is not None:
        page = (await client.get("/v1/documents", params={"limit": 2, "after": after})).json()
        seen += [document["id"] for document in page["documents"]]
        after = page["next"]

    assert len(seen) == 4
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("q", ["PMX-48", "pmx 48", "PMX-4", "the pmx", "48"])
async def test_an_entity_is_found_by_how_the_name_that_is_shown_begins(client: Client, q: str):
    found = (await client.get("/v1/entities", params={"q": q})).json()["entities"]

    assert any(entity["name"].startswith("PMX-48") for entity in found), found


async def test_a_graph_has_edges_between_its_nodes_only(client: Client):
    graph = (await client.get("/v1/graph", params={"entity": "pmx-48", "hops": 2})).json()

    nodes = {node["id"] for node in graph["nodes"]}
    assert nodes
    assert {edge[end] for edge in graph["edges"] for end in ("source", "target")} <= nodes


# Refused


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


@pytest.fixture
def logged() -> Generator[None]:
    """Logging as the server sets it up."""
    logs.configure(load_settings())
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


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


# Limits


async def test_requests_of_an_address_are_limited_and_wrong_keys_count_tenfold(folder: Path):
    async with AsyncTestClient(create_app(settings_for(folder, address_rate=60))) as client:
        guesses = [await client.get("/v1/documents", headers={"Authorization": f"Bearer {n}"}) for n in range(10)]
        alive = await client.get("/health/live")

    statuses = [response.status_code for response in guesses]
    assert statuses == [401] * 6 + [429] * 4
    assert int(guesses[-1].headers["retry-after"]) >= 1
    assert guesses[-1].headers["content-type"] == "application/problem+json"
    assert alive.status_code == 200


async def test_requests_with_a_key_are_limited(folder: Path):
    async with AsyncTestClient(create_app(settings_for(folder, key_rate=5), development=True)) as client:
        statuses = [(await client.get("/v1/documents")).status_code for _ in range(7)]

    assert statuses == [200] * 5 + [429] * 2


async def test_more_questions_than_may_wait_are_refused_with_a_time_to_try_again(folder: Path):
    app = create_app(settings_for(folder, concurrent_questions=1, queued_questions=1), development=True)
    async with AsyncTestClient(app) as client:
        service: Service = app.state.service
        async with service.questions.enter():
            waiting = asyncio.create_task(_call(app, {"question": QUESTION}, asyncio.Event()))
            await until(lambda: service.questions.waiting == 1)
            refused = await client.post("/v1/search", json={"query": "PMX-48"})
        answered = await waiting

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert answered[0]["status"] == 200
    assert (service.questions.running, service.questions.waiting) == (0, 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_that_takes_too_long_is_ended(folder: Path, stream: bool):
    app = create_app(settings_for(folder, concurrent_questions=1, question_seconds=0.1), development=True)
    async with AsyncTestClient(app) as client:
        service: Service = app.state.service
        async with service.questions.enter():
            response = await client.post("/v1/query", json={"question": QUESTION, "stream": stream})

    if stream:
        assert response.text.startswith("event: error\n")
        assert '"status":504' in response.text
    else:
        assert response.status_code == 504


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_is_cancelled_when_its_client_goes_away(folder: Path, stream: bool):
    app = create_app(settings_for(folder, concurrent_questions=1), development=True)
    async with AsyncTestClient(app):
        service: Service = app.state.service
        async with service.questions.enter():
            gone = asyncio.Event()
            request = asyncio.create_task(_call(app, {"question": QUESTION, "stream": stream}, gone))
            await until(lambda: service.questions.waiting == 1)
            gone.set()
            await asyncio.wait_for(request, 5)
            await until(lambda: service.questions.waiting == 0)
        assert service.questions.running == 0


async def _call(app: Litestar, body: dict[str, Any], gone: asyncio.Event) -> list[Any]:
    """A request whose client disconnects when `gone` is set; returns what was sent to it."""
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/query", "raw_path": b"/v1/query",
        "query_string": b"", "headers": [(b"content-type", b"application/json"), (b"host", b"localhost")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http", "root_path": "", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    return sent


async def test_a_service_is_not_ready_while_it_loads_what_questions_need(folder: Path, monkeypatch: pytest.MonkeyPatch):
    loaded = asyncio.Event()

    async def slowly(kb: KnowledgeBase) -> None:
        await loaded.wait()
        await warm(kb)

    monkeypatch.setattr("api.app.warm", slowly)
    monkeypatch.setattr("api.service.READY_SECONDS", 0.0)
    monkeypatch.setattr("api.service.READY_TIMEOUT", 0.05)
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.post("/v1/search", json={"query": "Who leads it?"})).status_code == 200
        loaded.set()
        monkeypatch.setattr("api.service.READY_TIMEOUT", 20.0)
        assert (await client.get("/health/ready")).status_code == 200


async def test_a_ready_service_has_the_index_in_memory_although_it_failed_to_load_at_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    async def failed(kb: KnowledgeBase) -> None:
        pass

    changed: list[bool] = []
    follow = FollowingIndex.follow

    def noted(self: FollowingIndex, connection: sqlite3.Connection) -> bool:
        changed.append(follow(self, connection))
        return changed[-1]

    monkeypatch.setattr(FollowingIndex, "follow", noted)
    monkeypatch.setattr("api.app.warm", failed)
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        assert changed == []
        assert (await client.get("/health/ready")).status_code == 200
        assert changed == [True]


@pytest.mark.usefixtures("logged")
async def test_what_fails_while_it_loads_what_questions_need_is_logged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def broken(*_: object) -> list[object]:
        raise ModelError("the model file is damaged")

    app = create_app(settings_for(folder), development=True)
    monkeypatch.setattr(Hashing, "encode", broken)
    async with AsyncTestClient(app):
        await until(app.state.service.warming.done)

    assert "ModelError: the model file is damaged" in caplog.text


async def test_a_service_is_not_ready_once_its_store_was_moved_to_another_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.service.READY_SECONDS", 0.0)
    app = create_app(settings_for(folder), development=True)
    async with AsyncTestClient(app) as client:
        assert (await client.get("/health/ready")).status_code == 200
        async with open_knowledge_base(settings_for(folder, embedder="minilm"), bind=False) as other:
            await reembed(replace(other, encoder=app.state.service.kb.encoder))
        assert (await client.post("/v1/search", json={"query": "Who leads it?"})).status_code == 503
        assert (await client.get("/health/ready")).status_code == 503


async def test_readiness_follows_the_store_and_the_end_of_the_service(folder: Path):
    app = create_app(settings_for(folder), development=True)
    async with AsyncTestClient(app) as client:
        assert (await client.get("/health/ready")).json() == {"status": "ok"}
        app.state.service.closing.set()
        stopping = await client.get("/health/ready")
        assert (stopping.status_code, stopping.json()) == (503, {"status": "unavailable"})
        assert (await client.get("/health/live")).status_code == 200
