"""Who may call what: every route of the OpenAPI document with every kind of caller."""

import asyncio
from collections.abc import Generator, Mapping
from dataclasses import dataclass

import pytest

from graphrag.llm.usage import Account, Charge, Usage
from graphrag.stores.embedded.open import open_stores
from tests.api.conftest import run_process
from tests.api.routes import ROUTES, Route
from tests.api.serving import QUIET, Served, add_key, ingest_texts, serve, store_url

TEXT = "# Alder Pumps\n\nAlder Pumps was founded by Ida Rowan in Aarhus. Ida Rowan sells pumps.\n"
SECRET = "# Alder Pumps wages\n\nAlder Pumps pays Ida Rowan ninety thousand crowns.\n"


NAMING = {"getGraph", "mergeEntities", "splitEntities"}
"""Routes without an id in their path that name something of the tenant all the same."""


@dataclass(frozen=True)
class World:
    """A server with one document, and keys of every kind."""

    served: Served
    keys: Mapping[str, str]
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """Set up once; the routes that delete come last in ROUTES."""
    folder = tmp_path_factory.mktemp("auth")
    keys = {
        "admin": asyncio.run(add_key(folder)),
        "reader": asyncio.run(add_key(folder, role="reader")),
        "other tenant": asyncio.run(add_key(folder, tenant="rival")),
        "expired": asyncio.run(add_key(folder, expires_at="2020-01-01T00:00:00Z")),
        "revoked": asyncio.run(add_key(folder, revoked_at="2020-01-01T00:00:00Z")),
        "wrong": "graphrag_" + "x" * 43,
        "malformed": "x" * 5000,
    }
    with serve(folder, **QUIET) as served:
        client = served.client(keys["admin"])
        job = ingest_texts(client, {"alder.md": TEXT})
        assert job["state"] == "succeeded", job
        document = client.get("/v1/documents").json()["documents"][0]["id"]
        passage = client.post("/v1/search", json={"query": "Alder Pumps"}).json()["hits"][0]["passage"]
        entity = client.get("/v1/entities", params={"q": "alder"}).json()["entities"][0]["id"]
        ids = {"document_id": document, "chunk_id": passage["chunk_id"], "entity_id": entity, "job_id": job["id"]}
        pair = {"a": "Alder Pumps", "b": "Ida Rowan"}
        ids["decision_id"] = client.post("/v1/admin/entities/merge", json=pair).json()["id"]
        yield World(served, keys, ids)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
@pytest.mark.parametrize("caller", ["nobody", "wrong", "malformed", "expired", "revoked"])
def test_without_a_valid_key_only_keyless_routes_answer(world: World, route: Route, caller: str):
    response = route.send(world.served.client(world.keys.get(caller)), world.ids)

    if route.needs_key:
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.json()["type"] == "urn:graphrag:problem:no-valid-key"
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("route", [route for route in ROUTES if route.needs_key], ids=lambda route: route.id)
def test_a_reader_asks_and_looks_and_an_admin_does_everything(world: World, route: Route):
    reader = route.send(world.served.client(world.keys["reader"]), world.ids)
    other = route.send(world.served.client(world.keys["other tenant"]), world.ids)
    admin = route.send(world.served.client(world.keys["admin"]), world.ids)

    assert reader.status_code == (403 if route.needs_admin else 200)
    # What belongs to another tenant looks as if it did not exist.
    assert other.status_code == (404 if route.ids or route.id in NAMING else admin.status_code)
    for id_ in world.ids.values():
        assert id_ not in other.text
    assert "Rowan" not in other.text
    assert admin.is_success


def test_keyless_routes_are_these_alone():
    assert {route.path for route in ROUTES if not route.needs_key} == {"/health/live", "/health/ready"}


@pytest.mark.parametrize(
    "path",
    ["/v1/admin/health", "/v1/health/live", "/health/live/x", "/healthsecrets", "/v1/schema", "/V1/documents", "//v1/documents", "/v1/documents/"],
)  # fmt: skip
def test_no_path_that_looks_like_a_keyless_one_answers(world: World, path: str):
    assert world.served.client().get(path).status_code in (401, 404)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH"])
def test_no_method_goes_round_the_key(world: World, method: str):
    response = world.served.client().request(method, "/v1/documents")

    assert response.status_code in (401, 405)


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "bearer\tx", "Token x"])
def test_a_header_of_another_form_is_no_key(world: World, header: str):
    client = world.served.client()

    assert client.get("/v1/documents", headers={"Authorization": header}).status_code == 401


def test_a_key_is_not_read_from_the_query_or_a_cookie(world: World):
    client = world.served.client()
    key = world.keys["admin"]

    assert client.get("/v1/documents", params={"key": key, "authorization": f"Bearer {key}"}).status_code == 401
    assert client.get("/v1/documents", headers={"Cookie": f"authorization=Bearer {key}"}).status_code == 401


def test_labels_of_a_key_decide_what_it_sees_and_writes(world: World):
    admin = world.served.client(world.keys["admin"])
    legal = world.served.client(world.served.key(access=("legal",)))
    public = world.served.client(world.served.key(access=()))
    assert ingest_texts(admin, {"wages.md": SECRET}, access="legal")["state"] == "succeeded"

    found = {
        name: "wages.md" in client.post("/v1/search", json={"query": "ninety thousand crowns"}).text
        for name, client in (("admin", admin), ("legal", legal), ("public", public))
    }
    refused = public.post("/v1/admin/documents", json={"documents": [{"source": "a", "text": "b"}], "access": "legal"})

    assert found == {"admin": True, "legal": True, "public": False}
    assert refused.status_code == 403
    assert public.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


def test_usage_tells_of_jobs_that_the_key_sees_alone_beside_any_number_of_days(world: World):
    legal = world.served.client(world.served.key(access=("legal",)))
    public = world.served.client(world.served.key(access=()))
    job = ingest_texts(legal, {"lease.md": SECRET}, access="legal")["id"]
    days = [Account("key", "default", "k1", f"2026-01-{day:02}") for day in range(1, 4)]

    async def charge() -> None:
        async with open_stores(store_url(world.served.folder), filter_fields=()) as (_, system):
            jobs = [
                Account("job", "default", job),
                Account("job", "default", "0" * 32),
            ]  # the second is not kept any more
            await system.charge([Charge(account, Usage(1, 2, 3)) for account in days + jobs])

    asyncio.run(charge())
    admin = world.served.client(world.keys["admin"])
    found = {
        name: client.get("/v1/admin/usage", params={"limit": 2}).raise_for_status().json()
        for name, client in (("admin", admin), ("legal", legal), ("public", public))
    }

    own = {name: [one["id"] for one in listed["accounts"]] for name, listed in found.items()}
    assert own == {"admin": ["k1", "k1", job, "0" * 32], "legal": ["k1", "k1", job], "public": ["k1", "k1"]}
    assert all(listed["more"] for listed in found.values())
    assert not public.get("/v1/admin/usage", params={"limit": 3}).json()["more"]


def test_a_revoked_key_is_refused_from_the_next_request_on(world: World):
    key = world.served.key(role="reader", id="torevoke")
    client = world.served.client(key)
    assert client.get("/v1/documents").status_code == 200

    assert run_process(world.served.folder, "keys", "revoke", "torevoke").code == 0

    assert client.get("/v1/documents").status_code == 401


def test_the_log_holds_no_key_no_question_and_no_text(world: World):
    client = world.served.client(world.keys["admin"])
    assert client.post("/v1/query", json={"question": "Which unmistakable gherkin?"}).status_code == 200

    log = world.served.log()

    assert '"route": "/v1/query"' in log
    assert "gherkin" not in log
    assert "Rowan" not in log
    assert not [name for name, key in world.keys.items() if key in log]
