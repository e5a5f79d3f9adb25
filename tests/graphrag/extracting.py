"""A knowledge base whose extractor asks a scripted model, for tests."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from graphrag.bootstrap import open_knowledge_base
from graphrag.ingest import ingest_documents
from graphrag.ingested import IngestReport
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument, load_bytes
from graphrag.settings import load_settings
from graphrag.types import ALL_ACCESS, Chunk, Relation, Scope
from tests.model_server import Action, ModelServer, replies

SCOPE = Scope(access=frozenset({ALL_ACCESS}))
TEXT = "Halvorix Components supplies the PMX-48 power module. Anneke Brouwer tests it at the quay in Rotterdam."


def says(*entities: tuple[str, str], relations: Sequence[tuple[str, str, str]] = ()) -> Action:
    """A reply with these entities (name, type) and relations (subject, relation, object)."""
    return replies(
        json.dumps(
            {
                "entities": [{"name": name, "type": kind} for name, kind in entities],
                "relations": [
                    {"subject": one, "relation": kind, "object": other, "description": f"{one} {kind} {other}."}
                    for one, kind, other in relations
                ],
            }
        )
    )


MODULE = says(
    ("Halvorix Components", "ORG"), ("PMX-48", "PRODUCT"), relations=[("Halvorix Components", "supplies", "PMX-48")]
)
NOTHING = says()


@asynccontextmanager
async def opened(server: ModelServer, folder: Path, **settings: Any) -> AsyncGenerator[KnowledgeBase]:
    """A knowledge base whose extractor asks the server."""
    chosen: dict[str, Any] = {
        "store_url": f"sqlite:///{folder}/kb.db",
        "embedder": "hashing",
        "extractor": "llm",
        "llm_provider": "openai",
        "llm_model": "gpt-4o-mini",
        "llm_api_key": "sk-test",
        "llm_base_url": server.url,
        "llm_seconds": 3.0,
        "llm_concurrency": 1,
        "llm_output_tokens": 200,
    }
    async with open_knowledge_base(load_settings(**{**chosen, **settings})) as kb:
        yield kb


def document(text: str = TEXT, source: str = "a.txt", title: str | None = None) -> LoadedDocument:
    return load_bytes(text.encode(), source, title=title)[0]


async def ingest(kb: KnowledgeBase, *documents: LoadedDocument, scope: Scope = SCOPE) -> IngestReport:
    return await ingest_documents(kb, scope, documents)


async def stored(kb: KnowledgeBase, scope: Scope = SCOPE) -> tuple[list[Chunk], list[Relation]]:
    """All chunks and relations."""
    chunks: list[Chunk] = []
    relations: list[Relation] = []
    async for batch in kb.store.export(scope):
        chunks += batch.chunks
        relations += batch.relations
    return chunks, relations


def spoken(chunks: Sequence[Chunk], relations: Sequence[Relation]) -> set[tuple[str, str, str]]:
    """Relations of models by keys."""
    keys = {mention.entity_id: mention.key for chunk in chunks for mention in chunk.mentions}
    return {(keys[r.subject_id], r.predicate, keys[r.object_id]) for r in relations if r.description}
