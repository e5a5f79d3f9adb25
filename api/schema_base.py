"""What all schemas share: requests refuse unknown fields, responses never change once made.

Each is built when it is used first: every command of the command line imports them, and building all takes a tenth of a second.
"""

from typing import cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

_MAX_UNKNOWN = 20


def at_most(most: int, value: object) -> object:
    """A check before validation, which would make an error for each of a million fields.

    Raises:
        PydanticCustomError: an object has more fields than that.
    """
    if isinstance(value, dict) and len(fields := cast("dict[str, object]", value)) > most:
        told = f"has {len(fields):,} fields, more than {most:,}"
        raise PydanticCustomError("too_many_fields", "{told}", {"told": told})
    return value


class Request(BaseModel):
    """Base of what is sent to the service."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, value: object) -> object:
        return at_most(len(cls.model_fields) + _MAX_UNKNOWN, value)


class Response(BaseModel):
    """Base of what it answers. `model_validate` makes one of a domain value with the same fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True, defer_build=True)


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
