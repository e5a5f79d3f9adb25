"""What questions, searches and their answers look like. Offsets are code points into a document's text."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from agent.spans.wanted import Kind
from agent.types import Mode, StoppedBy, Verdict
from api.schema_base import Passage, Request, Response
from graphrag.degraded import Part
from graphrag.retrieval.question import MAX_CHARACTERS, MIN_CHARACTERS
from graphrag.types import Tool

MAX_K = 100


def _whole(value: object) -> object:
    # In JSON, 12.0 is a whole number as well.
    return int(value) if isinstance(value, float) and value.is_integer() else value


Turns = Annotated[int, Field(ge=1, le=6), BeforeValidator(_whole)]
Reads = Annotated[int, Field(ge=1, le=60), BeforeValidator(_whole)]
K = Annotated[int, Field(ge=1, le=MAX_K), BeforeValidator(_whole)]
TopK = Annotated[int, Field(ge=0, le=MAX_K), BeforeValidator(_whole)]
Question = Annotated[
    str,
    Field(
        min_length=MIN_CHARACTERS,
        max_length=MAX_CHARACTERS,
        # Of the sample of `graphrag quickstart`.
        examples=[
            "What does it cost to recalibrate the reference accelerometer that the Brno calibration audit found past its due date?"
        ],
    ),
]
FilterSpec = Annotated[
    dict[str, object],
    Field(
        description="AND of conditions on metadata fields (setting GRAPHRAG_FILTER_FIELDS): a value, or operators "
        "eq ne in gt gte lt lte exists",
        examples=[{}],
    ),
]


class BudgetSpec(Request):
    """Limits of one answer; each can only lower what the service allows."""

    steps: Turns | None = Field(None, description="turns of the agent")
    seconds: float | None = Field(None, ge=0.001, le=3600, description="after so long it answers from what it has")
    round_trips: Reads | None = Field(None, description="reads of the store")


class QueryRequest(Request):
    """A question."""

    question: Question
    mode: Mode = Field("agent", description="the agent, or one search alone")
    filter: FilterSpec = Field(default_factory=dict)
    top_k: TopK = Field(0, description="return so many of the best passages, too")
    budget: BudgetSpec | None = None
    stream: bool = Field(False, description="answer with server-sent events")
    model: bool = Field(
        True, description="let the language model plan and write, if one is configured; otherwise it is quotations"
    )


class CitationOut(Response):
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


class PathEdgeOut(Response):
    """Why two cited passages belong together."""

    source: str = Field(description="chunk id")
    target: str = Field(description="chunk id")
    entity: str
    kind: Literal["entity", "link", "back"]


class ClaimOut(Response):
    """A sentence that a language model wrote, checked against what it cites."""

    text: str
    citations: list[int]
    supported: bool = Field(
        description="whether what it cites says so, as far as code (and the model, if it checks) can tell"
    )
    support: float = Field(description="0 to 1: share of its words there, or similarity to a sentence there")


class DegradedOut(Response):
    """A part that was done without."""

    part: Part = Field(description="planning or writing: no language model; vectors: no vector search; and so on")
    reason: str = Field(description="what failed; the log of the service says more")


class StepOut(Response):
    """One call of a tool."""

    step: int = Field(description="turn of the agent, from 1; calls of one turn run side by side")
    reason: str
    tool: str
    arguments: dict[str, object]
    hits: list[str] = Field(description="chunk ids, best first")
    new_evidence: int = Field(description="hits not met before")
    milliseconds: float
    error: str


class Usage(Response):
    """What an answer took."""

    steps: int
    round_trips: int = Field(description="reads of the store")
    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = Field(0.0, description="0 where the price of the model is not known")


class Timings(Response):
    """Milliseconds."""

    total_ms: float


class ShortAnswerOut(Response):
    """A few words that probably answer the question, and where they stand."""

    text: str = Field(description='the document\'s text from start to end; for kind yes_no, "yes" or "no"')
    kind: Kind = Field(description="what the question asks for")
    confidence: float = Field(description="estimated probability that it is right")
    document_id: str
    chunk_id: str
    start: int
    end: int = Field(description="for kind yes_no, start and end are those of the sentence that decides")


class AnswerOut(Response):
    """An answer in quoted sentences, or in those of a language model."""

    question: str
    answer: str = Field(description="sentences, each with its citations as [n]; empty if there is none")
    short: ShortAnswerOut | None = Field(description="null where no short answer is probable enough")
    written_by: Literal["quotation", "model"]
    verdict: Verdict
    confidence: float = Field(description="estimated probability that the evidence holds the answer")
    missing: list[str] = Field(description="words of the question that the evidence does not hold")
    citations: list[CitationOut]
    claims: list[ClaimOut] = Field(description="the sentences of a language model with how well each is supported")
    path: list[PathEdgeOut]
    steps: list[StepOut]
    stopped_by: StoppedBy
    degraded: list[DegradedOut] = Field(description="what had to be done without; empty if all went well")
    passages: list[Passage]
    usage: Usage
    timings: Timings


class SearchRequest(Request):
    """One search."""

    query: Question
    tool: Tool = "hybrid"
    k: K = 10
    filter: FilterSpec = Field(default_factory=dict)


class HitOut(Response):
    """A passage with its place in the ranking."""

    rank: int
    score: float = Field(description="higher is better; scores of different tools are not comparable")
    passage: Passage


class SearchResponse(Response):
    """Hits, best first."""

    query: str
    tool: Tool
    hits: list[HitOut]
    degraded: list[DegradedOut] = Field(description="what had to be done without; empty if all went well")
