"""Which of two, and yes or no, about two things that the question names: decided only where it is plainly said.

"Which film came out first, A or B?" compares what the passages about both say: dates, amounts, or words that one of them lacks. Else
the same field of both decides ("which has the larger error budget"). "Are A and B from the same country?" is answered with "yes" or "no".
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter, itemgetter

from agent.expected import asked_words, name_terms
from agent.spans.candidates import DATE, LEADING, Found
from agent.spans.descriptions import Description
from agent.spans.fields import Field, fields_of
from agent.spans.naming import TOLD_APART, most_about
from agent.spans.nearness import LIFE
from agent.spans.places import COUNTRIES
from agent.spans.quantities import COMPARING, DATED, Measure, amounts, read_measure
from agent.spans.roles import is_role
from agent.spans.told import told
from agent.spans.wanted import NAME, PEOPLE, Wanted, canonical
from graphrag.analysis import full_key, held_terms, normalise, terms
from graphrag.dates import MONTHS, YEAR
from graphrag.lives import life
from graphrag.retrieval.ledger import Candidate, Ledger
from graphrag.types import Chunk, Hit, Mention

_Value = tuple[float, ...]
"""A date as year, month and day, with 0 for what is not said; of anything else one number."""
MORE_WORDS = 3
"""Words that a full name has beyond the one in the question, at most."""

_ALIKE = frozenset(("both", "same", "share", "common"))
_YEAR = re.compile(YEAR)
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_INTRODUCED = re.compile(r"[^(,;.]{1,80}?(?=\s*(?:\(|,|\s(?:is|are|was|were)\s))")
_WORD = re.compile(r"\w+")
_OF_EACH = re.compile(r"\b(?:the\s+)?([a-z]+)\s+of\s+(?:both\s+)?(?:the\s+)?(?:(?!both\b)[a-z]+\s+)?(?=[\"“]?[A-Z\d])")
"""Before a name, whose maker is compared: "director of film Winter"."""
_SAME_PLACE = re.compile(r"\bsame (?:(country|nationality)|state|province|region|county|city|town)\b", re.IGNORECASE)
_ROLES = frozenset(map(canonical, PEOPLE))
_FILLING = frozenset(terms("both same kind type located situated based"))
_BOTH = re.compile(rf"({NAME})\s+and\s+({NAME})".replace("|and|", "|"))
_WORDS = re.compile(r"\b(\w+)\s+and\s+(\w+)")
_SAME = re.compile(r"\bsame\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:[,. ]\d{3})*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison comes to."""

    text: str
    """One of the two things, as its passage names it, or "yes" or "no"."""
    found: Found
    """Where it stands; for yes and no the sentence that decides, or the first field."""
    fields: tuple[Field, ...] = ()
    """The two fields that decide, if it is fields that do."""


def decide(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> Comparison | None:
    """The answer to a comparison: what the passages about the two say plainly, else what the same field of both does. None where the
    question compares nothing, and where neither is there.
    """
    if wanted.kind not in ("choice", "yes_no"):
        return None
    pair, said = _pair(ledger, hits, wanted), None
    if pair is not None:
        said = _choose(ledger, pair, wanted) if wanted.kind == "choice" else _agree(ledger, pair)
    return said or _compare_fields(ledger, hits, wanted)


def compared_passages(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> tuple[str, ...]:
    """The passages about the two, where the question compares people whom these name each with the one about its person."""
    words = frozenset(_WORD.findall(ledger.question.text.lower()))
    compares = wanted.kind == "choice" or (wanted.kind == "yes_no" and not words.isdisjoint(_ALIKE))
    pair = _pair(ledger, hits, wanted) if compares else None
    if pair is None:
        return ()
    people = [_person(ledger, passage) for passage in pair] if _asks_of_people(ledger) else []
    return tuple(
        dict.fromkeys(chunk.id for chunk in (*(passage.chunk for passage in pair), *people) if chunk is not None)
    )


def lacks_makers(ledger: Ledger, compared: Sequence[str]) -> bool:
    """Whether a question compares two works by somebody who had to do with them ("the director"), and no passage is about that person of one."""
    works = [ledger.candidates[id_] for id_ in compared[:2]]
    return bool(_roles(ledger.question.text)) and any(_person(ledger, work) is None for work in works)


def _pair(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> tuple[Candidate, Candidate] | None:
    """The best passages about the two that a question compares; of two with the same name, the one whose whole title it gives."""
    ranked = [ledger.candidates[hit.chunk_id] for hit in hits]
    if wanted.kind == "choice":
        one, other = (_bearing(ranked, name) for name in wanted.options)
    else:  # on either side of an "and": a passage about what they are asked about is neither
        text = _OF_EACH.sub(lambda match: "" if is_role(match[1]) else match[0], ledger.question.text)
        whole, plain = f" {full_key(text)} ", f" {full_key(TOLD_APART.sub('', text))} "
        one = _about(ranked, whole, plain, (" {} and ",))
        other = _about(ranked, whole, plain, (" and {} ", " and the {} "))
    if one is None or other is None or one.chunk.document_id == other.chunk.document_id:
        return None
    return one, other


def _bearing(ranked: Sequence[Candidate], name: str) -> Candidate | None:
    """The best passage about what has a name, else the best with the name in its title."""
    key = full_key(name)
    within = (c for c in ranked if f" {key} " in f" {full_key(c.chunk.title)} ")
    return _about(ranked, f"^{key}$", f"^{normalise(name)}$", ("^{}$", " the {}$", "that of {}$")) or next(within, None)


def _about(ranked: Sequence[Candidate], whole: str, plain: str, patterns: Sequence[str]) -> Candidate | None:
    """The best passage whose title stands in a text where a pattern says, else the best about what stands there.

    Args:
        plain: the text without what tells one thing from another of its name ("Winter (film)").
    """
    titled = (c for c in ranked if any(one.format(full_key(c.chunk.title)) in whole for one in patterns))
    about = (c for c in ranked if any(one.format(key) in plain for key in c.about for one in patterns))
    return next(chain(titled, about), None)


def _choose(ledger: Ledger, pair: tuple[Candidate, Candidate], wanted: Wanted) -> Comparison | None:
    """By what both say of what is measured; without a measure the one whose passage alone says what is asked."""
    measure = read_measure(ledger.question.text)
    if measure is not None:
        chosen = _chosen(_measured(ledger, pair, measure), measure)
    else:
        one, other = map(bool, _lacking(ledger, pair, frozenset(terms(" ".join(wanted.options)))))
        chosen = int(one) if one != other else None
    found = _naming(pair[chosen].chunk, wanted.options[chosen]) if chosen is not None else None
    return Comparison(found.text, found) if found is not None else None


def _chosen(values: Sequence[_Value | None], measure: Measure) -> int | None:
    """Which of two is asked for by its value, 0 or 1; None where one has none, or both the same, or a date and a number."""
    one, other = values
    if one is None or other is None or one == other or len(one) != len(other):
        return None
    return int((one < other) != measure.less)


def _measured(ledger: Ledger, pair: tuple[Candidate, Candidate], measure: Measure) -> Sequence[_Value | None]:
    if measure.dimensions == (DATED,):
        return [_compared_date(ledger, passage) for passage in pair]
    chunks = [passage.chunk for passage in pair]
    if "time" in measure.dimensions and "lived" in _WORD.findall(ledger.question.text.lower()):
        return [_years_lived(chunk) for chunk in chunks]
    return [(amount,) for amount in amounts(chunks, measure)] or (None, None)


def _years_lived(chunk: Chunk) -> _Value | None:
    """About how many years the one lived whom a passage is about; None where it does not say both dates."""
    dates = [first_date(chunk.between(*span)) for span in life(chunk) if span is not None]
    years = [year + month / 12 + day / 365 for year, month, day in filter(None, dates)]
    return (years[1] - years[0],) if len(years) == 2 else None


def _agree(ledger: Ledger, pair: tuple[Candidate, Candidate]) -> Comparison | None:
    """Whether two share a country or a region, or are both what the question says."""
    text = ledger.question.text
    same = _SAME_PLACE.search(text)
    if same is not None:
        return _share_place(ledger, pair, national=bool(same.group(1)))
    words = text.lower().split()
    return _are_both(ledger, pair) if "both" in words and "same" not in words else None


def _share_place(ledger: Ledger, pair: tuple[Candidate, Candidate], *, national: bool) -> Comparison | None:
    """Whether two are of one country or people, or else of one region or town; of works, their makers where the question asks of people."""
    people = _asks_of_people(ledger)
    one, other = (_person(ledger, passage) if people else passage.chunk for passage in pair)
    if one is None or other is None:
        return None
    places = _nations if national else _regions
    shared = [
        bool(named & others) for named, others in zip(places(one), places(other), strict=True) if named and others
    ]
    return Comparison("yes" if any(shared) else "no", _opening(one)) if shared else None


def _are_both(ledger: Ledger, pair: tuple[Candidate, Candidate]) -> Comparison | None:
    """Whether each passage holds all that the question says of both."""
    one, other = pair
    names = frozenset(term for candidate in pair for key in candidate.about for term in terms(key))
    lacking = next((passage for passage, lacks in zip(pair, _lacking(ledger, pair, names), strict=True) if lacks), None)
    if lacking is not None and ledger.named.keys() - one.about - other.about:
        return None  # that a passage does not name a third thing says nothing: others may join it to both
    return Comparison("yes" if lacking is None else "no", _opening((lacking or one).chunk))


def _lacking(ledger: Ledger, pair: tuple[Candidate, Candidate], names: frozenset[str]) -> list[frozenset[str]]:
    """For each passage, what it lacks of the question's terms beyond the names of the two."""
    asked = frozenset(map(canonical, frozenset(ledger.question.terms) - names - _FILLING))
    return [asked - frozenset(map(canonical, passage.chunk.terms.split())) for passage in pair]


def _regions(chunk: Chunk) -> list[frozenset[str]]:
    """The regions and towns that the first sentence names."""
    named = _named_first(chunk)
    return [frozenset(one.key for one in named if one.type in ("GPE", "LOC") and one.key not in COUNTRIES)]


def _nations(chunk: Chunk) -> list[frozenset[str]]:
    """The countries that the first sentence names, and the words of the first people that it names ("English-American")."""
    named = _named_first(chunk)
    peoples = (one.key.split() for one in named if one.type == "NORP")
    return [frozenset(one.key for one in named if one.key in COUNTRIES), frozenset(next(peoples, ()))]


def _named_first(chunk: Chunk) -> list[Mention]:
    """What the first sentence names, in order, but what it is about."""
    first = _opening(chunk)
    named = [(start, one) for one in chunk.mentions if one.role != "subject" for start, _ in one.spans]
    return [one for start, one in sorted(named, key=itemgetter(0)) if first.start <= start < first.end]


def _asks_of_people(ledger: Ledger) -> bool:
    """Whether the question speaks of births, deaths or a person by profession ("the director")."""
    asked = _asked(ledger)
    return bool(asked & PEOPLE) or not frozenset(LIFE).isdisjoint(map(canonical, asked))


def _asked(ledger: Ledger) -> frozenset[str]:
    """The question's terms but those of names: "Die Welt" asks of no death."""
    return frozenset(ledger.question.terms).difference(name_terms(ledger.question.text))


def _compared_date(ledger: Ledger, passage: Candidate) -> _Value | None:
    """When the one that a passage is about was born, or died if that is asked; of a work, the one person whom it names and of
    whom another passage tells. What is asked of no person is as old as the first date of its passage.
    """
    if not _asks_of_people(ledger):
        return first_date(passage.chunk.text)
    _, died = LIFE
    place = int(died in map(canonical, _asked(ledger)))
    chunk = _person(ledger, passage)
    span = life(chunk)[place] if chunk is not None else None
    return first_date(chunk.between(*span)) if chunk is not None and span is not None else None


def _person(ledger: Ledger, passage: Candidate) -> Chunk | None:
    """The passage itself where it tells when somebody was born, else the one such passage about whom it names: in the role that is
    asked for ("the *director*"), if it names several.
    """
    if life(passage.chunk)[0]:
        return passage.chunk
    maker, name = _maker(ledger, passage)
    if name:
        return maker
    people = {
        target: keys
        for (source, target), keys in ledger.links.items()
        if source == passage.chunk.id and target in ledger.candidates and life(ledger.candidates[target].chunk)[0]
    }
    role = frozenset(map(canonical, ledger.question.terms)) & _ROLES
    if len(people) > 1:
        key = _in_role(passage.chunk, role, frozenset[str]().union(*people.values()))
        people = {target: keys for target, keys in people.items() if key in keys}
    return ledger.candidates[next(iter(people))].chunk if len(people) == 1 else None


def _maker(ledger: Ledger, passage: Candidate) -> tuple[Chunk | None, str]:
    """Who has the role that is asked for in what a passage is about, as one of its sentences tells ("the director of Winter"): the one
    passage about them, if there is one, and their name; none where no sentence does.
    """
    title = TOLD_APART.sub("", passage.chunk.title)
    for noun, term in _roles(ledger.question.text):
        text, needed = f"the {noun} of {title}", frozenset((term, *terms(title)))
        described = Description(0, len(text), text, noun, needed, frozenset((term,)), at=False, of=True, acts=True)
        found = told(ledger, [Hit(passage.chunk.id, 0.0)], described)
        name = found.chunk.between(found.start, found.end) if found is not None else ""
        if not name:
            continue
        _, about = most_about((one for one in ledger.candidates.values() if one is not passage), name)
        in_role = [one for one in about if held_terms((term,), one.words)]
        chunks = [one.chunk for one in in_role or about]
        single = len({chunk.document_id for chunk in chunks}) == 1
        return (min(chunks, key=attrgetter("position")) if single else None), name
    return None, ""


def _roles(question: str) -> list[tuple[str, str]]:
    """The nouns of a question for people by what they do, in the singular, with the term of each."""
    words = (word.removesuffix("s") for word in _WORD.findall(question) if word.islower())
    return list(dict.fromkeys((word, term) for word in words if is_role(word) for term in terms(word)))


def _in_role(chunk: Chunk, role: frozenset[str], keys: Set[str]) -> str | None:
    """Whom of these a passage names right after the role: "*directed* by Ida Rowan and starring Olaf Berg"."""
    said = next((m for m in _WORD.finditer(chunk.text) if not role.isdisjoint(map(canonical, terms(m.group())))), None)
    places = [(start, mention.key) for mention in chunk.mentions if mention.key in keys for start, _ in mention.spans]
    after = [place for place in places if said is not None and place[0] >= chunk.start + said.end()]
    return min(after)[1] if after else None


def first_date(said: str) -> _Value | None:
    """Year, month and day of the first date with a year; month and day are 0 where they are not said."""
    for match in DATE.finditer(said):
        text = match.group()
        year = _YEAR.search(text)
        if year is not None:
            if iso := _ISO.search(text):
                return int(iso[1]), int(iso[2]), int(iso[3])
            month = next((i for i, name in enumerate(MONTHS, start=1) if name[:3] in text.lower()), 0)
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


def _compare_fields(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> Comparison | None:
    """What the same field of two things says of which is more, or whether it is the same; None where either has none, or several."""
    text = ledger.question.text
    pair = (_BOTH.search(text) or _WORDS.search(text)) if wanted.kind == "yes_no" and _SAME.search(text) else None
    names = pair.groups() if pair is not None else wanted.options
    if len(names) != 2:
        return None
    of_names = [frozenset(terms(name)) for name in names]
    asked = frozenset(term for word in (asked_words(text) | COMPARING | {"same"}) for term in terms(word))
    relation = frozenset(ledger.question.terms) - asked - of_names[0] - of_names[1]
    fields = [
        field
        for hit in hits[:LEADING]
        for field in fields_of(ledger.candidates[hit.chunk_id].chunk)
        if held_terms(relation, frozenset(terms(field.label)))
    ]
    one, other = (_field_of(fields, own) for own in of_names)
    if one is None or other is None:
        return None
    if wanted.kind == "yes_no":
        same = normalise(one.text) == normalise(other.text)
        return Comparison("yes" if same else "no", one.found, (one, other))
    measure = read_measure(text)
    chosen = _chosen([_value(field.text) for field in (one, other)], measure) if measure is not None else None
    named = _naming_field((one, other)[chosen], names[chosen]) if chosen is not None else None
    return Comparison(named.text, named, (one, other)) if named is not None else None


def _field_of(fields: Sequence[Field], name: frozenset[str]) -> Field | None:
    """The one field of a thing; None if there is none, or several that differ."""
    own = [field for field in fields if name <= frozenset(terms(f"{field.label} {field.beside}"))]
    return own[0] if len({normalise(field.text) for field in own}) == 1 else None


def _value(text: str) -> _Value | None:
    """The first date, else the first number."""
    number = _NUMBER.search(text)
    return first_date(text) or ((float(re.sub(r"[, ]", "", number.group())),) if number is not None else None)


def _naming_field(field: Field, name: str) -> Found | None:
    """Where the passage of a field names the thing, as near before it as there is."""
    chunk = field.chunk
    text, key = chunk.text.lower(), name.lower()
    place = text.rfind(key, 0, field.start - chunk.start)
    place = place if place >= 0 else text.find(key)
    if place < 0:
        return None
    return Found(chunk, chunk.start + place, chunk.start + place + len(name), normalise(name), "")
