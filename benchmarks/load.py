"""The service under load: concurrent clients, an ingest running beside, and what a bare handler would do instead.

    python -m benchmarks.load --seconds 300
    python -m benchmarks.load --seconds 300 --folder EVAL/hotpotqa --store-url neo4j://neo4j:password@127.0.0.1:7687/neo4j

Three phases on one store, each with the same clients and questions:

1. *bare*: a Litestar handler without keys, limits, schemas or logs that only embeds the question and asks for the nearest chunks.
2. *search*: the same through the service, `POST /v1/search` with tool `vector`. Its throughput by that of phase 1 is what the
   service costs.
3. *query*: `POST /v1/query` with the agent, while a job ingests new documents beside.

Phases 1 and 2 take a fifth of the time each. A tenant of its own is used, so that a store that others use is not disturbed; its
documents are deleted at the end.
"""

import argparse
import asyncio
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from api.cli import ONE_THREAD
from api.keys import make_key
from graphrag.bootstrap import open_knowledge_base, open_stores
from graphrag.evaluation.beir import load_dataset
from graphrag.retrieval.vector import embed_query
from graphrag.sample import open_documents, questions
from graphrag.settings import load_settings
from graphrag.types import Scope

PORT = 8390
BESIDE = 40
"""Documents of each job that is ingested beside."""
EXPECTED = frozenset({200, 429, 503})


@dataclass
class Phase:
    """What a phase saw."""

    name: str
    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    memory_mb: list[int] = field(default_factory=list)
    """Resident memory of the server, once a second."""
    ingested: int = 0

    @property
    def per_second(self) -> float:
        """Answers (200) a second."""
        return self.statuses[200] / self.seconds

    def summary(self) -> dict[str, Any]:
        """As JSON."""
        cuts = statistics.quantiles(self.milliseconds, n=100) if len(self.milliseconds) > 1 else [0.0] * 99
        series = self.memory_mb[:: max(1, len(self.memory_mb) // 10)]
        return {
            "answers_per_second": round(self.per_second, 1),
            "p50_ms": round(cuts[49]),
            "p95_ms": round(cuts[94]),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "memory_mb": series,
            "documents_ingested_beside": self.ingested,
        }


def bare_app(store_url: str, tenant: str) -> Any:
    """The handler that the service is compared with."""
    from litestar import Litestar, Request, post

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with open_knowledge_base(load_settings(store_url=store_url)) as kb:
            app.state.kb = kb
            yield

    @post("/", status_code=200)
    async def search(request: Request[Any, Any, Any]) -> list[str]:
        kb = request.app.state.kb
        vector = await embed_query(kb.embedder, (await request.json())["query"])
        (hits,) = await kb.store.nearest_chunks(Scope(tenant), vector[None, :], 10)
        return [hit.chunk_id for hit in hits]

    return Litestar([search], lifespan=[lifespan], openapi_config=None)


@asynccontextmanager
async def running(command: Sequence[str], ready: str, folder: Path, **settings: str) -> AsyncGenerator[int]:
    """A server of ours, up and answering; yields its process id."""
    log = folder / "server.log"
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *command,
            stdout=file,
            stderr=file,
            env={**os.environ, **ONE_THREAD, **settings},
        )
    try:
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(120):
            while True:
                if process.returncode is not None:
                    raise SystemExit(f"the server ended:\n{log.read_text()[-2000:]}")
                try:
                    await client.get(ready)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def load(
    phase: Phase,
    pid: int,
    client: httpx.AsyncClient,
    clients: int,
    seconds: float,
    request: Callable[[int], dict[str, Any]],
) -> None:
    """Clients that ask one question after the other until the time is over."""
    begun = time.perf_counter()
    end = begun + seconds
    number = 0

    async def ask() -> None:
        nonlocal number
        while time.perf_counter() < end:
            number += 1
            sent = time.perf_counter()
            try:
                response = await client.post(**request(number))
                status, wait = response.status_code, float(response.headers.get("retry-after", 0))
            except httpx.TransportError:
                status, wait = 0, 0.1
            phase.statuses[status] += 1
            if status == 200:
                phase.milliseconds.append((time.perf_counter() - sent) * 1000)
            else:
                await asyncio.sleep(min(wait, 1.0))

    async def watch() -> None:
        while True:
            phase.memory_mb.append(_resident_mb(pid))
            await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(ask() for _ in range(clients)))
    watching.cancel()
    phase.seconds = time.perf_counter() - begun


async def ingest_beside(phase: Phase, client: httpx.AsyncClient, texts: Sequence[str]) -> None:
    """Keep a job of new documents running, until cancelled."""
    number = 0
    while True:
        documents = [
            {"source": f"beside/{number + n}.txt", "text": f"Note {number + n}. {texts[(number + n) % len(texts)]}"}
            for n in range(BESIDE)
        ]
        number += BESIDE
        response = await client.post("/v1/admin/documents", json={"documents": documents})
        if response.status_code == 202:
            await _ended(client, response.json()["job"]["id"])
            phase.ingested += BESIDE
        else:
            await asyncio.sleep(1)


async def _ended(client: httpx.AsyncClient, job: str) -> None:
    while True:
        response = await client.get(f"/v1/admin/jobs/{job}")
        if response.status_code == 200 and response.json()["state"] not in ("queued", "running"):
            if response.json()["state"] != "succeeded":
                raise SystemExit(f"an ingest job {response.json()['state']}: {response.json()['error']}")
            return
        await asyncio.sleep(0.5)


def _resident_mb(pid: int) -> int:
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


def _corpus(folder: Path | None) -> tuple[list[dict[str, str]], list[str]]:
    """Documents and questions: of a folder in BEIR layout, or of the sample."""
    if folder is not None:
        dataset = load_dataset(folder)
        documents = [
            {"source": f"{passage.id}.txt", "title": passage.title[:300], "text": passage.text}
            for passage in dataset.passages
        ]
        return documents, [query.text for query in dataset.queries]
    with open_documents() as sample:
        paths = sorted(path for path in sample.rglob("*.md"))
        documents = [
            {"source": path.relative_to(sample).as_posix(), "text": path.read_text(encoding="utf-8")} for path in paths
        ]
    return documents, [item.question for item in questions()]


async def _filled(client: httpx.AsyncClient, documents: Sequence[dict[str, str]]) -> None:
    for start in range(0, len(documents), 500):
        response = await client.post("/v1/admin/documents", json={"documents": documents[start : start + 500]})
        response.raise_for_status()
        await _ended(client, response.json()["job"]["id"])


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """All phases."""
    documents, asked = _corpus(arguments.folder)
    tenant = f"load-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store_url = arguments.store_url or f"sqlite:///{folder / 'load.db'}"
        key, secret = make_key("load", "admin", Scope(tenant, frozenset({"*"})), days=1)
        async with open_stores(load_settings(store_url=store_url)) as (_, system):
            await system.add_key(key)
        url, bare_url = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        headers = {"Authorization": f"Bearer {secret}"}
        phases = [Phase("bare"), Phase("search"), Phase("query")]
        service = running(
            ["api.cli", "serve"],
            f"{url}/health/live",
            folder,
            GRAPHRAG_PORT=str(PORT),
            GRAPHRAG_STORE_URL=store_url,
            GRAPHRAG_DATA_DIR=str(folder / "uploads"),
            GRAPHRAG_ADDRESS_RATE="0",
            GRAPHRAG_KEY_RATE="0",
        )
        async with httpx.AsyncClient(
            base_url=url, headers=headers, timeout=120, limits=limits, trust_env=False
        ) as client:
            async with service as pid:
                await _filled(client, documents)
                await load(
                    phases[1], pid, client, arguments.clients, arguments.seconds / 5,
                    lambda n: {"url": "/v1/search", "json": {"query": asked[n % len(asked)], "tool": "vector"}},
                )  # fmt: skip
                beside = asyncio.create_task(
                    ingest_beside(phases[2], client, [document["text"] for document in documents])
                )
                await load(
                    phases[2], pid, client, arguments.clients, arguments.seconds,
                    lambda n: {"url": "/v1/query", "json": {"question": asked[n % len(asked)]}},
                )  # fmt: skip
                if beside.done():
                    await beside
                beside.cancel()
            command = ["benchmarks.load", "--bare", tenant, "--store-url", store_url]
            async with running(command, bare_url, folder) as pid:
                await load(
                    phases[0], pid, client, arguments.clients, arguments.seconds / 5,
                    lambda n: {"url": bare_url, "json": {"query": asked[n % len(asked)]}},
                )  # fmt: skip
        async with open_stores(load_settings(store_url=store_url)) as (store, system):
            await _cleaned(store, Scope(tenant, frozenset({"*"})))
            await system.revoke_key(tenant, key.id)
        unexpected = {status for phase in phases for status in phase.statuses} - EXPECTED
        return {
            "store": store_url.partition(":")[0],
            "clients": arguments.clients,
            "documents": len(documents),
            **{phase.name: phase.summary() for phase in phases},
            "search_by_bare": round(phases[1].per_second / phases[0].per_second, 3),
            "query_by_bare": round(phases[2].per_second / phases[0].per_second, 3),
            "unexpected_statuses": sorted(unexpected),
        }


async def _cleaned(store: Any, scope: Scope) -> None:
    while found := await store.documents(scope, limit=500):
        await store.delete_documents(scope, [document.id for document in found])


def main() -> None:
    """Run the phases and print a JSON document; ends with 1 if a status was seen that is not by design."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="documents and questions in BEIR layout; the sample without")
    parser.add_argument("--store-url", help="a new embedded store without")
    parser.add_argument("--bare", metavar="TENANT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        import uvicorn

        uvicorn.run(bare_app(arguments.store_url, arguments.bare), port=PORT + 1, access_log=False, log_level="warning")
        return
    result = asyncio.run(run(arguments))
    print(json.dumps(result, indent=2))
    sys.exit(1 if result["unexpected_statuses"] else 0)


if __name__ == "__main__":
    main()
