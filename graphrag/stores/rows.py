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

from graphrag.types import (
    Chunk,
    ChunkVectors,
    Document,
    Mention,
    Phrase,
    Relation,
    Role,
    Span,
    canonical_json,
    entity_id,
)

DOCUMENT_FIELDS = (
    "id", "tenant", "access", "source", "part", "title", "media_type", "content_sha256", "fingerprint", "metadata",
    "title_key", "heading_keys", "state", "length", "chunk_count", "created_at", "updated_at",
)  # fmt: skip
CHUNK_FIELDS = (
    "id", "document_id", "position", "start", "core_start", "end", "page", "token_count", "heading", "sentences", "text",
    "terms", "phrases", "mentions", "marks",
)  # fmt: skip
RELATION_FIELDS = tuple(field.name for field in fields(Relation))
_RELATION_VALUES = attrgetter(*RELATION_FIELDS)


def document_row(document: Document, created_at: str, updated_at: str) -> tuple[object, ...]:
    """Values for DOCUMENT_FIELDS; metadata and heading keys as JSON."""
    changed: dict[str, object] = {
        "metadata": canonical_json(dict(document.metadata)),
        "heading_keys": canonical_json(document.heading_keys),
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
    values["heading_keys"] = tuple(json.loads(values["heading_keys"]))
    return Document(**values)


def encode_mentions(mentions: Sequence[Mention]) -> str:
    """Mentions as JSON; entity ids are left out, they follow from tenant and key."""
    return canonical_json([[m.key, m.surface, m.type, m.role, m.spans] for m in mentions])


_StoredMention = tuple[str, str, str, Role, tuple[Span, ...]]
# Typed decoders of msgspec: pairs come as tuples, in half the time of the json module.
_MENTIONS = msgspec.json.Decoder(list[_StoredMention])
_PHRASES = msgspec.json.Decoder(dict[str, tuple[int, ...]])
_PARTS = msgspec.json.Decoder(
    tuple[
        tuple[str, ...],
        tuple[Span, ...],
        dict[str, tuple[int, ...]],
        list[_StoredMention],
        tuple[tuple[tuple[int, tuple[str, ...]], ...], tuple[tuple[int, int], ...]],
    ]
)


def decode_mentions(tenant: str, data: str) -> tuple[Mention, ...]:
    """The inverse of encode_mentions."""
    return _mentions(tenant, _MENTIONS.decode(data))


def decode_phrases(data: str) -> dict[str, tuple[int, ...]]:
    """The column `phrases`: the sentences in which each phrase stands, by key."""
    return _PHRASES.decode(data)


def _mentions(
    tenant: str, stored: Sequence[_StoredMention], entity_ids: Sequence[str] | None = None
) -> tuple[Mention, ...]:
    ids = entity_ids or [entity_id(tenant, key) for key, *_ in stored]
    return tuple([Mention(id_, *fields) for id_, fields in zip(ids, stored, strict=True)])


def chunk_row(chunk: Chunk) -> tuple[object, ...]:
    """Values for CHUNK_FIELDS; `marks` are the headings and the pages within."""
    changed: dict[str, object] = {
        "heading": canonical_json(chunk.heading),
        "sentences": canonical_json(chunk.sentences),
        "phrases": canonical_json({phrase.key: phrase.sentences for phrase in chunk.phrases}),
        "mentions": encode_mentions(chunk.mentions),
        "marks": canonical_json([chunk.headings_within, chunk.pages_within]),
    }
    return _row(chunk, CHUNK_FIELDS, changed)


def chunk_from(row: Sequence[object], entity_ids: Sequence[str] | None = None) -> Chunk:
    """A Chunk from its values in the order in which they are taken apart here, as chunk_row made them.

    That is CHUNK_FIELDS with the document's source, title and tenant after its id. A store that has the ids of the entities
    at hand, in the order of the mentions, spares the chunk computing them.
    """
    values = cast(
        tuple[str, str, str, str, str, int, int, int, int, int | None, int, str, str, str, str, str, str, str], row
    )
    (id_, document, source, title, tenant, position, start, core, end, page, tokens, heading, sentences, text, terms, phrases, mentions, marks) = values  # fmt: skip
    # One call of the decoder for all five: it is what a read of chunks spends its time on.
    heads, sentence_spans, phrase_sentences, stored, (headings_within, pages_within) = _PARTS.decode(
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
        phrases=tuple(map(Phrase, phrase_sentences, phrase_sentences.values())),
        mentions=_mentions(tenant, stored, entity_ids),
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
