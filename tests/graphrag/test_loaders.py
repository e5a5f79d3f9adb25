"""Which loader a document gets, what every loader refuses, and finding files."""

import bz2
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphrag.errors import DocumentParseError, GraphRAGError, InputError, UnsupportedFormatError
from graphrag.loaders import ParserProcess, find_files, load_bytes, load_file, supported
from tests.graphrag.loaded import HANDBOOK, MARKDOWN, PAGE, check_offsets, one
from tests.graphrag.loaders_corpus import docx_paragraph, make_docx


@pytest.mark.parametrize("source", ["a.txt", "a.md", "a.html", "a.pdf", "a.docx", "a.csv", "a.jsonl", "a.json", "a"])
@pytest.mark.parametrize("data", [b"", b" \n\t "])
def test_an_empty_document_is_refused(source: str, data: bytes) -> None:
    with pytest.raises(DocumentParseError, match="is empty"):
        load_bytes(data, source)


def test_a_file_without_suffix_is_read_by_its_content(parser: ParserProcess) -> None:
    assert one(b"Read me first", "README", parser).media_type == "text/plain"
    assert one(b"Read me first", "minutes 2025.03", parser).media_type == "text/plain"
    assert one(PAGE, "page", parser).media_type == "text/html"
    assert one(HANDBOOK, "handbook", parser).media_type == "application/pdf"
    assert one(b"<html><p>kept as text", "a.txt", parser).text == "<html><p>kept as text"


@pytest.mark.parametrize("data", [b"plain text", b"PK\x03\x04zip", PAGE])
def test_what_is_named_pdf_and_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentParseError, match="is not a PDF"):
        load_bytes(data, "a.pdf")


def test_a_pdf_under_another_suffix_is_refused() -> None:
    with pytest.raises(DocumentParseError, match=r"rename it to end in \.pdf"):
        load_bytes(HANDBOOK, "a.txt")


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (b"PK\x03\x04...", "a.xlsx"),
        (b"PK\x03\x04...", "a.txt"),
        (b"PK\x03\x04...", "archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.md"),
        (b"\x89PNG\r\n\x1a\n", "a.html"),
        (b"GIF89a\x01\x00\x01\x00\x80", "a.txt"),
        (b"RIFF$\x08\x01\x02WAVEfmt ", "a.txt"),
        (bz2.compress(b"text"), "a.txt"),
        (b"text", "a.py"),
    ],
)
def test_other_formats_are_refused_with_the_list_of_supported_ones(data: bytes, source: str) -> None:
    with pytest.raises(UnsupportedFormatError) as caught:
        load_bytes(data, source)
    assert supported() in str(caught.value)


@pytest.mark.parametrize("word", ["RIFF", "BZh", "BZh9", "GIF89a"])
def test_a_text_may_begin_with_the_mark_of_another_format(word: str) -> None:
    text = f"{word}\nbegins files of another format."
    assert one(text.encode(), "a.txt").text == text


@pytest.mark.parametrize("source", ["a.txt", "a.md", "a.jsonl", "a.html", "a"])
def test_binary_data_is_refused(source: str, parser: ParserProcess) -> None:
    with pytest.raises(UnsupportedFormatError, match="binary"):
        load_bytes(b"abc\0def", source, parser=parser)


def test_size_is_limited_before_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(InputError, match=r"60,000,000 bytes.*GRAPHRAG_MAX_DOCUMENT_BYTES"):
        load_file(path, "big.txt")
    with pytest.raises(InputError, match="GRAPHRAG_MAX_DOCUMENT_BYTES"):
        load_bytes(b"12345", "a.txt", max_bytes=4)
    assert load_bytes(b"1234", "a.txt", max_bytes=4)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a file"):
        load_file(tmp_path, "a.txt")
    with pytest.raises(InputError, match="not a file"):
        load_file(tmp_path / "missing", "a.txt")


def test_a_given_title_and_metadata_win_over_the_document() -> None:
    (document,) = load_bytes(MARKDOWN, "a.md", title=" Other\ntitle ", metadata={"severity": 9, "team": "ops"})
    assert document.title == "Other title"
    assert document.metadata["severity"] == 9 and document.metadata["team"] == "ops"
    assert document.metadata["date"] == "2025-03-19"
    with pytest.raises(InputError, match="2 records"):
        load_bytes(b'{"text": "a"}\n{"text": "b"}', "a.jsonl", title="x")
    with pytest.raises(InputError, match="'access'"):
        load_bytes(b"x", "a.txt", metadata={"access": "all"})
    with pytest.raises(InputError, match="no source"):
        load_bytes(b"x", " ")


WORD = make_docx(docx_paragraph("Flights are booked by Mara Quist only."))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=400)
    | st.text(alphabet=st.characters(), max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.text(alphabet="#-*_`[]()!<>&|:\\{}\"' \n\tab1", max_size=300).map(str.encode)
    | st.binary(max_size=200).map(lambda tail: HANDBOOK[:700] + tail + HANDBOOK[700:])
    | st.binary(max_size=200).map(lambda tail: WORD[:900] + tail + WORD[900:])
    | st.text(max_size=200).map(lambda text: f"---\n{text}\n---\n{text}".encode("utf-8", "surrogatepass"))
    | st.text(max_size=200).map(lambda text: json.dumps({"text": text, "k": text}).encode()),
    suffix=st.sampled_from(["", ".txt", ".md", ".html", ".pdf", ".docx", ".csv", ".jsonl", ".json"]),
)
def test_any_bytes_give_clean_documents_or_an_error_of_ours(data: bytes, suffix: str, parser: ParserProcess) -> None:
    try:
        documents = load_bytes(data, "a" + suffix, parser=parser)
    except GraphRAGError as error:
        assert str(error)
    else:
        for document in documents:
            check_offsets(document)


# Finding files


def make_tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_folders_are_searched_in_order_without_hidden_files_and_junk(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        *("b.md", "a/z.txt", "a/y.xlsx", "a.txt", "B.md"),
        *(".git/config", ".hidden.md", "node_modules/x.md", "a/__pycache__/c.txt", "a/~$y.xlsx", "Thumbs.db"),
    )
    found = find_files([tmp_path])
    assert [source for _, source in found] == ["B.md", "a/y.xlsx", "a/z.txt", "a.txt", "b.md"]
    assert all(path.is_file() and path.as_posix().endswith(source) for path, source in found)


def test_a_single_file_is_named_by_its_name_and_a_repeated_one_counts_once(tmp_path: Path) -> None:
    make_tree(tmp_path, "a/one.md")
    path = tmp_path / "a/one.md"
    assert find_files([path]) == [(path, "one.md")]
    assert find_files([tmp_path / "a", path]) == [(path, "one.md")]


def test_two_files_of_one_source_are_refused_with_both_names(tmp_path: Path) -> None:
    make_tree(tmp_path, "a/one.md", "b/one.md")
    with pytest.raises(InputError) as caught:
        find_files([tmp_path / "a", tmp_path / "b"])
    assert str(tmp_path / "a/one.md") in str(caught.value) and str(tmp_path / "b/one.md") in str(caught.value)


def test_symbolic_links_do_not_leave_the_folder_and_are_told(tmp_path: Path) -> None:
    make_tree(tmp_path, "root/in.md", "outside/secret.md")
    root = tmp_path / "root"
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "secret.md").symlink_to(tmp_path / "outside/secret.md")
    (root / "broken.md").symlink_to(root / "missing")
    (root / "link.md").symlink_to(root / "in.md")
    (root / "node_modules").symlink_to(tmp_path / "outside")
    told: list[str] = []
    assert [source for _, source in find_files([root], unfollowed=told.append)] == ["in.md", "link.md"]
    assert told == ["broken.md", "loop", "out", "secret.md"]


def test_folders_are_searched_however_deep_they_are(tmp_path: Path) -> None:
    make_tree(tmp_path, "b.md")
    deep = tmp_path
    for _ in range(1_100):
        deep /= "a"
        deep.mkdir()
    file = deep / "c.md"
    file.write_text("x")
    try:
        assert [source for _, source in find_files([tmp_path])] == ["a/" * 1_100 + "c.md", "b.md"]
    finally:  # here, since what removes temporary folders calls itself for each level
        file.unlink()
        while deep != tmp_path:
            deep.rmdir()
            deep = deep.parent


@pytest.mark.skipif(os.name == "nt", reason="folders with so long paths cannot be made there")
def test_a_folder_whose_path_is_too_long_is_told_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path, "b.md")
    monkeypatch.chdir(tmp_path)
    for _ in range(20):
        Path("a" * 250).mkdir()
        os.chdir("a" * 250)
    Path("c.md").write_text("x")

    (folder, told), (_, source) = find_files([tmp_path])

    assert (set(told), told[-1], source) == ({"a", "/"}, "/", "b.md")
    with pytest.raises(InputError, match="cannot be read"):
        load_file(folder, told)


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        find_files([tmp_path / "missing"])


@pytest.mark.skipif(os.name == "nt", reason="names are not bytes there")
def test_names_that_are_no_text_become_printable_sources(tmp_path: Path) -> None:
    for name in (b"caf\xe9.txt", b"line\nbreak.txt", "e\u0301.txt".encode()):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
    sources = {source for _, source in find_files([tmp_path])}
    assert sources == {"caf\ufffd.txt", "line\ufffdbreak.txt", "é.txt"}
    for path, source in find_files([tmp_path]):
        assert load_file(path, source)[0].text == "x"
