"""Documents, chunks and relations as flat rows of plain values, the same in every store, and back.

Structured parts of a chunk (headings, sentences, phrases, mentions) are JSON in a column each: every store reads them whole.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from graphrag.analysis import chunk_terms
from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    Mention,
    Relation,
    Span,
    canonical_json,
    entity_id,
)

DOCUMENT_FIELDS = (
    "id", "tenant", "access", "source", "part", "title", "media_type", "content_sha256", "fingerprint", "metadata",
    "state", "length", "chunk_count", "created_at", "updated_at",
)  # fmt: skip
CHUNK_FIELDS = (
    "id", "document_id", "position", "start", "core_start", "end", "page", "token_count", "heading", "sentences", "text",
    "terms", "phrases", "mentions", "marks",
)  # fmt: skip
_PAGE = CHUNK_FIELDS.index("page") + 2
"""Its place in a row, where the document's source and title stand after its id; a chunk may have none."""
RELATION_FIELDS = tuple(field.name for field in fields(Relation))
_RELATION_VALUES = attrgetter(*RELATION_FIELDS)


def document_row(document: Document, created_at: str, updated_at: str) -> tuple[object, ...]:
    """Values for DOCUMENT_FIELDS; metadata as JSON."""
    changed: dict[str, object] = {
        "metadata": canonical_json(dict(document.metadata)),
        "created_at": created_at,
        "updated_at": updated_at,
    }
    return _row(document, DOCUMENT_FIELDS, changed)


def _row(value: object, names: Sequence[str], changed: Mapping[str, object]) -> tuple[object, ...]:
    """The fields of a value, some of them as they are stored."""
    return tuple([changed[name] if name in changed else getattr(value, name) for name in names])


def document_from(row: Sequence[Any]) -> Document:
    """A Document from DOCUMENT_FIELDS."""
    values = dict(zip(DOCUMENT_FIELDS, row, strict=True))
    values["metadata"] = json.loads(values["metadata"])
    return Document(**values)


_MENTION_FIELDS = len(msgspec.structs.fields(Mention))
# Typed decoders of msgspec: pairs come as tuples, in half the time of the json module.
decode_mentions = msgspec.json.Decoder(tuple[Mention, ...]).decode
"""What the column `mentions` holds."""
decode_phrases = msgspec.json.Decoder(dict[str, int]).decode
"""What the column `phrases` holds."""
_PARTS = msgspec.json.Decoder(
    tuple[
        tuple[str, ...],
        tuple[Span, ...],
        dict[str, int],
        tuple[Mention, ...],
        tuple[tuple[tuple[int, tuple[str, ...]], ...], tuple[tuple[int, int], ...]],
    ]
)


def renewed(tenant: str, title: str, heading: str, text: str, phrases: str, mentions: str) -> tuple[str, str, str]:
    """The columns `terms`, `phrases` and `mentions` of a chunk that an older version stored.

    Terms are made anew: a question is analysed as this software does, and would miss other forms. Before schema version 8 of the
    stores, a phrase had its sentences as a list, and a mention no entity id.
    """
    sentences = msgspec.json.decode(phrases, type=dict[str, list[int] | int])
    held = msgspec.json.decode(mentions, type=list[list[object]])
    return (
        chunk_terms(title, json.loads(heading), text),
        canonical_json({k: v if isinstance(v, int) else sum(1 << place for place in v) for k, v in sentences.items()}),
        canonical_json(
            [one if len(one) == _MENTION_FIELDS else [entity_id(tenant, str(one[0])), *one] for one in held]
        ),
    )


def chunk_row(chunk: Chunk) -> tuple[object, ...]:
    """Values for CHUNK_FIELDS; `marks` are the headings and the pages within."""
    changed: dict[str, object] = {
        "heading": canonical_json(chunk.heading),
        "sentences": canonical_json(chunk.sentences),
        "phrases": canonical_json(chunk.phrases),
        "mentions": msgspec.json.encode(chunk.mentions).decode(),
        "marks": canonical_json([chunk.headings_within, chunk.pages_within]),
    }
    return _row(chunk, CHUNK_FIELDS, changed)


def is_torn(row: Sequence[object]) -> bool:
    """Whether a row that begins as chunk_from takes it lacks values that every chunk has."""
    page, of_chunk = row[_PAGE], row[: len(CHUNK_FIELDS) + 2]
    return of_chunk.count(None) > (page is None)


def chunk_from(row: Sequence[object]) -> Chunk:
    """A Chunk from its values in the order in which they are taken apart here, as chunk_row made them.

    That is CHUNK_FIELDS with the document's source and title after its id.
    """
    values = cast(
        tuple[str, str, str, str, int, int, int, int, int | None, int, str, str, str, str, str, str, str], row
    )
    (id_, document, source, title, position, start, core, end, page, tokens, heading, sentences, text, terms, phrases, mentions, marks) = values  # fmt: skip
    # One call of the decoder for all five: it is what a read of chunks spends its time on.
    heads, sentence_spans, held, mentioned, (headings_within, pages_within) = _PARTS.decode(
        f"[{heading},{sentences},{phrases},{mentions},{marks}]"
    )
    return Chunk(
        id=id_,
        document_id=document,
        source=source,
        title=title,
        position=position,
        start=start,
        core_start=core,
        end=end,
        text=text,
        heading=heads,
        page=page,
        token_count=tokens,
        sentences=sentence_spans,
        terms=terms,
        phrases=held,
        mentions=mentioned,
        headings_within=headings_within,
        pages_within=pages_within,
    )


def sentence_bytes(vectors: ChunkVectors) -> bytes:
    """The sentence vectors as stored: float16, little-endian, row after row."""
    return vectors.sentences.astype("<f2").tobytes()


def sentence_vectors(data: bytes, dimension: int) -> NDArray[np.float16]:
    """`(sentences, dimension)` from stored bytes."""
    return np.frombuffer(data, dtype="<f2").reshape(len(data) // (2 * dimension) if dimension else 0, dimension)


def relation_row(relation: Relation) -> tuple[object, ...]:
    """Values for RELATION_FIELDS."""
    return _RELATION_VALUES(relation)


def relation_from(row: Sequence[Any]) -> Relation:
    """A Relation from RELATION_FIELDS."""
    return Relation(*row)
