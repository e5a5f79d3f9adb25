"""What requests and responses look like. Requests refuse unknown fields; offsets are code points into a document's text."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent.spans.wanted import Kind
from agent.types import Mode, StoppedBy, Verdict
from graphrag.retrieval.question import MAX_CHARACTERS, MIN_CHARACTERS
from graphrag.stores.system import JobState
from graphrag.types import Scalar, Tool

MAX_K = 100
_NAME = r"^[a-z][a-z0-9_]{0,62}$"
LABEL = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}$"


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value  # in JSON, 12.0 is whole as well


Turns = Annotated[int, Field(ge=1, le=6), BeforeValidator(_whole)]
Reads = Annotated[int, Field(ge=1, le=60), BeforeValidator(_whole)]
K = Annotated[int, Field(ge=1, le=MAX_K), BeforeValidator(_whole)]
TopK = Annotated[int, Field(ge=0, le=MAX_K), BeforeValidator(_whole)]
Question = Annotated[str, Field(min_length=MIN_CHARACTERS, max_length=MAX_CHARACTERS, examples=["Who supplies the PMX-48 power module?"])]  # fmt: skip
FilterSpec = Annotated[dict[str, object], Field(description="AND of conditions on metadata fields (setting GRAPHRAG_FILTER_FIELDS): a value, or operators " "eq ne in gt gte lt lte exists", examples=[{}])]  # fmt: skip
MetadataSpec = Annotated[dict[str, Scalar], Field(json_schema_extra={"propertyNames": {"pattern": _NAME}})]  # keys are checked where metadata is  # fmt: skip


class BudgetSpec(_Request):
    """Limits of one answer; each can only lower what the service allows."""

    steps: Turns | None = Field(None, description="turns of the agent")
    seconds: float | None = Field(None, ge=0.001, le=3600, description="after so long it answers from what it has")
    round_trips: Reads | None = Field(None, description="reads of the store")


class QueryRequest(_Request):
    """A question."""

    question: Question
    mode: Mode = Field("agent", description="the agent, or one search alone")
    filter: FilterSpec = Field(default_factory=dict)
    top_k: TopK = Field(0, description="return so many of the best passages, too")
    budget: BudgetSpec | None = None
    stream: bool = Field(False, description="answer with server-sent events")


class Passage(_Response):
    """A passage of a document."""

    chunk_id: str
    document_id: str
    source: str
    title: str
    heading: list[str] = Field(description="headings above it, outermost first")
    page: int | None
    start: int
    end: int
    text: str


class CitationOut(_Response):
    """A quote: `quote` is the document's text from `start` to `end`."""

    id: int = Field(description="as in the [1] of the answer")
    document_id: str
    chunk_id: str
    source: str
    title: str
    quote: str
    start: int
    end: int
    page: int | None
    heading: list[str]
    score: float


class PathEdgeOut(_Response):
    """Why two cited passages belong together."""

    source: str = Field(description="chunk id")
    target: str = Field(description="chunk id")
    entity: str
    kind: Literal["entity", "link", "back"]


class StepOut(_Response):
    """One call of a tool."""

    step: int = Field(description="turn of the agent, from 1; calls of one turn run side by side")
    reason: str
    tool: str
    arguments: dict[str, object]
    hits: list[str] = Field(description="chunk ids, best first")
    new_evidence: int = Field(description="hits not met before")
    milliseconds: float
    error: str


class Usage(_Response):
    """What an answer took."""

    steps: int
    round_trips: int = Field(description="reads of the store")


class Timings(_Response):
    """Milliseconds."""

    total_ms: float


class ShortAnswerOut(_Response):
    """A few words that probably answer the question, and where they stand."""

    text: str = Field(description='the document\'s text from start to end; for kind yes_no, "yes" or "no"')
    kind: Kind = Field(description="what the question asks for")
    confidence: float = Field(description="estimated probability that it is right")
    document_id: str
    chunk_id: str
    start: int
    end: int = Field(description="for kind yes_no, start and end are those of the sentence that decides")


class AnswerOut(_Response):
    """An answer in quoted sentences."""

    question: str
    answer: str = Field(description="quoted sentences, each with its citation as [n]; empty if there is none")
    short: ShortAnswerOut | None = Field(description="null where no short answer is probable enough")
    verdict: Verdict
    confidence: float = Field(description="estimated probability that the evidence holds the answer")
    missing: list[str] = Field(description="words of the question that the evidence does not hold")
    citations: list[CitationOut]
    path: list[PathEdgeOut]
    steps: list[StepOut]
    stopped_by: StoppedBy
    passages: list[Passage]
    usage: Usage
    timings: Timings


class SearchRequest(_Request):
    """One search."""

    query: Question
    tool: Tool = "hybrid"
    k: K = 10
    filter: FilterSpec = Field(default_factory=dict)


class HitOut(_Response):
    """A passage with its place in the ranking."""

    rank: int
    score: float = Field(description="higher is better; scores of different tools are not comparable")
    passage: Passage


class SearchResponse(_Response):
    """Hits, best first."""

    query: str
    tool: Tool
    hits: list[HitOut]


class DocumentOut(_Response):
    """A document without its text."""

    id: str
    source: str
    title: str
    media_type: str
    access: str
    metadata: dict[str, Scalar]
    length: int = Field(description="characters of text")
    chunks: int
    state: Literal["partial", "complete"] = Field(description="partial: a source in parts of which some are still missing")  # fmt: skip
    part: int
    content_sha256: str
    created_at: str
    updated_at: str


class DocumentPage(_Response):
    """Documents ascending by id."""

    documents: list[DocumentOut]
    next: str | None = Field(description="pass it as 'after' for the next page; null on the last one")


class TextOut(_Response):
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


class MentionOut(_Response):
    """An entity as a passage mentions it."""

    entity_id: str
    surface: str
    type: str
    role: Literal["mention", "subject"]
    count: int


class EntityOut(_Response):
    """An entity, computed from the mentions that the key sees."""

    id: str
    key: str
    name: str
    type: str
    mentions: int
    chunks: int
    documents: int


class EntityList(_Response):
    """Entities, most mentioned first."""

    entities: list[EntityOut]


class SameAsOut(_Response):
    """Another entity that is probably, or was decided to be, the same."""

    entity: EntityOut
    score: float
    reason: str
    decided: bool = Field(description="whether a person said so")


class EntityDetail(EntityOut):
    """An entity with where it is mentioned and what it is the same as."""

    chunk_ids: list[str] = Field(description="the first chunks that mention it, ascending by id")
    same_as: list[SameAsOut] = Field(description="best first")


class CandidateOut(_Response):
    """Two entities that are probably the same, on which nobody has decided."""

    a: EntityOut
    b: EntityOut
    score: float
    reason: str


class CandidateList(_Response):
    """Candidates among some of the entities."""

    candidates: list[CandidateOut] = Field(description="best first")
    next: str | None = Field(description="go on with `after` set to this; null at the end")


class PairSpec(_Request):
    """Two entities."""

    a: str = Field(min_length=1, max_length=200, pattern=r"\S", description="id or name of an entity")
    b: str = Field(min_length=1, max_length=200, pattern=r"\S", description="id or name of another")


class DecisionOut(_Response):
    """What a person decided on two entities."""

    id: str
    kind: Literal["merge", "split"]
    a: str = Field(description="entity id")
    b: str = Field(description="entity id")
    a_name: str | None = Field(description="null while no visible document mentions it")
    b_name: str | None = Field(description="null while no visible document mentions it")
    author: str
    created_at: str


class DecisionList(_Response):
    """Decisions, the newest first."""

    decisions: list[DecisionOut]


class GraphEdge(_Response):
    """A relation (with its evidence) or a same-as link."""

    kind: Literal["relation", "same_as"]
    source: str = Field(description="entity id")
    target: str = Field(description="entity id")
    label: str = Field(description="predicate, or why the two are probably one")
    score: float | None = None
    chunk_id: str | None = None
    document_id: str | None = None
    start: int | None = None
    end: int | None = None


class GraphOut(_Response):
    """A part of the entity graph."""

    nodes: list[EntityOut]
    edges: list[GraphEdge]


class TextDocument(_Request):
    """A document given as text. How it is read follows from the suffix of its source (.md, .html, .txt, none)."""

    source: str = Field(min_length=1, max_length=1000, pattern=r"\S", description="relative path or name; ingesting it again replaces the document")  # fmt: skip
    text: str = Field(min_length=1)
    title: str = Field("", max_length=300, description="instead of the document's own")
    metadata: MetadataSpec = Field(default_factory=dict)


class TextDocuments(_Request):
    """Documents given as text."""

    documents: list[TextDocument] = Field(min_length=1, max_length=1000)
    access: str | None = Field(None, pattern=LABEL, description="label that a key needs to see them")
    metadata: MetadataSpec = Field(default_factory=dict, description="of every document")


class Progress(_Response):
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
    seconds: float
    documents_per_second: float
    eta_seconds: float | None = Field(None, description="until the end, by the rate so far; null where it is not known")


class FailureOut(_Response):
    """A document that could not be stored."""

    source: str
    reason: str


class JobOut(_Response):
    """An ingest job."""

    id: str
    state: JobState
    priority: int
    access: str
    created_at: str
    updated_at: str
    error: str
    progress: Progress


class JobDetail(JobOut):
    """A job with what failed."""

    failures: list[FailureOut] = Field(description="ascending by source")
    next: str | None = Field(description="pass it as 'after' for more failures; null if there are none")


class JobList(_Response):
    """The newest jobs first."""

    jobs: list[JobOut]


class Deleted(_Response):
    """What a deletion by a condition took away."""

    dry_run: bool
    documents: int = Field(description="how many, a source in parts counting once")
    sources: list[str] = Field(description="the first 500, ascending")


class Accepted(_Response):
    """A job was queued."""

    job: JobOut


class StatsOut(_Response):
    """What the key sees of its tenant."""

    documents: int
    chunks: int
    entities: int
    mentions: int
    relations: int
    filter_fields: list[str]


class Health(_Response):
    """Whether the service works."""

    status: Literal["ok", "unavailable"]


class FieldError(_Response):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemOut(_Response):
    """An error (RFC 9457). `type` is stable; /schema lists all."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="names the request in the log")
    errors: list[FieldError] | None = None


def models() -> dict[str, type[BaseModel]]:
    """Every model of this module by name."""
    return {
        name: value
        for name, value in globals().items()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == __name__ and name[0] != "_"
    }
