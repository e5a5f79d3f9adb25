"""Entity resolution: which keys are probably one entity.

`SAME_AS` is a pure function of two entities, found by exact blocking keys and never by nearest neighbours, so it is the
same in every store and after any history of writes. Links are reversible: nothing is merged.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import combinations

from graphrag.analysis import STOP_WORDS
from graphrag.types import Entity, SameAs

MIN_SPELLING_RATIO = 0.85
"""Least similarity (Ratcliff/Obershelp) of two spellings that share a consonant skeleton."""
_NAMED = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP", "LAW"})
_PLACES = frozenset({"GPE", "LOC", "FAC"})


def blocking_keys(key: str) -> tuple[str, ...]:
    """The blocks an entity key falls into, ascending. Two entities can be linked only if they share one."""
    words = key.split()
    blocks = {f"squash:{''.join(words)}"}
    skeleton = _skeleton(key)
    if len(skeleton) >= 4:
        blocks.add(f"skeleton:{skeleton}")
    if len(words) == 1:
        if 2 <= len(key) <= 6 and key.isalpha():
            blocks.add(f"acronym:{key}")
        if len(key) >= 3 and key.isalpha():
            blocks.add(f"surname:{key}")
    else:
        initials = "".join(word[0] for word in words if word not in STOP_WORDS)
        if 2 <= len(initials) <= 6 and initials.isalpha():
            blocks.add(f"acronym:{initials}")
        if 2 <= len(words) <= 4 and len(words[-1]) >= 3 and words[-1].isalpha():
            blocks.add(f"surname:{words[-1]}")
    return tuple(sorted(blocks))


def _skeleton(key: str) -> str:
    """Consonants in order without doubles: equal for most spelling variants of a word."""
    letters: list[str] = []
    for character in key:
        if character.isalnum() and character not in "aeiouyàáâäãåèéêëìíîïòóôöõùúûüý" and (not letters or letters[-1] != character):
            letters.append(character)
    return "".join(letters)


def same_as(one: Entity, other: Entity) -> SameAs | None:
    """Whether two entities of one tenant are probably the same, with score and reason; None if not."""
    a, b = (one, other) if one.id <= other.id else (other, one)
    if a.id == b.id:
        return None
    if _conflicting(a.type, b.type):
        return None
    short, long_ = (a, b) if len(a.key.split()) <= len(b.key.split()) else (b, a)
    short_words, long_words = short.key.split(), long_.key.split()
    if "".join(short_words) == "".join(long_words):
        return SameAs(a.id, b.id, 0.95, "same letters, other spacing or punctuation")
    if len(short_words) == 1 and len(long_words) > 1:
        initials = "".join(word[0] for word in long_words if word not in STOP_WORDS)
        if short.key == initials and short.name.isupper():
            return SameAs(a.id, b.id, 0.9, f"{short.name!r} is the acronym of {long_.name!r}")
        if short.key == long_words[-1] and long_.type == "PERSON" and len(long_words) <= 4 and short.type in ("PERSON", ""):
            return SameAs(a.id, b.id, 0.6, f"{short.name!r} is the surname of {long_.name!r}")
        return None
    if _digits(a.key) == _digits(b.key) and len(_skeleton(a.key)) >= 4 and _skeleton(a.key) == _skeleton(b.key):
        ratio = SequenceMatcher(None, a.key, b.key).ratio()
        if ratio >= MIN_SPELLING_RATIO:
            return SameAs(a.id, b.id, round(0.9 * ratio, 4), "spelling variant")
    return None


def links_among(entities: Iterable[Entity]) -> list[SameAs]:
    """Every SAME_AS link among the given entities, ascending by (a, b)."""
    blocks: dict[str, list[Entity]] = {}
    for entity in entities:
        for block in blocking_keys(entity.key):
            blocks.setdefault(block, []).append(entity)
    found: dict[tuple[str, str], SameAs] = {}
    for members in blocks.values():
        for one, other in combinations(members, 2):
            link = same_as(one, other)
            if link is not None:
                found[link.a, link.b] = link
    return [found[pair] for pair in sorted(found)]


def _digits(key: str) -> str:
    return "".join(character for character in key if character.isdigit())


def _conflicting(one: str, other: str) -> bool:
    """Named types conflict unless equal; places are one type, and an unknown or loose type conflicts with none."""
    if one not in _NAMED or other not in _NAMED or one == other:
        return False
    return not (one in _PLACES and other in _PLACES)
