"""Replies of model servers are taken up to a size, as they come and as they unpack: a server may send anything."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import httpx2

from graphrag.errors import ModelOutputError

REPLY_BYTES = 32_000_000
"""Of a whole reply: a hundred thousand tokens have as much room as a stream takes for them, an event each."""
ACCEPTED = "gzip, deflate"
_EITHER_HEAD = 15 + 32
"""For zlib: a gzip or a zlib head, as is there."""


def bounding(name: str, most: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A hook of an HTTP client. Reading what it has seen raises ModelOutputError after `most` bytes.

    Args:
        name: of the server, for the message.
        most: bytes, unpacked.
    """

    async def bound(response: httpx2.Response) -> None:
        packing = response.headers.get("content-encoding", "").strip().lower()
        if packing not in ("", "identity", "gzip", "deflate"):
            raise ModelOutputError(
                f"{name} packs its reply with {packing[:20]!r}, which it was not asked for: see what stands before the server"
            )
        if packing:  # unpacked here, where it can be ended; a part of a few bytes may hold a thousand times as much
            del response.headers["content-encoding"]
        response.stream = _Bounded(
            cast(httpx2.AsyncByteStream, response.stream), name, most, packing in ("gzip", "deflate")
        )

    return bound


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, name: str, most: int, packed: bool) -> None:
        self._stream = stream
        self._name = name
        self._most = most
        self._unpack = zlib.decompressobj(_EITHER_HEAD) if packed else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        async for received in self._stream:
            part = self._unpacked(received, left)
            left -= len(part)
            if left < 0:
                raise ModelOutputError(
                    f"{self._name} sends more than {self._most:,} bytes in one reply, which no model writes: see what answers at "
                    f"its address"
                )
            if part:
                yield part

    async def aclose(self) -> None:
        """Close the connection, or give it back."""
        await self._stream.aclose()

    def _unpacked(self, part: bytes, left: int) -> bytes:
        if self._unpack is None:
            return part
        try:
            return self._unpack.decompress(part, left + 1)
        except zlib.error as exc:
            raise ModelOutputError(f"{self._name} sends a packed reply that is damaged") from exc
