"""The file of the embedded stores: how it is named, opened, upgraded, refused and closed."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from graphrag.errors import ConfigError, SchemaMismatchError, StoreError
from graphrag.stores.embedded import chunks
from graphrag.stores.embedded.database import Database
from graphrag.stores.embedded.open import open_stores, path_of
from graphrag.stores.embedded.schema import APPLICATION_ID, SCHEMA_VERSION
from graphrag.stores.embedded.store import EmbeddedStore
from graphrag.types import Chunk, Fingerprints, Scope
from tests.contracts.generate import ChunkPlan, DocumentPlan, SentencePlan, build, fingerprinted, form_before_8
from tests.embedded import embedded_store


def pragma(path: Path, name: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def run_sql(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def database_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("graphrag-")]


async def threads_end() -> bool:
    for _ in range(200):
        if not database_threads():
            return True
        await asyncio.sleep(0.01)
    return False


@contextmanager
def unprivileged() -> Generator[Path]:
    """A folder, and a process that is not the superuser, for whom no file is read-only."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        superuser = os.geteuid() == 0
        if superuser:
            os.chown(folder, 65534, -1)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if superuser:
                os.seteuid(0)


# Opening


@pytest.mark.parametrize("exists", [False, True])
async def test_a_missing_or_empty_file_becomes_a_store_of_the_current_version(tmp_path: Path, exists: bool) -> None:
    path = tmp_path / "graph ü.db"
    if exists:
        path.touch()
    async with embedded_store(path) as store:
        assert store.location == str(path.resolve())
        assert (await store.statistics(Scope())).documents == 0
    assert pragma(path, "user_version") == SCHEMA_VERSION
    assert pragma(path, "application_id") == APPLICATION_ID


async def test_the_write_ahead_log_is_on_while_open_and_folded_in_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    async with Database(path) as database:
        for run in (database.read, database.write):
            assert await run(lambda connection: connection.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"
            assert await run(lambda connection: connection.execute("PRAGMA busy_timeout").fetchone()[0]) >= 1_000
    assert names(tmp_path) == ["graph.db"]


async def test_opening_an_up_to_date_file_again_keeps_its_data(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    async with Database(path) as database:
        await database.write(lambda connection: connection.execute("INSERT INTO meta VALUES ('x', 'y')") and None)
    async with Database(path) as database:
        found = await database.read(lambda c: c.execute("SELECT value FROM meta WHERE key = 'x'").fetchone())
    assert tuple(found) == ("y",)


async def test_chunks_that_an_older_version_stored_are_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    batch = build(DocumentPlan((ChunkPlan((SentencePlan((0, 4)),)), ChunkPlan((SentencePlan((1,)),)))))
    async with embedded_store(path) as store:
        await store.write(Scope(), batch)
    older = "ALTER TABLE documents ADD COLUMN title_key TEXT; ALTER TABLE documents ADD COLUMN heading_keys TEXT; "
    older += "CREATE TABLE phrases (key, chunk); PRAGMA user_version = 5"
    run_sql(path, f"UPDATE chunks SET terms = 'burnt'; {older}")
    with closing(sqlite3.connect(path)) as connection:
        held = [(*form_before_8(chunk), chunk.id) for chunk in batch.chunks]
        assert not connection.execute(
            "SELECT 1 FROM chunks WHERE phrases = ? AND mentions = ? AND id = ?", held[0]
        ).fetchone()
        connection.executemany("UPDATE chunks SET phrases = ?, mentions = ? WHERE id = ?", held)
        connection.commit()
    async with embedded_store(path) as store:
        assert await store.chunks(Scope(), [chunk.id for chunk in batch.chunks]) == list(batch.chunks)
        assert await store.search_chunks(Scope(), ["burnt"], 5) == []
        await store.write(Scope(), fingerprinted(replace(batch, document=replace(batch.document, title="New"))))
        (document,) = await store.documents(Scope())
        assert document.title == "New"
    assert pragma(path, "user_version") == SCHEMA_VERSION


def test_processes_that_start_at_once_on_a_new_file_all_open_it(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom graphrag.stores.embedded.database import Database\n"
        "async def main():\n"
        "    for n in range(20):\n"
        "        async with Database(Path(sys.argv[1]) / f'{n}.db') as d:\n"
        "            await d.write(lambda c: c.execute(\"UPDATE meta SET value = value + 1 WHERE key = 'revision'\") and None)\n"
        "sys.stdin.readline()\nasyncio.run(main())\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == ["", "", ""]
    for n in range(20):
        with closing(sqlite3.connect(tmp_path / f"{n}.db")) as connection:
            assert connection.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone() == ("3",)


# Refusing


async def test_a_file_of_a_newer_version_is_refused_with_both_versions_and_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    async with Database(path):
        pass
    run_sql(path, "PRAGMA user_version = 999")
    before = path.read_bytes()
    with pytest.raises(SchemaMismatchError) as error:
        async with Database(path):
            pass
    for part in (str(path), "999", str(SCHEMA_VERSION), "upgrade"):
        assert part in str(error.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
async def test_a_database_of_other_software_is_refused_and_left_as_it_is(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "theirs.db"
    run_sql(path, f"PRAGMA journal_mode = {mode}; CREATE TABLE meta (key TEXT); INSERT INTO meta VALUES ('revision');")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"theirs\.db.*other software"):
        async with embedded_store(path):
            pass
    assert path.read_bytes() == before
    assert names(tmp_path) == ["theirs.db"]


@pytest.mark.parametrize("data", [b"x", b"# Notes\n" * 1_000, b"SQLite format 3\0" + b"\xff" * 5_000])
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "notes.md"
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"notes\.md"):
        async with embedded_store(path):
            pass
    assert path.read_bytes() == data
    assert names(tmp_path) == ["notes.md"]


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        async with Database(tmp_path):
            pass


async def test_a_missing_folder_is_named_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"missing.*folder does not exist"):
        async with Database(tmp_path / "missing" / "graph.db"):
            pass
    assert names(tmp_path) == []


@pytest.mark.parametrize(("name", "content"), [("missing/graph.db", b""), ("a.db", b"no database"), ("b.db", b"SQLite format 3\0...")])  # fmt: skip
async def test_a_file_that_cannot_be_opened_is_named_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    if content:
        await asyncio.to_thread(Path(name).write_bytes, content)

    with pytest.raises(StoreError) as refused:
        async with Database(Path(name)):
            pass
    assert str(refused.value).startswith(str(tmp_path / name))


@pytest.mark.parametrize("replaced", [False, True])
async def test_nothing_is_acknowledged_that_is_written_to_a_file_which_was_removed(
    tmp_path: Path, replaced: bool
) -> None:
    path = tmp_path / "graph.db"
    async with embedded_store(path) as store:
        await asyncio.to_thread(path.rename, tmp_path / "moved.db")
        if replaced:
            await asyncio.to_thread(shutil.copy, tmp_path / "moved.db", path)
        for call in (store.bind(Fingerprints("a", "b")), store.revision()):
            with pytest.raises(StoreError, match="removed or replaced while it was open"):
                await call
        await asyncio.to_thread((tmp_path / "moved.db").replace, path)
        assert await store.revision() == 0


async def test_a_file_that_another_process_keeps_locked_is_told_from_one_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    async with Database(path) as database:
        await database.write(lambda connection: connection.execute("PRAGMA busy_timeout = 0").fetchall())
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(
                StoreError, match="is locked: another process has kept it for itself too long; try again"
            ):
                await database.write(lambda _: None)


async def test_a_read_only_file_is_refused_and_left_as_it_is() -> None:
    with unprivileged() as folder:
        path = folder / "graph.db"
        async with Database(path):
            pass
        path.chmod(0o444)
        before = path.read_bytes()
        # Up to date, so that nothing but the check for it would write.
        with pytest.raises(StoreError, match=r"graph\.db.*readonly.*writable"):
            async with Database(path):
                pass
        assert path.read_bytes() == before


async def test_a_failed_opening_ends_its_threads_and_raises_the_first_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5_000)
    database = Database(path)
    with pytest.raises(StoreError) as error:
        await database.__aenter__()
    assert isinstance(error.value.__cause__, sqlite3.DatabaseError)
    assert await threads_end()
    await database.__aexit__(None, None, None)


# Using and closing


async def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "graph.db")
    store = EmbeddedStore(database)
    with pytest.raises(StoreError, match="not open"):
        await store.statistics(Scope())
    async with database:
        pass
    with pytest.raises(StoreError, match="not open"):
        await store.delete_documents(Scope(), [])
    with pytest.raises(StoreError, match="make a new one"):
        await database.__aenter__()


async def test_closing_does_what_is_pending_first_and_never_blocks_the_event_loop(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    database = Database(path)
    await database.__aenter__()
    go = threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        assert go.wait(10)
        connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")

    def look(connection: sqlite3.Connection) -> int:
        assert go.wait(10)
        return int(connection.execute("SELECT count(*) FROM meta").fetchone()[0])

    writes = [asyncio.ensure_future(database.write(slow)) for _ in range(3)]
    read = asyncio.ensure_future(database.read(look))
    await asyncio.sleep(0)
    closing_ = asyncio.ensure_future(database.__aexit__(None, None, None))
    await asyncio.sleep(0.02)  # would not return if closing blocked the loop, for `go` is set below
    assert not closing_.done()
    go.set()
    await closing_
    await asyncio.gather(*writes)
    assert await read == 1
    assert await threads_end()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone() == ("3",)


async def test_a_cancelled_closing_still_closes(tmp_path: Path) -> None:
    database = Database(tmp_path / "graph.db")
    await database.__aenter__()
    go = threading.Event()
    read = asyncio.ensure_future(database.read(lambda _: go.wait(10)))
    await asyncio.sleep(0)
    closing_ = asyncio.ensure_future(database.__aexit__(None, None, None))
    await asyncio.sleep(0.01)
    closing_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing_
    go.set()
    assert await read
    assert await threads_end()
    assert names(tmp_path) == ["graph.db"]


async def test_work_that_raises_is_rolled_back_and_the_next_one_goes_on(tmp_path: Path) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO meta VALUES ('x', 'y')")
        raise ValueError("no")

    async with Database(tmp_path / "graph.db") as database:
        for _ in range(2):
            with pytest.raises(ValueError, match="no"):
                await database.write(fails)
        with pytest.raises(ValueError, match="no"):
            await database.read(lambda _: fails_reading())
        with pytest.raises(StoreError, match="no such table"):
            await database.read(lambda connection: connection.execute("SELECT * FROM absent"))
        rows = await database.read(lambda connection: connection.execute("SELECT count(*) FROM meta").fetchone())
        assert tuple(rows) == (1,)


def fails_reading() -> None:
    raise ValueError("no")


async def test_the_reading_connection_cannot_write(tmp_path: Path) -> None:
    async with Database(tmp_path / "graph.db") as database:
        with pytest.raises(StoreError, match="readonly"):
            await database.read(lambda connection: connection.execute("DELETE FROM meta") and None)


# URLs


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///graph.db", "graph.db"),
        ("sqlite:///data/graph.db", "data/graph.db"),
        ("sqlite:////var/lib/graph.db", "/var/lib/graph.db"),
        ("sqlite:///my%20graph%3F%23%25.db", "my graph?#%.db"),
        ("sqlite:////tmp/%C3%BC.db", "/tmp/ü.db"),
        ("sqlite:///ü.db", "ü.db"),
    ],
)
def test_a_store_url_names_a_relative_or_absolute_file(url: str, path: str) -> None:
    assert path_of(url) == Path(path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "graph.db",
        "sqlite",
        "sqlite:graph.db",
        "sqlite://graph.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:////",
        "sqlite:///folder/",
        "sqlite:///graph.db?mode=ro",
        "sqlite:///graph.db#part",
        "sqlite:///%FF.db",
        "sqlite:///a%00b",
        "sqlite:///:memory:",
        "postgresql://somebody:secret@host/db",
    ],
)
async def test_any_other_store_url_is_refused_with_the_accepted_forms(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        async with open_stores(url, filter_fields=()):
            pass
    assert "sqlite:///relative.db" in str(error.value)
    assert "sqlite:////absolute/path.db" in str(error.value)
    assert "secret" not in str(error.value)


async def test_both_stores_of_a_url_share_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_stores("sqlite:///my%20graph.db", filter_fields=["year"]) as (graph, system):
        assert graph.location == str(tmp_path / "my graph.db")
        assert await system.keys("default") == []
    assert names(tmp_path) == ["my graph.db"]


async def test_chunks_are_read_the_same_while_few_are_kept_and_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_KEPT", 2)
    plans = [DocumentPlan((ChunkPlan((SentencePlan((n, n + 1)),)),) * 2, source=f"{n}.md") for n in range(4)]
    batches = [build(plan) for plan in plans]
    scope = plans[0].owner
    async with embedded_store(tmp_path / "a.db") as store:
        written: list[Chunk] = []
        for batch in batches:
            await store.write(scope, batch)
            written += batch.chunks
            assert await store.chunks(scope, [chunk.id for chunk in written]) == written
            assert await store.chunks(scope, [chunk.id for chunk in written[::-1][:3]]) == written[::-1][:3]
        await store.delete_documents(scope, [batches[0].document.id])
        await store.write(scope, batches[0])
        assert await store.chunks(scope, [chunk.id for chunk in written]) == written
