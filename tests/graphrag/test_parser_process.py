"""The child in which documents are parsed that a parser could hang or die of."""

import os
import threading
import time
from pathlib import Path

import pytest

from graphrag.errors import DocumentParseError, GraphRAGError, InputError
from graphrag.loaders import ParserProcess, load_bytes
from tests.graphrag.loaded import HANDBOOK, MARKDOWN, PAGE, PROSE, one, outline
from tests.graphrag.loaders_corpus import html_page

SLOW_LOADERS = """
import os, socket, subprocess, sys, time
from hashlib import sha256
from graphrag.loaders.base import LoadedDocument

def _document(text):
    return [LoadedDocument("s", "t", "text/plain", text, (), (), {}, "0" * 64)]
def sleep(data, source):
    time.sleep(600)
def spin(data, source):
    while True: pass
def crash(data, source):
    os.abort()
def fill(data, source):
    return _document("x" * (10 * 1024 ** 3))
def fail(data, source):
    raise KeyError("no such thing")
def chatter(data, source):
    print("x" * 1000)
    os.write(1, b"y" * 1000)
    return _document(data.decode())
def environment(data, source):
    return _document(" ".join(sorted(os.environ)))
def connect(data, source):
    socket.create_connection(("127.0.0.1", 9))
def spawn(data, source):
    subprocess.run(["true"])
"""


@pytest.fixture
def loaders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strange_loaders.py").write_text(SLOW_LOADERS)
    monkeypatch.syspath_prepend(str(tmp_path))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # Also true for a zombie.
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("name", ["sleep", "spin"])
@pytest.mark.usefixtures("loaders")
def test_a_parser_that_hangs_is_killed_and_the_next_document_is_read(name: str) -> None:
    with ParserProcess(timeout=1) as process:
        process.load("strange_loaders:chatter", b"warm", "a")
        hanging = process.pid
        start = time.perf_counter()
        with pytest.raises(DocumentParseError, match=r"a\.pdf was not read within 1 seconds"):
            process.load(f"strange_loaders:{name}", b"", "a.pdf")
        assert time.perf_counter() - start < 10
        assert hanging is not None and not is_running(hanging)
        assert process.load("strange_loaders:chatter", b"next", "b")[0].text == "next"
        assert process.pid != hanging


def test_a_real_parse_that_takes_too_long_is_killed() -> None:
    with ParserProcess(timeout=0.2) as process, pytest.raises(DocumentParseError, match=r"within 0\.2 seconds"):
        load_bytes(b"<div>" * 100_000 + b"x", "a.html", parser=process)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("crash", "crashed its parser"),
        ("fill", "more than 2048 MB of memory"),
        ("fail", "KeyError: 'no such thing'"),
        ("connect", "socket.* is not allowed"),
        ("spawn", "subprocess.Popen is not allowed"),
    ],
)
@pytest.mark.usefixtures("loaders")
def test_a_parser_that_fails_costs_only_its_document(name: str, message: str) -> None:
    with ParserProcess() as process:
        with pytest.raises(DocumentParseError, match=message):
            process.load(f"strange_loaders:{name}", b"", "a.pdf")
        assert process.load("strange_loaders:chatter", b"next", "b")[0].text == "next"


@pytest.mark.usefixtures("loaders")
def test_the_child_does_not_see_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHRAG_LLM_API_KEY", "secret")
    with ParserProcess() as process:
        names = process.load("strange_loaders:environment", b"", "a")[0].text.split()
    assert set(names) <= {"PYTHONPATH", "OPENBLAS_NUM_THREADS", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "LC_CTYPE"}


def test_the_child_is_used_again_and_gone_after_closing() -> None:
    with ParserProcess() as process:
        assert process.pid is None
        one(PAGE, "a.html", process)
        first = process.pid
        one(HANDBOOK, "a.pdf", process)
        assert first is not None and process.pid == first
    assert not is_running(first)
    with pytest.raises(GraphRAGError, match="closed"):
        load_bytes(PAGE, "a.html", parser=process)


def test_a_forgotten_child_ends_with_its_owner() -> None:
    process = ParserProcess()
    one(PAGE, "a.html", process)
    pid = process.pid
    del process
    assert pid is not None and not is_running(pid)


@pytest.mark.usefixtures("loaders")
def test_closing_ends_a_parse_in_another_thread() -> None:
    process = ParserProcess()
    process.load("strange_loaders:chatter", b"warm", "a")
    errors: list[GraphRAGError] = []

    def load() -> None:
        try:
            process.load("strange_loaders:sleep", b"", "a.pdf")
        except GraphRAGError as error:
            errors.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    time.sleep(0.2)
    process.close()
    thread.join(10)
    assert not thread.is_alive()
    assert [type(error) for error in errors] == [GraphRAGError]
    assert "closed" in str(errors[0])


def test_threads_share_one_parser(parser: ParserProcess) -> None:
    texts: dict[int, str] = {}

    def load(number: int) -> None:
        page = html_page(f"<h1>Page {number}</h1><p>{PROSE[0]}</p>")
        texts[number] = one(page, f"{number}.html", parser).text

    threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {number: f"Page {number}\n\n{PROSE[0]}" for number in range(8)}


def test_long_markdown_is_parsed_in_the_child_with_the_same_result() -> None:
    data = MARKDOWN + b"\nMore text.\n" * 20_000
    with ParserProcess() as process:
        document = one(data, "a.md", process)
        assert process.pid is not None
    assert outline(document)[0] == (1, "Reefer gateways and PMX-48")
    with ParserProcess() as process:
        one(MARKDOWN, "a.md", process)
        assert process.pid is None


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(InputError, match="timeout"):
        ParserProcess(timeout=seconds)
