"""What all schemas share: requests refuse unknown fields, responses never change once made."""

from pydantic import BaseModel, ConfigDict, Field


class Request(BaseModel):
    """Base of what is sent to the service."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Response(BaseModel):
    """Base of what it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Passage(Response):
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
