"""What is certainly no answer, whatever speaks for it: what the question names or goes through, and what its passage tells of something else.

Asked who founded the yard that built a ferry, the yard is none, nor is whoever gave the ferry its name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.expected import attribute_terms, name_terms, says_one_thing
from agent.spans.candidates import SAID_WHERE, Found, sentence_at
from agent.spans.kin import kin_asked, places_of_relatives, related_to
from agent.spans.nearness import LIFE
from agent.spans.places import CLASSES, COUNTRIES
from agent.spans.prose_fields import FULL_NAME, NAME_IN_PROSE
from agent.spans.wanted import CONVERSE, NAME, PEOPLE, Wanted, canonical
from agent.telling import asks_of_order, tells_of_order
from graphrag.analysis import held_terms, normalise, terms
from graphrag.lives import life
from graphrag.retrieval.ledger import Candidate
from graphrag.retrieval.question import Question

FIRST_HOP = 0.2
"""Rarity of a mentioned entity of the question from which a passage is taken for a first hop."""
NAMED_BY_NOUN = frozenset(terms("county district river university island"))
"""Nouns that stand in the names of what they are said of."""
_SUBJECT = re.compile(rf"{FULL_NAME}(?=\s+\(|\s+(?:is|was|were)\s|,)")
_POSSIBLE = re.compile(
    r"\b(?:faces?|facing|may|might|could(?! not)|(?:plans?|intends?|hopes?|expects?|expected|threatens?|threatened) to)\b"
)
"""Words for what has not happened, or not yet."""
_HAPPENED = re.compile(r"\b(?:did|was|were|has|have|had)\b", re.IGNORECASE)
TOWNS = frozenset(terms("city town village birthplace place location"))


@dataclass(frozen=True, slots=True)
class Guards:
    """What a question excludes."""

    wanted: Wanted
    said: str
    """The question, normalised, with a space around it."""
    terms: frozenset[str]
    names: frozenset[str]
    """Terms of what it names, where it asks one thing of that: of something else, no passage answers it."""
    called: tuple[str, ...]
    """What it names so."""
    attribute: frozenset[str]
    """Terms of what it asks of a thing by a name of its own ("what is the *capital* of Hov")."""
    person: str
    kin: frozenset[str]
    """Of whose relative something is asked, by key, and the terms of the kinship; empty where nothing is."""
    untold: bool
    """Whether it asks when or where a relative did something of whom no passage tells."""
    ordered: bool
    """Whether it asks who came before or after somebody."""
    happened: bool
    """Whether it asks what has happened, and not what may."""
    leading: Mapping[str, str]
    """By key, the type of what passages about the question's names mention."""

    @classmethod
    def of(cls, question: Question, wanted: Wanted, passages: Sequence[Candidate]) -> "Guards":
        """Those of a question, of which the passages are the best."""
        text, single = question.text, says_one_thing(question)
        # "When was the father of Ida born?" asks of somebody whom it does not name.
        of_named = single and not wanted.through
        called = re.findall(NAME, text[text.find(" ") :]) if of_named else []
        person, kin = related_to(text)
        of_person = wanted.kind == "person"
        first_hops = (passage for passage in passages if passage.named or passage.mentioned > FIRST_HOP)
        return cls(
            wanted=wanted,
            said=f" {normalise(text)} ",
            terms=frozenset(question.terms),
            names=frozenset(name_terms(text)) & frozenset(question.terms) if of_named else frozenset(),
            called=tuple(name for name in called if " " in name),
            attribute=attribute_terms(text) if single else frozenset(),
            person=person,
            kin=frozenset() if of_person and kin_asked(text) is None else kin,
            untold=bool(kin) and not of_person and not any(_has_relative(one, person, kin) for one in passages),
            ordered=of_person and asks_of_order(text),
            happened=_HAPPENED.search(text) is not None and _POSSIBLE.search(text) is None,
            leading={mention.key: mention.type for passage in first_hops for mention in passage.chunk.mentions},
        )

    def possible(self, candidates: Iterable[Found], passage: Candidate) -> list[Found]:
        """Those of the candidates of a passage that nothing excludes."""
        if self.untold:
            return []
        # Whoever is asked for is none of these, or would have been found (agent/spans/kin.py).
        of_kin = bool(self.kin) and self.wanted.kind == "person"
        relatives = places_of_relatives(passage.chunk) if of_kin else frozenset[int]()
        return [
            found
            for found in _without_speakers(candidates)
            if found.start not in relatives
            and not (self._is_asked_about(found, passage) or self._leads_on(found) or self._is_other_end(found))
            and self._is_told_of(found, passage)
        ]

    def _is_asked_about(self, found: Found, passage: Candidate) -> bool:
        """Whether the question names it, or asks for another name of it, or for somebody where it says where something is."""
        if self.wanted.kind == "person" and found.type != "PERSON" and found.follows(SAID_WHERE):
            return True
        named = found.type not in ("DATE", "NUMBER") and found.terms <= self.terms
        return named or f" {found.key} " in self.said or (self.wanted.personal and found.key in passage.about)

    def _leads_on(self, found: Found) -> bool:
        """Whether a candidate is what the question goes through ("the country where X is") on the way to its answer."""
        key, through = found.key, self.wanted.through
        if any(noun in through - self.wanted.head and key in names for noun, names in CLASSES.items()):
            return True
        if key not in self.leading:
            return False
        type = self.leading[key]
        return bool(
            any(noun in through and key in names for noun, names in CLASSES.items())
            or through & NAMED_BY_NOUN & frozenset(terms(key))
            or (through & TOWNS and type == "GPE" and key not in COUNTRIES)
            or (through & PEOPLE and type == "PERSON")
        )

    def _is_other_end(self, found: Found) -> bool:
        """Whether a date is that of a birth, where a question asks for a death, or the other way."""
        asked = [term in self.wanted.asked for term in LIFE]
        if found.type != "DATE" or not any(asked):
            return False
        ends = [span is not None and span[0] <= found.start < span[1] for span in life(found.chunk)]
        return asked == ends[::-1] and asked != ends

    def _is_told_of(self, found: Found, passage: Candidate) -> bool:
        """Whether what the passage says up to a candidate, or its sentence, is of what the question asks."""
        of_one = passage.named and len(found.chunk.headings_within) <= 1
        if self.names and not of_one and self.names.isdisjoint(_said_until(found)):
            return False
        if any(_is_of_another_like(found.sentence, name) for name in self.called):
            return False
        if self.names and not self.wanted.asked.keys().isdisjoint(LIFE) and _is_of_somebody_else(found, self.names):
            return False
        of_relative = bool(self.kin) and (self.wanted.kind == "person" or self.person in passage.about)
        if of_relative and not _tells_of_kin(found, self.kin):
            return False
        if self.ordered and not tells_of_order(found.sentence):
            return False
        if self.happened and _is_only_possible(found):
            return False
        if not self.attribute:
            return True
        return bool(held_terms(self.attribute, found.above.union(terms(found.sentence))))


def _is_only_possible(found: Found) -> bool:
    """Whether the clause of a candidate tells of what may happen up to it: "he faces up to 25 years" is no sentence given."""
    chunk = found.chunk
    said = chunk.between(chunk.spans[sentence_at(chunk, found.start)][0], found.start)
    return _POSSIBLE.search(re.split(r"[;:]|, (?:and|but) ", said)[-1]) is not None


def _is_of_another_like(sentence: str, name: str) -> bool:
    """Whether a sentence speaks of something else that is called like what is asked about: the Brannoch Rowing *Club*, not the Skerrow
    Sailing *Club*.
    """
    *own, last = normalise(name).split()
    if f" {normalise(name)} " in f" {normalise(sentence)} ":
        return False
    others = (normalise(match.group()).split() for match in NAME_IN_PROSE.finditer(sentence))
    return any(len(other) > 1 and other[-1] == last and set(own).isdisjoint(other) for other in others)


def _is_of_somebody_else(found: Found, names: frozenset[str]) -> bool:
    """Whether a sentence begins with the name of somebody, and names nobody of these: "Hettie Lowe (born 19 September 1980) learnt"."""
    sentence = found.sentence
    first = _SUBJECT.match(sentence)
    return first is not None and found.text not in first.group() and names.isdisjoint(terms(sentence))


def _said_until(found: Found) -> frozenset[str]:
    """The terms of the title, the headings and all sentences of a section up to that of a candidate, which may go on about what they
    name.
    """
    chunk = found.chunk
    _, end = chunk.spans[sentence_at(chunk, found.start)]
    return found.above.union(terms(chunk.between(chunk.section_at(found.start), end)))


def _tells_of_kin(found: Found, kin: frozenset[str]) -> bool:
    """Whether the sentence of a candidate, or the one before it, tells of such a relative, or of the converse."""
    spans, place = found.chunk.spans, sentence_at(found.chunk, found.start)
    return _speaks_of(kin, terms(found.chunk.between(spans[max(0, place - 1)][0], spans[place][1])))


def _has_relative(passage: Candidate, person: str, kin: frozenset[str]) -> bool:
    """Whether a passage that names somebody tells of such a relative, whosoever, or of the converse."""
    chunk = passage.chunk
    named = frozenset(person.split()[:1]) <= frozenset(normalise(f"{chunk.title} {chunk.text}").split())
    return named and _speaks_of(kin, passage.words)


def _speaks_of(kin: frozenset[str], words: Iterable[str]) -> bool:
    held = frozenset(map(canonical, words))
    return all(canonical(term) in held or CONVERSE.get(canonical(term)) in held for term in kin)


def _without_speakers(candidates: Iterable[Found]) -> list[Found]:
    """Without who says a message of a chat ("Ada Penn: Tom Reed has won"), where the message itself names somebody."""
    found = [(one, sentence_at(one.chunk, one.start), _speaks(one)) for one in candidates]
    spoken_of = {place for one, place, speaks in found if not speaks and one.type not in ("DATE", "NUMBER")}
    return [one for one, place, speaks in found if not speaks or place not in spoken_of]


def _speaks(found: Found) -> bool:
    chunk = found.chunk
    start = chunk.spans[sentence_at(chunk, found.start)][0]
    before = chunk.between(start, max(start, found.start))
    return chunk.text.startswith(": ", found.end - chunk.start) and not before.strip("- ")
