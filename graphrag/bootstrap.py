"""The composition root: settings in, an opened knowledge base out. The only library module that reads Settings."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

from graphrag.embedding import Embedder, PassageEncoder
from graphrag.errors import ConfigError
from graphrag.extraction.spacy import SpacyExtractor
from graphrag.knowledge import KnowledgeBase
from graphrag.registry import EMBEDDERS, STORES, resolve
from graphrag.settings import Settings
from graphrag.stores.base import GraphStore
from graphrag.stores.system import SystemStore
from graphrag.types import Fingerprints

OpenStores = Callable[..., AbstractAsyncContextManager[tuple[GraphStore, SystemStore]]]


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncGenerator[tuple[GraphStore, SystemStore]]:
    """Open the stores alone, for commands that need no model.

    Raises:
        ConfigError: the store URL is malformed or names an unknown kind of store.
        StoreError: the store cannot be opened.
    """
    scheme, separator, _ = settings.store_url.partition("://")
    if not separator:
        raise ConfigError(
            f"GRAPHRAG_STORE_URL={settings.store_url!r} is not a URL: use for example sqlite:///graphrag.db"
        )
    opener = cast(OpenStores, resolve(STORES, scheme))
    async with opener(settings.store_url, filter_fields=settings.filter_fields) as stores:
        yield stores


@asynccontextmanager
async def open_knowledge_base(settings: Settings) -> AsyncGenerator[KnowledgeBase]:
    """Open everything: stores, embedder, encoder and extractor, checked to fit what is stored.

    Raises:
        ConfigError, StoreError: as open_stores.
        SchemaMismatchError: the store was filled with another embedding model.
        ModelError: a model is missing or damaged.
    """
    async with open_stores(settings) as (store, system):
        # Opening a model reads and checks its files, which would block the event loop.
        embedder, encoder = await asyncio.to_thread(open_embedders, settings)
        await store.bind(Fingerprints(embedder.fingerprint, encoder.fingerprint))
        yield KnowledgeBase(
            store=store,
            system=system,
            embedder=embedder,
            encoder=encoder,
            extractor=SpacyExtractor(settings.spacy_pipeline),
            chunk_tokens=settings.chunk_tokens,
            chunk_overlap=settings.chunk_overlap,
            max_document_bytes=settings.max_document_bytes,
            parse_seconds=settings.parse_seconds,
            filter_fields=frozenset(settings.filter_fields),
        )


def open_embedders(settings: Settings) -> tuple[Embedder, PassageEncoder]:
    """The configured embedder and the local encoder of sentence vectors; one object where one model does both."""
    kind = cast(Callable[..., Embedder], resolve(EMBEDDERS, settings.embedder))
    if settings.embedder == "hashing":
        hashing = kind()
        return hashing, cast(PassageEncoder, hashing)
    local = kind(workers=settings.embedding_workers)
    return local, cast(PassageEncoder, local)
