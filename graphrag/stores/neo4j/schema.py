"""The schema: constraints and indexes, created at start, awaited, and versioned."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager, suppress

from graphrag.errors import SchemaMismatchError, StoreError
from graphrag.extraction.resolution import blocking_keys
from graphrag.stores.neo4j import lucene
from graphrag.stores.neo4j.comparable import PREFIX
from graphrag.stores.neo4j.connection import Connection, Transaction
from graphrag.stores.neo4j.queries import VECTOR_INDEXES, VECTOR_PROPERTIES
from graphrag.stores.rows import renewed

SCHEMA_VERSION = 10
"""2: other blocks of entities. 3: accounts of what models used. 4: replies of models. 5: two slots of vectors.
6: terms of chunks after ANALYSIS_VERSION 3. 7: chunk_text without phrases.
8: phrases and mentions of chunks as rows.renewed has them. 9 and 10: terms of chunks after ANALYSIS_VERSION 4 and 5. 10: documents without keys that nothing read."""
OLDEST_SERVER = (2026, 6)
"""`IN` inside SEARCH came with 2026.06."""
_LOCK_SECONDS = 60
"""How long the schema stays locked by a process that has died while it prepared it."""
_LOCK_WAIT_SECONDS = 600
_WAIT_SECONDS = 900
_ENTITIES_AT_ONCE = 5_000
_CHUNKS_AT_ONCE = 1_000

_log = logging.getLogger(__name__)

_UNIQUE = {
    "document_id": ("Document", "id"),
    "chunk_id": ("Chunk", "id"),
    "entity_id": ("Entity", "id"),
    "partition_id": ("Partition", "id"),
    "schema_version_id": ("SchemaVersion", "id"),
    "job_id": ("Job", "id"),
    "job_failure_id": ("JobFailure", "id"),
    "api_key_id": ("ApiKey", "id"),
    "api_key_secret": ("ApiKey", "secret_sha256"),
    "decision_id": ("Decision", "id"),
    "account_id": ("Account", "id"),
    "model_reply_id": ("ModelReply", "id"),
}
_STATEMENTS = {name: f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE n.{key} IS UNIQUE" for name, (label, key) in _UNIQUE.items()} | {
    "relation_id": "CREATE CONSTRAINT relation_id IF NOT EXISTS FOR ()-[r:RELATES]-() REQUIRE r.id IS UNIQUE",
    "document_tenant": "CREATE INDEX document_tenant IF NOT EXISTS FOR (n:Document) ON (n.tenant, n.id)",
    "chunk_document": "CREATE INDEX chunk_document IF NOT EXISTS FOR (n:Chunk) ON (n.document_id)",
    "chunk_tenant": "CREATE INDEX chunk_tenant IF NOT EXISTS FOR (n:Chunk) ON (n.tenant)",
    "entity_tenant": "CREATE INDEX entity_tenant IF NOT EXISTS FOR (n:Entity) ON (n.tenant)",
    "partition_tenant": "CREATE INDEX partition_tenant IF NOT EXISTS FOR (n:Partition) ON (n.tenant)",
    "relation_document": "CREATE INDEX relation_document IF NOT EXISTS FOR ()-[r:RELATES]-() ON (r.document_id)",
    "job_state": "CREATE INDEX job_state IF NOT EXISTS FOR (n:Job) ON (n.state)",
    "job_failure_job": "CREATE INDEX job_failure_job IF NOT EXISTS FOR (n:JobFailure) ON (n.job_id)",
    "api_key_tenant": "CREATE INDEX api_key_tenant IF NOT EXISTS FOR (n:ApiKey) ON (n.tenant)",
    "decision_tenant": "CREATE INDEX decision_tenant IF NOT EXISTS FOR (n:Decision) ON (n.tenant)",
    "account_tenant": "CREATE INDEX account_tenant IF NOT EXISTS FOR (n:Account) ON (n.tenant)",
    "model_reply_tenant": "CREATE INDEX model_reply_tenant IF NOT EXISTS FOR (n:ModelReply) ON (n.tenant)",
    "chunk_text": "CREATE FULLTEXT INDEX chunk_text IF NOT EXISTS FOR (n:Chunk) ON EACH [n.scope, n.terms] OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}}",
    "entity_names": "CREATE FULLTEXT INDEX entity_names IF NOT EXISTS FOR (n:Entity) ON EACH [n.key, n.blocks] OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}}",
}  # fmt: skip


def vector_index(fields: Collection[str], slot: int) -> str:
    """The statement that creates the vector index of a slot, by which `fields` of the metadata can be filtered.

    Not quantized: at 384 dimensions that costs a few hundred bytes a chunk, and finds the true nearest ten where a quantized
    index misses one of ten (docs/benchmarks.md). Its dimension is that of the first vectors written, checked by the store.
    """
    declared = ", ".join(f"n.{name}" for name in ("tenant", "access", *(PREFIX + field for field in sorted(fields))))
    return (
        f"CREATE VECTOR INDEX {VECTOR_INDEXES[slot]} IF NOT EXISTS FOR (n:Chunk) ON n.{VECTOR_PROPERTIES[slot]} WITH [{declared}] "
        "OPTIONS {indexConfig: {`vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}"
    )


def drop_vector_index(slot: int) -> str:
    """The statement that removes the vector index of a slot."""
    return f"DROP INDEX {VECTOR_INDEXES[slot]} IF EXISTS"


async def prepare(connection: Connection, filter_fields: Collection[str]) -> None:
    """Bring the database to this schema; nothing is done where it has it.

    Fields that an earlier process made filterable stay so. Concurrent starts wait for each other.

    Raises:
        StoreError: the server is older than OLDEST_SERVER, or an index does not come online.
        SchemaMismatchError: the schema is newer than this software.
    """
    await _check_server(connection)
    if await _is_ready(connection, filter_fields):
        return
    await connection.define(_STATEMENTS["schema_version_id"])
    token = secrets.token_hex(8)
    async with _locked(connection, token):
        if await _is_ready(connection, filter_fields):  # another process may have made it meanwhile, or a newer one
            return
        ((version, held),) = await connection.read(_VERSION)
        if version is not None and version < 7:
            await connection.define("DROP INDEX chunk_text IF EXISTS")  # made anew below, of fewer properties
        for statement in _STATEMENTS.values():
            await connection.define(statement)
        slot = held or 0
        declared = await declared_fields(connection, slot)
        if declared is None or not declared.issuperset(filter_fields):
            if declared is not None:
                await connection.define(drop_vector_index(slot))
            await connection.define(vector_index({*(declared or ()), *filter_fields}, slot))
        await connection.define(f"CALL db.awaitIndexes({_WAIT_SECONDS})")
        if missing := await _not_online(connection, slot):
            raise StoreError(
                f"{connection.location}: not online: {', '.join(missing)}. Look at SHOW INDEXES in Neo4j Browser: drop an "
                f"index of another name on the same properties, or one that failed, and start again"
            )
        await _renew_blocks(connection)
        await _renew_chunks(connection)
        await connection.write(lambda tx: tx.run(_SET_VERSION, token=token, version=SCHEMA_VERSION))


async def _renew_blocks(connection: Connection) -> None:
    """Make the blocks of every entity anew, page by page: what they are follows from the key and this software."""
    after = ""
    while page := await connection.read(_ENTITIES, after=after, limit=_ENTITIES_AT_ONCE):
        rows = [
            {"id": id_, "blocks": [lucene.block_token(tenant, block) for block in blocking_keys(key)]}
            for id_, tenant, key in page
        ]
        await connection.write(lambda tx, rows=rows: tx.run(_SET_BLOCKS, rows=rows))
        after = page[-1][0]


_ENTITIES = "MATCH (e:Entity) WHERE e.id > $after RETURN e.id, e.tenant, e.key ORDER BY e.id LIMIT $limit"
_SET_BLOCKS = (
    "UNWIND $rows AS row MATCH (e:Entity {id: row.id}) SET e.blocks = row.blocks, e:Stale, e.touched = 'schema'"
)


async def _renew_chunks(connection: Connection) -> None:
    """Bring what is made of every chunk's text up to date, and the counts of terms."""
    after = ""
    while page := await connection.read(_CHUNKS, after=after, limit=_CHUNKS_AT_ONCE):
        rows = [dict(zip(_RENEWED, (id_, *renewed(*held)), strict=True)) for id_, *held in page]
        await connection.write(lambda tx, rows=rows: tx.run(_SET_CHUNKS, rows=rows))
        after = page[-1][0]
    for statement in (_COUNT_IN_DOCUMENTS, _COUNT_IN_PARTITIONS, _WITHOUT_KEYS):
        await connection.write(lambda tx, statement=statement: tx.run(statement))


_RENEWED = ("id", "terms", "phrases", "mentions")
_CHUNKS = """
MATCH (c:Chunk) WHERE c.id > $after
RETURN c.id, c.tenant, c.title, c.heading, c.text, c.phrases, c.mentions ORDER BY c.id LIMIT $limit"""
_SET_CHUNKS = """
UNWIND $rows AS row MATCH (c:Chunk {id: row.id})
SET c.terms = row.terms, c.phrases = row.phrases, c.mentions = row.mentions"""
_COUNT_IN_DOCUMENTS = """
MATCH (c:Chunk)
WITH c.document_id AS id, sum(size(split(c.terms, ' ')) - CASE c.terms WHEN '' THEN 1 ELSE 0 END) AS terms
MATCH (d:Document {id: id}) SET d.term_count = terms"""
_COUNT_IN_PARTITIONS = """
MATCH (d:Document)
WITH d.tenant AS tenant, d.access AS access, sum(d.term_count) AS terms
MATCH (p:Partition {tenant: tenant, access: access}) SET p.terms = terms"""
_WITHOUT_KEYS = "MATCH (d:Document) REMOVE d.title_key, d.heading_keys"

_VERSION = "OPTIONAL MATCH (s:SchemaVersion {id: 'schema'}) RETURN s.version, s.slot"
_SET_VERSION = "MATCH (s:SchemaVersion {id: 'schema', locked_by: $token}) SET s.version = $version"
_UNLOCK = "MATCH (s:SchemaVersion {id: 'schema', locked_by: $token}) REMOVE s.locked_by, s.locked_until, s.lock"
_LOCK = """
MERGE (s:SchemaVersion {id: 'schema'})
SET s.lock = $token
WITH s WHERE s.locked_by IS NULL OR s.locked_until < timestamp()
SET s.locked_by = $token, s.locked_until = timestamp() + 1000 * $seconds
RETURN true"""
_RENEW = "MATCH (s:SchemaVersion {id: 'schema', locked_by: $token}) SET s.locked_until = timestamp() + 1000 * $seconds"
_INDEXES = "SHOW INDEXES YIELD name, state, properties RETURN name, state, properties"


async def _check_server(connection: Connection) -> None:
    rows = await connection.read(
        "CALL dbms.components() YIELD name, versions WHERE name = 'Neo4j Kernel' RETURN versions[0]"
    )
    version = str(rows[0][0]) if rows else "unknown"
    numbers = version.split("-")[0].split(".")
    # Aura is always the newest release, whatever its number says.
    if "aura" in version or (
        len(numbers) > 1 and all(map(str.isdigit, numbers)) and tuple(map(int, numbers)) >= OLDEST_SERVER
    ):
        return
    oldest = f"{OLDEST_SERVER[0]}.{OLDEST_SERVER[1]:02}"
    raise StoreError(f"{connection.location} is Neo4j {version}, {oldest} or newer is needed: upgrade the server")


async def _is_ready(connection: Connection, filter_fields: Collection[str]) -> bool:
    ((version, held),) = await connection.read(_VERSION)
    if version is not None and version > SCHEMA_VERSION:
        raise SchemaMismatchError(
            f"{connection.location} has schema version {version}, this software knows {SCHEMA_VERSION}: upgrade the "
            f"software, or use another database"
        )
    if version != SCHEMA_VERSION:
        return False
    slot = held or 0
    declared = await declared_fields(connection, slot)
    return declared is not None and declared.issuperset(filter_fields) and not await _not_online(connection, slot)


async def declared_fields(connection: Connection, slot: int) -> set[str] | None:
    """The fields that the vector index of a slot can filter by; None if there is none."""
    for name, _, properties in await connection.read(_INDEXES):
        if name == VECTOR_INDEXES[slot]:
            return {str(held).removeprefix(PREFIX) for held in properties if str(held).startswith(PREFIX)}
    return None


async def _not_online(connection: Connection, slot: int) -> list[str]:
    online = {name for name, state, _ in await connection.read(_INDEXES) if state == "ONLINE"}
    return sorted({*_STATEMENTS, VECTOR_INDEXES[slot]} - online)


@asynccontextmanager
async def _locked(connection: Connection, token: str) -> AsyncGenerator[None]:
    """Hold the lock of the schema during the block, however long that takes."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(_LOCK_SECONDS / 3)
            with suppress(StoreError):  # the block will meet it, too
                await connection.write(lambda tx: tx.run(_RENEW, token=token, seconds=_LOCK_SECONDS))

    await _lock(connection, token)
    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await connection.write(lambda tx: tx.run(_UNLOCK, token=token))


async def _lock(connection: Connection, token: str) -> None:
    async def work(tx: Transaction) -> bool:
        return bool(await tx.run(_LOCK, token=token, seconds=_LOCK_SECONDS))

    end, told = time.monotonic() + _LOCK_WAIT_SECONDS, False
    while not await connection.write(work):
        if not told:
            _log.warning("%s: waiting for another process, which prepares the schema", connection.location)
            told = True
        if time.monotonic() > end:
            raise StoreError(
                f"{connection.location}: another process has been preparing the schema for too long: end it if it hangs"
            )
        await asyncio.sleep(0.2)
