"""`graphrag keys`, `graphrag jobs`, and what `graphrag serve` refuses."""

import asyncio
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphrag.jobs import UploadedFile, ingest_job
from graphrag.llm.usage import Account, Charge, Usage
from graphrag.stores.embedded.open import open_stores
from graphrag.stores.system import ApiKey, JobFailure
from graphrag.types import Scope
from tests.api.conftest import REPOSITORY, Run, run_process
from tests.api.serving import QUIET, add_key, serve, store_url

ADMIN = Scope("default", frozenset({"*"}))


def stored_keys(folder: Path, tenant: str = "default") -> list[ApiKey]:
    async def read() -> list[ApiKey]:
        async with open_stores(store_url(folder), filter_fields=()) as (_, system):
            return await system.keys(tenant)

    return asyncio.run(read())


def test_a_key_is_shown_once_and_stored_only_as_its_hash(run: Run, tmp_path: Path):
    made = run("keys", "create", "wiki", "--role", "admin", "--access", "legal, hr", "--days", "30")

    assert made.code == 0
    assert f"Stored in {tmp_path / 'graphrag.db'}\n" in made.out
    secret = made.out.strip().splitlines()[-1]
    assert re.fullmatch(r"graphrag_[\w-]{43}", secret)
    (key,) = stored_keys(tmp_path)
    assert key.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert (key.name, key.role, key.scope) == ("wiki", "admin", Scope("default", frozenset({"legal", "hr"})))
    assert key.expires_at is not None and key.expires_at > key.created_at
    assert secret not in run("keys", "list").out + run("keys", "list", "--json").out
    assert secret.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_key_reads_public_documents_only_unless_told_otherwise(run: Run):
    made = run("keys", "create", "wiki", "--json").json

    assert (made["role"], made["access"], made["tenant"], made["expires_at"]) == ("reader", ["public"], "default", None)


def test_keys_are_listed_and_revoked_in_their_tenant_alone(run: Run, tmp_path: Path):
    ours = run("keys", "create", "ours", "--json").json["id"]
    theirs = run("keys", "create", "theirs", "--tenant", "rival", "--json").json["id"]

    assert [key["id"] for key in run("keys", "list", "--json").json["keys"]] == [ours]
    assert run("keys", "revoke", theirs).code == 4
    assert run("keys", "revoke", ours).out == f"revoked {ours}\n"
    assert "revoked" in run("keys", "list").out
    assert stored_keys(tmp_path, "rival")[0].revoked_at is None
    assert "has no keys" in run("keys", "list", "--tenant", "nobody").out


@pytest.mark.parametrize(
    "arguments",
    [["create", ""], ["create", "x" * 101], ["create", "a\nb"], ["create", "a", "--access", "../x"], ["create", "a", "--tenant", ""]],
)  # fmt: skip
def test_a_malformed_key_is_refused(run: Run, tmp_path: Path, arguments: list[str]):
    assert run("keys", *arguments).code == 3
    assert list(tmp_path.iterdir()) == []


def test_listing_where_there_is_no_store_says_so_and_makes_none(run: Run, tmp_path: Path):
    for arguments in (["keys", "list"], ["jobs", "list"], ["jobs", "show", "x"]):
        assert run(*arguments).code == 4
    assert list(tmp_path.iterdir()) == []


def test_jobs_are_listed_page_by_page(run: Run, tmp_path: Path):
    async def submit() -> None:
        async with open_stores(store_url(tmp_path), filter_fields=()) as (_, system):
            for number in range(3):
                await system.submit_job(ingest_job(f"j{number}", ADMIN, []))

    asyncio.run(submit())

    first = run("jobs", "list", "--limit", "2", "--json").json
    rest = run("jobs", "list", "--limit", "2", "--after", first["next"], "--json").json
    assert [[job["id"] for job in page["jobs"]] for page in (first, rest)] == [["j2", "j1"], ["j0"]]
    assert rest["next"] is None
    assert run("jobs", "list", "--limit", "2").out.endswith(f"\n... and more: --after {first['next']}\n")
    assert "more" not in run("jobs", "list", "--limit", "2", "--after", first["next"]).out


def test_jobs_are_listed_shown_cancelled_and_retried(run: Run, tmp_path: Path):
    async def submit() -> None:
        async with open_stores(store_url(tmp_path), filter_fields=()) as (_, system):
            await system.submit_job(ingest_job("j1", ADMIN, [UploadedFile("0" * 64, "a.md")]))
            claimed = await system.claim_job("w", 60)
            assert claimed is not None
            await system.add_failures(claimed[1], [JobFailure("a.md", "it is empty")])

    asyncio.run(submit())

    assert [job["id"] for job in run("jobs", "list", "--json").json["jobs"]] == ["j1"]
    assert run("jobs", "list", "--state", "failed", "--json").json == {"jobs": [], "next": None}
    assert "running" in run("jobs", "list").out
    shown = run("jobs", "show", "j1", "--json").json
    assert (shown["state"], shown["files"], shown["failures"]) == ("running", 1, [{"source": "a.md", "reason": "it is empty"}])  # fmt: skip
    assert "a.md: it is empty" in run("jobs", "show", "j1").out
    assert run("jobs", "cancel", "j1").out == "cancelled j1\n"
    assert run("jobs", "show", "j1", "--json").json["phase"] == "ended"
    assert run("jobs", "retry", "j1", "--json").json["state"] == "queued"
    assert run("jobs", "show", "j1", "--tenant", "rival").code == 4
    assert run("jobs", "list", "--tenant", "rival").out == "No jobs in tenant 'rival'.\n"


def test_a_job_is_named_by_how_its_id_begins_unless_several_begin_so(run: Run, tmp_path: Path):
    async def submit() -> None:
        async with open_stores(store_url(tmp_path), filter_fields=()) as (_, system):
            for id_ in ("3f", "3f2a0", "3f2b1", "4c0d", "3f2c2", "3f2d3"):
                await system.submit_job(ingest_job(id_, ADMIN, []))
            await system.submit_job(ingest_job("4c0e", Scope("rival"), []))

    asyncio.run(submit())

    assert run("jobs", "show", "4", "--json").json["id"] == "4c0d"
    assert run("jobs", "show", "3f", "--json").json["id"] == "3f"
    assert run("jobs", "cancel", "3f2b").out == "cancelled 3f2b1\n"
    assert run("jobs", "watch", "3f2b", "--json").json["state"] == "cancelled"
    assert run("jobs", "retry", "3f2b").out == "queued 3f2b1\n"
    several = run("jobs", "cancel", "3f2")
    assert (several.code, several.out) == (3, "")
    assert "'3f2' begins the ids of several jobs, 3f2a0, 3f2b1, 3f2c2 and more: give more of it" in several.err
    assert [run("jobs", "cancel", given).code for given in ("", "5", "4c0e", "4c0d0")] == [4, 4, 4, 4]
    assert {job["state"] for job in run("jobs", "list", "--json").json["jobs"]} == {"queued"}


def test_the_service_does_not_start_without_a_key_and_says_how_to_make_one(run: Run, tmp_path: Path):
    refused = run("serve")

    assert refused.code == 2
    assert f"{tmp_path / 'graphrag.db'} holds no valid API key" in refused.err
    assert "graphrag keys create" in refused.err
    assert "--dev" in refused.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [[], ["--until-done"]])
def test_a_worker_where_there_is_no_store_says_what_makes_one_and_makes_none(run: Run, tmp_path: Path, how: list[str]):
    refused = run("worker", *how)

    assert refused.code == 4
    assert f"there is no knowledge base at {tmp_path / 'graphrag.db'}" in refused.err
    assert "graphrag serve" in refused.err
    assert list(tmp_path.iterdir()) == []


def test_a_worker_names_the_store_of_its_jobs_and_where_it_looks_for_uploads(tmp_path: Path):
    asyncio.run(add_key(tmp_path))
    done = run_process(tmp_path, "worker", "--until-done")

    assert (done.code, done.out) == (
        0,
        f"Working on the jobs of {tmp_path / 'graphrag.db'}, with uploads in {tmp_path / 'graphrag-data'}\n",
    )


def test_revoked_and_expired_keys_do_not_count(run: Run, tmp_path: Path):
    asyncio.run(add_key(tmp_path, expires_at="2020-01-01T00:00:00Z"))
    asyncio.run(add_key(tmp_path, revoked_at="2020-01-01T00:00:00Z"))

    assert run("serve").code == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_development_mode_is_refused_beyond_loopback(tmp_path: Path, host: str):
    refused = run_process(tmp_path, "serve", "--dev", "--host", host)

    assert refused.code == 2
    assert "loopback" in refused.err


def test_development_mode_is_refused_under_any_host_name(tmp_path: Path):
    refused = run_process(tmp_path, "serve", "--dev", GRAPHRAG_ALLOWED_HOSTS="*")

    assert refused.code == 2
    assert "GRAPHRAG_ALLOWED_HOSTS" in refused.err


def test_an_address_that_is_taken_is_named(tmp_path: Path):
    with serve(tmp_path, "--dev") as served:
        refused = run_process(tmp_path, "serve", "--dev", "--port", served.url.rpartition(":")[2])

    assert refused.code == 2
    assert "cannot listen on 127.0.0.1" in refused.err


def test_a_service_that_cannot_start_says_why_without_a_traceback(tmp_path: Path):
    refused = run_process(tmp_path, "serve", "--dev", "--port", "0", GRAPHRAG_LLM_PROVIDER="openai")

    assert refused.code == 2
    assert "Error: GRAPHRAG_LLM_PROVIDER=openai needs a model: set GRAPHRAG_LLM_MODEL" in refused.err
    assert '"level": "error"' in refused.err  # for those who read the log by machine
    assert "Traceback" not in refused.err


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"], ["ingest", "."]])
def test_a_pipeline_that_is_not_installed_is_told_at_the_start(tmp_path: Path, command: list[str]):
    asyncio.run(add_key(tmp_path))
    (tmp_path / "a.md").write_text("Alder Pumps was founded by Ida Rowan.\n")
    refused = run_process(tmp_path, *command, GRAPHRAG_SPACY_PIPELINE="en_core_web_smal")

    assert refused.code == 2
    assert "GRAPHRAG_SPACY_PIPELINE='en_core_web_smal' is no spaCy pipeline that is installed" in refused.err


def test_workers_end_where_the_settings_are_at_fault(tmp_path: Path):
    asyncio.run(add_key(tmp_path))
    refused = run_process(tmp_path, "worker", "--processes", "2", GRAPHRAG_LLM_PROVIDER="openai")

    assert refused.code == 2
    assert "GRAPHRAG_LLM_PROVIDER=openai needs a model" in refused.err
    assert "cannot start with these settings" in refused.err
    assert refused.out.startswith(f"2 workers started on the jobs of {tmp_path / 'graphrag.db'}, with uploads in ")
    assert len(refused.out.splitlines()) == 1


def test_a_worker_imports_nothing_from_the_folder_in_which_it_is_started(tmp_path: Path):
    asyncio.run(add_key(tmp_path))
    (tmp_path / "structlog.py").write_text("raise SystemExit('imported from the working directory')\n")

    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHRAG_")}
    refused = subprocess.run(
        [sys.executable, "-P", "-m", "api.cli", "worker"],
        cwd=tmp_path,
        env=kept | {"PYTHONPATH": str(REPOSITORY), "GRAPHRAG_LLM_PROVIDER": "openai"},  # so that it ends at once
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert refused.returncode == 2
    assert "GRAPHRAG_LLM_MODEL" in refused.stderr


def test_development_mode_needs_no_key_and_says_so(tmp_path: Path):
    with serve(tmp_path, "--dev", **QUIET) as served:
        assert served.client().get("/v1/admin/stats").status_code == 200
        assert served.client("wrong").get("/v1/admin/stats").status_code == 401
        log = served.log()

    assert f"at {served.url}" in log
    assert "no key is needed" in log


def test_the_command_line_starts_without_what_takes_long_to_import():
    import subprocess
    import sys

    slow = {"litestar", "uvicorn", "structlog", "openai", "httpx2", "spacy", "onnxruntime", "networkx", "neo4j"}
    code = f"import sys, api.cli.app; print(*sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_usage_shows_what_each_key_used_however_long_everybody_has_used_models(run: Run, tmp_path: Path):
    days = [f"2026-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 28)]
    accounts = [
        account for day in days for account in (Account("total", day=day), Account("key", "default", "k1", day))
    ]

    async def fill() -> None:
        async with open_stores(store_url(tmp_path), filter_fields=()) as (_, system):
            await system.charge([Charge(account, Usage(1, 20, 3)) for account in accounts])

    asyncio.run(fill())
    found = run("usage", "--limit", "5", "--json").json["accounts"]

    expected = [("total", "2026-03-27"), ("key", "2026-03-27"), ("total", "2026-03-26"), ("key", "2026-03-26")]
    assert [(account["kind"], account["day"]) for account in found] == [*expected, ("total", "2026-03-25")]
    assert run("usage").out.count("k1") == 25


def test_usage_shows_jobs_beside_days_and_says_when_there_is_more(run: Run, tmp_path: Path):
    days = [Account("key", "default", "k1", f"2026-01-{day:02}") for day in range(1, 5)]
    jobs = [Account("job", "default", f"j{n}") for n in range(2)]

    async def fill() -> None:
        async with open_stores(store_url(tmp_path), filter_fields=()) as (_, system):
            await system.charge([Charge(account, Usage(1, 20, 3)) for account in days + jobs])

    asyncio.run(fill())
    cut, whole = run("usage", "--limit", "2", "--json").json, run("usage", "--limit", "4", "--json").json

    assert [account["id"] for account in cut["accounts"]] == ["k1", "k1", "j0", "j1"]
    assert (cut["more"], whole["more"]) == (True, False)
    assert run("usage", "--limit", "2").out.endswith("... and more: give a larger --limit\n")
    assert "and more" not in run("usage", "--limit", "4").out
