"""Entity resolution: which keys are probably one entity.

`SAME_AS` is a pure function of two entities as the caller sees them: their keys, and their name and type, which are
folded from the visible mentions. So a link depends on visible contributions alone. Candidates are found by exact blocking
keys and never by nearest neighbours, so links are the same in every store, in every tenant and after any history of
writes. Links are reversible: nothing is merged, and what people decide on two entities wins over what is derived.

Names that follow from context alone ("Vogel" in a document with one Vogel) are resolved within the document, when it is
ingested (graphrag.extraction.mentions). Here are the rules that hold without context, each with its own score.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import combinations

from graphrag.analysis import STOP_WORDS
from graphrag.extraction.names import (
    PLACES,
    SMALL_WORDS,
    Name,
    givens_of,
    is_dotted_form,
    is_short_form,
    is_vowel,
    may_be_surname,
    name_of,
    surname_tail,
)
from graphrag.types import Entity, SameAs

MIN_SPELLING_RATIO = 0.85
"""Least similarity (Ratcliff/Obershelp) of two spellings that share a consonant skeleton."""
MIN_VARIED_WORD = 5
"""Letters of a word that may be spelled in two ways: shorter ones that differ are different names (Jon, Jan)."""
_NAMED = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP", "LAW"})
_CONFUSED = frozenset({"ORG", "PRODUCT", "WORK_OF_ART", "LAW", "EVENT"})
"""Types that recognisers mistake for each other: equal letters are evidence enough against them."""

_SURNAME = "surname:"
_ACRONYM = "acronym:"
_Judgement = tuple[float, str]
_NO: _Judgement = (0.0, "")


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided on pairs of a tenant's entities, by entity id and both ways round; wins over what is derived."""

    merged: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """Ids that are one with an id, each with the name of who decided so."""
    split: Mapping[str, Collection[str]] = field(default_factory=dict[str, set[str]])
    """Ids that are not one with an id."""


UNDECIDED = Decided()


@lru_cache(maxsize=1 << 16)
def _blocks(key: str) -> frozenset[str]:
    return frozenset(blocking_keys(key))


def blocking_keys(key: str) -> tuple[str, ...]:
    """The blocks an entity key falls into, ascending. Two entities can be linked only if they share one.

    Neo4j keeps them: whoever changes what this gives raises SCHEMA_VERSION there, which makes them anew.
    """
    name = name_of(key)
    blocks = {f"squash:{name.squashed}"}
    if len(name.skeleton) >= 4:
        blocks.add(f"skeleton:{name.skeleton}")
    if len(name.content) > 1:
        blocks.add(f"words:{' '.join(_sorted_words(name))}")
    for initials in (*name.initials, *([name.letters] if name.letters else [])):
        blocks.add(f"{_ACRONYM}{initials}")
    last = name.words[-1]
    if len(name.words) <= 5 and len(last) >= 3 and last.isalpha() and not name.legal:
        if may_be_surname(name) or len(name.words) > 1:
            blocks.add(f"{_SURNAME}{last}")
        if givens := givens_of(name):
            blocks.add(f"person:{givens[0][0]} {last}")
    return tuple(sorted(blocks))


def same_as(one: Entity, other: Entity) -> SameAs | None:
    """Whether two entities of one tenant are probably the same, with score and reason; None if not.

    Reads the keys, and the name and type as folded from the mentions that the caller sees: another caller, who sees
    other mentions, may get another answer. Only entities that share a blocking key are linked.
    """
    if not may_be_same(one.key, other.key):
        return None
    # In an order that ids do not decide: they are hashes that include the tenant, and the ratio is not symmetric.
    first, second = sorted((one, other), key=lambda entity: _order(entity.key))
    names = name_of(first.key), name_of(second.key)
    score, reason = max(judge(first, second, *names) for fits, judge in _RULES if fits(*names))
    if not reason:
        return None
    return SameAs(min(one.id, other.id), max(one.id, other.id), score, reason)


def may_be_same(one: str, other: str) -> bool:
    """Whether the keys alone allow a link: a quick test that passes every pair that `same_as` links."""
    if one == other or _blocks(one).isdisjoint(_blocks(other)):
        return False
    first, second = (name_of(key) for key in sorted((one, other), key=_order))
    return first.numbers == second.numbers and any(fits(first, second) for fits, _ in _RULES)


def _order(key: str) -> tuple[int, int, str]:
    return len(name_of(key).words), len(key.split()), key


def _sorted_words(name: Name) -> list[str]:
    *most, last = name.content
    return sorted([*most, _singular(last)])


def _singular(word: str) -> str:
    return (
        word[:-1]
        if len(word) > MIN_VARIED_WORD and word.endswith("s") and not word.endswith(("ss", "us", "is"))
        else word
    )


# Rules: what keys have to be like, and what then speaks for one entity: a score with a reason, or none. The first name is
# the one with fewer words.


def _same_letters(one: Name, other: Name) -> bool:
    return one.squashed == other.squashed and _suffixes_agree(one, other) and _forms_agree(one, other)


def _forms_agree(one: Name, other: Name) -> bool:
    """Companies of one name and different legal forms are sisters."""
    return not (one.legal and other.legal) or one.legal == other.legal


def _suffixes_agree(one: Name, other: Name) -> bool:
    """Father and son are two."""
    return not (one.suffix and other.suffix) or one.suffix == other.suffix


def _judge_letters(short: Entity, long_: Entity, one: Name, other: Name) -> _Judgement:
    companies = bool(one.legal or other.legal)
    if companies and one.legal != other.legal:
        return _judge_form(short, long_, one)
    score = 1.0
    if _conflicting(short.type, long_.type):
        if not {short.type, long_.type} <= _CONFUSED:
            return _NO
        score = 0.85
    if one.title != other.title or one.suffix != other.suffix:
        are_people = _may_be_person(short, long_) and len(one.words) > 1
        reason = (
            "same name, with and without title" if one.title != other.title else "same name, with and without suffix"
        )
        return (round(0.9 * score, 4), reason) if are_people else _NO
    letters = one.letters and other.letters and 1 in map(len, (*one.words, *other.words))
    if letters:
        written = short.name if len(one.words) == 1 else long_.name
        all_apart = max(map(len, (one.words if len(one.words) > 1 else other.words))) == 1
        fits = all_apart and written.isupper() and "PERSON" not in (short.type, long_.type)
        return (round(0.9 * score, 4), "same acronym, with and without dots") if fits else _NO
    if short.key.replace(" ", "") == long_.key.replace(" ", ""):
        return round(0.95 * score, 4), "same letters, other spacing or punctuation"
    if companies:
        return round(0.95 * score, 4), "same name, legal form written otherwise"
    return round(0.9 * score, 4), "same name, accents, abbreviations or British and American spelling apart"


def _judge_form(short: Entity, long_: Entity, one: Name) -> _Judgement:
    bare = short if not one.legal else long_
    if bare.type in ("ORG", "", "PRODUCT") or bare.type not in _NAMED:
        return 0.85, "same name, with and without legal form"
    if bare.type == "PERSON" and len(one.words) == 1:
        return 0.6, "same name, with and without legal form; the type may be mistaken"
    return _NO


def _in_order(one: Name, other: Name) -> bool:
    """The same words in another order, or one of them as a plural."""
    return len(one.content) > 1 and _sorted_words(one) == _sorted_words(other) and _forms_agree(one, other)


def _judge_order(short: Entity, long_: Entity, one: Name, other: Name) -> _Judgement:
    if _conflicting(short.type, long_.type):
        return _NO
    if sorted(one.content) == sorted(other.content) and one.content != other.content:
        if _may_be_person(short, long_):
            return (0.85, "same names, surname first") if ("," in short.name) != ("," in long_.name) else _NO
        small = len(one.words) != len(one.content) or len(other.words) != len(other.content)
        return (0.8, "same words in another order") if small else _NO
    if one.content[:-1] == other.content[:-1] and "PERSON" not in (short.type, long_.type):
        typed = short.type in _NAMED or long_.type in _NAMED
        return (0.8, "singular and plural") if typed and one.words[:-1] == other.words[:-1] else _NO
    return _NO


def _is_acronym(one: Name, other: Name) -> bool:
    return one.letters in other.initials or other.letters in one.initials


def _judge_acronym(short: Entity, long_: Entity, one: Name, other: Name) -> _Judgement:
    if one.letters not in other.initials:
        short, long_, one, other = long_, short, other, one
    capitals = sum(letter.isupper() for letter in short.name)
    written = sum(letter.isalpha() for letter in short.name)
    if capitals < 2 or 2 * capitals < written or not short.name[0].isupper():
        return _NO
    if "PERSON" in (short.type, long_.type) or _conflicting(short.type, long_.type):
        return _NO
    if is_dotted_form(one.key) or not SMALL_WORDS.issuperset(STOP_WORDS.intersection(other.words)):
        return _NO  # "S.A." is what a company is; "What has to be shown" is a sentence, and the name of nothing
    # The longer an acronym, the fewer names it fits.
    score = {2: 0.7, 3: 0.85}.get(len(one.letters), 0.9)
    return score, f"{short.name!r} is the acronym of {long_.name!r}"


def _judge_surname(short: Entity, long_: Entity, one: Name, other: Name) -> _Judgement:
    if long_.type != "PERSON" or short.type not in ("PERSON", "") or other.legal or one.legal:
        return _NO
    if len(one.words) > 1 and len(one.words[0]) == 1 and not {"'", "’"} & set(short.name):
        return _NO  # an initial, not a particle such as O'
    return 0.6, f"{short.name!r} is the surname of {long_.name!r}"


def _are_people(one: Name, other: Name) -> bool:
    """Full names with one surname and given names that agree: equal, initials of each other, or left out."""
    first, second = givens_of(one), givens_of(other)
    if not first or not second or one.words[-1] != other.words[-1] or one.words == other.words:
        return False
    return _suffixes_agree(one, other) and _givens_score(first, second) > 0


def _givens_score(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    if len(one) == len(other):
        if is_short_form(one[0], other[0]) and one[1:] == other[1:]:
            return 0.6
        if not all(a == b or (1 in (len(a), len(b)) and a[0] == b[0]) for a, b in zip(one, other, strict=True)):
            return 0.0
        if any(a == b and len(a) > 1 for a, b in zip(one, other, strict=True)):
            return 0.9
        return 0.85 if len(one) > 1 else 0.65
    if len(one) > len(other):
        one, other = other, one
    if len(one[0]) == 1 or one[0] != other[0]:
        return 0.0
    rest = iter(other)
    if not all(len(a) > 1 and a in rest for a in one):
        return 0.0
    return 0.75 if all(len(b) == 1 or b in one for b in other) else 0.6


def _judge_people(short: Entity, long_: Entity, one: Name, other: Name) -> _Judgement:
    if not _may_be_person(short, long_):
        return _NO
    score = _givens_score(givens_of(one), givens_of(other))
    if len(one.words) != len(other.words):
        return score, "same surname and given name, a middle name left out"
    if is_short_form(one.words[0], other.words[0]):
        return score, "same surname, given name and its short form"
    return score, "same surname and initials"


def _are_variants(one: Name, other: Name) -> bool:
    """Names that sound alike, word by word where both have several; short words have to be equal."""
    if len(one.skeleton) < 4 or one.skeleton != other.skeleton or one.squashed == other.squashed:
        return False
    if len(one.words) != len(other.words) or one.legal != other.legal or one.suffix != other.suffix:
        return False
    pairs = list(zip(one.words, other.words, strict=True))
    if any(a != b and (min(len(a), len(b)) < MIN_VARIED_WORD or _ratio(a, b) < 0.7) for a, b in pairs):
        return False
    return _ratio(one.squashed, other.squashed) >= MIN_SPELLING_RATIO


def _judge_variant(short: Entity, long_: Entity, one: Name, other: Name) -> _Judgement:
    if _conflicting(short.type, long_.type):
        return _NO
    # A vowel at the end tells given names apart: Maria and Mario, Erik and Erika.
    endings = [(a[-1], b[-1]) for a, b in zip(one.words, other.words, strict=True) if a != b]
    told_apart = any(a != b and {a, b} != {"i", "y"} and (is_vowel(a) or is_vowel(b)) for a, b in endings)
    if told_apart and "PERSON" in (short.type, long_.type):
        return _NO
    return round(0.9 * _ratio(one.squashed, other.squashed), 4), "spelling variant"


def _ratio(one: str, other: str) -> float:
    first, second = sorted((one, other))
    return SequenceMatcher(None, first, second).ratio()


_RULES: tuple[tuple[Callable[[Name, Name], bool], Callable[[Entity, Entity, Name, Name], _Judgement]], ...] = (
    (_same_letters, _judge_letters),
    (_in_order, _judge_order),
    (_is_acronym, _judge_acronym),
    (surname_tail, _judge_surname),
    (_are_people, _judge_people),
    (_are_variants, _judge_variant),
)


def link_between(one: Entity, other: Entity, decided: Decided = UNDECIDED) -> SameAs | None:
    """The link of two entities after what people decided on them; None if there is none."""
    author = decided.merged.get(one.id, {}).get(other.id)
    if author is not None:
        return SameAs(min(one.id, other.id), max(one.id, other.id), 1.0, f"decided by {author}")
    return None if other.id in decided.split.get(one.id, ()) else same_as(one, other)


def by_block(entities: Iterable[Entity]) -> dict[str, list[Entity]]:
    """The entities that fall into each block."""
    blocks: dict[str, list[Entity]] = {}
    for entity in entities:
        for block in blocking_keys(entity.key):
            blocks.setdefault(block, []).append(entity)
    return blocks


def perhaps_same(key: str, blocks: Mapping[str, Sequence[Entity]]) -> list[Entity]:
    """Those of the entities in `by_block` that a key alone allows a link with, once each."""
    near = {one.id: one for block in blocking_keys(key) for one in blocks.get(block, ())}
    return [one for one in near.values() if may_be_same(one.key, key)]


def _pairs(block: str, near: Sequence[Entity]) -> Iterable[tuple[Entity, Entity]]:
    """The pairs of a block; where two long names share a surname or initials, which makes no link, not theirs."""
    if block.startswith(_SURNAME):
        short = [entity for entity in near if may_be_surname(name_of(entity.key))]
    elif block.startswith(_ACRONYM):
        short = [entity for entity in near if name_of(entity.key).letters]
    else:
        return combinations(near, 2)
    return ((a, b) for a in short for b in near if a is not b)


def links_among(entities: Iterable[Entity], decided: Decided = UNDECIDED) -> list[SameAs]:
    """Every SAME_AS link among the given entities, ascending by (a, b)."""
    held = {entity.id: entity for entity in entities}
    pairs = {
        (min(a.id, b.id), max(a.id, b.id))
        for block, near in by_block(held.values()).items()
        for a, b in _pairs(block, near)
        if may_be_same(a.key, b.key)
    }
    pairs |= {
        (min(a, b), max(a, b)) for a in held.keys() & decided.merged.keys() for b in decided.merged[a] if b in held
    }
    links = (link_between(held[a], held[b], decided) for a, b in sorted(pairs))
    return [link for link in links if link is not None]


def _may_be_person(one: Entity, other: Entity) -> bool:
    """Whether one is a person and the other may be."""
    return "PERSON" in (one.type, other.type) and {one.type, other.type} <= {"PERSON", ""}


def _conflicting(one: str, other: str) -> bool:
    """Named types conflict unless equal; places are one type, and an unknown or loose type conflicts with none."""
    if one not in _NAMED or other not in _NAMED or one == other:
        return False
    return not (one in PLACES and other in PLACES)
