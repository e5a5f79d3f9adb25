"""From what a language model says of a chunk to what the chunk contributes: only what its text bears out.

A name that does not stand in the chunk's core is dropped, and so is a relation with an end that the chunk does not mention,
or that the schema does not allow. So whatever a document makes a model say, it can at most contribute names that stand in it,
and relations between them, under its own access label. What the extractor beside found stays; an entity that both found is
one mention.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, create_model

from graphrag.analysis import is_entity_key, normalise
from graphrag.extraction import ChunkText, Contribution
from graphrag.extraction.schema import ExtractionSchema
from graphrag.types import Mention, Relation, Span, entity_id, relation_id

GROUNDING_VERSION = "1"
MAX_NAME = 120
MAX_KIND = 60
MAX_DESCRIPTION = 300
MAX_LISTED = 100
"""Entities, and relations, taken of one chunk."""
TOKENS_PER_ENTITY = 50
TOKENS_PER_RELATION = 100
"""Of the longest reply, for each entity and relation that may be listed: about twice what one takes."""
_WORDS = re.compile(r"\w+")
_ARTICLE = re.compile(r"\A(?:the|an?)\s+", re.IGNORECASE)
_AROUND = " \t\n\"'“”‘’.,;:|*"


def _clipped(most: int) -> BeforeValidator:
    """One line of text without invisible characters, half surrogate pairs included, which no store can hold."""

    def clip(value: object) -> object:
        if not isinstance(value, str):
            return value
        # A reply that is too long somewhere is no reason to pay for another one.
        return "".join(letter for letter in " ".join(value.split()) if letter.isprintable())[:most]

    return BeforeValidator(clip)


_Name = Annotated[str, _clipped(MAX_NAME), Field(json_schema_extra={"maxLength": MAX_NAME})]
_Kind = Annotated[str, _clipped(MAX_KIND), Field(json_schema_extra={"maxLength": MAX_KIND})]
_Text = Annotated[str, _clipped(MAX_DESCRIPTION), Field(json_schema_extra={"maxLength": MAX_DESCRIPTION})]


class FoundEntity(BaseModel):
    """An entity, as the model says."""

    model_config = ConfigDict(frozen=True)

    name: _Name
    type: _Kind = ""


class FoundRelation(BaseModel):
    """A relation, as the model says."""

    model_config = ConfigDict(frozen=True)

    subject: _Name
    relation: _Kind
    object: _Name
    description: _Text = ""


class Found(BaseModel):
    """What a model replies for a chunk."""

    model_config = ConfigDict(frozen=True)

    entities: tuple[FoundEntity, ...]
    relations: tuple[FoundRelation, ...]


def reply_shape(schema: ExtractionSchema, output_tokens: int) -> type[Found]:
    """The shape of a reply, by which servers that can constrain it: the kinds of the schema, and lists that fit the reply.

    Small models go on listing for as long as they may, and a reply that is cut off is of no use. A kind that slips through
    all the same is dropped later, alone.
    """
    most_entities = min(MAX_LISTED, max(1, output_tokens // TOKENS_PER_ENTITY))
    most_relations = min(MAX_LISTED, max(1, output_tokens // TOKENS_PER_RELATION))
    kinds: dict[str, Any] = {"type": (_kind_of(schema.entities), "")}
    entity = create_model("Entity", __base__=FoundEntity, **kinds)
    kinds = {"relation": (_kind_of(schema.relations), ...)}
    relation = create_model("Relation", __base__=FoundRelation, **kinds)
    lists: dict[str, Any] = {
        "entities": (tuple[entity, ...], Field(json_schema_extra={"maxItems": most_entities})),
        "relations": (tuple[relation, ...], Field(json_schema_extra={"maxItems": most_relations})),
    }
    return create_model("Found", __base__=Found, **lists)


def _kind_of(names: Iterable[str]) -> object:
    kinds: list[JsonValue] = list(names)
    limits: dict[str, JsonValue] = {"enum": kinds} if kinds else {"maxLength": MAX_KIND}
    return Annotated[str, _clipped(MAX_KIND), Field(json_schema_extra=limits)]


@dataclass(frozen=True, slots=True)
class _Named:
    """A name of the model's that stands in the chunk."""

    key: str
    surface: str
    type: str
    spans: tuple[Span, ...]


def contribution(
    document: str, tenant: str, chunk: ChunkText, beside: Contribution, found: Found, schema: ExtractionSchema
) -> Contribution:
    """What a chunk contributes: what another extractor found, and what is true of what a model said.

    Args:
        document: id of the document.
        beside: of the other extractor.
    """
    taken = {span: mention.key for mention in beside.mentions for span in mention.spans}
    named = _named(chunk, found.entities[:MAX_LISTED], taken, schema)
    mentions = {mention.key: mention for mention in beside.mentions}
    for one in named.values():
        mentions[one.key] = _merged(mentions.get(one.key), one, tenant)
    known = {normalise(said): one.key for said, one in named.items()}
    relations = {relation.id: relation for relation in beside.relations}
    for said in found.relations[:MAX_LISTED]:
        ends = [mentions.get(known.get(key := normalise(end), key)) for end in (said.subject, said.object)]
        relation = _relation(document, chunk, ends[0], ends[1], said, schema)
        if relation is not None:
            relations[relation.id] = relation
    return Contribution(
        tuple(mentions[key] for key in sorted(mentions)), tuple(relations[id_] for id_ in sorted(relations))
    )


def _named(
    chunk: ChunkText, entities: Sequence[FoundEntity], taken: dict[Span, str], schema: ExtractionSchema
) -> dict[str, _Named]:
    """The names that stand in the chunk's core, by the name that the model gave. Of overlapping ones the longer counts."""
    core, offset = chunk.core, chunk.core_start
    claimed: list[Span] = []
    found: dict[str, _Named] = {}
    for entity in sorted(dict.fromkeys(entities), key=lambda one: -len(one.name)):
        kind = schema.entity(entity.type)
        if kind is None or entity.name in found:
            continue
        places = [(offset + start, offset + end) for start, end in occurrences(core, _bare(entity.name))]
        spans = _apart(places, claimed)
        # The key is that of the text, not that of what the model wrote.
        surface = chunk.between(*spans[0]) if spans else ""
        key = normalise(surface)
        if not is_entity_key(key):
            continue
        claimed += spans
        # The other extractor may know more of a place: a surname that stands for a full name, for example.
        resolved = next((taken[span] for span in spans if span in taken), key)
        found[entity.name] = _Named(resolved, " ".join(surface.split()), kind, tuple(spans))
    return found


def _bare(name: str) -> str:
    """A name without quotes and punctuation around it, an article before it, and a possessive."""
    bare = _ARTICLE.sub("", unicodedata.normalize("NFC", name).strip(_AROUND), count=1)  # as loaders give texts
    return bare.removesuffix("'s").removesuffix("’s").rstrip(_AROUND)


def occurrences(text: str, name: str) -> list[Span]:
    """Where a name stands in a text as whole words: as it is written, else whatever its case and what is between its words."""
    words = _WORDS.findall(name)
    if not words:
        return []
    left, right = (r"(?<!\w)" if name[0].isalnum() else ""), (r"(?!\w)" if name[-1].isalnum() else "")
    exact = [match.span() for match in re.finditer(left + re.escape(name) + right, text)]
    if exact:
        return exact
    # A few characters that are no letters may stand between two words: a line break, a hyphen, a comma, quotes.
    loose = r"(?<!\w)" + r"[\W_]{1,3}".join(re.escape(word) for word in words) + r"(?!\w)"
    return [match.span() for match in re.finditer(loose, text, re.IGNORECASE)]


def _merged(known: Mention | None, named: _Named, tenant: str) -> Mention:
    if known is None:
        return Mention(entity_id(tenant, named.key), named.key, named.surface, named.type, "mention", named.spans)
    spans = tuple(sorted({*known.spans, *_apart(named.spans, known.spans)}))
    return msgspec.structs.replace(known, spans=spans, type=named.type or known.type)


def _apart(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Spans that overlap none of the others: one place names an entity once."""
    return [(start, end) for start, end in spans if not any(start < right and left < end for left, right in others)]


def _relation(
    document: str,
    chunk: ChunkText,
    subject: Mention | None,
    object_: Mention | None,
    said: FoundRelation,
    schema: ExtractionSchema,
) -> Relation | None:
    if subject is None or object_ is None or subject.key == object_.key:
        return None
    predicate = schema.relation(said.relation, subject.type, object_.type)
    if predicate is None:
        return None
    if not schema.relations:
        predicate = normalise(predicate.replace("_", " "))
    place = evidence(chunk, subject.spans, object_.spans)
    if place is None or not predicate:
        return None
    start, end = place
    return Relation(
        relation_id(chunk.id, subject.entity_id, predicate, object_.entity_id, start),
        chunk.id,
        document,
        subject.entity_id,
        predicate,
        object_.entity_id,
        start,
        end,
        said.description or f"{subject.surface} {predicate} {object_.surface}",
    )


def evidence(chunk: ChunkText, subject: Sequence[Span], object_: Sequence[Span]) -> Span | None:
    """The sentences around the two nearest names; around the only one where the other end is named by title or heading.

    None if neither stands in the text.
    """
    pairs = [(abs(one[0] - other[0]), min(one, other), max(one, other)) for one in subject for other in object_]
    if pairs:
        _, first, last = min(pairs)
    else:
        alone = [*subject, *object_]
        if not alone:
            return None
        first = last = min(alone)
    starts = [start for start, _ in chunk.sentences]
    before, behind = (bisect_right(starts, at) - 1 for at in (first[0], last[0]))
    start = chunk.sentences[before][0] if before >= 0 else first[0]
    end = max(chunk.sentences[behind][1] if behind >= 0 else last[1], last[1])
    return start, end
