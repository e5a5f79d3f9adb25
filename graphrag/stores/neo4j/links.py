"""Title links: which chunk names, by a phrase of its text, what another chunk is about. See GraphStore.title_links."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest

from graphrag.analysis import longest_matches
from graphrag.filters import Filter
from graphrag.stores.neo4j import lucene, queries
from graphrag.stores.neo4j.connection import Connection
from graphrag.types import Scope, TitleLink

_Link = tuple[str, str, str]


async def title_links(
    connection: Connection, scope: Scope, ids: Sequence[str], limit: int, filter: Filter | None
) -> list[TitleLink]:
    """See GraphStore.title_links; `limit` is at least 1. Two round trips, both at once; more where many links are covered."""
    out, into = await asyncio.gather(
        _out(connection, scope, ids, limit, filter), _into(connection, scope, ids, limit, filter)
    )
    return [TitleLink(*link) for link in sorted({*out, *into})]


async def _out(
    connection: Connection, scope: Scope, ids: Sequence[str], limit: int, filter: Filter | None
) -> list[_Link]:
    found = await connection.read_together(
        queries.LINKS_OUT, ids=ids, limit=limit, **queries.read_parameters(scope, filter)
    )
    links: list[_Link] = []
    for source, phrases, subjects in found:
        matches = longest_matches(json.loads(phrases), [key for key, _, _ in subjects])
        links += nsmallest(
            limit,
            [
                (source, target, key)
                for key, targets, own in subjects
                if key in matches and not own
                for target in targets
            ],
        )
    return links


async def _into(
    connection: Connection, scope: Scope, ids: Sequence[str], limit: int, filter: Filter | None
) -> list[_Link]:
    links: dict[str, list[_Link]] = {}
    wanted, most = ids, 2 * limit
    while wanted:
        found = await connection.read_together(
            queries.LINKS_IN,
            ids=wanted,
            most=most,
            within=lucene.within(scope),
            **queries.read_parameters(scope, filter),
        )
        links.update((id_, []) for id_ in wanted)
        cut: set[str] = set()
        for key, targets, sources in found:
            naming = [source for source, longer, phrases in sources if _names(key, longer, phrases)][:limit]
            if len(sources) == most and len(naming) < limit:
                cut.update(targets)  # so many are covered that there may be more behind them
            for target in targets:
                links[target] += [(source, target, key) for source in naming]
        wanted, most = sorted(cut), most * 8
    return [link for held in links.values() for link in nsmallest(limit, held)]


def _names(key: str, longer: Iterable[str], phrases: str | None) -> bool:
    """Whether a chunk's phrase is a longest match, given the longer ones around it that match too."""
    if phrases is None:
        return True
    sentences: Mapping[str, Sequence[int]] = json.loads(phrases)
    return key in longest_matches(sentences, [key, *longer])
