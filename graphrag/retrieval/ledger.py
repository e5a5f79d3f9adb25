"""The evidence ledger: every candidate passage a question has met, loaded once, with what scoring needs."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrag.filters import Filter
from graphrag.retrieval.keyword import bm25_rank
from graphrag.retrieval.question import Question
from graphrag.stores.base import GraphStore
from graphrag.types import Chunk, Occurrences, Scope, TermHit, TitleLink

MAX_CANDIDATES = 200
"""Candidates fetched for one question at most."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with its relation to the question."""

    chunk: Chunk
    vector: NDArray[np.float32]
    similarity: float
    """Cosine of the chunk's vector and the question's."""
    sentences: NDArray[np.float32]
    """`(n,)` cosine of each sentence and the question; for a chunk without sentences the chunk's own."""
    best_sentence: float
    """The highest of them, at least 0."""
    keyword: float
    """BM25."""
    terms: frozenset[str]
    """Question terms that the passage holds."""
    about: frozenset[str]
    """Keys of what the passage is about."""
    named: bool
    """Whether the question names one of them."""
    phrases: Mapping[str, tuple[int, ...]]
    """Phrase key -> sentences in which it stands."""
    strengths: Mapping[str, float]
    """Entity key -> similarity of the best sentence that mentions it; of the best sentence at all for a subject."""

    def sentence_score(self, indices: Sequence[int]) -> float:
        """Highest similarity among the given sentences, at least 0."""
        return max((max(0.0, float(self.sentences[index])) for index in indices), default=0.0)


class Ledger:
    """Candidates in the order they were met, with the entities and title links that join them.

    Args:
        store: where candidates are loaded from, within `scope` and `filter`.
    """

    def __init__(self, store: GraphStore, scope: Scope, question: Question, filter: Filter | None = None) -> None:
        self.store = store
        self.scope = scope
        self.filter = filter
        self.question = question
        self.candidates: dict[str, Candidate] = {}
        self.links: dict[tuple[str, str], set[str]] = {}
        """(source chunk, target chunk) -> keys by which the source names what the target is about."""
        self.occurrences: dict[str, Occurrences] = {}
        self.expanded: set[str] = set()
        """Chunks whose neighbours have been looked up."""
        self.named = {entity.key for entity in question.entities}
        """Keys that the question names: sharing one says nothing about a second hop."""

    def join(self, occurrences: Iterable[Occurrences], links: Iterable[TitleLink]) -> None:
        """Record what joins passages."""
        self.occurrences.update((found.entity_id, found) for found in occurrences)
        for link in links:
            self.links.setdefault((link.source, link.target), set()).add(link.key)

    @property
    def room(self) -> int:
        """Candidates that may still be added."""
        return MAX_CANDIDATES - len(self.candidates)

    async def add(self, ids: Iterable[str]) -> list[str]:
        """Load those of the chunks that are new, as far as there is room. Returns the ids that were added, in order."""
        fresh = [id_ for id_ in dict.fromkeys(ids) if id_ not in self.candidates][: max(0, self.room)]
        if not fresh:
            return []
        chunks, vectors = await asyncio.gather(
            self.store.chunks(self.scope, fresh, self.filter), self.store.chunk_vectors(self.scope, fresh, self.filter)
        )
        question = self.question
        ranked = (
            bm25_rank(question.terms, [TermHit(c.id, c.terms) for c in chunks], question.statistics)
            if question.terms
            else []
        )
        keyword = {hit.chunk_id: hit.score for hit in ranked}
        wanted = frozenset(question.terms)
        added: list[str] = []
        for chunk in chunks:
            stored = vectors.get(chunk.id)
            if stored is None:
                continue  # deleted between the two reads
            similarity = float(stored.chunk @ question.vector)
            sentences = (
                stored.sentences.astype(np.float32) @ question.sentence_vector
                if len(stored.sentences)
                else np.full(1, similarity, dtype=np.float32)
            )
            about = frozenset(mention.key for mention in chunk.mentions if mention.role == "subject")
            self.candidates[chunk.id] = Candidate(
                chunk=chunk,
                vector=stored.chunk,
                similarity=similarity,
                sentences=sentences,
                best_sentence=max(0.0, float(sentences.max())),
                keyword=keyword.get(chunk.id, 0.0),
                terms=wanted.intersection(chunk.terms.split()),
                about=about,
                named=not about.isdisjoint(self.named),
                phrases={phrase.key: phrase.sentences for phrase in chunk.phrases},
                strengths=_strengths(chunk, sentences.tolist()),
            )
            added.append(chunk.id)
        return added


def _strengths(chunk: Chunk, sentences: Sequence[float]) -> dict[str, float]:
    best = max(0.0, *sentences)
    starts = [start for start, _ in chunk.sentences]
    strengths: dict[str, float] = {}
    for mention in chunk.mentions:
        if mention.role == "subject":
            strengths[mention.key] = best
        else:
            # A mention begins in the core, which the sentences cover.
            found = (bisect_right(starts, start) - 1 for start, _ in mention.spans)
            strengths[mention.key] = max(0.0, 0.0, *(sentences[index] for index in found if index >= 0))
    return strengths
