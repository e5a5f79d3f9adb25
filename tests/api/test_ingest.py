"""Ingest over HTTP: what becomes of files, texts and records, and of a server that is killed meanwhile."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from graphrag.stores.embedded.open import open_stores
from graphrag.stores.system import Job
from graphrag.types import Scope
from tests.api.serving import QUIET, REPOSITORY, Served, add_key, ingest_texts, serve, store_url, wait_for_job

TEXT = b"Alder Pumps was founded by Ida Rowan in Aarhus.\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """A server for all tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("ingest")
    key = asyncio.run(add_key(folder))
    with serve(folder, GRAPHRAG_MAX_UPLOAD_BYTES="1000000", GRAPHRAG_MAX_BODY_BYTES="50000", **QUIET) as served:
        served.client(key)
        yield served


@pytest.fixture
def client(served: Served) -> httpx.Client:
    """An admin of a tenant of its own."""
    return served.client(served.key(tenant=f"t{time.monotonic_ns()}"))


def _sources(client: httpx.Client) -> list[str]:
    return sorted(document["source"] for document in client.get("/v1/documents").json()["documents"])


def _upload(client: httpx.Client, *files: tuple[str, bytes], **fields: str) -> httpx.Response:
    return client.post("/v1/admin/documents", files=[("files", file) for file in files], data=fields)


def test_files_become_documents_and_a_bad_one_a_failure_with_its_reason(client: httpx.Client):
    response = _upload(
        client, ("a.md", TEXT), ("b.xlsx", b"x"), ("c.pdf", b"%PDF-1.4 broken"), metadata='{"year": 2025}'
    )

    assert response.status_code == 202
    job = wait_for_job(client, response.json()["job"]["id"])
    assert job["state"] == "succeeded"
    assert {name: job["progress"][name] for name in ("phase", "files", "files_read", "documents", "created", "failed")} == {
        "phase": "ended", "files": 3, "files_read": 3, "documents": 3, "created": 1, "failed": 2,
    }  # fmt: skip
    assert [failure["source"] for failure in job["failures"]] == ["b.xlsx", "c.pdf"]
    assert "not supported" in job["failures"][0]["reason"]
    assert client.get("/v1/documents").json()["documents"][0]["metadata"] == {"year": 2025}


def test_failures_come_page_by_page(client: httpx.Client):
    job = wait_for_job(client, _upload(client, *((f"{n}.xyz", b"x") for n in range(5))).json()["job"]["id"])

    assert (job["state"], job["error"]) == ("failed", "no document could be stored")
    path, seen, after = f"/v1/admin/jobs/{job['id']}", [], ""
    while after is not None:
        page = client.get(path, params={"limit": 2, "after": after}).json()
        seen += [failure["source"] for failure in page["failures"]]
        after = page["next"]
    assert seen == [f"{n}.xyz" for n in range(5)]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("../../etc/passwd.txt", "etc/passwd.txt"),
        ("/etc/shadow.txt", "etc/shadow.txt"),
        ("C:\\Users\\ida\\notes.txt", "notes.txt"),
        ("a//./b/../c.txt", "a/b/c.txt"),
        ("ünï çødé.txt", "ünï çødé.txt"),
        ("x" * 900 + ".txt", "x" * 900 + ".txt"),
        ("CON.txt", "CON.txt"),
    ],
)
def test_names_of_uploads_are_data_and_never_paths(served: Served, client: httpx.Client, name: str, source: str):
    wait_for_job(client, _upload(client, (name, TEXT)).json()["job"]["id"])

    assert _sources(client) == [source]
    kept = [path for path in (served.folder / "graphrag-data").rglob("*") if path.is_file()]
    assert kept
    assert all(len(path.name) == 64 and len(path.relative_to(served.folder).parts) == 3 for path in kept)


@pytest.mark.parametrize("name", ["..", "/", "\\..\\", " ", "x" * 1001])
def test_a_name_of_which_nothing_is_left_is_refused(client: httpx.Client, name: str):
    assert _upload(client, (name, TEXT)).status_code in (400, 422)
    assert client.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


def test_texts_and_records_become_documents_too(client: httpx.Client):
    ingest_texts(client, {"notes/pump.md": "# Pump\n\nIt pumps."}, metadata={"year": 2024})
    lines = b'{"id": "T-1", "text": "A ticket."}\n{"id": "T-2", "text": "Another one.", "severity": 2}\n'
    response = client.post(
        "/v1/admin/documents",
        params={"source": "tickets.jsonl"},
        content=lines,
        headers={"Content-Type": "application/x-ndjson"},
    )
    wait_for_job(client, response.json()["job"]["id"])

    assert _sources(client) == ["notes/pump.md", "tickets.jsonl#T-1", "tickets.jsonl#T-2"]


def test_ingesting_again_changes_nothing_and_changed_content_replaces(client: httpx.Client):
    first = ingest_texts(client, {"a.md": "One thing."})
    again = ingest_texts(client, {"a.md": "One thing."})
    changed = ingest_texts(client, {"a.md": "Another thing."})

    assert [job["progress"]["created"] for job in (first, again, changed)] == [1, 0, 0]
    assert (again["progress"]["unchanged"], changed["progress"]["updated"]) == (1, 1)
    assert _sources(client) == ["a.md"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"documents": []}, "documents"),
        ({"documents": [{"source": "a"}]}, "documents.0.text"),
        ({"documents": [{"source": "a", "text": "b", "tenant": "rival"}]}, "documents.0.tenant"),
        ({"documents": [{"source": "a", "text": "b"}], "access": "../x"}, "access"),
        ({"documents": [{"source": "a", "text": "b", "metadata": {"Bad Key": 1}}]}, "metadata"),
        ({"documents": [{"source": "a", "text": "b"}], "metadata": {"a": [1]}}, "metadata"),
        ({"documents": [{"source": "a", "text": "b"}], "metadata": {"access": "hr"}}, "access"),
        ([], ""),
    ],
)
def test_a_malformed_body_is_refused_by_field_and_queues_nothing(client: httpx.Client, body: object, told: str):
    response = client.post("/v1/admin/documents", json=body)

    assert response.status_code in (400, 422)
    assert told in response.text
    assert client.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


def test_unknown_and_malformed_form_fields_are_refused(client: httpx.Client):
    unknown = _upload(client, ("a.md", TEXT), tenant="rival")
    assert (unknown.status_code, unknown.json()["errors"]) == (400, [{"field": "tenant", "message": "unknown field"}])
    assert "a file is a part with a file name" in unknown.json()["detail"]
    assert _upload(client, ("a.md", TEXT), metadata="{").status_code == 422
    reserved = _upload(client, ("a.md", TEXT), metadata='{"tenant": "rival"}')
    assert (reserved.status_code, "--" in reserved.json()["detail"]) == (422, False)
    assert _upload(client, ("a.md", TEXT), access="../x").status_code == 422
    assert client.post("/v1/admin/documents", data={"access": "public"}).status_code == 415
    assert client.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


def test_an_empty_file_is_told_by_name_and_the_others_are_stored(client: httpx.Client):
    response = _upload(client, ("a.md", TEXT), ("b/empty.md", b""), ("c.md", TEXT + b" More."))

    assert response.status_code == 202, response.text
    job = wait_for_job(client, response.json()["job"]["id"])
    assert (job["state"], job["progress"]["created"], job["progress"]["failed"]) == ("succeeded", 2, 1)
    failures = client.get(f"/v1/admin/jobs/{job['id']}").json()["failures"]
    assert failures == [{"source": "b/empty.md", "reason": "b/empty.md is empty: it has no text to read"}]
    assert _sources(client) == ["a.md", "c.md"]


def test_an_upload_of_empty_files_alone_is_refused_and_leaves_nothing(client: httpx.Client):
    response = _upload(client, ("a.md", b""), ("b.md", b""))

    assert (response.status_code, response.json()["detail"]) == (422, "every file that was sent is empty")
    assert response.json()["errors"] == [{"field": name, "message": "empty"} for name in ("a.md", "b.md")]
    assert client.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


def test_a_form_field_is_limited_and_told_so(client: httpx.Client):
    long = _upload(client, ("a.md", TEXT), metadata="[" + "{}," * 30_000 + "{}]")
    keys = _upload(client, ("a.md", TEXT), metadata=json.dumps({f"k{n}": 1 for n in range(1001)}))

    assert (long.status_code, long.json()["errors"]) == (413, [{"field": "metadata", "message": "too long"}])
    assert long.json()["detail"] == "a field of the form has more than 65,536 bytes"
    assert (keys.status_code, keys.json()["detail"][:43]) == (422, "metadata has 1,001 keys, more than 1,000: l")


FILE = b'Content-Disposition: form-data; name="files"; filename="a.txt"'


def _part(head: bytes, data: bytes = b"x") -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", _part(FILE) + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", _part(FILE)),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", _part(b"X: y") + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", _part(FILE) * 1001 + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", _part(FILE.replace(b"a.txt", b"\xff.txt")) + b"--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            _part(b'Content-Disposition: form-data; name="access"', b"\xff") + b"--b--\r\n",
        ),
        (
            "multipart/form-data; boundary=b",
            _part(b'Content-Disposition: form-data; name="access"\r\nContent-Type: text/plain; charset=bogus')
            + b"--b--\r\n",
        ),
        ("application/json", b"\xff"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"documents": [{"source": "a", "text": "\\ud800"}]}'),
        ("application/json", b'{"documents": [{"source": "a", "text": "x", "metadata": {"a": ' + b"9" * 5000 + b"}}]}"),
        ("application/json", b'{"documents": [{"source": "a", "text": "x", "metadata": {"a": 1e999}}]}'),
        ("application/x-ndjson", b""),
    ],
)
def test_a_malformed_form_or_text_is_the_sender_s_fault(client: httpx.Client, kind: str, body: bytes):
    response = client.post("/v1/admin/documents", content=body, headers={"Content-Type": kind})

    assert response.status_code in (400, 422), response.text
    assert client.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", _part(FILE) + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", _part(FILE)),
        ("multipart/form-data; boundary=b", _part(FILE.replace(b"a.txt", b"\xff.txt")) + b"--b--\r\n"),
    ],
    ids=["no boundary", "no end", "not UTF-8"],
)
def test_a_form_that_cannot_be_read_is_told_what_may_be_wrong(client: httpx.Client, kind: str, body: bytes):
    response = client.post("/v1/admin/documents", content=body, headers={"Content-Type": kind})

    assert response.status_code == 400
    assert response.json()["detail"].startswith("the form cannot be read: it ends too early, the name of a file")


def test_a_form_of_too_many_files_is_told_how_many_it_may_have(client: httpx.Client):
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = client.post("/v1/admin/documents", content=_part(FILE) * 1001 + b"--b--\r\n", headers=headers)

    assert response.status_code == 400
    assert response.json()["detail"].startswith("the form has more than 1,000 parts")


def test_too_much_at_once_is_refused_and_leaves_no_file(served: Served, client: httpx.Client):
    def parts() -> Generator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    headers = {"Content-Type": "application/x-ndjson"}
    said = client.post("/v1/admin/documents", content=b"x" * 2_000_000, headers=headers)
    unsaid = client.post("/v1/admin/documents", content=parts(), headers=headers)
    form = _upload(client, ("a.txt", b"x" * 2_000_000))

    assert [response.status_code for response in (said, unsaid, form)] == [413, 413, 413]
    told = "the body may have 1,000,000 bytes (GRAPHRAG_MAX_UPLOAD_BYTES): send less at once, or raise the setting"
    assert {response.json()["detail"] for response in (said, unsaid, form)} == {told}
    assert not list((served.folder / "graphrag-data").rglob(".partial-*"))


def test_only_an_upload_may_be_as_large_as_an_upload(client: httpx.Client):
    padded = b" " * 60_000 + json.dumps({"documents": [{"source": "a", "text": "b"}]}).encode()
    headers = {"Content-Type": "application/json"}

    assert client.post("/v1/admin/documents", content=padded, headers=headers).status_code == 202
    refused = client.post("/v1/admin/entities/merge", content=padded, headers=headers)
    assert refused.status_code == 413
    assert refused.json()["detail"].startswith("the body may have 50,000 bytes (GRAPHRAG_MAX_BODY_BYTES)")


@pytest.mark.parametrize("name", ["report.pdf", "hr/Report.DOCX "])
def test_a_text_is_not_taken_under_the_name_of_a_file_that_holds_none(client: httpx.Client, name: str):
    documents = [{"source": "a.md", "text": "Fine."}, {"source": name, "text": "Not so."}]
    response = client.post("/v1/admin/documents", json={"documents": documents})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["documents.1.source"]
    assert "end it in .txt, .md or .html" in response.json()["detail"]
    assert client.get("/v1/admin/jobs").json() == {"jobs": [], "next": None}


def test_a_deleted_document_is_gone(client: httpx.Client):
    ingest_texts(client, {"a.md": "Alder Pumps.", "b.md": "Birch Valves."})
    document = client.get("/v1/documents").json()["documents"][0]["id"]

    assert client.delete(f"/v1/admin/documents/{document}").status_code == 204
    assert client.delete(f"/v1/admin/documents/{document}").status_code == 404
    assert client.get(f"/v1/documents/{document}").status_code == 404
    assert client.get("/v1/admin/stats").json()["documents"] == 1


def test_jobs_are_listed_page_by_page(client: httpx.Client):
    jobs = [ingest_texts(client, {name: name})["id"] for name in ("a.md", "b.md", "c.md")]

    first = client.get("/v1/admin/jobs", params={"limit": 2}).json()
    rest = client.get("/v1/admin/jobs", params={"limit": 2, "after": first["next"], "state": "succeeded"}).json()

    assert [[job["id"] for job in page["jobs"]] for page in (first, rest)] == [[jobs[2], jobs[1]], [jobs[0]]]
    assert rest["next"] is None


def test_no_more_jobs_of_a_tenant_wait_than_may_whoever_sees_them(tmp_path: Path):
    keys = [asyncio.run(add_key(tmp_path, access=(label,))) for label in ("legal", "hr", "sales")]
    rival = asyncio.run(add_key(tmp_path, tenant="rival"))
    with serve(tmp_path, GRAPHRAG_INGEST_WORKERS="0", GRAPHRAG_MAX_QUEUED_JOBS="2") as served:
        answers = [_upload(served.client(key), (f"{key}.md", key.encode())) for key in (*keys, rival)]

    assert [answer.status_code for answer in answers] == [202, 202, 503, 202]
    assert answers[2].json()["detail"] == "too many jobs wait already; try again later"
    assert len(list((tmp_path / "graphrag-data" / "default").iterdir())) == 2


def test_a_job_is_retried_only_where_one_more_may_wait(tmp_path: Path):
    key = asyncio.run(add_key(tmp_path))
    with serve(tmp_path, GRAPHRAG_INGEST_WORKERS="0", GRAPHRAG_MAX_QUEUED_JOBS="1") as served:
        client = served.client(key)
        cancelled = _upload(client, ("a.md", TEXT)).json()["job"]["id"]
        client.delete(f"/v1/admin/jobs/{cancelled}").raise_for_status()
        waiting = _upload(client, ("b.md", TEXT)).json()["job"]["id"]
        retries = [client.post(f"/v1/admin/jobs/{job}/retry") for job in (cancelled, waiting)]
        client.delete(f"/v1/admin/jobs/{waiting}").raise_for_status()
        retries.append(client.post(f"/v1/admin/jobs/{cancelled}/retry"))

    assert [answer.status_code for answer in retries] == [503, 200, 200]
    assert retries[0].headers["Retry-After"] == "30"
    assert [answer.json()["state"] for answer in retries[1:]] == ["queued", "queued"]


def test_a_full_queue_is_told_before_the_body_is_read(tmp_path: Path):
    key = asyncio.run(add_key(tmp_path))
    with serve(tmp_path, GRAPHRAG_INGEST_WORKERS="0", GRAPHRAG_MAX_QUEUED_JOBS="1") as served:
        client = served.client(key)
        assert _upload(client, ("a.md", TEXT)).status_code == 202
        malformed = client.post("/v1/admin/documents", content=b"{", headers={"Content-Type": "application/json"})

    assert malformed.status_code == 503


def test_what_is_refused_for_its_label_leaves_no_file(served: Served):
    public = served.client(served.key(tenant="labels", access=()))
    texts = {"documents": [{"source": "a", "text": "b"}], "access": "legal"}

    by_body = [_upload(public, ("a.md", TEXT), access="legal"), public.post("/v1/admin/documents", json=texts)]
    by_query = public.post("/v1/admin/documents?access=legal", json={"documents": []})

    assert [answer.status_code for answer in (*by_body, by_query)] == [403, 403, 403]
    assert not list((served.folder / "graphrag-data" / "labels").iterdir())


def test_a_job_goes_on_where_a_killed_server_left_it(tmp_path: Path):
    documents = {
        f"{n}.md": f"# Report {n}\n\n" + f"Ida Rowan of Alder Pumps met Team {n} in Aarhus. " * 6 for n in range(200)
    }
    body = {"documents": [{"source": source, "text": text} for source, text in documents.items()]}
    key = asyncio.run(add_key(tmp_path))
    settings = {"GRAPHRAG_LEASE_SECONDS": "1", **QUIET}
    with serve(tmp_path, **settings) as served:
        client = served.client(key)
        job = client.post("/v1/admin/documents", json=body).raise_for_status().json()["job"]["id"]
        while not client.get("/v1/admin/stats").json()["documents"]:
            time.sleep(0.05)
        served.stop(signal.SIGKILL)
    with serve(tmp_path, **settings) as served:
        client = served.client(key)
        before = client.get("/v1/admin/stats").json()["documents"]
        ended = wait_for_job(client, job, 90)
        after = client.get("/v1/admin/stats").json()["documents"]

    assert 0 < before < 200  # killed in the middle
    assert ended["state"] == "succeeded", json.dumps(ended)
    assert after == 200
    assert ended["progress"]["unchanged"] >= before // 2  # what was stored was not worked on again
    assert ended["progress"]["unchanged"] + ended["progress"]["created"] == 200


def test_documents_are_deleted_by_source_prefix_and_only_by_some_condition(client: httpx.Client):
    ingest_texts(client, {"a/1.md": "Alder Pumps.", "a/2.md": "Birch Valves.", "b.md": "Cedar Gates.", "a": "Dogwood."})
    path = "/v1/admin/documents"

    for nothing in ({}, {"filter": "{}"}, {"filter": " "}, {"filter": "{"}):
        assert client.delete(path, params=nothing).status_code == 422
    shown = client.delete(path, params={"source_prefix": "a/", "dry_run": "true"}).json()
    assert shown == {"dry_run": True, "documents": 2, "sources": ["a/1.md", "a/2.md"]}
    assert len(_sources(client)) == 4
    assert client.delete(path, params={"source_prefix": "a/"}).json()["documents"] == 2
    assert client.delete(path, params={"source": "a"}).json()["sources"] == ["a"]
    assert _sources(client) == ["b.md"]


def test_a_job_of_a_higher_priority_is_worked_on_first(tmp_path: Path):
    key = asyncio.run(add_key(tmp_path))
    body = {"documents": [{"source": "a.md", "text": "Alder Pumps."}]}
    with serve(tmp_path, GRAPHRAG_INGEST_WORKERS="0") as served:
        for priority in ("0", "5"):
            served.client(key).post("/v1/admin/documents", json=body, params={"priority": priority}).raise_for_status()
        jobs = served.client(key).get("/v1/admin/jobs").json()["jobs"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHRAG_")}
        environment |= {"PYTHONPATH": str(REPOSITORY), "GRAPHRAG_EMBEDDER": "hashing"}
        command = [sys.executable, "-m", "api.cli", "worker", "--until-done"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=120)
        watch = [sys.executable, "-m", "api.cli", "jobs", "watch", jobs[0]["id"]]
        watched = subprocess.run(watch, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        ended = {job["priority"]: wait_for_job(served.client(key), job["id"]) for job in jobs}

    assert done.returncode == 0, done.stderr
    assert watched.returncode == 0
    assert watched.stdout.startswith("succeeded: 1 of 1 files read, 1 document (1 ")
    assert (ended[5]["progress"]["created"], ended[0]["progress"]["unchanged"]) == (1, 1)


def test_a_move_to_another_model_is_not_queued_again_where_no_worker_takes_it_up(served: Served):
    async def submit() -> None:
        async with open_stores(store_url(served.folder), filter_fields=()) as (_, system):
            await system.submit_job(Job("reembed-1", Scope("moved", frozenset({"*"})), "reembed", {}))

    asyncio.run(submit())
    client = served.client(served.key(tenant="moved"))
    client.delete("/v1/admin/jobs/reembed-1").raise_for_status()
    refused = client.post("/v1/admin/jobs/reembed-1/retry")

    assert refused.status_code == 422
    assert "run 'graphrag reembed'" in refused.json()["detail"]
    assert client.get("/v1/admin/jobs/reembed-1").json()["state"] == "cancelled"


def test_a_dry_run_stores_nothing_and_ends_with_an_estimate(client: httpx.Client):
    response = client.post("/v1/admin/documents", params={"dry_run": "true"}, files=[("files", ("a.md", TEXT))])

    assert response.status_code == 202
    assert response.json()["job"]["estimate"] is None
    job = wait_for_job(client, response.json()["job"]["id"])
    assert (job["state"], job["progress"]["created"], job["progress"]["model_failures"]) == ("succeeded", 0, 0)
    # No language model is configured here: what it costs is known to be nothing.
    assert job["estimate"] == {
        "documents": 1, "chunks": 1, "calls": 0, "input_tokens": 0, "output_tokens": 0, "dollars": 0.0,
    }  # fmt: skip
    assert _sources(client) == []
