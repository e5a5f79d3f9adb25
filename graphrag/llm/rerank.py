"""Re-ranking by protocol: a cross-encoder that reads a question with each passage, behind the `/rerank` route of Cohere.

Jina, vLLM and llama.cpp serve the same route, which answers with a score for each index.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from graphrag.errors import ConfigError, ContextOverflowError, ModelOutputError
from graphrag.llm.calls import Patience
from graphrag.llm.reading import Json, mapping, sequence
from graphrag.llm.service import Service
from graphrag.llm.usage import Price, estimate_tokens
from graphrag.types import whole


class Server(NamedTuple):
    """Where a re-ranking server listens, and whether it needs a key."""

    url: str
    needs_key: bool


# Apart from the presets of chat models: Jina has none, and Cohere's route is not below its OpenAI-compatible address.
SERVERS: Mapping[str, Server] = {
    "cohere": Server("https://api.cohere.com/v2", needs_key=True),
    "jina": Server("https://api.jina.ai/v1", needs_key=True),
    "vllm": Server("http://localhost:8000/v1", needs_key=False),
    "llamacpp": Server("http://localhost:8080/v1", needs_key=False),
}
_LARGEST = float(np.finfo(np.float32).max)
_SHORTENED = 8
"""How often passages are shortened by a quarter for a model that calls them too long."""


class Reranker(Protocol):
    """A re-ranking model: served (ServedReranker) or local (graphrag.embedding.cross_encoder)."""

    candidates: int
    """How many hits of a search it is given at least."""

    async def rerank(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How well each text answers the query. What is beyond the model's limit is cut.

        Returns:
            `(len(texts),)`, in the order of the texts; higher is better, on a scale of the model's own.

        Raises:
            ModelError: there are no scores.
        """
        ...

    async def aclose(self) -> None:
        """Let go of what it holds."""
        ...


class ServedReranker:
    """Implements Reranker. Belongs to one event loop; close it with `aclose`.

    Args:
        service: the model at its server.
        candidates: how many hits of a search it is given at least.
    """

    def __init__(self, service: Service, candidates: int = 40) -> None:
        self._service = service
        self.candidates = candidates

    @property
    def model(self) -> str:
        """Its name at the server."""
        return self._service.model

    async def aclose(self) -> None:
        """Close its connections."""
        await self._service.close()

    async def rerank(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Reranker.rerank.

        Raises:
            ModelUnavailableError, ModelRefusedError, BudgetError: see graphrag.errors.
            ModelOutputError: the server did not answer with one finite score for each text.
        """
        if not texts:
            return np.zeros(0, dtype=np.float32)
        # Half a surrogate pair cannot be sent, and some servers refuse an empty text.
        sent = [whole(text) or " " for text in texts]
        query = whole(query)
        for _ in range(_SHORTENED):
            try:
                return await self._scores(query, sent)
            except ContextOverflowError:
                longest = max(map(len, sent)) * 3 // 4
                sent = [text[:longest] or " " for text in sent]
        return await self._scores(query, sent)

    async def _scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        body = {"model": self._service.model, "query": query, "documents": list(texts)}
        # The question is read with every text.
        tokens = estimate_tokens(*texts) + len(texts) * estimate_tokens(query)
        return self._read(await self._service.ask("rerank", "/rerank", body, tokens), len(texts))

    def _read(self, reply: Json, count: int) -> NDArray[np.float32]:
        name = self._service.target.name
        results = [mapping(one) for one in sequence(reply.get("results"))]
        scores = np.full(count, np.nan, dtype=np.float32)
        for result in results:
            place, score = result.get("index"), result.get("relevance_score")
            if (
                not isinstance(place, int)
                or not 0 <= place < count
                or not isinstance(score, int | float)
                or not abs(score) <= _LARGEST  # nor a NaN
            ):
                raise ModelOutputError(
                    f"{name} answered with something that is no score of one of the passages: check GRAPHRAG_RERANKER"
                )
            scores[place] = score
        if len(results) != count or np.isnan(scores).any():
            raise ModelOutputError(
                f"{name} answered {count} passages with {len(results)} scores: check GRAPHRAG_RERANKER"
            )
        return scores


def open_reranker(
    server: str,
    model: str,
    *,
    base_url: str,
    api_key: str,
    price: Price | None,
    candidates: int,
    concurrency: int,
    seconds: float,
) -> ServedReranker:
    """A re-ranking model from what the settings say. Nothing is sent yet.

    Args:
        server: one of SERVERS.
        model: its name there.
        base_url: empty for the server's own.
        price: None if it is not known.
        candidates: hits of a search that are re-ranked, at least.
        concurrency: requests at once.
        seconds: of a request with all attempts.

    Raises:
        ConfigError: something is missing.
    """
    url, needs_key = SERVERS[server]
    if not model:
        raise ConfigError(f"GRAPHRAG_RERANKER={server} needs a model: set GRAPHRAG_RERANK_MODEL")
    if needs_key and not api_key:
        raise ConfigError(f"GRAPHRAG_RERANKER={server} needs a key: set GRAPHRAG_RERANK_API_KEY")
    service = Service(
        server,
        base_url or url,
        model,
        api_key=api_key,
        setting="GRAPHRAG_RERANK",
        price=price if needs_key else price or Price(0.0, 0.0),
        concurrency=concurrency,
        patience=Patience(seconds=seconds, silence_seconds=seconds),
    )
    return ServedReranker(service, candidates)
