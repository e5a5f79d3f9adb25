"""The service on Neo4j: what the other tests of it show on the embedded store, from a key to a deleted document."""

import asyncio
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.api.serving import QUIET, add_key, events, ingest_texts, serve
from tests.contracts.neo4j import empty
from tests.relay import SOON, leading_to

TEXTS = {
    "pumps.md": "# Alder Pumps\n\nAlder Pumps makes the Alder pump. Alder Pumps was founded by Ida Rowan.\n",
    "rowan.md": "# Ida Rowan\n\nIda Rowan was born in Aarhus and studied in Brno.\n",
}
QUESTION = "Where was the founder of Alder Pumps born?"


@pytest.fixture(scope="module")
def clients(neo4j_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[httpx.Client, httpx.Client]]:
    """An admin, and a reader of another tenant."""
    asyncio.run(empty(neo4j_url))
    folder = tmp_path_factory.mktemp("on-neo4j")
    admin = asyncio.run(add_key(folder, url=neo4j_url))
    foreign = asyncio.run(add_key(folder, url=neo4j_url, role="reader", tenant="rival"))
    with serve(folder, GRAPHRAG_STORE_URL=neo4j_url, GRAPHRAG_FILTER_FIELDS="year", **QUIET) as served:
        yield served.client(admin), served.client(foreign)
    asyncio.run(empty(neo4j_url))


def test_from_an_upload_to_a_streamed_cited_answer(clients: tuple[httpx.Client, httpx.Client]) -> None:
    client, foreign = clients
    job = ingest_texts(client, TEXTS, metadata={"year": 2025})
    assert (job["state"], job["progress"]["created"]) == ("succeeded", 2)

    answer = client.post("/v1/query", json={"question": QUESTION}).raise_for_status().json()
    assert {citation["source"] for citation in answer["citations"]} == set(TEXTS)
    with client.stream("POST", "/v1/query", json={"question": QUESTION, "stream": True}) as response:
        names = [name for name, _ in events(response)]
    assert names[-1] == "done"
    assert {"step", "evidence", "citation"} <= set(names)
    nothing = foreign.post("/v1/query", json={"question": QUESTION}).raise_for_status().json()
    assert (nothing["verdict"], nothing["citations"]) == ("insufficient_evidence", [])


@pytest.mark.parametrize("tool", ["vector", "keyword", "graph", "hybrid"])
@pytest.mark.parametrize(("year", "found"), [(2025, True), (2026, False)])
def test_each_tool_searches_within_a_filter(
    clients: tuple[httpx.Client, httpx.Client], tool: str, year: int, found: bool
) -> None:
    client, _ = clients
    ingest_texts(client, TEXTS, metadata={"year": 2025})
    body = {"query": "Alder Pumps founder", "tool": tool, "filter": {"year": {"gte": year}}}
    assert bool(client.post("/v1/search", json=body).raise_for_status().json()["hits"]) == found


def test_the_graph_is_looked_at_and_a_deleted_document_is_gone(clients: tuple[httpx.Client, httpx.Client]) -> None:
    client, foreign = clients
    ingest_texts(client, TEXTS)
    (entity,) = client.get("/v1/entities", params={"q": "Ida Rowan"}).json()["entities"]
    assert entity["documents"] == 2
    graph = client.get("/v1/graph", params={"entity": entity["id"], "hops": 1}).raise_for_status().json()
    assert entity["id"] in {node["id"] for node in graph["nodes"]}
    documents = client.get("/v1/documents").json()["documents"]
    for document in documents:
        assert foreign.get(f"/v1/documents/{document['id']}").status_code == 404
        assert client.delete(f"/v1/admin/documents/{document['id']}").is_success
    assert client.get("/v1/documents").json()["documents"] == []
    assert client.get("/v1/entities", params={"q": "Ida Rowan"}).json()["entities"] == []


async def test_requests_learn_soon_that_the_server_is_away_and_are_answered_when_it_is_back(
    neo4j_url: str, tmp_path: Path
) -> None:
    async with leading_to(neo4j_url) as relay, httpx.AsyncClient(timeout=SOON, trust_env=False) as client:
        with ExitStack() as stack:
            serving = serve(tmp_path, "--dev", GRAPHRAG_STORE_URL=relay.url, **QUIET)
            served = await asyncio.to_thread(stack.enter_context, serving)
            texts = {"documents": [{"source": "a.md", "text": TEXTS["pumps.md"]}]}
            asking = [
                client.build_request("POST", f"{served.url}/v1/query", json={"question": QUESTION}),
                client.build_request("POST", f"{served.url}/v1/search", json={"query": QUESTION}),
                client.build_request("GET", f"{served.url}/v1/documents"),
                client.build_request("POST", f"{served.url}/v1/admin/documents", json=texts),
            ]
            await relay.down()
            refused = await asyncio.gather(*(client.send(request) for request in asking))
            assert [(one.status_code, one.headers["Retry-After"]) for one in refused] == [(503, "5")] * len(asking)
            assert (await client.get(f"{served.url}/health/ready")).status_code == 503
            await relay.up()
            answered = await asyncio.gather(*(client.send(request) for request in asking))
            assert [one.status_code for one in answered] == [200, 200, 200, 202]
