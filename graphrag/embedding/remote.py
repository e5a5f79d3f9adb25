"""An embedder behind a protocol: OpenAI's `/embeddings`, which nearly every server speaks, and Cohere's own `/embed`.

Cohere's own, since its OpenAI-compatible one takes no `input_type`, with which its models tell questions from passages.
"""

import asyncio
import base64
import binascii
import math
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from graphrag.embedding import Embedder, Kind
from graphrag.embedding.centring import Centred
from graphrag.embedding.models import EmbeddingModel, embedding_model
from graphrag.errors import ConfigError, ContextOverflowError, ModelOutputError
from graphrag.llm.bounded import REPLY_BYTES
from graphrag.llm.calls import Patience
from graphrag.llm.presets import preset
from graphrag.llm.reading import Json, mapping, sequence
from graphrag.llm.service import Service
from graphrag.llm.usage import Price, estimate_tokens
from graphrag.types import whole

BATCH_TOKENS = 16_000
"""Estimated, of the texts of one request, unless a single text has more. Mistral takes no more than these, others do."""
_VECTOR_BYTES = 4_096 * 32
"""Of the longest vector, written as JSON."""
COHERE_URL = "https://api.cohere.com/v2"
_COHERE_TYPES = {"query": "search_query", "document": "search_document"}


class RemoteEmbedder:
    """Implements Embedder. Belongs to one event loop; close it with `aclose`.

    Documents never take the last of the server's places, so that a question need not wait for an ingest to end.

    Args:
        service: the model at its server.
        model: what is known of it.
        cohere: whether the server speaks Cohere's protocol instead of OpenAI's.
        packed: whether to ask for vectors in base64, a third of the bytes. Both forms are read.
        batch: texts in one request, at most.
        concurrency: that of the service.
    """

    def __init__(
        self,
        service: Service,
        model: EmbeddingModel,
        *,
        cohere: bool = False,
        packed: bool = False,
        batch: int = 64,
        concurrency: int = 4,
    ) -> None:
        self._service = service
        self._model = model
        self._cohere = cohere
        self._format = "base64" if packed else "float"
        self._batch = batch
        self._for_documents = asyncio.Semaphore(max(1, concurrency - 1))
        self._prefixes: dict[Kind, str] = {"query": model.query_prefix, "document": model.document_prefix}

    @property
    def fingerprint(self) -> str:
        """As Embedder.fingerprint. Where the server is has no part in it: models may move."""
        rule = repr((self._model.query_prefix, self._model.document_prefix)) if any(self._prefixes.values()) else "none"
        return f"{self._service.model}/{self._model.dimension}/prefix:{'input_type' if self._cohere else rule}"

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._model.dimension

    @property
    def scale(self) -> float:
        """As Embedder.scale."""
        return self._model.scale

    async def aclose(self) -> None:
        """Close its connections."""
        await self._service.close()

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """As Embedder.embed, in as many requests as it takes.

        Raises:
            ModelUnavailableError: the server is down, too slow, or left alone after failing again and again.
            ModelRefusedError: it does not accept the key, the model or the parameters.
            ModelOutputError: it answered other than one vector of `dimension` finite numbers for each text.
            BudgetError: the purse that pays does not hold enough.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        # Half a surrogate pair cannot be sent, and most servers refuse an empty text.
        sent = [whole(f"{self._prefixes[kind]}{text}") or " " for text in texts]
        batches = list(_batches(sent, self._batch))
        if kind == "query":
            return np.concatenate([await self._embed(batch, kind) for batch in batches])

        async def with_room(batch: Sequence[str]) -> NDArray[np.float32]:
            async with self._for_documents:
                return await self._embed(batch, kind)

        tasks = [asyncio.ensure_future(with_room(batch)) for batch in batches]
        try:
            return np.concatenate(await asyncio.gather(*tasks))
        finally:  # when one has failed, the others are in vain
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """One request; more where a text is too long, which is sent alone and shortened until it fits."""
        try:
            return await self._request(texts, kind)
        except ContextOverflowError:
            if len(texts) == 1 and len(texts[0]) < 2:
                raise
        if len(texts) > 1:
            half = len(texts) // 2
            return np.concatenate([await self._embed(texts[:half], kind), await self._embed(texts[half:], kind)])
        return await self._embed([texts[0][: len(texts[0]) * 3 // 4]], kind)

    async def _request(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        body: dict[str, object] = {"model": self._service.model}
        if self._cohere:
            body |= {"texts": list(texts), "input_type": _COHERE_TYPES[kind], "embedding_types": ["float"]}
        else:
            body |= {"input": list(texts), "encoding_format": self._format}
        if self._model.shortens:
            body["output_dimension" if self._cohere else "dimensions"] = self.dimension
        path = "/embed" if self._cohere else "/embeddings"
        reply = await self._service.ask("embeddings", path, body, estimate_tokens(*texts))
        return await asyncio.to_thread(self._read, reply, len(texts))

    def _read(self, reply: Json, count: int) -> NDArray[np.float32]:
        name = self._service.target.name
        rows = sequence(mapping(reply.get("embeddings")).get("float")) if self._cohere else _in_order(reply)
        if len(rows) != count:
            raise ModelOutputError(f"{name} answered {count} texts with {len(rows)} vectors: check GRAPHRAG_EMBEDDER")
        vectors = np.empty((count, self.dimension), dtype=np.float32)
        for place, row in enumerate(rows):
            vector = _vector(row)
            if vector is None:
                raise ModelOutputError(
                    f"{name} answered with something that is no vector of numbers: check GRAPHRAG_EMBEDDER"
                )
            if vector.shape != (self.dimension,):
                raise ModelOutputError(
                    f"{name} answered with vectors of {vector.size} numbers, expected are {self.dimension}: check "
                    f"GRAPHRAG_EMBEDDING_MODEL and GRAPHRAG_EMBEDDING_DIMENSIONS"
                )
            length = float(np.linalg.norm(vector))
            if not math.isfinite(length) or length < 1e-12:
                raise ModelOutputError(f"{name} answered with a vector that is not finite, or zero")
            vectors[place] = vector / length
        return vectors


def open_remote(
    provider: str,
    model: str,
    *,
    base_url: str,
    api_key: str,
    dimensions: int,
    query_prefix: str | None,
    document_prefix: str | None,
    price: Price | None,
    batch: int,
    concurrency: int,
    seconds: float,
) -> Embedder:
    """An embedder from what the settings say, centred if the model is known to need it. Nothing is sent yet.

    Args:
        provider: one of graphrag.llm.presets.
        model: its name there.
        base_url: empty for the provider's own.
        dimensions: 0 for the model's own.
        query_prefix: None for the model's own.
        document_prefix: None for the model's own.
        price: None if it is not known.
        batch: texts in a request.
        concurrency: requests at once.
        seconds: of a request with all attempts.

    Raises:
        ConfigError: something is missing, or the provider has no embeddings.
    """
    chosen = preset(provider)
    if not chosen.embeddings:
        raise ConfigError(f"GRAPHRAG_EMBEDDER={chosen.name}, but it offers no embeddings: choose another provider")
    if not model:
        raise ConfigError(f"GRAPHRAG_EMBEDDER={chosen.name} needs a model: set GRAPHRAG_EMBEDDING_MODEL")
    if chosen.needs_key and not api_key:
        raise ConfigError(f"GRAPHRAG_EMBEDDER={chosen.name} needs a key: set GRAPHRAG_EMBEDDING_API_KEY")
    known = embedding_model(model, dimensions=dimensions, query_prefix=query_prefix, document_prefix=document_prefix)
    cohere = chosen.name == "cohere"
    if cohere and (known.query_prefix or known.document_prefix):
        raise ConfigError(
            "Cohere's models take no prefixes: unset GRAPHRAG_EMBEDDING_QUERY_PREFIX and _DOCUMENT_PREFIX"
        )
    service = Service(
        chosen.name,
        base_url or (COHERE_URL if cohere else chosen.base_url),
        model,
        api_key=api_key,
        setting="GRAPHRAG_EMBEDDING",
        price=price,
        concurrency=concurrency,
        patience=Patience(seconds=seconds, silence_seconds=seconds),
        reply_bytes=max(REPLY_BYTES, batch * _VECTOR_BYTES),
    )
    embedder = RemoteEmbedder(
        service,
        known,
        cohere=cohere,
        packed=chosen.name == "openai",
        batch=batch,
        concurrency=concurrency,
    )
    return Centred(embedder, scale=known.scale) if known.cornered else embedder


def _batches(texts: Sequence[str], most: int) -> Iterator[list[str]]:
    """The texts in order, at most so many together, and BATCH_TOKENS."""
    batch: list[str] = []
    tokens = 0
    for text in texts:
        needed = estimate_tokens(text)
        if batch and (len(batch) == most or tokens + needed > BATCH_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append(text)
        tokens += needed
    yield batch


def _in_order(reply: Json) -> list[object]:
    """The embeddings of an OpenAI reply, by their `index` where each has one of its own."""
    data = [mapping(one) for one in sequence(reply.get("data"))]
    places = [one.get("index") for one in data]
    if all(isinstance(place, int) for place in places) and set(places) == set(range(len(data))):
        data = sorted(data, key=lambda one: cast(int, one["index"]))
    return [one.get("embedding") for one in data]


def _vector(row: object) -> NDArray[np.float64] | None:
    try:
        if isinstance(row, str):
            return np.frombuffer(base64.b64decode(row, validate=True), dtype="<f4").astype(np.float64)
        return np.asarray(row, dtype=np.float64) if isinstance(row, list) else None
    except (ValueError, TypeError, OverflowError, binascii.Error):
        return None
