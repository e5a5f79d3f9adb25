"""A citation of a stretch of a passage."""

from agent.types import Citation
from graphrag.retrieval.ledger import Candidate
from graphrag.types import Span


def cite(candidate: Candidate, span: Span, number: int, score: float) -> Citation:
    """The citation with this number of a span (offsets in the document) within a passage."""
    chunk, (start, end) = candidate.chunk, span
    return Citation(
        id=number,
        document_id=chunk.document_id,
        chunk_id=chunk.id,
        source=chunk.source,
        title=chunk.title,
        quote=chunk.text[start - chunk.start : end - chunk.start],
        start=start,
        end=end,
        page=chunk.page_at(start),
        heading=chunk.heading_at(start),
        score=round(score, 4),
    )
