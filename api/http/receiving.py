"""Receiving uploads: from a request's body to files that wait in the upload folder. Names are data, never paths."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from litestar import Request
from litestar.datastructures import UploadFile
from pydantic import ValidationError

from api.problems import ProblemError
from api.schemas import TextDocuments
from graphrag.errors import InputError
from graphrag.jobs import UploadedFile
from graphrag.types import Scalar, check_label, check_metadata
from graphrag.uploads import Uploads

JSON, JSON_LINES, FORM = "application/json", "application/x-ndjson", "multipart/form-data"
MAX_SOURCE = 1_000
_PART = 1 << 20
_SEPARATOR = re.compile(r"[/\\]+")


@dataclass(frozen=True, slots=True)
class Received:
    """What a request brought."""

    files: list[UploadedFile]
    access: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


async def receive(
    request: Request[Any, Any, Any], uploads: Uploads, tenant: str, *, source: str, access: str
) -> Received:
    """Keep the documents of a request.

    Args:
        source: what a body of JSON lines is called.
        access: label of documents that do not come with one.

    Raises:
        ProblemError: the body is not what its content type says.
        InputError: a name, label or metadata that cannot be used.
    """
    match request.content_type[0]:
        case "application/json":
            return await _texts(request, uploads, tenant)
        case "application/x-ndjson":
            sha256 = await _keep(uploads, tenant, request.stream())
            if sha256 is None:
                raise ProblemError(400, "the body is empty; send one JSON object a line")
            return Received([UploadedFile(sha256, source_of(source))], access)
        case "multipart/form-data":
            return await _form(request, uploads, tenant, access)
        case _:
            raise ProblemError(415, f"send {FORM}, {JSON} or {JSON_LINES}")


async def _texts(request: Request[Any, Any, Any], uploads: Uploads, tenant: str) -> Received:
    body = await request.body()
    try:
        data = await asyncio.to_thread(TextDocuments.model_validate_json, body)
    except ValidationError as exc:
        errors = [(".".join(map(str, error["loc"])), error["msg"]) for error in exc.errors(include_input=False)]
        raise ProblemError(400, "the fields under 'errors' do not fit; see /schema", errors=errors) from exc
    files: list[UploadedFile] = []
    for document in data.documents:
        name = source_of(document.source)
        metadata = check_metadata(document.metadata)
        sha256 = await asyncio.to_thread(uploads.put, tenant, document.text.encode())
        files.append(UploadedFile(sha256, name, document.title, metadata))
    return Received(files, data.access, check_metadata(data.metadata))


async def _form(request: Request[Any, Any, Any], uploads: Uploads, tenant: str, access: str) -> Received:
    try:
        form = await request.form()
    except (LookupError, UnicodeDecodeError) as exc:  # of a field's charset; Litestar lets them through
        raise ProblemError(400, "a field of the form is not text in its charset") from exc
    files: list[UploadedFile] = []
    metadata: Mapping[str, Scalar] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            source = source_of(value.filename)
            sha256 = await _keep(uploads, tenant, _parts(value))
            if sha256 is None:
                raise ProblemError(422, "a file is empty", errors=[(source, "empty")])
            files.append(UploadedFile(sha256, source))
        elif name == "access":
            access = check_label("access label", str(value))
        elif name == "metadata":
            metadata = _metadata(str(value))
        else:
            raise ProblemError(400, "the form has an unknown field", errors=[(str(name)[:100], "unknown field")])
    if not files:
        raise ProblemError(400, "the form holds no file; send each as a part with a file name")
    return Received(files, access, metadata)


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
        value = cast(object, json.loads(text))
    except (ValueError, RecursionError) as exc:
        raise ProblemError(
            422, "the form field 'metadata' is not valid JSON", errors=[("metadata", "not JSON")]
        ) from exc
    if not isinstance(value, dict):
        raise ProblemError(
            422, "the form field 'metadata' is not a JSON object", errors=[("metadata", "not an object")]
        )
    return check_metadata(cast(dict[str, object], value))


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(_PART):
        yield part


async def _keep(uploads: Uploads, tenant: str, parts: AsyncIterator[bytes]) -> str | None:
    """Write parts as they come; None if there is not a byte."""
    upload, size = await asyncio.to_thread(uploads.begin, tenant), 0
    try:
        async for part in parts:
            size += len(part)
            await asyncio.to_thread(upload.write, part)
        return await asyncio.to_thread(upload.finish) if size else None
    finally:
        await asyncio.to_thread(upload.discard)
