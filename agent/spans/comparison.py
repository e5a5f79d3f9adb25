"""Which of two, and yes or no, about two things that the question names: decided only where their passages say it plainly."""

import re
from collections.abc import Iterator, Sequence

from agent.spans.candidates import DATE, Found
from agent.spans.places import COUNTRIES
from agent.spans.wanted import PEOPLE, Wanted, canonical
from graphrag.analysis import normalise, terms
from graphrag.lives import life
from graphrag.retrieval.ledger import Candidate, Ledger
from graphrag.types import Chunk, Hit

MORE_WORDS = 3
"""Words that a full name has beyond the one in the question, at most."""

_EARLIER = frozenset(("first", "older", "oldest", "earlier", "earliest"))
_LATER = frozenset(("younger", "youngest", "later", "latest", "newer", "newest", "recently"))
_ALIKE = frozenset(("both", "same", "share", "common"))
_YEAR = re.compile(r"1\d{3}|20\d{2}")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_INTRODUCED = re.compile(r"[^(,;.]{1,80}?(?=\s*(?:\(|,|\s(?:is|are|was|were)\s))")
_SAME_PLACE = re.compile(r"\bsame (?:(country|nationality)|state|province|region|county|city|town)\b", re.IGNORECASE)
_BIRTH, _DEATH = map(canonical, terms("born died"))
_FILLING = frozenset(terms("both same kind type located situated based"))


def compare(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> tuple[str, Found] | None:
    """The answer and the place that shows it: one of the two things where its passage names it, or "yes" or "no" with the
    sentence that decides. None where the passages are missing or do not say it plainly.
    """
    return _choose(ledger, hits, wanted) if wanted.kind == "choice" else _decide(ledger, hits, wanted)


def compared_passages(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> tuple[str, ...]:
    """The passages about the two, where the question compares people whom these name each with the one about its person."""
    words = frozenset(re.findall(r"\w+", ledger.question.text.lower()))
    compares = wanted.kind == "choice" or (wanted.kind == "yes_no" and not words.isdisjoint(_ALIKE))
    pair = _pair(ledger, hits, wanted) if compares else None
    if pair is None:
        return ()
    people = [_person(ledger, passage) for passage in pair] if _asks_of_people(ledger) else []
    return tuple(
        dict.fromkeys(chunk.id for chunk in (*(passage.chunk for passage in pair), *people) if chunk is not None)
    )


def _pair(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> tuple[Candidate, Candidate] | None:
    """The best passages about the two that a question compares."""
    ranked = [ledger.candidates[hit.chunk_id] for hit in hits]
    if wanted.kind == "choice":
        one, other = (next((c for c in ranked if normalise(name) in c.about), None) for name in wanted.options)
    else:  # on either side of an "and": a passage about what they are asked about is neither
        asked = f" {normalise(ledger.question.text)} "
        one = next((c for c in ranked if any(f" {key} and " in asked for key in c.about)), None)
        other = next(
            (c for c in ranked if any(f" and {key} " in asked or f" and the {key} " in asked for key in c.about)), None
        )
    if one is None or other is None or one.chunk.document_id == other.chunk.document_id:
        return None
    return one, other


def _choose(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> tuple[str, Found] | None:
    pair, options = _pair(ledger, hits, wanted), wanted.options
    if pair is None:
        return None
    words = frozenset(re.findall(r"\w+", ledger.question.text.lower()))
    if words & (_EARLIER | _LATER):
        dates = [_compared_date(ledger, passage) for passage in pair]
        if dates[0] is None or dates[1] is None or dates[0] == dates[1]:
            return None
        chosen = int((dates[0] < dates[1]) == bool(words & _LATER))
    else:
        names = frozenset(terms(" ".join(options)))
        held = _held(ledger, pair, names)
        lacks = [bool(missing) for missing in held]
        if lacks[0] == lacks[1]:
            return None
        chosen = int(lacks[0])
    found = _naming(pair[chosen].chunk, options[chosen])
    return (found.text, found) if found else None


def _decide(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> tuple[str, Found] | None:
    pair = _pair(ledger, hits, wanted)
    if pair is None:
        return None
    one, other = pair
    words = ledger.question.text.lower().split()
    same = _SAME_PLACE.search(ledger.question.text)
    if same is not None and same.group(1):
        return _same_country(ledger, one.chunk, other.chunk)
    if same is not None:
        return _same_place(one.chunk, other.chunk)
    if "both" not in words or "same" in words:
        return None
    names = frozenset(term for candidate in (one, other) for key in candidate.about for term in terms(key))
    missing = _held(ledger, (one, other), names)
    lacking = next((i for i, terms_ in enumerate(missing) if terms_), None)
    if lacking is not None and ledger.named.keys() - one.about - other.about:
        return None  # that a passage does not name a third thing says nothing: others may join it to both
    chunk = (one, other)[lacking or 0].chunk
    return ("yes" if lacking is None else "no"), _opening(chunk)


def _held(ledger: Ledger, pair: tuple[Candidate, Candidate], names: frozenset[str]) -> list[frozenset[str]]:
    """For each passage, what it lacks of the question's terms beyond the names of the two."""
    asked = frozenset(map(canonical, frozenset(ledger.question.terms) - names - _FILLING))
    return [asked - frozenset(map(canonical, passage.chunk.terms.split())) for passage in pair]


def _same_place(one: Chunk, other: Chunk) -> tuple[str, Found] | None:
    """Whether the openings of two passages name a region in common; None where either names none."""
    places = [frozenset(_regions(chunk)) for chunk in (one, other)]
    if not places[0] or not places[1]:
        return None
    return ("yes" if places[0] & places[1] else "no"), _opening(one)


def _same_country(ledger: Ledger, one: Chunk, other: Chunk) -> tuple[str, Found] | None:
    """Whether the openings of two passages name a country or a nationality in common; None where they cannot be compared."""
    if _asks_of_people(ledger) and not (life(one)[0] and life(other)[0]):
        return None  # of their directors, say, of whom other passages tell
    for named, others in zip(_nations(one), _nations(other), strict=True):
        if named & others:
            return "yes", _opening(one)
    plain = any(named and others for named, others in zip(_nations(one), _nations(other), strict=True))
    return ("no", _opening(one)) if plain else None


def _nations(chunk: Chunk) -> tuple[frozenset[str], frozenset[str]]:
    """The countries that the first sentence names, and the words of the first people that it names ("English-American")."""
    opening = _opening(chunk)
    named = sorted(
        (start, mention.type, mention.key)
        for mention in chunk.mentions
        for start, _ in mention.spans
        if opening.start <= start < opening.end
    )
    peoples = (key.split() for _, type, key in named if type == "NORP")
    return frozenset(key for _, _, key in named if key in COUNTRIES), frozenset(next(peoples, ()))


def _asks_of_people(ledger: Ledger) -> bool:
    """Whether the question speaks of births, deaths or a person by profession ("the director")."""
    asked = frozenset(ledger.question.terms)
    return bool(asked & PEOPLE) or not frozenset((_BIRTH, _DEATH)).isdisjoint(map(canonical, asked))


def _regions(chunk: Chunk) -> Iterator[str]:
    opening = _opening(chunk)
    for mention in chunk.mentions:
        inside = any(opening.start <= start < opening.end for start, _ in mention.spans)
        if inside and mention.role != "subject" and mention.type in ("GPE", "LOC") and mention.key not in COUNTRIES:
            yield mention.key


def _compared_date(ledger: Ledger, passage: Candidate) -> tuple[int, int, int] | None:
    """When the one that a passage is about was born, or died if that is asked; of a work, the one person whom it names and of
    whom another passage tells. What is asked of no person is as old as the first date of its passage.
    """
    if not _asks_of_people(ledger):
        return first_date(passage.chunk.text)
    place = int(_DEATH in map(canonical, ledger.question.terms))
    chunk = _person(ledger, passage)
    span = life(chunk)[place] if chunk is not None else None
    return first_date(chunk.between(*span)) if chunk is not None and span is not None else None


def _person(ledger: Ledger, passage: Candidate) -> Chunk | None:
    """The passage itself where it tells when somebody was born, else the one such passage about somebody whom it names."""
    if life(passage.chunk)[0]:
        return passage.chunk
    named = [ledger.candidates.get(target) for source, target in ledger.links if source == passage.chunk.id]
    people = [other.chunk for other in named if other is not None and life(other.chunk)[0]]
    return people[0] if len(people) == 1 else None


def first_date(said: str) -> tuple[int, int, int] | None:
    """Year, month and day of the first date with a year; month and day are 0 where they are not said."""
    for match in DATE.finditer(said):
        text = match.group()
        year = _YEAR.search(text)
        if year is not None:
            if iso := _ISO.search(text):
                return int(iso[1]), int(iso[2]), int(iso[3])
            month = next((i for i, name in enumerate(_MONTHS, start=1) if name in text.lower()), 0)
            day = re.search(r"\b\d{1,2}\b", text)
            return int(year.group()), month, int(day.group()) if day and month else 0
    return None


def _naming(chunk: Chunk, name: str) -> Found | None:
    """Where a passage names what it is about: in full, as its first sentence introduces it, else as the question does."""
    key = normalise(name)
    start, _ = chunk.spans[0]
    introduced = _INTRODUCED.match(chunk.text, start - chunk.start)
    if introduced is not None:
        words = normalise(introduced.group()).split()
        if key.split()[-1] in words and len(words) <= len(key.split()) + MORE_WORDS:
            return Found(chunk, chunk.start + introduced.start(), chunk.start + introduced.end(), key, "")
    named = (mention for mention in chunk.mentions if mention.key == key and mention.spans)
    return next((Found(chunk, *mention.spans[0], key, mention.type) for mention in named), None)


def _opening(chunk: Chunk) -> Found:
    """The first sentence."""
    return Found(chunk, *chunk.spans[0], "", "")
