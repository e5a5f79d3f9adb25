"""Title links: which chunk names, by a phrase of its text, what another chunk is about. See GraphStore.title_links."""

import json
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import islice

import numpy as np

from graphrag.analysis import covers
from graphrag.filters import Filter
from graphrag.stores.embedded.index import MemoryIndex
from graphrag.stores.embedded.sql import marks, parts
from graphrag.types import Scope, TitleLink

_End = tuple[str, str]
"""The chunk at the far end of a link, and the key."""


def title_links(
    connection: sqlite3.Connection,
    index: MemoryIndex,
    scope: Scope,
    chunk_ids: Sequence[str],
    limit: int,
    filter: Filter | None,
) -> list[TitleLink]:
    """See GraphStore.title_links; `limit` is at least 1."""
    ids = index.visible_ids(scope, chunk_ids, filter)
    rows = [index.row_of[id_] for id_ in ids]
    ends = _Ends(connection, index, scope, limit, filter)
    ends.prepare({key for row in rows for key in index.subject_keys[row]})
    links: set[TitleLink] = set()
    for id_, row in zip(ids, rows, strict=True):
        own = index.subject_keys[row]
        # Each list ascends, and holds all of its key that can be among the first.
        out = merge(*[ends.targets(key) for key in ends.named_in(row) if key not in own])
        links.update([TitleLink(id_, target, key) for target, key in islice(out, limit)])
        into = merge(*[ends.sources(key) for key in own])
        links.update([TitleLink(source, id_, key) for source, key in islice(into, limit)])
    return sorted(links, key=_order)


class _Ends:
    """The first ends of the links by each key, for one caller and one limit: they are the same at whatever chunk."""

    def __init__(
        self, connection: sqlite3.Connection, index: MemoryIndex, scope: Scope, limit: int, filter: Filter | None
    ) -> None:
        self._connection = connection
        self._index = index
        self._limit = limit
        self._mask = index.visible(scope, filter)
        self._about = index.subjects(scope.tenant)
        self._is_subject: dict[str, bool] = {}
        self._targets: dict[str, list[_End]] = {}
        self._sources: dict[str, list[_End]] = {}

    def prepare(self, keys: Iterable[str]) -> None:
        """Find the sources of the keys, all with one statement."""
        for part in parts(keys):
            # As one value for each key: a popular key stands in thousands of chunks, and rows are dear.
            for key, numbers in self._connection.execute(
                f"SELECT key, json_group_array(chunk) FROM phrases WHERE key IN ({marks(part)}) GROUP BY key", part
            ):
                self._sources[key] = self._naming(key, json.loads(numbers))

    def _naming(self, key: str, numbers: Sequence[int]) -> list[_End]:
        index = self._index
        # A chunk written since the last change of the index does not exist: both are of one revision.
        rows = np.array([index.row_of_number[number] for number in numbers], dtype=np.int32)
        naming = (
            (index.chunk_ids[row], key)
            for row in index.ascending(rows[self._mask[rows]], self._limit)
            if key not in index.subject_keys[row] and self._names(row, key)
        )
        return list(islice(naming, self._limit))

    def sources(self, key: str) -> list[_End]:
        """The first chunks that name the key, ascending. Of keys that were prepared."""
        return self._sources.get(key, [])

    def targets(self, key: str) -> list[_End]:
        """The first chunks that are about the key, ascending."""
        found = self._targets.get(key)
        if found is None:
            rows = np.array(self._about[key], dtype=np.int32)
            ids = self._index.first_ids(rows[self._mask[rows]], self._limit)
            found = self._targets[key] = [(id_, key) for id_ in ids]
        return found

    def named_in(self, row: int) -> list[str]:
        """The longest matches of the chunk."""
        keys, sentences = self._index.phrases[row]
        about = self._about
        places = [place for place, key in enumerate(keys) if key in about and self._subject(key)]
        matched = [keys[place] for place in places]
        where = [sentences[place] for place in places]
        text = _joined(matched)
        return [
            key
            for key, own in zip(matched, where, strict=True)
            if text.count(f" {key} ") < 2 or not any(True for _ in _covering(key, own, matched, where))
        ]

    def _names(self, row: int, key: str) -> bool:
        """Whether the key, which is a phrase of the chunk, is one of its longest matches."""
        keys, sentences = self._index.phrases[row]
        if _joined(keys).count(f" {key} ") < 2:
            return True
        own = sentences[bisect_left(keys, key)]
        return not any(self._subject(longer) for longer in _covering(key, own, keys, sentences))

    def _subject(self, key: str) -> bool:
        """Whether a visible chunk is about the key."""
        found = self._is_subject.get(key)
        if found is None:
            rows = self._about.get(key)
            found = self._is_subject[key] = rows is not None and any(map(self._mask.item, rows))
        return found


def _joined(keys: Iterable[str]) -> str:
    """The phrases as one text: a run of tokens that stands in it once is in no longer phrase. One search, not hundreds."""
    return f" {' \n '.join(keys)} "


def _covering(
    key: str, own: Sequence[int], keys: Sequence[str], sentences: Sequence[Sequence[int]]
) -> Iterable[str]:
    """Phrases that contain the key and stand in every sentence of it."""
    return (
        longer
        for longer, where in zip(keys, sentences, strict=True)
        if key in longer and covers(longer, key) and set(own).issubset(where)
    )


def _order(link: TitleLink) -> tuple[str, str, str]:
    return (link.source, link.target, link.key)
