"""What jobs look like in responses."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from graphrag.stores.system import JobState


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    model_failures: int = Field(
        description="passages stored without what the language model would find in them; tried again when they are ingested again"
    )
    model_calls: int = Field(description="calls of the language model")
    model_tokens: int
    model_dollars: float
    seconds: float
    documents_per_second: float
    eta_seconds: float | None = Field(None, description="until the end, by the rate so far; null where it is not known")


class EstimateOut(_Response):
    """What a job would use of the language model, at most, if no call has to be repeated."""

    documents: int = Field(description="new or changed ones")
    chunks: int
    calls: int = Field(description="those whose reply is not kept from an earlier run")
    input_tokens: int = Field(description="estimated, rather too many")
    output_tokens: int
    dollars: float | None = Field(description="null where the price of the model is not known")


class FailureOut(_Response):
    """A document that could not be stored, or on parts of which the language model failed."""

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
    estimate: EstimateOut | None = Field(None, description="of a dry run that has ended")


class JobDetail(JobOut):
    """A job with what failed."""

    failures: list[FailureOut] = Field(description="ascending by source")
    next: str | None = Field(description="pass it as 'after' for more failures; null if there are none")


class JobList(_Response):
    """The newest jobs first."""

    jobs: list[JobOut]


class Accepted(_Response):
    """A job was queued."""

    job: JobOut
