"""What the sentence of a possible answer says of it: the words around it, by how near they are and whose predicate they are of."""

import re
from collections.abc import Iterator
from functools import lru_cache

from agent.spans.candidates import Found
from agent.spans.wanted import CONVERSE, canonical
from graphrag.analysis import terms
from graphrag.lives import life
from graphrag.word_forms import is_past

NEAR = 4
"""Words at which nearness to an answer has halved."""
LONGEST = 40
"""Characters of a word beside a candidate that is read, at most."""
LIFE = tuple(map(canonical, terms("born died")))
"""What the two dates of a life are of."""

_TOKEN = re.compile(r"\w+")
_BEFORE = re.compile(r"(\w+) \Z")
_AFTER = re.compile(r" (\w+)")
_COORDINATED = re.compile(r"\b(?:and|but)\s+(?:(?:also|later|then)\s+)?([a-z]+)")
_AUXILIARIES = frozenset("is are was were has have had".split())
_BORN_ASIDE = re.compile(r"\(born\b[^()]*\)", re.IGNORECASE)
_DONE_BY = re.compile(r"\b\w+(?=\s+by\b)")
_RELATIVE = "(?:grand)?(?:sons?|daughters?|child|children|fathers?|mothers?|parents?)|nephew|niece|uncle|aunt"
_RELATIVE_OF = re.compile(rf"\b({_RELATIVE})\s+of\b", re.IGNORECASE)
_OWN_RELATIVE = re.compile(rf"((?:['’]s|\b(?:his|her|their|whose))\s+(?:\w+\s+)?)({_RELATIVE})\b", re.IGNORECASE)


def nearness_of(
    found: Found, sentence: int, looked_for: frozenset[str], *, acting: bool
) -> tuple[dict[str, float], frozenset[str]]:
    """Those of some terms that a candidate's sentence holds besides, each with how near it is, from 0 to 1; and the terms of other
    predicates alone: of "opened in 1920 and closed in 1988", what goes with the other year.

    Args:
        acting: whether it is somebody who does something. What goes before "by" is done by who follows, not by who went before.
    """
    chunk = found.chunk
    start, end = chunk.spans[sentence]
    before, after = chunk.between(start, max(start, found.start)), chunk.between(found.end, end)
    # Who is a "daughter of" somebody makes a parent of what follows, and "his daughter" one of what goes before.
    before, after = _RELATIVE_OF.sub(_converse, before), _OWN_RELATIVE.sub(_converse, after)
    if acting and "by" in after:
        after = _DONE_BY.sub("by", after)
    if not acting and found.type != "DATE":  # "(born 1942)" tells of no place
        before, after = _BORN_ASIDE.sub("", before), _BORN_ASIDE.sub("", after)
    begin, end = max(_predicates(before), default=0), min(_predicates(after), default=len(after))
    nearness: dict[str, float] = {}
    for words in (_canonical_words(before)[::-1], _canonical_words(after)):
        for distance, term in enumerate(words, start=1):
            if term in looked_for:
                nearness[term] = max(nearness.get(term, 0.0), 1 / (1 + distance / NEAR))
    apart: frozenset[str] = frozenset()
    if begin or end < len(after):
        ours = _canonical_words(f"{before[begin:]} {after[:end]}")
        apart = frozenset(_canonical_words(f"{before[:begin]} {after[end:]}")).difference(ours)
    if found.type == "DATE" and sentence == 0:  # "(8 March 1714 – 14 December 1788)" says so without the words
        for term, span in zip(LIFE, life(chunk), strict=True):
            if span is not None and span[0] <= found.start < span[1]:
                nearness[term] = 1.0
    return nearness, apart


def _predicates(said: str) -> Iterator[int]:
    """Where further predicates begin: at "and" before a verb, unless the words before it are verbs as well ("written and directed")."""
    for match in _COORDINATED.finditer(said):
        if _is_verb(match.group(1)):
            *_, before = said[: match.start()].rsplit(maxsplit=1) or [""]
            if not _is_verb(before.strip("(,")):
                yield match.start(1)


def _is_verb(word: str) -> bool:
    return word in _AUXILIARIES or is_past(word)


def beside(found: Found) -> frozenset[str]:
    """The terms of the words right before and after."""
    text, start, end = found.chunk.text, found.start - found.chunk.start, found.end - found.chunk.start
    before, after = _BEFORE.search(text, max(0, start - LONGEST - 1), start), _AFTER.match(text, end)
    return frozenset(_canonical_word(match.group(1)) for match in (before, after) if match)


def _converse(match: "re.Match[str]") -> str:
    *between, word = match.groups()
    return "".join((*between, CONVERSE[_canonical_word(word)]))


def _canonical_words(text: str) -> list[str]:
    """The canonical term of each word; empty for a stop word, which still takes up a place."""
    return list(map(_canonical_word, _TOKEN.findall(text)))


@lru_cache(maxsize=1 << 14)
def _canonical_word(word: str) -> str:
    # A sentence is read again for every candidate that stands in it.
    return canonical(next(iter(terms(word)), ""))
