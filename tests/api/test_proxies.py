"""Behind a reverse proxy: who counts as the client, and what the log says of a proxy that is not trusted."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.serving import add_key, serve


def _limited(folder: Path, proxies: str) -> tuple[list[int], list[dict[str, Any]]]:
    """Statuses of requests for six clients, of which each may send three a minute, and the warnings of the log."""
    with serve(
        folder, GRAPHRAG_TRUSTED_PROXIES=proxies, GRAPHRAG_ADDRESS_RATE="3", GRAPHRAG_LOG_FORMAT="json"
    ) as served:
        client = served.client()
        headers = [{"X-Forwarded-For": f"203.0.113.{n}:4711"} for n in range(6)]
        statuses = [client.get("/schema/openapi.json", headers=one).status_code for one in headers]
        log = served.log()
    assert "203.0.113." not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return statuses, [line for line in lines if "GRAPHRAG_TRUSTED_PROXIES" in line["event"]]


@pytest.mark.parametrize("proxies", ["10.0.0.5", ""])
async def test_a_proxy_that_is_not_trusted_is_told_once_with_its_address(tmp_path: Path, proxies: str):
    await add_key(tmp_path)
    statuses, warnings = _limited(tmp_path, proxies)

    assert statuses == [200] * 3 + [429] * 3
    assert [warning["address"] for warning in warnings] == ["127.0.0.1"]
    assert warnings[0]["level"] == "warning"


@pytest.mark.parametrize("proxies", ["127.0.0.0/8,::1", "*"])
async def test_clients_of_a_trusted_proxy_have_limits_of_their_own(tmp_path: Path, proxies: str):
    await add_key(tmp_path)

    assert _limited(tmp_path, proxies) == ([200] * 6, [])
