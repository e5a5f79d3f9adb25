"""Which of two, and yes or no, about two things that the question names: decided only where their passages say it plainly."""

import re
from collections.abc import Iterator, Sequence, Set

from agent.spans.candidates import DATE, Found
from agent.spans.places import COUNTRIES
from agent.spans.quantities import larger, read_measure
from agent.spans.wanted import PEOPLE, Wanted, canonical
from graphrag.analysis import full_key, normalise, terms
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
_TOLD_APART = re.compile(r"\s*\([^()]*\)")
_WORD = re.compile(r"\w+")
_SAME_PLACE = re.compile(r"\bsame (?:(country|nationality)|state|province|region|county|city|town)\b", re.IGNORECASE)
_BIRTH, _DEATH = map(canonical, terms("born died"))
_ROLES = frozenset(map(canonical, PEOPLE))
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
    """The best passages about the two that a question compares; of two with the same name, the one whose whole title it gives."""
    ranked = [ledger.candidates[hit.chunk_id] for hit in hits]
    if wanted.kind == "choice":
        one, other = (_about(ranked, name) for name in wanted.options)
    else:  # on either side of an "and": a passage about what they are asked about is neither
        asked = (f" {full_key(ledger.question.text)} ", f" {full_key(_TOLD_APART.sub('', ledger.question.text))} ")
        one = _first(ranked, asked, ("{} and ",))
        other = _first(ranked, asked, ("and {} ", "and the {} "))
    if one is None or other is None or one.chunk.document_id == other.chunk.document_id:
        return None
    return one, other


def _about(ranked: Sequence[Candidate], name: str) -> Candidate | None:
    """The passage about a thing: the one that has its name as title, else the best that is about it, or has it in the title."""
    said, key = full_key(name), normalise(name)
    titled = (c for c in ranked if full_key(c.chunk.title) == said)
    about = (c for c in ranked if key in c.about)
    within = (c for c in ranked if f" {said} " in f" {full_key(c.chunk.title)} ")
    return next((c for found in (titled, about, within) for c in found), None)


def _first(ranked: Sequence[Candidate], asked: tuple[str, str], patterns: Sequence[str]) -> Candidate | None:
    """The passage whose whole title stands where a pattern says, else the best that is about what stands there."""
    whole, plain = asked
    titled = (c for c in ranked if any(f" {one.format(full_key(c.chunk.title))}" in whole for one in patterns))
    about = (c for c in ranked if any(f" {one.format(key)}" in plain for key in c.about for one in patterns))
    return next((c for found in (titled, about) for c in found), None)


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
    elif words >= {"lived", "longer"}:
        lived = [_years_lived(passage.chunk) for passage in pair]
        if lived[0] is None or lived[1] is None or lived[0] == lived[1]:
            return None
        chosen = int(lived[0] < lived[1])
    elif (measure := read_measure(ledger.question.text)) is not None:
        more = larger([passage.chunk for passage in pair], measure)
        if more is None:
            return None
        chosen = 1 - more if measure.less else more
    else:
        names = frozenset(terms(" ".join(options)))
        held = _held(ledger, pair, names)
        lacks = [bool(missing) for missing in held]
        if lacks[0] == lacks[1]:
            return None
        chosen = int(lacks[0])
    found = _naming(pair[chosen].chunk, options[chosen])
    return (found.text, found) if found else None


def _years_lived(chunk: Chunk) -> float | None:
    """About how many years the one lived whom a passage is about; None where it does not say both dates."""
    dates = [first_date(chunk.between(*span)) for span in life(chunk) if span is not None]
    years = [year + month / 12 + day / 365 for year, month, day in filter(None, dates)]
    return years[1] - years[0] if len(years) == 2 else None


def _decide(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> tuple[str, Found] | None:
    pair = _pair(ledger, hits, wanted)
    if pair is None:
        return None
    one, other = pair
    words = ledger.question.text.lower().split()
    same = _SAME_PLACE.search(ledger.question.text)
    if same is not None and same.group(1):
        people = [_person(ledger, passage) for passage in pair] if _asks_of_people(ledger) else [one.chunk, other.chunk]
        return _same_country(people[0], people[1]) if people[0] is not None and people[1] is not None else None
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


def _same_country(one: Chunk, other: Chunk) -> tuple[str, Found] | None:
    """Whether the openings of two passages name a country or a nationality in common; None where they cannot be compared."""
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
        if opening.start <= start < opening.end and mention.role != "subject"
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
    """The passage itself where it tells when somebody was born, else the one such passage about whom it names: in the role that is
    asked for ("the *director*"), if it names several.
    """
    if life(passage.chunk)[0]:
        return passage.chunk
    people = {
        target: keys
        for (source, target), keys in ledger.links.items()
        if source == passage.chunk.id and target in ledger.candidates and life(ledger.candidates[target].chunk)[0]
    }
    role = frozenset(map(canonical, ledger.question.terms)) & _ROLES
    if len(people) > 1:
        key = _in_role(passage.chunk, role, frozenset[str]().union(*people.values()))
        people = {target: keys for target, keys in people.items() if key in keys}
    if len(people) > 1:  # of the same name
        people = {target: keys for target, keys in people.items() if _says(ledger.candidates[target].chunk, role)}
    return ledger.candidates[next(iter(people))].chunk if len(people) == 1 else None


def _in_role(chunk: Chunk, role: frozenset[str], keys: Set[str]) -> str | None:
    """Whom of these a passage names right after the role: "*directed* by Ida Rowan and starring Olaf Berg"."""
    said = next((m for m in _WORD.finditer(chunk.text) if not role.isdisjoint(map(canonical, terms(m.group())))), None)
    places = [(start, mention.key) for mention in chunk.mentions if mention.key in keys for start, _ in mention.spans]
    after = [place for place in places if said is not None and place[0] >= chunk.start + said.end()]
    return min(after)[1] if after else None


def _says(chunk: Chunk, role: frozenset[str]) -> bool:
    return not role.isdisjoint(map(canonical, terms(_opening(chunk).text)))


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
