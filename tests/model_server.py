"""A real HTTP server that speaks the OpenAI protocol by a script: for every shape in which a model can answer, or fail to."""

import asyncio
import base64
import json
import random
import struct
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graphrag.embedding.hashing import Hashing

Action = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Exchange:
    """A request that came, and the means to answer it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    left: bool = False
    """Whether the client closed the connection before the answer was complete."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was said."""
        return self.body["messages"]

    async def send(self, data: bytes) -> None:
        """Send bytes; raises ConnectionError when the client has gone."""
        if self.left:
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()

    async def head(
        self, status: int = 200, *, chunked: bool = False, length: int | None = None, **headers: str
    ) -> None:
        """Send the head of a response."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {headers.pop('content_type', 'application/json')}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {length or 0}")
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def chunk(self, data: bytes) -> None:
        """Send one chunk; an empty one ends the body."""
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))


def replies(
    text: str | None,
    *calls: tuple[str, Any],
    finish: str = "",
    usage: tuple[int, int] | None = (100, 20),
    pause: float = 0.0,
    cut_after: int | None = None,
) -> Action:
    """A reply, streamed by words if the request asks for a stream.

    Args:
        calls: (tool, arguments), the latter as a value or as text that is sent as it is.
        pause: seconds before each piece of a stream, or before the reply.
        cut_after: close the connection after so many pieces.
    """

    async def act(exchange: Exchange) -> None:
        tool_calls = [
            {
                "id": f"call_{n}",
                "type": "function",
                "function": {"name": name, "arguments": a if isinstance(a, str) else json.dumps(a)},
            }
            for n, (name, a) in enumerate(calls)
        ]
        ended = finish or ("tool_calls" if calls else "stop")
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1]} if usage else None
        if exchange.body.get("stream"):
            wants = exchange.body.get("stream_options", {}).get("include_usage")
            await _stream(exchange, text or "", ended, counts if wants else None, pause, cut_after)
            return
        await asyncio.sleep(pause)
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if tool_calls:
            message["tool_calls"] = tool_calls
        body: dict[str, Any] = {"choices": [{"index": 0, "message": message, "finish_reason": ended}], "model": "m"}
        if counts:
            body["usage"] = counts
        await raw(json.dumps(body).encode())(exchange)

    return act


def direction(text: str, dimension: int) -> list[float]:
    """A vector that depends on the text alone, and is of no particular length."""
    numbers = random.Random(text)
    return [numbers.gauss(0, 3) for _ in range(dimension)]


def embeds(dimension: int, *, backwards: bool = False, packed: bool | None = None, longest: int = 10**9) -> Action:
    """Vectors of the texts (`direction`), in OpenAI's form or, for texts of Cohere's, in that.

    Args:
        backwards: list them from last to first, which their `index` tells.
        packed: whether in base64; None as the request wants it.
        longest: texts with more characters are refused as too long.
    """

    async def act(exchange: Exchange) -> None:
        body = exchange.body
        texts: list[str] = body.get("texts") or body["input"]
        if any(len(text) > longest for text in texts):
            return await fails(400, f"maximum context length is {longest} characters")(exchange)
        length = body.get("dimensions") or body.get("output_dimension") or dimension
        vectors: list[Any] = [direction(text, length) for text in texts]
        if "texts" in body:
            reply: dict[str, Any] = {"embeddings": {"float": vectors}, "meta": {"billed_units": {"input_tokens": 7}}}
        else:
            if packed if packed is not None else body.get("encoding_format") == "base64":
                vectors = [base64.b64encode(struct.pack(f"<{length}f", *vector)).decode() for vector in vectors]
            data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
            reply = {"data": data[::-1] if backwards else data, "usage": {"prompt_tokens": 7, "total_tokens": 7}}
        return await raw(json.dumps(reply).encode())(exchange)

    return act


def hashes(dimension: int) -> Action:
    """Vectors of the texts as the hashing embedder makes them for documents, so that like texts have near ones."""

    async def act(exchange: Exchange) -> None:
        vectors = await Hashing(dimension).embed(exchange.body["input"], "document")
        data = [{"index": n, "embedding": vector.tolist()} for n, vector in enumerate(vectors)]
        await raw(json.dumps({"data": data}).encode())(exchange)

    return act


def ranks(score: Callable[[str, str], float]) -> Action:
    """Scores of documents for a query as Cohere sends them, best first."""

    async def act(exchange: Exchange) -> None:
        body = exchange.body
        scores = [score(body["query"], text) for text in body["documents"]]
        order = sorted(range(len(scores)), key=lambda n: -scores[n])
        results = [{"index": n, "relevance_score": scores[n]} for n in order]
        await raw(json.dumps({"results": results, "usage": {"total_tokens": 11}}).encode())(exchange)

    return act


async def _stream(
    exchange: Exchange, text: str, ended: str, counts: object, pause: float, cut_after: int | None
) -> None:
    await exchange.head(chunked=True, content_type="text/event-stream")
    words = text.split(" ")
    for n, word in enumerate(words):
        if n == cut_after:
            exchange.writer.close()
            return
        await asyncio.sleep(pause)
        delta = {"content": word if n == 0 else f" {word}"}
        await exchange.chunk(_event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))
    await exchange.chunk(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": ended}]}))
    if counts:
        await exchange.chunk(_event({"choices": [], "usage": counts}))
    await exchange.chunk(b"data: [DONE]\n\n")
    await exchange.chunk(b"")


def _event(data: object) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def raw(data: bytes, status: int = 200, **headers: str) -> Action:
    """These bytes as the body of a response."""

    async def act(exchange: Exchange) -> None:
        await exchange.head(status, length=len(data), **headers)
        await exchange.send(data)

    return act


def fails(status: int, message: str = "no", *, code: str | None = None, **headers: str) -> Action:
    """An error as OpenAI sends it."""
    body = {"error": {"message": message, "type": "error", "code": code}}
    return raw(json.dumps(body).encode(), status, **headers)


def hangs(seconds: float = 60.0) -> Action:
    """Nothing for a while."""

    async def act(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)

    return act


def closes() -> Action:
    """The connection is closed without a word."""

    async def act(exchange: Exchange) -> None:
        exchange.writer.close()

    return act


@dataclass
class ModelServer:
    """A server that runs. Actions of `script` are taken in order; after them `otherwise` answers everything."""

    url: str = ""
    script: list[Action] = field(default_factory=list[Action])
    otherwise: Action = field(default_factory=lambda: replies("Yes."))
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    most_at_once: int = 0
    _now: int = 0

    def next(self, *actions: Action) -> None:
        """Add to the script."""
        self.script += actions

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was asked."""
        return [exchange.body for exchange in self.exchanges]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            ahead: list[bytes] = []
            async for exchange in _requests(reader, writer, ahead):
                self.exchanges.append(exchange)
                action = self.script.pop(0) if self.script else self.otherwise
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
                acting = asyncio.ensure_future(action(exchange))
                gone = asyncio.ensure_future(reader.read(1))
                try:
                    await asyncio.wait({acting, gone}, return_when=asyncio.FIRST_COMPLETED)
                    if not acting.done():
                        exchange.left = True
                        acting.cancel()
                    await asyncio.gather(acting, return_exceptions=True)
                finally:
                    self._now -= 1
                    if gone.done():
                        ahead.append(gone.result())  # the first byte of the next request came already
                    else:
                        gone.cancel()
                        await asyncio.gather(gone, return_exceptions=True)
                if exchange.left or writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _requests(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ahead: list[bytes]
) -> AsyncGenerator[Exchange]:
    while True:
        text = await reader.readuntil(b"\r\n\r\n")
        head = (b"".join(ahead) + text).decode("latin-1").split("\r\n")
        ahead.clear()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        yield Exchange(head[0].split(" ")[1], headers, json.loads(body or b"{}"), writer, reader)


@contextmanager
def model_server() -> Generator[ModelServer]:
    """Run a server in a thread of its own."""
    server = ModelServer()
    started = threading.Event()
    ended: list[Callable[[], object]] = []

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        ended.append(lambda: loop.call_soon_threadsafe(stop.set))
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
            started.set()
            await stop.wait()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        ended[0]()
        thread.join(10)
