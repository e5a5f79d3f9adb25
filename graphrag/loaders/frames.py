"""Length-prefixed frames over a pipe, and documents as JSON: how a parser process and its owner talk."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import BinaryIO, cast

from graphrag.loaders.base import Heading, LoadedDocument
from graphrag.types import Metadata

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


def decode_documents(items: Sequence[object]) -> list[LoadedDocument]:
    """The inverse of `encode_documents`, given the list under "documents"."""
    return [_document(cast(Mapping[str, object], item)) for item in items]


def _document(item: Mapping[str, object]) -> LoadedDocument:
    headings = cast(Sequence[Mapping[str, object]], item["headings"])
    return LoadedDocument(
        source=cast(str, item["source"]),
        title=cast(str, item["title"]),
        media_type=cast(str, item["media_type"]),
        text=cast(str, item["text"]),
        headings=tuple(
            Heading(cast(int, heading["start"]), cast(int, heading["level"]), cast(str, heading["text"]))
            for heading in headings
        ),
        pages=tuple(cast(Sequence[int], item["pages"])),
        metadata=cast(Metadata, item["metadata"]),
        content_sha256=cast(str, item["content_sha256"]),
    )
