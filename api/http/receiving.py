"""Receiving uploads: from a request's body to files that wait in the upload folder. Names are data, never paths."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from litestar import Request
from multipart import MultipartSegment

from api.bodies import repeated
from api.http.forms import form_parts
from api.http.texts import read_texts
from api.problems import ProblemError
from graphrag.errors import InputError
from graphrag.jobs import UploadedFile
from graphrag.types import Scalar, check_label, check_metadata
from graphrag.uploads import Upload, Uploads

MAX_SOURCE = 1_000
MAX_FIELD = 65_536
"""Bytes of what is no file in a form."""
_SEPARATOR = re.compile(r"[/\\]+")

Begin = Callable[[], Upload]
"""Begins to receive a file of the tenant."""
Parts = AsyncGenerator[tuple[MultipartSegment, bytes]]
"""As form_parts gives them."""


@dataclass(slots=True)
class Received:
    """What a request brought. The files lie where no job finds them until they are kept."""

    access: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    files: list[UploadedFile] = field(default_factory=list[UploadedFile])
    uploads: list[Upload] = field(default_factory=list[Upload])

    def keep(self) -> None:
        """Put all files where they wait for their job. Blocks."""
        for upload in self.uploads:
            upload.finish()

    def discard(self) -> None:
        """Delete the files that were not kept. Blocks."""
        for upload in self.uploads:
            upload.discard()


@asynccontextmanager
async def receive(
    request: Request[Any, Any, Any], uploads: Uploads, tenant: str, *, source: str, access: str
) -> AsyncGenerator[Received]:
    """Take the documents of a request; what is not kept by the end of the block is deleted.

    Args:
        source: what a body of JSON lines is called.
        access: label of documents that do not come with one.

    Raises:
        ProblemError: the body is not what its content type says.
        InputError: a name, label or metadata that cannot be used.
    """
    received = Received(access)
    begin = partial(uploads.begin, tenant)
    try:
        match request.content_type[0]:
            case "application/json":
                await _texts(request, begin, received)
            case "application/x-ndjson":
                if not await _file(request.stream(), begin, received, source_of(source)):
                    raise ProblemError(400, "the body is empty; send one JSON object a line")
            case "multipart/form-data":
                await _form(request, begin, received)
            case _:
                raise ProblemError(415, "send multipart/form-data, application/json or application/x-ndjson")
        yield received
    finally:
        await asyncio.to_thread(received.discard)


async def _texts(request: Request[Any, Any, Any], begin: Begin, received: Received) -> None:
    data = await asyncio.to_thread(read_texts, await request.body())
    for document in data.documents:
        name = source_of(document.source)
        await _file(_whole(document.text), begin, received, name, document.title, document.metadata)
    received.access = data.access or received.access
    received.metadata = data.metadata


async def _form(request: Request[Any, Any, Any], begin: Begin, received: Received) -> None:
    fields: list[tuple[str, str]] = []
    empty: list[str] = []
    async with aclosing(form_parts(request)) as parts:
        async for part, data in parts:
            name = part.name or ""
            if part.filename:
                source = source_of(part.filename)
                if not await _file(_of_part(data, parts), begin, received, source):
                    empty.append(source)  # taken like any other: the job tells of it by name, and stores the rest
            elif name not in ("access", "metadata"):
                told = "the form has an unknown field; a file is a part with a file name"
                raise ProblemError(400, told, errors=[(name[:100], "unknown field")])
            else:
                fields.append((name, await _field(name, part.charset, data, parts)))
    repeated(
        [name for name, _ in fields], "the form has fields twice, of which one would be passed over; give each once"
    )
    for name, value in fields:
        if name == "access":
            received.access = check_label("access label", value)
        else:
            received.metadata = _metadata(value)
    if not received.files:
        raise ProblemError(400, "the form holds no file; send each as a part with a file name")
    if len(empty) == len(received.files):
        raise ProblemError(422, "every file that was sent is empty", errors=[(source, "empty") for source in empty])


async def _field(name: str, charset: str | None, first: bytes, parts: Parts) -> str:
    """The text of a field; no more of it is kept than is allowed.

    Raises:
        ProblemError: 413 or 400.
    """
    held = bytearray()
    async for data in _of_part(first, parts):
        held += data
        if len(held) > MAX_FIELD:
            told = f"a field of the form has more than {MAX_FIELD:,} bytes"
            raise ProblemError(413, told, errors=[(name, "too long")])
    try:
        return held.decode(charset or "utf-8")
    except (LookupError, UnicodeDecodeError) as exc:
        raise ProblemError(400, "a field of the form is not text in its charset") from exc


async def _of_part(first: bytes, parts: Parts) -> AsyncIterator[bytes]:
    """The bytes of the part that has begun, up to its end."""
    data = first
    while data:
        yield data
        _, data = await anext(parts)


def source_of(name: str) -> str:
    """The source that a sender's name for a document stands for: a relative path with forward slashes.

    Raises:
        InputError: nothing is left of it.
    """
    parts = [part.strip() for part in _SEPARATOR.split(name)]
    kept = [part for part in parts if part not in ("", ".", "..") and not re.fullmatch(r"[A-Za-z]:", part)]
    source = "".join(char if char.isprintable() else "\ufffd" for char in "/".join(kept))
    if not source or len(source) > MAX_SOURCE:
        raise InputError(f"a document needs a name of 1 to {MAX_SOURCE} characters, such as handbook/leave.md")
    return source


def _metadata(text: str) -> Mapping[str, Scalar]:
    try:
        value = cast(object, json.loads(text, object_pairs_hook=_once))
    except (ValueError, RecursionError) as exc:
        raise ProblemError(
            422, "the form field 'metadata' is not valid JSON", errors=[("metadata", "not JSON")]
        ) from exc
    if not isinstance(value, dict):
        raise ProblemError(
            422, "the form field 'metadata' is not a JSON object", errors=[("metadata", "not an object")]
        )
    return check_metadata(cast(dict[str, object], value))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    repeated([name for name, _ in pairs], "the form field 'metadata' has keys twice; give each once")
    return dict(pairs)


async def _whole(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def _file(
    parts: AsyncIterator[bytes],
    begin: Begin,
    received: Received,
    source: str,
    title: str = "",
    metadata: Mapping[str, Scalar] | None = None,
) -> bool:
    """Write a file as it comes; says whether there is a byte of it."""
    upload, size = await asyncio.to_thread(begin), 0
    received.uploads.append(upload)
    async for part in parts:
        size += len(part)
        await asyncio.to_thread(upload.write, part)
    received.files.append(UploadedFile(await asyncio.to_thread(upload.close), source, title, metadata or {}))
    return size > 0
