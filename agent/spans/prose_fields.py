"""Fields that a sentence tells: of "its capital is Hov" the subject is the label and the name its value, of "a height of 97 m" what is
measured and the amount.
"""

import re
from collections.abc import Iterator

from agent.spans.fields import MAX_VALUE, Field
from graphrag.types import Chunk

NAME_IN_PROSE = re.compile(r"(?:the\s+)?[A-Z][\w’'.-]*(?:\s+(?:(?:de|van|von|der|of|and|&)\s+)?[A-Z][\w’'.-]*){0,4}")
"""What is told is a name: of all that a sentence says of its subject, it is what can be offered."""
FULL_NAME = r"[A-Z][\w’'-]+(?:\s+[A-Z][\w’'.-]+)+"
"""That of a person, as a rule, with which a sentence begins."""
_WORD = r"(?!(?:that|which|who|whom|whose|where|when|it|they|he|she|there)\b)[a-z][\w'’-]*+\s+"
_ENDS = r"(?=\.?\s*$|[,;:(]|\s(?:and|but|or|who|whom|whose|which|that|where|when|while|since|until|from|in|on|at|by|for|as|with|because|after|before)\s)"
# The label is the whole subject of its clause: "the mayor", "product manager", "its capital and largest city". Of the value, words
# that only say what it is ("the composer Alaric Venn") are left out.
_LABELLED = re.compile(
    rf"(?:^|[,;]\s+|\band\s+)(?P<label>(?:(?:[Tt]he|[Ii]ts|[Hh]is|[Hh]er|[Tt]heir|[Oo]ur|[Yy]our)\s+(?:{_WORD}){{1,6}}?|[A-Z][a-z]++\s+(?:{_WORD}){{0,2}}?))"
    rf"(?:is|was|are|were)\s+(?:the\s+(?:{_WORD}){{0,4}})?(?P<value>[A-Z][^,;:()\n]{{0,{MAX_VALUE}}}?){_ENDS}"
)
_MEASURED = (
    "price|cost|fee|budget|population|height|length|width|depth|thickness|speed|weight|capacity|area|output|volume|salary|rate|limit|distance"
    "|duration|elevation|altitude|temperature|power|estimate|charge|bonus|deposit|fine|rent|debt|turnover|revenue|attendance|dose"
)
_AMOUNT = re.compile(
    rf"\b(?P<label>(?:[a-z]++[ -]){{0,2}}(?:{_MEASURED})s?)\s+(?:(?:is|was|of|at)\s+)?(?:(?:about|some|nearly|almost|over|around|up\s+to|only)\s+)?"
    r"(?P<value>(?:[$€£]|[A-Z]{3}\s)?\d[\d,]*(?:\.\d+)?(?:[^\S\n]?(?:%|°C|[$€£])|\s(?:(?:thousand|million|billion)\s)?(?!(?:and|or|in|on|at|by|for|from|to|with|per|each|of|as)\b)[A-Za-z][\w/]*)?)"
    r"(?![\w,.]*\d)",
    re.IGNORECASE,
)
"""The amount right after what it measures, with its unit."""


def prose_fields(chunk: Chunk) -> Iterator[Field]:
    """The fields that the sentences of a passage tell, in order; beside each stand its sentence, of an amount also the one before, which
    says of what it is, the headings and the title.
    """
    before = ""
    for span in chunk.sentences:
        sentence = chunk.between(*span)
        if "|" in sentence:
            continue
        above = " ".join(chunk.above(span[0]))
        for match in _AMOUNT.finditer(sentence) if any(map(str.isdigit, sentence)) else ():
            start, end = match.span("value")
            others = f"{before} {sentence[: match.start()]} {sentence[match.end() :]} {above}"
            yield Field(chunk, span[0] + start, span[0] + end, match["label"], others, match["label"], in_prose=True)
        before = sentence
        if not any(f" {verb} " in sentence for verb in ("is", "was", "are", "were")):
            continue
        for match in _LABELLED.finditer(sentence):
            start, end = match.span("value")
            if NAME_IN_PROSE.fullmatch(sentence, start, end) is not None:
                others = f"{sentence[: match.start()]} {sentence[match.end() :]} {above}"
                yield Field(chunk, span[0] + start, span[0] + end, match["label"].strip(), others, in_prose=True)
