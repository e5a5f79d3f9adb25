"""What may be the short answer: names, dates and numbers in a passage, each with the place where it stands.

Asked "when", "4 May 1951" may be, asked "how many", "1,240" and "three", asked "who" or "where", what the recogniser found: "Ida Rowan".
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter

from agent.citing import labels
from agent.spans.places import COUNTRIES, STATES
from agent.spans.wanted import Wanted, canonical
from graphrag import dates
from graphrag.analysis import normalise, terms
from graphrag.types import Chunk, Span
from graphrag.word_forms import is_past

ANSWERING = 8
"""Best-ranked passages in which an answer is looked for."""
LEADING = 12
"""Best-ranked passages in which is looked for what leads to one: more evidence, records, relatives, fields of what is compared."""
DATE = re.compile(
    rf"\b(?:{dates.YEAR}-\d{{2}}-\d{{2}}(?!\d)|{dates.MONTH}\s+{dates.DAY}(?:,?\s+{dates.YEAR})?|{dates.DAY}\s+{dates.MONTH}(?:,?\s+{dates.YEAR})?|{dates.MONTH},?\s+{dates.YEAR}"
    rf"|{dates.YEAR}(?!\s*[-–]\s*\d|[\d,.]\d)|{dates.DAY}\s+century)\b"
)
TIME = re.compile(r"\b(?:[01]?\d|2[0-3])[:.][0-5]\d\b(?:\s?(?:[ap]\.?m\.?|UTC|GMT|CES?T))?")
"""A time of the clock."""
YEAR = re.compile(rf"\b{dates.YEAR}\b(?!,\d)")
_CURRENCY = r"(?:AUD|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HUF|INR|JPY|NOK|NZD|PLN|SEK|USD)"
_MEASURES = r"(?:percent|inches|mm|cm|km|metres|meters|feet|miles|kg|tonnes|tons|lbs|litres|liters|acres|hectares|ha|[kM]W|[MGT]B|bar|psi|mph|knots)"
_NUMBER = re.compile(
    rf"(?<![\w.,])(?<![^\W\d]-)(?:(?:[$€£]|{_CURRENCY})\s?)?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?:\s(?:thousand|million|billion|trillion))?"
    rf"(?:\s?(?:[%€]|°[CF])|\s(?:{_MEASURES}|euros?|dollars?|{_CURRENCY})\b)?(?!\w)"
)
NUMERAL = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-(?:one|two|three|four|five|six|seven|eight|nine))?)"
)
_NUMERAL = re.compile(rf"\b{NUMERAL}\b", re.IGNORECASE)
_OF_ROW = re.compile(r"^\d+(?= \|)", re.MULTILINE)
"""What a table counts its rows by."""
_DURATION = terms("duration")[0]
_UNIT = re.compile(
    r"(?:[^\S\n]|-)(?:seconds?|minutes?|hours?|(?:working\s+)?days?|nights?|weeks?|months?|years?|decades?|centuries|m|km|metres?|meters?|miles?|feet)\b"
)
"""In what something is long."""
_NAMES = frozenset("PERSON ORG GPE LOC FAC NORP WORK_OF_ART EVENT PRODUCT LAW LANGUAGE CODE".split()) | {""}
_SUFFIX = re.compile(r",? (?:Jr|Sr)\.")
_TAIL = re.compile(r"(?:\s+(?:of|the|for|and|in|de|at|on|by|to|from|with))+$")
DONE_BY = (" by ", " by the ")
"""What stands right before who does what is done."""
SAID_WHERE = (" at ", " in ", " near ")
"""The same before a place."""
_REGION = re.compile(r", (?=[A-Z])")
_NEXT_BUT_ONE = re.compile(
    r"[^\S\n]+(?!(?:of|the|a|an|and|in|at|is|was|to|for|by|from|on|with|as)\b)([a-z]+)[^\S\n]+([a-z]+)"
)
_NEXT = re.compile(r"[^\S\n]+(\w+)")


@dataclass(frozen=True, slots=True)
class Found:
    """One place at which a possible answer stands."""

    chunk: Chunk
    start: int
    end: int
    """Offsets in the document's text."""
    key: str
    """What it has in common with other places: the entity's key, or the normalised text."""
    type: str
    """The recogniser's type, may be empty; `DATE` and `NUMBER` are found by pattern."""

    @property
    def text(self) -> str:
        """The document's text from `start` to `end`."""
        return self.chunk.between(self.start, self.end)

    @property
    def sentence(self) -> str:
        """The sentence in which it stands."""
        return self.chunk.between(*self.chunk.spans[sentence_at(self.chunk, self.start)])

    @property
    def terms(self) -> frozenset[str]:
        """Those of its text."""
        return _terms(self.text)

    @property
    def above(self) -> frozenset[str]:
        """Those of the title and the headings that it stands under."""
        return _terms(" ".join(self.chunk.above(self.start)))

    def follows(self, words: tuple[str, ...]) -> bool:
        """Whether one of some words stands right before it."""
        return self.chunk.text.endswith(words, 0, self.start - self.chunk.start)


@dataclass(frozen=True, slots=True)
class Reached:
    """An answer to which passages lead one after the other."""

    found: Found | None
    """None where they lead to what should say it and does not."""
    chunk_ids: tuple[str, ...]
    """From the passage about what the question names on."""
    terms: frozenset[str] = frozenset()
    """Those of the question that the passages tell together, whatever their words: of a grandfather, who is a father's father."""


@lru_cache(maxsize=1 << 10)
def _terms(text: str) -> frozenset[str]:
    # Of one place they are asked for several times, and the same name stands in many.
    return frozenset(terms(text))


def find(chunk: Chunk, wanted: Wanted) -> Iterator[Found]:
    """Places in a chunk that hold what may be wanted: dates for dates, numbers for numbers, names for all else."""
    if wanted.kind == "date":
        yield from _matches(chunk, YEAR if "year" in wanted.head else DATE, "DATE")
    elif wanted.kind == "number":
        yield from _amounts(chunk, wanted)
    elif wanted.kind in ("person", "place", "thing"):
        yield from _names(chunk, wanted)


def _amounts(chunk: Chunk, wanted: Wanted) -> Iterator[Found]:
    """Numbers but those of titles, dates and rows; asked "how long", with the unit that tells it, else how many as a word counts."""
    others = [match.span() for pattern in (DATE, TIME, _OF_ROW) for match in pattern.finditer(chunk.text)]
    others += [(start - chunk.start, end - chunk.start) for start, end in _headings(chunk)]
    long = _DURATION in wanted.measure
    for pattern in (_NUMBER, _NUMERAL):
        for found in _matches(chunk, pattern, "NUMBER"):
            place = found.start - chunk.start
            if any(start <= place < end for start, end in others):
                continue
            unit = _UNIT.match(chunk.text, found.end - chunk.start) if long else None
            if unit is not None:
                end = chunk.start + unit.end()
                yield replace(found, end=end, key=normalise(chunk.between(found.start, end)))
            elif pattern is _NUMBER or _counts(found, wanted):
                yield found


def _matches(chunk: Chunk, pattern: "re.Pattern[str]", type: str) -> Iterator[Found]:
    for match in pattern.finditer(chunk.text):
        start = chunk.start + match.start()
        if start >= chunk.core_start:
            yield Found(chunk, start, chunk.start + match.end(), normalise(match.group()), type)


def _counts(found: Found, wanted: Wanted) -> bool:
    """Whether a numeral counts what the question asks the number of: "*two* VMs", asked how many VMs."""
    counted = _NEXT.match(found.chunk.text, found.end - found.chunk.start)
    said = map(canonical, terms(counted.group(1))) if counted else ()
    return not wanted.nearest.isdisjoint(said)


def _names(chunk: Chunk, wanted: Wanted) -> Iterator[Found]:
    end_of = {start: end for mention in chunk.mentions for start, end in mention.spans}
    headings = _headings(chunk)
    for mention in chunk.mentions:
        if mention.type not in _NAMES:
            continue
        spans = mention.spans or _first(chunk, mention.surface)
        for start, end in spans:
            if any(left <= start < right for left, right in headings):
                continue
            end = _name_end(chunk, start, end, wanted)
            named = chunk.between(start, end)
            if named.count("(") != named.count(")"):
                continue  # "Dale (Helioform", which the recogniser took for one
            if wanted.kind == "place" and not wanted.head:
                end = _with_region(chunk, end, end_of)
            key = mention.key if (start, end) in spans else normalise(chunk.between(start, end))
            yield Found(chunk, start, end, key, mention.type)


def _headings(chunk: Chunk) -> list[Span]:
    """Sentences that are its title or a heading, unless it has no other."""
    if len(chunk.sentences) < 2:
        return []
    names = labels(chunk)
    return [span for span in chunk.sentences if normalise(chunk.between(*span)) in names]


def _first(chunk: Chunk, surface: str) -> tuple[tuple[int, int], ...]:
    """Where what a title names stands in the text, if it does."""
    place = chunk.text.find(surface)
    return ((chunk.start + place, chunk.start + place + len(surface)),) if place >= 0 else ()


def _name_end(chunk: Chunk, start: int, end: int, wanted: Wanted) -> int:
    """The end of a name with what belongs to it: "Jr.", and nouns after it that the question asks for."""
    text, offset = chunk.text, chunk.start
    tail = _TAIL.search(text, start - offset, end - offset)
    if tail is not None:
        return offset + tail.start()
    suffix = _SUFFIX.match(text, end - offset)
    if suffix is not None:
        return offset + suffix.end()
    second = _NEXT_BUT_ONE.match(text, end - offset)  # "Port Ellory *cricket club*"
    if (
        second is not None
        and wanted.head
        and frozenset(terms(second.group(2))) & wanted.head
        and not is_past(second.group(1))
    ):
        end = offset + second.end()
    further = _NEXT.match(text, end - offset)
    while further is not None and wanted.head and frozenset(terms(further.group(1))) & wanted.head:
        end = offset + further.end()
        further = _NEXT.match(text, further.end())
    return end


def _with_region(chunk: Chunk, end: int, end_of: dict[int, int]) -> int:
    """The end of a place with the state or country that follows: "Columbus, Ohio"."""
    comma = _REGION.match(chunk.text, end - chunk.start)
    last = end_of.get(chunk.start + comma.end(), end) if comma else end
    name = normalise(chunk.text[comma.end() : last - chunk.start]) if comma else ""
    return last if name in STATES or name in COUNTRIES else end


def sentence_at(chunk: Chunk, offset: int) -> int:
    """Index of the sentence in which an offset stands; 0 in a chunk without sentences."""
    return max(0, bisect_right(chunk.sentences, offset, key=itemgetter(0)) - 1)
