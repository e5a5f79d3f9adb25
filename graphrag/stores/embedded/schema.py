"""The SQLite schema and how an older file is brought up to date."""

import sqlite3

from graphrag.errors import SchemaMismatchError, StoreError
from graphrag.stores.rows import renewed

APPLICATION_ID = 0x47524147  # "GRAG": tells our files from other SQLite databases
SCHEMA_VERSION = 10
_CHUNKS_AT_ONCE = 1_000

_VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('revision', '0');

-- With a rowid: without one, every lookup by id would read whole rows, long texts included, only to compare ids.
CREATE TABLE documents (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, access TEXT NOT NULL, source TEXT NOT NULL, part INTEGER NOT NULL,
    title TEXT NOT NULL, media_type TEXT NOT NULL, content_sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL,
    metadata TEXT NOT NULL, title_key TEXT NOT NULL, heading_keys TEXT NOT NULL, state TEXT NOT NULL,
    length INTEGER NOT NULL, chunk_count INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX documents_by_source ON documents (tenant, source, part);

CREATE TABLE chunks (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document_id TEXT NOT NULL, position INTEGER NOT NULL,
    start INTEGER NOT NULL, core_start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER,
    token_count INTEGER NOT NULL, heading TEXT NOT NULL, sentences TEXT NOT NULL, text TEXT NOT NULL,
    terms TEXT NOT NULL, phrases TEXT NOT NULL, mentions TEXT NOT NULL, marks TEXT NOT NULL,
    embedding BLOB NOT NULL, sentence_embeddings BLOB NOT NULL
);
CREATE INDEX chunks_by_document ON chunks (document_id, position);

-- Which chunks hold a phrase: the join of title links. Repeats chunks.phrases for lookup by key.
CREATE TABLE phrases (key TEXT NOT NULL, chunk INTEGER NOT NULL, PRIMARY KEY (key, chunk)) WITHOUT ROWID;
CREATE INDEX phrases_by_chunk ON phrases (chunk);

CREATE TABLE relations (
    id TEXT PRIMARY KEY, chunk_id TEXT NOT NULL, document_id TEXT NOT NULL, subject_id TEXT NOT NULL,
    predicate TEXT NOT NULL, object_id TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    description TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX relations_by_subject ON relations (subject_id);
CREATE INDEX relations_by_object ON relations (object_id);
CREATE INDEX relations_by_document ON relations (document_id);

-- The last revision that touched a document, deleted ones included: how other processes keep their indexes in step.
CREATE TABLE changes (document_id TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX changes_by_revision ON changes (revision);

CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, secret_sha256 TEXT NOT NULL UNIQUE, role TEXT NOT NULL, tenant TEXT NOT NULL,
    access TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT, revoked_at TEXT
) WITHOUT ROWID;

CREATE TABLE jobs (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, access TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    priority INTEGER NOT NULL, payload TEXT NOT NULL, progress TEXT NOT NULL, error TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, worker TEXT, fence INTEGER NOT NULL, lease_until REAL
) WITHOUT ROWID;
CREATE INDEX jobs_by_state ON jobs (state, priority DESC, created_at);

CREATE TABLE decisions (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL,
    created_at TEXT NOT NULL, author TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX decisions_by_tenant ON decisions (tenant);
"""

_VERSION_2 = """
-- What a claim of a job, known by its fence, could not do.
CREATE TABLE job_failures (
    job_id TEXT NOT NULL, source TEXT NOT NULL, fence INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (job_id, source)
) WITHOUT ROWID;
"""

_VERSION_3 = """
-- What model calls used, by account (graphrag.llm.usage). The cost is in billionths of a US dollar.
CREATE TABLE usage (
    tenant TEXT NOT NULL, day TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, kind, id)
) WITHOUT ROWID;
"""

_VERSION_4 = """
-- Replies of models that are kept (graphrag.llm.replies).
CREATE TABLE replies (
    tenant TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
"""

_VERSION_5 = """
-- Vectors of the model that the file is being moved to (graphrag.stores.moving), of a document's version.
CREATE TABLE new_vectors (chunk_id TEXT PRIMARY KEY, version TEXT NOT NULL, embedding BLOB NOT NULL);
"""

_VERSION_6 = ""  # ANALYSIS_VERSION 3: what is made of the texts is made anew with every step.

_VERSION_7 = """
-- Title links are followed from the chunk that names to the one that is about, which needs the phrases of the former alone.
DROP TABLE phrases;
"""

_VERSION_8 = ""  # Phrases and mentions of chunks in another form: see rows.renewed.
_VERSION_9 = ""  # ANALYSIS_VERSION 4.
_VERSION_10 = """
-- ANALYSIS_VERSION 5. What nothing reads goes.
ALTER TABLE documents DROP COLUMN title_key;
ALTER TABLE documents DROP COLUMN heading_keys;
"""

# The step at index i brings a file of version i to version i + 1. Steps are never edited once released, only added.
MIGRATIONS: tuple[str, ...] = (
    _VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6, _VERSION_7, _VERSION_8, _VERSION_9,
    _VERSION_10,
)  # fmt: skip


def connect(path: str, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection with our pragmas, in autocommit mode (transactions are explicit)."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA busy_timeout = 30000")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    else:
        # With the write-ahead log, NORMAL would lose acknowledged writes when the power fails; FULL waits for the disk.
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """Create the schema, or bring an older one up to date, in one transaction; safe when several processes start.

    Raises:
        StoreError: the file is a database of other software.
        SchemaMismatchError: the file was written by a newer version.
    """
    _check_owner(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise SchemaMismatchError(
                f"{path} has schema version {version}, this software knows up to {SCHEMA_VERSION}: "
                f"upgrade agentic-graphrag-service, or point GRAPHRAG_STORE_URL at another file"
            )
        for step in MIGRATIONS[version:]:
            for statement in step.split(";"):
                if statement.strip():
                    connection.execute(statement)
        if version < SCHEMA_VERSION:
            _renew_chunks(connection)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back on some errors; a second one would hide the first
            connection.execute("ROLLBACK")
        raise


def _renew_chunks(connection: sqlite3.Connection) -> None:
    """Bring what is made of every chunk's text up to date."""
    after = 0
    while page := connection.execute(_CHUNKS, (after, _CHUNKS_AT_ONCE)).fetchall():
        values = [(*renewed(*held), n) for n, *held in page]
        connection.executemany("UPDATE chunks SET terms = ?, phrases = ?, mentions = ? WHERE n = ?", values)
        after = page[-1][0]


_CHUNKS = (
    "SELECT c.n, d.tenant, d.title, c.heading, c.text, c.phrases, c.mentions "
    "FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.n > ? ORDER BY c.n LIMIT ?"
)


def _check_owner(connection: sqlite3.Connection, path: str) -> None:
    # In this order: another process may be creating the schema just now, and sets its mark last.
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise StoreError(f"{path} is a SQLite database of other software: point GRAPHRAG_STORE_URL at another file")
