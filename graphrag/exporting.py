"""Taking a knowledge base out: everything as JSON lines, or its entity graph as GraphML or node-link JSON.

The lines are, in this order: one `header`; then for each document, ascending by id, one `document` with its text, one
`chunk` for each chunk by position, and one `relation` for each relation by id; one `decision` for each of people's decisions
on entities; and an `end` with the number of documents, by which a torn file is known. Each is canonical JSON, so equal
knowledge gives equal bytes. Vectors are base64 of little-endian numbers, row after row.

The canonical form is for comparing, not for importing: it leaves out when something was stored, holds embeddings as float16,
and adds what is computed from contributions, so that two stores with equal canonical bytes hold equal knowledge.
"""

import base64
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from graphrag.extraction.resolution import UNDECIDED, Decided, links_among
from graphrag.stores.base import GraphStore
from graphrag.stores.system import Decision
from graphrag.types import Chunk, ChunkVectors, Entity, GraphBatch, Relation, Scope, canonical_json

if TYPE_CHECKING:
    from networkx import MultiDiGraph

FORMAT = "graphrag-export"
FORMAT_VERSION = 2
"""2: without the phrases of chunks, which are made of the text."""
CANONICAL = "graphrag-canonical"
SAME_AS = "SAME_AS"
MENTIONS = "MENTIONS"
_ENTITIES_AT_ONCE = 500
_CHUNK_FIELDS = tuple(field.name for field in fields(Chunk) if field.name != "phrases")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


async def export_lines(store: GraphStore, scope: Scope, *, decisions: Iterable[Decision] = ()) -> AsyncIterator[str]:
    """Everything that the scope sees, as JSON lines without line ends; see the module for the format.

    Args:
        store: what is exported; it is read while the lines are taken.
        scope: documents outside it are left out.
        decisions: those on entities that the scope sees (graphrag.decisions.decisions_seen).
    """
    header: dict[str, object] = {"type": "header", "format": FORMAT, "version": FORMAT_VERSION}
    fingerprints = await store.fingerprints()
    if fingerprints is not None:
        header["fingerprints"] = asdict(fingerprints)
    yield canonical_json(header)
    documents = 0
    async for batch in store.export(scope):
        documents += 1
        for line in batch_lines(batch):
            yield line
    for decision in sorted(decisions, key=lambda decision: decision.id):
        yield canonical_json({"type": "decision", **asdict(decision)})
    yield canonical_json({"type": "end", "documents": documents})


async def canonical_lines(store: GraphStore, scope: Scope, *, decisions: Iterable[Decision] = ()) -> AsyncIterator[str]:
    """What the scope sees, without line ends: equal for equal knowledge, whatever history led to it and in whatever store.

    A header; the lines of each document as in an export, without times and with float16 embeddings; one `entity` for each
    entity, ascending by id; one `decision` for each decision, without its time; and an `end` with the store's own counts.

    Args:
        store: what is compared; nobody may write while the lines are taken.
        scope: documents outside it are left out.
        decisions: as for export_lines.
    """
    fingerprints = await store.fingerprints()
    models = asdict(fingerprints) if fingerprints is not None else None
    yield canonical_json({"type": "header", "format": CANONICAL, "version": FORMAT_VERSION, "fingerprints": models})
    mentioned: set[str] = set()
    async for batch in store.export(scope):
        mentioned.update(mention.entity_id for chunk in batch.chunks for mention in chunk.mentions)
        for line in batch_lines(batch, canonical=True):
            yield line
    for entity in await _entities(store, scope, sorted(mentioned)):
        yield canonical_json({"type": "entity", **asdict(entity)})
    for decision in sorted(decisions, key=lambda decision: decision.id):
        made = asdict(decision)
        del made["created_at"]
        yield canonical_json({"type": "decision", **made})
    yield canonical_json({"type": "end", **asdict(await store.statistics(scope))})


def batch_lines(batch: GraphBatch, *, canonical: bool = False) -> Iterable[str]:
    """The lines of one document; canonical ones as in canonical_lines."""
    document = asdict(batch.document)
    if canonical:
        del document["created_at"], document["updated_at"]
    yield canonical_json({"type": "document", **document, "text": batch.text})
    for chunk, vectors in zip(batch.chunks, batch.vectors, strict=True):
        yield canonical_json(_chunk(chunk, vectors, "<f2" if canonical else "<f4"))
    for relation in sorted(batch.relations, key=lambda relation: relation.id):
        yield canonical_json({"type": "relation", **asdict(relation)})


def _chunk(chunk: Chunk, vectors: ChunkVectors, dtype: str) -> dict[str, object]:
    held = {name: getattr(chunk, name) for name in _CHUNK_FIELDS}
    return {
        "type": "chunk",
        **held,
        "mentions": [msgspec.structs.asdict(mention) for mention in chunk.mentions],
        "embedding": _encoded(vectors.chunk, dtype),
        "sentence_embeddings": _encoded(vectors.sentences, "<f2"),
    }


def _encoded(array: NDArray[np.float32] | NDArray[np.float16], dtype: str) -> dict[str, object]:
    data = base64.b64encode(array.astype(dtype).tobytes()).decode("ascii")
    return {"dtype": {"<f4": "float32", "<f2": "float16"}[dtype], "shape": list(array.shape), "base64": data}


async def entity_graph(
    store: GraphStore, scope: Scope, *, documents: bool = False, decided: Decided = UNDECIDED
) -> "MultiDiGraph[str]":
    """The entity graph that the scope sees, as a networkx graph; equal knowledge gives an equal graph.

    Nodes are entities (by id, with `kind`, `name`, `type`, `mention_count`, `document_count`). Edges are relations (by
    relation id, with `predicate`, `chunk_id`, `document_id`, `document_source`, `sentence`, and `description` where a language
    model found it) and SAME_AS links (`score`, `reason`).

    Args:
        store: what is exported.
        scope: what is outside it is left out, of counts too.
        documents: add documents as nodes (`source`, `title`) with MENTIONS edges (`count`) to their entities.
        decided: what people decided: a merge is a SAME_AS link of score 1, a split takes the derived one away.
    """
    from networkx import MultiDiGraph  # takes a second to import

    graph: MultiDiGraph[str] = MultiDiGraph()
    mentioned: dict[str, dict[str, int]] = {}
    relations: list[tuple[Relation, str, str]] = []
    async for batch in store.export(scope):
        counts: dict[str, int] = {}
        for chunk in batch.chunks:
            for mention in chunk.mentions:
                counts[mention.entity_id] = counts.get(mention.entity_id, 0) + mention.count
        document = batch.document
        mentioned[document.id] = counts
        relations += [
            (relation, document.source, batch.text[relation.start : relation.end]) for relation in batch.relations
        ]
        if documents:
            graph.add_node(document.id, kind="document", name=document.title or document.source, source=document.source)
    entities = await _entities(store, scope, sorted({id_ for counts in mentioned.values() for id_ in counts}))
    for entity in entities:
        graph.add_node(
            entity.id,
            kind="entity",
            name=entity.name,
            type=entity.type,
            mention_count=entity.mention_count,
            document_count=entity.document_count,
        )
    for relation, source, sentence in relations:
        if relation.subject_id in graph and relation.object_id in graph:
            _add_relation(graph, relation, source, sentence)
    for link in links_among(entities, decided):
        graph.add_edge(link.a, link.b, key=SAME_AS, predicate=SAME_AS, score=link.score, reason=link.reason)
    if documents:
        for document_id, counts in mentioned.items():
            for id_ in sorted(counts.keys() & graph.nodes):
                graph.add_edge(document_id, id_, key=MENTIONS, predicate=MENTIONS, count=counts[id_])
    return graph


async def _entities(store: GraphStore, scope: Scope, ids: Sequence[str]) -> list[Entity]:
    found: list[Entity] = []
    for start in range(0, len(ids), _ENTITIES_AT_ONCE):
        found += await store.entities(scope, ids[start : start + _ENTITIES_AT_ONCE])
    return found


def _add_relation(graph: "MultiDiGraph[str]", relation: Relation, source: str, sentence: str) -> None:
    graph.add_edge(
        relation.subject_id,
        relation.object_id,
        key=relation.id,
        predicate=relation.predicate,
        chunk_id=relation.chunk_id,
        document_id=relation.document_id,
        document_source=source,  # not `source`: in node-link JSON that is the node an edge leaves
        sentence=" ".join(sentence.split()),
        **({"description": relation.description} if relation.description else {}),
    )


def graphml_of(graph: "MultiDiGraph[str]") -> str:
    """The graph as GraphML, which Gephi, yEd, Cytoscape and networkx read. Characters XML cannot hold are left out."""
    from networkx import generate_graphml

    copy = graph.copy()
    records = [data for _, data in copy.nodes(data=True)] + [data for _, _, data in copy.edges(data=True)]
    for data in cast(list[dict[str, object]], records):
        data.update((name, _NOT_XML.sub("", value)) for name, value in list(data.items()) if isinstance(value, str))
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', *generate_graphml(copy)]) + "\n"


def node_link_of(graph: "MultiDiGraph[str]") -> str:
    """The graph as node-link JSON (`networkx.node_link_graph` reads it with `edges="edges"`)."""
    from networkx import node_link_data

    return canonical_json(node_link_data(graph, edges="edges")) + "\n"
