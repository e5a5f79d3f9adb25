"""The finder of a Neo4j server for the tests, and the script that runs one without Docker."""

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from neo4j import GraphDatabase

from tests.neo4j_server import ROOT, SETTING, TestServer, UnavailableError, find, from_setting, refuse
from tools import neo4j_server as script


@contextmanager
def absent(folder: Path) -> Generator[TestServer]:
    raise UnavailableError("not here")
    yield


@contextmanager
def present(folder: Path) -> Generator[TestServer]:
    (folder / "open").touch()
    yield TestServer("neo4j://neo4j:pass%20word@127.0.0.1:7000", "a test")
    (folder / "open").unlink()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools/neo4j_server.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_first_route_that_works_is_taken_and_closed_again(tmp_path: Path):
    reasons: list[str] = []

    with find(tmp_path, reasons, (absent, present, absent)) as server:
        assert server is not None
        assert (tmp_path / "open").exists()
        assert server.address == "neo4j://127.0.0.1:7000"
        assert server.auth == ("neo4j", "pass word")
    assert not (tmp_path / "open").exists()
    assert reasons == ["not here"]


def test_without_a_server_the_skip_names_all_routes_and_ci_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    reasons: list[str] = []
    with find(tmp_path, reasons, (absent,)) as server:
        assert server is None

    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=rf"{SETTING}.*Docker.*JDK.*not here"):
        refuse(reasons)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="not here"):
        refuse(reasons)


def test_a_server_that_is_named_but_absent_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SETTING, "neo4j://neo4j:password@127.0.0.1:1")

    with pytest.raises(RuntimeError, match=r"127\.0\.0\.1:1, which cannot be used"), from_setting(tmp_path):
        pass


def test_the_server_that_was_found_answers_and_is_new_enough(neo4j_server: TestServer):
    with GraphDatabase.driver(neo4j_server.address, auth=neo4j_server.auth) as driver:
        records, _, _ = driver.execute_query(
            "CALL dbms.components() YIELD versions, edition RETURN versions[0] AS version, edition", database_="neo4j"
        )
    assert records[0]["version"] >= "2026.06"


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("run", "--no-auth", "--home", str(tmp_path / "home"), "--port", port, **os.environ)

    assert done.returncode == 1
    assert f"Bolt port {port}" in done.stderr and "--port" in done.stderr
    assert not (tmp_path / "home").exists()


def test_without_a_new_jdk_the_error_says_which_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    old = tmp_path / "jdk/bin/java"
    old.parent.mkdir(parents=True)
    old.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))

    with pytest.raises(script.ServerError, match=r"JDK 21 or newer; .*/jdk is 17\. .*JAVA_HOME"):
        script.java_home()


def test_without_maven_the_error_says_how_to_get_it(tmp_path: Path):
    done = run("run", "--home", str(tmp_path / "home"), PATH="/nowhere", XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert done.returncode == 1
    assert done.stderr.startswith("Error: Maven (mvn) is not installed, which fetches the Neo4j server.")
    assert "apt install maven" in done.stderr


def test_a_new_home_gets_a_password_of_its_own_that_nobody_else_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)

    first = script.password_of(tmp_path / "a", None)

    assert script.password_of(tmp_path / "a", None) == first != script.password_of(tmp_path / "b", None)
    assert (tmp_path / "a/password").stat().st_mode & 0o777 == 0o600
    assert script.password_of(tmp_path / "a", "given") == "given"


def test_a_dump_makes_the_folder_that_it_goes_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def admin(home: Path, *arguments: str) -> str:
        (Path(arguments[-1].removeprefix("--to-path=")) / "neo4j.dump").write_text("dump")
        return ""

    monkeypatch.setattr(script, "admin", admin)

    script.dump(tmp_path / "home", tmp_path / "backup" / "today.dump")

    assert (tmp_path / "backup" / "today.dump").read_text() == "dump"
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["today.dump"]
