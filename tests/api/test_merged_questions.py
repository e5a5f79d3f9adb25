"""A question over entities that people made one or two, through HTTP: the answer follows the decision, and its undoing."""

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.serving import QUIET, add_key, ingest_texts, serve

MAKERS = ("Brindle Forge", "Ostrava Castings", "Pellworm Tools", "Quarrel Brothers", "Skagen Motors", "Tarn Valves")
TEXTS = {
    "pump.md": "# Alder pump\n\nThe Alder pump is made by Norvane Works. It lifts water.\n",
    "kestrel.md": "# Kestrel Group\n\nKestrel Group was founded by Ida Rowan in 1921.\n",
    **{
        f"{maker.split()[0].lower()}.md": f"# {maker}\n\n{maker} was founded by Jonas Lind{number} in 19{number}0.\n"
        for number, maker in enumerate(MAKERS, 1)
    },
}
QUESTION = "Who founded Norvane Works, the maker of the Alder pump?"


@pytest.fixture
def client(store_url: str, tmp_path: Path) -> Generator[httpx.Client]:
    """An admin of a server that holds the texts."""
    key = asyncio.run(add_key(tmp_path, url=store_url))
    with serve(tmp_path, GRAPHRAG_STORE_URL=store_url, **QUIET) as served:
        client = served.client(key)
        assert ingest_texts(client, TEXTS)["state"] == "succeeded"
        yield client


def ask(client: httpx.Client) -> dict[str, Any]:
    answer = client.post("/v1/query", json={"question": QUESTION}).raise_for_status().json()
    return {name: answer[name] for name in ("verdict", "answer", "citations", "path")}


def decide(client: httpx.Client, kind: str) -> str:
    """Id of a decision on the company that the question names and the one that the founder is known of."""
    pair = {"a": "Norvane Works", "b": "Kestrel Group"}
    return client.post(f"/v1/admin/entities/{kind}", json=pair).raise_for_status().json()["id"]


def test_a_multi_hop_answer_follows_a_merge_a_split_and_their_undoing(client: httpx.Client) -> None:
    before = ask(client)
    assert before["verdict"] != "answered"  # who founded it stands nowhere
    assert "Ida Rowan" not in before["answer"]
    assert before["path"] == []

    merge = decide(client, "merge")
    merged = ask(client)
    assert merged["verdict"] == "answered"
    assert "Ida Rowan" in merged["answer"]
    assert {citation["source"] for citation in merged["citations"]} == {"pump.md", "kestrel.md"}
    assert [step["entity"] for step in merged["path"]] == ["Norvane Works"]

    assert decide(client, "split") == merge  # the later word on the pair replaces the earlier one
    assert ask(client) == before
    decide(client, "merge")
    assert ask(client) == merged
    client.delete(f"/v1/admin/entities/decisions/{merge}").raise_for_status()
    assert ask(client) == before


def test_what_is_decided_is_listed_and_shown_and_taken_back(client: httpx.Client) -> None:
    ingest_texts(client, {"memo.md": "# Kestrel Group Ltd\n\nKestrel Group Ltd sells to Skagen Motors.\n"})

    def get(path: str, **parameters: str) -> Any:
        return client.get(path, params=parameters).raise_for_status().json()

    def shown() -> tuple[set[str], set[str]]:
        """Why Kestrel Group is the same as others: as the entity says, and as its edges in the graph do."""
        (entity,) = [one for one in get("/v1/entities", q="Kestrel Group")["entities"] if one["key"] == "kestrel group"]
        links = {link["reason"] for link in get(f"/v1/entities/{entity['id']}")["same_as"]}
        edges = get("/v1/graph", entity=entity["id"])["edges"]
        return links, {
            edge["label"]
            for edge in edges
            if edge["kind"] == "same_as" and entity["id"] in (edge["source"], edge["target"])
        }

    (candidate,) = get("/v1/admin/entities/candidates")["candidates"]
    pair = {"a": candidate["a"]["id"], "b": candidate["b"]["id"]}
    assert {candidate["a"]["key"], candidate["b"]["key"]} == {"kestrel group", "kestrel group ltd"}
    assert shown() == ({candidate["reason"]}, {candidate["reason"]})

    split = client.post("/v1/admin/entities/split", json=pair).raise_for_status().json()
    assert shown() == (set(), set())
    assert get("/v1/admin/entities/candidates")["candidates"] == []
    assert get("/v1/admin/entities/decisions")["decisions"] == [split]

    merge = client.post("/v1/admin/entities/merge", json=pair).raise_for_status().json()
    assert shown() == ({"decided by test"}, {"decided by test"})
    assert get("/v1/admin/entities/candidates")["candidates"] == []

    gone = client.delete(f"/v1/admin/entities/decisions/{merge['id']}").raise_for_status().json()
    assert gone == merge
    assert get("/v1/admin/entities/decisions")["decisions"] == []
    assert get("/v1/admin/entities/candidates")["candidates"] == [candidate]
    assert shown() == ({candidate["reason"]}, {candidate["reason"]})


def test_of_two_entities_the_one_that_there_is_none_of_is_named(client: httpx.Client) -> None:
    response = client.post("/v1/admin/entities/merge", json={"a": "Norvane Works", "b": "Kestrel Grupp"})

    assert response.status_code == 404
    assert response.json()["errors"] == [{"field": "b", "message": "no such entity"}]
