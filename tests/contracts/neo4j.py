"""Emptying the database of a test server."""

from neo4j import AsyncGraphDatabase

from graphrag.stores.neo4j.open import address_of


async def empty(url: str) -> None:
    """Remove all data; the schema stays, which takes seconds to make."""
    address = address_of(url)
    auth = (address.user, address.password) if address.user else None
    async with AsyncGraphDatabase.driver(address.server, auth=auth) as driver:
        for query in (
            "MATCH (n) WHERE NOT n:SchemaVersion DETACH DELETE n",
            "MATCH (s:SchemaVersion) SET s = {id: s.id, version: s.version}",
        ):
            await driver.execute_query(query, database_=address.database or "neo4j")
