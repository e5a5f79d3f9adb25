"""Comparing two things by the same field of both: "which opened earlier", "which has the larger error budget", "the same store"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.expected import COMPARING, asked_words
from agent.spans.candidates import Found
from agent.spans.comparison import compare, first_date
from agent.spans.fields import Field, fields_of
from agent.spans.quantities import LESS
from agent.spans.wanted import NAME, Wanted
from graphrag.analysis import held_terms, normalise, terms
from graphrag.retrieval.ledger import Ledger
from graphrag.types import Hit

CONSIDERED = 12
"""Best-ranked passages in which the fields are looked for."""
_LESS = LESS | frozenset("earlier earliest older oldest first".split())
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
    """Where it stands; for yes and no the first field."""
    fields: tuple[Field, ...] = ()
    """The two fields that decide, if it is fields that do."""


def decide(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> Comparison | None:
    """The answer to a comparison: what the passages about the two say plainly, else what the same field of both does."""
    if wanted.kind not in ("choice", "yes_no"):
        return None
    said = compare(ledger, hits, wanted)
    return Comparison(*said) if said is not None else compare_fields(ledger, hits, wanted)


def compare_fields(ledger: Ledger, hits: Sequence[Hit], wanted: Wanted) -> Comparison | None:
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
        for hit in hits[:CONSIDERED]
        for field in fields_of(ledger.candidates[hit.chunk_id].chunk)
        if held_terms(relation, frozenset(terms(field.label)))
    ]
    one, other = (_of(fields, own, relation) for own in of_names)
    if one is None or other is None:
        return None
    if wanted.kind == "yes_no":
        same = normalise(one.text) == normalise(other.text)
        found = Found(one.chunk, one.start, one.end, normalise(one.text), "")
        return Comparison("yes" if same else "no", found, (one, other))
    first, second = _amount(one.text), _amount(other.text)
    if first is None or second is None or len(first) != len(second) or first == second:
        return None
    words = frozenset(re.findall(r"\w+", text.lower())) & COMPARING
    if not words:
        return None
    chosen = int((first < second) != bool(words & _LESS))
    named = _naming((one, other)[chosen], names[chosen])
    return Comparison(named.text, named, (one, other)) if named is not None else None


def _of(fields: Sequence[Field], name: frozenset[str], relation: frozenset[str]) -> Field | None:
    """The one field of a thing; None if there is none, or several that differ."""
    held = [
        (len(held_terms(relation, frozenset(terms(field.label)))), field) for field in fields if _is_of(field, name)
    ]
    most = max((count for count, _ in held), default=0)
    best = [field for count, field in held if count == most]
    return best[0] if len({normalise(field.text) for field in best}) == 1 else None


def _is_of(field: Field, name: frozenset[str]) -> bool:
    return name <= frozenset(terms(f"{field.label} {field.beside}"))


def _amount(value: str) -> tuple[float, ...] | None:
    """A date as year, month and day, else the first number of a value."""
    date = first_date(value)
    if date is not None:
        return tuple(map(float, date))
    number = _NUMBER.search(value)
    return (float(re.sub(r"[, ]", "", number.group())),) if number is not None else None


def _naming(field: Field, name: str) -> Found | None:
    """Where the passage of a field names the thing, as near before it as there is."""
    chunk = field.chunk
    text, key = chunk.text.lower(), name.lower()
    place = text.rfind(key, 0, field.start - chunk.start)
    place = place if place >= 0 else text.find(key)
    if place < 0:
        return None
    return Found(chunk, chunk.start + place, chunk.start + place + len(name), normalise(name), "")
