"""Reading a JSON body of documents. It may be as large as an upload, so nothing is built of one that holds too much."""

from contextlib import suppress

import msgspec
from pydantic import ValidationError

from api.bodies import check_once
from api.problems import MAX_ERRORS, ProblemError
from api.schemas import TextDocuments
from graphrag.loaders.registry import NO_TEXT, suffix_of
from graphrag.types import check_metadata

MAX_VALUES = 500_000
"""Values in one body, an object or a list counting as one and those in it, too: 30 MB of `{}` would become gigabytes."""
MAX_METADATA = 5_000_000
"""Bytes of all metadata in one body: it is kept with the job, where texts wait as files."""
_PART = 1 << 20


class _One(msgspec.Struct):
    metadata: msgspec.Raw = msgspec.Raw()


class _Metadata(msgspec.Struct):
    """What of a body is looked at before it is read; nothing is built of the rest."""

    documents: list[_One] = []
    metadata: msgspec.Raw = msgspec.Raw()


def read_texts(body: bytes) -> TextDocuments:
    """The documents of a body. Blocks, so call it in a thread.

    Raises:
        ProblemError: it or its metadata holds too much, a field twice, a text as a PDF, or is not as described; tells the first errors.
        InputError: metadata that cannot be used.
    """
    if _holds_too_much(body):
        raise ProblemError(400, f"the body holds more than {MAX_VALUES:,} values; send fewer documents at once")
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # told below, where the body is read
        check_once(body)
        _check_metadata_size(body)
    try:
        texts = TextDocuments.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[:MAX_ERRORS]
        errors = [(".".join(map(str, error["loc"])), error["msg"]) for error in first]
        raise ProblemError(400, "the fields under 'errors' do not fit; see /schema", errors=errors) from exc
    named = [
        (f"documents.{number}.source", f"{suffix} is no suffix of a text")
        for number, document in enumerate(texts.documents)
        if (suffix := suffix_of(document.source.strip())) in NO_TEXT
    ]
    if named:
        raise ProblemError(
            422,
            "the suffix of a document's source says how its text is read, and there is no text in PDF or Word files: end it in "
            ".txt, .md or .html, or send the file itself as multipart/form-data",
            errors=named,
        )
    for metadata in (texts.metadata, *(document.metadata for document in texts.documents)):
        check_metadata(metadata)
    return texts


def _check_metadata_size(body: bytes) -> None:
    skimmed = msgspec.json.decode(body, type=_Metadata)
    size = sum(len(one.metadata) for one in (skimmed, *skimmed.documents))
    if size > MAX_METADATA:
        raise ProblemError(
            413,
            f"the metadata of the body has {size:,} bytes, more than {MAX_METADATA:,}: send fewer documents at once, or make "
            f"long values part of the texts",
            errors=[("metadata", "too long")],
        )


def _holds_too_much(body: bytes) -> bool:
    """Whether more than MAX_VALUES commas and brackets stand outside of strings; in parts, since other threads wait meanwhile."""
    found, inside, rest = 0, False, b""
    for start in range(0, len(body), _PART):
        part = (rest + body[start : start + _PART]).replace(rb"\\", b"")
        rest = b"\\" if part.endswith(b"\\") else b""
        pieces = part.removesuffix(b"\\").replace(rb"\"", b"").split(b'"')
        outside = b"".join(pieces[inside::2])
        found += outside.count(b",") + outside.count(b"{") + outside.count(b"[")
        if found > MAX_VALUES:
            return True
        inside ^= len(pieces) % 2 == 0
    return False
