"""Length-prefixed frames over a pipe, and documents as JSON: how a parser process and its owner talk."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import BinaryIO

import msgspec

from graphrag.loaders.base import LoadedDocument

MAX_FRAME_BYTES = 1 << 30


def write_frame(stream: BinaryIO, payload: bytes) -> None:
    """Write one frame and flush. A stream whose reader is gone raises OSError."""
    stream.write(len(payload).to_bytes(8, "big"))
    stream.write(payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one frame; None at the end of the stream, also in the middle of a frame.

    Raises:
        ValueError: the frame is longer than MAX_FRAME_BYTES.
    """
    prefix = stream.read(8)
    if len(prefix) < 8:
        return None
    length = int.from_bytes(prefix, "big")
    if length > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {length} bytes is longer than {MAX_FRAME_BYTES}")
    payload = stream.read(length)
    return payload if len(payload) == length else None


def encode_documents(documents: Sequence[LoadedDocument]) -> bytes:
    """Documents as JSON."""
    return json.dumps({"documents": [asdict(document) for document in documents]}).encode()


def decode_documents(items: object) -> list[LoadedDocument]:
    """The inverse of `encode_documents`, given the list under "documents"."""
    return msgspec.convert(items, list[LoadedDocument])
