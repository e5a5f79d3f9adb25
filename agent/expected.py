"""Reading what kind of answer a question asks for."""

import re

from graphrag.analysis import terms
from graphrag.retrieval.question import Question

_ASKED = re.compile(
    r"\b(?:how\s+(?:much|many)\s+(money|time|people)\b|how\s+(\w+)|(?:which|what)\s+(?:kind\s+of\s+|type\s+of\s+|is\s+the\s+|was\s+the\s+|are\s+the\s+|were\s+the\s+)?(\w+)|(who|when|where)\b)",
    re.IGNORECASE,
)


def asked_words(question: str) -> frozenset[str]:
    """Words that say what kind of answer is wanted ("how *long*", "which *company*"), case-folded.

    The evidence need not hold them: an answer is of that kind without saying so.
    """
    return frozenset(word.casefold() for match in _ASKED.finditer(question) for word in match.groups() if word)


def wanted_terms(question: Question) -> frozenset[str]:
    """The question's terms without asked_words; all of them if nothing else is left."""
    asked = {term for word in asked_words(question.text) for term in terms(word)}
    return frozenset(question.terms) - asked or frozenset(question.terms)
