"""An extractor a hundred times as fast as spaCy, for runs over so much text that spaCy would take days: pairs of capitalised words.

As many names and relations as the made-up text of benchmarks/memory.py holds are found in it, so that the store and everything
else that must not grow with the text is given them.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from graphrag.extraction import ChunkText, Contribution, DocumentText
from graphrag.extraction.mentions import Recognised, document_mentions
from graphrag.llm.usage import Usage
from graphrag.types import Mention, Relation, relation_id

_NAME = re.compile(r"\b[A-Z][a-z]+ [A-Z][a-z]+\b")


class CapitalisedExtractor:
    """Implements Extractor. Two names of a sentence are related by the word after the first."""

    fingerprint = "capitalised/1"

    async def extract(self, documents: Sequence[DocumentText]) -> list[list[Contribution]]:
        """See Extractor.extract."""
        return [_contributions(document) for document in documents]

    async def estimate(self, documents: Sequence[DocumentText]) -> Usage:
        """See Extractor.estimate: nothing."""
        return Usage()


def _contributions(document: DocumentText) -> list[Contribution]:
    recognised = [
        [_recognised(chunk, match) for match in _NAME.finditer(chunk.text, chunk.core_start - chunk.start)]
        for chunk in document.chunks
    ]
    mentions = document_mentions(document, recognised, [()] * len(document.chunks))
    return [
        Contribution(ours, _relations(document, chunk, ours))
        for chunk, ours in zip(document.chunks, mentions, strict=True)
    ]


def _recognised(chunk: ChunkText, name: "re.Match[str]") -> Recognised:
    return Recognised(chunk.start + name.start(), chunk.start + name.end(), name.group(), "PERSON")


def _relations(document: DocumentText, chunk: ChunkText, mentions: Sequence[Mention]) -> tuple[Relation, ...]:
    named = sorted((start, end, mention.entity_id) for mention in mentions for start, end in mention.spans)
    found: dict[str, Relation] = {}
    for start, end in chunk.sentences:
        inside = [name for name in named if start <= name[0] and name[1] <= end]
        for (_, left_end, subject), (_, right_end, object_) in pairwise(inside):
            predicate = chunk.text[left_end - chunk.start : right_end - chunk.start].split()[0]
            id_ = relation_id(chunk.id, subject, predicate, object_, start)
            if subject != object_:
                found[id_] = Relation(id_, chunk.id, document.id, subject, predicate, object_, start, end)
    return tuple(found[id_] for id_ in sorted(found))
