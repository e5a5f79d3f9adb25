"""From paths to loaded documents and failures."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Thread, current_thread
from typing import Any

import pytest

from graphrag.errors import InputError, UnsupportedFormatError
from graphrag.loaders import LoadedDocument, load_bytes, load_file
from graphrag.sources import GROUP_DOCUMENTS, Failure, by_suffix, list_sources, open_sources, read_ahead
from tests.graphrag.loaders_corpus import html_page, make_pdf


def load(
    *paths: Path, max_bytes: int = 1_000_000, read: list[tuple[str, int]] | None = None
) -> list[LoadedDocument | Failure]:
    """Everything that reading the paths gives."""
    counted = [] if read is None else read
    with open_sources(
        list_sources(paths).files,
        max_document_bytes=max_bytes,
        parse_seconds=30,
        read=lambda source, documents: counted.append((source, documents)),
    ) as documents:
        return list(documents)


def test_a_folder_gives_its_documents_by_path_relative_to_it(tmp_path: Path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "page.html").write_bytes(html_page("<p>Some text of a page.</p>"))
    (tmp_path / "b" / "sheet.pdf").write_bytes(make_pdf([["A data sheet."]]))
    (tmp_path / "a.md").write_text("# A\n\nText.\n")
    (tmp_path / "rows.jsonl").write_text('{"id": "x", "text": "one"}\n{"id": "y", "text": "two"}\n')
    read: list[tuple[str, int]] = []

    found = load(tmp_path, read=read)

    assert [item.source for item in found] == ["a.md", "b/page.html", "b/sheet.pdf", "rows.jsonl#x", "rows.jsonl#y"]
    assert all(isinstance(item, LoadedDocument) for item in found)
    assert read == [("a.md", 1), ("b/page.html", 1), ("b/sheet.pdf", 1), ("rows.jsonl", 2)]


def test_a_file_that_cannot_be_read_is_a_failure_with_its_reason_and_the_rest_go_on(tmp_path: Path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\nbroken")
    (tmp_path / "b").write_bytes(b"PK\x03\x04")
    (tmp_path / "c.md").write_text("")
    (tmp_path / "d.txt").write_text("word " * 30)
    (tmp_path / "e.txt").write_text("fine")

    found = load(tmp_path, max_bytes=100)

    assert [(item.source, type(item)) for item in found] == [
        ("a.pdf", Failure),
        ("b", Failure),
        ("c.md", Failure),
        ("d.txt", Failure),
        ("e.txt", LoadedDocument),
    ]
    reasons = [item.reason for item in found if isinstance(item, Failure)]
    assert "a ZIP or Office file, which is not supported; supported are .txt" in reasons[1]
    assert "empty" in reasons[2]
    assert "150 bytes, more than the limit of 100" in reasons[3]


def test_files_are_read_only_when_they_are_asked_for(tmp_path: Path):
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt").write_text("second")
    read: list[tuple[str, int]] = []

    with open_sources(
        list_sources([tmp_path]).files,
        max_document_bytes=100,
        parse_seconds=30,
        read=lambda source, documents: read.append((source, documents)),
    ) as documents:
        assert next(documents).source == "a.txt"
        assert read == [("a.txt", 1)]


def test_a_named_file_of_an_unknown_format_is_an_error(tmp_path: Path):
    (tmp_path / "table.xlsx").write_text("x")

    with pytest.raises(
        UnsupportedFormatError,
        match=r"table\.xlsx: \.xlsx files are not supported; save each of its sheets as \.csv; supported are \.txt",
    ):
        list_sources([tmp_path / "table.xlsx"])
    with pytest.raises(InputError, match=r"no files that can be read in .* \(1 \.xlsx\); supported are \.txt"):
        list_sources([tmp_path])


@pytest.mark.parametrize(
    ("name", "remedy"), [("export.ZIP", "unpack it and ingest the folder"), ("a.doc", "save it as .docx or .pdf")]
)
def test_of_formats_that_have_another_form_it_is_named(name: str, remedy: str):
    with pytest.raises(UnsupportedFormatError, match=rf"not supported; {remedy}; supported are"):
        load_bytes(b"x", name)


def test_files_of_unknown_formats_in_a_folder_are_left_out_and_counted(tmp_path: Path):
    for name in ("a.md", "LICENSE", "a.PNG", "b.png", "c.css", "minutes 2025.03"):
        (tmp_path / name).write_text("x")

    found = list_sources([tmp_path])

    assert [source for _, source in found.files] == ["LICENSE", "a.md", "minutes 2025.03"]
    assert sorted(found.left_out) == ["a.PNG", "b.png", "c.css"]
    assert by_suffix(found.left_out) == "2 .png, 1 .css"


def test_a_file_without_suffix_that_holds_no_text_is_left_out_of_a_folder_and_refused_by_name(tmp_path: Path):
    contents = {
        "core": b"\x7fELF\x02\x00\x00", "dump": b"some \x00 bytes", "notes": b"Some notes.", "wide": "Wide.".encode("utf-16"),
        "sheet": make_pdf([["A data sheet."]]) + b"\x00", "late": b"x" * 5000 + b"\x00", "zeros.txt": b"a\x00b",
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)

    found = list_sources([tmp_path])

    assert [source for _, source in found.files] == ["late", "notes", "sheet", "wide", "zeros.txt"]
    assert by_suffix(found.left_out) == "2 without a suffix"
    (named,) = load(tmp_path / "core")
    assert isinstance(named, Failure)
    assert "core is a program" in named.reason


def test_of_a_slack_export_only_the_days_are_read(tmp_path: Path):
    for name in ("users.json", "channels.json", "integration_logs.json", "general/2025-03-19.json", "other/users.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("[]")

    found = list_sources([tmp_path])

    assert [source for _, source in found.files] == ["general/2025-03-19.json", "other/users.json"]
    assert sorted(found.left_out) == ["channels.json", "integration_logs.json", "users.json"]
    named = list_sources([tmp_path / "users.json", tmp_path / "channels.json"])
    assert [source for _, source in named.files] == ["users.json", "channels.json"]
    (tmp_path / "users.json").unlink()
    assert "channels.json" in [source for _, source in list_sources([tmp_path]).files]


@pytest.mark.parametrize("named", ["", "export", "export/general", "export/general/2025-03-19.json"])
def test_people_of_a_slack_export_have_names_whatever_of_it_is_ingested(tmp_path: Path, named: str):
    (tmp_path / "export" / "general").mkdir(parents=True)
    (tmp_path / "export" / "channels.json").write_text("[]")
    (tmp_path / "export" / "users.json").write_text('[{"id": "U01", "name": "ada", "real_name": "Ada Pell"}]')
    day = '[{"type": "message", "user": "U01", "ts": "1.0", "text": "Lunch?"}]'
    (tmp_path / "export" / "general" / "2025-03-19.json").write_text(day)

    (document,) = load(tmp_path / named)

    assert isinstance(document, LoadedDocument)
    assert document.text == "Ada Pell: Lunch?"


def test_a_slack_export_is_known_wherever_it_lies_in_the_folder(tmp_path: Path):
    for name in ("users.json", "channels.json", "dms.json", "general/2025-03-19.json"):
        (tmp_path / "chat" / "2025" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "chat" / "2025" / name).write_text("[]")
    (tmp_path / "dms.json").write_text("[]")

    found = list_sources([tmp_path])

    assert [source for _, source in found.files] == ["chat/2025/general/2025-03-19.json", "dms.json"]
    assert sorted(found.left_out) == [f"chat/2025/{name}.json" for name in ("channels", "dms", "users")]


@pytest.mark.parametrize("names", [[], ["missing.md"], ["hollow"]])
def test_paths_without_a_file_are_an_error(tmp_path: Path, names: list[str]):
    (tmp_path / "hollow").mkdir()

    with pytest.raises(InputError):
        list_sources([tmp_path / name for name in names])


def test_two_files_with_one_source_are_an_error(tmp_path: Path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("text")

    with pytest.raises(InputError, match=r"would both be stored as 'a\.md'"):
        list_sources([tmp_path / "one", tmp_path / "two"])


def test_two_names_of_a_folder_that_are_one_source_do_not_stop_the_others(tmp_path: Path):
    for name in ("a\tb.md", "a\nb.md", "c.md"):
        (tmp_path / name).write_text("text")

    assert [source for _, source in list_sources([tmp_path]).files] == ["a\ufffdb.md", "a\ufffdb.md", "c.md"]


def test_a_loader_that_fails_unexpectedly_costs_its_own_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(path: Path, source: str, **limits: object) -> list[LoadedDocument]:
        if source == "a.txt":
            raise RuntimeError("nobody thought of this")
        return load_file(path, source)

    monkeypatch.setattr("graphrag.sources.load_file", fail)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("text")

    first, second = load(tmp_path)

    assert isinstance(first, Failure)
    assert "unexpected RuntimeError: nobody thought of this" in first.reason
    assert isinstance(second, LoadedDocument)


async def test_groups_are_read_ahead_in_order_and_what_reading_raises_comes_after_them():
    def documents() -> Iterator[Failure]:
        for number in range(GROUP_DOCUMENTS + 1):
            yield Failure(str(number), "bad")
        raise InputError("damaged")

    sizes: list[int] = []
    with pytest.raises(InputError, match="damaged"):
        async for group in read_ahead(documents()):
            sizes.append(len(group))
            assert group[0].source == "0"

    assert sizes == [GROUP_DOCUMENTS]


async def test_a_group_ends_at_its_limit_of_characters():
    text = load_bytes(b"word " * 1_000_000, "long.txt", max_bytes=10_000_000)[0]

    groups = [len(group) async for group in read_ahead([text, text, text])]

    assert groups == [1, 1, 1]


async def test_reading_ahead_takes_no_thread_of_those_that_questions_use():
    class Counting(ThreadPoolExecutor):
        asked = 0

        def submit(self, *work: Any, **options: Any) -> Future[Any]:
            self.asked += 1
            return super().submit(*work, **options)

    threads: set[Thread] = set()

    def documents() -> Iterator[Failure]:
        for number in range(2 * GROUP_DOCUMENTS):
            threads.add(current_thread())
            yield Failure(str(number), "bad")

    shared = Counting(max_workers=1)
    asyncio.get_running_loop().set_default_executor(shared)

    assert [len(group) async for group in read_ahead(documents())] == [GROUP_DOCUMENTS] * 2

    assert shared.asked == 0
    assert current_thread() not in threads
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
