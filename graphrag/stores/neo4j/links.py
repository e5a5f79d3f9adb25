"""Title links: which chunk names, by a phrase of its text, what another chunk is about. See GraphStore.title_links."""

from collections.abc import Sequence
from heapq import nsmallest

from graphrag.analysis import longest_matches
from graphrag.filters import Filter
from graphrag.stores.neo4j import queries
from graphrag.stores.neo4j.connection import Connection
from graphrag.stores.rows import decode_phrases
from graphrag.types import Scope, TitleLink


async def title_links(
    connection: Connection, scope: Scope, ids: Sequence[str], limit: int, filter: Filter | None
) -> list[TitleLink]:
    """See GraphStore.title_links; `limit` is at least 1."""
    found = await connection.read_together(
        queries.TITLE_LINKS, ids=ids, limit=limit, **queries.read_parameters(scope, filter)
    )
    links: list[tuple[str, str, str]] = []
    for source, phrases, subjects in found:
        matches = longest_matches(decode_phrases(phrases), [key for key, _, _ in subjects])
        links += nsmallest(
            limit,
            [
                (source, target, key)
                for key, targets, own in subjects
                if key in matches and not own
                for target in targets
            ],
        )
    return [TitleLink(*link) for link in sorted(links)]
