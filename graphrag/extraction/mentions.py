"""Assembling a document's mentions from what a recogniser found: codes, aliases within the document, subjects."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from graphrag.analysis import GENERIC_SUBJECTS, fold, is_entity_key, is_subject_key, normalise
from graphrag.extraction import DocumentText
from graphrag.extraction.names import CALENDAR
from graphrag.types import Mention, Role, entity_id

# Identifiers people give to things: INC-2041, PO-77-3, ADR-12, CVE-2024-1234, K-014.
_CODE = re.compile(r"\b[A-Z](?:[A-Z0-9]{1,9}(?:-[A-Z0-9]+)*-\d[A-Z0-9]*(?:-[A-Z0-9]+)*|-\d{3,})\b")
# Names that people give to what they run, where they alone are the value of a field or a cell: billing-gateway, ledger_db. Within
# prose they look as "long-term" does.
_PLAIN_NAME = r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)+"
_NAMED = re.compile(_PLAIN_NAME)
_CHANNEL = re.compile(r"#([a-z0-9][\w-]*)")
# A long name followed by its short form: "Incident Review Board (IRB)".
_DEFINITION = re.compile(r"\(\s*(?:the\s+)?[\"“']?([A-Z][A-Za-z&.-]{1,9})[\"”']?\s*\)")
_TITLE_PARTS = re.compile(r"\s*(?:[:;|/–—]|\s-\s)\s*")
_SECTION = re.compile(r"(?:§ ?)?(\d{1,2})(?:\.\d{1,2})*[.)]?\s+(?=([^\W\d_]+))")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A named span: document offsets, the text, and a type (may be empty)."""

    start: int
    end: int
    surface: str
    type: str


def codes(text: str, offset: int = 0) -> list[Recognised]:
    """Identifier-like tokens of a text, such as INC-2041."""
    return [Recognised(offset + m.start(), offset + m.end(), m.group(), "CODE") for m in _CODE.finditer(text)]


def finder(name: str, type: str, *, between: str = ",") -> Callable[[str, int], Iterator[Recognised]]:
    """What finds names in a text that begins at an offset, where they alone are the value of a field or a cell of a table, or are
    listed there.

    Args:
        name: pattern of one, without groups.
        type: what they are.
        between: what stands after each but the last of a list.
    """
    listed = rf"({name}(?:{between}\s{name})*)"
    value = re.compile(rf"[^\S\n]*(?:[-*•]\s)?[^:|\n]{{1,60}}:\s+{listed}\s*")
    cell = re.compile(rf"(?:^|\|\s)\s*{listed}(?=\s+\||\s*$)")
    named = re.compile(name)

    def find(text: str, offset: int = 0) -> Iterator[Recognised]:
        for line in text.split("\n"):
            whole = value.fullmatch(line)
            for alone in cell.finditer(line) if " | " in line else filter(None, (whole,)):
                for match in named.finditer(line, *alone.span(1)):
                    yield Recognised(offset + match.start(), offset + match.end(), match.group(), type)
            offset += len(line) + 1

    return find


plain_names = finder(_PLAIN_NAME, "CODE")
"""Identifiers in lower case that are values of fields, or cells of a table."""


def without_overlap(spans: Iterable[Recognised]) -> list[Recognised]:
    """Spans that do not overlap, ascending: an earlier one wins, then a longer one."""
    kept: list[Recognised] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def document_mentions(
    document: DocumentText, recognised: Sequence[Sequence[Recognised]], detected_subjects: Sequence[Sequence[str]]
) -> list[tuple[Mention, ...]]:
    """Mentions for each chunk, ascending by key.

    Args:
        document: title and chunks.
        recognised: named spans for each chunk, each starting in the chunk's core.
        detected_subjects: for each chunk the names of what it is about, used where the title says nothing. Those of
            the first chunk count for the whole document, as a title does; those of a further one where no heading
            says what it is about.
    """
    aliases = _aliases(document, recognised)
    keyed = [[(_resolve(span, aliases), span) for span in spans] for spans in recognised]
    body_keys = {key for spans in keyed for key, _ in spans}
    title_subjects = subjects_of(document.title, body_keys) or _named(next(iter(detected_subjects), ()))
    return [
        _chunk_mentions(document.tenant, headings, spans, title_subjects, body_keys, detected, aliases)
        for headings, spans, detected in zip(_without_numbers(document), keyed, detected_subjects, strict=True)
    ]


def _chunk_mentions(
    tenant: str,
    headings: Sequence[str],
    spans: Sequence[tuple[str, Recognised]],
    title_subjects: dict[str, str],
    body_keys: set[str],
    detected: Sequence[str],
    aliases: dict[str, tuple[str, str]],
) -> tuple[Mention, ...]:
    subjects = dict(title_subjects)
    for heading in headings:
        subjects.update(subjects_of(heading, body_keys))
    if len(subjects) == len(title_subjects):
        subjects.update(_named(detected))
    found: dict[str, list[Recognised]] = {}
    for key, span in spans:
        if is_entity_key(key):
            found.setdefault(key, []).append(span)
    return tuple(
        _mention(tenant, key, found.get(key, ()), subjects.get(key), aliases)
        for key in sorted(found.keys() | subjects.keys())
    )


def _without_numbers(document: DocumentText) -> list[list[str]]:
    """The headings of each chunk, without numbers of sections: those of one or two digits that headings count on from."""
    numbers = {
        int(match.group(1))
        for chunk in document.chunks
        for heading in chunk.headings
        if (match := _SECTION.match(heading)) is not None and fold(match.group(2)) not in CALENDAR
    }
    counted = {number for number in numbers if not numbers.isdisjoint((number - 1, number + 1))}

    def plain(heading: str) -> str:
        match = _SECTION.match(heading)
        return heading if match is None or int(match.group(1)) not in counted else heading[match.end() :]

    return [[plain(heading) for heading in chunk.headings] for chunk in document.chunks]


def _named(names: Iterable[str]) -> dict[str, str]:
    return {key: name for name in names if is_subject_key(key := normalise(name))}


def _mention(
    tenant: str, key: str, spans: Sequence[Recognised], subject: str | None, aliases: dict[str, tuple[str, str]]
) -> Mention:
    full = dict(aliases.values())
    surfaces = Counter(
        span.surface if normalise(span.surface) == key else full.get(key, span.surface) for span in spans
    )
    types = Counter(span.type for span in spans if span.type)
    role: Role = "mention" if subject is None else "subject"
    return Mention(
        entity_id=entity_id(tenant, key),
        key=key,
        surface=_most_common(surfaces) or subject or key,
        type=_most_common(types),
        role=role,
        spans=tuple(sorted((span.start, span.end) for span in spans)),
    )


def _most_common(counts: "Counter[str]") -> str:
    return min(counts, key=lambda name: (-counts[name], name), default="")


def subjects_of(title: str, body_keys: Iterable[str]) -> dict[str, str]:
    """What a title or heading says its text is about: key -> surface form.

    The whole title, its parts around separators ("Post-mortem: Harbor outage"), the channel of a chat ("#team-heron, 2025-03-19"),
    identifiers in it, and any entity of the document's body that it names. Generic headings ("Introduction", "FAQ") name nothing.
    """
    found: dict[str, str] = {}
    parts = [
        part for part in _TITLE_PARTS.split(title) if part[:1].isupper() or part[:1].isdigit() or _NAMED.fullmatch(part)
    ]
    channel = _CHANNEL.match(title)
    if channel is not None:
        parts.append(channel.group(1))
    for part in [title, *parts, *(code.surface for code in codes(title))]:
        key = normalise(part)
        if is_subject_key(key) and len(key.split()) <= 12:
            found.setdefault(key, part.strip())
    whole = normalise(title)
    padded = f" {whole} "
    for key in body_keys:
        if f" {key} " in padded and is_subject_key(key) and key not in found:
            found[key] = key.title()
    return found


def _aliases(document: DocumentText, recognised: Sequence[Sequence[Recognised]]) -> dict[str, tuple[str, str]]:
    """Short forms that stand for one long form within this document: key -> (long key, long surface).

    A surname when exactly one full name of the document ends in it and that is a person's, and likewise a given name; a
    short form defined in parentheses behind its long form, when it holds the initials in order.
    """
    people: dict[str, str] = {}
    by_surname: dict[str, set[str]] = {}
    by_given: dict[str, set[str]] = {}
    for spans in recognised:
        for span in spans:
            key = normalise(span.surface)
            words = key.split()
            if span.type in ("PERSON", "") and 2 <= len(words) <= 4:
                # A name without a type may be a person whom the recogniser missed: reason enough to doubt whose surname
                # it is, but not to take it for that person's.
                by_surname.setdefault(words[-1], set()).add(key)
                by_given.setdefault(words[0], set()).add(key)
                if span.type:
                    people.setdefault(key, span.surface)
    aliases: dict[str, tuple[str, str]] = {}
    for key, surface in people.items():
        given, *_, surname = key.split()
        if len(by_given[given]) == 1 and given not in by_surname and is_subject_key(given):
            aliases[given] = (key, surface)
        if len(by_surname[surname]) == 1 and surname not in GENERIC_SUBJECTS:
            aliases[surname] = (key, surface)
    for chunk, spans in zip(document.chunks, recognised, strict=True):
        for match in _DEFINITION.finditer(chunk.text):
            short, at = match.group(1), chunk.start + match.start()
            before = [span for span in spans if span.end <= at <= span.end + 2 and " " in span.surface]
            if before and _abbreviates(short, before[-1].surface):
                aliases[normalise(short)] = (normalise(before[-1].surface), before[-1].surface)
    return aliases


def _abbreviates(short: str, long_: str) -> bool:
    letters = "".join(_LETTER.findall(short)).casefold()
    initials = "".join(word[0] for word in normalise(long_).split())
    position = -1
    for letter in letters:
        position = initials.find(letter, position + 1)
        if position < 0:
            return False
    return len(letters) >= 2


def _resolve(span: Recognised, aliases: dict[str, tuple[str, str]]) -> str:
    key = normalise(span.surface)
    long_ = aliases.get(key, ("", ""))[0]
    if long_.startswith(f"{key} "):  # "Virginia" may be a state where there is a Virginia Woolf
        return long_ if span.type == "PERSON" else key
    return long_ if long_ and (span.type in ("PERSON", "ORG", "", "GPE") or span.surface.isupper()) else key
