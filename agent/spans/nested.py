"""Questions within questions: "the extension of the line manager of Odd Lien" asks first who that is, "where was the coach of Dunwell Rangers
born" who the coach is.

What a record, a sentence or a relative tells of the inner one takes its place: "what is the extension of Petra Nygaard". The record of
Odd Lien has an extension too, which is not asked for.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.evidence import MAX_EVIDENCE, EvidenceSet, Left, leading_to, of_passages, weight_of, with_question
from agent.expected import says_one_thing, wanted_terms
from agent.spans.candidates import LEADING, Found, Reached
from agent.spans.descriptions import descriptions
from agent.spans.fields import Field, fields_of
from agent.spans.kin import relative, tells_of_others
from agent.spans.naming import SAME, most_about, names_it
from agent.spans.prose_fields import NAME_IN_PROSE
from agent.spans.stated import answers, stated_answer
from agent.spans.told import told
from agent.spans.wanted import NAME, held_alike, read_wanted
from graphrag.analysis import normalise, terms
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import Question
from graphrag.types import Hit

MAX_STEPS = 3
LEAST_LEFT = 0.5
"""Share of what is left to ask that passages have to hold; of less, what led there is doubtful."""
MAX_CHARACTERS = 300
"""Of a question; a longer one is no such, and looking for the labels of all fields in it would take long."""
_BEFORE_LABEL = re.compile(r"\s*(?:(?:who|what|which)(?:\s+(?:is|was|are|were))?\s*)?", re.IGNORECASE)
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
    """The evidence with the passages that lead from one to the other, where the question asks through something, and what the last one
    answers; what says which one is the first stays before them. Where no record answers, the evidence with what is left to ask.
    """
    if evidence.compared or evidence.reached is not None or len(ledger.question.text) > MAX_CHARACTERS:
        return evidence
    ids = [hit.chunk_id for hit in hits[:LEADING]]
    fields = [field for id_ in ids for field in fields_of(ledger.candidates[id_].chunk)]
    named, text, name = _gone_through(ledger, ids, fields, hits)
    lacking = _lacking(fields, text) if len(named) < MAX_STEPS else None
    if lacking is not None:
        return _led(ledger, evidence, [*named, lacking.found], None, text)
    if not named:
        return evidence
    view = with_question(ledger, text)
    kin = relative(view, hits)
    if kin is not None:
        return _led_to_relative(ledger, evidence, named, kin, text)
    wanted = read_wanted(text)
    possible = answers(view, wanted, _about(name, fields))
    # What the record on the way has itself is not asked for.
    if not possible and not answers(view, wanted, _beside(named, fields)):
        return _to_ask(ledger, evidence, ids, named, text, name)
    found = possible[0].found if len({normalise(field.text) for field in possible}) == 1 else None
    return _led(ledger, evidence, named, found, text)


def _gone_through(
    ledger: Ledger, ids: Sequence[str], fields: Sequence[Field], hits: Sequence[Hit]
) -> tuple[list[Found], str, str]:
    """What the question goes through, step by step; the question with that in place of how it describes it; and the last of it."""
    text, named, name = ledger.question.text, list[Found](), ""
    while len(named) < MAX_STEPS and (step := _step(ledger, ids, fields, hits, text)) is not None:
        start, end, value = step
        name = _titled(ledger, value.text)
        text = f"{text[:start]}{name}{text[end:]}"
        named.append(value)
    return named, text, name


def _step(
    ledger: Ledger, ids: Sequence[str], fields: Sequence[Field], hits: Sequence[Hit], text: str
) -> tuple[int, int, Found] | None:
    """The innermost part of a question of which a record or a sentence tells who or what it is, and that."""
    for part in _parts(text, fields):
        value = _value(ledger, ids, fields, part)
        if value is not None:
            return part.start, part.end, value
    for one in descriptions(text):
        view = with_question(ledger, f"Who is {one.text}?")
        kin = relative(view, hits)
        several = kin is None and tells_of_others(view, hits)
        value = kin.found if kin is not None else None if several else told(ledger, hits, one)
        if value is not None:
            return one.start, one.end, value
    return None


def _titled(ledger: Ledger, name: str) -> str:
    """A name as the title of the one passage about that person has it, where that is another form of it."""
    sure, about = most_about(ledger.candidates.values(), name)
    titles = {one.chunk.title for one in about}
    return titles.pop().split(" (")[0] if sure < SAME and len(titles) == 1 else name


def _lacking(fields: Sequence[Field], text: str) -> Field | None:
    """A field of the record about what the innermost part of a question is of, where that record does not say what is asked of it."""
    part = next(iter(_parts(text, fields)), None)
    own = _about(part.owner, fields) if part is not None else []
    return own[0] if part is not None and own and part.label not in {field.head for field in own} else None


def _led(ledger: Ledger, evidence: EvidenceSet, named: Sequence[Found], found: Found | None, text: str) -> EvidenceSet:
    """The passages that tell one after the other, behind those of the evidence that tell more, and what answers.

    Args:
        text: the question with what they tell in place of how it describes it, which nothing else need hold.
    """
    path = tuple(dict.fromkeys(one.chunk.id for one in (*named, found) if one is not None))
    said = frozenset[str]().union(*(ledger.candidates[id_].terms for id_ in path))
    first = [id_ for id_ in evidence.chunk_ids if not ledger.candidates[id_].terms <= said]
    described = frozenset(ledger.question.terms).difference(terms(text))
    reached = Reached(found, (*first[: MAX_EVIDENCE - len(path)], *path), described)
    return replace(leading_to(ledger, reached, evidence.score), steps=tuple(named))


def _led_to_relative(
    ledger: Ledger, evidence: EvidenceSet, named: Sequence[Found], kin: Reached, text: str
) -> EvidenceSet:
    """The passages that lead to somebody, and those that say who their relative is. Arguments as for `_led`."""
    path = (*(one.chunk.id for one in named), *kin.chunk_ids)
    told_of = kin.terms.union(ledger.question.terms).difference(frozenset(terms(text)) - kin.terms)
    reached = replace(kin, chunk_ids=tuple(dict.fromkeys(path)), terms=told_of)
    return replace(leading_to(ledger, reached, evidence.score), steps=tuple(named))


def _to_ask(
    ledger: Ledger, evidence: EvidenceSet, ids: Sequence[str], named: Sequence[Found], text: str, name: str
) -> EvidenceSet:
    """The passages that lead to what is named last, with what is left to ask of it: those that name it and hold most of that, and what
    else of the evidence holds more; of a question that goes on from there, all of the evidence.
    """
    question = with_question(ledger, text).question
    path = list(dict.fromkeys(one.chunk.id for one in named))
    others = [id_ for id_ in dict.fromkeys((*evidence.chunk_ids, *ids)) if id_ not in path]
    further = [id_ for id_ in evidence.chunk_ids if id_ not in path][: MAX_EVIDENCE - len(path)]
    if says_one_thing(question):
        held = _holding(ledger, evidence, question, path, others, name)
        if held is None:
            return leading_to(ledger, Reached(None, evidence.chunk_ids), evidence.score)
        further = held
    chosen = of_passages(ledger, (*path, *further), evidence.score)
    return replace(chosen, left=Left(text, name), steps=tuple(named))


def _holding(
    ledger: Ledger, evidence: EvidenceSet, question: Question, path: Sequence[str], others: Sequence[str], name: str
) -> list[str] | None:
    """Those of the other passages that hold what is left to ask of something and the path to it does not, the most first: at least one
    that names it, if any does, then those of the evidence. None where all together hold too little of it.
    """
    wanted = wanted_terms(question).difference(terms(name))
    known = {id_: ledger.candidates[id_] for id_ in (*path, *others)}
    holds = {id_: held_alike(wanted, one.words) | (wanted & one.terms) for id_, one in known.items()}
    naming = [id_ for id_ in others if names_it(known[id_].chunk, name)]
    naming.sort(key=lambda id_: normalise(name) not in known[id_].about)
    held = frozenset[str]().union(*(holds[id_] for id_ in path if names_it(known[id_].chunk, name)))
    chosen: list[str] = []
    for options in (naming, [id_ for id_ in evidence.chunk_ids if id_ not in (*path, *naming)]):
        while options and len(path) + len(chosen) < MAX_EVIDENCE:
            best = max(options, key=lambda id_: weight_of(question.weights, holds[id_] - held))
            if holds[best] <= held and (options is not naming or chosen):
                break
            options.remove(best)
            chosen.append(best)
            held |= holds[best]
    return chosen if weight_of(question.weights, held) >= LEAST_LEFT * weight_of(question.weights, wanted) else None


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
        named = None if _BEFORE_LABEL.fullmatch(text[: match.start()]) else _NAMED.match(text, match.end())
        end = named.end() if named is not None else len(text.rstrip(" ?"))
        parts.append(_Part(match.start(), end, label, text[match.end() : end]))
    inner = (
        part
        for part in parts
        if (text[part.end :].strip(" ?") or not _BEFORE_LABEL.fullmatch(text[: part.start]))
        and not _OPEN.search(part.owner)
    )
    return next(inner, None)


def _value(ledger: Ledger, ids: Sequence[str], fields: Sequence[Field], part: _Part) -> Found | None:
    """The value of the field that says what a part names, if that is a name: of the record about its owner, or what is stated of that."""
    own = [field for field in _about(part.owner, fields) if normalise(field.head) == normalise(part.label)]
    if not own:
        view = with_question(ledger, f"What is the {part.label} of {part.owner}?")
        stated = stated_answer(view, ids, read_wanted(view.question.text))
        place = (stated[0].chunk.id, stated[0].start) if stated is not None else ()
        own = [field for field in fields if (field.chunk.id, field.start) == place]
    return own[0].found if len({field.text for field in own}) == 1 and _NAME.fullmatch(own[0].text) else None


def _about(name: str, fields: Sequence[Field]) -> list[Field]:
    """The fields of the records about what has the name."""
    key = normalise(name)
    return [field for field in fields if key in map(normalise, field.about)]


def _beside(named: Sequence[Found], fields: Sequence[Field]) -> list[Field]:
    """The fields of the records that tell what is named."""
    places = {(one.chunk.id, one.start) for one in named}
    records = {(field.chunk.id, field.row) for field in fields if (field.chunk.id, field.start) in places}
    return [field for field in fields if (field.chunk.id, field.row) in records]
