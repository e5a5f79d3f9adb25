"""A real server in a process of its own, with a store, an upload folder and keys of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from api.keys import make_key
from graphrag.bootstrap import open_stores
from graphrag.settings import load_settings
from graphrag.stores.system import ApiKey, KeyRole
from graphrag.types import Scope

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
QUIET = {"GRAPHRAG_KEY_RATE": "0", "GRAPHRAG_ADDRESS_RATE": "0"}


def store_url(folder: Path) -> str:
    """The store of a server's folder."""
    return f"sqlite:///{quote(str(folder / 'graphrag.db'))}"


async def add_key(
    folder: Path,
    *,
    role: KeyRole = "admin",
    tenant: str = "default",
    access: Iterable[str] = ("*",),
    url: str = "",
    **changes: Any,
) -> str:
    """Make a key in the store of a folder, or in the one that a URL names; returns its secret."""
    key, secret = make_key("test", role, Scope(tenant, frozenset(access)))
    changed: ApiKey = replace(key, **changes)
    async with open_stores(load_settings(store_url=url or store_url(folder))) as (_, system):
        await system.add_key(changed)
    return secret


class Served:
    """A server that runs."""

    def __init__(self, folder: Path, url: str, process: "subprocess.Popen[bytes]") -> None:
        self.folder = folder
        self.url = url
        self.process = process
        self.clients: dict[str | None, httpx.Client] = {}

    def key(self, **options: Any) -> str:
        """A new key; see add_key."""
        return asyncio.run(add_key(self.folder, **options))

    def client(self, key: str | None = None) -> httpx.Client:
        """The client that sends a key; closed with the server."""
        if key not in self.clients:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            # Without encryption there is nothing to verify; to load the certificates takes as long as many requests.
            self.clients[key] = httpx.Client(
                base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=False
            )
        return self.clients[key]

    def log(self) -> str:
        """All that the server has printed."""
        return (self.folder / "server.log").read_text()

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(how)
        return self.process.wait(30)


@contextmanager
def serve(folder: Path, *arguments: str, **settings: str) -> Generator[Served]:
    """Run `graphrag serve` in a folder; it is ended at the end of the block, if it still runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHRAG_")}
    environment = kept | {
        "PYTHONPATH": str(REPOSITORY),
        "GRAPHRAG_EMBEDDER": "hashing",
        "GRAPHRAG_PORT": str(port),
        **settings,
    }
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", *arguments],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    served = Served(folder, f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_up(served)
        yield served
    finally:
        for client in served.clients.values():
            client.close()
        if process.poll() is None:
            process.kill()
        process.wait(30)


def _wait_until_up(served: Served) -> None:
    end = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, verify=False) as client:
        while time.monotonic() < end:
            assert served.process.poll() is None, served.log()
            try:
                if client.get(f"{served.url}/health/live").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{served.log()}")


def wait_for_job(client: httpx.Client, job_id: str, seconds: float = 60.0) -> dict[str, Any]:
    """The job, once it has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job = client.get(f"/v1/admin/jobs/{job_id}").raise_for_status().json()
        if job["state"] in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job has not ended: {job}")


def ingest_texts(client: httpx.Client, documents: dict[str, str], **options: Any) -> dict[str, Any]:
    """Ingest texts by source and wait; returns the job."""
    body = {"documents": [{"source": source, "text": text} for source, text in documents.items()], **options}
    job = client.post("/v1/admin/documents", json=body).raise_for_status().json()["job"]
    return wait_for_job(client, job["id"])


def events(response: httpx.Response) -> Generator[tuple[str, str]]:
    """(event, data) of a stream; comments are ("", text)."""
    name = ""
    for line in response.iter_lines():
        if line.startswith(":"):
            yield "", line[1:].strip()
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")
