"""An embedder without a model: hashed bags of terms and character trigrams. Deterministic, fast, lexical only."""

import asyncio
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphrag.analysis import terms
from graphrag.embedding import Kind, Passage
from graphrag.types import ChunkVectors

_TRIGRAM_WEIGHT = 0.2


class Hashing:
    """Implements Embedder and PassageEncoder with signed feature hashing (Weinberger et al., 2009).

    A stemmed term weighs 1 and each trigram of it 0.2, so that misspelt and related words are near. Text without terms
    gets the first axis. Sentence vectors are those of the sentences' own text.
    """

    def __init__(self, dimension: int = 256) -> None:
        self._dimension = dimension
        self._features: dict[str, tuple[NDArray[np.intp], NDArray[np.float32]]] = {}

    @property
    def fingerprint(self) -> str:
        """As Embedder.fingerprint."""
        return f"hashing/{self._dimension}/v1"

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._dimension

    @property
    def scale(self) -> float:
        """As Embedder.scale."""
        return 1.0

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """As Embedder.embed; queries and documents are treated alike."""
        return await asyncio.to_thread(self._embed, texts)

    async def aclose(self) -> None:
        """It holds nothing."""

    async def encode(self, passages: Sequence[Passage]) -> list[ChunkVectors]:
        """As PassageEncoder.encode."""
        return await asyncio.to_thread(lambda: [self._encode(passage) for passage in passages])

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = _unit(self._sum(text))
        return vectors

    def _encode(self, passage: Passage) -> ChunkVectors:
        # Sums of the parts make the whole, so that each term is analysed once.
        total, position = self._sum(passage.prefix), 0
        sums: list[NDArray[np.float32]] = []
        for start, end in passage.sentences:
            sums.append(self._sum(passage.text[start:end]))
            total += sums[-1] + self._sum(passage.text[position:start])
            position = end
        chunk = _unit(total + self._sum(passage.text[position:]))
        sentences = np.empty((len(sums), self._dimension), dtype=np.float16)
        for row, part in enumerate(sums):
            sentences[row] = _unit(part) if part.any() else chunk
        return ChunkVectors(chunk=chunk, sentences=sentences)

    def _sum(self, text: str) -> NDArray[np.float32]:
        features = [self._term_features(term) for term in terms(text)] if text and not text.isspace() else []
        if not features:
            return np.zeros(self._dimension, dtype=np.float32)
        axes = np.concatenate([axes for axes, _ in features])
        weights = np.concatenate([weights for _, weights in features])
        return np.bincount(axes, weights, minlength=self._dimension).astype(np.float32)

    def _term_features(self, term: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        cached = self._features.get(term)
        if cached is None:
            padded = f"<{term}>"
            trigrams = [padded[index : index + 3] for index in range(len(padded) - 2)]
            hashes = [zlib.crc32(feature.encode()) for feature in (f"term {term}", *trigrams)]
            axes = np.array([(value >> 1) % self._dimension for value in hashes], dtype=np.intp)
            signs = np.array([1.0 if value & 1 else -1.0 for value in hashes], dtype=np.float32)
            cached = axes, signs * np.array([1.0, *[_TRIGRAM_WEIGHT] * len(trigrams)], dtype=np.float32)
            if len(self._features) < 100_000:
                self._features[term] = cached
        return cached


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vector)
    if length < 1e-6:
        axis = np.zeros_like(vector)
        axis[0] = 1.0
        return axis
    return (vector / length).astype(np.float32)
