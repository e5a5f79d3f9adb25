"""What an agent run is made of: steps, citations, the answer. Plain values, ready to be streamed, logged and replayed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.spans.wanted import Kind
from graphrag.degraded import Degraded
from graphrag.llm.usage import Usage

Verdict = Literal["answered", "evidence_only", "insufficient_evidence"]
StoppedBy = Literal["sufficient", "no_gain", "budget", "empty"]
Mode = Literal["agent", "graph", "hybrid", "vector", "keyword"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one run; reaching one ends the search, and what was found is answered from."""

    steps: int = 6
    seconds: float = 30.0
    round_trips: int = 60


@dataclass(frozen=True, slots=True)
class Observation:
    """One tool call and what it brought."""

    tool: str
    arguments: Mapping[str, object]
    hits: tuple[str, ...]
    """Chunk ids, best first."""
    new_evidence: int
    """How many of them the run had not met before."""
    round_trips: int
    milliseconds: float
    error: str = ""
    """What was wrong with the call, for the planner to mend; the run goes on."""


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of the loop: why these calls were made, and what they brought."""

    number: int
    reason: str
    observations: tuple[Observation, ...]
    coverage: float
    """Share of the question's term weight that the evidence holds after this step."""
    score: float
    """Score of the chain with which that evidence began."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote and where it stands: `quote` equals the document's text from `start` to `end` (code points)."""

    id: int
    """From 1, as in the `[1]` of the answer's text."""
    document_id: str
    chunk_id: str
    source: str
    title: str
    quote: str
    start: int
    end: int
    page: int | None
    heading: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that a language model wrote, checked against what it cites."""

    text: str
    """With its citations, as it stands in the answer."""
    citations: tuple[int, ...]
    supported: bool
    """Whether what it cites says so, as far as words, names, numbers and similarity tell (and the model, if it checks)."""
    support: float
    """The share of its words that stand in what it cites, or the similarity to a sentence there, whichever is higher."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the answer's text, as it is written. With `restart`, all pieces before it are void."""

    text: str
    restart: bool = False


@dataclass(frozen=True, slots=True)
class PathEdge:
    """Why two cited passages belong together: an edge of the evidence path."""

    source: str
    target: str
    """Chunk ids."""
    entity: str
    """Name of the entity both mention, or that one names and the other is about."""
    kind: Literal["entity", "link", "back"]


@dataclass(frozen=True, slots=True)
class RankedChunk:
    """A passage that the run met."""

    chunk_id: str
    document_id: str
    score: float


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """A few words that probably answer the question, and where they stand."""

    text: str
    """The document's text from `start` to `end`; for `yes_no`, "yes" or "no"."""
    kind: Kind
    confidence: float
    """Estimated probability that it is right."""
    document_id: str
    chunk_id: str
    start: int
    end: int
    """Code points into the document's text; for `yes_no`, the sentence that decides."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a question."""

    question: str
    text: str
    """Sentences, each with its citations as `[n]`: quoted from the evidence, or written by a language model from it. Empty when
    there is none."""
    verdict: Verdict
    confidence: float
    """Estimated probability that the evidence holds the answer."""
    missing: tuple[str, ...]
    """What a planner or the model that writes found missing, then words of the question that the evidence does not hold, weightiest first."""
    citations: tuple[Citation, ...]
    path: tuple[PathEdge, ...]
    steps: tuple[Step, ...]
    stopped_by: StoppedBy
    ranked: Sequence[RankedChunk]
    """All passages met, best first; those that lead from one to the next before the rest."""
    features: Mapping[str, float]
    """What the confidence was computed from."""
    round_trips: int = 0
    milliseconds: float = 0.0
    written: bool = False
    """Whether a language model wrote the text; otherwise it is quoted."""
    claims: tuple[Claim, ...] = ()
    """The sentences that a language model wrote, in order."""
    degraded: tuple[Degraded, ...] = ()
    """What had to be done without."""
    usage: Usage = field(default_factory=Usage)
    """Calls of models, and their tokens and cost."""
    short: ShortAnswer | None = None
    """None where no short answer is probable enough, or the verdict is `insufficient_evidence`."""
