"""Each bad input gives a clear error with a remedy and an exit code, as text and as JSON, and nothing is written."""

import resource
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO, Any

import pytest

from api.cli import export
from tests.api.conftest import Run, run_process, write
from tests.graphrag.loaders_corpus import encrypted_pdf, make_pdf
from tests.graphrag.test_pdf_scans import scanned

GOOD = "# Good\n\nThis one is fine.\n"


def nothing_stored(run: Run) -> bool:
    """Whether the store is empty, or not even there."""
    listed = run("documents", "--json")
    return listed.code == 4 or listed.json == {"documents": []}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.md", b"", "empty"),
        ("broken.pdf", b"%PDF-1.7\nnot really", "broken.pdf"),
        ("fake.pdf", b"just text", "is not a PDF"),
        ("locked.pdf", encrypted_pdf([["secret"]], "password"), "password"),
        ("scan.pdf", make_pdf([[]]), "scan.pdf"),
        ("wrong.txt", b"caf\x81\xe9 \xff\xfe\x00\x01\x02\x80" * 50, "wrong.txt"),
        ("rows.jsonl", b'{"text": "fine"}\n{"text": \n', "line 2"),
        ("tenant.md", b"---\ntenant: other\n---\n# T\n\nText.\n", "metadata may not set 'tenant'"),
        ("access.md", b"---\naccess: public\n---\n# T\n\nText.\n", "metadata may not set 'access'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_is_named_with_its_reason(
    run: Run, tmp_path: Path, name: str, content: bytes, message: str
):
    (tmp_path / name).write_bytes(content)

    result = run("ingest", name, "--json")

    assert result.code == 3
    assert result.json["failed"] == len(result.json["documents"]) == 1
    (failure,) = result.json["documents"]
    assert failure["source"] == name
    assert failure["outcome"] == "failed"
    assert message in failure["reason"]
    assert nothing_stored(run)


def test_a_file_above_the_size_limit_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, {"long.txt": "word " * 100})
    monkeypatch.setenv("GRAPHRAG_MAX_DOCUMENT_BYTES", "100")

    result = run("ingest", "long.txt")

    assert result.code == 3
    assert "long.txt has 500 bytes, more than the limit of 100" in result.out
    assert "GRAPHRAG_MAX_DOCUMENT_BYTES" in result.out
    assert nothing_stored(run)


def test_a_named_file_that_may_not_be_read_stops_no_other(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, {"mine.md": GOOD, "theirs.md": GOOD})
    opened = Path.open

    def refusing(path: Path, *arguments: Any, **options: Any) -> IO[Any]:
        if path.name == "theirs.md":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    def may(path: str, mode: int) -> bool:
        return Path(path).name != "theirs.md"

    monkeypatch.setattr(Path, "open", refusing)
    monkeypatch.setattr("os.access", may)

    result = run("ingest", "mine.md", "theirs.md", "--json")

    assert result.code == 3
    assert (result.json["created"], result.json["failed"]) == (1, 1)
    assert "theirs.md cannot be read ([Errno 13] Permission denied" in result.json["documents"][0]["reason"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("ingest", "missing.md"), 3, "'missing.md' does not exist"),
        (("ingest", "good.md", "table.xlsx"), 3, "supported are .txt"),
        (("ingest", "hollow"), 3, "no files that can be read in hollow"),
        (("ingest", "one", "two"), 3, "both be stored as 'a.md'"),
        (("ingest", "good.md", "--meta", "tenant=other"), 3, "metadata may not set 'tenant'"),
        (("ingest", "good.md", "--meta", "access=public"), 3, "metadata may not set 'access'"),
        (("ingest", "good.md", "--meta", "Year=1"), 3, "metadata key 'Year' is not valid"),
        (("ingest", "good.md", "--meta", "year"), 3, "write --meta key=value"),
        (("ingest", "good.md", "--meta", "a=1", "--meta", "a=2"), 3, "sets 'a' twice"),
        (("ingest", "good.md", "--access", "not valid!"), 3, "access label 'not valid!' is not valid"),
        (("ingest", "good.md", "--access", "*"), 3, "access label '*' is not valid"),
        (("ingest", "good.md", "--tenant", "no/slash"), 3, "tenant 'no/slash' is not valid"),
        (("ingest",), 2, "Missing argument"),
        (("ingest", ""), 2, "it is empty; write . for the current folder"),
        (("ingest", "--sync", "--yes", ""), 2, "it is empty"),
        (("ask", "x"), 3, "at least 3"),
        (("ask", "x" * 100_000), 3, "at most 4000 are accepted: shorten it"),
        (("ask", "???"), 3, "ask in words"),
        (("ask", "\udcffwho is Jane"), 3, "the question is not valid Unicode"),
        (("search", "x"), 3, "at least 3"),
        (("search", "warranty", "-k", "0"), 2, "-k"),
        (("search", "warranty", "-k", "101"), 2, "-k"),
        (("search", "warranty", "--tool", "magic"), 2, "magic"),
        (("ask", "What is it?", "--mode", "magic"), 2, "magic"),
        (("ask", "What is it?", "--top-k", "101"), 2, "--top-k"),
        (("ask", "What is it?", "--filter", "{"), 3, "is not valid JSON"),
        (("ask", "What is it?", "--filter", "[1]"), 3, "is not a JSON object"),
        (("ask", "What is it?", "--filter", '{"year": 2025}'), 3, "filterable fields: none"),
        (("ask", "What is it?", "--access", "a b"), 3, "access label 'a b' is not valid"),
        (("export", "--format", "xml"), 2, "xml"),
        (("export",), 3, "add --output FILE"),
        (("conquer",), 2, "conquer"),
        (("ask", "What is it?"), 4, "run 'graphrag ingest FOLDER' first"),
        (("documents",), 4, "there is no knowledge base at"),
        (("delete", "good.md"), 4, "there is no knowledge base at"),
        (("delete", "--filter", "{}", "--yes"), 3, "nothing to delete"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
):
    write(tmp_path, {"good.md": GOOD, "table.xlsx": "x", "one/a.md": GOOD, "two/a.md": GOOD})
    (tmp_path / "hollow").mkdir()

    result = run(*arguments, "--json")

    assert result.code == code
    assert message in result.error
    assert "Value error" not in result.error
    assert not (tmp_path / "graphrag.db").exists()

    if arguments != ("export",):
        plain = run(*arguments)
        assert plain.code == code
        assert plain.out == ""
        assert plain.err.startswith("Error: ")
        assert "Traceback" not in plain.err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GRAPHRAG_EMBEDER", "minilm", "unknown setting GRAPHRAG_EMBEDER: did you mean GRAPHRAG_EMBEDDER"),
        ("GRAPHRAG_CHUNK_TOKENS", "many", "GRAPHRAG_CHUNK_TOKENS='many'"),
        ("GRAPHRAG_CHUNK_TOKENS", "1", "greater than or equal to 256"),
        ("GRAPHRAG_EMBEDDER", "magic", "'minilm', 'local', 'hashing', 'openai'"),
        ("GRAPHRAG_STORE_URL", "graphrag.db", "is not a URL"),
        ("GRAPHRAG_STORE_URL", "oracle://host", "sqlite"),
    ],
)
def test_a_setting_that_is_unknown_or_malformed_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
):
    write(tmp_path, {"good.md": GOOD})
    monkeypatch.setenv(name, value)

    for arguments in (("ingest", "good.md", "--json"), ("ask", "What is it?", "--json")):
        result = run(*arguments)
        assert result.code == 2
        assert message in result.error
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.parametrize(
    "setting",
    [
        {"SPACY_PIPELINE": "no_such"},
        {"EMBEDDER": "openai"},
        {"EMBEDDER": "auto", "EMBEDDING_MODEL": "m"},
        {"EXTRACTOR": "llm"},
        {"LLM_MODEL": "m"},
        {"RERANKER": "local"},
    ],
    ids=str,
)
def test_settings_that_are_at_fault_leave_no_store_behind(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: dict[str, str]
):
    (tmp_path / "good.md").write_text(GOOD)
    for name, value in setting.items():
        monkeypatch.setenv(f"GRAPHRAG_{name}", value)

    assert run("ingest", "good.md").code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["good.md"]


def test_a_store_of_another_embedder_is_refused(filled: Run, tmp_path: Path):
    write(tmp_path, {"good.md": GOOD})

    for arguments in (("ask", "What is it?"), ("search", "warranty"), ("ingest", "good.md")):
        result = run_process(tmp_path, *arguments, "--json", GRAPHRAG_EMBEDDER="minilm")
        assert result.code == 5
        assert result.json["error"]["type"] == "SchemaMismatchError"
        assert "'graphrag reembed'" in result.error
    assert len(filled("documents", "--json").json["documents"]) == 4


def test_a_filter_on_an_unknown_field_lists_the_known_ones(filled: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_FILTER_FIELDS", "year,department")

    result = filled("search", "warranty", "--filter", '{"colour": "red"}', "--json")

    assert result.code == 3
    assert "filter field 'colour' is not filterable; filterable fields: department, year" in result.error


def test_delete_deletes_nothing_if_one_name_is_not_found(filled: Run):
    result = filled("delete", "contracts/sa-118.md", "contracts", "--json")

    assert result.code == 4
    assert "no document with the id or source 'contracts'" in result.error
    assert len(filled("documents", "--json").json["documents"]) == 4


def test_delete_of_a_file_of_records_says_how_to_name_them(filled: Run):
    result = filled("delete", "tickets.jsonl")

    assert result.code == 4
    assert "'tickets.jsonl#*' for all" in result.err


def test_ask_of_a_tenant_without_documents_says_so(filled: Run):
    result = filled("ask", "What is it?", "--tenant", "other")

    assert result.code == 4
    assert "holds nothing for tenant 'other'" in result.err


def test_export_does_not_replace_a_file_unless_told_to(filled: Run, tmp_path: Path):
    before = (tmp_path / "graphrag.db").read_bytes()

    result = filled("export", "--output", "graphrag.db")

    assert result.code == 3
    assert "--force" in result.err
    assert (tmp_path / "graphrag.db").read_bytes() == before
    assert filled("export", "--output", "no/such/folder.jsonl").code == 3
    assert filled("export", "--output", "out.jsonl").code == 0
    assert filled("export", "--output", "out.jsonl", "--force").code == 0


@pytest.mark.parametrize("written", [10, 100_000], ids=["when it is closed", "while it is written"])
def test_an_export_that_fails_leaves_no_file(
    filled: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def lines(*_: object, **__: object) -> AsyncGenerator[str]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))  # as if the disk were full from here on
        yield "x" * written

    monkeypatch.setattr(export, "export_lines", lines)
    before = sorted(path.name for path in tmp_path.iterdir())
    try:
        result = filled("export", "--output", "out.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert (result.code, "out.jsonl cannot be written (File too large)" in result.err) == (3, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_file_that_is_no_store_is_refused(run: Run, tmp_path: Path):
    write(tmp_path, {"graphrag.db": "not a database", "good.md": GOOD})

    result = run("ingest", "good.md", "--json")

    assert result.code == 5
    assert "is not a SQLite database" in result.error
    assert (tmp_path / "graphrag.db").read_text() == "not a database"


def test_a_fault_in_the_software_is_one_line_and_a_traceback_only_with_debug(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, {"good.md": GOOD})
    monkeypatch.setattr("api.cli.ingest.list_sources", lambda *_, **__: 1 / 0)

    plain, debug = run("ingest", "good.md"), run("ingest", "good.md", "--debug")

    assert plain.code == debug.code == 70
    assert plain.err.startswith("Error: unexpected ZeroDivisionError")
    assert "Traceback" not in plain.err
    assert "Traceback" in debug.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("jobs", "show", "\udcfe"), 4, "job '?' does not exist"),
        (("jobs", "cancel", "\udcfe"), 4, "job '?' does not exist"),
        (("keys", "revoke", "\udcfe"), 4, "has no key '?'"),
        (("usage", "--tenant", "\udcfe"), 3, "is not valid"),
        (("usage", "--tenant", "no/slash"), 3, "tenant 'no/slash' is not valid"),
    ],
)
def test_an_id_or_tenant_that_is_no_text_is_refused_like_an_unknown_one(
    filled: Run, arguments: tuple[str, ...], code: int, message: str
):
    result = filled(*arguments, "--json")

    assert result.code == code
    assert message in result.error


def test_an_evaluation_that_writes_its_report_to_a_file_fails_as_text_wherever_debug_stands(run: Run):
    for arguments in (("--debug", "eval", "nowhere"), ("eval", "nowhere", "--debug")):
        failed = run(*arguments, "--json", "report.json")
        assert (failed.code, failed.out) == (3, "")
        assert "Error: " in failed.err


def test_pages_that_could_not_be_read_are_named_and_the_others_are_stored(run: Run, tmp_path: Path):
    (tmp_path / "pumps.pdf").write_bytes(scanned("tsst"))

    result = run("ingest", "pumps.pdf")

    assert result.code == 0
    assert "Stored without what could not be read (1)" in result.out
    assert "pages 2-3 are pictures without text" in " ".join(result.out.split())
    again = run("ingest", "pumps.pdf", "--json", "--meta", "year=2026")
    assert [one["outcome"] for one in again.json["documents"]] == ["updated"]
