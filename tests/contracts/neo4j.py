"""Emptying the database of a test server."""

from neo4j import AsyncGraphDatabase

from graphrag.stores.neo4j.open import address_of


async def empty(url: str) -> None:
    """Remove all data; the schema stays, which takes seconds to make."""
    address = address_of(url)
    auth = (address.user, address.password) if address.user else None
    async with (
        AsyncGraphDatabase.driver(address.server, auth=auth) as driver,
        driver.session(database=address.database or "neo4j") as session,
    ):
        for query in (
            # In parts: a transaction that deletes a whole benchmark does not fit into a small server's memory.
            "MATCH (n) WHERE NOT n:SchemaVersion CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 1000 ROWS",
            "MATCH (s:SchemaVersion) SET s = {id: s.id, version: s.version}",
        ):
            await (await session.run(query)).consume()
