"""A model that answers one JSON request with one JSON reply, embeddings or scores: under the one policy for calls.

What is asked and how a reply is read belongs to the callers; deadlines, attempts, budgets and errors are the same for all.
"""

import asyncio
from typing import Literal

import httpx2

from graphrag.llm.bounded import REPLY_BYTES
from graphrag.llm.calls import Endpoint, Patience
from graphrag.llm.client import open_client
from graphrag.llm.reading import Json, count_of, mapping, parsed
from graphrag.llm.tracing import model_span
from graphrag.llm.translate import Target, model_error, nothing_generated, server_name
from graphrag.llm.usage import Price, Usage, current_purse, used

Operation = Literal["embeddings", "rerank"]


class Service:
    """A model at a server. Belongs to one event loop; close it with `close`.

    Args:
        provider: its name, for messages and spans.
        base_url: what paths are joined to.
        model: its name at the server.
        api_key: sent as a bearer token; appears in no message and no log.
        setting: how the names of its settings begin, such as GRAPHRAG_EMBEDDING.
        price: None if it is not known; calls cost nothing then.
        concurrency: calls at once.
        reply_bytes: the largest reply that is read.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        model: str,
        *,
        api_key: str,
        setting: str,
        price: Price | None,
        concurrency: int,
        patience: Patience,
        reply_bytes: int = REPLY_BYTES,
    ) -> None:
        self.provider = provider
        self.model = model
        self.price = price
        self.endpoint = Endpoint(
            server_name(provider, base_url), concurrency=concurrency, patience=patience, setting=setting
        )
        self.target = Target(self.endpoint.name, model, api_key, setting)
        self._client = open_client(
            self.target.name, base_url=base_url, api_key=api_key, patience=patience, reply_bytes=reply_bytes
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def ask(self, operation: Operation, path: str, body: Json, tokens: int) -> Json:
        """The reply to a request.

        Args:
            operation: for spans.
            path: joined to the base URL.
            body: what is sent.
            tokens: of the input, estimated; counted where the reply does not say how many it were.

        Raises:
            ModelUnavailableError, ModelRefusedError, ModelOutputError, BudgetError: see graphrag.errors.
        """
        with model_span(operation, self.provider, self.model) as span:
            reply, usage = await self.endpoint.call(lambda _: self._attempt(path, body, tokens))
            span.finish(usage)
            return reply

    async def _attempt(self, path: str, body: Json, tokens: int) -> tuple[Json, Usage]:
        purse = current_purse()
        reservation = await purse.reserve(used(self.price, tokens, 0))
        actual = reservation.most
        try:
            # A Response as it is: the SDK's models take anything for valid.
            response = await self._client.post(path, body=dict(body), cast_to=httpx2.Response)
            # In a thread: a batch of vectors is megabytes of text.
            reply = await asyncio.to_thread(parsed, response.content, self.target)
            counted = _input_tokens(reply)
            actual = used(self.price, tokens if counted is None else counted, 0)
        except Exception as exc:  # of the SDK or ours: see model_error
            if nothing_generated(exc):
                actual = Usage(calls=1)
            translated = model_error(exc, self.target)
            if translated is exc:
                raise
            raise translated from exc
        else:
            return reply, actual
        finally:
            await purse.settle(reservation, actual)


def _input_tokens(reply: Json) -> int | None:
    """As OpenAI reports them, or as Cohere does."""
    usage, meta = mapping(reply.get("usage")), mapping(reply.get("meta"))
    reported = (
        usage.get("prompt_tokens"),
        usage.get("total_tokens"),
        mapping(meta.get("billed_units")).get("input_tokens"),
        mapping(meta.get("tokens")).get("input_tokens"),
    )
    return next((count for value in reported if (count := count_of(value))), None)
