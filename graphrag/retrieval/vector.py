"""Vector search: nearest chunks by cosine similarity."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphrag.embedding import Embedder, Kind
from graphrag.filters import Filter
from graphrag.stores.base import GraphStore
from graphrag.types import Hit, Scope


class NoVectors:
    """Stands in for an embedder that is away: every vector is zero, so search goes by words and the graph."""

    def __init__(self, embedder: Embedder) -> None:
        self.fingerprint = embedder.fingerprint
        self.dimension = embedder.dimension
        self.scale = embedder.scale

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """See Embedder.embed."""
        return np.zeros((len(texts), self.dimension), dtype=np.float32)

    async def aclose(self) -> None:
        """See Embedder.aclose. What it stands in for is closed by its owner."""


async def embed_query(embedder: Embedder, query: str) -> NDArray[np.float32]:
    """`(dim,)` float32, unit length."""
    return (await embedder.embed([query], "query"))[0]


async def vector_search(
    store: GraphStore, scope: Scope, vector: NDArray[np.float32], k: int, filter: Filter | None = None
) -> list[Hit]:
    """The k chunks nearest to the vector, descending, ties ascending by id; none for the zero vector, which is near nothing.

    The zero vector stands for a question whose vector could not be had (see NoVectors).
    """
    if not vector.any():
        return []
    return (await store.nearest_chunks(scope, vector[None, :], k, filter))[0]


def unexplained(question: NDArray[np.float32], explained_by: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a question still asks after each of some passages: q - 0.5 (q.p) p.

    Args:
        question: `(dim,)` unit length.
        explained_by: `(n, dim)` unit length, the passages.

    Returns:
        `(n, dim)` float32, unit length.
    """
    left = question[None, :] - 0.5 * (explained_by @ question)[:, None] * explained_by
    return (left / (np.linalg.norm(left, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
