"""From chunks to contributions: the `Extractor` port."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from graphrag.llm.usage import Usage
from graphrag.types import Mention, Relation, Span


@dataclass(frozen=True, slots=True)
class ChunkText:
    """A chunk as an extractor sees it. Spans and offsets are those of the document's text."""

    id: str
    text: str
    start: int
    core_start: int
    headings: tuple[str, ...]
    """Every heading above or within the chunk, in order."""
    sentences: tuple[Span, ...]

    @property
    def core(self) -> str:
        """Its text without what it repeats of the chunk before."""
        return self.text[self.core_start - self.start :]

    def between(self, start: int, end: int) -> str:
        """Its text between two document offsets."""
        return self.text[start - self.start : end - self.start]


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document as an extractor sees it."""

    id: str
    tenant: str
    title: str
    chunks: Sequence[ChunkText]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one chunk contributes: mentions ascending by key, one per key, and relations among them, ascending by id."""

    mentions: tuple[Mention, ...]
    relations: tuple[Relation, ...]
    problem: str = ""
    """Why a model could not be made to read the chunk, whose contribution is without what it finds then. Asked again at the
    next ingest of the document."""


class Extractor(Protocol):
    """Finds entities and relations. What a chunk contributes depends on its own document alone."""

    @property
    def fingerprint(self) -> str:
        """Names the method and its version; part of every document's fingerprint."""
        ...

    async def extract(self, documents: Sequence[DocumentText]) -> list[list[Contribution]]:
        """Contributions for each document, in order, parallel to its chunks.

        A mention belongs to the chunk whose core holds its first character, so overlaps are never counted twice.

        Raises:
            ModelError: the model failed.
        """
        ...

    async def estimate(self, documents: Sequence[DocumentText]) -> Usage:
        """What `extract` would use of a language model at most, if no call has to be repeated. Makes no call."""
        ...
