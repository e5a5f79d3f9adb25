"""Title links: which chunk names, by a phrase of its text, what another chunk is about. See GraphStore.title_links."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from graphrag.analysis import covers, longest_matches
from graphrag.filters import Filter
from graphrag.stores.embedded.index import MemoryIndex
from graphrag.types import Scope, TitleLink

_PARAMETERS = 500


def title_links(
    connection: sqlite3.Connection,
    index: MemoryIndex,
    scope: Scope,
    rows: Sequence[int],
    limit: int,
    filter: Filter | None,
) -> list[TitleLink]:
    """Links out of and into the chunks at the given visible rows; see GraphStore.title_links."""
    about: dict[str, list[int]] = {}

    def subjects(key: str) -> list[int]:
        found = about.get(key)
        if found is None:
            found = about[key] = index.about(scope, key, filter)
        return found

    firsts: dict[str, tuple[str, ...]] = {}

    def first_targets(key: str) -> tuple[str, ...]:
        # No later target of a key can be among the first links: a common subject may have thousands.
        found = firsts.get(key)
        if found is None:
            found = firsts[key] = index.first_ids(np.array(subjects(key), dtype=np.int32), limit)
        return found

    links: set[TitleLink] = set()
    naming = _naming(connection, index, {key for row in rows for key in index.subject_keys[row]})
    mask = index.visible(scope, filter)
    for row in rows:
        keys, sentences = index.phrases[row]
        matching = longest_matches(dict(zip(keys, sentences, strict=True)), [key for key in keys if subjects(key)])
        out = [
            TitleLink(index.chunk_ids[row], target, key)
            for key in matching.difference(index.subject_keys[row])
            for target in first_targets(key)
        ]
        links.update(sorted(out, key=_order)[:limit])
        into: list[TitleLink] = []
        sources = {source for key in index.subject_keys[row] for source in naming.get(key, ()) if mask[source]}
        # Sources ascend by id, so once there are enough links no later source can hold an earlier one.
        for source in sorted(sources, key=index.chunk_ids.__getitem__):
            if len(into) >= limit:
                break
            into.extend(
                TitleLink(index.chunk_ids[source], index.chunk_ids[row], key)
                for key in index.subject_keys[row]
                if key not in index.subject_keys[source] and _named_by(index, source, key, subjects)
            )
        links.update(sorted(into, key=_order)[:limit])
    return sorted(links, key=_order)


def _naming(connection: sqlite3.Connection, index: MemoryIndex, keys: Iterable[str]) -> dict[str, list[int]]:
    """Rows that hold each of the keys as a phrase."""
    wanted = sorted(keys)
    found: dict[str, list[int]] = {}
    for start in range(0, len(wanted), _PARAMETERS):
        part = wanted[start : start + _PARAMETERS]
        marks = ",".join("?" * len(part))
        for key, number in connection.execute(f"SELECT key, chunk FROM phrases WHERE key IN ({marks})", part):
            row = index.row_of_number.get(number)
            if row is not None:
                found.setdefault(key, []).append(row)
    return found


def _named_by(index: MemoryIndex, row: int, key: str, subjects: Callable[[str], list[int]]) -> bool:
    """Whether the chunk holds the phrase other than inside a longer phrase that is a subject too."""
    keys, sentences = index.phrases[row]
    try:
        own = set(sentences[keys.index(key)])
    except ValueError:
        return False
    return not any(
        key in longer and covers(longer, key) and own.issubset(where) and subjects(longer)
        for longer, where in zip(keys, sentences, strict=True)
    )


def _order(link: TitleLink) -> tuple[str, str, str]:
    return (link.source, link.target, link.key)
