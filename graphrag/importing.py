"""Bringing in what `graphrag.exporting.export_lines` took out: into any store, without embedding anything again.

A document is written once all its lines have been read and checked, in one transaction; what is stored unchanged is left
alone. So a run that broke off is simply run again, and a file that is damaged somewhere leaves whole documents only.
People's decisions on entities are recorded together once the last line has been read, with who made them and when. API keys
and jobs are not part of an export, so an import does not touch them.
"""

import asyncio
import base64
import binascii
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import CoreSchema, core_schema

from graphrag.analysis import chunk_terms, phrases
from graphrag.decisions import record
from graphrag.errors import InputError, SchemaMismatchError
from graphrag.exporting import FORMAT, FORMAT_VERSION
from graphrag.stores.base import GraphStore
from graphrag.stores.system import Decision, SystemStore
from graphrag.stores.together import write_together
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    Fingerprints,
    GraphBatch,
    Mention,
    Relation,
    Scope,
)

_READABLE = (1, FORMAT_VERSION)
_STRICT = ConfigDict(extra="forbid")
_MAX_SIDE = 10**6
"""Of the shape of an array: more than any model has dimensions, or a chunk sentences."""


def _fields_of(kind: type[msgspec.Struct]) -> GetPydanticSchema:
    """How pydantic, which knows no Struct, reads one: as an object with its fields."""

    def schema(_: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        fields = {
            field.name: core_schema.typed_dict_field(handler.generate_schema(field.type))
            for field in msgspec.structs.fields(kind)
        }
        return core_schema.no_info_after_validator_function(
            lambda values: kind(**values), core_schema.typed_dict_schema(fields, extra_behavior="forbid")
        )

    return GetPydanticSchema(schema)


@dataclass(frozen=True, slots=True)
class _Array:
    dtype: Literal["float32", "float16"]
    shape: Annotated[tuple[Annotated[int, Field(ge=0, le=_MAX_SIDE)], ...], Field(max_length=2)]
    base64: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    __pydantic_config__ = _STRICT

    type: Literal["header"]
    format: str
    version: int
    fingerprints: Fingerprints | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _DocumentLine(Document):
    __pydantic_config__ = _STRICT

    type: Literal["document"]
    text: str
    title_key: Annotated[str, BeforeValidator(lambda _: "")] = ""
    heading_keys: Annotated[tuple[str, ...], BeforeValidator(lambda _: ())] = ()
    """As exports of earlier versions have them; nothing reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ChunkLine(Chunk):
    __pydantic_config__ = _STRICT

    type: Literal["chunk"]
    phrases: Annotated[Mapping[str, int], BeforeValidator(lambda _: {})] = field(default_factory=dict[str, int])
    """As version 1 of the format has them; they are made anew."""
    mentions: tuple[Annotated[Mention, _fields_of(Mention)], ...]
    embedding: _Array
    sentence_embeddings: _Array


@dataclass(frozen=True, slots=True, kw_only=True)
class _RelationLine(Relation):
    __pydantic_config__ = _STRICT

    type: Literal["relation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _DecisionLine(Decision):
    __pydantic_config__ = _STRICT

    type: Literal["decision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    __pydantic_config__ = _STRICT

    type: Literal["end"]
    documents: int


_Line = _Header | _DocumentLine | _ChunkLine | _RelationLine | _DecisionLine | _End
_LINE: TypeAdapter[_Line] = TypeAdapter(Annotated[_Line, Field(discriminator="type")])
_Value = TypeVar("_Value", Document, Chunk, Relation, Decision)
_Numbered = tuple[int, GraphBatch]
"""With the number of the document's line."""
_GROUP_CHUNKS = 64
"""So many of documents that are written together, or more by the last of them."""


@dataclass(slots=True)
class ImportReport:
    """What became of the documents of a file."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    chunks: int = 0
    """Written, those of unchanged documents not counted."""
    decisions: int = 0
    """On entities, new or changed by the import."""

    @property
    def documents(self) -> int:
        """All of them."""
        return self.created + self.updated + self.unchanged


@dataclass(slots=True)
class _Pending:
    """A document whose lines are still being read."""

    number: int
    document: Document
    text: str
    chunks: list[Chunk] = field(default_factory=list[Chunk])
    vectors: list[ChunkVectors] = field(default_factory=list[ChunkVectors])
    relations: list[Relation] = field(default_factory=list[Relation])

    def batch(self) -> GraphBatch:
        """All of it, which the store checks as a whole."""
        return GraphBatch(self.document, self.text, self.chunks, self.vectors, self.relations)


async def import_lines(
    store: GraphStore,
    system: SystemStore,
    scope: Scope,
    lines: Iterable[bytes],
    *,
    name: str = "the export",
) -> ImportReport:
    """Store all documents of an export.

    Args:
        store: bound to the models of the export by this, if it is not bound yet.
        system: beside the store; takes people's decisions, of which those of the export replace older ones on the same pair.
        scope: documents outside it are refused. Ids are hashes of tenant and source, so a document stays in its tenant.
        lines: UTF-8, consumed lazily, in a thread.
        name: of the file, for errors.

    Raises:
        InputError: a line is malformed or the file ends early, with the line's number; or the store refuses a document.
            Documents before that line stay stored. Or its decisions contradict those that are there: none is recorded.
        SchemaMismatchError: the store was filled with other models.
        StoreError: the store failed; documents before stay stored.
    """
    report = ImportReport()
    decisions: list[Decision] = []
    numbered = enumerate(lines, 1)
    try:
        header = await asyncio.to_thread(_header, numbered)
        documents = _grouped(_documents(numbered, decisions))
        while (group := await asyncio.to_thread(next, documents, None)) is not None:
            if not report.documents:
                await _bind(store, header)
            waiting = iter(group)
            async for outcome in write_together(store, scope, [batch for _, batch in group]):
                number, batch = next(waiting)
                if batch.document.tenant != scope.tenant:
                    raise InputError(
                        f"the document of line {number} is of tenant {batch.document.tenant!r} and stays in it: name that tenant with --tenant"
                    )
                if isinstance(outcome, InputError):
                    raise InputError(f"the document of line {number} is refused: {outcome}") from outcome
                setattr(report, outcome, getattr(report, outcome) + 1)
                report.chunks += 0 if outcome == "unchanged" else len(batch.chunks)
        report.decisions = await record(system, scope, decisions)
    except InputError as exc:
        before = f"; the {report.documents} documents before it are stored" if report.documents else ""
        raise InputError(f"{name}: {exc}{before}") from exc
    except SchemaMismatchError as exc:
        raise SchemaMismatchError(f"{name} cannot be imported here, nothing was written: {exc}") from exc
    return report


def _grouped(documents: Iterable[_Numbered]) -> Iterator[list[_Numbered]]:
    """Documents that are written together. Those before a line that cannot be read come before its error."""
    group: list[_Numbered] = []
    try:
        for number, batch in documents:
            group.append((number, batch))
            if sum(len(one.chunks) for _, one in group) >= _GROUP_CHUNKS:
                yield group
                group = []
    except InputError:
        if group:
            yield group
        raise
    if group:
        yield group


async def _bind(store: GraphStore, header: _Header) -> None:
    if header.fingerprints is None:
        raise InputError("line 1 does not say which models made the vectors ('fingerprints'): export again")
    await store.bind(header.fingerprints)


def check_header(raw: bytes, name: str) -> None:
    """Refuse what is no export by its first line, before a store is made for it.

    Raises:
        InputError: as import_lines.
    """
    try:
        _header(iter([(1, raw)]))
    except InputError as exc:
        raise InputError(f"{name}: {exc}") from exc


def _header(numbered: Iterator[tuple[int, bytes]]) -> _Header:
    for number, raw in numbered:
        try:
            line = _LINE.validate_json(raw, strict=True)
        except ValidationError:
            break
        if not isinstance(line, _Header) or line.format != FORMAT:
            break
        if line.version not in _READABLE:
            raise InputError(
                f"line {number} says version {line.version} of the format, this software reads up to {FORMAT_VERSION}: export "
                f"again with this software, or import with the one that wrote it"
            )
        return line
    raise InputError("line 1 is not the header of an export: give a file that 'graphrag export --format jsonl' wrote")


def _documents(numbered: Iterator[tuple[int, bytes]], decisions: list[Decision]) -> Iterator[_Numbered]:
    """Documents with the number of their first line, each once its last line has been read; decisions go to the list."""
    pending: _Pending | None = None
    count = number = 0
    for number, raw in numbered:
        line = _parsed(number, raw)
        if isinstance(line, _DocumentLine | _DecisionLine | _End) and pending is not None:
            yield pending.number, pending.batch()
            pending = None
        match line:
            case _DocumentLine() if not decisions:
                pending = _Pending(number, _plain(Document, line), line.text)
                count += 1
            case _ChunkLine() if pending is not None and not pending.relations:
                chunk = _plain(Chunk, line)
                # Made anew: an older version may have written the terms, and a question is analysed as this one does.
                terms = chunk_terms(pending.document.title, chunk.heading, chunk.text)
                held = phrases(chunk.text, chunk.sentences, chunk.start)
                pending.chunks.append(replace(chunk, terms=terms, phrases=held))
                vector, sentences = (_array(one, number) for one in (line.embedding, line.sentence_embeddings))
                pending.vectors.append(ChunkVectors(vector.astype(np.float32), sentences.astype(np.float16)))
            case _RelationLine() if pending is not None:
                pending.relations.append(_plain(Relation, line))
            case _DecisionLine():
                decisions.append(_plain(Decision, line))
            case _End() if line.documents == count:
                if next(numbered, None) is not None:
                    raise InputError(f"line {number + 1} stands after the end: import one export at a time")
                return
            case _End():
                raise InputError(f"line {number} counts {line.documents} documents, {count} came: export again")
            case _:
                raise InputError(f"line {number}: a {line.type!r} is out of place here: export again")
    raise InputError(
        f"it ends after line {number} without its last line, so something is missing: export or copy it again"
    )


def _parsed(number: int, raw: bytes) -> _Line:
    try:
        return _LINE.validate_json(raw, strict=True)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        raise InputError(
            f"line {number} is malformed ({place}{': ' if place else ''}{first['msg']}): export again"
        ) from exc


def _plain(kind: type[_Value], line: _Value) -> _Value:
    """The value of the data model in a line."""
    return kind(**{one.name: getattr(line, one.name) for one in fields(kind)})


def _array(value: _Array, number: int) -> NDArray[np.float32] | NDArray[np.float16]:
    dtype = np.dtype("<f4" if value.dtype == "float32" else "<f2")
    try:
        data = base64.b64decode(value.base64, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InputError(f"line {number}: an embedding is not base64 ({exc}): export again") from exc
    if len(data) != math.prod(value.shape) * dtype.itemsize:
        raise InputError(f"line {number}: an embedding has {len(data)} bytes, not those of shape {list(value.shape)}")
    return np.frombuffer(data, dtype).reshape(value.shape)
