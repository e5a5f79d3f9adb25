"""Fields that a sentence tells: "its capital is Hov", "Ida Rowan is the mayor of Hov". The subject is the label, or the value."""

import re
from collections.abc import Iterator

from agent.spans.fields import MAX_VALUE, Field
from graphrag.types import Chunk

NAME = re.compile(r"(?:the\s+)?[A-Z][\w’'.-]*(?:\s+(?:(?:de|van|von|der|of|and|&)\s+)?[A-Z][\w’'.-]*){0,4}")
"""What is told is a name: of all that a sentence says of its subject, it is what can be offered."""
_WORD = r"(?!(?:that|which|who|whom|whose|where|when|it|they|he|she|there)\b)[a-z][\w'’-]*+\s+"
_ENDS = r"(?=\.?\s*$|[,;:(]|\s(?:and|but|or|who|whom|whose|which|that|where|when|while|since|until|from|in|on|at|by|for|as|with|because|after|before)\s)"
# The label is the whole subject of its clause: "the mayor", "product manager", "its capital and largest city". Of the value, words
# that only say what it is ("the composer Alaric Venn") are left out.
_LABELLED = re.compile(
    rf"(?:^|[,;]\s+|\band\s+)(?P<label>(?:(?:[Tt]he|[Ii]ts|[Hh]is|[Hh]er|[Tt]heir|[Oo]ur|[Yy]our)\s+(?:{_WORD}){{1,6}}?|[A-Z][a-z]++\s+(?:{_WORD}){{0,2}}?))"
    rf"(?:is|was|are|were)\s+(?:the\s+(?:{_WORD}){{0,4}})?(?P<value>[A-Z][^,;:()\n]{{0,{MAX_VALUE}}}?){_ENDS}"
)
_NAMED = re.compile(
    rf"^(?P<value>[A-Z][^,;:()\n]{{0,{MAX_VALUE}}}?)(?:\s\([^()\n]{{0,80}}\))?\s(?:is|was)\s(?:(?:also|currently|now)\s)?the\s(?P<label>[^,;:()\n]{{3,80}})"
)


def told_fields(chunk: Chunk) -> Iterator[Field]:
    """The fields that the sentences of a passage tell, in order; beside each stand its sentence, the headings and the title."""
    for span in chunk.sentences:
        sentence = chunk.between(*span)
        if "|" in sentence or not any(f" {verb} " in sentence for verb in ("is", "was", "are", "were")):
            continue
        beside = " ".join((chunk.title, *chunk.heading_at(span[0])))
        for pattern in (_LABELLED, _NAMED):
            for match in pattern.finditer(sentence):
                start, end = match.span("value")
                if NAME.fullmatch(sentence, start, end) is None:
                    continue
                others = f"{sentence[: match.start()]} {sentence[match.end() :]}"
                yield Field(
                    chunk, span[0] + start, span[0] + end, match["label"].strip(" ."), f"{others} {beside}", told=True
                )
