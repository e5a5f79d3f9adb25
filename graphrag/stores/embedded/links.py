"""Title links: which chunk names, by a phrase of its text, what another chunk is about. See GraphStore.title_links."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from heapq import nsmallest
from itertools import chain, islice

import numpy as np

from graphrag.analysis import covers
from graphrag.filters import Filter
from graphrag.stores.embedded.index import MemoryIndex
from graphrag.stores.embedded.sql import marks, parts
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
        self,
        connection: sqlite3.Connection,
        index: MemoryIndex,
        scope: Scope,
        chunk_ids: Sequence[str],
        limit: int,
        filter: Filter | None,
    ) -> list[TitleLink]:
        """See GraphStore.title_links; `limit` is at least 1."""
        view = self._views.get((scope, filter, limit))
        if view is None:
            if len(self._views) >= _KEPT_VIEWS:
                self._views.clear()
            view = self._views[scope, filter, limit] = _View(index, scope, limit, filter)
        return view.links(connection, index.visible_ids(scope, chunk_ids, filter))


class _View:
    """The links that one caller sees. The first far ends of the links by a key are the same at whatever chunk."""

    def __init__(self, index: MemoryIndex, scope: Scope, limit: int, filter: Filter | None) -> None:
        self._index = index
        self._limit = limit
        self._mask = index.visible(scope, filter)
        self._about = index.subjects(scope.tenant)
        self._is_subject: dict[str, bool] = {}
        self._matches: dict[int, tuple[str, ...]] = {}
        self._targets: dict[str, list[_End]] = {}
        self._sources: dict[str, list[_End]] = {}

    def links(self, connection: sqlite3.Connection, ids: Sequence[str]) -> list[TitleLink]:
        """Links out of and into visible chunks."""
        index, limit = self._index, self._limit
        rows = [index.row_of[id_] for id_ in ids]
        self._find_sources(connection, {key for row in rows for key in index.subject_keys[row]})
        found: set[tuple[str, str, str]] = set()
        for id_, row in zip(ids, rows, strict=True):
            own = index.subject_keys[row]
            out = chain.from_iterable([self._ends_about(key) for key in self._longest(row) if key not in own])
            found.update([(id_, target, key) for target, key in nsmallest(limit, out)])
            into = chain.from_iterable([self._sources[key] for key in own])
            found.update([(source, id_, key) for source, key in nsmallest(limit, into)])
        return [TitleLink(*link) for link in sorted(found)]

    def _find_sources(self, connection: sqlite3.Connection, keys: set[str]) -> None:
        """Have the first chunks that name each of the keys."""
        if len(self._sources) + len(self._targets) > _KEPT_KEYS:
            self._sources.clear()
            self._targets.clear()
        missing = [key for key in keys if key not in self._sources]
        self._sources.update((key, []) for key in missing)
        for part in parts(missing):
            # One value for each key: a popular one stands in thousands of chunks, and rows are dear.
            for key, numbers in connection.execute(
                f"SELECT key, json_group_array(chunk) FROM phrases WHERE key IN ({marks(part)}) GROUP BY key", part
            ):
                self._sources[key] = self._naming(key, json.loads(numbers))

    def _naming(self, key: str, numbers: Sequence[int]) -> list[_End]:
        index = self._index
        rows = index.row_of_number[np.array(numbers, dtype=np.int64)]
        # As they are asked for, so that a popular key costs no more than its first links.
        naming = (
            (index.chunk_ids[row], key)
            for row in index.ascending(rows[self._mask[rows]], self._limit)
            if key not in index.subject_keys[row] and self._names(row, key)
        )
        return list(islice(naming, self._limit))

    def _names(self, row: int, key: str) -> bool:
        """Whether the key, a subject and one of the chunk's phrases, is a longest match.

        Most are in no longer phrase that is a subject, and that is seen in a fraction of the time that decoding takes.
        """
        stored = self._index.phrases[row]
        if row not in self._matches and "\\" not in stored:  # what stands between quotation marks is a phrase as it is
            holding = [phrase for phrase in stored.split('"') if key in phrase and phrase in self._about]
            if all(phrase == key or not self._subject(phrase) for phrase in holding):
                return True
        return key in self._longest(row)

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
            matched = {key: where for key, where in phrases.items() if key in about and self._subject(key)}
            found = self._matches[row] = _uncovered(list(matched), list(matched.values()))
        return found

    def _subject(self, key: str) -> bool:
        """Whether a visible chunk is about the key, which is known as a subject."""
        found = self._is_subject.get(key)
        if found is None:
            found = self._is_subject[key] = any(map(self._mask.item, self._about[key]))
        return found


def _uncovered(keys: Sequence[str], sentences: Sequence[Sequence[int]]) -> tuple[str, ...]:
    # A run of tokens that stands in this once is in no other key: one search instead of one for each pair.
    text = " " + " \n ".join(keys) + " "
    return tuple(
        [
            key
            for key, own in zip(keys, sentences, strict=True)
            if text.count(f" {key} ") == 1 or not _covered(key, own, zip(keys, sentences, strict=True))
        ]
    )


def _covered(key: str, own: Sequence[int], phrases: Iterable[tuple[str, Sequence[int]]]) -> bool:
    return any(key in longer and covers(longer, key) and set(own).issubset(where) for longer, where in phrases)
