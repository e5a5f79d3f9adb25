"""When somebody was born and died, as the first sentence of a passage says it: "(8 March 1714 – 14 December 1788)"."""

import re

from graphrag.analysis import terms
from graphrag.dates import DAY, MONTH, YEAR
from graphrag.types import Chunk, Span

_FULL_DATE = rf"(?:{MONTH}\s+{DAY},?\s+{YEAR}|{DAY}\s+{MONTH},?\s+{YEAR}|{MONTH},?\s+{YEAR}|{YEAR})"
# "(16 February 1954 – 9 June 2013)", "(Cumaná, 9 June 1890 – Geneva, 13 June 1930)"; "(born in Bray, May 1, 1960)".
# Up to the first dash, as the second date may stand behind others: were any dash tried, a text of dashes would take the square.
_LIFE = re.compile(rf"\([^()]*?\b({_FULL_DATE})\b[^()\d;–—-]*[–—-][^()\d;]*?\b({_FULL_DATE})\b")
_BORN = re.compile(rf"\bborn\b[^().]{{0,60}}?\b({_FULL_DATE})\b", re.IGNORECASE)
_BORN_TERMS, _DIED_TERMS = (frozenset(terms(word)) for word in ("born", "died"))
LIFE_TERMS = _BORN_TERMS | _DIED_TERMS
"""All that implied_terms may give."""


def life(chunk: Chunk) -> tuple[Span | None, Span | None]:
    """Where the first sentence below title and headings says when the one that the passage is about was born, and when that one died."""
    names = (chunk.title, *chunk.heading)
    said = ((start, chunk.between(start, end)) for start, end in chunk.spans)
    start, text = next(((start, text) for start, text in said if text not in names), (chunk.start, ""))
    both = _LIFE.search(text)
    born = _BORN.search(text) if both is None else both
    spans = [(start + m.start(group), start + m.end(group)) for m, group in ((born, 1), (both, 2)) if m is not None]
    return (spans[0] if spans else None), (spans[1] if len(spans) > 1 else None)


def implied_terms(chunk: Chunk) -> frozenset[str]:
    """The terms of "born" and "died" where these dates say it without the words."""
    born, died = life(chunk)
    return (_BORN_TERMS if born else frozenset()) | (_DIED_TERMS if died else frozenset())
