"""Kept replies of models in Neo4j: see graphrag.llm.replies."""

from collections.abc import Sequence
from typing import LiteralString

from graphrag.stores.neo4j.connection import Connection
from graphrag.stores.system_rows import now, storable
from graphrag.types import stable_id

# The id is a hash of tenant and key: one uniqueness constraint, which Community has.
_REPLIES: LiteralString = """
MATCH (m:ModelReply) WHERE m.id IN $ids
RETURN m.key, m.text"""
_KEEP: LiteralString = "MERGE (m:ModelReply {id: $properties.id}) ON CREATE SET m = $properties"
_OLD: LiteralString = "MATCH (m:ModelReply {tenant: $tenant}) WHERE $before = '' OR m.created_at < $before"
_COUNT: LiteralString = f"{_OLD} RETURN count(m)"
_REMOVE: LiteralString = f"{_OLD} WITH m LIMIT $limit DELETE m RETURN count(m)"
_AT_ONCE = 10_000


async def replies(connection: Connection, tenant: str, keys: Sequence[str]) -> dict[str, str]:
    """See Replies.replies."""
    rows = await connection.read(_REPLIES, ids=[_id(tenant, key) for key in keys])
    return {str(key): str(text) for key, text in rows}


async def keep_reply(connection: Connection, tenant: str, key: str, text: str) -> None:
    """See Replies.keep_reply."""
    properties = {
        "id": _id(tenant, key),
        "tenant": tenant,
        "key": key,
        "text": storable(text),
        "created_at": now(),
    }
    await connection.write(lambda tx: tx.run(_KEEP, properties=properties))


async def count_replies(connection: Connection, tenant: str, before: str) -> int:
    """See Replies.count_replies."""
    ((count,),) = await connection.read(_COUNT, tenant=tenant, before=before)
    return int(count)


async def remove_replies(connection: Connection, tenant: str, before: str) -> int:
    """See Replies.remove_replies. In several transactions where there are very many."""
    removed = 0
    while True:
        ((count,),) = await connection.write(lambda tx: tx.run(_REMOVE, tenant=tenant, before=before, limit=_AT_ONCE))
        removed += int(count)
        if int(count) < _AT_ONCE:
            return removed


def _id(tenant: str, key: str) -> str:
    return stable_id("reply", tenant, key)
