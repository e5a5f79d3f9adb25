"""Event streams of a real server: heartbeats, clients that leave, and the end of the service."""

import asyncio
import json
import select
import signal
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path
from random import Random

import httpx
import pytest

from graphrag.stores.embedded.open import open_stores
from graphrag.types import Scope
from tests.api.serving import Served, add_key, events, serve, store_url

BODY = {"documents": [{"source": "a.md", "text": "Alder Pumps."}]}


@pytest.fixture
def key(tmp_path: Path) -> str:
    """A key in the store of tmp_path."""
    return asyncio.run(add_key(tmp_path))


@pytest.fixture
def served(tmp_path: Path, key: str) -> Generator[Served]:
    """A server that works on no job, so that streams of jobs stay open."""
    with serve(tmp_path, GRAPHRAG_INGEST_WORKERS="0", GRAPHRAG_HEARTBEAT_SECONDS="0.2") as served:
        yield served


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Served, str]]:
    """The same with a key, for all tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("standing")
    key = asyncio.run(add_key(folder))
    with serve(folder, GRAPHRAG_INGEST_WORKERS="0", GRAPHRAG_HEARTBEAT_SECONDS="0.2") as served:
        yield served, key


def test_clients_that_leave_at_any_moment_leave_nothing_behind(served: Served, key: str):
    random = Random(7)
    for number in range(60):
        body = json.dumps({"question": "Who founded Alder Pumps?", "stream": number % 2 == 0}).encode()
        head = f"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        sent = head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as connection:
            connection.sendall(sent[: random.choice([len(sent), len(sent), len(sent) - 5, len(head) // 2])])
            time.sleep(random.uniform(0, 0.015))
    end = time.monotonic() + 10
    while _open_requests(served, key) > 1 and time.monotonic() < end:
        time.sleep(0.05)

    metrics = served.client(key).get("/metrics").text
    assert 'graphrag_questions{state="running"} 0.0' in metrics
    assert 'graphrag_questions{state="waiting"} 0.0' in metrics
    assert 'status="499"' in metrics
    assert 'status="5' not in metrics
    assert "Traceback" not in served.log()


def _follow(client: httpx.Client) -> str:
    job = client.post("/v1/admin/documents", json=BODY).raise_for_status().json()["job"]["id"]
    return f"/v1/admin/jobs/{job}/events"


def test_a_silent_stream_sends_heartbeats_and_ends_when_its_client_leaves(standing: tuple[Served, str]):
    served, key = standing
    client = served.client(key)
    with client.stream("GET", _follow(client)) as response:
        seen = events(response)
        first = next(seen)
        beats = [next(seen), next(seen)]
        assert _open_requests(served, key) == 2
    end = time.monotonic() + 10
    while _open_requests(served, key) > 1 and time.monotonic() < end:
        time.sleep(0.05)

    assert first[0] == "progress" and json.loads(first[1])["state"] == "queued"
    assert [name for name, _ in beats] == ["", ""]
    assert _open_requests(served, key) == 1


def _open_requests(served: Served, key: str) -> int:
    text = served.client(key).get("/metrics").text
    return int(float(next(line for line in text.splitlines() if line.startswith("graphrag_open_requests ")).split()[1]))


def test_a_stop_ends_streams_with_an_event_and_the_process_within_its_grace(served: Served, key: str):
    client = served.client(key)
    seen: list[tuple[str, str]] = []

    def follow() -> None:
        with client.stream("GET", path) as response:
            seen.extend(events(response))

    path = _follow(client)
    follower = threading.Thread(target=follow)
    follower.start()
    while not seen:
        time.sleep(0.01)
    begun = time.monotonic()
    served.stop(signal.SIGTERM)
    follower.join(10)

    assert time.monotonic() - begun < 5
    name, data = seen[-1]
    assert name == "error"
    assert json.loads(data)["type"] == "urn:graphrag:problem:unavailable"
    assert "Traceback" not in served.log()


def test_a_stop_gives_the_job_back_at_once_and_answers_a_request_that_outlasts_the_grace(tmp_path: Path, key: str):
    texts = [{"source": f"{number}.md", "text": f"Alder Pumps {number} is in Aarhus. " * 400} for number in range(60)]
    with serve(tmp_path, GRAPHRAG_SHUTDOWN_SECONDS="8", GRAPHRAG_CORS_ORIGINS="https://wiki.example.org") as served:
        client = served.client(key)
        job = client.post("/v1/admin/documents", json={"documents": texts}).raise_for_status().json()["job"]["id"]
        while client.get(f"/v1/admin/jobs/{job}").json()["state"] == "queued":
            time.sleep(0.01)
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as connection:
            # Of a body that never comes, in place of a question that takes long.
            head = f"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Origin: https://wiki.example.org\r\nContent-Length: 100\r\n\r\n{{".encode())
            time.sleep(0.3)
            served.process.send_signal(signal.SIGTERM)
            while asyncio.run(_state(tmp_path, job)) == "running":
                time.sleep(0.05)
            still_open = not select.select([connection], [], [], 0)[0]
            answer = connection.makefile("rb").read().decode()
        served.process.wait(30)
        log = served.log()

    assert asyncio.run(_state(tmp_path, job)) == "queued"
    assert still_open
    assert answer.startswith("HTTP/1.1 503 ")
    assert "urn:graphrag:problem:unavailable" in answer and "retry-after: 5" in answer
    assert "access-control-allow-origin: https://wiki.example.org" in answer
    assert "Traceback" not in log


async def _state(folder: Path, job: str) -> str:
    async with open_stores(store_url(folder), filter_fields=()) as (_, system):
        return (await system.job(Scope(access=frozenset({"*"})), job)).state


def test_a_stream_of_a_job_ends_with_the_job(standing: tuple[Served, str]):
    served, key = standing
    client = served.client(key)
    path = _follow(client)
    with client.stream("GET", path) as response:
        seen = events(response)
        assert next(seen)[0] == "progress"
        client.delete(path.removesuffix("/events")).raise_for_status()
        last = [event for event in seen if event[0]][-1]

    assert last[0] == "done"
    job = json.loads(last[1])
    assert (job["state"], job["progress"]["phase"]) == ("cancelled", "ended")


def test_health_answers_a_request_for_its_head_alone(standing: tuple[Served, str]):
    served, _ = standing
    end = time.monotonic() + 30
    while served.client().get("/health/ready").status_code != 200 and time.monotonic() < end:
        time.sleep(0.05)
    for path in ("/health/live", "/health/ready"):
        full = served.client().get(path)
        head = served.client().head(path)  # a body after it would break the next request of the connection

        assert (head.status_code, head.text) == (full.status_code, "")
        assert head.headers["content-length"] == str(len(full.content))
    assert served.client().head("/schema").status_code == 405
