"""Title links: which chunk names, by a phrase of its text, what another chunk is about. See GraphStore.title_links."""

from collections.abc import Sequence
from heapq import nsmallest
from itertools import chain

import numpy as np

from graphrag.analysis import longest_matches
from graphrag.filters import Filter
from graphrag.stores.embedded.index import MemoryIndex
from graphrag.stores.rows import decode_phrases
from graphrag.types import Scope, TitleLink

_End = tuple[str, str]
"""The chunk at the far end of a link, and the key."""
_KEPT_VIEWS = 16
_KEPT_KEYS = 20_000


class TitleLinks:
    """Finds title links, and keeps what it finds on the way. Whoever owns it clears it when the index has changed."""

    def __init__(self) -> None:
        self._views: dict[tuple[Scope, Filter | None, int], _View] = {}

    def clear(self) -> None:
        """Forget all."""
        self._views.clear()

    def at(
        self, index: MemoryIndex, scope: Scope, chunk_ids: Sequence[str], limit: int, filter: Filter | None
    ) -> list[TitleLink]:
        """See GraphStore.title_links; `limit` is at least 1."""
        view = self._views.get((scope, filter, limit))
        if view is None:
            if len(self._views) >= _KEPT_VIEWS:
                self._views.clear()
            view = self._views[scope, filter, limit] = _View(index, scope, limit, filter)
        return view.links(index.visible_ids(scope, chunk_ids, filter))


class _View:
    """The links that one caller sees. The first targets of the links by a key are the same at whatever chunk."""

    def __init__(self, index: MemoryIndex, scope: Scope, limit: int, filter: Filter | None) -> None:
        self._index = index
        self._limit = limit
        self._mask = index.visible(scope, filter)
        self._about = index.subjects(scope.tenant)
        self._is_subject: dict[str, bool] = {}
        self._matches: dict[int, tuple[str, ...]] = {}
        self._targets: dict[str, list[_End]] = {}

    def links(self, ids: Sequence[str]) -> list[TitleLink]:
        """Links out of visible chunks."""
        if len(self._targets) > _KEPT_KEYS:
            self._targets.clear()
        found: list[tuple[str, str, str]] = []
        for id_ in ids:
            row = self._index.row_of[id_]
            own = self._index.subject_keys[row]
            ends = chain.from_iterable([self._ends_about(key) for key in self._longest(row) if key not in own])
            found += [(id_, target, key) for target, key in nsmallest(self._limit, ends)]
        return [TitleLink(*link) for link in sorted(found)]

    def _ends_about(self, key: str) -> list[_End]:
        """The first chunks that are about the key."""
        found = self._targets.get(key)
        if found is None:
            rows = np.array(self._about[key], dtype=np.int32)
            ids = self._index.first_ids(rows[self._mask[rows]], self._limit)
            found = self._targets[key] = [(id_, key) for id_ in ids]
        return found

    def _longest(self, row: int) -> tuple[str, ...]:
        """The chunk's phrases that are longest matches, as graphrag.analysis.longest_matches has them."""
        found = self._matches.get(row)
        if found is None:
            about = self._about
            phrases = decode_phrases(self._index.phrases[row])
            matching = [key for key in phrases if key in about and self._subject(key)]
            found = self._matches[row] = tuple(longest_matches(phrases, matching))
        return found

    def _subject(self, key: str) -> bool:
        """Whether a visible chunk is about the key, which is known as a subject."""
        found = self._is_subject.get(key)
        if found is None:
            found = self._is_subject[key] = any(map(self._mask.item, self._about[key]))
        return found
