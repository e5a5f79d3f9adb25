"""Detecting what a text without title or heading is about, and under which names others may mention it.

What a chunk is about is the most valuable edge of the graph (docs/benchmarks.md), so texts that do not say it in a title
are read for it: the beginning of the first sentence, up to the verb that defines it ("Nicholas Lofton "Nick" Hexum (born
1970) *is* an American singer"), or else the grammatical subject. A person is mentioned under shorter names than the one
that a text introduces; these count as well, as do names that the sentence gives itself ("better known as").
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from graphrag.analysis import is_subject_key, normalise
from graphrag.extraction.relations import SUBJECTS

if TYPE_CHECKING:
    from spacy.tokens import Doc

_MOST_WORDS = 10
_MAX_SENTENCE = 400
_DEFINES = re.compile(
    r"\s(?:is|was|are|were|has been|have been|refers to|may refer to|consists? of|comprises?|covers?|describes?|applies)\s"
)
_PARENTHESES = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_QUOTES = re.compile(r"[\"“”„`]|''|(?<!\w)['‘’]|['‘’](?!\w)")
_QUOTED = re.compile(r"[\"“]([^\"“”]+)[\"”]")
_ALTERNATIVES = re.compile(r",?\s+or\s+")
_KNOWN_AS = re.compile(
    r"\b(?:known|abbreviated|referred to)(?: (?:simply|professionally|collectively))? (?:as|to as)\s+(?:the\s+)?[\"“]?"
    r"((?:[A-Z][\w’'&.-]*)(?:\s+(?:of|the|and|de|van|von)?\s*[A-Z0-9][\w’'&.-]*)*)"
)
_TITLE_WITH_PLACE = re.compile(r"[^,]+,\s+[A-Z]\w+")
_NAME_SUFFIXES = frozenset("jr sr ii iii iv phd md".split())
_CLAUSES = frozenset({"appos", "relcl", "acl", "advcl", "parataxis"})
_AMOUNTS = frozenset("DATE TIME CARDINAL ORDINAL PERCENT MONEY QUANTITY".split())
"""Labels of entities that no text is about."""
_NO_NAME = frozenset(
    """
    this these that those it he she they we i you there here his her its their our my your who what which all both each
    some many most much several one two three another other in on at by from during after before since when while as
    for to of with although though if because under between however early late
    """.split()
)
"""First words of a sentence or subject that names nothing."""


def detect_subjects(doc: "Doc", first: "Doc") -> tuple[str, ...]:
    """Names of what a text is about, the one that it uses first; empty if it does not say.

    Args:
        doc: the text, with named entities.
        first: its first sentence, parsed.
    """
    text = doc.text.lstrip().partition("\n")[0][:_MAX_SENTENCE]
    subject = _defined(text) or _grammatical(first) or _first_entity(doc)
    if not subject:
        return ()
    people = [entity.text for entity in doc.ents if entity.label_ == "PERSON"]
    found: dict[str, None] = {}
    for part in _ALTERNATIVES.split(subject):
        found[_clean(_QUOTED.sub(" ", part)) or _clean(part)] = None
        if any(part in person or person in part for person in people):
            found.update(dict.fromkeys(_short_names(part)))
    beginning = text[: text.find(". ") if ". " in text else len(text)]
    found.update(dict.fromkeys(_clean(match.group(1)) for match in _KNOWN_AS.finditer(beginning)))
    return tuple(name for name in found if is_subject_key(normalise(name)))


def _defined(text: str) -> str:
    """What stands before the verb of a definition, without parentheses; empty if that does not read like a name."""
    plain = _PARENTHESES.sub("", _PARENTHESES.sub("", text))
    verb = _DEFINES.search(plain)
    if verb is None:
        return ""
    before = plain[: verb.start()]
    if not _TITLE_WITH_PLACE.fullmatch(before):
        before = before.partition(",")[0]
    words = before.split()
    if not words or len(words) > _MOST_WORDS or words[0].casefold() in _NO_NAME:
        return ""
    first = words[0].lstrip("\"“‘'`")[:1]
    return before if first.isupper() or first.isdigit() else ""


def _grammatical(sentence: "Doc") -> str:
    """The grammatical subject with what belongs to it, without appositions and clauses."""
    subjects = [token for token in sentence if token.dep_ in SUBJECTS]
    if not subjects:
        return ""
    subject = next((token for token in subjects if token.head.dep_ == "ROOT"), subjects[0])
    after = sentence[subject.i + 1 : subject.right_edge.i + 1]
    clauses = [token.left_edge.i for token in after if token.dep_ in _CLAUSES and token.head.i <= subject.i]
    ends = [token.i for token in after if token.text in "(,;:–—"] + clauses
    end = max(min(ends, default=subject.right_edge.i + 1), subject.i + 1)
    span = sentence[subject.left_edge.i : end]
    return "" if len(span) > _MOST_WORDS or span[0].lower_ in _NO_NAME else span.text


def _first_entity(doc: "Doc") -> str:
    return next((entity.text for entity in doc.ents if entity.label_ not in _AMOUNTS), "")


def _short_names(name: str) -> Iterator[str]:
    """Shorter names of a person: by nickname, without middle names, by the second given name."""
    words = [
        word
        for word in _QUOTED.sub(" ", name).replace(",", " ").split()
        if word.casefold().strip(".") not in _NAME_SUFFIXES
    ]
    if len(words) < 2 or not all(word[0].isupper() for word in words):
        return
    nickname = _QUOTED.search(name)
    if nickname is not None and " " not in nickname.group(1).strip():
        yield f"{nickname.group(1).strip()} {words[-1]}"
    if len(words) >= 3:
        yield f"{words[0]} {words[-1]}"
    if len(words) == 3 and len(words[1].strip(".")) > 1:
        yield f"{words[1]} {words[2]}"


def _clean(name: str) -> str:
    return " ".join(_QUOTES.sub("", name).split()).strip(" ,;:*-–—.")
