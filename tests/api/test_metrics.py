"""Metrics: of jobs, and while the store is away."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from api import keys
from api.app import create_app
from api.service import READY_TIMEOUT, Service
from graphrag.errors import StoreError
from graphrag.jobs import ingest_job
from graphrag.types import Scope
from tests.api.in_process import settings_for
from tests.api.serving import add_key


async def test_metrics_outlast_the_store_for_keys_that_were_valid_lately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    admin, late, reader, revoked = [
        {"Authorization": f"Bearer {await add_key(tmp_path, **options)}"}
        for options in ({}, {}, {"role": "reader"}, {"revoked_at": "2020-01-01T00:00:00Z"})
    ]
    app = create_app(settings_for(tmp_path))
    async with AsyncTestClient(app) as client:
        before = [(await client.get("/metrics", headers=key)).status_code for key in (admin, reader, revoked)]
        service: Service = app.state.service

        async def away(*_: Any) -> None:
            raise StoreError("away")

        with monkeypatch.context() as patch:
            patch.setattr(type(service.kb.system), "key_by_secret", away)
            scraped = await client.get("/metrics", headers=admin)
            others = [(await client.get("/metrics", headers=key)).status_code for key in (late, reader, revoked)]
            elsewhere = await client.get("/v1/documents", headers=admin)
            patch.setattr(keys, "REMEMBERED_SECONDS", 0.0)
            forgotten = await client.get("/metrics", headers=admin)

    assert before == [200, 403, 401]
    assert (scraped.status_code, 'status="401"' in scraped.text) == (200, True)
    assert others == [503, 403, 503]
    assert (elsewhere.status_code, forgotten.status_code) == (503, 503)


async def test_metrics_tell_how_jobs_of_all_tenants_stand(tmp_path: Path):
    app = create_app(settings_for(tmp_path, ingest_workers=0), development=True)
    async with AsyncTestClient(app) as client:
        system = app.state.service.kb.system
        idle = (await client.get("/metrics")).text
        for n, tenant in enumerate(("default", "rival", "rival")):
            await system.submit_job(ingest_job(f"j{n}", Scope(tenant), []))
        found = await system.claim_job("w", 60)
        await system.finish_job(found[1], "failed", done=7, failed=2)
        await asyncio.sleep(1.1)
        text = (await client.get("/metrics")).text

    assert (_value(idle, 'graphrag_jobs{state="queued"}'), _value(idle, "graphrag_oldest_waiting_job_seconds")) == (
        0,
        0,
    )
    assert _value(text, 'graphrag_jobs{state="queued"}') == 2
    assert _value(text, 'graphrag_jobs{state="failed"}') == 1
    assert 1 <= _value(text, "graphrag_oldest_waiting_job_seconds") < 60
    assert _value(text, 'graphrag_documents_total{outcome="done"}') == 7
    assert _value(text, 'graphrag_documents_total{outcome="failed"}') == 2


async def test_metrics_of_a_store_that_hangs_say_nothing_of_jobs_and_wait_for_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    admin = {"Authorization": f"Bearer {await add_key(tmp_path)}"}
    app = create_app(settings_for(tmp_path))

    async def hang(*_: Any) -> None:
        await asyncio.sleep(60)

    async with AsyncTestClient(app) as client:
        before = await client.get("/metrics", headers=admin)
        with monkeypatch.context() as patch:
            for name in ("key_by_secret", "queue"):
                patch.setattr(type(app.state.service.kb.system), name, hang)
            began = time.monotonic()
            hanging = await client.get("/metrics", headers=admin)
            took = time.monotonic() - began

    assert "graphrag_jobs{" in before.text
    assert (hanging.status_code, "graphrag_jobs{" in hanging.text) == (200, False)
    assert took < 2 * READY_TIMEOUT


def _value(text: str, series: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(f"{series} ")]
    return float(line.rpartition(" ")[2])
