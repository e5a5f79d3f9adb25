"""Kept replies of models in the SQLite file: see graphrag.llm.replies."""

import json
import sqlite3
from collections.abc import Sequence

from graphrag.stores.embedded.database import Database
from graphrag.stores.system_rows import now, storable


async def replies(database: Database, tenant: str, keys: Sequence[str]) -> dict[str, str]:
    """See Replies.replies."""

    def work(connection: sqlite3.Connection) -> dict[str, str]:
        rows = connection.execute(
            "SELECT key, text FROM replies WHERE tenant = ? AND key IN (SELECT value FROM json_each(?))",
            (tenant, json.dumps(list(keys))),
        )
        return {str(key): str(text) for key, text in rows}

    return await database.read(work)


async def keep_reply(database: Database, tenant: str, key: str, text: str) -> None:
    """See Replies.keep_reply."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO replies (tenant, key, text, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, key) DO NOTHING",
            (tenant, key, storable(text), now()),
        )

    await database.write(work)


async def count_replies(database: Database, tenant: str, before: str) -> int:
    """See Replies.count_replies."""

    def work(connection: sqlite3.Connection) -> int:
        found = connection.execute(f"SELECT count(*) FROM replies WHERE {_OLD}", (tenant, before, before))
        return int(found.fetchone()[0])

    return await database.read(work)


async def remove_replies(database: Database, tenant: str, before: str) -> int:
    """See Replies.remove_replies."""

    def work(connection: sqlite3.Connection) -> int:
        return connection.execute(f"DELETE FROM replies WHERE {_OLD}", (tenant, before, before)).rowcount

    return await database.write(work)


_OLD = "tenant = ? AND (? = '' OR created_at < ?)"
