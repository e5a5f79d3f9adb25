"""Named spans of a passage: identifiers, what the recogniser finds, and capitalised runs that it misses.

A small recogniser takes what stands beside a name for part of it: the first word of the next sentence, a date, an amount.
What the layout and the language themselves say is not asked of it: no name runs on into another sentence or column, and an
amount of money, a month or "When I" is none.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from graphrag.analysis import STOP_WORDS, fold
from graphrag.extraction.mentions import Recognised, codes, finder, plain_names, without_overlap
from graphrag.extraction.names import CALENDAR, is_abbreviation
from graphrag.types import Span

if TYPE_CHECKING:
    from spacy.tokens import Doc

_LABELS = frozenset("PERSON ORG GPE LOC FAC NORP WORK_OF_ART EVENT PRODUCT LAW LANGUAGE DATE".split())
_NAME = re.compile(r"(?:[A-Z][\w’'&.-]*)(?:\s(?:(?:of|the|for|and|de|van|von|&)\s)?[A-Z0-9][\w’'&.-]*)+")
_YEAR_IN_DATE = re.compile(r"\b[12]\d{3}\b")
_values = finder(rf"(?:{_NAME.pattern})", "", between="[,;]")
"""Names of several words that alone are the value of a field or a cell, or are listed there."""
_COLUMN = re.compile(r"\s{2,}|[\t\n|]")
"""What divides lines and columns."""
_WORD = re.compile(r"\S+")
_REST_OF_FIGURE = re.compile(r"[:,.]\d|\s?%")
_SMALL = STOP_WORDS | frozenset(
    "since until till within without via per next last today tomorrow yesterday dear".split()
)
"""Words that open no name at the beginning of a sentence, where they are capitalised as any other."""
_UNITS = frozenset(
    "EUR USD GBP CHF JPY CNY AUD NZD SEK NOK DKK PLN CZK HUF BRL MXN ZAR SGD HKD KRW THB UTC GMT CET CEST".split()
)
"""Currencies and times of the clock."""


def recognise(doc: "Doc", offset: int, sentences: Sequence[Span]) -> list[Recognised]:
    """Named spans of a chunk's core, ascending; identifiers first, then entities, then capitalised runs.

    Args:
        doc: the core with its named entities.
        offset: where it begins in the document.
        sentences: of the chunk, in offsets of the document.
    """
    text = doc.text  # spaCy puts it together anew at each access
    spans = [*codes(text, offset), *plain_names(text, offset)]
    taken = [(code.start, code.end) for code in spans]
    bounds = sorted({0, len(text), *(start - offset for start, _ in sentences if 0 < start - offset < len(text))})
    ends = iter(bounds[1:])
    sentence_end = 0
    for entity in doc.ents:
        while sentence_end <= entity.start_char:
            sentence_end = next(ends)
        label = entity.label_
        if label == "DATE":  # with a full stop as in "c. 1338", maybe
            start, end = _trim(text, entity.start_char, entity.end_char)
            named = _YEAR_IN_DATE.search(text, start, end) is not None
        else:
            start, end = _trim(text, entity.start_char, min(entity.end_char, sentence_end))
            named = label in _LABELS and _may_name(text[start:end], label)
        if named and not _overlaps(taken, offset + start, offset + end):
            spans.append(Recognised(offset + start, offset + end, text[start:end], label))
    spans = _whole(spans, _values(text, offset))
    taken = [(span.start, span.end) for span in spans]
    for left, right in pairwise(bounds):
        for start, end in _runs(text, left, right):
            if not _overlaps(taken, offset + start, offset + end):
                spans.append(Recognised(offset + start, offset + end, text[start:end], ""))
    return without_overlap(spans)


def _whole(spans: Sequence[Recognised], values: Iterable[Recognised]) -> list[Recognised]:
    """Spans, those that are part of a value as the whole of it: "Rufus" in a row whose warden is "Rufus Adeleye".

    Of a person or firm at its end, the whole is one, too; what it is that begins as a place ("Rufus") or ends as one ("Edelvac UK") is unknown.
    """
    kept = list(spans)
    for value in values:
        parts = [span for span in kept if span.start < value.end and value.start < span.end]
        cut = [span for span in parts if value.start <= span.start and span.end <= value.end]
        if not cut or len(cut) < len(parts) or any(span.end - span.start == value.end - value.start for span in cut):
            continue
        types = [span.type for span in cut if span.end == value.end and span.type in ("PERSON", "ORG")]
        kept = [span for span in kept if span not in cut]
        kept.append(Recognised(value.start, value.end, value.surface, types[0] if types else ""))
    return kept


def _overlaps(taken: Iterable[Span], start: int, end: int) -> bool:
    return any(start < right and left < end for left, right in taken)


def _runs(text: str, left: int, right: int) -> Iterator[Span]:
    """Capitalised runs of a sentence that may be names."""
    for match in _NAME.finditer(text, left, right):
        if "\n" in match.group():
            continue
        opens = not any(character.isalnum() for character in text[left : match.start()])
        start, end = _trim(text, *_without_small_words(text, match, opens=opens))
        # "The Mistral stands still": one capital letter is the sentence's, the other is not.
        with_article = match.group().startswith("The ")
        if (with_article or " " in text[start:end]) and _may_name(text[start:end], ""):
            yield start, end


def _without_small_words(text: str, run: "re.Match[str]", *, opens: bool) -> Span:
    """A run without dates, amounts and small words around it: "In July and August", "Relatives of 4", "July She"."""
    words = [(run.start() + word.start(), run.start() + word.end()) for word in _WORD.finditer(run.group())]
    plain = [fold(text[left:right]).strip(".,;:'’") for left, right in words]
    first = 0
    last = next((i for i, (left, right) in enumerate(words) if text[left:right] in _UNITS), len(words))
    if last and _REST_OF_FIGURE.match(text, words[last - 1][1]) and plain[last - 1][:1].isdigit():
        last -= 1  # "Started 06:40", "Missed 99.9 %"
    while first < last and (
        (opens and plain[first] in _SMALL)
        or plain[first][:1].isdigit()
        or _begins_with_day(plain[first], "".join(plain[first + 1 : first + 2]))
    ):
        first += 1
        opens = True
    dated = False
    while (
        first < last
        and (
            plain[last - 1] in CALENDAR
            or (plain[last - 1] in STOP_WORDS and len(plain[last - 1]) > 1)  # not the "I" of "Elizabeth I"
            or (plain[last - 1][:1].isdigit() and (dated or _is_small(plain[last - 2])))
        )
    ):
        last -= 1
        dated = dated or plain[last] in CALENDAR
    return (words[first][0], words[last - 1][1]) if first < last else (run.start(), run.start())


def _is_small(word: str) -> bool:
    return word in STOP_WORDS or word in CALENDAR


def _begins_with_day(word: str, following: str) -> bool:
    """Whether a month or day is no part of what follows: "June 204", "March If", "Feb H. Ostrick", but "March Lindqvist"."""
    return word in CALENDAR and (len(following) < 2 or following[0].isdigit() or _is_small(following))


def _may_name(surface: str, label: str) -> bool:
    """Whether a span can be a name: with a capital letter, and neither an amount nor a date."""
    words = surface.split()
    if surface.islower() and not (len(words) == 1 and any(letter.isdigit() for letter in surface)):
        return False
    if any(word in _UNITS for word in words) and all(word in _UNITS or word[0].isdigit() for word in words[:2]):
        return False
    plain = [fold(word).strip(".,;:") for word in words]
    return label in ("PERSON", "WORK_OF_ART") or not all(_is_small(word) or word[:1].isdigit() for word in plain)


def _trim(text: str, start: int, end: int) -> Span:
    """The span up to the end of its line or column, without an article before it and possessives, quotes and punctuation
    around it.
    """
    surface = text[start:end]
    column = _COLUMN.search(surface)
    if column is not None:
        surface = surface[: column.start()]
    lowered = surface.casefold()
    for article in ("the ", "a ", "an "):
        if lowered.startswith(article):
            start += len(article)
            surface = surface[len(article) :]
            break
    left = len(surface) - len(surface.lstrip(" \"'“”‘’([.,;:|-*"))
    start, surface = start + left, surface[left:]
    for suffix in ("'s", "’s"):
        surface = surface.removesuffix(suffix)
    surface = surface.rstrip(" \"'“”‘’)],;:|-*")
    if surface.endswith(".") and not is_abbreviation(surface.split()[-1]):
        surface = surface[:-1]
    return start, start + len(surface)
