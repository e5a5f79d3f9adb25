"""Finds a real Neo4j server for the tests, by the first route that works.

1. `GRAPHRAG_TEST_NEO4J_URI`, such as neo4j://neo4j:password@127.0.0.1:7687. The tests remove all its data.
2. A Docker engine, through testcontainers, with the image or a registry to pull it from.
3. A JDK 21 or newer with Maven, through tools/neo4j_server.py.
"""

import gc
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tools.neo4j_server import SHORT_LIVED

if TYPE_CHECKING:
    from testcontainers.community.neo4j import Neo4jContainer

SETTING = "GRAPHRAG_TEST_NEO4J_URI"
IMAGE = "neo4j:2026.08.1-community"
PASSWORD = "password"
ROOT = Path(__file__).parents[1]
_ENGINE_SECONDS = 20
"""Longest silence of the engine, and through it of a registry."""


class UnavailableError(Exception):
    """This route is not to be had here; the message says why."""


@dataclass(frozen=True)
class TestServer:
    """A server for the tests."""

    __test__ = False

    url: str
    """With user and password: neo4j://neo4j:password@127.0.0.1:7687."""
    route: str
    """How it was found, for people."""
    process: int | None = None
    """Its process, where it runs on this machine under this user."""
    http_port: int | None = None
    """Of Browser, where known."""

    @property
    def address(self) -> str:
        """The URL without credentials."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or 7687}"

    @property
    def auth(self) -> tuple[str, str]:
        """User and password."""
        parts = urlsplit(self.url)
        return unquote(parts.username or "neo4j"), unquote(parts.password or "")


@contextmanager
def from_setting(folder: Path) -> Generator[TestServer]:
    """The server that GRAPHRAG_TEST_NEO4J_URI names.

    Raises:
        UnavailableError: it is not set.
        RuntimeError: it is set, but nothing usable is there, so that no other server quietly takes its place.
    """
    from neo4j import GraphDatabase
    from neo4j.exceptions import DriverError, Neo4jError

    url = os.environ.get(SETTING, "")
    if not url:
        raise UnavailableError(f"{SETTING} is not set")
    server = TestServer(url, SETTING)
    try:
        with GraphDatabase.driver(server.address, auth=server.auth, connection_timeout=10) as driver:
            driver.verify_connectivity()
    except (DriverError, Neo4jError, ValueError) as exc:
        raise RuntimeError(f"{SETTING} names {server.address}, which cannot be used: {exc}") from exc
    yield server


@contextmanager
def from_docker(folder: Path) -> Generator[TestServer]:
    """A container of the official image, on the loopback interface.

    Raises:
        UnavailableError: no engine, or neither the image nor a registry.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries about themselves, and of sockets that they leave open
        container, reason = _container()
        gc.collect()
    if container is None:
        raise UnavailableError(f"Docker: {reason}")
    try:
        port, http_port = int(container.get_exposed_port(7687)), int(container.get_exposed_port(7474))
        yield TestServer(f"neo4j://neo4j:{PASSWORD}@127.0.0.1:{port}", f"Docker, {IMAGE}", http_port=http_port)
    finally:
        container.stop()
        container.get_docker_client().client.close()


def _container() -> "tuple[Neo4jContainer | None, str]":
    """A started container, or why there is none."""
    import docker
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException
    from testcontainers.community.neo4j import Neo4jContainer
    from testcontainers.core.config import ConnectionMode, testcontainers_config

    testcontainers_config.connection_mode_override = ConnectionMode.docker_host
    testcontainers_config.tc_host_override = "127.0.0.1"
    try:
        client = docker.from_env(timeout=_ENGINE_SECONDS)
        try:
            client.ping()
            _require_image(client, IMAGE)
            try:
                client.images.get(testcontainers_config.ryuk_image)
            except ImageNotFound:
                testcontainers_config.ryuk_disabled = True  # it could not be pulled either
        finally:
            client.close()
        container = Neo4jContainer(IMAGE, password=PASSWORD)
        # Its own way of exposing ports opens them to the network.
        container.ports = {"7687/tcp": ("127.0.0.1", None), "7474/tcp": ("127.0.0.1", None)}
        # An image that has set it already would otherwise refuse to set it twice.
        container.with_env("NEO4J_server_config_strict__validation_enabled", "false")
        container.with_env("NEO4J_dbms_usage__report_enabled", "false")
        try:
            container.start()
        except BaseException:
            container.stop()
            raise
        return container, ""
    except (UnavailableError, DockerException, RequestException, OSError, RuntimeError) as exc:
        return None, _first_line(exc)


def _require_image(client: object, image: str) -> None:
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    try:
        client.images.get(image)
        return
    except ImageNotFound:
        pass
    name, _, tag = image.partition(":")
    try:
        for _ in client.api.pull(name, tag=tag, stream=True):
            pass
        client.images.get(image)
    except (DockerException, RequestException) as exc:
        raise UnavailableError(
            f"Docker runs, but {image} is not there and cannot be pulled ({_first_line(exc)})"
        ) from exc


@contextmanager
def from_jdk(folder: Path, *, home: Path | None = None, port: int = 0) -> Generator[TestServer]:
    """A server of this machine's JDK, with a home folder of its own, which ends with this process.

    Args:
        folder: where its home is made.
        home: another home than the usual one, for example to start again what was killed.
        port: of Bolt; 0 takes a free one.

    Raises:
        UnavailableError: no JDK, no Maven, or the server did not start.
    """
    command = [sys.executable, str(ROOT / "tools/neo4j_server.py"), "run", "--json", "--until-stdin-closes"]
    command += ["--home", str(home or folder / "neo4j"), "--port", str(port), "--http-port", "0"]
    environment = SHORT_LIVED | os.environ | {"NEO4J_PASSWORD": PASSWORD}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        ready = process.stdout.readline()
        if not ready:
            said = process.stderr.read().strip()
            raise UnavailableError(f"JDK: {said.rpartition('Error: ')[2] or 'the server did not start'}")
        try:
            found = json.loads(ready)
            yield TestServer(
                f"neo4j://neo4j:{PASSWORD}@127.0.0.1:{found['bolt_port']}",
                "JDK, tools/neo4j_server.py",
                found["pid"],
                found["http_port"],
            )
        finally:
            process.stdin.close()
            process.wait(90)


Route = Callable[[Path], AbstractContextManager[TestServer]]
ROUTES: tuple[Route, ...] = (from_setting, from_docker, from_jdk)


@contextmanager
def find(folder: Path, reasons: list[str], routes: tuple[Route, ...] = ROUTES) -> Generator[TestServer | None]:
    """A server by the first route that works, or None.

    Args:
        folder: for files of the server.
        reasons: gets why each route before did not work.
        routes: those to try, in this order.
    """
    for route in routes:
        found = route(folder)
        try:
            server = found.__enter__()
        except UnavailableError as exc:
            reasons.append(str(exc))
            continue
        try:
            yield server
        finally:
            found.__exit__(None, None, None)
        return
    yield None


def refuse(reasons: list[str]) -> None:
    """Skip what needs a server, or fail it in CI, where none may be skipped."""
    message = (
        f"no Neo4j server for the tests: set {SETTING} (neo4j://user:password@127.0.0.1:7687), or start a Docker engine that "
        f"has or can pull {IMAGE}, or install a JDK 21 or newer and Maven. Tried: {'; '.join(reasons)}"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def _first_line(exc: BaseException) -> str:
    return (str(exc).strip() or type(exc).__name__).splitlines()[0][:200]
