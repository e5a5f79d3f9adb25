"""Whether a passage tells what a question asks, as far as its words show: where it speaks of it, is there anything of the kind?

"Who is the deputy of Ada Penn?" is not answered by "her deputy is Ada Penn". What counts is generous, since a text may say
"the borrower", "nine" or "once it is signed": the rules find what is certainly no answer, not what is one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from agent.expected import WEEKDAY, name_terms, wanted_terms
from agent.sections import spans_about
from agent.spans.candidates import NUMERAL
from agent.spans.fields import fields_of, is_name, said_with
from agent.spans.prose_fields import FULL_NAME
from agent.spans.quantities import dimension_of, tells_amount
from agent.spans.wanted import PEOPLE, Kind, canonical, kin_held, read_wanted
from graphrag.analysis import STOP_WORDS, fold, held_terms, normalise, terms
from graphrag.dates import MONTH
from graphrag.lives import LIFE_TERMS, life
from graphrag.retrieval.question import Question
from graphrag.types import Chunk

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(
    rf".*\d.*|(?:{NUMERAL}|hundred|thousand|million|billion|dozen|half|once|twice|no|none|nothing|zero|free)s?"
)
_TIME = re.compile(
    rf".*\d.*|{MONTH}|{WEEKDAY}s?|(?:(?:to|yester)?day|night|morning|noon|evening|week|weekend|month|quarter|year|decade)s?"
    r"|spring|summer|autumn|winter|tomorrow|daily|(?:night|week|month|quarter|year|annual)ly"
    r"|first|second|third|(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|\w+teen|\w+tie)th|when|after|before|once|until|during|soon|immediately",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"\w{2,}(?:er|or|ist|ian|ee)s?|(?:team|crew|board|desk|group|guild|council|staff|head|people|chief)s?"
)
_NUMBERS = frozenset(terms("number"))
_IN = frozenset("in at near from to of outside around within".split())
"""What stands before a place."""
_NO_PLACES = frozenset("PERSON ORG FAC NORP PRODUCT WORK_OF_ART EVENT LAW LANGUAGE CODE".split())
"""Types of the recogniser's names that are no town or country, unless a word of _IN is before them."""
_SUBJECT = re.compile(FULL_NAME)
_PRONOUN = re.compile(r"\b(?:he|she|his|her|him|they|their)\b", re.IGNORECASE)
_BEFORE_NAME = re.compile(r"\b(?:before|after)\s+(?:(?:the|Dr|Mr|Mrs|Ms)\.?\s+)?[A-Z][a-z]")
_DENYING = frozenset("never no not nor neither without didn doesn don wasn isn weren aren hasn hadn".split())
_NUMBER_SIGN = re.compile(r"\bno(?=[.:]|\s*\d)")
"""Not the word of denial: "incident no: INC-2058"."""
DENIED = 2
"""Words before what is denied, at most: "never married", "had no known children"."""
_BEFORE_OR_AFTER = re.compile(
    r"\b(?:before|after|until|till|previous(?:ly)?|former(?:ly)?|prior|earlier|later|then|next|last|ex|predecessors?|successors?|succe(?:ed|ss)\w*"
    r"|replac\w+|follow\w*|no longer|(?:take|takes|taken|took|taking|hand|hands|handed|handing) over)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question asks, as sentences are held against it."""

    kind: Kind
    words: frozenset[str]
    """All its words: what repeats them tells nothing."""
    names: frozenset[str]
    """Terms of its names."""
    relation: frozenset[str]
    """Terms of what it asks about them."""
    ordered: bool
    """Whether it asks who or what came before or after somebody."""
    lived: bool
    """Whether it asks of a birth or a death."""
    placed: bool
    """Whether it asks for the name of a place."""

    @classmethod
    def of(cls, question: Question) -> "_Asked":
        """The question, read."""
        wanted, names = read_wanted(question.text), frozenset(name_terms(question.text))
        relation = wanted_terms(question) - names
        lived = bool(held_terms(relation, LIFE_TERMS))
        return cls(
            kind=wanted.kind,
            words=frozenset(_WORD.findall(fold(question.text))),
            names=names,
            relation=relation,
            ordered=asks_of_order(question.text),
            lived=lived,
            placed=wanted.kind == "place" and (lived or bool(wanted.head)),
        )


def tells(question: Question, chunks: Sequence[Chunk]) -> bool:
    """Whether a sentence that says anything of what is asked about the question's names holds something of the kind asked for.

    "Who led it before Ada Penn?" asks for one that speaks of an order, too, and what a sentence denies ("she never married") it does
    not tell. "In which town", and where somebody was born or died, asks for the name of a place, which the years of a life are not, and
    the birth of somebody else is none of theirs. No sentence of a table is looked at by itself, since its head says what stands below,
    nor, asked for a person, a line of a record, whose name stands in another one. Where nothing is said at all, other features know it.
    """
    wanted, asked = read_wanted(question.text), _Asked.of(question)
    sentences = [chunk.between(*span) for chunk in chunks for span in chunk.sentences]
    dimension, head = dimension_of(wanted.measure), wanted.head - _NUMBERS
    if dimension and not any("|" in one or tells_amount(one, dimension, wanted.measure) for one in sentences):
        return False  # nothing says how high or heavy anything is
    if head and head != wanted.head and not any(held_terms(head, frozenset(terms(one))) for one in sentences):
        return False  # nothing says whose *phone* has which number
    if not asked.relation:  # "how long is the Velda?"
        return any(_holds(asked.kind, one, asked.words) for one in sentences)
    told = chain.from_iterable(_speaking(asked, chunk) for chunk in chunks)
    return next(told, True) or any(told)


def _speaking(asked: _Asked, chunk: Chunk) -> Iterator[bool]:
    """Of each sentence that says anything of what is asked: whether it tells it."""
    relation, kind = asked.relation, asked.kind
    others = _others(chunk) if asked.placed else frozenset[str]()
    dates = [chunk.between(*span) for span in life(chunk) if span is not None] if asked.lived else []
    people = {mention.key for mention in chunk.mentions if mention.type == "PERSON"}
    subject = ""
    for sentence in _sentences(chunk, kind, asked.names):
        said = frozenset(terms(sentence))
        first = _SUBJECT.match(sentence)
        subject = first.group() if first is not None and normalise(first.group()) in people else subject
        if not (held_terms(relation, said) or kin_held(relation, said) or any(date in sentence for date in dates)):
            continue
        away = (
            (asked.ordered and not tells_of_order(sentence))
            or _denies(sentence, relation, asked.words)
            or (asked.lived and _of_another(asked.names, said, chunk, sentence, subject))
        )
        holds = _names_place(sentence, asked.words, others) if asked.placed else _holds(kind, sentence, asked.words)
        yield "|" in sentence or (holds and not away)


def _of_another(names: frozenset[str], said: frozenset[str], chunk: Chunk, sentence: str, subject: str) -> bool:
    """Whether a sentence speaks of the life of somebody else than the one named: it names them not, nor do title and headings, and says "he" or
    "she" of nobody, or of whom a sentence before it names first.
    """
    about = frozenset(terms(f"{chunk.title} {' '.join(chunk.heading)}"))
    if not names or not names.isdisjoint(said | about):
        return False
    return _PRONOUN.search(sentence) is None or (subject != "" and names.isdisjoint(terms(subject)))


def lacks_life(question: Question, held: frozenset[str]) -> bool:
    """Whether a question asks for a birth or a death, last of all, and nothing that is held speaks of one: for these there are no other
    words, as there are for most of what is asked.
    """
    lacking = held_terms(frozenset(question.terms) - held, LIFE_TERMS)
    return not read_wanted(question.text).nearest.isdisjoint(map(canonical, lacking))


def _sentences(chunk: Chunk, kind: Kind, names: frozenset[str]) -> list[str]:
    about = {*spans_about(chunk, names)}
    if kind in ("number", "date") or (kind == "person" and any(is_name(field.head) for field in fields_of(chunk))):
        return [said for span, said in zip(chunk.spans, said_with(chunk), strict=True) if span in about]
    return [chunk.between(*span) for span in chunk.spans if span in about]


def asks_of_order(question: str) -> bool:
    """Whether a question asks who or what came before or after somebody ("who led it before Ada Penn?")."""
    return _BEFORE_NAME.search(question) is not None


def tells_of_order(sentence: str) -> bool:
    """Whether a sentence speaks of one before or after another."""
    return _BEFORE_OR_AFTER.search(sentence) is not None


def _denies(sentence: str, relation: frozenset[str], asked: frozenset[str]) -> bool:
    """Whether a sentence says of all it holds of a relation that it is not so, which the question does not say itself."""
    words = _WORD.findall(_NUMBER_SIGN.sub("", fold(sentence)))
    if _DENYING.isdisjoint(words) or not _DENYING.isdisjoint(asked):
        return False
    said = [frozenset(terms(word)) for word in words]
    places = [i for i, own in enumerate(said) if held_terms(relation, own) or kin_held(relation, own)]
    return bool(places) and all(not _DENYING.isdisjoint(words[max(0, i - DENIED) : i]) for i in places)


def _others(chunk: Chunk) -> frozenset[str]:
    """Words of the names in a chunk that are those of people, firms and things."""
    return frozenset(
        word for mention in chunk.mentions if mention.type in _NO_PLACES for word in _WORD.findall(mention.surface)
    )


def _names_place(sentence: str, asked: frozenset[str], others: frozenset[str]) -> bool:
    """Whether a sentence may name a town or a country: "rebuilt by Osk Yard" does not, "rebuilt in Osk" does."""
    words = _WORD.findall(sentence)
    return any(
        word[0].isupper()
        and fold(word) not in asked | STOP_WORDS
        and not _TIME.fullmatch(fold(word))
        and (word not in others or before in _IN)
        for before, word in zip(["", *words], words, strict=False)
    )


def _holds(kind: Kind, sentence: str, asked: frozenset[str]) -> bool:
    for word in _WORD.findall(sentence):
        folded = fold(word)
        if folded in asked:
            continue
        match kind:
            case "number":
                held = bool(_NUMBER.fullmatch(folded))
            case "date":
                held = bool(_TIME.fullmatch(folded))
            case "person" if len(word) == 1 or folded in STOP_WORDS or _TIME.fullmatch(folded):
                held = False
            case "person":
                held = word[0].isupper() or bool(_ROLE.fullmatch(folded)) or not PEOPLE.isdisjoint(terms(word))
            case _:
                held = True
        if held:
            return True
    return False
