"""Metrics while the store is away."""

from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from api import keys
from api.app import create_app
from api.service import Service
from graphrag.errors import StoreError
from tests.api.serving import add_key
from tests.api.test_query import settings_for


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
