"""The composition root: settings in, an opened knowledge base out. The only library module that reads Settings."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from graphrag.embedding import Embedder, PassageEncoder
from graphrag.errors import ConfigError
from graphrag.extraction import Extractor
from graphrag.extraction.spacy import SpacyExtractor, check_pipeline
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.replies import Replies
from graphrag.llm.usage import Limit, Limits, Price
from graphrag.registry import EMBEDDERS, STORES, resolve
from graphrag.settings import Settings
from graphrag.stores.base import GraphStore
from graphrag.stores.system import SystemStore
from graphrag.types import Fingerprints

if TYPE_CHECKING:
    from graphrag.extraction.schema import ExtractionSchema
    from graphrag.llm.model import LanguageModel
    from graphrag.llm.rerank import Reranker

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
        shown = "(hidden)" if "@" in settings.store_url else repr(settings.store_url)  # there may be a password
        raise ConfigError(f"GRAPHRAG_STORE_URL={shown} is not a URL: use for example sqlite:///graphrag.db")
    opener = cast(OpenStores, resolve(STORES, scheme))
    async with opener(settings.store_url, filter_fields=settings.filter_fields) as stores:
        yield stores


@asynccontextmanager
async def open_knowledge_base(settings: Settings, *, bind: bool = True) -> AsyncGenerator[KnowledgeBase]:
    """Open everything: stores, embedder, encoder and extractor, checked to fit what is stored.

    Args:
        settings: of this process.
        bind: whether to check; only for moving to another model (graphrag.reembedding).

    Raises:
        ConfigError, StoreError: as open_stores.
        SchemaMismatchError: the store was filled with another embedding model.
        ModelError: a model is missing or damaged.
    """
    async with AsyncExitStack() as stack:
        # Before the stores, since a file is made where there is none: settings that are at fault leave no empty one behind.
        # Reading files of prompts and certificates would block the event loop, as would those of models.
        await asyncio.to_thread(check_extractor, settings)
        llm = await asyncio.to_thread(open_llm, settings)
        if llm is not None:
            stack.push_async_callback(llm.chat.close)
        reranker = await asyncio.to_thread(open_reranking, settings)
        if reranker is not None:
            stack.push_async_callback(reranker.aclose)
        _check_embedder(settings)
        # The installed model is chosen by what the store was filled with.
        given = None if settings.embedder == "auto" else await asyncio.to_thread(_open_embedder, settings, None)
        if given is not None:
            stack.push_async_callback(given.aclose)
        store, system = await stack.enter_async_context(open_stores(settings))
        embedder, encoder = await asyncio.to_thread(open_embedders, settings, await store.fingerprints(), given)
        stack.push_async_callback(embedder.aclose)
        stack.push_async_callback(encoder.aclose)
        if bind:
            await store.bind(Fingerprints(embedder.fingerprint, encoder.fingerprint))
        yield KnowledgeBase(
            store=store,
            system=system,
            embedder=embedder,
            encoder=encoder,
            extractor=await asyncio.to_thread(open_extractor, settings, llm, system),
            chunk_tokens=settings.chunk_tokens,
            chunk_overlap=settings.chunk_overlap,
            max_document_bytes=settings.max_document_bytes,
            parse_seconds=settings.parse_seconds,
            filter_fields=frozenset(settings.filter_fields),
            llm=llm,
            reranker=reranker,
            limits=limits_of(settings),
        )


def open_embedders(
    settings: Settings, stored: Fingerprints | None = None, given: Embedder | None = None
) -> tuple[Embedder, PassageEncoder]:
    """The configured embedder and the encoder of sentence vectors; one object where one model does both.

    Sentences stay with the model that made those in the store. In a new one it is the embedder, if it encodes sentences, or else
    a model on this machine: a question costs one remote call then, and the many short texts of a document none.

    Args:
        settings: of this process.
        stored: which models made what is there.
        given: the configured embedder, where it is open already.

    Raises:
        ConfigError: a setting is missing or contradicts another one, or a model is not installed.
        ModelError: the local model is missing or damaged.
    """
    embedder = given or _open_embedder(settings, stored)
    if isinstance(embedder, PassageEncoder) and (stored is None or stored.sentences == embedder.fingerprint):
        return embedder, embedder
    open_installed = cast(Callable[..., PassageEncoder], resolve(EMBEDDERS, "auto"))
    return embedder, open_installed(stored.sentences if stored else None, workers=settings.embedding_workers)


def _open_embedder(settings: Settings, stored: Fingerprints | None) -> Embedder:
    name, workers = settings.embedder, settings.embedding_workers
    _check_embedder(settings)
    kind = cast(Callable[..., Embedder], resolve(EMBEDDERS, name))
    if name == "auto":
        return kind(stored.embedder if stored else None, workers=workers)
    if name == "hashing":
        return kind()
    if name == "minilm":
        return kind(workers=workers)
    return _open_folder(settings, kind) if name == "local" else _open_remote(settings, kind)


def _check_embedder(settings: Settings) -> None:
    name = settings.embedder
    if name in ("auto", "hashing", "minilm") and (settings.embedding_model or settings.embedding_base_url):
        raise ConfigError(
            f"GRAPHRAG_EMBEDDING_MODEL or GRAPHRAG_EMBEDDING_BASE_URL is set, but GRAPHRAG_EMBEDDER={name} "
            f"needs neither: set GRAPHRAG_EMBEDDER to the provider, too, or to local for a model in a folder"
        )


def _open_folder(settings: Settings, kind: Callable[..., Embedder]) -> Embedder:
    if not settings.embedding_model or settings.embedding_base_url:
        raise ConfigError(
            "GRAPHRAG_EMBEDDER=local needs a model on this machine: set GRAPHRAG_EMBEDDING_MODEL to its folder, and no "
            "GRAPHRAG_EMBEDDING_BASE_URL"
        )
    return kind(
        Path(settings.embedding_model),
        query_prefix=settings.embedding_query_prefix,
        document_prefix=settings.embedding_document_prefix,
        workers=settings.embedding_workers,
    )


def _open_remote(settings: Settings, kind: Callable[..., Embedder]) -> Embedder:
    from graphrag.llm.presets import preset

    price = None if settings.embedding_price is None else Price(settings.embedding_price, 0.0)
    price = price or preset(settings.embedder).price(settings.embedding_model)
    _check_costs(settings, settings.embedding_model, price, "GRAPHRAG_EMBEDDING_PRICE")
    return kind(
        settings.embedder,
        settings.embedding_model,
        base_url=settings.embedding_base_url,
        api_key=settings.embedding_api_key.get_secret_value(),
        dimensions=settings.embedding_dimensions,
        query_prefix=settings.embedding_query_prefix,
        document_prefix=settings.embedding_document_prefix,
        price=price,
        batch=settings.embedding_batch,
        concurrency=settings.embedding_concurrency,
        seconds=settings.embedding_seconds,
    )


def open_extractor(settings: Settings, llm: "LanguageModel | None", replies: Replies) -> Extractor:
    """The configured extractor.

    Raises:
        ConfigError: as check_extractor.
    """
    schema, spacy = check_extractor(settings), SpacyExtractor(settings.spacy_pipeline)
    if schema is None or llm is None:
        return spacy
    from graphrag.extraction.model import ModelExtractor

    return ModelExtractor(spacy, llm, replies, schema=schema, concurrency=settings.llm_concurrency)


def check_extractor(settings: Settings) -> "ExtractionSchema | None":
    """What open_extractor needs, looked at without opening anything; returns the schema.

    Raises:
        ConfigError: it needs a language model and there is none, the schema cannot be used, or spaCy's pipeline is not there.
    """
    check_pipeline(settings.spacy_pipeline)
    return open_schema(settings)


def open_schema(settings: Settings) -> "ExtractionSchema | None":
    """The schema by which a language model extracts; None if none does.

    Raises:
        ConfigError: as check_extractor.
    """
    if settings.extractor == "spacy":
        if settings.extraction_schema is not None:
            raise ConfigError(
                "GRAPHRAG_EXTRACTION_SCHEMA is set, but only a language model extracts by a schema: set "
                "GRAPHRAG_EXTRACTOR=llm, too"
            )
        return None
    if not settings.llm_provider:
        raise ConfigError(
            "GRAPHRAG_EXTRACTOR=llm needs a language model: set GRAPHRAG_LLM_PROVIDER and GRAPHRAG_LLM_MODEL"
        )
    from graphrag.extraction.schema import load_schema

    return load_schema(settings.extraction_schema)


def open_llm(settings: Settings) -> "LanguageModel | None":
    """The configured language model; None if there is none. Nothing is sent to it yet.

    Raises:
        ConfigError: a setting is missing, contradicts another one, or a prompt file cannot be used.
    """
    if not settings.llm_provider:
        if settings.llm_model or settings.llm_base_url:
            raise ConfigError(
                "GRAPHRAG_LLM_MODEL or GRAPHRAG_LLM_BASE_URL is set, but not GRAPHRAG_LLM_PROVIDER: set it, too"
            )
        return None
    # Here, since it takes half a second to import, which nobody without a model should wait for.
    from graphrag.llm.calls import Patience
    from graphrag.llm.client import Chat
    from graphrag.llm.model import LanguageModel
    from graphrag.llm.presets import preset
    from graphrag.llm.prompts import load_prompts

    chosen, key = preset(settings.llm_provider), settings.llm_api_key.get_secret_value()
    if not settings.llm_model:
        raise ConfigError(f"GRAPHRAG_LLM_PROVIDER={chosen.name} needs a model: set GRAPHRAG_LLM_MODEL")
    if chosen.needs_key and not key:
        raise ConfigError(f"GRAPHRAG_LLM_PROVIDER={chosen.name} needs a key: set GRAPHRAG_LLM_API_KEY")
    price = _price(settings, chosen.price(settings.llm_model))
    _check_costs(settings, settings.llm_model, price, "GRAPHRAG_LLM_INPUT_PRICE and GRAPHRAG_LLM_OUTPUT_PRICE")
    chat = Chat(
        chosen,
        settings.llm_model,
        api_key=key,
        base_url=settings.llm_base_url,
        price=price,
        concurrency=settings.llm_concurrency,
        patience=Patience(seconds=settings.llm_seconds, silence_seconds=settings.llm_silence_seconds),
        context_tokens=settings.llm_context_tokens,
    )
    return LanguageModel(
        chat,
        load_prompts(settings.prompts_dir),
        output_tokens=settings.llm_output_tokens,
        native_tools=chosen.tools if settings.llm_tools == "auto" else settings.llm_tools == "native",
        verify=settings.llm_verify,
    )


def open_reranking(settings: Settings) -> "Reranker | None":
    """The configured re-ranking model; None if there is none. Nothing is sent to it yet.

    Raises:
        ConfigError: a setting is missing or contradicts another one.
    """
    if not settings.reranker:
        if settings.rerank_model or settings.rerank_base_url:
            raise ConfigError(
                "GRAPHRAG_RERANK_MODEL or GRAPHRAG_RERANK_BASE_URL is set, but not GRAPHRAG_RERANKER: set it, too"
            )
        return None
    if settings.reranker == "local":
        if not settings.rerank_model:
            raise ConfigError("GRAPHRAG_RERANKER=local needs a model: set GRAPHRAG_RERANK_MODEL to its folder")
        from graphrag.embedding.cross_encoder import CrossEncoder

        return CrossEncoder(Path(settings.rerank_model), candidates=settings.rerank_candidates)
    from graphrag.llm.rerank import SERVERS, open_reranker

    price = None if settings.rerank_price is None else Price(settings.rerank_price, 0.0)
    if SERVERS[settings.reranker].needs_key:
        _check_costs(settings, settings.rerank_model, price, "GRAPHRAG_RERANK_PRICE")
    return open_reranker(
        settings.reranker,
        settings.rerank_model,
        base_url=settings.rerank_base_url,
        api_key=settings.rerank_api_key.get_secret_value(),
        price=price,
        candidates=settings.rerank_candidates,
        concurrency=settings.rerank_concurrency,
        seconds=settings.rerank_seconds,
    )


_COSTS = ("llm_answer_cost", "llm_key_daily_cost", "llm_job_cost", "llm_daily_cost")


def _check_costs(settings: Settings, model: str, price: Price | None, remedy: str) -> None:
    costs = [name for name in _COSTS if getattr(settings, name)]
    if price is None and costs:
        raise ConfigError(
            f"GRAPHRAG_{costs[0].upper()} is a budget in money, but the price of {model!r} is not known here: set {remedy}"
        )


def _price(settings: Settings, known: Price | None) -> Price | None:
    given, made = settings.llm_input_price, settings.llm_output_price
    if given is not None and made is not None:
        return Price(given, made)
    if given is None and made is None:
        return known
    if known is None:
        raise ConfigError("set both GRAPHRAG_LLM_INPUT_PRICE and GRAPHRAG_LLM_OUTPUT_PRICE, or none of them")
    return Price(known.input if given is None else given, known.output if made is None else made)


def limits_of(settings: Settings) -> Limits:
    """The budgets that are configured."""
    return Limits(
        answer=Limit(settings.llm_answer_tokens, settings.llm_answer_cost),
        key=Limit(settings.llm_key_daily_tokens, settings.llm_key_daily_cost),
        job=Limit(settings.llm_job_tokens, settings.llm_job_cost),
        total=Limit(settings.llm_daily_tokens, settings.llm_daily_cost),
    )
