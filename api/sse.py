"""Server-sent events that always end in a word: `done`, or `error` with a problem."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from litestar.response import Stream
from litestar.serialization import encode_json
from pydantic import BaseModel

from api.problems import ProblemError, body_of, busy, problem_of, report

MEDIA_TYPE = "text/event-stream"
_HEARTBEAT: Final = b": still here\n\n"
# To JSON and to the standard they end no line, to many a client they do, httpx and requests among them.
_LINE_ENDS = tuple((sign.encode(), f"\\u{ord(sign):04x}".encode()) for sign in "\u0085\u2028\u2029")
_AHEAD = 16
"""Events that may wait for a slow reader."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `done` is the last one of a stream that went well."""

    name: str
    data: BaseModel | dict[str, Any]


def stream(events: AsyncGenerator[Event], *, closing: asyncio.Event, heartbeat: float, request_id: str) -> Stream:
    """A response of events.

    Args:
        events: consumed in a task of its own, which is cancelled when the client goes away; ends with `done`.
        closing: set when the service stops; the stream then ends with `error`.
        heartbeat: seconds of silence after which a comment is sent, so that proxies keep the connection.
    """
    return Stream(
        _encoded(events, closing, heartbeat, request_id),
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _encoded(
    events: AsyncGenerator[Event], closing: asyncio.Event, heartbeat: float, request_id: str
) -> AsyncGenerator[bytes]:
    queue: asyncio.Queue[Event | BaseException] = asyncio.Queue(_AHEAD)
    producer = asyncio.create_task(_produce(events, queue))
    stopped = asyncio.create_task(closing.wait())
    following = asyncio.create_task(queue.get())
    try:
        while True:
            await asyncio.wait({following, stopped}, timeout=heartbeat, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                item = following.result()
                if isinstance(item, BaseException):
                    problem = problem_of(item)
                    report(item, problem)
                    yield _failure(problem, request_id)
                    return
                yield _bytes(item.name, item.data)
                if item.name == "done":
                    return
                following = asyncio.create_task(queue.get())
            elif stopped.done():
                yield _failure(busy("the service is stopping; ask again", retry_after=5), request_id)
                return
            else:
                yield _HEARTBEAT
    finally:
        # Not waited for: where the client is gone, every wait in here is cancelled again.
        for task in (producer, stopped, following):
            task.cancel()


async def _produce(events: AsyncGenerator[Event], queue: "asyncio.Queue[Event | BaseException]") -> None:
    try:
        # Closed here and now: a source that is left to the garbage collector holds its place among the questions.
        async with aclosing(events):
            async for event in events:
                await queue.put(event)
        await queue.put(AssertionError("a stream ends with 'done'"))
    except Exception as exc:  # whatever it is, the stream tells it as its last event
        await queue.put(exc)


def _failure(problem: ProblemError, request_id: str) -> bytes:
    return _bytes("error", body_of(problem, request_id))


def _bytes(name: str, data: BaseModel | dict[str, Any]) -> bytes:
    text = data.model_dump_json().encode() if isinstance(data, BaseModel) else encode_json(data)
    for sign, escaped in _LINE_ENDS:
        text = text.replace(sign, escaped)
    return b"event: %s\ndata: %s\n\n" % (name.encode(), text)
