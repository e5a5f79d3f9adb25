"""Small random documents whose parts collide: the same names, terms, vectors and metadata come up again and again.

A document is drawn as a *plan* (plain words and numbers, which Hypothesis shrinks and prints well) and `build` turns it
into the GraphBatch that an ingest could have made. `random_plan` draws from a seed instead, for volume.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from graphrag.analysis import chunk_terms, normalise, phrases
from graphrag.types import (
    PUBLIC,
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Mention,
    Metadata,
    Relation,
    Role,
    Scalar,
    Scope,
    Span,
    canonical_json,
    chunk_id,
    document_id,
    entity_id,
    relation_id,
    stable_id,
)

DIMENSION = 8
FIELDS = frozenset({"department", "year", "draft"})
TENANTS = ("default", "rival")
LABELS = (PUBLIC, "legal", "hr")
SOURCES = ("a.md", "b.md", "notes/a.md", "notes/ü.md")
NAMES = (
    "Acme",
    "ACME",
    "Acme Corp",
    "Acme Corp Berlin",
    "Berlin",
    "Jane Smith",
    "Smith",
    "International Business Machines",
    "IBM",
    "Gothenburg",
    "Gothenberg",
    "New York",
    "NewYork",
    "Lamprey",
)
"""Twelve keys and more surfaces: names in names, an acronym, a surname, spelling variants, one key with two spellings."""
TYPES = ("", "ORG", "PERSON", "GPE")
VERBS = ("buys", "of", "visits the", "and")
FILLERS = ("", "quietly", "near the river", "river report river")
PREDICATES = ("owns", "visits")
DEPARTMENTS: tuple[Scalar, ...] = ("legal", "Legal", "\uff5e", "\U0001f600", "", 7, True)
"""Two of them sort one way by code point and the other way by UTF-16 unit."""
YEARS: tuple[Scalar, ...] = (2024, 2025, 2024.0, 2024.5, -1, 0, 1, "2024", True)
DRAFTS: tuple[Scalar, ...] = (True, False, 1, 0, "true")


def _pool(seed: int, size: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((size, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


VECTORS = _pool(1, 7)
"""Few, so that different chunks often have exactly equal vectors."""
SENTENCE_VECTORS = _pool(2, 5).astype(np.float16)


@dataclass(frozen=True)
class SentencePlan:
    """Indices into NAMES (in order of appearance), VERBS and FILLERS."""

    names: tuple[int, ...]
    verb: int = 0
    filler: int = 0

    def text(self) -> str:
        """Such as "Acme buys Berlin near the river."."""
        named = f" {VERBS[self.verb]} ".join(NAMES[index] for index in self.names) or "Nobody knows"
        return f"{named} {FILLERS[self.filler]}".rstrip() + ". "


@dataclass(frozen=True)
class ChunkPlan:
    """`about` holds names the chunk is about whether or not its text names them; `types` and `vector` are indices."""

    sentences: tuple[SentencePlan, ...]
    about: tuple[int, ...] = ()
    types: tuple[int, ...] = (0,)
    vector: int = 0
    heading: int | None = None
    overlap: bool = False
    relations: int = 0


@dataclass(frozen=True)
class DocumentPlan:
    """One source in one version."""

    chunks: tuple[ChunkPlan, ...]
    tenant: str = TENANTS[0]
    access: str = PUBLIC
    source: str = SOURCES[0]
    title: int | None = None
    metadata: tuple[tuple[str, Scalar], ...] = ()

    @property
    def id(self) -> str:
        """The document's id."""
        return document_id(self.tenant, self.source)

    @property
    def owner(self) -> Scope:
        """A scope that may write any version of it."""
        return Scope(self.tenant, frozenset({"*"}))


def build(plan: DocumentPlan) -> GraphBatch:
    """The batch of a plan; equal plans give equal batches."""
    id_ = plan.id
    title = "" if plan.title is None else NAMES[plan.title]
    chunks: list[Chunk] = []
    relations: list[Relation] = []
    text = ""
    start_of_last_sentence = 0
    for position, part in enumerate(plan.chunks):
        core_start = len(text)
        start = start_of_last_sentence if part.overlap else core_start
        sentences: list[Span] = []
        for sentence in part.sentences:
            start_of_last_sentence = len(text)
            text += sentence.text()
            sentences.append((start_of_last_sentence, len(text)))
        heading = () if part.heading is None else (NAMES[part.heading],)
        body = text[start:]
        chunk = Chunk(
            id=chunk_id(id_, position, body),
            document_id=id_,
            source=plan.source,
            title=title,
            position=position,
            start=start,
            core_start=core_start,
            end=len(text),
            text=body,
            heading=heading,
            page=None if plan.title is None else position + 1,
            token_count=len(body.split()),
            sentences=tuple(sentences),
            terms=chunk_terms(title, heading, body),
            phrases=phrases(text[core_start:], sentences, core_start),
            mentions=_mentions(plan, part, sentences),
            headings_within=((sentences[-1][0], (*heading, "Later")),) if heading and len(sentences) > 1 else (),
            pages_within=((sentences[-1][0], position + 2),) if plan.title is not None and len(sentences) > 1 else (),
        )
        chunks.append(chunk)
        relations += _relations(chunk, part.relations)
    document = Document(
        id=id_,
        tenant=plan.tenant,
        access=plan.access,
        source=plan.source,
        title=title,
        media_type="text/markdown",
        content_sha256=stable_id("content", text),
        fingerprint="",
        metadata=dict(plan.metadata),
        length=len(text),
        chunk_count=len(chunks),
    )
    rows = [ChunkVectors(VECTORS[p.vector], _sentence_vectors(p)) for p in plan.chunks]
    return fingerprinted(GraphBatch(document, text, chunks, rows, relations))


def fingerprinted(batch: GraphBatch) -> GraphBatch:
    """The batch with a fingerprint of all it holds, as an ingest makes it; use it after changing a batch by hand."""
    document = replace(batch.document, fingerprint="")
    vectors = [(v.chunk.tobytes().hex(), v.sentences.tobytes().hex()) for v in batch.vectors]
    metadata = canonical_json(dict(document.metadata))
    held = repr((replace(document, metadata={}), metadata, batch.text, batch.chunks, vectors, batch.relations))
    return replace(batch, document=replace(document, fingerprint=stable_id("batch", held)))


def _sentence_vectors(part: ChunkPlan) -> NDArray[np.float16]:
    return SENTENCE_VECTORS[[len(sentence.names) + sentence.filler for sentence in part.sentences]]


def _mentions(plan: DocumentPlan, part: ChunkPlan, sentences: Sequence[Span]) -> tuple[Mention, ...]:
    spans: dict[str, list[tuple[Span, str]]] = {}
    for (left, _), sentence in zip(sentences, part.sentences, strict=True):
        at, text = left, sentence.text()
        for index in sentence.names:
            at = left + text.index(NAMES[index], at - left)
            spans.setdefault(normalise(NAMES[index]), []).append(((at, at + len(NAMES[index])), NAMES[index]))
            at += len(NAMES[index])
    subjects = {normalise(NAMES[index]): NAMES[index] for index in part.about}
    if part.heading is not None:
        subjects[normalise(NAMES[part.heading])] = NAMES[part.heading]
    if plan.title is not None:
        subjects[normalise(NAMES[plan.title])] = NAMES[plan.title]
    found: list[Mention] = []
    for index, key in enumerate(sorted({*spans, *subjects})):
        surfaces = [surface for _, surface in spans.get(key, [])] or [subjects[key]]
        role: Role = "subject" if key in subjects else "mention"
        found.append(
            Mention(
                entity_id=entity_id(plan.tenant, key),
                key=key,
                surface=min(surfaces, key=lambda surface: (-surfaces.count(surface), surface)),
                type=TYPES[part.types[index % len(part.types)]],
                role=role,
                spans=tuple(span for span, _ in spans.get(key, [])),
            )
        )
    return tuple(found)


def _relations(chunk: Chunk, count: int) -> list[Relation]:
    """Up to `count`, from each entity to the next one of the chunk (a single one is related to itself)."""
    found: dict[str, Relation] = {}
    for index in range(count if chunk.mentions and chunk.sentences else 0):
        subject = chunk.mentions[index % len(chunk.mentions)].entity_id
        object_ = chunk.mentions[(index + 1) % len(chunk.mentions)].entity_id
        start, end = chunk.sentences[index % len(chunk.sentences)]
        predicate = PREDICATES[index % len(PREDICATES)]
        id_ = relation_id(chunk.id, subject, predicate, object_, start)
        described = f"{predicate} it" if index % 2 else ""
        found[id_] = Relation(id_, chunk.id, chunk.document_id, subject, predicate, object_, start, end, described)
    return list(found.values())


def _index(values: Sequence[object]) -> st.SearchStrategy[int]:
    return st.integers(0, len(values) - 1)


_names = _index(NAMES)
_sentences = st.builds(
    SentencePlan, names=st.lists(_names, max_size=2).map(tuple), verb=_index(VERBS), filler=st.integers(0, 2)
)
_chunk_plans = st.builds(
    ChunkPlan,
    sentences=st.lists(_sentences, min_size=1, max_size=3).map(tuple),
    about=st.lists(_names, max_size=1).map(tuple),
    types=st.lists(_index(TYPES), min_size=1, max_size=2).map(tuple),
    vector=st.integers(0, len(VECTORS) - 1),
    heading=st.none() | _names,
    overlap=st.booleans(),
    relations=st.integers(0, 3),
)
_metadata = st.fixed_dictionaries(
    {},
    optional={
        "department": st.sampled_from(DEPARTMENTS),
        "year": st.sampled_from(YEARS),
        "draft": st.sampled_from(DRAFTS),
    },
)

document_plans: st.SearchStrategy[DocumentPlan] = st.builds(
    DocumentPlan,
    chunks=st.lists(_chunk_plans, min_size=1, max_size=4).map(tuple),
    tenant=st.sampled_from((TENANTS[0], TENANTS[0], TENANTS[1])),
    access=st.sampled_from(LABELS),
    source=st.sampled_from(SOURCES),
    title=st.none() | _names,
    metadata=_metadata.map(lambda metadata: tuple(sorted(metadata.items()))),
)

corpora: st.SearchStrategy[list[DocumentPlan]] = st.lists(document_plans, max_size=7, unique_by=lambda plan: plan.id)
"""Different documents: at most one plan for each (tenant, source)."""

scopes: st.SearchStrategy[Scope] = st.builds(
    Scope,
    tenant=st.sampled_from(TENANTS),
    access=st.sets(st.sampled_from((*LABELS, "*", "unused")), max_size=2).map(frozenset),
)

_values = st.sampled_from((*DEPARTMENTS, *YEARS, *DRAFTS))
_comparable = _values.filter(lambda value: not isinstance(value, bool))
_operators = st.fixed_dictionaries(
    {},
    optional={
        "eq": _values,
        "ne": _values,
        "in": st.lists(_values, min_size=1, max_size=3),
        "gt": _comparable,
        "gte": _comparable,
        "lt": _comparable,
        "lte": _comparable,
        "exists": st.booleans(),
    },
).filter(lambda operators: 1 <= len(operators) <= 2)
raw_filters: st.SearchStrategy[dict[str, object]] = st.dictionaries(
    st.sampled_from(sorted(FIELDS)), _values | _operators, max_size=2
)
"""Filters in their JSON form, mostly of one condition, so that they let something through."""


def _seeded_plan(random: Random, source: str) -> DocumentPlan:
    """One plan by the given generator: the same kind of document, without Hypothesis."""

    def sentence() -> SentencePlan:
        names = tuple(random.randrange(len(NAMES)) for _ in range(random.randint(0, 2)))
        return SentencePlan(names, random.randrange(len(VERBS)), random.randrange(3))

    def chunk() -> ChunkPlan:
        return ChunkPlan(
            sentences=tuple(sentence() for _ in range(random.randint(1, 3))),
            about=tuple(random.sample(range(len(NAMES)), random.randint(0, 1))),
            types=tuple(random.randrange(len(TYPES)) for _ in range(random.randint(1, 2))),
            vector=random.randrange(len(VECTORS)),
            heading=random.choice((None, random.randrange(len(NAMES)))),
            overlap=random.random() < 0.5,
            relations=random.randint(0, 3),
        )

    def metadata() -> Metadata:
        pools = {"department": DEPARTMENTS, "draft": DRAFTS, "year": YEARS}
        return {name: random.choice(pool) for name, pool in pools.items() if random.random() < 0.7}

    return DocumentPlan(
        chunks=tuple(chunk() for _ in range(random.randint(1, 4))),
        tenant=random.choice((TENANTS[0], TENANTS[0], TENANTS[1])),
        access=random.choice(LABELS),
        source=source,
        title=random.choice((None, random.randrange(len(NAMES)))),
        metadata=tuple(metadata().items()),
    )


def seeded_corpus(seed: int, size: int) -> list[DocumentPlan]:
    """`size` different documents."""
    random = Random(seed)
    return [_seeded_plan(random, f"part-{number}.md") for number in range(size)]


def form_before_8(chunk: Chunk) -> tuple[str, str]:
    """Phrases and mentions as stores held them before schema version 8."""
    sentences = {key: [i for i in range(held.bit_length()) if held >> i & 1] for key, held in chunk.phrases.items()}
    mentions = [[one.key, one.surface, one.type, one.role, one.spans] for one in chunk.mentions]
    return canonical_json(sentences), canonical_json(mentions)
