"""Reading what kind of answer a question asks for."""

import re

from agent.spans.wanted import NOUNS
from graphrag.analysis import terms
from graphrag.retrieval.question import Question

_ASKED = re.compile(
    r"\b(?:how\s+(?:much|many)\s+(money|time|people)\b|how\s+(\w+)|(?:which|what)\s+(?:kind\s+of\s+|type\s+of\s+|is\s+the\s+|was\s+the\s+|are\s+the\s+|were\s+the\s+)?(\w+)|(who|when|where)\b)",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"(?:which|what)\s+(?:is|was|are|were)\s+the\s+", re.IGNORECASE)
# Any number will not do: "what is the salary of" wants evidence that speaks of one. A number or an amount of things is never said.
_MEASURED = frozenset(term for term, kind in NOUNS.items() if kind == "number") - frozenset(terms("number amount"))
_ORDER = re.compile(
    r"\s*(?:please\s+|(?:can|could)\s+you\s+)?"
    r"(?:(?:tell|give|show|find)(?:\s+me)?|list|name|enumerate|explain|describe|summari[sz]e)\b",
    re.IGNORECASE,
)
_COMPARING = frozenset(
    """
    earlier later earliest latest longer shorter older younger oldest youngest newer bigger larger smaller higher lower taller
    cheaper cheapest expensive first last
    """.split()
)


# "the company that makes ...", "the city in which ...": what does is a company, what lies there a city.
_DESCRIBED = re.compile(
    r"\b(?:the|an?)\s+(?:same\s+)?(company|firm|business|organi[sz]ation|person|people|man|woman|place|city|town|village|country|state)\s+"
    r"(?:that|which|who|whose|whom|where|based|behind|located|responsible|(?:at|by|for|from|in|of|on|to|under|with)\s+wh(?:ich|om|ose))\b",
    re.IGNORECASE,
)


def asked_words(question: str) -> frozenset[str]:
    """Words that say what kind of answer is wanted ("how *long*", "which *company*"), case-folded.

    So do those of an order ("*list* the members") and, of two things, by what they are compared ("*earlier*, A or B"), and those
    that say what kind of thing a clause describes ("the *company* that makes ..."). The evidence need not hold any of them: what
    it speaks of is of that kind without saying so.
    """
    asked: set[str] = set()
    for match in _ASKED.finditer(question):
        words = {word.casefold() for word in match.groups() if word}
        if not (_ATTRIBUTE.match(match.group()) and _MEASURED.intersection(terms(" ".join(words)))):
            asked |= words
    asked.update(match.group(1).casefold() for match in _DESCRIBED.finditer(question))
    order = _ORDER.match(question)
    if order is not None:
        asked.update(order.group().casefold().split())
    words = question.casefold().split()
    if "or" in words:
        asked |= _COMPARING.intersection(word.strip(",?") for word in words)
    return frozenset(asked)


def wanted_terms(question: Question) -> frozenset[str]:
    """The question's terms without asked_words; all of them if nothing else is left."""
    asked = {term for word in asked_words(question.text) for term in terms(word)}
    return frozenset(question.terms) - asked or frozenset(question.terms)
