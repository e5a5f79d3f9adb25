"""Which chunks hold a term, and how often."""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, count, pairwise

import numpy as np
from numpy.typing import NDArray

from graphrag.stores.embedded.columns import view

_TOGETHER = 4_000


class Postings:
    """Postings of chunk rows, which are added in ascending order.

    Chunks wait until they are _TOGETHER or a term is looked up, and are then posted at once: their terms are sorted as numbers, and what a term has of
    them is appended in one piece. One by one, terms take two thirds of the time in which a large store is opened.
    """

    def __init__(self) -> None:
        self._codes: defaultdict[str, int] = defaultdict(count().__next__)
        """A number for each term, in the order in which they came."""
        self._held: list[array[int]] = []
        """By code: row and count, again and again."""
        self._waiting: list[tuple[int, Sequence[str]]] = []

    def add(self, row: int, words: Sequence[str]) -> None:
        """Add a chunk by its terms, as often as it holds each."""
        self._waiting.append((row, words))
        if len(self._waiting) == _TOGETHER:
            self._post()

    def of(self, term: str) -> NDArray[np.int32]:
        """`(chunks, 2)` rows of the chunks that hold the term, ascending, and how often; a view (see columns.view)."""
        self._post()
        code = self._codes.get(term)
        return np.zeros((0, 2), dtype=np.int32) if code is None else view(self._held[code], 2)

    def _post(self) -> None:
        if not self._waiting:
            return
        rows = np.array([row for row, _ in self._waiting], dtype=np.int32)
        lengths = [len(words) for _, words in self._waiting]
        words = chain.from_iterable(words for _, words in self._waiting)
        codes = np.fromiter(map(self._codes.__getitem__, words), dtype=np.int64, count=sum(lengths))
        self._waiting.clear()
        self._held += [array("i") for _ in range(len(self._codes) - len(self._held))]
        pairs, counts = np.unique(codes * len(rows) + np.repeat(np.arange(len(rows)), lengths), return_counts=True)
        terms, places = np.divmod(pairs, len(rows))
        data = memoryview(np.column_stack((rows[places], counts.astype(np.int32))).tobytes())
        starts = np.flatnonzero(np.diff(terms, prepend=-1))
        bounds = [*(starts * 8).tolist(), len(data)]
        for code, (start, end) in zip(terms[starts].tolist(), pairwise(bounds), strict=True):
            self._held[code].frombytes(data[start:end])
