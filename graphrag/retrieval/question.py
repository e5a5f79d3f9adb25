"""Reading a question: its vectors, its terms with their weights, and the entities that it names."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrag.analysis import asked_terms, fold, question_phrases
from graphrag.bm25 import idf
from graphrag.embedding import Embedder, Passage, PassageEncoder
from graphrag.errors import InputError
from graphrag.retrieval.courtesy import without_courtesy
from graphrag.retrieval.spelling import corrected
from graphrag.stores.base import GraphStore
from graphrag.types import Entity, Scope, TermStatistics, check_text

MIN_CHARACTERS = 3
MAX_CHARACTERS = 4_000
MAX_NAMED_ENTITIES = 20
FEW_CHUNKS = 100
"""Among fewer passages frequencies say little: of two, a word that one of them holds would weigh 0.4 of one that none holds."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as retrieval sees it."""

    text: str
    """As it was asked, but for slips of the pen and courtesies."""
    vector: NDArray[np.float32]
    """`(dim,)`, unit length, comparable with chunk vectors: to search with."""
    passage_vector: NDArray[np.float32]
    """The same times the embedder's scale: to score passages with."""
    sentence_vector: NDArray[np.float32]
    """`(sentence_dim,)`, comparable with sentence vectors, times the encoder's scale."""
    terms: tuple[str, ...]
    """Distinct, in order."""
    statistics: TermStatistics
    weights: Mapping[str, float]
    """Inverse document frequency of each term, as among at least FEW_CHUNKS passages; an unseen term has the highest."""
    entities: tuple[Entity, ...]
    """Entities named in the question, longest name first."""

    @property
    def total_weight(self) -> float:
        """Sum of the weights, at least a tiny number."""
        return sum(self.weights.values()) or 1e-9


def check_question(text: str) -> str:
    """The question without surrounding space.

    Raises:
        InputError: it is no valid Unicode, shorter than MIN_CHARACTERS, longer than MAX_CHARACTERS, or holds no word.
    """
    text = check_text("the question", text.strip())
    if len(text) < MIN_CHARACTERS:
        raise InputError(f"the question has {len(text)} characters; ask with at least {MIN_CHARACTERS}")
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the question has {len(text)} characters; at most {MAX_CHARACTERS} are accepted: shorten it")
    if not any(character.isalnum() for character in text):
        raise InputError(f"the question {text!r} holds no word; ask in words")
    return text


async def read_question(
    store: GraphStore, embedder: Embedder, encoder: PassageEncoder, scope: Scope, text: str
) -> Question:
    """Analyse a question against what the scope sees, without courtesies (graphrag.retrieval.courtesy) and slips of the pen
    (graphrag.retrieval.spelling).

    Raises:
        InputError: as check_question.
    """
    text = without_courtesy(check_question(text))
    question = await _read(store, embedder, encoder, scope, text)
    meant = await corrected(store, scope, text, question.statistics)
    return question if meant == text else await _read(store, embedder, encoder, scope, meant)


async def _read(store: GraphStore, embedder: Embedder, encoder: PassageEncoder, scope: Scope, text: str) -> Question:
    distinct = asked_terms(text)
    phrases = question_phrases(text)
    (vector, sentence_vector), statistics, entities = await asyncio.gather(
        _embed(embedder, encoder, text),
        store.term_statistics(scope, distinct),
        store.find_entities(scope, keys=phrases, limit=200),
    )
    chunks = max(statistics.chunks, FEW_CHUNKS)
    weights = {term: idf(chunks, statistics.frequency.get(term, 0)) for term in distinct}
    return Question(
        text,
        vector,
        vector * embedder.scale,
        sentence_vector * encoder.scale,
        distinct,
        statistics,
        weights,
        _named(text, phrases, entities),
    )


async def _embed(
    embedder: Embedder, encoder: PassageEncoder, text: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if embedder.fingerprint == encoder.fingerprint:
        vector = (await embedder.embed([text], "query"))[0]
        return vector, vector
    embedded, encoded = await asyncio.gather(embedder.embed([text], "query"), encoder.encode([Passage("", text, ())]))
    return embedded[0], encoded[0].chunk


def _named(text: str, phrases: list[str], entities: list[Entity]) -> tuple[Entity, ...]:
    """Entities whose name stands in the question; a name inside a longer one that also stands there is passed over."""
    by_key = {entity.key: entity for entity in entities}
    capitalised = {fold(word) for word in re.findall(r"\w+", text) if word[0].isupper() or word[0].isdigit()}
    kept: list[Entity] = []
    for phrase in phrases:  # longest first
        entity = by_key.get(phrase)
        if entity is None or any(f" {phrase} " in f" {other.key} " for other in kept):
            continue
        # A single lower-case word is a name only if people write the name in lower case.
        if " " not in phrase and phrase not in capitalised and not entity.name.islower():
            continue
        kept.append(entity)
    return tuple(kept[:MAX_NAMED_ENTITIES])
