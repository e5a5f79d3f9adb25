"""Another tenant's data changes nothing that a caller sees: canaries, and answers with and without it."""

import asyncio
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.routes import ROUTES, Route
from tests.api.serving import QUIET, Served, add_key, ingest_texts, serve

OURS = {
    "alder.md": "# Alder Pumps\n\nAlder Pumps was founded by Ida Rowan in Aarhus.\n",
    "harbour.md": "# Harbour\n\nThe harbour of Aarhus bought eleven Alder pumps in 2024.\n",
}
CANARY = "zyxwvut"
# The same names, so that shared nodes, frequencies and link counts would show.
THEIRS = {
    **{f"alder-{n}.md": f"# Alder Pumps\n\nAlder Pumps was founded by Ida {CANARY}{n} in Aarhus {CANARY}.\n" for n in range(30)},
    "alder.md": f"# Alder Pumps\n\nIda Rowan left Alder Pumps for {CANARY.title()} Limited in Aarhus.\n",
}  # fmt: skip
NOT_COMPARED = {
    "metrics", "ingestDocuments", "deleteDocument", "jobEvents", "mergeEntities", "splitEntities", "undoDecision",
}  # fmt: skip
VARYING = {"milliseconds", "total_ms", "instance", "created_at", "updated_at", "id_of_job", "seconds", "documents_per_second"}  # fmt: skip


@dataclass(frozen=True)
class World:
    """A server, the caller's ids, those of the other tenant, and what routes answered before the other tenant came."""

    served: Served
    key: str
    ours: Mapping[str, str]
    theirs: Mapping[str, str]
    before: Mapping[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """Ours first; asked; then theirs."""
    folder = tmp_path_factory.mktemp("isolation")
    key, rival = asyncio.run(add_key(folder)), asyncio.run(add_key(folder, tenant="rival"))
    with serve(folder, **QUIET) as served:
        ours = _filled(served, key, OURS)
        before = {route.id: _steady(route, served, key, ours) for route in ROUTES if _compared(route)}
        theirs = _filled(served, rival, THEIRS)
        yield World(served, key, ours, theirs, before)


def _filled(served: Served, key: str, documents: dict[str, str]) -> dict[str, str]:
    client = served.client(key)
    job = ingest_texts(client, documents)
    assert job["progress"]["created"] == len(documents)
    document = client.get("/v1/documents").json()["documents"][0]["id"]
    passage = client.post("/v1/search", json={"query": "Alder Pumps"}).json()["hits"][0]["passage"]
    entity = client.get("/v1/entities", params={"q": "ida"}).json()["entities"][0]["id"]
    pair = {"a": "Alder Pumps", "b": "Ida Rowan"}
    decision = client.post("/v1/admin/entities/split", json=pair).json()["id"]
    ids = {"document_id": document, "chunk_id": passage["chunk_id"], "entity_id": entity, "job_id": job["id"]}
    return ids | {"decision_id": decision}


def _compared(route: Route) -> bool:
    """Routes that only read the caller's data."""
    return route.needs_key and route.id not in NOT_COMPARED


def _steady(route: Route, served: Served, key: str, ids: Mapping[str, str]) -> Any:
    response = route.send(served.client(key), ids)
    assert response.is_success
    return _without(response.json())


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(item) for name, item in value.items() if name not in VARYING}
    return [_without(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("route", [route for route in ROUTES if _compared(route)], ids=lambda route: route.id)
def test_answers_are_the_same_with_and_without_another_tenant(world: World, route: Route):
    after = _steady(route, world.served, world.key, world.ours)

    assert json.dumps(after, sort_keys=True) == json.dumps(world.before[route.id], sort_keys=True)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_no_route_gives_away_anything_of_another_tenant(world: World, route: Route):
    client = world.served.client(world.key)
    for ids in (world.ours, world.theirs):
        response = route.send(client, ids)
        seen = response.text + str(response.headers)
        if ids is world.theirs and route.ids:
            assert response.status_code == 404
        assert CANARY not in seen.casefold()
        assert "rival" not in seen
        assert not [id_ for id_ in world.theirs.values() if id_ in seen]


@pytest.mark.parametrize("mode", ["agent", "graph", "hybrid", "vector", "keyword"])
def test_questions_about_the_canary_find_nothing_in_any_mode(world: World, mode: str):
    client = world.served.client(world.key)
    body = {"question": f"What is {CANARY.title()} Limited, and who is Ida {CANARY}3?", "mode": mode, "top_k": 100}

    plain = client.post("/v1/query", json=body).json()
    streamed = client.post("/v1/query", json=body | {"stream": True}).text

    assert CANARY not in json.dumps([plain["citations"], plain["passages"], plain["path"]]).casefold()
    for event in streamed.split("\n\n"):
        if event.startswith(("event: token", "event: citation", "event: evidence")):
            assert CANARY not in event.casefold()
    for id_ in world.theirs.values():
        assert id_ not in json.dumps(plain) + streamed


def test_a_job_of_another_tenant_cannot_be_followed_cancelled_or_retried(world: World):
    client = world.served.client(world.key)
    job = f"/v1/admin/jobs/{world.theirs['job_id']}"

    assert client.get(f"{job}/events").status_code == 404
    assert client.delete(job).status_code == 404
    assert client.post(f"{job}/retry").status_code == 404


def test_metrics_name_no_tenant_key_or_document(world: World):
    text = world.served.client(world.key).get("/metrics").text

    assert "graphrag_requests_total" in text
    for forbidden in ("rival", "default", CANARY, *world.ours.values(), *world.theirs.values()):
        assert forbidden not in text
