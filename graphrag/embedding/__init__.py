"""Turning text into vectors: the `Embedder` port and the passage encoder that every embedder is paired with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from graphrag.types import ChunkVectors, Span

Kind = Literal["query", "document"]


class Embedder(Protocol):
    """Embeds texts for vector search. Implementations are safe to share between tasks of one event loop."""

    @property
    def fingerprint(self) -> str:
        """Model name, dimension and prefix rule: vectors with another fingerprint are not comparable."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        ...

    @property
    def scale(self) -> float:
        """What its cosines are multiplied by where passages are scored, so that they vary as much as those for which the weights of
        chain search were chosen: 1 for the shipped model and all of which nothing else is known.
        """
        ...

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """Embed texts in order.

        Returns:
            `(len(texts), dimension)` float32, unit length. Input beyond the model's limit is cut.

        Raises:
            ModelUnavailableError: the model is elsewhere and does not answer: search by words and graph goes on without.
            ModelError: the model failed.
        """
        ...

    async def aclose(self) -> None:
        """Free what it holds, threads or connections. Closing twice is a no-op."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as the encoder sees it."""

    prefix: str
    """The chunk's "title > heading", or empty."""
    text: str
    sentences: tuple[Span, ...]
    """Ascending spans within `text`; they need not cover it."""


def passage_text(prefix: str, text: str) -> str:
    """A passage as a model that takes plain texts is given it."""
    return f"{prefix}\n{text}" if prefix else text


@runtime_checkable
class PassageEncoder(Protocol):
    """A local embedder that gives a passage's vector and those of its sentences in one forward pass (late chunking)."""

    @property
    def fingerprint(self) -> str:
        """As Embedder.fingerprint."""
        ...

    @property
    def scale(self) -> float:
        """As Embedder.scale, for the vectors of sentences."""
        ...

    async def encode(self, passages: Sequence[Passage]) -> list[ChunkVectors]:
        """Encode passages in order.

        `chunk` is the vector of the prefixed text: the mean over its windows, weighted by tokens, unit length. A sentence's
        vector is the mean of its token states in the one window that holds it, unit length; the vector of a sentence
        without tokens is the chunk's.

        Raises:
            ModelError: the model failed.
        """
        ...

    async def aclose(self) -> None:
        """As Embedder.aclose."""
        ...
