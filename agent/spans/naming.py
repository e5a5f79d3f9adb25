"""Whether a passage names somebody or something, also by another form of the name."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from graphrag.analysis import normalise
from graphrag.retrieval.ledger import Candidate
from graphrag.types import Chunk

_INTRODUCED = re.compile(r"[^(\n]{1,80}?(?=\s*\(|,|\s(?:is|was)\s)")
"""What the first sentence calls what the passage is about: "Wendell Pierce Stroud (1898 – 1966) was"."""
_LETTERS = str.maketrans("ıłøđ", "ilod")
"""Letters that are no others with an accent."""
TOLD_APART = re.compile(r"\s*\([^()]*\)")
"""What tells one thing from another of its name: "Winter *(1938 film)*"."""
SAME = 3
"""How surely a passage is about something that has its name."""


def names_it(chunk: Chunk, name: str) -> bool:
    """Whether a passage, its title or its headings hold a name, also as registers do: "Hartnell, Bruno"."""
    key = normalise(name)
    text = f" {normalise(f'{chunk.breadcrumb} {chunk.text}')} "
    first, _, last = key.partition(" ")
    return f" {key} " in text or (last != "" and " " not in last and f" {last} {first} " in text)


def is_about(chunk: Chunk, name: str) -> int:
    """How surely a passage is about what has the name: SAME by that name, 2 and 1 where its title or its beginning is the name of somebody, of which that
    may be a form ("W. P. Stroud" of "Wendell Pierce Stroud"), 1 with names left out; else 0.
    """
    key = normalise(name)
    if any(mention.key == key for mention in chunk.mentions if mention.role == "subject"):
        return SAME
    introduced = _INTRODUCED.match(chunk.text) if chunk.position == 0 else None
    called = (chunk.title, introduced.group() if introduced is not None else "")
    return max(_likeness(_plain(name), _plain(one)) for one in called)


def most_about(candidates: Iterable[Candidate], name: str) -> tuple[int, list[Candidate]]:
    """The passages that are most surely about what has a name, and how surely (see `is_about`); none where none is."""
    sure = [(is_about(one.chunk, name), one) for one in candidates]
    most = max((degree for degree, _ in sure), default=0)
    return most, [one for degree, one in sure if degree == most and most > 0]


def _likeness(one: Sequence[str], other: Sequence[str]) -> int:
    if not _may_be_one(*sorted((one, other), key=len)):
        return 0
    return 2 if len(one) == len(other) else 1


def _may_be_one(shorter: Sequence[str], longer: Sequence[str]) -> bool:
    """Whether two names may be the same person's: the same surname, and the given names of the shorter, or their initials, in order among
    those of the longer.
    """
    if len(shorter) < 2 or shorter[-1] != longer[-1]:
        return False
    rest = list(longer[:-1])
    for place, word in enumerate(shorter[:-1]):
        while rest and not _is_like(word, rest[0]):
            if place == 0 and len(word) == 1:
                return False  # an initial is that of the first name
            rest.pop(0)
        if not rest:
            return False
        rest.pop(0)
    return True


def _is_like(word: str, other: str) -> bool:
    return word == other or (1 in (len(word), len(other)) and word[0] == other[0])


@lru_cache(maxsize=1 << 12)  # every candidate of a question is asked whether it is about a name
def _plain(name: str) -> tuple[str, ...]:
    """The words of a name's key without accents, which not every text sets."""
    letters = unicodedata.normalize("NFKD", normalise(name)).translate(_LETTERS)
    return tuple("".join(letter for letter in letters if not unicodedata.combining(letter)).split())
