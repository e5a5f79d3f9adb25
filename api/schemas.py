"""What requests and responses look like, those of questions apart (api.schemas_ask). Offsets are code points into a document's text."""

from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from api import schema_base, schemas_ask
from api.schema_base import Passage, Request, Response, at_most
from graphrag import types
from graphrag.stores.system import JobState
from graphrag.types import MAX_METADATA_KEYS, METADATA_KEY, Scalar

LABEL = f"^{types.LABEL.pattern}$"
# The pattern of keys is told here and checked where metadata is checked for all surfaces.
MetadataSpec = Annotated[
    dict[str, Scalar],
    BeforeValidator(partial(at_most, MAX_METADATA_KEYS)),
    Field(
        json_schema_extra={
            "propertyNames": {"pattern": f"^{METADATA_KEY.pattern}$"},
            "maxProperties": MAX_METADATA_KEYS,
        }
    ),
]


class DocumentOut(Response):
    """A document without its text."""

    id: str
    source: str
    title: str
    media_type: str
    access: str
    metadata: dict[str, Scalar]
    length: int = Field(description="characters of text")
    chunks: int
    state: Literal["partial", "complete"] = Field(
        description="partial: a source in parts of which some are still missing"
    )
    part: int
    content_sha256: str
    created_at: str
    updated_at: str


class DocumentPage(Response):
    """Documents ascending by id."""

    documents: list[DocumentOut]
    next: str | None = Field(description="pass it as 'after' for the next page; null on the last one")


class TextOut(Response):
    """A stretch of a document's text."""

    document_id: str
    start: int
    end: int
    length: int = Field(description="characters of the whole text")
    text: str


class ChunkOut(Passage):
    """A passage with the entities it mentions."""

    position: int
    token_count: int
    entities: list["MentionOut"]


class MentionOut(Response):
    """An entity as a passage mentions it."""

    entity_id: str
    surface: str
    type: str
    role: Literal["mention", "subject"]
    count: int


class EntityOut(Response):
    """An entity, computed from the mentions that the key sees."""

    id: str
    key: str
    name: str
    type: str
    mentions: int
    chunks: int
    documents: int


class EntityList(Response):
    """Entities, most mentioned first."""

    entities: list[EntityOut]


class SameAsOut(Response):
    """Another entity that is probably, or was decided to be, the same."""

    entity: EntityOut
    score: float
    reason: str
    decided: bool = Field(description="whether a person said so")


class EntityDetail(EntityOut):
    """An entity with where it is mentioned and what it is the same as."""

    chunk_ids: list[str] = Field(description="the first chunks that mention it, ascending by id")
    same_as: list[SameAsOut] = Field(description="best first")


class CandidateOut(Response):
    """Two entities that are probably the same, on which nobody has decided."""

    a: EntityOut
    b: EntityOut
    score: float
    reason: str


class CandidateList(Response):
    """Candidates among some of the entities."""

    candidates: list[CandidateOut] = Field(description="best first")
    next: str | None = Field(description="go on with `after` set to this; null at the end")


class PairSpec(Request):
    """Two entities."""

    a: str = Field(min_length=1, max_length=200, pattern=r"\S", description="id or name of an entity")
    b: str = Field(min_length=1, max_length=200, pattern=r"\S", description="id or name of another")


class DecisionOut(Response):
    """What a person decided on two entities."""

    id: str
    kind: Literal["merge", "split"]
    a: str = Field(description="entity id")
    b: str = Field(description="entity id")
    a_name: str | None = Field(description="null while no visible document mentions it")
    b_name: str | None = Field(description="null while no visible document mentions it")
    author: str
    created_at: str


class DecisionList(Response):
    """Decisions, the newest first."""

    decisions: list[DecisionOut]


class GraphEdge(Response):
    """A relation (with its evidence) or a same-as link."""

    kind: Literal["relation", "same_as"]
    source: str = Field(description="entity id")
    target: str = Field(description="entity id")
    label: str = Field(description="predicate, or why the two are probably one")
    description: str = Field(default="", description="a relation that a language model found, in its words; else empty")
    score: float | None = None
    chunk_id: str | None = None
    document_id: str | None = None
    start: int | None = None
    end: int | None = None


class GraphOut(Response):
    """A part of the entity graph."""

    nodes: list[EntityOut]
    edges: list[GraphEdge]


class TextDocument(Request):
    """A document given as text. How it is read follows from the suffix of its source (.md, .html, .txt, none)."""

    source: str = Field(min_length=1, max_length=1000, pattern=r"\S", description="relative path or name; ingesting it again replaces the document")  # fmt: skip
    text: str = Field(min_length=1)
    title: str = Field("", max_length=300, description="instead of the document's own")
    metadata: MetadataSpec = Field(default_factory=dict)


class TextDocuments(Request):
    """Documents given as text."""

    # After the first one that does not fit the rest is not looked at: there may be very many errors.
    documents: list[TextDocument] = Field(min_length=1, max_length=1000, fail_fast=True)
    access: str | None = Field(None, pattern=LABEL, description="label that a key needs to see them")
    metadata: MetadataSpec = Field(default_factory=dict, description="of every document")


class Progress(Response):
    """How far a job is; of its present or last attempt."""

    phase: Literal["queued", "running", "ended"]
    files: int
    files_read: int
    documents: int
    created: int
    updated: int
    unchanged: int
    failed: int
    chunks: int
    model_failures: int = Field(
        description="passages stored without what the language model would find in them; tried again when they are ingested again"
    )
    model_calls: int = Field(description="calls of the language model")
    model_tokens: int
    model_dollars: float
    seconds: float
    documents_per_second: float
    eta_seconds: float | None = Field(None, description="until the end, by the rate so far; null where it is not known")


class EstimateOut(Response):
    """What a job would use of the language model, at most, if no call has to be repeated."""

    documents: int = Field(description="new or changed ones")
    chunks: int
    calls: int = Field(description="those whose reply is not kept from an earlier run")
    input_tokens: int = Field(description="estimated, rather too many")
    output_tokens: int
    dollars: float | None = Field(description="null where the price of the model is not known")


class FailureOut(Response):
    """A document that could not be stored, or on parts of which the language model failed."""

    source: str
    reason: str


class JobOut(Response):
    """An ingest job."""

    id: str
    state: JobState
    priority: int
    access: str
    created_at: str
    updated_at: str
    error: str
    progress: Progress
    estimate: EstimateOut | None = Field(None, description="of a dry run that has ended")


class JobDetail(JobOut):
    """A job with what failed."""

    failures: list[FailureOut] = Field(description="ascending by source")
    next: str | None = Field(description="pass it as 'after' for more failures; null if there are none")


class JobList(Response):
    """The newest jobs first."""

    jobs: list[JobOut]
    next: str | None = Field(description="pass it as 'after' for the next page; null on the last one")


class Deleted(Response):
    """What a deletion by a condition took away."""

    dry_run: bool
    documents: int = Field(description="how many, a source in parts counting once")
    sources: list[str] = Field(description="the first 500, ascending")


class Accepted(Response):
    """A job was queued."""

    job: JobOut


class StatsOut(Response):
    """What the key sees of its tenant."""

    documents: int
    chunks: int
    entities: int
    mentions: int
    relations: int
    filter_fields: list[str]


class AccountOut(Response):
    """What the calls of language models used that one key made on one day, or one job in all."""

    kind: Literal["key", "job"]
    id: str
    day: str = Field(description="UTC; empty for a job, which is counted over all days")
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float = Field(description="0 where the price of the model is not known")


class UsageList(Response):
    """Accounts of the tenant: of keys, the latest day first, then those of jobs, the newest first."""

    accounts: list[AccountOut]
    more: bool = Field(description="there are more of keys or of jobs than 'limit'")


class Health(Response):
    """Whether the service works."""

    status: Literal["ok", "unavailable"]


class FieldError(Response):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemOut(Response):
    """An error (RFC 9457). `type` is stable; /schema lists all."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="names the request in the log")
    errors: list[FieldError] | None = None


def models() -> dict[str, type[BaseModel]]:
    """Every model of requests and responses by name."""
    found = {**vars(schema_base), **vars(schemas_ask), **globals()}
    bases = (BaseModel, Request, Response)
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, type) and issubclass(value, BaseModel) and value not in bases
    }
