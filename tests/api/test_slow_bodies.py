"""The body of a request has its time, whatever it is sent to."""

import asyncio
import socket
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.api.serving import QUIET, Served, add_key, events, serve

HEAD = (
    "POST {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n"
)
FORM = "multipart/form-data; boundary=x"
BEGUN = b'--x\r\nContent-Disposition: form-data; name="files"; filename="half.md"\r\n\r\n'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """A server that waits for a body for a second, and works on no job."""
    folder = tmp_path_factory.mktemp("slow")
    asyncio.run(add_key(folder))
    settings = {"GRAPHRAG_BODY_SECONDS": "1", "GRAPHRAG_INGEST_WORKERS": "0", "GRAPHRAG_HEARTBEAT_SECONDS": "0.5"}
    with serve(folder, **settings, **QUIET) as running:
        yield running


def begin(served: Served, path: str, kind: str, length: int) -> socket.socket:
    """Send the head of a request."""
    connection = socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=20)
    connection.sendall(HEAD.format(path, served.key(), kind, length).encode())
    return connection


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("path", "kind", "sent"),
    [
        ("/v1/query", "application/json", b'{"question": "Who'),
        ("/v1/admin/documents", FORM, BEGUN + b"hello"),
        ("/v1/admin/documents", "application/x-ndjson", b'{"text": "hello"}\n'),
    ],
)
def test_a_body_that_does_not_come_to_its_end_is_given_up(served: Served, path: str, kind: str, sent: bytes):
    connection = begin(served, path, kind, 1_000)
    connection.sendall(sent)
    begun = time.monotonic()

    answer = received(connection)

    assert time.monotonic() - begun < 10
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in answer
    assert b"urn:graphrag:problem:request-timeout" in answer
    assert b"connection: close" in answer.lower()
    assert list(Path(served.folder).rglob(".partial-*")) == []


def test_a_trickle_is_given_up_and_a_slow_upload_is_not(served: Served):
    for size, status in ((10, b"408"), (1_000, b"202")):
        parts = 16
        end = b"\r\n--x--\r\n"
        connection = begin(served, "/v1/admin/documents", FORM, len(BEGUN) + parts * size + len(end))
        try:
            connection.sendall(BEGUN)
            for _ in range(parts):
                time.sleep(0.15)
                connection.sendall(b"a " * (size // 2))
            connection.sendall(end)
        except OSError:
            assert status == b"408"  # the server has closed the connection
        assert connection.recv(12) == b"HTTP/1.1 " + status
        connection.close()


def test_a_stream_goes_on_for_longer_than_a_body_may_take(served: Served):
    client = served.client(served.key())
    answer = client.post("/v1/admin/documents", json={"documents": [{"source": "a.md", "text": "The Alder pump."}]})
    begun = time.monotonic()

    with client.stream("GET", f"/v1/admin/jobs/{answer.json()['job']['id']}/events") as response:
        beats = (name for name, _ in events(response) if not name)
        assert [next(beats) for _ in range(4)] == [""] * 4

    assert time.monotonic() - begun > 1.5
