"""Streams of events end in a word, and end what feeds them."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from api.sse import Event, stream
from graphrag.errors import SchemaMismatchError, StoreError


def encoded(
    events: AsyncIterator[Event], closing: asyncio.Event | None = None, heartbeat: float = 5
) -> AsyncGenerator[bytes]:
    made: Any = stream(events, closing=closing or asyncio.Event(), heartbeat=heartbeat, request_id="r1")
    return made.iterator


async def of(*events: Event, error: Exception | None = None) -> AsyncGenerator[Event]:
    for event in events:
        yield event
    if error is not None:
        raise error


def problem(sent: bytes) -> dict[str, Any]:
    name, data = sent.decode().strip().split("\n")
    assert name == "event: error"
    return json.loads(data.removeprefix("data: "))


async def test_a_stream_ends_with_done_and_sends_nothing_after_it():
    sent = [part async for part in encoded(of(Event("step", {"a": 1}), Event("done", {}), Event("step", {})))]

    assert sent == [b'event: step\ndata: {"a":1}\n\n', b"event: done\ndata: {}\n\n"]


async def test_the_data_of_an_event_is_one_line_whatever_a_client_takes_for_the_end_of_one():
    text = "a\u0085b\u2028c\u2029d\re\nf\x0bg\x1ch"
    (sent,) = [part async for part in encoded(of(Event("done", {"question": text})))]

    name, data = sent.decode().rstrip("\n").splitlines()
    assert name == "event: done"
    assert json.loads(data.removeprefix("data: ")) == {"question": text}


async def test_an_error_midway_becomes_the_last_event_without_its_text():
    sent = [part async for part in encoded(of(Event("step", {}), error=StoreError("disk of /srv/x")))]

    assert len(sent) == 2
    assert problem(sent[-1])["status"] == 503
    assert b"/srv" not in sent[-1]


async def test_a_store_of_another_model_is_no_reason_to_try_again_at_once():
    (sent,) = [part async for part in encoded(of(error=SchemaMismatchError("filled with 'x' at /srv/x")))]

    assert problem(sent)["status"] == 503
    assert "start it again" in problem(sent)["detail"]
    assert b"/srv" not in sent


async def test_a_source_that_ends_without_a_last_word_is_a_fault():
    sent = [part async for part in encoded(of(Event("step", {})))]

    assert problem(sent[-1])["status"] == 500


async def test_the_source_is_closed_when_its_reader_leaves_between_two_events():
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[Event]:
        try:
            while True:
                yield Event("step", {})
        finally:
            await asyncio.sleep(0)
            closed.set()

    sent = encoded(endless())
    await anext(sent)
    await asyncio.sleep(0.01)  # the source is ahead now, and waits for its reader
    await sent.aclose()

    await asyncio.wait_for(closed.wait(), 1)


async def test_a_silent_source_is_covered_by_heartbeats_until_the_service_stops():
    closing = asyncio.Event()

    async def silent() -> AsyncGenerator[Event]:
        await asyncio.sleep(60)
        yield Event("done", {})

    sent = encoded(silent(), closing, heartbeat=0.01)
    assert (await anext(sent)).startswith(b":")
    closing.set()
    last = await anext(sent)
    while last.startswith(b":"):
        last = await anext(sent)

    assert problem(last)["status"] == 503
    assert [part async for part in sent] == []
