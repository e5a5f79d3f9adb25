"""Export: complete, deterministic, within the scope, and readable by others."""

import base64
import io
import json
from collections.abc import AsyncGenerator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from graphrag.exporting import SAME_AS, entity_graph, export_lines, graphml_of, node_link_of
from graphrag.stores.base import GraphStore
from graphrag.stores.system import Decision, decided_by
from graphrag.types import (
    ALL_ACCESS,
    Chunk,
    ChunkVectors,
    Document,
    Fingerprints,
    GraphBatch,
    Mention,
    Relation,
    Scope,
    chunk_id,
    document_id,
    entity_id,
    relation_id,
)
from tests.embedded import embedded_store

EVERYTHING = Scope(access=frozenset({ALL_ACCESS}))
FINGERPRINTS = Fingerprints("embedder/4", "sentences/3")


def mention(text: str, surface: str, type_: str) -> Mention:
    start = text.index(surface)
    key = surface.casefold()
    return Mention(entity_id("default", key), key, surface, type_, "mention", ((start, start + len(surface)),))


def batch(source: str, text: str, names: dict[str, str], access: str = "public") -> GraphBatch:
    """A document of one chunk in which the first name stands in a relation to the second."""
    id_ = document_id("default", source)
    mentions = tuple(sorted((mention(text, name, type_) for name, type_ in names.items()), key=lambda m: m.key))
    chunk = Chunk(
        chunk_id(id_, 0, text), id_, source, source.upper(), 0, 0, 0, len(text), text, ("Part",), 1, 7,
        ((0, len(text)),), "some terms", {}, mentions,
    )  # fmt: skip
    subject, object_ = (entity_id("default", name.casefold()) for name in list(names)[:2])
    relation = Relation(
        relation_id(chunk.id, subject, "supplies", object_, 0),
        chunk.id,
        id_,
        subject,
        "supplies",
        object_,
        0,
        len(text),
    )
    document = Document(
        id_, "default", access, source, source.upper(), "text/plain", "0" * 64, f"print-{source}",
        {"year": 2025, "draft": False}, len(text), 1,
    )  # fmt: skip
    embedding = np.array([0.5, -0.5, 0.1, len(text)], np.float32)
    vectors = ChunkVectors(embedding / np.linalg.norm(embedding), np.array([[0.25, 1.5, -3]], np.float16))
    return GraphBatch(document, text, [chunk], [vectors], [relation])


BATCHES = [
    batch("a.txt", "Halvorix Components supplies Maasvliet Terminal.", {"Halvorix Components": "ORG", "Maasvliet Terminal": "FAC"}),
    batch("b.txt", "Halvorix  Components ships to Rotterdam.", {"Halvorix  Components": "ORG", "Rotterdam": "GPE"}),
    batch("c.txt", "HalvorixComponents & “Brno” <plant>.", {"HalvorixComponents": "ORG", "Brno": "GPE"}, "secret"),
]  # fmt: skip


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[GraphStore]:
    async with embedded_store(tmp_path / "kb.db") as opened:
        await opened.bind(FINGERPRINTS)
        for one in BATCHES:
            await opened.write(EVERYTHING, one)
        yield opened


async def lines_of(store: GraphStore, scope: Scope = EVERYTHING) -> list[str]:
    return [line async for line in export_lines(store, scope)]


def decoded(value: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(value["base64"]), np.dtype(value["dtype"])).reshape(value["shape"])


async def test_lines_hold_all_that_the_store_holds(store: GraphStore):
    records = [json.loads(line) for line in await lines_of(store)]
    exported = [one async for one in store.export(EVERYTHING)]

    header, *rest, end = records
    assert header == {
        "type": "header",
        "format": "graphrag-export",
        "version": 2,
        "fingerprints": {"embedder": "embedder/4", "sentences": "sentences/3"},
    }
    assert end == {"type": "end", "documents": 3}
    assert [record["type"] for record in rest] == ["document", "chunk", "relation"] * 3
    for one, (document, chunk, relation) in zip(exported, zip(*[iter(rest)] * 3, strict=True), strict=True):
        assert document == {"type": "document", **json.loads(json.dumps(asdict(one.document))), "text": one.text}
        assert document["created_at"] and document["updated_at"]
        np.testing.assert_array_equal(decoded(chunk.pop("embedding")), one.vectors[0].chunk)
        np.testing.assert_array_equal(decoded(chunk.pop("sentence_embeddings")), one.vectors[0].sentences)
        held = json.loads(json.dumps(asdict(replace(one.chunks[0], mentions=()))))
        del held["phrases"]
        mentions = [{field: getattr(m, field) for field in m.__struct_fields__} for m in one.chunks[0].mentions]
        assert chunk == {"type": "chunk", **held, "mentions": json.loads(json.dumps(mentions))}
        assert relation == {"type": "relation", **json.loads(json.dumps(asdict(one.relations[0])))}


async def test_equal_knowledge_gives_equal_lines_and_graphs(store: GraphStore, tmp_path: Path):
    async with embedded_store(tmp_path / "other.db") as other:
        await other.bind(FINGERPRINTS)
        for one in reversed(BATCHES):
            await other.write(EVERYTHING, one)

        def timeless(lines: list[str]) -> list[dict[str, Any]]:
            records = [json.loads(line) for line in lines]
            return [{k: v for k, v in record.items() if k not in ("created_at", "updated_at")} for record in records]

        assert timeless(await lines_of(other)) == timeless(await lines_of(store))
        first, second = await entity_graph(store, EVERYTHING), await entity_graph(other, EVERYTHING)
        assert graphml_of(first) == graphml_of(second)
        assert node_link_of(first) == node_link_of(second)
    assert await lines_of(store) == await lines_of(store)


async def test_lines_are_canonical(store: GraphStore):
    for line in await lines_of(store):
        assert line == json.dumps(json.loads(line), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


async def test_what_the_scope_does_not_see_is_in_no_export(store: GraphStore):
    lines = "\n".join(await lines_of(store, Scope()))
    graph = await entity_graph(store, Scope(), documents=True)

    for text in (lines, graphml_of(graph), node_link_of(graph)):
        assert "Brno" not in text
        assert "c.txt" not in text
        assert "b.txt" in text
    assert await lines_of(store, Scope(tenant="other")) == [
        (await lines_of(store))[0],
        '{"documents":0,"type":"end"}',
    ]


async def test_the_graph_has_entities_with_counts_and_relations_with_their_sentence(store: GraphStore):
    graph = await entity_graph(store, EVERYTHING)

    subject, object_ = entity_id("default", "halvorix components"), entity_id("default", "maasvliet terminal")
    assert dict(graph.nodes[object_]) == {
        "kind": "entity",
        "name": "Maasvliet Terminal",
        "type": "FAC",
        "mention_count": 1,
        "document_count": 1,
    }
    (relation,) = BATCHES[0].relations
    assert graph.edges[subject, object_, relation.id] == {
        "predicate": "supplies",
        "chunk_id": relation.chunk_id,
        "document_id": relation.document_id,
        "document_source": "a.txt",
        "sentence": "Halvorix Components supplies Maasvliet Terminal.",
    }


async def test_the_graph_has_same_as_links_with_score_and_reason(store: GraphStore):
    graph = await entity_graph(store, EVERYTHING)

    links = [(a, b, data) for a, b, key, data in graph.edges(keys=True, data=True) if key == SAME_AS]
    names = {frozenset((graph.nodes[a]["name"], graph.nodes[b]["name"])) for a, b, _ in links}
    assert frozenset({"Halvorix Components", "HalvorixComponents"}) in names
    assert all(0 < data["score"] <= 1 and data["reason"] for _, _, data in links)
    assert all(a < b for a, b, _ in links)


async def test_the_graph_has_the_links_that_people_decided_on_and_not_those_they_split(store: GraphStore):
    halvorix, squashed, brno = (
        entity_id("default", key) for key in ("halvorix components", "halvorixcomponents", "brno")
    )
    graph = await entity_graph(
        store,
        EVERYTHING,
        decided=decided_by(
            [
                Decision("1", "default", "split", halvorix, squashed, "ann"),
                Decision("2", "default", "merge", halvorix, brno, "bob"),
            ]
        ),
    )

    links = {frozenset((a, b)): data for a, b, key, data in graph.edges(keys=True, data=True) if key == SAME_AS}
    assert frozenset((halvorix, squashed)) not in links
    assert links[frozenset((halvorix, brno))] == {"predicate": SAME_AS, "score": 1.0, "reason": "decided by bob"}


async def test_documents_are_nodes_with_mentions_where_wanted(store: GraphStore):
    graph = await entity_graph(store, EVERYTHING, documents=True)

    id_ = document_id("default", "a.txt")
    assert graph.nodes[id_] == {"kind": "document", "name": "A.TXT", "source": "a.txt"}
    assert {graph.nodes[b]["name"] for _, b in graph.out_edges(id_)} == {"Halvorix Components", "Maasvliet Terminal"}
    assert not any(data["kind"] == "document" for _, data in (await entity_graph(store, EVERYTHING)).nodes(data=True))


async def test_graphml_and_node_link_are_read_back_as_the_same_graph(store: GraphStore):
    graph = await entity_graph(store, EVERYTHING, documents=True)

    from_xml = nx.read_graphml(io.BytesIO(graphml_of(graph).encode()), force_multigraph=True)
    from_json = nx.node_link_graph(json.loads(node_link_of(graph)), edges="edges")

    for copy in (from_xml, from_json):
        assert dict(copy.nodes(data=True)) == dict(graph.nodes(data=True))
        assert sorted(copy.edges(keys=True)) == sorted(graph.edges(keys=True))
    assert {key: data for *_, key, data in from_json.edges(keys=True, data=True)} == {
        key: data for *_, key, data in graph.edges(keys=True, data=True)
    }


def test_graphml_leaves_out_what_xml_cannot_hold():
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_node("a", name="bell\x07 and \ufffe end")

    copy = nx.read_graphml(io.BytesIO(graphml_of(graph).encode()))

    assert copy.nodes["a"]["name"] == "bell and  end"
    assert graph.nodes["a"]["name"] == "bell\x07 and \ufffe end"
