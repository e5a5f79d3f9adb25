"""Entity resolution: which keys are probably one entity.

`SAME_AS` is a pure function of two entities as the caller sees them: their keys, and their name and type, which are
folded from the visible mentions. So a link depends on visible contributions alone. Candidates are found by exact blocking
keys and never by nearest neighbours, so links are the same in every store, in every tenant and after any history of
writes. Links are reversible: nothing is merged.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import combinations

from graphrag.analysis import STOP_WORDS
from graphrag.types import Entity, SameAs

MIN_SPELLING_RATIO = 0.85
"""Least similarity (Ratcliff/Obershelp) of two spellings that share a consonant skeleton."""
_NAMED = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP", "LAW"})
_PLACES = frozenset({"GPE", "LOC", "FAC"})


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


@lru_cache(maxsize=1 << 16)
def _skeleton(key: str) -> str:
    """Consonants in order without doubles: equal for most spelling variants of a word."""
    letters: list[str] = []
    for character in key:
        if (
            character.isalnum()
            and character not in "aeiouyàáâäãåèéêëìíîïòóôöõùúûüý"
            and (not letters or letters[-1] != character)
        ):
            letters.append(character)
    return "".join(letters)


def same_as(one: Entity, other: Entity) -> SameAs | None:
    """Whether two entities of one tenant are probably the same, with score and reason; None if not.

    Reads the keys, and the name and type as folded from the mentions that the caller sees: another caller, who sees
    other mentions, may get another answer. Only entities that share a blocking key are linked.
    """
    if one.key == other.key or not may_be_same(one.key, other.key) or _conflicting(one.type, other.type):
        return None
    # In an order that ids do not decide: they are hashes that include the tenant, and the ratio is not symmetric.
    first, second = sorted((one, other), key=lambda entity: (len(entity.key.split()), entity.key))
    score, reason = _judge(first, second)
    if not reason:
        return None
    return SameAs(min(one.id, other.id), max(one.id, other.id), score, reason)


def may_be_same(one: str, other: str) -> bool:
    """Whether the keys alone allow a link: a quick test that passes every pair that `same_as` links."""
    if _blocks(one).isdisjoint(_blocks(other)):
        return False
    several = " " in one, " " in other
    return several[0] != several[1] or _squashed(one) == _squashed(other) or _skeletons_agree(one, other)


def _judge(short: Entity, long_: Entity) -> tuple[float, str]:
    """Score and reason, which is empty if nothing speaks for one entity. `short` has at most as many words."""
    if _squashed(short.key) == _squashed(long_.key):
        return 0.95, "same letters, other spacing or punctuation"
    long_words = long_.key.split()
    if " " not in short.key and len(long_words) > 1:
        initials = "".join(word[0] for word in long_words if word not in STOP_WORDS)
        if short.key == initials and short.name.isupper():
            return 0.9, f"{short.name!r} is the acronym of {long_.name!r}"
        is_person = long_.type == "PERSON" and short.type in ("PERSON", "")
        if short.key == long_words[-1] and is_person and len(long_words) <= 4:
            return 0.6, f"{short.name!r} is the surname of {long_.name!r}"
    elif _skeletons_agree(short.key, long_.key):
        one, other = sorted((short.key, long_.key))
        ratio = SequenceMatcher(None, one, other).ratio()
        if ratio >= MIN_SPELLING_RATIO:
            return round(0.9 * ratio, 4), "spelling variant"
    return 0.0, ""


def _squashed(key: str) -> str:
    return key.replace(" ", "")


def _skeletons_agree(one: str, other: str) -> bool:
    return _digits(one) == _digits(other) and len(_skeleton(one)) >= 4 and _skeleton(one) == _skeleton(other)


def link_between(one: Entity, other: Entity, decided: Decided = UNDECIDED) -> SameAs | None:
    """The link of two entities after what people decided on them; None if there is none."""
    author = decided.merged.get(one.id, {}).get(other.id)
    if author is not None:
        return SameAs(min(one.id, other.id), max(one.id, other.id), 1.0, f"decided by {author}")
    return None if other.id in decided.split.get(one.id, ()) else same_as(one, other)


def links_among(entities: Iterable[Entity], decided: Decided = UNDECIDED) -> list[SameAs]:
    """Every SAME_AS link among the given entities, ascending by (a, b)."""
    held = {entity.id: entity for entity in entities}
    blocks: dict[str, list[Entity]] = {}
    for entity in held.values():
        for block in blocking_keys(entity.key):
            blocks.setdefault(block, []).append(entity)
    pairs = {(min(a.id, b.id), max(a.id, b.id)) for near in blocks.values() for a, b in combinations(near, 2)}
    pairs |= {
        (min(a, b), max(a, b)) for a in held.keys() & decided.merged.keys() for b in decided.merged[a] if b in held
    }
    links = (link_between(held[a], held[b], decided) for a, b in sorted(pairs))
    return [link for link in links if link is not None]


def _digits(key: str) -> str:
    return "".join(character for character in key if character.isdigit())


def _conflicting(one: str, other: str) -> bool:
    """Named types conflict unless equal; places are one type, and an unknown or loose type conflicts with none."""
    if one not in _NAMED or other not in _NAMED or one == other:
        return False
    return not (one in _PLACES and other in _PLACES)
