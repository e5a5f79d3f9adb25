"""What a document itself says of the names that were recognised in it.

A recogniser reads a passage at a time and guesses at words that it has never seen. A document as a whole says more: that a
word which opens a line is elsewhere written small, or that a name is one of "Dr" somebody.
"""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from graphrag.analysis import GENERIC_SUBJECTS, fold, normalise
from graphrag.extraction import ChunkText, DocumentText
from graphrag.extraction.mentions import Recognised
from graphrag.extraction.names import name_of

_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_WITHIN = re.compile(r"[\w,;%&/]\Z")
"""The end of what precedes a word that does not open a sentence, line, cell or quotation."""
_INITIALS = re.compile(r"(?!U\. S\.)(?:[A-Z]\. ){1,3}[A-Z][^\W\d_]{2,}(?:-[A-Z][^\W\d_]+)?\Z")
_TITLED = re.compile(r"(?:Mr|Mrs|Ms|Mx|Dr|Prof|Professor|Sir|Dame)\.? [A-Z]")
_AFTER_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Mx|Dr|Prof|Sir|Dame)\.? \Z")
_DIGIT = re.compile(r"\d")
_GUESSED = frozenset({"", "PERSON", "ORG", "GPE", "LOC", "FAC", "NORP", "PRODUCT", "WORK_OF_ART", "EVENT", "LAW"})
_NOT_COMPANIES = frozenset({"", "PERSON", "GPE", "LOC", "FAC", "NORP", "PRODUCT"})
_NO_NUMBER = frozenset({"PERSON", "NORP", "GPE", "LANGUAGE"})
_ORGANISATIONS = frozenset(
    """
    academy agency association authority bank board bureau club college commission committee company cooperative corporation
    council department federation foundation group holdings hospital industries institute laboratory league ministry museum
    orchestra organisation organization school services society systems team technologies union university
    """.split()
)
"""Last words of names of organisations that are hardly any person's surname."""
_PLACES = {
    **dict.fromkeys(
        "airport avenue boulevard building motorway railway road square stadium station street terminal".split(), "FAC"
    ),
    **dict.fromkeys("island islands mountain mountains ocean peninsula river valley".split(), "LOC"),
}


def weighed(document: DocumentText, recognised: Sequence[Sequence[Recognised]]) -> list[list[Recognised]]:
    """The named spans of each chunk without those that are plain words, with the types that the document gives away."""
    small, inside = _words(document.chunks)
    headings = {normalise(heading) for chunk in document.chunks for heading in chunk.headings}
    titled = set(normalise(document.title).split())
    plain = (small | headings | GENERIC_SUBJECTS) - inside - titled
    kept = [[span for span in spans if not _is_plain_word(span, plain)] for spans in recognised]
    types = dict(_types(document.chunks, kept))
    return [
        [
            replace(span, type=types.get(normalise(span.surface), span.type)) if span.type in _GUESSED else span
            for span in spans
        ]
        for spans in kept
    ]


def _words(chunks: Sequence[ChunkText]) -> tuple[set[str], set[str]]:
    """Words that a document writes small, and those that it writes with a capital letter within a sentence."""
    small: set[str] = set()
    inside: set[str] = set()
    for chunk in chunks:
        text = chunk.core
        for match in _WORD.finditer(text):
            word = match.group()
            if word.islower():
                small.add(word)
            elif word[0].isupper() and _WITHIN.search(text[max(0, match.start() - 4) : match.start()].rstrip(" ")[-1:]):
                inside.add(fold(word))
    return small, inside


def _is_plain_word(span: Recognised, plain: Set[str]) -> bool:
    """Whether a span is one word that is capitalised only because it opens something."""
    return (
        span.type in _GUESSED
        and span.surface[1:].islower()
        and _WORD.fullmatch(span.surface) is not None
        and fold(span.surface) in plain
    )


def _types(chunks: Sequence[ChunkText], recognised: Sequence[Sequence[Recognised]]) -> Iterator[tuple[str, str]]:
    """Keys with the types that titles, initials, legal forms and last words give away."""
    for chunk, spans in zip(chunks, recognised, strict=True):
        for span in spans:
            key = normalise(span.surface)
            before = chunk.text[max(0, span.start - chunk.start - 7) : span.start - chunk.start]
            if _INITIALS.match(span.surface) or _TITLED.match(span.surface) or _AFTER_TITLE.search(before):
                yield key, "PERSON"
            elif span.type in _NO_NUMBER and _DIGIT.search(span.surface):
                yield key, ""
            elif span.type in _NOT_COMPANIES and name_of(key).legal:
                yield key, "ORG"
            elif span.type in ("", "PERSON", "NORP"):
                first, *_, last = key.split() if " " in key else ("", "")
                if last in _ORGANISATIONS or first == "team":
                    yield key, "ORG"
                elif last in _PLACES:
                    yield key, _PLACES[last]
