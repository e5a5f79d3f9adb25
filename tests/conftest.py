"""Guards over the whole suite: no network, no settings of the developer, no blocking calls on the event loop."""

import ipaddress
import os
import socket
from collections.abc import Callable, Generator

import pytest
from blockbuster import blockbuster_ctx

for _name in [name for name in os.environ if name.startswith("GRAPHRAG_") and not name.startswith("GRAPHRAG_TEST_")]:
    del os.environ[_name]

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
        return look_up(host, *arguments, **options)  # type: ignore[arg-type]

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test may be skipped only with a reason, which pytest prints at the end (-ra)."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and report.longrepr[2] in _NO_REASON:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped without a reason"
    return report
