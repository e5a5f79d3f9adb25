"""Answers that a field states: the question asks for its label, of what the field is about."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from operator import attrgetter

from agent.citing import labels, named_in
from agent.evidence import EvidenceSet, weight_of
from agent.expected import is_keywords, name_terms, numbered_names, says_one_thing, wanted_terms
from agent.spans.candidates import DATE, TIME, Found
from agent.spans.fields import Field, fields_of
from agent.spans.glossary import explained, meaning
from agent.spans.told import TOLD_NAME, told_fields
from agent.spans.wanted import Kind, Wanted, canonical, read_wanted
from graphrag.analysis import held_terms, normalise, terms
from graphrag.retrieval.chain import bridge_between
from graphrag.retrieval.ledger import Candidate, Ledger
from graphrag.types import Hit

CONSIDERED = 8
"""Best-ranked passages in which a field that states the answer is looked for."""
WHOLE = 0.9
"""Share of the question that the label and what the field is about hold where it is stated in full."""
PART = 0.6
"""The same where it probably is."""
STATED, IMPLIED = 0.75, 0.5
"""Confidence of the two."""
LAST = 0.5
"""How near to the question word what a label holds is, by the nearest: what is further away leads to what is asked of."""
SPARE = 1
"""Words of a label beyond those of a question in keywords, at most: "error budget *left*"."""
MAX_KEYWORD_VALUE = 40
"""Characters of a value that such a question may have for an answer."""
LEAD = 0.05
"""By how much the best value has to be ahead of another one."""
_IS_A = re.compile(
    r"\b(?:is|was|are|were)\s+(?:an?|the)\s+([^,.;()]{1,80}?)(?=\s(?:of|in|on|at|from|by|that|who|which)\b|[,.;(]|$)"
)
_IDENTIFIER = re.compile(r"\w+(?:[-_.]\w+)+")
_CODE = re.compile(r"[^\W\d_]+[-_]\d[\w-]*")
"""No amount of anything: "TR-4"."""
_DIGIT = re.compile(r"\d")
_LEAD = re.compile(r"[^,;()]*[^,;()\s]")
"""What stands before a remark: "26 days, rising to 29"."""
_NAMING = frozenset(terms("name person employee contact member staff"))
"""Labels of the field that says who a record is about."""
_NUMBER = re.compile(r"\D{0,6}\d[\d.,  ]*(?:\s?[^\W\d]+){0,3}\D{0,3}|\+?[\d ()/-]{5,}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question asks for, as fields are compared with it."""

    wanted: Wanted
    all: frozenset[str]
    names: frozenset[str]
    """Terms of the names, numbers and identifiers that the question gives."""
    exact: frozenset[str]
    """Those of them with a digit: they tell one thing from the next."""
    numbered: tuple[str, ...]
    """Names with their number ("alto 40"): one beside another number is another thing's."""
    relation: frozenset[str]
    """All but the names: "stand-up" is written as an identifier is."""
    keywords: bool = False
    """Whether the question is but keywords ("route-planner data store"): what they label is asked for, whatever its kind."""


def with_stated(ledger: Ledger, evidence: EvidenceSet, hits: Sequence[Hit]) -> EvidenceSet:
    """The evidence, or the passage beyond it in which a field states in full what a question for one thing asks: it answers alone.

    That a passage speaks of the Alto 40 is no reason to quote it for a weight that another one states.
    """
    ids = [hit.chunk_id for hit in hits[:CONSIDERED]]
    if evidence.compared or not says_one_thing(ledger.question):
        return evidence
    stated = stated_answer(ledger, ids, read_wanted(ledger.question.text))
    if stated is None or stated[1] < STATED or stated[0].chunk.id in evidence.chunk_ids:
        return evidence
    chunk = stated[0].chunk
    return EvidenceSet((chunk.id,), (), ledger.candidates[chunk.id].terms, evidence.score, alone=True)


def stated_answer(ledger: Ledger, chunk_ids: Sequence[str], wanted: Wanted) -> tuple[Found, float] | None:
    """The value of the field that answers, and how probably; None if no field of these passages does, or two do that differ."""
    term = explained(ledger.question.text)
    if term:
        found = meaning(ledger, chunk_ids, term)
        return (found, STATED) if found is not None else None
    asked = _read(ledger, wanted)
    if not asked.all:  # "Who is it?" gives nothing that a label could hold
        return None
    single = says_one_thing(ledger.question)
    weighed: list[tuple[float, float, Field]] = []
    for id_ in chunk_ids:
        passage = ledger.candidates[id_]
        others = [] if single else [ledger.candidates[other] for other in chunk_ids if other != id_]
        fields = list(fields_of(passage.chunk)) if "|" in passage.chunk.text or ":" in passage.chunk.text else []
        bearer = _bearer(ledger, asked, fields) if single else None
        if bearer is not None:
            return Found(bearer.chunk, bearer.start, bearer.end, normalise(bearer.text), ""), STATED
        for field in (*fields, *told_fields(passage.chunk)):
            field = _of_kind(asked, field)
            if field is None:
                continue
            weigh = _weigh_told if field.told else _weigh
            scores = weigh(ledger, asked, field, passage, others)
            if scores is not None:
                weighed.append((*scores, field))
    if not weighed:
        return None
    best = max(score for score, _, _ in weighed)
    level = [one for one in weighed if one[0] > best - LEAD]
    if not single:
        level = _of_what_leads_there(ledger, chunk_ids, level)
    _, likely, field = max(level, key=lambda one: one[0])
    key = normalise(field.text)
    if any(normalise(other.text) != key for _, _, other in level):
        return None
    return Found(field.chunk, field.start, field.end, key, ""), likely


def _of_what_leads_there(
    ledger: Ledger, chunk_ids: Sequence[str], weighed: Sequence[tuple[float, float, Field]]
) -> Sequence[tuple[float, float, Field]]:
    """Those that tell of what leads to their passage from another one, where any does: of many prices, that of one instrument."""
    kept: list[tuple[float, float, Field]] = []
    for id_ in dict.fromkeys(field.chunk.id for _, _, field in weighed):
        own = [one for one in weighed if one[2].chunk.id == id_]
        spoken = {other: _spoken_of(ledger, ledger.candidates[other]) for other in chunk_ids if other != id_}
        bridges = [bridge_between(ledger, other, id_, among=keys) for other, keys in spoken.items()]
        leading = max((one for one in bridges if one is not None), key=attrgetter("score"), default=None)
        telling = [one for one in own if leading is not None and f" {leading.key} " in _row(one[2])]
        kept += telling or own
    return kept


def _row(field: Field) -> str:
    return f" {normalise(f'{field.label} {field.beside}')} "


def _spoken_of(ledger: Ledger, passage: Candidate) -> Set[str]:
    """Keys of the entities in the sentence that says most of what the question asks, of those that name one; headings aside."""
    question, best = ledger.question, (0.0, frozenset[str]())
    headings = labels(passage.chunk)
    for span, similarity in zip(passage.chunk.spans, passage.sentences, strict=True):
        text = passage.chunk.between(*span)
        keys = named_in(passage, [text])
        held = held_terms(question.terms, frozenset(terms(text)))
        worth = similarity + weight_of(question.weights, held) / question.total_weight
        if keys and worth > best[0] and normalise(text) not in headings:
            best = (worth, keys)
    return best[1]


def _read(ledger: Ledger, wanted: Wanted) -> _Asked:
    text = ledger.question.text
    everything = wanted_terms(ledger.question)
    identifiers = [term for found in _IDENTIFIER.finditer(text) for term in terms(found.group())]
    capitalised = frozenset(name_terms(text)) & everything
    names = capitalised | everything.intersection(identifiers)
    exact = frozenset(name for name in names if _DIGIT.search(name))
    numbered = tuple(map(normalise, numbered_names(text)))
    return _Asked(wanted, everything, names, exact, numbered, everything - capitalised, is_keywords(text))


def _weigh(
    ledger: Ledger, asked: _Asked, field: Field, passage: Candidate, others: Sequence[Candidate]
) -> tuple[float, float] | None:
    """How well a field answers, for the order of fields, and how probably; None if it does not."""
    value, question = field.text, ledger.question
    own = frozenset(terms(value))
    if not own or own <= asked.all or f" {normalise(value)} " in f" {normalise(question.text)} ":
        return None
    label = frozenset(terms(field.label))
    near = label | frozenset(terms(field.beside))
    if asked.wanted.kind == "number":
        near |= own  # "how many *days*"
    if not _is_asked(asked, field, label, own) or _is_of_another(ledger, asked, field, passage):
        return None
    said = (f"{field.label} {field.beside}", *(other.chunk.text for other in others))
    if any(not any(f" {name} " in f" {normalise(text)} " for text in said) for name in asked.numbered):
        return None
    told = held_terms(asked.all, near)
    if others and not _is_led_to(ledger, asked, field, passage, others):
        return None
    further = frozenset[str]().union(*(other.terms for other in others))
    if not asked.exact <= told | further or not asked.names <= told | passage.terms | further:
        return None
    total = weight_of(question.weights, asked.all) or 1.0
    share = weight_of(question.weights, told) / total
    if asked.keywords:
        return (share + _head_share(ledger, asked, field), STATED) if share >= WHOLE else None
    alone = weight_of(question.weights, (told | passage.terms) & asked.all) / total
    if weight_of(question.weights, (told | passage.terms | further) & asked.all) / total < PART:
        return None
    score = share + sum(
        near_ * question.weights.get(term, 0.0) / total
        for term, near_ in asked.wanted.asked.items()
        if term in label or term in map(canonical, label)
    )
    return score, STATED if alone >= WHOLE and share >= PART else IMPLIED


def _weigh_told(
    ledger: Ledger, asked: _Asked, field: Field, passage: Candidate, others: Sequence[Candidate]
) -> tuple[float, float] | None:
    """The same of a field that a sentence tells. It has to be of what the question names, or of what a passage names that leads there:
    prose tells of many things, and whatever a passage tells has a capital.
    """
    own, label, head = frozenset(terms(field.text)), frozenset(terms(field.label)), asked.wanted.head
    if own <= asked.all or not (asked.relation or head) or not head <= frozenset(map(canonical, label | own)):
        return None
    if not _is_asked(asked, field, label, own):
        return None
    weights = ledger.question.weights
    told = held_terms(asked.all, label | frozenset(terms(field.beside)))
    leading = [other for other in others if (other.chunk.id, passage.chunk.id) in ledger.links]
    further = frozenset[str]().union(*(other.terms for other in leading))
    through = asked.wanted.through - asked.names
    if leading and through and not held_terms(through, _what_it_is(passage)):
        return None  # the population of the city, asked for that of the *state*
    least = (PART if leading else WHOLE) * weight_of(weights, asked.all)
    if not asked.names <= told | further or weight_of(weights, (told | further) & asked.all) < least:
        return None
    share = weight_of(weights, told) / (weight_of(weights, asked.all) or 1.0)
    return share + _head_share(ledger, asked, field), IMPLIED if leading else STATED


def _head_share(ledger: Ledger, asked: _Asked, field: Field) -> float:
    """Of a question in keywords, the share that the key alone holds, less something for each further word of it; else 0."""
    if not asked.keywords:
        return 0.0
    weights, head = ledger.question.weights, frozenset(terms(field.head))
    return weight_of(weights, head & asked.all) / (weight_of(weights, asked.all) or 1.0) - 2 * LEAD * len(
        head - asked.all
    )


def _is_led_to(ledger: Ledger, asked: _Asked, field: Field, passage: Candidate, others: Sequence[Candidate]) -> bool:
    """Whether a row says more of what is asked than its label does, or another passage names what it is about where it says so."""
    if (
        held_terms(asked.all, frozenset(terms(field.beside))) - frozenset(terms(field.label))
    ) or asked.names & passage.terms:
        return True
    for other in others:
        keys = ledger.links.get((other.chunk.id, passage.chunk.id), set[str]()) | (other.mentions & passage.mentions)
        for span in other.chunk.sentences:
            said = other.chunk.between(*span)
            if held_terms(asked.all, frozenset(terms(said))) and any(
                f" {key} " in f" {normalise(said)} " for key in keys
            ):
                return True
    return False


def _what_it_is(passage: Candidate) -> frozenset[str]:
    """Terms of the title of a passage and of the noun by which its first sentence says what it is about."""
    said = _IS_A.search(passage.chunk.between(*passage.chunk.spans[0]))
    return frozenset(terms(f"{passage.chunk.title} {said.group(1) if said else ''}"))


def _bearer(ledger: Ledger, asked: _Asked, fields: Sequence[Field]) -> Field | None:
    """Who has what is asked: a record says "name: Ida Rowan" and "job title: Quality Manager", and the question is who that is."""
    if asked.wanted.kind != "person":
        return None
    weights = ledger.question.weights
    whole = WHOLE * weight_of(weights, asked.all)
    for field in fields:
        if (
            field.row >= 0
            and weight_of(weights, held_terms(asked.all, frozenset(terms(field.text))) & asked.all) >= whole
        ):
            record = [other for other in fields if other.row == field.row]
            named = (
                one for one in record if not _NAMING.isdisjoint(terms(one.label)) and TOLD_NAME.fullmatch(one.text)
            )
            return next(named, None)
    return None


def _is_of_another(ledger: Ledger, asked: _Asked, field: Field, passage: Candidate) -> bool:
    """Whether a row names what is asked about beside what it is about itself, and another row or record is about that: the pump
    that feeds the tower was not inspected when the tower was.
    """
    if passage.named or not asked.names or not says_one_thing(ledger.question):
        return False
    above = frozenset(terms(" ".join((field.label, passage.chunk.title, *passage.chunk.heading))))
    first = next(fields_of(passage.chunk))
    if (
        asked.names & above or not TOLD_NAME.fullmatch(first.text) or first.text.isupper()
    ):  # "DEP-B" says nothing of what it is
        return False
    titles = (
        other.chunk.title for other in ledger.candidates.values() if next(fields_of(other.chunk), None) is not None
    )
    return any(asked.names == frozenset(terms(title)) for title in titles)


def _of_kind(asked: _Asked, field: Field) -> Field | None:
    """The field, or what its value says before a remark, where that is of the kind that is asked for."""
    kind = asked.wanted.kind
    if field.told and not asked.keywords:
        named = TOLD_NAME.fullmatch(field.text) is not None
        if kind == "date" or named == (kind == "number"):
            return None
    if _is_of_kind(asked, field.text):
        return field
    lead = _LEAD.match(field.text)
    if lead is None or lead.end() == len(field.text) or not _is_of_kind(asked, lead.group()):
        return None
    return replace(field, end=field.start + lead.end())


def _is_asked(asked: _Asked, field: Field, label: frozenset[str], own: frozenset[str]) -> bool:
    """Whether the label, or a name that is the value, holds the noun that is asked for; without one, what is asked about the names."""
    wanted, value = asked.wanted, field.text
    if asked.keywords:
        head = frozenset(terms(field.head))
        return bool(head & asked.all) and len(head - asked.all) <= SPARE
    if wanted.measure and (wanted.measure & label or not asked.relation):
        return bool(wanted.measure & label)
    if wanted.head and wanted.kind != "date":
        held = frozenset(map(canonical, label | own if TOLD_NAME.fullmatch(value) else label)) & wanted.head
        return 2 * len(held) >= len(wanted.head)
    # What it goes through ("the lead of the *team* that") is not what is asked, unless nothing else is.
    relation = asked.relation - wanted.through or asked.relation or asked.all
    nearness = {term: wanted.asked.get(canonical(term), 0.0) for term in relation}
    nearest = max(nearness.values())
    return bool(held_terms([term for term, near in nearness.items() if near >= LAST * nearest], label))


def _is_of_kind(asked: _Asked, value: str) -> bool:
    kind: Kind = asked.wanted.kind
    if asked.keywords:
        return len(value) <= MAX_KEYWORD_VALUE
    dated = DATE.search(value) is not None or TIME.search(value) is not None
    match kind:
        case "person":
            return TOLD_NAME.fullmatch(value) is not None and not value.isupper()  # "DEP-B" is none
        case "date":
            return dated
        case "number":
            return not DATE.search(value) and not _CODE.fullmatch(value) and _NUMBER.fullmatch(value) is not None
        case "place":
            return not dated and not value.replace(",", "").isdecimal()
        case "thing" | "other":
            return bool(asked.wanted.head)
        case _:
            return False
