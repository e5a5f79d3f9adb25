"""Asking over HTTP: answers, searches, and what is stored."""

import json

import pytest

from graphrag.stores.embedded.store import EmbeddedStore
from tests.api.in_process import QUESTION, Client, ask


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


async def test_of_a_text_only_what_is_asked_for_is_read(client: Client, monkeypatch: pytest.MonkeyPatch):
    (document,) = (await client.get("/v1/documents?source_prefix=contracts/")).json()["documents"]
    path = f"/v1/documents/{document['id']}/text"
    whole = (await client.get(path)).json()
    monkeypatch.setattr(EmbeddedStore, "texts", None)

    part = (await client.get(path, params={"start": 10, "end": 30})).json()
    beyond = (await client.get(path, params={"start": 10**6})).json()

    assert part == whole | {"start": 10, "end": 30, "text": whole["text"][10:30]}
    assert beyond == whole | {"start": whole["length"], "end": whole["length"], "text": ""}
