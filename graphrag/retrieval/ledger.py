"""The evidence ledger: every candidate passage a question has met, loaded once, with what scoring needs."""

import asyncio
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrag.analysis import held_terms, longest_matches
from graphrag.filters import Filter
from graphrag.lives import implied_terms
from graphrag.retrieval.keyword import bm25_rank
from graphrag.retrieval.question import Question
from graphrag.retrieval.weights import WEIGHTS, Weights
from graphrag.stores.base import GraphStore
from graphrag.types import Chunk, Occurrences, Phrase, Scope, TermHit, TitleLink

MAX_CANDIDATES = 200
"""Candidates fetched for one question at most."""
SIMILARITY_DECIMALS = 6


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
    """Question terms that the passage holds, or of whose family it holds one ("made", asked for the maker), or that dates of a
    life imply ("born")."""
    words: frozenset[str]
    """All its distinct terms."""
    about: frozenset[str]
    """Keys of what the passage is about."""
    named: bool
    """Whether the question names one of them."""
    mentioned: float
    """Rarity of the rarest entity of the question that it mentions or is about; 0 without any."""
    naming: frozenset[str]
    """Keys of its phrases, which may name what other passages are about."""
    strengths: Mapping[str, float]
    """Entity key -> similarity of the best sentence that mentions it; of the best sentence at all for a subject."""

    def naming_score(self, key: str) -> float:
        """Similarity of the best sentence that holds the phrase, at least 0; 0 if none does."""
        phrases = self.chunk.phrases
        place = bisect_left(phrases, key, key=_phrase_key)
        if place == len(phrases) or phrases[place].key != key:
            return 0.0
        return max((max(0.0, float(self.sentences[index])) for index in phrases[place].sentences), default=0.0)


def _phrase_key(phrase: Phrase) -> str:
    return phrase.key


class Ledger:
    """Candidates in the order they were met, with the entities and title links that join them.

    What joins the candidates among each other is seen from what they hold; how common an entity is beyond them, and what
    else it leads to, is known once it has been looked up (graphrag.retrieval.graph.expand).

    Args:
        store: where candidates are loaded from, within `scope` and `filter`.
        joined: whether anything joins passages; without it, each stands for itself.
        weights: of the terms by which the candidates are scored.
    """

    def __init__(
        self,
        store: GraphStore,
        scope: Scope,
        question: Question,
        filter: Filter | None = None,
        *,
        joined: bool = True,
        weights: Weights = WEIGHTS,
    ) -> None:
        self.store = store
        self.scope = scope
        self.filter = filter
        self.question = question
        self.joined = joined
        self.weights = weights
        self._about: dict[str, list[str]] = {}
        self._adding = asyncio.Lock()
        self.candidates: dict[str, Candidate] = {}
        self.links: dict[tuple[str, str], set[str]] = {}
        """(source chunk, target chunk) -> keys by which the source names what the target is about."""
        self.occurrences: dict[str, Occurrences] = {}
        self.expanded: set[str] = set()
        """Chunks whose neighbours have been looked up."""
        self.entity_ids: dict[str, str] = {}
        """By entity key."""
        self.holders: dict[str, list[int]] = {}
        """Which candidates mention an entity, as places in the order in which they were met. By entity key, without `named`."""
        self.named = {entity.key: rarity(entity.chunk_count) for entity in question.entities}
        """Keys that the question names, with their rarity: sharing one says nothing about a second hop."""

    def join(self, occurrences: Iterable[Occurrences], links: Iterable[TitleLink]) -> None:
        """Record what joins passages."""
        self.occurrences.update((found.entity_id, found) for found in occurrences)
        for link in links:
            self.links.setdefault((link.source, link.target), set()).add(link.key)

    def _link(self, added: Sequence[Chunk]) -> None:
        """Record the title links among the candidates, from and to those that were added."""
        fresh = {chunk.id for chunk in added}
        for chunk in added:
            for key in self.candidates[chunk.id].about:
                self._about.setdefault(key, []).append(chunk.id)
        subjects = frozenset(self._about)
        for candidate in self.candidates.values():
            keys = (candidate.naming & subjects) - candidate.about
            if keys:
                source = candidate.chunk
                # A name within a longer one, "York" in "New York", names something else.
                names = keys | candidate.strengths.keys()
                sentences = {phrase.key: phrase.sentences for phrase in source.phrases if phrase.key in names}
                for key in longest_matches(sentences, names, keys):
                    for target in self._about[key]:
                        if source.id in fresh or target in fresh:
                            self.links.setdefault((source.id, target), set()).add(key)

    async def add(self, ids: Iterable[str]) -> list[str]:
        """Load those of the chunks that are new, as far as there is room. Returns the ids that were added, in order."""
        async with self._adding:  # one at a time, so that the room is what it was found to be
            return await self._add(ids)

    async def _add(self, ids: Iterable[str]) -> list[str]:
        fresh = [id_ for id_ in dict.fromkeys(ids) if id_ not in self.candidates][
            : MAX_CANDIDATES - len(self.candidates)
        ]
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
        chunks = [chunk for chunk in chunks if chunk.id in vectors]  # others were deleted between the two reads
        if not chunks:
            return []
        # All in one product: one for each passage costs several times as much. Rounded, since the last digits of a
        # product depend on the place of a row in it.
        rows = np.concatenate([vectors[chunk.id].sentences for chunk in chunks]).astype(np.float32)
        flat = np.round(rows @ question.sentence_vector, SIMILARITY_DECIMALS)
        ends = np.cumsum([len(vectors[chunk.id].sentences) for chunk in chunks]).tolist()
        added: list[str] = []
        for chunk, end in zip(chunks, ends, strict=True):
            stored = vectors[chunk.id]
            similarity = round(float(stored.chunk @ question.vector), SIMILARITY_DECIMALS)
            sentences = flat[end - len(stored.sentences) : end]
            if not len(sentences):
                sentences = np.full(1, similarity, dtype=np.float32)
            about = frozenset(mention.key for mention in chunk.mentions if mention.role == "subject")
            strengths = _strengths(chunk, sentences.tolist())
            words = frozenset(chunk.terms.split())
            place = len(self.candidates)
            for mention in chunk.mentions:
                key = mention.key
                if key in self.holders:
                    self.holders[key].append(place)
                elif key not in self.named:
                    self.holders[key], self.entity_ids[key] = [place], mention.entity_id
            self.candidates[chunk.id] = Candidate(
                chunk=chunk,
                vector=stored.chunk,
                similarity=similarity,
                sentences=sentences,
                best_sentence=max(0.0, float(sentences.max())),
                keyword=keyword.get(chunk.id, 0.0),
                terms=held_terms(question.terms, words | implied_terms(chunk)),
                words=words,
                about=about,
                named=not about.isdisjoint(self.named),
                mentioned=max((rare for key, rare in self.named.items() if key in strengths), default=0.0),
                naming=frozenset([phrase.key for phrase in chunk.phrases]),
                strengths=strengths,
            )
            added.append(chunk.id)
        if self.joined:
            self._link(chunks)
        return added


def rarity(chunks: int) -> float:
    """How much sharing an entity says: 1 / log2(1 + chunks that mention it), 1 for an entity in one chunk."""
    return 1 / math.log2(1 + max(1, chunks))


def _strengths(chunk: Chunk, sentences: Sequence[float]) -> dict[str, float]:
    best = max(0.0, *sentences)
    starts = [start for start, _ in chunk.sentences]
    strengths: dict[str, float] = {}
    for mention in chunk.mentions:
        strength = 0.0
        if mention.role == "subject":
            strength = best
        elif starts:
            for start, _ in mention.spans:  # each begins in the core, which the sentences cover
                score = sentences[max(0, bisect_right(starts, start) - 1)]
                if score > strength:
                    strength = score
        strengths[mention.key] = strength
    return strengths
