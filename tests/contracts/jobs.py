"""Scopes, keys, jobs, leases and decisions that the contract suite of system stores is written with."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from graphrag.stores.base import GraphStore
from graphrag.stores.system import ApiKey, Decision, Job, Lease, SystemStore
from graphrag.types import Scope

Stores = tuple[GraphStore, SystemStore]
Opener = Callable[[Path], AbstractAsyncContextManager[Stores]]

EVERYBODY = Scope()
LEGAL = Scope("default", frozenset({"legal"}))
ADMIN = Scope("default", frozenset({"*"}))
RIVAL = Scope("rival", frozenset({"*"}))
SHORT, LONG = 0.05, 600.0  # seconds of a lease
LONG_AGO, FAR_AHEAD = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


def a_key(id_: str, *, tenant: str = "default", created_at: str = "2026-01-01T00:00:00Z") -> ApiKey:
    return ApiKey(id_, f"name of {id_}", f"hash of {id_}", "reader", Scope(tenant), created_at)


def a_job(id_: str, *, scope: Scope = EVERYBODY, kind: str = "ingest", priority: int = 0, age: int = 0) -> Job:
    """A job; a greater age means submitted earlier."""
    return Job(id_, scope, kind, {"of": id_}, priority=priority, created_at=f"2026-01-01T00:00:{59 - age:02}Z")


async def claimed(system: SystemStore, worker: str = "w", seconds: float = LONG) -> Lease:
    """The lease of the next job, which must exist."""
    found = await system.claim_job(worker, seconds)
    assert found is not None
    return found[1]


async def run_out(lease: Lease) -> None:
    """Wait until a short lease has certainly run out."""
    await asyncio.sleep(SHORT * 2)


def is_timestamp(text: str, *, instant: bool = False) -> bool:
    return len(text) == (27 if instant else 20) and text[10] == "T" and text[-1] == "Z"


def a_decision(id_: str, a: str, b: str, *, tenant: str = "default") -> Decision:
    return Decision(id_, tenant, "merge", a, b, "ann", "2026-01-01T00:00:00Z")
