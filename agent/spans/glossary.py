"""What an abbreviation or a word of one's own means: as a list states it, as a sentence does, or as it is introduced.

"What does DMA stand for?" is answered by "DMA: district metered area", "DMA is short for ..." or "district metered area (DMA)".
"""

import re
from collections.abc import Sequence

from agent.spans.candidates import Found
from agent.spans.fields import fields_of
from agent.spans.wanted import WORD
from graphrag.analysis import STOP_WORDS, fold, normalise
from graphrag.retrieval.ledger import Ledger

MAX_TERM = 60
"""Characters of what is explained, at most."""
SPARE = 3
"""Words that a long form may have beyond the letters of the short one: "district *of the* metered area"."""
_ASKING = re.compile(
    rf"\s*what\s+(?:do(?:es)?\s+(.{{1,{MAX_TERM}}}?)\s+(?:mean|stand\s+for)"
    rf"|(?:is|are)\s+(?:the\s+)?(?:meaning|definition)\s+of\s+(.{{1,{MAX_TERM}}}?)|(?:is|are)\s+(.{{1,{MAX_TERM}}}?)\s+short\s+for)\s?\?*\s*$",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?:(?:term|word|abbreviation|acronym)\s+)?", re.IGNORECASE)
_SAYS = r"\s+(?:stands\s+for|is\s+short\s+for|means)\s+([^.;:()\n]{2,80})"


def explained(question: str) -> str:
    """What a question asks the meaning of; empty if it asks for something else."""
    asking = _ASKING.match(question)
    term = next((term for term in asking.groups() if term), "") if asking else ""
    return _ARTICLE.sub("", term).strip(" \"'“”‘’")


def meaning(ledger: Ledger, chunk_ids: Sequence[str], term: str) -> Found | None:
    """Where these passages say what a term means; None if none does."""
    key = normalise(term)
    if not key:
        return None
    chunks = [ledger.candidates[id_].chunk for id_ in chunk_ids]
    for chunk in chunks:
        for field in fields_of(chunk):
            if normalise(field.label) == key:
                return field.found
    for chunk in chunks:
        said = re.search(rf"\b{re.escape(term)}\b{_SAYS}", chunk.text, re.IGNORECASE)
        span = said.span(1) if said else _long_form(chunk.text, term)
        if span is not None:
            start, end = span
            return Found(chunk, chunk.start + start, chunk.start + end, normalise(chunk.text[start:end]), "")
    return None


def _long_form(text: str, term: str) -> tuple[int, int] | None:
    """Where words whose initials are the letters of a short form stand before it in brackets: "district metered area (DMA)"."""
    letters = fold(term)
    place = text.find(f"({term.upper()})")
    if place < 0 or not letters.isalpha() or len(letters) < 2:
        return None
    words = list(WORD.finditer(text, max(0, place - 200), place))
    for count in range(len(letters), min(len(letters) + SPARE, len(words)) + 1):
        chosen = words[-count:]
        initials = "".join(word.group()[0] for word in chosen if fold(word.group()) not in STOP_WORDS)
        if fold(initials) == letters:
            return chosen[0].start(), chosen[-1].end()
    return None
