"""A citation of a stretch of a passage, and what is not worth one."""

from collections.abc import Iterable

from agent.types import Citation
from graphrag.analysis import normalise
from graphrag.retrieval.ledger import Candidate
from graphrag.types import Chunk, Span


def cite(candidate: Candidate, span: Span, number: int, score: float) -> Citation:
    """The citation with this number of a span (offsets in the document) within a passage."""
    chunk, (start, end) = candidate.chunk, span
    return Citation(
        id=number,
        document_id=chunk.document_id,
        chunk_id=chunk.id,
        source=chunk.source,
        title=chunk.title,
        quote=chunk.between(start, end),
        start=start,
        end=end,
        page=chunk.page_at(start),
        heading=chunk.heading_at(start),
        score=round(score, 4),
    )


def named_in(candidate: Candidate, texts: Iterable[str]) -> frozenset[str]:
    """Keys of those entities of a passage that texts from it name."""
    said = [f" {normalise(text)} " for text in texts]
    return frozenset([key for key in candidate.mentions if any(f" {key} " in one for one in said)])


def labels(chunk: Chunk) -> frozenset[str]:
    """Title and headings of a passage, normalised: as sentences they resemble a question but state nothing."""
    names = (chunk.title, *chunk.heading, *(name for _, path in chunk.headings_within for name in path))
    return frozenset(map(normalise, names))
