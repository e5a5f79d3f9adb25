"""The data model: plain immutable values that every layer shares.

Offsets are Unicode code points into the document's text, `start` inclusive and `end` exclusive, so that
`text[start:end]` is the quote. Ids are 32 hexadecimal digits, a hash of what they stand for, hence equal in every store.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from graphrag.errors import InputError

Scalar = str | int | float | bool
Metadata = Mapping[str, Scalar]
Span = tuple[int, int]
Role = Literal["mention", "subject"]
State = Literal["partial", "complete"]
WriteOutcome = Literal["created", "updated", "unchanged"]
Tool = Literal["vector", "keyword", "graph", "hybrid"]

PUBLIC = "public"
"""The access label that everybody in the tenant holds, and the default label of a document."""
ALL_ACCESS = "*"
"""In a Scope: every access label of the tenant."""
MAX_CHUNKS_PER_DOCUMENT = 10_000
"""One document is one transaction; a longer source has to be split into parts."""
MAX_METADATA_KEYS = 1_000
MAX_METADATA_TEXT = 50_000
MAX_METADATA_DIGITS = 100
"""Characters of one value. Both are wide, since the columns of a table and the fields of a record become metadata."""

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}")
"""Tenant names and access labels, the whole of them."""
METADATA_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Keys of metadata, the whole of them."""
_RESERVED_KEYS = frozenset({"tenant", "access"})


def stable_id(*parts: str | int) -> str:
    """Hash parts into an id. Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ."""
    data = b"".join([_prefixed(str(part)) for part in parts])
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _prefixed(part: str) -> bytes:
    # Text of JSON or of file names may hold half a surrogate pair, which has no UTF-8; it hashes like any other.
    data = part.encode(errors="surrogatepass")
    return len(data).to_bytes(8, "big") + data


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """Who is asking: one tenant and the access labels held. `public` is always among them.

    Raises:
        InputError: a name that is not 1-63 letters, digits, `_`, `.` or `-`.
    """

    tenant: str = "default"
    access: frozenset[str] = field(default_factory=lambda: frozenset({PUBLIC}))

    def __post_init__(self) -> None:
        check_label("tenant", self.tenant)
        for label in self.access - {ALL_ACCESS}:
            check_label("access label", label)
        object.__setattr__(self, "access", frozenset(self.access) | {PUBLIC})

    def sees(self, tenant: str, access: str) -> bool:
        """Whether a document with this tenant and access label is visible."""
        return tenant == self.tenant and (access in self.access or ALL_ACCESS in self.access)


def check_label(what: str, value: str) -> str:
    """Return a tenant name or access label unchanged, or raise InputError."""
    if not LABEL.fullmatch(value):
        raise InputError(
            f"{what} {value[:80]!r} is not valid: use 1 to 63 letters, digits, '_', '.' or '-', starting with a letter or digit"
        )
    return value


def check_text(what: str, value: str) -> str:
    """Return text unchanged, or raise InputError if it holds half a surrogate pair, which no store can hold."""
    if not is_text(value):
        raise InputError(
            f"{what} is not valid Unicode, it holds half of a surrogate pair: {value[:80]!r}; decode the source "
            f"with its real encoding"
        )
    return value


def is_text(value: str) -> bool:
    """Whether the string is valid Unicode text: without lone surrogates, which JSON and file names can carry."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(text: str) -> str:
    """The text with halves of surrogate pairs, of which JSON may hold any, made one character, or else left out: nothing could
    send or store them.
    """
    return text if is_text(text) else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def check_metadata(metadata: Mapping[str, object]) -> dict[str, Scalar]:
    """Validate document metadata: keys `[a-z][a-z0-9_]{0,62}`, scalar finite values, valid text, never tenant or access.

    Raises:
        InputError: names the key and says what is allowed; or there is too much of it.
    """
    if len(metadata) > MAX_METADATA_KEYS:
        raise InputError(f"metadata has {len(metadata):,} keys, more than {MAX_METADATA_KEYS:,}: leave out some")
    checked: dict[str, Scalar] = {}
    for key, value in metadata.items():
        if key in _RESERVED_KEYS:
            raise InputError(
                f"metadata may not set {key!r}: a document's tenant and access label are those that it is "
                f"ingested with, never from its content; remove or rename the key"
            )
        if not METADATA_KEY.fullmatch(key):
            raise InputError(f"metadata key {key[:80]!r} is not valid: keys match {METADATA_KEY.pattern}")
        if not isinstance(value, str | int | float | bool) or (isinstance(value, float) and not math.isfinite(value)):
            raise InputError(
                f"metadata {key!r} must be a text, a finite number or true/false, not {type(value).__name__}: {str(value)[:80]!r}"
            )
        if isinstance(value, int) and abs(value) >= 10**MAX_METADATA_DIGITS:
            raise InputError(
                f"metadata {key!r} is a number of more than {MAX_METADATA_DIGITS} digits; write it as a text"
            )
        if isinstance(value, str) and len(value) > MAX_METADATA_TEXT:
            raise InputError(
                f"metadata {key!r} has {len(value):,} characters, more than {MAX_METADATA_TEXT:,}: shorten it, or make it "
                f"part of the text"
            )
        checked[key] = check_text(f"metadata {key!r}", value) if isinstance(value, str) else value
    return checked


@dataclass(frozen=True, slots=True)
class Document:
    """One source as ingested. Its text is read separately (`GraphStore.texts`)."""

    id: str
    tenant: str
    access: str
    source: str
    """Relative path, upload name or an explicit value; never an absolute path."""
    title: str
    """May be empty."""
    media_type: str
    content_sha256: str
    fingerprint: str
    """Hash of everything that decides what is stored; an equal fingerprint makes a write a no-op."""
    metadata: Metadata
    length: int
    """Characters of text."""
    chunk_count: int
    state: State = "complete"
    part: int = 0
    """Number of this part, from 0, where one long source is stored as several documents."""
    created_at: str = ""
    """UTC, ISO 8601, seconds. Set by the store: first write of this id, and last write that changed it."""
    updated_at: str = ""


def document_id(tenant: str, source: str, part: int = 0) -> str:
    """Id of a document: hash(tenant, source), and the part number from the second part on."""
    return stable_id("document", tenant, source, *([part] if part else []))


def entity_id(tenant: str, key: str) -> str:
    """Id of an entity: hash(tenant, canonical key)."""
    return stable_id("entity", tenant, key)


def chunk_id(document: str, position: int, text: str) -> str:
    """Id of a chunk: hash(document id, position, text)."""
    return stable_id("chunk", document, position, text)


class Mention(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One entity in one chunk: the contribution from which entities are computed.

    A Struct, since a question reads a thousand of them: made in a fifth of a dataclass's time, straight from what a store holds (a JSON
    array of the fields in order), and never looked at by the garbage collector.
    """

    entity_id: str
    key: str
    """Canonical key: the normalised surface form."""
    surface: str
    """The form used most often in this chunk (ties: first in alphabetical order)."""
    type: str
    """Entity type such as PERSON or ORG; empty when unknown."""
    role: Role
    """`subject` when the chunk is *about* the entity (title, heading, detected subject)."""
    spans: tuple[Span, ...]
    """Where it stands in the document's text; empty for a subject named only by title or heading."""

    @property
    def count(self) -> int:
        """How often the chunk names the entity, at least 1."""
        return max(1, len(self.spans))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document's text, with what the indexes need."""

    id: str
    document_id: str
    source: str
    title: str
    """Source and title are the document's, repeated so that a hit can be shown without another read."""
    position: int
    """0, 1, 2 … within the document."""
    start: int
    core_start: int
    """Characters before it are overlap with the previous chunk; cores cover the document without gaps."""
    end: int
    text: str
    heading: tuple[str, ...]
    """Headings above the chunk, outermost first."""
    page: int | None
    """Page on which the core begins, from 1, where the format has pages."""
    token_count: int
    """Tokens of the shipped tokenizer, the prefix "title > heading" included."""
    sentences: tuple[Span, ...]
    """Ascending document offsets of the sentences that begin in the core."""
    terms: str
    """Analysed terms joined by spaces (see graphrag.analysis), what keyword search sees."""
    phrases: Mapping[str, int]
    """Normalised capitalised runs of its text that may name what another chunk is about, ascending, each with the sentences that
    hold it: bit i stands for `sentences[i]`. Numbers, since a question reads ten thousand of them.
    """
    mentions: tuple[Mention, ...]
    """Ascending by key, one per key."""
    headings_within: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """(offset, heading path in force from there) for each heading that begins in the core, ascending."""
    pages_within: tuple[tuple[int, int], ...] = ()
    """(offset, page) for each page that begins in the core after its first character, ascending."""

    @property
    def breadcrumb(self) -> str:
        """Its title and headings, outermost first, each once: "Handbook > Leave"; empty without any."""
        return " > ".join(dict.fromkeys(name for name in (self.title, *self.heading) if name))

    @property
    def spans(self) -> tuple[Span, ...]:
        """Its sentences; all of it, if none begins in the core."""
        return self.sentences or ((self.start, self.end),)

    def between(self, start: int, end: int) -> str:
        """Its text between two document offsets."""
        return self.text[start - self.start : end - self.start]

    def heading_at(self, offset: int) -> tuple[str, ...]:
        """The headings above a document offset within the core."""
        return next((path for start, path in reversed(self.headings_within) if start <= offset), self.heading)

    def section_at(self, offset: int) -> int:
        """The document offset at which the section of an offset within the core begins, or the chunk."""
        return next((start for start, _ in reversed(self.headings_within) if start <= offset), self.start)

    def above(self, offset: int) -> tuple[str, ...]:
        """The names of what stands at a document offset within the core, outermost first: its title, unless that is the heading of
        another section, and its headings.
        """
        path = self.heading_at(offset)
        others = (self.heading, *(other for _, other in self.headings_within))
        elsewhere = self.title not in path and any(self.title in other for other in others)
        return tuple(dict.fromkeys(name for name in (() if elsewhere else (self.title,)) + path if name))

    def page_at(self, offset: int) -> int | None:
        """The page of a document offset within the core."""
        return next((page for start, page in reversed(self.pages_within) if start <= offset), self.page)


@dataclass(frozen=True, slots=True)
class Relation:
    """A statement of one chunk: subject -> predicate -> object, with the sentence that says so."""

    id: str
    chunk_id: str
    document_id: str
    subject_id: str
    predicate: str
    object_id: str
    start: int
    end: int
    """Document offsets of the evidence sentence, or of several where the two are named in different ones."""
    description: str = ""
    """The statement in the words of the language model that found it; empty if none did. No evidence: that is the sentence."""


def relation_id(chunk: str, subject: str, predicate: str, object_: str, start: int) -> str:
    """Id of a relation: one per contributing chunk and place."""
    return stable_id("relation", chunk, subject, predicate, object_, start)


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity as the caller sees it: everything but the id and key is computed from visible mentions."""

    id: str
    key: str
    name: str
    """The surface form with the most mentions (ties: first in alphabetical order)."""
    type: str
    """The type with the most mentions among typed ones (ties: first in alphabetical order); may be empty."""
    mention_count: int
    chunk_count: int
    document_count: int


@dataclass(frozen=True, slots=True)
class SameAs:
    """Two entities that are probably one. A reversible link, `a` < `b` by id; nothing is merged."""

    a: str
    b: str
    score: float
    """In (0, 1]."""
    reason: str


@dataclass(frozen=True, slots=True)
class ChunkVectors:
    """Embeddings of one chunk."""

    chunk: NDArray[np.float32]
    """`(dim,)`, unit length, from the configured embedder."""
    sentences: NDArray[np.float16]
    """`(len(chunk.sentences), sentence_dim)`, unit length, always from the local model."""


@dataclass(frozen=True, slots=True)
class GraphBatch:
    """Everything one document contributes; written in one transaction, and what `export` yields."""

    document: Document
    text: str
    chunks: Sequence[Chunk]
    vectors: Sequence[ChunkVectors]
    """Parallel to `chunks`."""
    relations: Sequence[Relation]


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked chunk. Scores of different tools are not comparable; higher is better."""

    chunk_id: str
    score: float


def ranked(hits: Iterable[Hit], k: int | None = None) -> list[Hit]:
    """The k best hits, or all of them: descending, ties ascending by id."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:k]


@dataclass(frozen=True, slots=True)
class TermHit:
    """A keyword candidate with its `terms`, from which the score is computed above the port."""

    chunk_id: str
    terms: str


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """Visible chunk count, average length in terms, and document frequency by term (0 for unseen ones)."""

    chunks: int
    average_length: float
    frequency: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The visible chunks that mention an entity."""

    entity_id: str
    chunk_count: int
    """All of them (the visible document frequency in chunks)."""
    chunk_ids: tuple[str, ...]
    """The first `limit`, ascending by id; none of an entity in more, if only rare ones are wanted."""


@dataclass(frozen=True, slots=True)
class TitleLink:
    """Chunk `source` names, by the phrase `key`, what chunk `target` is about."""

    source: str
    target: str
    key: str


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A part of the entity graph, as the caller sees it. All ascending by id."""

    entities: Sequence[Entity]
    relations: Sequence[Relation]
    same_as: Sequence[SameAs]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of what the caller sees."""

    documents: int
    chunks: int
    entities: int
    mentions: int
    relations: int


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What the store's vectors were made with; bound at the first open, checked at every later one."""

    embedder: str
    sentences: str
