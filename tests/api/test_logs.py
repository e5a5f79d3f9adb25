"""What the log says, for those who look for the reason afterwards."""

import errno
import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import structlog
from litestar.testing import AsyncTestClient
from structlog.testing import capture_logs

from api import logs
from api.app import create_app
from api.service import Service
from tests.api.in_process import QUESTION, settings_for


@pytest.fixture
def logging_as_before() -> Generator[None]:
    root, structured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("neo4j").setLevel(logging.NOTSET)
    structlog.configure(**structured)


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("level", ["info", "debug"])
def test_the_driver_of_neo4j_logs_no_attempts_and_never_what_it_sends(tmp_path: Path, level: str):
    logs.configure(settings_for(tmp_path, log_level=level))
    driver = logging.getLogger("neo4j.session")

    assert driver.isEnabledFor(logging.WARNING) == (level == "debug")
    assert not driver.isEnabledFor(logging.DEBUG)


@pytest.mark.usefixtures("logging_as_before")
def test_a_message_is_one_line_of_text_whatever_it_quotes(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    logs.configure(settings_for(tmp_path, log_format="text"))
    logging.getLogger("graphrag").warning(
        "the server says: %s", "no\n2026-01-01 [info] key revoked\x1b[2J é", extra={"x": "a\nb"}
    )

    (line,) = capfd.readouterr().err.splitlines()
    assert "the server says: no\\n2026-01-01 [info] key revoked\\x1b[2J é" in line


def the(event: str, lines: list[Any]) -> Any:
    (line,) = [one for one in lines if one["event"] == event]
    return line


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_leaves_one_line_with_where_its_time_went(folder: Path, stream: bool):
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        with capture_logs() as lines:
            await client.post("/v1/query", json={"question": QUESTION, "stream": stream})

    line = the("answered", lines)
    assert {"vector_search", "keyword_search"} <= line["tools_ms"].keys()
    assert line["waited_ms"] + max(line["tools_ms"].values()) <= line["ms"]
    assert line["stopped_by"] in ("sufficient", "no_gain")
    assert QUESTION not in str(line)


async def test_a_search_leaves_a_line(folder: Path):
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        with capture_logs() as lines:
            await client.post("/v1/search", json={"query": "warranty", "tool": "keyword", "k": 1})

    line = the("searched", lines)
    assert (line["tool"], line["hits"]) == ("keyword", 1)
    assert line["waited_ms"] <= line["ms"]


@pytest.mark.parametrize("logged", [False, True])
async def test_what_is_asked_and_searched_for_is_logged_where_that_is_wanted(folder: Path, logged: bool):
    async with AsyncTestClient(create_app(settings_for(folder, log_questions=logged), development=True)) as client:
        with capture_logs() as lines:
            await client.post("/v1/query", json={"question": QUESTION})
            await client.post("/v1/search", json={"query": "warranty"})

    assert the("answered", lines).get("question") == (QUESTION if logged else None)
    assert the("searched", lines).get("query") == ("warranty" if logged else None)


async def test_a_service_that_could_keep_no_upload_says_so_when_it_starts(folder: Path):
    settings = settings_for(folder).model_copy(update={"data_dir": folder / "graphrag.db" / "uploads"})
    with capture_logs() as lines:
        async with AsyncTestClient(create_app(settings, development=True)) as client:
            assert (await client.get("/v1/documents")).status_code == 200

    assert str(folder / "graphrag.db") in the("uploads cannot be kept", lines)["remedy"]


async def test_a_form_for_which_the_upload_folder_has_no_room_is_no_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("graphrag.uploads.os.fsync", full)
    async with AsyncTestClient(create_app(settings_for(folder), development=True)) as client:
        with capture_logs() as lines:
            response = await client.post("/v1/admin/documents", files={"files": ("a.md", b"Alder Pumps.")})

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert str(folder) not in response.text
    assert "No space left on device" in the("failed", lines)["error"]


@pytest.mark.parametrize("body", [{"question": QUESTION}, {"question": QUESTION, "stream": True}])
async def test_a_question_that_never_had_its_turn_says_so(folder: Path, body: dict[str, Any]):
    app = create_app(settings_for(folder, concurrent_questions=1, question_seconds=0.1), development=True)
    async with AsyncTestClient(app) as client:
        service: Service = app.state.service
        async with service.questions.enter():
            with capture_logs() as lines:
                await client.post("/v1/query", json=body)

    line = the("not answered", lines)
    assert "waited_ms" not in line
    assert line["ms"] >= 90
