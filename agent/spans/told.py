"""Who or what a description is, as a sentence or a record of the documents tells it: of "the lead of the night desk", "The night desk is led
by Signe Moll" tells it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import accumulate

from agent.expected import WEEKDAY
from agent.spans.candidates import ANSWERING, DONE_BY, Found
from agent.spans.descriptions import Description
from agent.spans.fields import Field, fields_of, is_name, said_with
from agent.spans.naming import names_it
from agent.spans.prose_fields import NAME_IN_PROSE
from agent.spans.roles import is_role
from agent.spans.works import DIRECTED, MADE
from graphrag.analysis import STOP_WORDS, fold, held_terms, normalise, terms
from graphrag.dates import MONTH
from graphrag.retrieval.ledger import Ledger
from graphrag.types import Chunk, Hit, Span
from graphrag.word_forms import is_past

LABEL = 4
"""Terms of a sentence that stands over its paragraph as a heading does, at most: "Lorry queue.\""""
OPENING = 6
"""Words with which a paragraph may name what all of it speaks of."""
LEAST_OWN = 0.5
"""Share of what is said of it that such a sentence holds itself; the rest may stand in what it goes on from, or over it."""
MAX_BETWEEN = 3
"""Words that say anything, between a name and what is said of it, at most."""
_WORD = re.compile(r"[\w’'-]+")
_GOES_ON = re.compile(r"\W*(?:he|she|it|its|his|her|their|they|the|this|these)\b", re.IGNORECASE)
# "She has commanded", "has commanded her since": whom the heading names. "Her best-known work" speaks of something else.
_SUBJECT = re.compile(r"\W*(?:he|she|it|they)\b", re.IGNORECASE)
_OBJECT = re.compile(
    r"\b(?:him|her|it|them)(?=\s*(?:[.,;:]|\Z)|\s+(?:since|in|on|at|for|from|to|and|until|by|with|when|as)\b)"
)
_SOMEBODY = re.compile(r"\b(?:he|she|they|we|I)\b")
_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+ly\s+)?\Z")
_JOINT = re.compile(
    r"\s+(?:(?:after|for|off|on|out|over|up)\s+)?(?:(?:on|in|at|from|since)\s+(?:[\w,]+\s+){1,5}?)?(by|in|at|into|from|to)\s+(?:the\s+)?"
)
"""Between a verb and who does it, or where: "is *looked* after by", "was *built* in 1911 by"."""
_BEFORE = re.compile(r"(\w+)\s+(?:(?:the|an?|our|its|their)\s+)?\Z", re.IGNORECASE)
_AFTER = re.compile(r"\s+(\w+)")
_PLACING = frozenset("in at on near from to outside around through along past within".split())
_AT = frozenset("in at into from to".split())
_APART = re.compile(r"\s(?:in|at|on|near)\s")
_PART = re.compile(r"\bof\s+(?:the\s+)?(?:\w+\s+){0,2}\Z")
_UNIT = re.compile(r"\d\s*[A-Z]{1,3}\Z|\b[A-Z]\Z")
_DATING = re.compile(rf"(?:{MONTH}|{WEEKDAY}s?)\Z")
_GROUPS = tuple(
    frozenset(terms(words))
    for words in (
        "lead leader head run charge",
        "manage manager run charge",
        "captain master skipper command commander",
        "maintain service repair care",
        "build builder construct",
        "found founder establish create creator",
        "perform performer sing singer record release",
        "own owner belong property",
        "buy supply supplier deliver",
        "painter artist maker sculptor photographer creator",
        "author writer playwright poet novelist",
    )
)
_ALIKE: Mapping[str, frozenset[str]] = {
    term: frozenset[str]().union(*(group for group in _GROUPS if term in group))
    for term in frozenset[str]().union(*_GROUPS)
}
"""By term: those by which a text may say the same of somebody or something."""


def told(ledger: Ledger, hits: Sequence[Hit], description: Description) -> Found | None:
    """Who or what a sentence or a record says that it is; None if none does, or they differ.

    What a sentence says by itself goes before what it says with those that it goes on from, its heading, or the title, and "by" whom something is
    done before whom else such a sentence names.

    Args:
        hits: the passages, best first.
    """
    answers: dict[tuple[int, bool], dict[str, Found]] = {}
    for hit in hits[:ANSWERING]:
        candidate = ledger.candidates[hit.chunk_id]
        chunk = candidate.chunk
        found: list[tuple[int, Found | None]] = []
        if description.work:
            found += ((0, one) for one in _makers(chunk, description))
        if _holds(description.needed, candidate.words) and all(_is_named(chunk, name) for name in description.called):
            found += ((level, _said(chunk, place, description)) for place, level in _telling(chunk, description))
        for level, one in found:
            if one is not None:
                done = description.acts and one.follows(DONE_BY)
                answers.setdefault((level, not done), {}).setdefault(one.key, one)
    best = answers[min(answers)] if answers else {}
    return next(iter(best.values())) if len(best) == 1 else None


def _is_named(chunk: Chunk, name: str) -> bool:
    """Whether a passage names what a description does, or each part of it: "Teatro Almar in Osk"."""
    return names_it(chunk, name) or all(names_it(chunk, part) for part in _APART.split(name))


def _holds(needed: frozenset[str], said: frozenset[str]) -> bool:
    """Whether all that is needed is said, in the same words or in others for the same."""
    return len(_held(needed, said)) == len(needed)


def _held(needed: Set[str], said: frozenset[str]) -> list[str]:
    same = held_terms(needed, said)
    return [term for term in needed if term in same or not said.isdisjoint(_ALIKE.get(term, ()))]


def _telling(chunk: Chunk, description: Description) -> Iterator[tuple[int, int]]:
    """Sentences that hold all that is needed, with how much it takes: 0 by themselves, 1 with the lines of their record, 2 with those that they
    go on from, 3 with the opening of the paragraph, 4 with the heading, 5 with what is above that.
    """
    needed, relation = description.needed, description.relation - description.names or description.needed
    before, opening, labelled, last = frozenset[str](), frozenset[str](), False, 0
    for place, (span, said) in enumerate(zip(chunk.spans, said_with(chunk), strict=True)):
        sentence = chunk.between(*span)
        own = frozenset(terms(sentence))
        begins = place == 0 or "\n" in chunk.between(last, span[0])
        if begins:
            opening, labelled = frozenset(terms(" ".join(sentence.split()[:OPENING]))), False
        before = before if labelled or _GOES_ON.match(sentence) else frozenset()
        if len(_held(relation, own)) >= LEAST_OWN * len(relation):
            above = chunk.above(span[0])
            around = (terms(said), before, opening, terms(" ".join(above[-1:])), terms(" ".join(above)))
            together = accumulate(map(frozenset, around), frozenset[str].union, initial=own)
            level = next((level for level, held in enumerate(together) if _holds(needed, held)), None)
            if level is not None:
                yield place, level
        before, labelled, last = before | own, labelled or (begins and len(own) <= LABEL), span[1]


def _makers(chunk: Chunk, description: Description) -> Iterator[Found]:
    """Who made a work, where a sentence says no more than by whom it is: "Salt Road by Agneta Corrigan", or under that heading "a play by
    Agneta Corrigan" or "Corrigan's play".
    """
    name, work = rf"(?P<name>{NAME_IN_PROSE.pattern})", re.escape(description.work)
    works = DIRECTED if description.noun.endswith("director") else MADE
    for start, end in chunk.spans:
        sentence = chunk.between(start, end)
        titled = any(f" {normalise(description.work)} " in f" {normalise(above)} " for above in chunk.above(start))
        made = rf"(?:{work}|{works})" if titled else work
        found = list(re.finditer(rf"\b{made}[\W_]+(?P<more>(?:[a-z]+\s+){{0,4}})by\s+{name}", sentence))
        # Not "a play directed by".
        found = [
            match
            for match in found
            if not any(
                is_past(w) and not _held(description.relation, frozenset(terms(w))) for w in match["more"].split()
            )
        ]
        found += re.finditer(rf"{name}['’]s\s+{works}\b", sentence) if titled else ()
        for match in found:
            begin, finish = match.span("name")
            opening = re.match(r"(?:In|With|From|For)\s+", match["name"])
            yield _found(chunk, start + begin + (opening.end() if opening else 0), start + finish)


def _said(chunk: Chunk, place: int, description: Description) -> Found | None:
    """What a sentence says that it is: of a record what that is about, else the name next to what is said of it, else the heading, where the
    sentence speaks of what that names.
    """
    start, end = chunk.spans[place]
    fields = list(fields_of(chunk))
    field = next((field for field in fields if start <= field.start < end), None)
    if field is not None and not _holds(description.relation, frozenset(terms(field.text))):
        own = [one for one in fields if one.row == field.row]
        return None if description.at else _of_record(own, description)
    sentence = chunk.between(start, end)  # also "Youth theatre: led by Orla Finnegan"
    if not description.acts and f" {normalise(description.text)} " in f" {normalise(sentence)} ":
        return None  # it is called so
    names = [span for span in _names(chunk, start, sentence, description.noun) if _may_be(sentence, span, description)]
    away = {span: _away(sentence, span, description) for span in names}
    nearest = min(names, key=lambda span: (away[span], span), default=None)
    if nearest is not None and away[nearest] <= MAX_BETWEEN:
        begin, finish = nearest
        sure = len(description.needed) > 1 or _is_beside(sentence, nearest, description.noun)
        return _found(chunk, start + begin, start + finish) if sure else None
    subject = _SUBJECT.match(sentence) is not None
    if subject and description.acts and any(_is_done(sentence, word) for word in _saying(sentence, description)):
        return None  # "it was published" tells of no publisher
    return _heading(chunk, start, description) if subject or _OBJECT.search(sentence) else None


def _saying(sentence: str, description: Description) -> list["re.Match[str]"]:
    """The words of a sentence that say something of what is described; names in it only where no others do."""
    words = [(word, frozenset(terms(word.group()))) for word in _WORD.finditer(sentence)]
    saying = [word for word, own in words if _held(description.needed - description.names, own)]
    return saying or [word for word, own in words if _held(description.needed, own)]


def _is_done(sentence: str, word: "re.Match[str]") -> bool:
    """Whether a verb stands in the passive: who does it follows "by"."""
    return is_past(word.group().lower()) and _PASSIVE.search(sentence, 0, word.start()) is not None


def _is_beside(sentence: str, span: Span, noun: str) -> bool:
    """Whether a name stands right beside a noun as its bearer's: "the registrar, Petronella Ashby", "Petronella Ashby is the registrar"."""
    before, after = sentence[: span[0]], sentence[span[1] :]
    said = re.escape(noun)
    return bool(
        re.search(rf"\b{said}(?:[,:]|\s+is|\s+was)?\s*\Z", before)
        or re.match(rf",?\s+(?:is\s+|was\s+)?(?:the|our)\s+{said}\b", after)
    )


def _names(chunk: Chunk, offset: int, sentence: str, noun: str) -> Iterator[Span]:
    """Where names stand in a sentence: words with a capital, without titles of people; the first word only where it is known as one, and of
    "Truck TR-9" what tells one truck from another. The "V" of "48 V" is none.
    """
    known = {start - offset for mention in chunk.mentions for start, _ in mention.spans}
    peoples = {mention.key for mention in chunk.mentions if mention.type in ("NORP", "LANGUAGE")}
    for match in NAME_IN_PROSE.finditer(sentence):
        words = [(match.start() + m.start(), m.group()) for m in re.finditer(r"\S+", match.group().rstrip("."))]
        while words and (
            fold(words[0][1]) in STOP_WORDS
            or (len(words) > 2 and is_role(words[0][1].lower()))
            or (len(words) == 1 and words[0][0] == 0 and 0 not in known)
            or (len(words) == 1 and _UNIT.search(sentence, 0, words[0][0] + len(words[0][1])))
            or (len(words) == 2 and words[0][1].lower() == noun and any(map(str.isdigit, words[1][1])))
        ):
            words.pop(0)
        if words and not _DATING.match(words[0][1]) and normalise(words[0][1]) not in peoples:
            yield words[0][0], words[-1][0] + len(words[-1][1])


def _may_be(sentence: str, span: Span, description: Description) -> bool:
    """Whether a name may be what is described: it is none of those in the description, and a place only where one is."""
    own = frozenset(terms(sentence[slice(*span)]))
    namesake = description.acts and sentence[: span[0]].endswith(DONE_BY)  # who founded the Tollan mill: Anders Tollan
    if not own or own <= description.needed or not (namesake or own.isdisjoint(description.names)):
        return False
    before, after = _BEFORE.search(sentence, 0, span[0]), _AFTER.match(sentence, span[1])
    where = before.group(1).lower() if before is not None else ""
    called = after is not None and not frozenset(terms(after.group(1))).isdisjoint(terms(description.noun))
    return called or (where in _AT if description.at else where not in _PLACING)


def _away(sentence: str, span: Span, description: Description) -> int:
    """Words that say anything between a name and the nearest that tells who it is; -1 for who does what is done "by" them, and for a place
    that something is in.
    """
    begin, finish = span
    least, by = MAX_BETWEEN + 1, sentence[:begin].endswith(DONE_BY)
    for word in _saying(sentence, description):
        if begin <= word.start() < finish:
            continue
        follows = word.end() <= begin
        between = sentence[word.end() : begin] if follows else sentence[finish : word.start()]
        joint = _JOINT.fullmatch(between) if follows else None
        if not follows and _SOMEBODY.search(between):
            continue  # who does it themselves
        if joint is None and (by or (description.acts and _is_done(sentence, word))):
            continue  # what others do is done "by" them
        away = len(frozenset(terms(between)) - description.needed)
        if description.of and not description.acts and (away or _PART.search(sentence, 0, word.start())):
            continue  # "the captain of the first eleven is" nobody that the eleven is
        least = min(least, -1 if joint is not None and (joint.group(1) == "by" or description.at) else away)
    return least


def _of_record(fields: Sequence[Field], description: Description) -> Found | None:
    """Whom or what a record is about: what it calls so, else what it says of what is needed, else its name."""
    named = [
        field
        for field in fields
        if NAME_IN_PROSE.fullmatch(field.text)
        and not any(map(str.isdigit, field.text))
        and frozenset(terms(field.text)).isdisjoint(description.names)
    ]
    relation = description.needed - description.names
    called = [field for field in fields if not frozenset(terms(description.noun)).isdisjoint(terms(field.head))]
    asked = called or [
        field
        for field in fields
        if _held(relation, frozenset(terms(field.head))) and not frozenset(terms(field.text)) <= description.needed
    ]
    if asked:
        return next((field.found for field in asked if field in named), None)
    possible = [field for field in named if is_name(field.head)]
    possible += [] if description.acts or description.of else named
    return possible[0].found if possible else None


def _heading(chunk: Chunk, offset: int, description: Description) -> Found | None:
    """The heading over a place, as what is spoken of there, where it is a name."""
    name = next(iter(chunk.above(offset)[-1:]), "")
    place = chunk.text.find(name) if NAME_IN_PROSE.fullmatch(name) else -1
    own = frozenset(terms(name))
    if place < 0 or own <= description.needed.union(terms(description.noun)) or not own.isdisjoint(description.names):
        return None
    return _found(chunk, chunk.start + place, chunk.start + place + len(name))


def _found(chunk: Chunk, start: int, end: int) -> Found:
    text = chunk.between(start, end)
    end -= len(text) - len(text.rstrip("."))
    return Found(chunk, start, end, normalise(text), "")
