"""Guards over the whole suite: no network, no settings of the developer, no blocking calls on the event loop."""

import asyncio
import gc
import ipaddress
import os
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import hypothesis
import pytest
from blockbuster import blockbuster_ctx

from api.cli import GC_THRESHOLDS
from graphrag.embedding import installed
from graphrag.extraction import spacy
from tests.contracts.neo4j import empty
from tests.llama_server import LlamaServer, llama_server
from tests.model_server import ModelServer, model_server
from tests.neo4j_server import TestServer, find, refuse

for _name in [name for name in os.environ if name.startswith("GRAPHRAG_") and not name.startswith("GRAPHRAG_TEST_")]:
    del os.environ[_name]

# In memory where that has room, also for processes that tests start: a store waits for the disk with every write, on which
# many tests spent most of their time.
_MEMORY = Path("/dev/shm")
if (
    not os.environ.get("TMPDIR")
    and os.access(_MEMORY, os.W_OK)
    and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    and shutil.disk_usage(_MEMORY).free > 4 << 30
):
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

gc.set_threshold(*GC_THRESHOLDS)  # as the program does: with the usual ones the contract suites take a sixth more time

# An example is wrong by what it gives, not by how long it takes beside others on a busy machine.
hypothesis.settings.register_profile("untimed", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("untimed")

PACKAGES = ["graphrag", "agent", "api"]

# What may block the event loop. Each entry is (file, functions, reason).
MAY_BLOCK: tuple[tuple[str, frozenset[str], str], ...] = (
    ("<frozen importlib._bootstrap>", frozenset({"_find_and_load"}), "an import happens once in a process"),
    ("linecache.py", frozenset({"checkcache", "updatecache"}), "the traceback of a fault, for the log"),
    ("concurrent/futures/thread.py", frozenset({"submit"}), "starting a thread waits until it runs"),
    (
        "graphrag/embedding/tokenizer.py",
        frozenset({"packaged_file"}),
        "models are opened once, before anything is asked",
    ),
)

_NO_REASON = frozenset({"Skipped", "Skipped: ", "Skipped: unconditional skip"})


class NetworkRefusedError(RuntimeError):
    """A test tried to leave the machine. Not an OSError, so that no retry hides it."""


def _is_loopback(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guard_connection(original: Callable[..., object]) -> Callable[..., object]:
    def guarded(self: socket.socket, *arguments: object) -> object:
        address = arguments[-1]
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise NetworkRefusedError(f"tests may not reach {address[0]!r}: use a server on the loopback interface")
        return original(self, *arguments)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def network_off() -> Generator[None]:
    """Connections and name look-ups beyond the loopback interface fail."""
    look_up = socket.getaddrinfo

    def guarded_look_up(host: object, *arguments: object, **options: object) -> object:
        if not _is_loopback(host):
            raise NetworkRefusedError(f"tests may not look up {host!r}: use a server on the loopback interface")
        return look_up(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guard_connection(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


@pytest.fixture(scope="session", autouse=True)
def event_loop_never_blocked(network_off: None) -> Generator[None]:
    """File, SQLite, socket, lock and sleep calls of our packages raise BlockingError while an event loop runs."""
    with blockbuster_ctx(PACKAGES) as blockbuster:
        for function in blockbuster.functions.values():
            for file, functions, _ in MAY_BLOCK:
                function.can_block_in(file, functions)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_pipeline() -> Generator[None]:
    """The usual spaCy pipeline is loaded once, for 0.4 s, and not by every ingest; it is used by one thread at a time."""
    load, extract, in_use = spacy.load_pipeline, spacy.SpacyExtractor._extract, threading.Lock()
    usual = cache(load)

    def alone(extractor: spacy.SpacyExtractor, documents: object) -> object:
        with in_use:
            return extract(extractor, documents)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spacy, "load_pipeline", lambda name: (usual if name == spacy.DEFAULT_PIPELINE else load)(name))
        patch.setattr(spacy.SpacyExtractor, "_extract", alone)
        yield


_NEO4J = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For tools/run_tests.py, mark what uses a Neo4j server: by a fixture, a parameter or a name that says so."""
    for item in items:
        if "neo4j_server" in getattr(item, "fixturenames", ()) or "neo4j" in re.split(r"[][_-]", item.name):
            item.add_marker("neo4j")


@pytest.fixture(scope="session")
def _neo4j(
    network_off: None, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[TestServer | None, list[str]]]:
    if pytestconfig.option.markexpr.startswith("not "):
        pytest.fail(
            "this test uses Neo4j, but nothing about it says so: see pytest_collection_modifyitems in tests/conftest.py"
        )
    told = pytestconfig.stash.setdefault(_NEO4J, [])
    reasons: list[str] = []
    with find(tmp_path_factory.mktemp("neo4j"), reasons) as server:
        told += [f"not by {reason}" for reason in reasons]
        told.append(f"{server.address} by {server.route}" if server else "no server")
        yield server, reasons


@pytest.fixture(scope="session")
def neo4j_server(_neo4j: tuple[TestServer | None, list[str]]) -> TestServer:
    """One real Neo4j server for the whole run, found as tests/neo4j_server.py says; without one, the test is skipped.

    In CI it fails instead. Whoever uses it removes what they wrote.
    """
    server, reasons = _neo4j
    if server is None:
        refuse(reasons)
    assert server is not None
    return server


@pytest.fixture(scope="session")
def neo4j_url(neo4j_server: TestServer) -> str:
    """Its URL with user and password, such as neo4j://neo4j:password@127.0.0.1:7687."""
    return neo4j_server.url


@pytest.fixture(params=["embedded", "neo4j"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A store of each kind with nothing in it, whose database is left empty."""
    if request.param == "embedded":
        yield f"sqlite:///{quote(str(tmp_path / 'kb.db'))}"
        return
    url: str = request.getfixturevalue("neo4j_url")
    asyncio.run(empty(url))
    yield url
    asyncio.run(empty(url))


@pytest.fixture
def only_minilm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other embedding model is installed, whether or not one is."""
    monkeypatch.setattr(installed, "FOLDER", tmp_path / "nowhere" / "e5-small-v2")


@pytest.fixture
def server() -> Generator[ModelServer]:
    """A model that answers by a script."""
    with model_server() as running:
        yield running


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Generator[LlamaServer]:
    """A real model, and a small one."""
    with llama_server(tmp_path_factory.mktemp("llama")) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which Neo4j server the tests used, and why no other."""
    if told := config.stash.get(_NEO4J, []):
        terminalreporter.section("Neo4j")
        for one in told:
            terminalreporter.line(one)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test may be skipped only with a reason, which pytest prints at the end (-ra)."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and report.longrepr[2] in _NO_REASON:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped without a reason"
    return report
