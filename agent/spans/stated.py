"""Answers that a field states: the question asks for its label, of what the field is about.

"What is the weight of the Alto 40?" is answered by "weight: 338 kg" below the heading "Alto 40", "who leads the team that owns
route-planner?" by the row "Lead | Rosa Amsel" of the team that another row names beside route-planner.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from operator import attrgetter

from agent.evidence import EvidenceSet, of_passages, weight_of
from agent.expected import is_keywords, name_terms, numbered_names, says_one_thing, wanted_terms
from agent.spans.candidates import ANSWERING, DATE, TIME, Found
from agent.spans.described import description
from agent.spans.fields import Field, fields_of, is_name
from agent.spans.glossary import explained, meaning
from agent.spans.prose_fields import NAME_IN_PROSE, prose_fields
from agent.spans.wanted import Kind, Wanted, canonical, read_wanted
from graphrag.analysis import held_terms, normalise, terms
from graphrag.retrieval.ledger import Candidate, Ledger
from graphrag.types import Hit

WHOLE = 0.9
"""Share of the question that the label and what the field is about hold where it is stated in full."""
PART = 0.6
"""The same where it probably is."""
STATED, IMPLIED = 0.75, 0.5
"""Confidence of the two."""
NEAREST = 0.5
"""How near to the question word what a label holds is, by the nearest: what is further away leads to what is asked of."""
SPARE = 1
"""Words of a label beyond those of a question in keywords, at most: "error budget *left*"."""
MAX_KEYWORD_VALUE = 40
"""Characters of a value that such a question may have for an answer."""
AHEAD = 0.05
"""By how much the best value has to be ahead of another one."""
_CODE = re.compile(r"[^\W\d_]+[-_]\d[\w-]*")
"""No amount of anything: "TR-4"."""
_CODES = frozenset(terms("code"))
_BEFORE_REMARK = re.compile(r"[^,;()]*[^,;()\s]")
"""What stands before a remark: "26 days, rising to 29"."""
_NUMBERING = frozenset(terms("number code id"))
"""Labels of what is nobody and nowhere, whatever else they say: the number of a key."""
_NUMBER = re.compile(r"\D{0,6}\d[\d.,  ]*(?:\s?[^\W\d]+){0,3}\D{0,3}|\+?[\d ()/-]{5,}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question asks for, as fields are compared with it."""

    wanted: Wanted
    weights: Mapping[str, float]
    all: frozenset[str]
    names: frozenset[str]
    """Terms of the names and numbers that the question gives."""
    numbered: tuple[str, ...]
    """Names with their number ("alto 40"): one beside another number is another thing's."""
    single: bool
    """Whether it asks one thing of one thing: no other passage leads to what answers it."""
    keywords: bool
    """Whether the question is but keywords ("route-planner data store"): what they label is asked for, whatever its kind."""

    @property
    def relation(self) -> frozenset[str]:
        """All but the names."""
        return self.all - self.names

    def share(self, held: Set[str]) -> float:
        """Share of the weight of all that some terms hold."""
        return weight_of(self.weights, held & self.all) / (weight_of(self.weights, self.all) or 1.0)


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage with the others that may lead to it."""

    candidate: Candidate
    others: Sequence[Candidate]
    leading: Sequence[tuple[float, frozenset[str]]]
    """Of the sentences of others that speak of what is asked: how much, and the keys of what leads from them to the passage."""

    @classmethod
    def of(cls, ledger: Ledger, id_: str, chunk_ids: Sequence[str]) -> "_Passage":
        """The passage, to which those among `chunk_ids` may lead."""
        passage, question = ledger.candidates[id_], ledger.question
        others = [ledger.candidates[other] for other in chunk_ids if other != id_]
        leading: list[tuple[float, frozenset[str]]] = []
        for other in others:
            keys = ledger.links.get((other.chunk.id, id_), set[str]()) | (other.mentions & passage.mentions)
            for span, similarity in zip(other.chunk.spans, other.sentences, strict=True) if keys else ():
                text = normalise(other.chunk.between(*span))
                held = held_terms(question.terms, frozenset(terms(text)))
                said = frozenset(key for key in keys if f" {key} " in f" {text} ")
                if held and said:
                    leading.append((similarity + weight_of(question.weights, held) / question.total_weight, said))
        return cls(passage, others, leading)

    def leading_to(self, field: Field) -> float:
        """How much the sentence says of what is asked that names what the row or the headings of a field name; 0 without any."""
        row = _row(field)
        return max((worth for worth, keys in self.leading if any(f" {key} " in row for key in keys)), default=0.0)


@dataclass(frozen=True, slots=True)
class _Stated:
    """A field that answers."""

    field: Field
    score: float
    """For the order of fields."""
    likely: float
    """How probably it answers."""
    led: float = 0.0
    """How firmly another passage leads to its row: of many prices, to that of one instrument."""


def _row(field: Field) -> str:
    return f" {normalise(f'{field.label} {field.beside}')} "


def with_stated(ledger: Ledger, evidence: EvidenceSet, hits: Sequence[Hit]) -> EvidenceSet:
    """The evidence, or the passage beyond it in which a field states in full what a question for one thing asks: it answers alone.

    That a passage speaks of the Alto 40 is no reason to quote it for a weight that another one states.
    """
    ids = [hit.chunk_id for hit in hits[:ANSWERING]]
    if evidence.compared or not says_one_thing(ledger.question):
        return evidence
    stated = stated_answer(ledger, ids, read_wanted(ledger.question.text))
    if stated is None or stated[1] < STATED or stated[0].chunk.id in evidence.chunk_ids:
        return evidence
    return of_passages(ledger, (stated[0].chunk.id,), evidence.score, alone=True)


def stated_answer(ledger: Ledger, chunk_ids: Sequence[str], wanted: Wanted) -> tuple[Found, float] | None:
    """The value of the field that answers, and how probably; None if no field of these passages does, or two do that differ."""
    term = explained(ledger.question.text)
    if term:
        found = meaning(ledger, chunk_ids, term)
        return (found, STATED) if found is not None else None
    asked = _read(ledger, wanted)
    if not asked.all:  # "Who is it?" gives nothing that a label could hold
        return None
    stated: list[_Stated] = []
    for id_ in chunk_ids:
        passage = _Passage.of(ledger, id_, () if asked.single else chunk_ids)
        fields = list(fields_of(passage.candidate.chunk))
        bearer = _bearer(asked, fields)
        if bearer is not None:
            return bearer.found, STATED
        for field in (*fields, *prose_fields(passage.candidate.chunk)):
            one = _of_kind(asked, field)
            weighed = _weigh(ledger, asked, one, passage) if one is not None else None
            if weighed is not None:
                stated.append(weighed)
    level = _best(asked, stated)
    if len({normalise(one.field.text) for one in level}) != 1:
        return None
    answer = max(level, key=attrgetter("score"))
    return answer.field.found, answer.likely


def _best(asked: _Asked, stated: Sequence[_Stated]) -> list[_Stated]:
    """Those of the fields that answer best: none is far ahead, or led to more firmly, or called by more of what is asked."""
    best = max((one.score for one in stated), default=0.0)
    level = [one for one in stated if one.score > best - AHEAD]
    led = max((one.led for one in level), default=0.0)
    level = [one for one in level if one.led == led]
    if asked.single:  # the row of somebody rather than those that name them beside another
        level = [one for one in level if asked.names <= frozenset(terms(" ".join(one.field.about)))] or level
    called = [asked.all & frozenset(terms(one.field.head)) for one in level]
    # The "ward manager" rather than the "ward".
    return [one for one, own in zip(level, called, strict=True) if not any(own < other for other in called)]


def answers(ledger: Ledger, wanted: Wanted, fields: Sequence[Field]) -> list[Field]:
    """Those of the fields of what a question asks about that are called as what it asks for, and of its kind."""
    asked = _read(ledger, wanted)
    of_kind = [one for field in fields if (one := _of_kind(asked, field)) is not None]
    return [
        field for field in of_kind if _is_asked(asked, field, *map(frozenset, (terms(field.head), terms(field.text))))
    ]


def _read(ledger: Ledger, wanted: Wanted) -> _Asked:
    """The question, as fields are compared with it."""
    text = ledger.question.text
    everything = wanted_terms(ledger.question)
    return _Asked(
        wanted=wanted,
        weights=ledger.question.weights,
        all=everything,
        names=frozenset(name_terms(text)) & everything,
        numbered=tuple(map(normalise, numbered_names(text))),
        single=says_one_thing(ledger.question),
        keywords=is_keywords(text),
    )


def _weigh(ledger: Ledger, asked: _Asked, field: Field, passage: _Passage) -> _Stated | None:
    """How well a field answers; None if it does not: its label is what is asked, and every name of the question stands beside it, or in
    what leads there.

    One that a sentence tells is held to more, since prose tells of many things: it tells the whole, unless a passage that names what
    this one is about tells the rest.
    """
    label, own = frozenset(terms(field.label)), frozenset(terms(field.text))
    if own <= asked.all or not _is_asked(asked, field, label, own):
        return None
    told = held_terms(asked.all, label | frozenset(terms(field.beside)))
    links = [other for other in passage.others if (other.chunk.id, passage.candidate.chunk.id) in ledger.links]
    others = links if field.in_prose else passage.others
    further = frozenset[str]().union(*(other.terms for other in others))
    around = frozenset[str]() if field.in_prose else frozenset(filter(str.isalpha, passage.candidate.terms))
    if not asked.names <= told | around | further:
        return None
    share = asked.share(told)
    if field.in_prose or asked.keywords:
        through = asked.wanted.through - asked.names
        if others and through and not held_terms(through, _what_it_is(passage.candidate)):
            return None  # the population of the city, asked for that of the *state*
        if asked.share(told | further) < (PART if others else WHOLE):
            return None
        return _Stated(field, share + _head_share(asked, field), IMPLIED if others else STATED)
    if _is_of_another(ledger, asked, field, passage.candidate) or _is_of_another_number(asked, field, others):
        return None
    led = passage.leading_to(field)
    if not (led or asked.all <= told or told - frozenset(terms(field.head))):
        return None  # a weight, but nothing says of what
    return _Stated(field, share, STATED if asked.share(told | around) >= WHOLE else IMPLIED, led)


def _is_of_another_number(asked: _Asked, field: Field, others: Sequence[Candidate]) -> bool:
    """Whether a name that ends in a number ("Alto 60") stands with it neither beside a field nor in what leads there."""
    said = (_row(field), *(f" {normalise(other.chunk.text)} " for other in others))
    return any(not any(f" {name} " in text for text in said) for name in asked.numbered)


def _head_share(asked: _Asked, field: Field) -> float:
    """The share of a question that the key alone holds, less something for each further word of it."""
    head = frozenset(terms(field.head))
    return asked.share(head) - 2 * AHEAD * len(head - asked.all)


def _what_it_is(passage: Candidate) -> frozenset[str]:
    """Terms of the title of a passage and of the noun by which its first sentence says what it is about."""
    said = description(passage.chunk)
    return frozenset(terms(f"{passage.chunk.title} {said['phrase'] if said else ''}"))


def _bearer(asked: _Asked, fields: Sequence[Field]) -> Field | None:
    """Who alone has what is asked: a record says "name: Ida Rowan" and "job title: Quality Manager", or "extension: 118", and the
    question is who that is.
    """
    if asked.wanted.kind != "person" or not asked.single:
        return None
    rows = {field.row for field in fields if asked.share(held_terms(asked.all, _had(field))) >= WHOLE}
    bearers = [one for one in fields if one.row in rows and is_name(one.head)]
    found = [one for one in bearers if NAME_IN_PROSE.fullmatch(one.text)]
    return found[0] if len({one.text for one in found}) == 1 else None


def _had(field: Field) -> frozenset[str]:
    """Terms of what a field says that somebody has: of a number with its label, which alone does not say whose somebody is."""
    return frozenset(terms(f"{field.head} {field.text}" if any(map(str.isdigit, field.text)) else field.text))


def _is_of_another(ledger: Ledger, asked: _Asked, field: Field, passage: Candidate) -> bool:
    """Whether a row names what is asked about beside what it is about itself, and another row or record is about that: the pump
    that feeds the tower was not inspected when the tower was.
    """
    if passage.named or not asked.names or not says_one_thing(ledger.question):
        return False
    above = frozenset(terms(" ".join((field.label, passage.chunk.title, *passage.chunk.heading))))
    first = next(fields_of(passage.chunk)).text
    if (
        asked.names & above or not NAME_IN_PROSE.fullmatch(first) or first.isupper()
    ):  # "P-17" says nothing of what it is
        return False
    titles = (
        other.chunk.title for other in ledger.candidates.values() if next(fields_of(other.chunk), None) is not None
    )
    return any(asked.names == frozenset(terms(title)) for title in titles)


def _of_kind(asked: _Asked, field: Field) -> Field | None:
    """The field, or what its value says before a remark, where that is of the kind that is asked for."""
    if asked.wanted.kind in ("person", "place") and _NUMBERING & frozenset(terms(field.head)):
        return None
    if _is_of_kind(asked, field.text):
        return field
    before = _BEFORE_REMARK.match(field.text)
    if before is None or not _is_of_kind(asked, before.group()):
        return None
    return replace(field, end=field.start + before.end())


def _is_asked(asked: _Asked, field: Field, label: frozenset[str], own: frozenset[str]) -> bool:
    """Whether the label, or a name that is the value, holds the noun that is asked for; without one, what is asked about the names."""
    wanted, value = asked.wanted, field.text
    if asked.keywords:
        head = frozenset(terms(field.head))
        return bool(head & asked.all) and len(head - asked.all) <= SPARE
    if wanted.measure and (wanted.measure & label or not asked.relation):
        return bool(wanted.measure & label)
    if wanted.head and wanted.kind != "date":
        held = frozenset(map(canonical, label | own if NAME_IN_PROSE.fullmatch(value) else label)) & wanted.head
        return bool(held)
    # What it goes through ("the lead of the *team* that") is not what is asked, unless nothing else is.
    relation = asked.relation - wanted.through or asked.all
    nearness = {term: wanted.asked.get(canonical(term), 0.0) for term in relation}
    nearest = max(nearness.values())
    return bool(held_terms([term for term, near in nearness.items() if near >= NEAREST * nearest], label))


def _is_of_kind(asked: _Asked, value: str) -> bool:
    kind: Kind = asked.wanted.kind
    if asked.keywords:
        return len(value) <= MAX_KEYWORD_VALUE
    dated = DATE.search(value) is not None or TIME.search(value) is not None
    match kind:
        case "person":
            return NAME_IN_PROSE.fullmatch(value) is not None and not value.isupper()  # "DEP-B" is none
        case "date":
            return dated
        case "number":
            if asked.wanted.head & _CODES and _CODE.fullmatch(value):
                return True
            return not DATE.search(value) and not _CODE.fullmatch(value) and _NUMBER.fullmatch(value) is not None
        case "place":
            return not dated and not value.replace(",", "").isdecimal()
        case "thing" | "other":
            return bool(asked.wanted.head)
        case _:
            return False
