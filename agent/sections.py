"""What a passage says of one thing of several: it may hold sections about other things as well.

That a passage speaks of Petrus Nel and says where somebody was born does not tell where he was, if that stands under the next heading.
"""

from collections.abc import Set

from graphrag.analysis import terms
from graphrag.types import Chunk, Span


def spans_about(chunk: Chunk, names: Set[str]) -> tuple[Span, ...]:
    """The sentences of those sections, with their headings, that hold most terms of some names; all where it has but one."""
    if len(chunk.headings_within) < 2:
        return chunk.spans
    said: dict[int, set[str]] = {}
    for span in chunk.spans:
        above = " ".join(chunk.above(span[0]))
        said.setdefault(chunk.section_at(span[0]), set(terms(above))).update(terms(chunk.between(*span)))
    most = max(len(names & words) for words in said.values())
    return tuple(span for span in chunk.spans if len(names & said[chunk.section_at(span[0])]) == most)


def words_about(chunk: Chunk, names: Set[str]) -> frozenset[str]:
    """Terms of these sentences and of what stands over them."""
    spans = spans_about(chunk, names)
    above = {name for start, _ in spans for name in chunk.above(start)}
    return frozenset(terms(" ".join((*above, *(chunk.between(*span) for span in spans)))))
