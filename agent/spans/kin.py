"""Relatives: who is whose parent, child, spouse or sibling, as passages say it, and who is kin by two steps.

"Who is the paternal grandfather of Maarja Vill?" is answered by "her father was Juhan Vill" and "he was the son of Kaarel Vill".
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from agent.spans.candidates import LEADING, Found, Reached
from agent.spans.wanted import NAME
from graphrag.analysis import normalise, terms
from graphrag.retrieval.ledger import Ledger
from graphrag.types import Chunk, Hit, Span

_Step = tuple[str, str]
"""A relation and the sex of the relative, "m" or "f", or "" for either."""
_STEPS: Mapping[str, tuple[_Step, ...]] = {
    "father": (("parent", "m"),), "mother": (("parent", "f"),), "parent": (("parent", ""),), "son": (("child", "m"),),
    "daughter": (("child", "f"),), "child": (("child", ""),), "husband": (("spouse", "m"),), "wife": (("spouse", "f"),),
    "spouse": (("spouse", ""),), "brother": (("sibling", "m"),), "sister": (("sibling", "f"),), "sibling": (("sibling", ""),),
    "grandfather": (("parent", ""), ("parent", "m")), "grandmother": (("parent", ""), ("parent", "f")),
    "grandson": (("child", ""), ("child", "m")), "granddaughter": (("child", ""), ("child", "f")),
    "uncle": (("parent", ""), ("sibling", "m")), "aunt": (("parent", ""), ("sibling", "f")),
    "nephew": (("sibling", ""), ("child", "m")), "niece": (("sibling", ""), ("child", "f")),
    "father-in-law": (("spouse", ""), ("parent", "m")), "mother-in-law": (("spouse", ""), ("parent", "f")),
    "son-in-law": (("child", "f"), ("spouse", "m")), "daughter-in-law": (("child", "m"), ("spouse", "f")),
    "brother-in-law": (("spouse", ""), ("sibling", "m")), "sister-in-law": (("spouse", ""), ("sibling", "f")),
}  # fmt: skip
_CONVERSE = {"parent": "child", "child": "parent", "spouse": "spouse", "sibling": "sibling"}
_GUESSED = {"m?": "f", "f?": "m"}
"""The sex of two parents by their order, and what it is the other way round."""
_OTHER = {"m": "f", "f": "m"}
_SPOUSES = {"wife": "m", "widow": "m", "husband": "f", "widower": "f"}
"""The sex of whose spouse somebody is."""
_SIDES = {"paternal": "m", "maternal": "f"}
_KIN = "|".join(sorted(_STEPS, key=len, reverse=True))
_NEAR = "father|mother|parents?|sons?|daughters?|child(?:ren)?|husband|wife|spouse|brothers?|sisters?"
_OF = re.compile(rf"(?:(?:the|an?)\s+)?(?:(paternal|maternal)\s+)?({_KIN})\s+of\s+(.+)", re.IGNORECASE)
_POSSESSIVE = re.compile(rf"(.+?)['’]s?\s+(?:(paternal|maternal)\s+)?({_KIN})", re.IGNORECASE)
_WHO = re.compile(r"\s*who\s+(?:is|was|are|were)\s+([^?]{3,200}?)\s*\?*\s*$", re.IGNORECASE)
_CAPITAL = "[A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĖĘĚĜĞĠĢĤĦĪĮİĴĶĹĻĽŁŃŅŇŌŎŐŒŔŖŘŚŜŞŠŢŤŨŪŬŮŰŲŴŶŸŹŻŽ]"
_PARTICLES = "de|van|von|der|af|al|bin|ibn"
_PERSON = rf"(?P<name>{_CAPITAL}[\w'’.-]*(?:\s+(?:(?:{_PARTICLES})\s+)?{_CAPITAL}[\w'’.-]*){{0,4}}(?:\s+(?:of|the)\s+{_CAPITAL}[\w'’-]*){{0,2}})"
_NAMED = re.compile(rf"{NAME}(?:,\s+{NAME})?")
"""Whose relative is asked for: "Emmeram, Count of Velden"."""
_RELATED = re.compile(
    rf"({_CAPITAL}[\w.-]*+(?:\s+(?:(?:{_PARTICLES})\s+)?{_CAPITAL}[\w.-]*+){{0,4}})['’]s?\s+(?:[a-z]+\s+)?({_KIN})\b|\b({_KIN})\s+of\s+({NAME})"
)
# What somebody is, before the name: "the chess master", "a nobleman named".
_AS = rf"(?:(?:the|an?)\s+(?:{_CAPITAL}[\w-]*\s+(?=(?!(?:and|of|who|in|at|on|to|for|from|by|with|the)\b)[a-z]))?)?(?:(?!(?:and|of|who|in|at|on|to|for|from|by|with)\b)[a-z][\w-]*+\s+){{0,4}}"
_OWN = re.compile(
    rf"\b(?:(?P<their>[Tt]heir)|[Hh]is|[Hh]er)\s+(?:[a-z]+\s+){{0,2}}?(?P<kin>{_NEAR})(?:,|:|\s+(?:was|is))?\s+{_AS}{_PERSON}"
)
_CHILD_OF = re.compile(
    rf"\b(?P<kin>son|daughter|child|(?:youngest|eldest|oldest|first|last|one)\s+of\s+(?:the\s+|their\s+)?(?:\w+\s+)?children)\s+of\s+(?:[a-z]+\s+and\s+)?{_AS}{_PERSON}"
)
_PARENT_AND = re.compile(r"\b(?:son|daughter|child)\s+of\s+[^.;]{1,80}\band\s+\Z")
"""Before the wife of a parent: "the son of the third Earl and his wife"."""
_AND = re.compile(
    rf"(?:,[^,.;()]{{1,60}},|\s\([^()]{{1,60}}\))?\s+(?:and|by\s+(?=(?:his|her)\s))\s*(?:(?:his|her)\s+(?:[a-z]+\s+)?(?:wife|husband|marriage\s+to|marriage\s+with),?\s+)?{_AS}{_PERSON}"
)
_MARRIED = re.compile(rf"\b(?:[Mm]arried|[Ww]ed)\s+(?:in\s+\d{{4}},?\s+)?(?:to\s+)?{_AS}{_PERSON}")
_ITS_SUBJECT = re.compile(
    rf"{_PERSON}(?:\s+\([^()]*\))?\s+(?:(?:is|was|has|had|been|later|first|the|only|eldest|second)\s+)*"
)
"""What goes before in a sentence that names itself of whom it tells: "Agneta Corrigan was *married to*"."""
_SPOUSE_OF = re.compile(rf"\b(?P<kin>wife|husband|consort|widow|widower)\s+of\s+{_AS}{_PERSON}")
_RANKS = {
    **dict.fromkeys("king prince duke count earl baron emperor tsar lord sir".split(), "m"),
    **dict.fromkeys("queen princess duchess countess baroness empress lady dame".split(), "f"),
}
"""What may stand before a name, with the sex of who has it."""
_ORDINAL = re.compile(r"[ivx]+")
_HE, _SHE = re.compile(r"\b(?:he|his|him)\b", re.IGNORECASE), re.compile(r"\b(?:she|her|hers)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Fact:
    """That somebody has a relative."""

    of: str
    relation: str
    sex: str
    """Of the relative; empty where it is not said, with a mark of doubt where only their order does."""
    who: str
    found: Found
    """Where the relative is named."""


@lru_cache(maxsize=64)
def kin_asked(question: str) -> tuple[str, tuple[_Step, ...]] | None:
    """Whose relative a question asks for, by name, and by which steps; None if it asks for anything else."""
    asking = _WHO.match(question)
    rest, steps = (asking.group(1) if asking else ""), list[_Step]()
    while rest:
        outer, owned = _OF.fullmatch(rest), _POSSESSIVE.fullmatch(rest)
        if outer is not None:
            side, kin, rest = outer.groups()
        elif owned is not None:
            rest, side, kin = owned.groups()
        else:
            break
        own = list(_STEPS[kin.lower()])
        if side and len(own) > 1:
            own[0] = (own[0][0], _SIDES[side.lower()])
        steps[:0] = own
    return (rest, tuple(steps)) if steps and _NAMED.fullmatch(rest) else None


@lru_cache(maxsize=64)
def related_to(question: str) -> tuple[str, frozenset[str]]:
    """The key of somebody of whose relative a question asks something ("when was Ida Rowan's husband born?"), and the terms of the
    kinship; empty if it does not.
    """
    match = _RELATED.search(question)
    if match is None:
        return "", frozenset()
    owner, owned, kin, of = match.groups()
    return normalise(owner or of), frozenset(terms(owned or kin))


def relative(ledger: Ledger, hits: Sequence[Hit]) -> Reached | None:
    """The relative for whom a question asks, where the passages tell of one alone."""
    asked = kin_asked(ledger.question.text)
    if asked is None:
        return None
    name, steps = asked
    known, facts = _facts(ledger, hits)
    reached: dict[str, tuple[_Fact, ...]] = {known(normalise(name)): ()}
    for relation, sex in steps:
        following: dict[str, tuple[_Fact, ...]] = {}
        for fact in facts:
            # "A son of Albert": of one parent alone it is the father.
            fits = not sex or fact.sex == sex or (not fact.sex and (relation, sex) != ("parent", "f"))
            if fact.of in reached and fact.relation == relation and fits:
                following.setdefault(fact.who, (*reached[fact.of], fact))
        reached = {who: path for who, path in following.items() if sex and path[-1].sex == sex} or following
    if len(reached) != 1:
        return None
    (path,) = reached.values()
    words = re.findall(r"[a-z]+(?:-in-law)?", ledger.question.text.lower())
    kin = frozenset(term for word in words if word in _STEPS or word in _SIDES for term in terms(word))
    return Reached(path[-1].found, tuple(dict.fromkeys(fact.found.chunk.id for fact in path)), kin)


def places_of_relatives(chunk: Chunk) -> frozenset[int]:
    """Where a passage names the relatives of whom it tells."""
    return frozenset(fact.found.start for fact in _told(chunk))


def tells_of_others(ledger: Ledger, hits: Sequence[Hit]) -> bool:
    """Whether passages tell of such relatives of the one in question: of a father, asked for the mother, who is not told of then."""
    asked = kin_asked(ledger.question.text)
    if asked is None:
        return False
    name, ((relation, _), *_) = asked
    known, facts = _facts(ledger, hits)
    return any((fact.of, fact.relation) == (known(normalise(name)), relation) for fact in facts)


def _facts(ledger: Ledger, hits: Sequence[Hit]) -> tuple[Callable[[str], str], list[_Fact]]:
    """What the best passages say of relatives, and what follows: the other way, too, and who is married to a parent of a child of both.
    The sex of a relative is what their own passage shows where nothing else says it. Before that, by what key somebody is known there.
    """
    chunks = [ledger.candidates[hit.chunk_id].chunk for hit in hits[:LEADING]]
    known = _known([chunk.title for chunk in chunks])
    told = [replace(fact, who=known(fact.who)) for chunk in chunks for fact in _told(chunk)]
    sexes = {normalise(chunk.title): sex for chunk in reversed(chunks) if (sex := _sex(chunk))}
    of_both = [
        replace(spouse, of=child.who, relation="parent")
        for child in told
        for spouse in told
        if child.relation == "child of both" and spouse.relation == "spouse" and spouse.of == child.of
    ]
    converses = (_converse(fact) for fact in told)
    facts = (*told, *of_both, *(fact for fact in converses if fact is not None))
    # Of two parents the first is as a rule the father: their own passages know better.
    swapped = {fact.of for fact in facts if fact.sex in _GUESSED and sexes.get(fact.who, fact.sex[0]) != fact.sex[0]}
    sure = (
        replace(fact, sex=_GUESSED[fact.sex] if fact.of in swapped else fact.sex[0]) if fact.sex in _GUESSED else fact
        for fact in facts
    )
    return known, [replace(fact, sex=fact.sex or sexes.get(fact.who, "")) for fact in sure]


def _known(titles: Sequence[str]) -> Callable[[str], str]:
    """By what key a passage about somebody knows them: "King Ottokar II", where one alone is about "Ottokar II of Brandmark", by that."""
    called: dict[str, set[str]] = {}
    keys = {*map(normalise, titles)}
    for title in titles:
        bare, _ = _without_rank(normalise(title))
        for name in (bare, bare.split(" of ")[0], normalise(title.split(",")[0])):
            called.setdefault(name, set()).add(normalise(title))

    def known(key: str) -> str:
        bare, ranked = _without_rank(key)
        titled = called.get(bare, {key}) if ranked or _ORDINAL.fullmatch(bare.split()[-1]) else {key}
        return key if key in keys or len(titled) > 1 else next(iter(titled))

    return known


def _without_rank(key: str) -> tuple[str, bool]:
    """A name without "King" or "Countess" before it, and whether it had one."""
    first, _, rest = key.partition(" ")
    return (rest, True) if rest and first in _RANKS else (key, False)


def _converse(fact: _Fact) -> _Fact | None:
    """That the one whom the passage is about is a relative of whom it names; None where it does not name its own."""
    chunk = fact.found.chunk
    name = chunk.title.split(" (")[0]
    place = chunk.text.find(name)
    if place < 0 or fact.relation not in _CONVERSE:
        return None
    found = Found(chunk, chunk.start + place, chunk.start + place + len(name), fact.of, "")
    return _Fact(fact.who, _CONVERSE[fact.relation], "", fact.of, found)


def _told(chunk: Chunk) -> Iterator[_Fact]:
    """What a passage says of the relatives of the one whom it is about."""
    subject, sex = normalise(chunk.title), _sex(chunk)
    for span in chunk.sentences:
        yield from _told_in(chunk, span, subject, sex)


def _told_in(chunk: Chunk, span: Span, subject: str, subject_sex: str) -> Iterator[_Fact]:
    """What a sentence says of the relatives of the one whom its passage is about, or of whom it names itself."""
    sentence = chunk.between(*span)

    def fact(relation: str, sex: str, match: "re.Match[str]") -> _Fact:
        begin, name = span[0] + match.start("name"), match["name"].rstrip(".")
        found = Found(chunk, begin, begin + len(name), normalise(name), "PERSON")
        named = _ITS_SUBJECT.fullmatch(sentence, 0, match.start())
        of = normalise(named["name"]) if named is not None and " " in named["name"] else subject
        of = of if set(of.split()).isdisjoint(subject.split()) else subject
        sex = sex if of == subject else ""
        return _Fact(of, relation, _RANKS.get(found.key.split()[0], sex), found.key, found)

    for match in _OWN.finditer(sentence):
        relation, own = _relation(match["kin"])
        relation = "parent" if relation == "spouse" and _PARENT_AND.search(sentence, 0, match.start()) else relation
        yield fact(relation, own, match)
        if match["kin"] == "parents" and (second := _AND.match(sentence, match.end())):
            yield fact(relation, "", second)
        if match["their"] and relation == "child":
            yield fact("child of both", own, match)
    for match in _CHILD_OF.finditer(sentence):
        second = _AND.match(sentence, match.end())
        yield fact("parent", "m?" if second else "", match)
        if second:
            yield fact("parent", "f?", second)
    for match in _SPOUSE_OF.finditer(sentence):
        yield fact("spouse", _SPOUSES.get(match["kin"], ""), match)
    for match in _MARRIED.finditer(sentence):
        yield fact("spouse", _OTHER.get(subject_sex, ""), match)


def _relation(word: str) -> _Step:
    (step,) = _STEPS["child" if word == "children" else word if word in _STEPS else word.rstrip("s")]
    return step


def _sex(chunk: Chunk) -> str:
    """Of the one whom a passage is about, by the pronouns that go first; empty where there are none."""
    he, she = _HE.search(chunk.text), _SHE.search(chunk.text)
    if he is None or she is None:
        return "m" if he else "f" if she else ""
    return "m" if he.start() < she.start() else "f"
