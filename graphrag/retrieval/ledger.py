"""The evidence ledger: every candidate passage a question has met, loaded once, with what scoring needs."""

import asyncio
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from operator import attrgetter, itemgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from graphrag.analysis import held_terms, longest_matches
from graphrag.bm25 import bm25
from graphrag.filters import Filter
from graphrag.lives import LIFE_TERMS, implied_terms
from graphrag.retrieval.question import Question
from graphrag.retrieval.weights import WEIGHTS, Weights
from graphrag.stores.base import SCORE_DECIMALS, GraphStore
from graphrag.types import Chunk, Mention, Occurrences, Scope, TitleLink

MAX_CANDIDATES = 200
"""Candidates fetched for one question at most."""
_KEY = attrgetter("key")


class Candidate(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A passage with its relation to the question. A Struct as Mention is: a question makes two hundred."""

    chunk: Chunk
    vector: NDArray[np.float32]
    similarity: float
    """Cosine of the chunk's vector and the question's, times the embedder's scale."""
    sentences: Sequence[float]
    """Cosine of each sentence and the question, times the encoder's scale; for a chunk without sentences the chunk's own."""
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
    mentions: frozenset[str]
    """Keys of the entities that it mentions or is about."""

    def mention(self, key: str) -> Mention:
        """Its mention of the entity, which is one of `mentions`."""
        return self.chunk.mentions[bisect_left(self.chunk.mentions, key, key=_KEY)]

    def strength(self, key: str) -> float:
        """Similarity of the best sentence that mentions the entity, at least 0; of the best sentence at all for a subject; 0 for an
        entity that it does not mention.
        """
        if key not in self.mentions:
            return 0.0
        mention = self.mention(key)
        if mention.role == "subject":
            return self.best_sentence
        spans = self.chunk.sentences
        if not spans:
            return 0.0
        # Each begins in the core, which the sentences cover.
        places = [max(0, bisect_right(spans, start, key=itemgetter(0)) - 1) for start, _ in mention.spans]
        return max([0.0, *(self.sentences[place] for place in places)])

    def naming_score(self, key: str) -> float:
        """Similarity of the best sentence that holds the phrase, at least 0; 0 if none does."""
        held, best = self.chunk.phrases.get(key, 0), 0.0
        for score in self.sentences:
            if held & 1 and score > best:
                best = score
            held >>= 1
        return best

    def longest(self, names: Set[str]) -> Set[str]:
        """Those of some of its phrases that stand in no longer one of these, or entity: "York" in "New York" names something else."""
        return longest_matches(self.chunk.phrases, self.mentions | names, names)


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
        self.holders: defaultdict[str, list[int]] = defaultdict(list)
        """By entity key: which candidates mention it, as places in the order in which they were met."""
        self.named = {entity.key: rarity(entity.chunk_count) for entity in question.entities}
        """Keys that the question names, with their rarity: sharing one says nothing about a second hop."""

    def join(self, occurrences: Iterable[Occurrences], links: Iterable[TitleLink]) -> None:
        """Record what joins passages."""
        self.occurrences.update((found.entity_id, found) for found in occurrences)
        for link in links:
            self.links.setdefault((link.source, link.target), set()).add(link.key)

    def _link(self, added: Sequence[Chunk]) -> None:
        """Record the title links among the candidates, from and to those that were added."""
        fresh: dict[str, list[str]] = {}
        for chunk in added:
            for key in self.candidates[chunk.id].about:
                fresh.setdefault(key, []).append(chunk.id)
        for key, ids in fresh.items():
            self._about.setdefault(key, []).extend(ids)
        sources, subjects = {chunk.id for chunk in added}, frozenset(self._about)
        for id_, candidate in self.candidates.items():
            targets = self._about if id_ in sources else fresh
            phrases = candidate.chunk.phrases
            if targets is fresh and phrases.keys().isdisjoint(fresh):
                continue
            names = subjects.intersection(phrases) - candidate.about
            for key in candidate.longest(names) if names else ():
                for target in targets.get(key, ()):
                    self.links.setdefault((id_, target), set()).add(key)

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
        found = await self.store.chunks_with_vectors(self.scope, fresh, self.filter)
        if not found:
            return []
        chunks, stored = zip(*found, strict=True)
        question = self.question
        similarities = _cosines(np.stack([of.chunk for of in stored]), question.passage_vector)
        scores = _cosines(np.concatenate([of.sentences for of in stored]), question.sentence_vector)
        words = [chunk.terms.split() for chunk in chunks]
        keyword = bm25(words, question.terms, question.statistics)
        # Looking for dates takes longer than all else that a passage's terms need, and few questions ask for a life.
        lived = bool(held_terms(question.terms, LIFE_TERMS))
        added: list[str] = []
        end = 0
        for place, chunk in enumerate(chunks):
            begin, end = end, end + len(stored[place].sentences)
            sentences = scores[begin:end] or [similarities[place]]
            mentions = frozenset(map(_KEY, chunk.mentions))
            about = frozenset([mention.key for mention in chunk.mentions if mention.role == "subject"])
            held = frozenset(words[place])
            for key in mentions:
                self.holders[key].append(len(self.candidates))
            self.candidates[chunk.id] = Candidate(
                chunk=chunk,
                vector=stored[place].chunk,
                similarity=similarities[place],
                sentences=sentences,
                best_sentence=max(0.0, *sentences),
                keyword=round(keyword[place], SCORE_DECIMALS),
                terms=held_terms(question.terms, held | implied_terms(chunk) if lived else held),
                words=held,
                about=about,
                named=not about.isdisjoint(self.named),
                mentioned=max([rare for key, rare in self.named.items() if key in mentions], default=0.0),
                mentions=mentions,
            )
            added.append(chunk.id)
        if self.joined:
            self._link(chunks)
        return added


def common_share(one: Candidate, other: Candidate) -> float:
    """Share of the terms of two passages that are common to both (Jaccard)."""
    common = len(one.words & other.words)
    return common / max(len(one.words) + len(other.words) - common, 1)


def rarity(chunks: int) -> float:
    """How much sharing an entity says: 1 / log2(1 + chunks that mention it), 1 for an entity in one chunk."""
    return 1 / math.log2(1 + max(1, chunks))


def _cosines(rows: NDArray[np.floating], vector: NDArray[np.float32]) -> list[float]:
    """Of each row and the vector. All in one product: one for each row costs several times as much. Rounded, since the last digits
    of a product depend on the place of a row in it.
    """
    return np.round((rows.astype(np.float32) @ vector).astype(np.float64), SCORE_DECIMALS).tolist()
