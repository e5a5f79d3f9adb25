"""Questions within questions, asked of records: "the extension of the line manager of Odd Lien" asks first who that is.

The record of Odd Lien has an extension too, which is not asked for: what it says of "line manager" names the record that is.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.evidence import MAX_EVIDENCE, EvidenceSet, leading_to, of_passages, with_question
from agent.spans.candidates import Reached
from agent.spans.fields import Field, fields_of
from agent.spans.prose_fields import NAME_IN_PROSE
from agent.spans.stated import answers, stated_answer
from agent.spans.wanted import NAME, read_wanted
from graphrag.analysis import normalise
from graphrag.retrieval.ledger import Ledger
from graphrag.types import Hit

CONSIDERED = 12
"""Best-ranked passages in which records are looked for."""
MAX_STEPS = 3
MAX_CHARACTERS = 300
"""Of a question; a longer one is no such, and looking for the labels of all fields in it would take long."""
_ASKED_ITSELF = re.compile(r"\s*(?:(?:who|what|which)(?:\s+(?:is|was|are|were))?\s*)?", re.IGNORECASE)
"""Before a label that is what the question asks for."""
_NAME = re.compile(rf"{NAME_IN_PROSE.pattern}|[a-z][a-z0-9]*(?:[-_][a-z0-9]+)+")
"""Also that of a system: "ledger-db"."""
_NAMED = re.compile(rf"{NAME}(?=\s+(?!(?:who|whom|whose|which|that|and|or|of|in|at|from|with)\b)[a-z])")
"""A name after which the question goes on with something else: "where was the lead of Team Heron *born*"."""
_OPEN = re.compile(r"\s(?:of|for|to|from|with|in|at|on|by)\s*$", re.IGNORECASE)
"""The end of what names nothing: "which team is the author of RFC-058 the lead of"."""
_OWNER = (
    r"(?P<owner>(?=\w)(?:(?!\b(?:of|for|is|are|was|were|do|does|did|to|from|with|in|at|on|by)\s)[^?,]){2,60}?)['’]s?"
)


@dataclass(frozen=True, slots=True)
class _Part:
    """What a question names by a label of something else: "Odd Lien's line manager"."""

    start: int
    end: int
    """Where it stands in the question."""
    label: str
    owner: str


def with_nested(ledger: Ledger, evidence: EvidenceSet, hits: Sequence[Hit]) -> EvidenceSet:
    """The evidence with the records that lead from one to the other, where the question asks through one, and what the last one answers;
    what says which one is the first stays before them. Where no record answers, the evidence with what is left to ask.
    """
    if evidence.compared or evidence.reached is not None or len(ledger.question.text) > MAX_CHARACTERS:
        return evidence
    ids = [hit.chunk_id for hit in hits[:CONSIDERED]]
    fields = [field for id_ in ids for field in fields_of(ledger.candidates[id_].chunk)]
    text, rows, lacking = ledger.question.text, list[Field](), list[Field]()
    while len(rows) < MAX_STEPS and (parts := _parts(text, fields)):
        part, value = next(
            ((part, value) for part in parts if (value := _value(ledger, ids, fields, part))), (parts[0], None)
        )
        if value is None:
            own = _of(part.owner, fields)
            lacking = own if part.label not in {field.head for field in own} else []
            break
        text = f"{text[: part.start]}{value.text}{text[part.end :]}"
        rows.append(value)
    if not rows and not lacking:
        return evidence
    found = None if lacking else _answer(ledger, _of(rows[-1].text, fields), text)
    if found is None and not lacking:
        records = {_record(row) for row in rows}
        if not _answers(ledger, [field for field in fields if _record(field) in records], text):
            return _to_ask(ledger, evidence, ids, rows, text)
    path = tuple(dict.fromkeys(field.chunk.id for field in (*rows, *lacking[:1], found) if field is not None))
    told = frozenset[str]().union(*(ledger.candidates[id_].terms for id_ in path))
    first = [id_ for id_ in evidence.chunk_ids if not ledger.candidates[id_].terms <= told]
    reached = Reached(found.found if found is not None else None, (*first[: MAX_EVIDENCE - len(path)], *path))
    return leading_to(ledger, reached, evidence.score)


def _to_ask(ledger: Ledger, evidence: EvidenceSet, ids: Sequence[str], rows: Sequence[Field], text: str) -> EvidenceSet:
    """The evidence with the records and the best other passage that names what they lead to, and what is left to ask of it."""
    path, name = [row.chunk.id for row in rows], f" {normalise(rows[-1].text)} "
    telling = (
        id_ for id_ in (*evidence.chunk_ids, *ids) if name in f" {normalise(ledger.candidates[id_].chunk.text)} "
    )
    path += [id_ for id_ in telling if id_ not in path][:1]
    others = [id_ for id_ in evidence.chunk_ids if id_ not in path]
    kept = {*path, *others[: max(0, MAX_EVIDENCE - len({*path}))]}
    chosen = tuple(id_ for id_ in dict.fromkeys((*evidence.chunk_ids, *path)) if id_ in kept)
    return replace(of_passages(ledger, chosen, evidence.score), alone=len(chosen) == 1 and evidence.alone, left=text)


def _parts(text: str, fields: Sequence[Field]) -> list[_Part]:
    """Those of a question, the innermost first: it is the shortest, since it holds no other."""
    labels = {field.head for field in fields if normalise(field.head)}
    ends = Counter(label.split()[-1].casefold() for label in labels)
    said = frozenset(normalise(text).split())
    parts: list[_Part | None] = []
    for label in labels:
        first, _, last = label.rpartition(" ")
        if said.issuperset(normalise(label).split()):
            parts.append(_part(text, label, r"[\s_-]+".join(map(re.escape, label.split()))))
        # "Odd Lien's *manager*", of a line manager, where no other label is one.
        if first and last.casefold() in said and ends[last.casefold()] == 1:
            parts.append(_part(text, label, rf"(?<!{re.escape(first)} ){re.escape(last)}"))
    return sorted(filter(None, parts), key=lambda part: (part.end - part.start, part.start, part.label))


def _part(text: str, label: str, words: str) -> _Part | None:
    """The innermost one of a label, which is written as the pattern says; None if it is what the question asks for itself."""
    parts = [_Part(*m.span(), label, m["owner"]) for m in re.finditer(rf"\b{_OWNER}\s+{words}\b", text, re.IGNORECASE)]
    of = [*re.finditer(rf"\b(?:the\s+)?{words}\s+(?:of|for)\s+", text, re.IGNORECASE)]
    for match in reversed(of):
        # "The project manager of the Saltmarsh *screens*": nothing but the owner follows what the question asks for.
        named = None if _ASKED_ITSELF.fullmatch(text[: match.start()]) else _NAMED.match(text, match.end())
        end = named.end() if named is not None else len(text.rstrip(" ?"))
        parts.append(_Part(match.start(), end, label, text[match.end() : end]))
    inner = (
        part
        for part in parts
        if (text[part.end :].strip(" ?") or not _ASKED_ITSELF.fullmatch(text[: part.start]))
        and not _OPEN.search(part.owner)
    )
    return next(inner, None)


def _value(ledger: Ledger, ids: Sequence[str], fields: Sequence[Field], part: _Part) -> Field | None:
    """The field that says what a part names, if that is a name: of the record about its owner, or what is stated of that."""
    own = [field for field in _of(part.owner, fields) if normalise(field.head) == normalise(part.label)]
    if not own:
        view = with_question(ledger, f"What is the {part.label} of {part.owner}?")
        stated = stated_answer(view, ids, read_wanted(view.question.text))
        place = (stated[0].chunk.id, stated[0].start) if stated is not None else ()
        own = [field for field in fields if (field.chunk.id, field.start) == place]
    return own[0] if len({field.text for field in own}) == 1 and _NAME.fullmatch(own[0].text) else None


def _of(name: str, fields: Sequence[Field]) -> list[Field]:
    """The fields of the records about what has the name."""
    key = normalise(name)
    return [field for field in fields if key in map(normalise, field.about)]


def _record(field: Field) -> tuple[str, int]:
    return field.chunk.id, field.row


def _answer(ledger: Ledger, fields: Sequence[Field], text: str) -> Field | None:
    """The one field that answers."""
    found = _answers(ledger, fields, text)
    return found[0] if len({normalise(field.text) for field in found}) == 1 else None


def _answers(ledger: Ledger, fields: Sequence[Field], text: str) -> list[Field]:
    return answers(with_question(ledger, text), read_wanted(text), fields)
