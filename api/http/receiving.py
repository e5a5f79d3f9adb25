"""Receiving uploads: from a request's body to files that wait in the upload folder. Names are data, never paths."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from tempfile import gettempdir
from typing import Any, cast

from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from api.bodies import repeated
from api.http.texts import read_texts
from api.problems import ProblemError
from graphrag.errors import InputError, StoreError
from graphrag.jobs import UploadedFile
from graphrag.types import Scalar, check_label, check_metadata
from graphrag.uploads import Upload, Uploads

MAX_SOURCE = 1_000
MAX_FIELD = 65_536
"""Characters of what is no file in a form."""
_PART = 1 << 20
_SEPARATOR = re.compile(r"[/\\]+")

Begin = Callable[[], Upload]
"""Begins to receive a file of the tenant."""


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
    try:
        form = await request.form()
    except (LookupError, UnicodeDecodeError) as exc:  # of a field's charset; Litestar lets them through
        raise ProblemError(400, "a field of the form is not text in its charset") from exc
    except ClientException as exc:
        if exc.status_code != 400:
            raise
        # So Litestar tells of a limit of its parser; with status 413 it is the body as a whole.
        if exc.detail == "Request Entity Too Large":
            raise ProblemError(400, "the form has more than 1,000 parts, or one with a head that is too long") from exc
        raise ProblemError(
            400,
            "the form cannot be read: it ends too early, the name of a file in it is not UTF-8, or the Content-Type does not name "
            "its boundary, which HTTP clients add by themselves where they are not given a Content-Type",
        ) from exc
    except OSError as exc:  # Litestar takes a form whole before it is read here
        raise StoreError(
            f"a form cannot be received in {gettempdir()} ({exc.strerror or exc}): free space there, or set TMPDIR"
        ) from exc
    empty: list[str] = []
    fields = [str(name) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    repeated(fields, "the form has fields twice, of which one would be passed over; give each once")
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            source = source_of(value.filename)
            if not await _file(_parts(value), begin, received, source):
                empty.append(source)  # taken like any other: the job tells of it by name, and stores the rest
        elif len(value) > MAX_FIELD:
            raise ProblemError(
                413,
                f"a field of the form has more than {MAX_FIELD:,} characters",
                errors=[(str(name)[:100], "too long")],
            )
        elif name == "access":
            received.access = check_label("access label", str(value))
        elif name == "metadata":
            received.metadata = _metadata(str(value))
        else:
            told = "the form has an unknown field; a file is a part with a file name"
            raise ProblemError(400, told, errors=[(str(name)[:100], "unknown field")])
    if not received.files:
        raise ProblemError(400, "the form holds no file; send each as a part with a file name")
    if len(empty) == len(received.files):
        raise ProblemError(422, "every file that was sent is empty", errors=[(source, "empty") for source in empty])


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


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(_PART):
        yield part


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
