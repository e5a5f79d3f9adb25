"""What a question expects of its evidence: which of its words the evidence has to hold, and whether one document may hold it all.

"Which *company* makes the Alto 60?" expects a name and no text with the word "company"; "what is the *capital* of Hov?" expects one with
the word "capital". "Who designed the Tarn 40?" asks one thing of one thing, "who leads the team that owns it?" takes a second step.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from agent.common_words import common_terms
from agent.spans.quantities import COMPARING
from agent.spans.wanted import PEOPLE
from graphrag.analysis import STOP_WORDS, fold, terms
from graphrag.dates import DAY, MONTH
from graphrag.retrieval.courtesy import ORDERING
from graphrag.retrieval.question import Question

WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_ORDER = rf"\A\s*{ORDERING}(?:\s+me\b)?"
_ORDERING = re.compile(_ORDER, re.IGNORECASE)
_SAYING_WHAT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # "how *long*", "what kind of *pump*", "*who*", "*list* the members"
        r"\bhow\s+(much|many)\s+(money|time|people)\b|\bhow\s+(\w+)|\b(who|when|where)\b"
        r"|\b(?:which|what)\s+(?:kind\s+of\s+|type\s+of\s+|(?:is|was|are|were)\s+the\s+)?(\w+)",
        f"({_ORDER})",
        # "the *company* that makes it", "the *city* in which it lies": what does so is a company, what it lies in a city
        r"\b(?:the|an?)\s+(?:same\s+)?(company|firm|business|organi[sz]ation|person|people|man|woman|place|city|town|village|country|state)\s+"
        r"(?:that|which|who|whose|whom|where|based|behind|located|responsible|(?:at|by|for|from|in|of|on|to|under|with)\s+wh(?:ich|om|ose))\b",
        # "on *Sunday*, 9 March" is on 9 March
        rf"\b({WEEKDAY}),?\s+(?:the\s+)?{DAY}\s+(?:of\s+)?{MONTH}\b",
        # "what is the phone *number*", "the renewal *date*": what is said of a phone or a renewal is one
        r"\bwhat\s+(?:is|was|are|were)\s+(?:the|[^?'’]{2,60}['’]s?)\s+(?:[\w-]+\s+){1,2}(number|date|time|amount)\b",
        r"\be-?mail\s+(address)\b",
        # "30 November 1971, Munich" is the *place* of a death, "of a fever" the *cause*
        r"\b(place|date|year|day|cause|country|city|town)\s+of\s+(?:birth|death|burial)\b",
        # "a British crime writer" is an *occupation*
        r"\b(occupation|profession|nationality|genre|citizenship)s?\b",
        # "MLD: megalitres a day" is what MLD *means*, "the seal is broken" what is *wrong*
        r"\bwhat\s+(?:does|do|did)\b.*\b(mean|stand)(?:\s+for)?\s*\??\s*$",
        r"\bwhat(?:\s+(?:is|was|went|goes|has\s+gone))?\s+(wrong|happened|happens)\b",
        # "which *came* out first, A or B"
        r"\b(comes?|came)\b.*\sor\s",
        # "the part that *made* kiln 4 overheat": what was the cause of it is not said to make anything. What is made has no word after
        # its name ("who made the Alto 60?"), an article before it or a plural after it, or it is somebody who made it.
        r"\b(?!(?:who|that|which|company|firm|business|maker|manufacturer)\b)\w++\s+(?:(?:that|which)\s+)?(made|makes)"
        r"\s+(?:(?-i:[A-Z])[\w-]*|[a-z]+(?=\s+\d))(?:\s+(?-i:[A-Z])[\w-]*)*(?:\s+\d[\w.-]*)?"
        r"\s+(?-i:[a-z]\w*(?:[a-rt-z]|ous|ess))(?=[?.!,;]|\s*$|\s+(?:a[nst]|at|by|for|from|in|on|or|and|to|with)\b)",
        # "26 days" is what one *gets*, "30 June" until when a thing *runs*; what we *need*, *used* to do and *may* do is so, or is done
        r"\b(?:do|does|did|will|can|may|must|should)\s+(?:i|we|you|one|they|people)\s+(get|need|charge|pay)\b|\b(used|needs?|needed)\s+to\b|\b(per)\b",
        r"(?-i:\b(may|might))\s+(?:i|we|you|one|they|it|he|she|be|come|have|go|take|use)\b",
        # "commander: Ida" is who *took* the *role*, "up to 10" the *number* of refunds, "data store: Cassandra" what it does *use*
        r"\bwho\s+(takes|took|has|had|holds|held|fills|filled|plays|played)\s+(?:up\s+)?the\s+(?:[\w-]+\s+){1,4}(role|post|position|job)\b",
        r"\b(number)s?\s+of\b|\b(?:does|do|did)\b[^?,]{3,80}\s(use|have)\s*\??\s*$",
        r"\buntil\s+when\s+(?:does|do|did|will)\b.*\b(last|run)\b",
    )
)
"""In brackets: words that say what kind of answer is wanted, and that no text needs to say."""
_ATTRIBUTE = re.compile(r"\b(?:which|what)\s+(?:is|was|are|were)\s+the\s+(\w+)\s+of\s", re.IGNORECASE)
_GENERIC = frozenset(
    """
    name names nickname number amount kind type sort reason purpose aim goal function use point cause effect result outcome meaning role
    title place location date year time day month position city town country state county region district area home hometown origin
    birthplace nationality occupation profession genre sport difference topic subject theme job date content contents best main most first
    last only second full real
    """.split()
)
"""What nothing need be called in a text that tells it."""
_DATING = re.compile(rf"(?:{MONTH}|{WEEKDAY})$")
_NUMBERED = re.compile(
    r"\b([A-Z][^\W\d]*)[ -](?!(?:1\d|20)\d\d\b)\d(?:[\w.-]*\w)?+(?!\s+(?:(?!does\b)[a-z]{3,}s|people|men|women|children)\b)"
)
"""Not what counts: "List 5 customers"."""
_NAME = re.compile(r"\b(?:[A-Z]\w*|\w*\d\w*)(?:-\w+)*")
COMMON = 0.3
"""Weight of a word for which a text has many others (agent/common_words.py), by that of one which is as frequent in the corpus."""
MAX_KEYWORDS = 8
_VERBAL = re.compile(
    r"\b(?:who|whom|whose|when|where|which|what|why|how|is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b",
    re.IGNORECASE,
)
ONE_THING = 5
"""Words, but those that say what kind of answer is wanted, with which a question may ask one thing of one thing."""
_OPENING = re.compile(
    r"\s*(?:\w+\s+)?(?:who|whom|when|where|what|which|why|how(?:\s+\w+)?)\b(?:\s+(?:is|was|are|were))?(?:\s+(?:the|an?))?\b",
    re.IGNORECASE,
)
# "Where was the producer of Harbour Grammar born?" asks of somebody whom it does not name.
_OF_SOMEBODY = re.compile(
    r"\s*(?:\w+\s+)?(?:when|where)\s+(?:is|was|are|were)\s+(?:the|an?)\s+(?:\w+\s+)?(\w+)\s+of\s", re.IGNORECASE
)
# "Who is Ida Rowan's father?" is "who is the father of Ida Rowan?".
_ITS_OWN = re.compile(
    r"\s*(?:who|what)\s+(?:is|was|are|were)\s+(?:the\s+)?(?:(?!\bof\b)[^?,'’]){2,60}['’]s?\s+(?:\w+\s+)?\w+\s?\?*\s*$",
    re.IGNORECASE,
)
# What makes a second step: another clause, a possessive, a list, or a noun that is described ("the lead of", "the town named").
_FURTHER = re.compile(
    r"\b(?:that|who|whom|whose|which|where|when|what|same|both|and|or)\b|,|['’]s\s+[a-z]|s['’]\s"
    r"|\b(?:the|an?)\s+(?:[\w-]+\s+){0,2}?(?!(?:is|are|was|were|be|been)\b)(?-i:[a-z])[\w-]*\s+(?:of|from|for|in|with|by|(?-i:[a-z])\w*(?:ed|wn))\b"
    r"|\bthe\s+(?-i:[a-z]+\s+[A-Z])[\w-]*\s+(?:is|was|are|were|has|had)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def attribute_terms(question: str) -> frozenset[str]:
    """Terms of what a question begins by asking of a thing by a name of its own ("what is the *capital* of Hov"): evidence that does not
    call it so tells nothing. Empty where it asks for none.
    """
    match = _ATTRIBUTE.match(question.strip())
    return frozenset(terms(match.group(1))) if match and match.group(1).lower() not in _GENERIC else frozenset()


@lru_cache(maxsize=64)  # every part of a run asks
def asked_words(question: str) -> frozenset[str]:
    """Words that say what kind of answer is wanted (`_SAYING_WHAT`) or by what two things are compared ("*earlier*, A or B"), case-folded.

    The evidence need not hold any of them: what it speaks of is of that kind without saying so.
    """
    text = question.casefold()
    matches = (match for pattern in _SAYING_WHAT for match in pattern.finditer(question))
    found = {word.casefold() for match in matches for group in match.groups() if group for word in group.split()}
    asked = found - {*_ATTRIBUTE.findall(text)}.difference(_GENERIC)
    words = re.findall(r"[\w-]+", text)
    return frozenset(asked | COMPARING.intersection(words if "or" in words else ()))


def says_one_thing(question: Question) -> bool:
    """Whether it asks one thing of one thing ("who designed the Tarn 40?"), so that one document answers it, if any does.

    Such a question is short, has one clause and no step on the way ("the lead of the team that ..."), and compares nothing. Keywords
    ask of one thing, too.
    """
    if len(wanted_terms(question)) > ONE_THING:
        return False
    if _ITS_OWN.match(question.text) or is_keywords(question.text):
        return True
    asking = _OPENING.match(question.text)
    if asking is None:
        return False
    somebody = _OF_SOMEBODY.match(question.text)
    if somebody is not None and not PEOPLE.isdisjoint(terms(somebody.group(1))):
        return False
    return not _FURTHER.search(question.text, asking.end())


def is_keywords(question: str) -> bool:
    """Whether a question is but a few keywords ("kestrel max speed"): it has no word that asks, no order and no mark."""
    words = question.split()
    if not 2 <= len(words) <= MAX_KEYWORDS or "?" in question or _ORDERING.match(question):
        return False
    return not _VERBAL.search(question)


def name_terms(question: str) -> list[str]:
    """Terms of capitalised words (but the first) and of words with digits."""
    words = [m.group() for m in _NAME.finditer(question) if m.start() > 0 or any(c.isdigit() for c in m.group())]
    return [term for word in words for term in terms(word)]


def numbered_names(question: str) -> tuple[str, ...]:
    """Names that end in a number ("Alto 60", "RFC-061"): with another one it is another thing. "In 1969", "May 2009"
    and "List 5 customers" are none.
    """
    found = (match for match in _NUMBERED.finditer(question) if fold(match.group(1)) not in STOP_WORDS)
    return tuple(match.group() for match in found if not _DATING.match(match.group(1)))


def wanted_terms(question: Question) -> frozenset[str]:
    """The question's terms without asked_words; all of them if nothing else is left."""
    asked = {term for word in asked_words(question.text) for term in terms(word)}
    return frozenset(question.terms) - asked or frozenset(question.terms)


def wanted_weights(question: Question) -> Mapping[str, float]:
    """Weight of each term of a question as far as evidence has to hold it.

    On the way through several documents a common word says little. A word of a name counts to the full ("Red Sluice"), and so does
    every word of a question that asks one thing: "who *left* Parcelbox" is not answered by who serves it.
    """
    if says_one_thing(question):
        return question.weights
    common = common_terms().difference(name_terms(question.text))
    return {term: weight * (COMMON if term in common else 1.0) for term, weight in question.weights.items()}
