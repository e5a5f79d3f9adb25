"""A chat model behind the OpenAI protocol: replies, structured output and streams, under the one policy for calls.

Uses `chat.completions`, which every server speaks. Replies are read from the JSON itself, not through the SDK's models,
which take anything for valid or raise from within.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx2
import openai
from pydantic import BaseModel, ValidationError

from graphrag.errors import ModelOutputError, ModelRefusedError, ModelUnavailableError
from graphrag.llm.bounded import ACCEPTED, REPLY_BYTES, bounding
from graphrag.llm.calls import Endpoint, Patience
from graphrag.llm.chat_types import Message, Reply, ToolDescription
from graphrag.llm.presets import Preset
from graphrag.llm.reading import (
    count_of,
    first_choice,
    mapping,
    parsed,
    refusal_of,
    requests_of,
    sequence,
    text_of,
)
from graphrag.llm.repair import read_json
from graphrag.llm.saying import sent
from graphrag.llm.schema import response_format, told
from graphrag.llm.thinking import ThinkingFilter, without_thinking
from graphrag.llm.tracing import model_span
from graphrag.llm.translate import Target, model_error, nothing_generated, server_name
from graphrag.llm.usage import (
    TOKENS_PER_MESSAGE,
    Price,
    Reservation,
    Usage,
    current_purse,
    estimate_tokens,
    used,
)
from graphrag.types import whole

_Shape = TypeVar("_Shape", bound=BaseModel)
_Made = TypeVar("_Made")
CHARACTERS_PER_TOKEN = 16
"""More than these no model writes on average; a server that passes them does not keep to the length asked for."""
_WRONG = "That reply cannot be used: {problem}\nReply again, with one JSON object that fits this schema and nothing else:\n{schema}"
_ONLY_JSON = "Reply with one JSON object that fits this schema, and nothing else:\n"


def open_client(
    name: str, *, base_url: str, api_key: str, patience: Patience, reply_bytes: int = REPLY_BYTES
) -> openai.AsyncOpenAI:
    """The SDK's client without its own retries, and without what it would take from the environment.

    Args:
        name: of the server, for messages.
        reply_bytes: the largest reply that is read.
    """
    timeout = httpx2.Timeout(patience.silence_seconds, connect=patience.connect_seconds)
    url = httpx2.URL(base_url)
    # A password in the URL would stand in the log of every request.
    auth = httpx2.BasicAuth(url.username, url.password) if url.userinfo else None
    return openai.AsyncOpenAI(
        api_key=api_key or "none",  # servers of one's own take any
        base_url=str(url.copy_with(userinfo=b"")),
        organization="",
        project="",
        timeout=timeout,
        max_retries=0,
        http_client=httpx2.AsyncClient(
            auth=auth,
            timeout=timeout,
            limits=httpx2.Limits(max_connections=None, keepalive_expiry=20),
            follow_redirects=False,
            headers={"Accept-Encoding": ACCEPTED},
            event_hooks={"response": [bounding(name, reply_bytes)]},
            # A server on this machine is not asked through the proxy that the environment names for others.
            mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},
        ),
    )


class Chat:
    """A chat model. Belongs to one event loop; close it with `async with` or `close`.

    Args:
        model: its name at the server.
        api_key: sent as a bearer token; appears in no message and no log.
        base_url: instead of the preset's.
        price: instead of the preset's; None if it is not known.
        context_tokens: the longest input that is sent.
    """

    def __init__(
        self,
        preset: Preset,
        model: str,
        *,
        api_key: str = "",
        base_url: str = "",
        price: Price | None = None,
        concurrency: int = 4,
        patience: Patience | None = None,
        context_tokens: int = 16_000,
    ) -> None:
        url = base_url or preset.base_url
        self.preset = preset
        self.model = model
        self.price = price or preset.price(model)
        self.context_tokens = context_tokens
        self.endpoint = Endpoint(server_name(preset.name, url), concurrency=concurrency, patience=patience)
        self.target = Target(self.endpoint.name, model, api_key)
        self.client = open_client(self.target.name, base_url=url, api_key=api_key, patience=self.endpoint.patience)
        self._constrains = preset.json_schema
        self._warm = preset.takes_temperature(model)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self.client.close()

    async def complete(
        self, messages: Sequence[Message], *, max_tokens: int, tools: Sequence[ToolDescription] = ()
    ) -> Reply:
        """One reply.

        Raises:
            ModelUnavailableError, ModelRefusedError, ModelOutputError, BudgetError: see graphrag.errors.
        """
        return await self._complete(messages, max_tokens, tools, None)

    async def structured(self, messages: Sequence[Message], shape: type[_Shape], *, max_tokens: int) -> _Shape:
        """A reply of a given shape: constrained by the server where it can, mended where it slipped, asked for once more.

        Raises:
            ModelOutputError: neither reply fits.
            ModelUnavailableError, ModelRefusedError, BudgetError: as complete.
        """
        schema = told(shape)
        said = list(messages)
        for attempt in (1, 2):
            reply = await self._constrained(said, shape, schema, max_tokens)
            try:
                return shape.model_validate(read_json(reply.text))
            except (ModelOutputError, ValidationError) as exc:
                problem = _problem(exc, reply)
                if attempt == 2:
                    raise ModelOutputError(f"{self.model!r} did not reply in the form asked for: {problem}") from exc
                wrong = _WRONG.format(problem=problem, schema=schema)
                said += [Message("assistant", reply.text[:4000] or "(nothing)"), Message("user", wrong)]
        raise AssertionError("the second attempt returns or raises")

    async def stream(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[str | Reply]:
        """Pieces of a reply as they come, then the whole Reply. Close it (`aclosing`) to break it off at the server.

        Raises:
            ModelUnavailableError: also when the stream breaks off, with pieces passed on already.
            ModelRefusedError, ModelOutputError, BudgetError: as complete.
        """
        body = self._body(messages, max_tokens, (), None)
        body["stream"] = True
        if self.preset.stream_usage:
            body["stream_options"] = {"include_usage": True}
        deadline = self.endpoint.deadline()

        async def opening(_: float) -> _Stream:
            return await _Stream.open(self, body, max_tokens)

        with model_span("chat", self.preset.name, self.model, max_tokens, current=False) as span:
            async with self.endpoint.room(deadline):
                opened = await self._adapted(body, lambda: self.endpoint.attempts(opening, deadline))
                async with aclosing(opened.pieces(deadline)) as pieces:
                    async for piece in pieces:
                        yield piece
                reply = opened.reply()
                span.finish(reply.usage, reply.finish)
                yield reply

    async def _adapted(self, body: dict[str, Any], call: Callable[[], Awaitable[_Made]]) -> _Made:
        """What a call makes; where it is refused for its temperature, which some models take none of, without from then on."""
        try:
            return await call()
        except ModelRefusedError as exc:
            if "temperature" not in body or "temperature" not in str(exc):
                raise
        self._warm = False
        del body["temperature"]
        return await call()

    async def _constrained(
        self, messages: Sequence[Message], shape: type[BaseModel], schema: str, max_tokens: int
    ) -> Reply:
        if self._constrains:
            form = response_format(shape, strict=self.preset.strict)
            try:
                return await self._complete(messages, max_tokens, (), form)
            except ModelRefusedError as exc:
                if not any(word in str(exc) for word in ("response_format", "json_schema", "schema", "grammar")):
                    raise
                self._constrains = False
        instruction = Message("system", _ONLY_JSON + schema)
        return await self._complete([*messages[:1], instruction, *messages[1:]], max_tokens, (), None)

    async def _complete(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        tools: Sequence[ToolDescription],
        form: Mapping[str, object] | None,
    ) -> Reply:
        body = self._body(messages, max_tokens, tools, form)

        async def attempt(seconds: float) -> Reply:
            paid = _Paid(self, body, max_tokens)
            # Nothing comes before the whole reply is there: that is no silence.
            timeout = httpx2.Timeout(seconds, connect=self.endpoint.patience.connect_seconds)
            async with paid:
                raw = await self.client.chat.completions.with_raw_response.create(**body, timeout=timeout)
                reply = _read_reply(raw.http_response.content, paid)
                paid.actual = reply.usage
            return reply

        with model_span("chat", self.preset.name, self.model, max_tokens) as span:
            reply = await self._adapted(body, lambda: self.endpoint.call(attempt))
            span.finish(reply.usage, reply.finish)
            return reply

    def _body(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        tools: Sequence[ToolDescription],
        form: Mapping[str, object] | None,
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [sent(message) for message in messages],
            self.preset.token_parameter: max_tokens,
        }
        if self._warm:
            body["temperature"] = 0
        if tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in tools
            ]
        if form is not None:
            body["response_format"] = dict(form)
        return body


class _Paid:
    """One attempt: reserved before, settled after, and what it raises translated."""

    def __init__(self, chat: Chat, body: Mapping[str, Any], max_tokens: int) -> None:
        self.chat = chat
        texts = [json.dumps(body[name]) for name in ("tools", "response_format") if name in body]
        said = cast("list[dict[str, Any]]", body["messages"])
        texts += [str(message.get("content") or "") + json.dumps(message.get("tool_calls", "")) for message in said]
        self.input = estimate_tokens(*texts) + TOKENS_PER_MESSAGE * (1 + len(said))
        self.output = max_tokens
        self.actual: Usage | None = None
        self._purse = current_purse()
        self._reservation: Reservation | None = None

    async def __aenter__(self) -> "_Paid":
        self._reservation = await self._purse.reserve(used(self.chat.price, self.input, self.output))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # With what is known: what the reply said, nothing if the server refused, else the most it can have cost.
        reservation = cast(Reservation, self._reservation)
        refused = Usage(calls=1) if nothing_generated(error) else reservation.most
        await self._purse.settle(reservation, self.actual or refused)
        if isinstance(error, Exception):
            translated = model_error(error, self.chat.target)
            if translated is not error:
                raise translated from error

    def usage(self, reported: object, text: str) -> tuple[Usage, bool]:
        """What a reply used, and whether that had to be estimated."""
        counts = mapping(reported)
        given, made = count_of(counts.get("prompt_tokens")), count_of(counts.get("completion_tokens"))
        if given is not None and made is not None:
            return used(self.chat.price, given, made), False
        return used(self.chat.price, self.input, estimate_tokens(text)), True


class _Stream:
    """A stream that has begun."""

    def __init__(self, paid: _Paid, events: AsyncIterator[object]) -> None:
        self._paid = paid
        self._events = events
        self._open = AsyncExitStack()
        """Counts what was used, closes the connection, then settles."""
        self._filter = ThinkingFilter()
        self._raw: list[str] = []
        self._text: list[str] = []
        self._finish = ""
        self._refusal = ""
        self._reported: object = None
        self._first = ""
        self._half = ""
        self._began = False
        self._written = 0

    @classmethod
    async def open(cls, chat: Chat, body: Mapping[str, Any], max_tokens: int) -> "_Stream":
        """Open a stream and wait for its first event, until which a failure can be made good by another attempt."""
        async with AsyncExitStack() as stack:
            paid = await stack.enter_async_context(_Paid(chat, body, max_tokens))
            response: Any = await chat.client.chat.completions.create(**body)
            stack.push_async_callback(_close, response)
            made = cls(paid, aiter(response))
            made._first = await made._next() or ""
            made._open = stack.pop_all()
            made._open.callback(made._count)
        return made

    def _count(self) -> None:
        """What was generated is paid for, also when the reader went away."""
        self._paid.actual, _ = self._paid.usage(self._reported, "".join(self._raw))

    async def pieces(self, deadline: float) -> AsyncGenerator[str]:
        """The text as it comes, without thinking. The stream is closed and paid for when this ends, however it does."""
        chat = self._paid.chat
        try:
            async with self._open:
                piece: str | None = self._first
                while piece is not None:
                    if piece and (out := self._filter.feed(piece)):
                        self._text.append(out)
                        yield out
                    piece = await self._next_before(deadline)
                if rest := self._filter.end():
                    self._text.append(rest)
                    yield rest
                if not self._began:
                    raise ModelOutputError(f"{chat.target.name} sent no stream of events: check GRAPHRAG_LLM_BASE_URL")
                if not self._finish:
                    raise ModelUnavailableError(f"{chat.target.name} broke its reply off")
        except ModelUnavailableError:
            chat.endpoint.breaker.failed()
            raise

    def reply(self) -> Reply:
        """The whole reply, after the last piece."""
        usage, estimated = self._paid.usage(self._reported, "".join(self._raw))
        return Reply("".join(self._text).strip(), (), self._finish, usage, estimated, self._refusal)

    async def _next_before(self, deadline: float) -> str | None:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await self._next()
        except TimeoutError as exc:
            raise ModelUnavailableError(
                f"{self._paid.chat.target.name} did not finish its reply in time: raise GRAPHRAG_LLM_SECONDS for a slow model"
            ) from exc

    async def _next(self) -> str | None:
        """The text of the next event that has some; None at the end."""
        while True:
            try:
                event = await anext(self._events)
            except StopAsyncIteration:
                return None
            self._began = True
            data = mapping(event.model_dump(warnings=False) if isinstance(event, BaseModel) else event)
            self._reported = data.get("usage") or self._reported
            if not (choices := sequence(data.get("choices"))):
                continue
            choice = mapping(choices[0])
            self._finish = str(choice.get("finish_reason") or self._finish)
            delta = mapping(choice.get("delta"))
            self._refusal += refusal_of(delta)
            text = self._half + text_of(delta.get("content"))
            # A character may come in two events, half a surrogate pair in each.
            self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
            if text := whole(text):
                self._raw.append(text)
                self._written += len(text)
                if self._written > self._paid.output * CHARACTERS_PER_TOKEN:
                    paid = self._paid
                    raise ModelOutputError(
                        f"{paid.chat.target.name} writes on beyond the {paid.output} tokens that it was asked for"
                    )
                return text


async def _close(response: Any) -> None:
    with suppress(Exception):  # the SDK's and the transport's: what was sent is read by now, or not wanted any more
        await response.close()


def _read_reply(content: bytes, paid: _Paid) -> Reply:
    target = paid.chat.target
    data = parsed(content, target)
    choice = first_choice(data, target)
    message = mapping(choice.get("message"))
    raw, requests = whole(text_of(message.get("content"))), requests_of(message.get("tool_calls"))
    usage, estimated = paid.usage(data.get("usage"), raw + "".join(call.arguments for call in requests))
    finish = str(choice.get("finish_reason") or "")
    return Reply(without_thinking(raw), requests, finish, usage, estimated, refusal_of(message))


def _problem(exc: Exception, reply: Reply) -> str:
    cut = f" ({reply.broken_off})" if reply.broken_off else ""
    if isinstance(exc, ValidationError):
        wrong = [f"{'.'.join(map(str, error['loc'])) or 'the object'}: {error['msg']}" for error in exc.errors()[:5]]
        return "; ".join(wrong) + cut
    return str(exc) + cut
