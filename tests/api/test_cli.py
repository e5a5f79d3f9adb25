"""The commands, as people and programs use them. What they refuse is in test_cli_bad_input.py."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.api.conftest import DOCUMENTS, REPOSITORY, Ran, Run, run_process, write

QUESTION = "Which company supplies the part that burnt out at Maasvliet Terminal?"


def test_a_question_with_a_slip_of_the_pen_says_how_it_was_read(run: Run, tmp_path: Path):
    run("ingest", write(tmp_path / "docs", {"limits.md": "# Limits\n\nThe default rate limit is 120 calls.\n"}))

    assert "Read as: what is the default rate limit" in run("ask", "what is the defualt rate limit").out
    assert "Read as" not in run("ask", "what is the default rate limit").out


def test_ingest_says_what_became_of_each_document_and_where_the_store_is(run: Run, tmp_path: Path):
    write(tmp_path / "documents", DOCUMENTS)

    first = run("ingest", tmp_path / "documents", "--json")

    assert first.code == 0
    assert {name: first.json[name] for name in ("created", "updated", "unchanged", "failed", "files")} == {
        "created": 4,
        "updated": 0,
        "unchanged": 0,
        "failed": 0,
        "files": 3,
    }
    assert first.json["store"] == str(tmp_path / "graphrag.db")
    assert {item["source"] for item in first.json["documents"]} == {
        "incidents/inc-1.md",
        "contracts/sa-118.md",
        "tickets.jsonl#T-1",
        "tickets.jsonl#T-2",
    }
    assert first.json["chunks"] == sum(item["chunks"] for item in first.json["documents"]) >= 4

    again = run("ingest", tmp_path / "documents")

    assert again.code == 0
    assert "3 files, 4 documents: 4 unchanged" in again.out
    assert f"Stored in {tmp_path / 'graphrag.db'}" in again.out


def test_symbolic_links_that_are_not_followed_are_told(run: Run, tmp_path: Path):
    folder = write(tmp_path / "documents", {"good.md": "# Good\n\nThis one is fine.\n"})
    write(tmp_path / "shared", {"handbook.md": "# Handbook\n\nElsewhere.\n"})
    for n in range(7):
        (folder / f"link{n}").symlink_to(tmp_path / "shared")

    result = run("ingest", folder)

    assert result.code == 0
    told = "symbolic links link0, link1, link2, link3, link4 and 2 more"
    assert told in " ".join(result.out.split())
    assert told in " ".join(run("ingest", folder, "--estimate").out.split())
    assert run("ingest", folder, "--json").json["links"] == [f"link{n}" for n in range(7)]


def test_one_bad_file_in_a_folder_does_not_stop_the_rest(run: Run, tmp_path: Path):
    write(tmp_path / "documents", {"good.md": "# Good\n\nThis one is fine.\n", "empty.md": "", "logo.png": "x"})

    result = run("ingest", tmp_path / "documents")

    assert result.code == 3
    assert "2 files, 2 documents: 1 created, 1 failed" in result.out
    assert "Left out, since they cannot be read here: 1 .png" in result.out
    assert "empty.md" in result.out
    assert [item["source"] for item in run("documents", "--json").json["documents"]] == ["good.md"]


def test_metadata_and_access_label_of_an_ingest_are_stored(run: Run, tmp_path: Path):
    write(tmp_path, {"a.md": "# A\n\nSome text about Halvorix Components.\n"})

    result = run(
        "ingest", "a.md", "--access", "legal", "--meta", "year=2025", "--meta", "draft=true", "--meta", "share=0.5",
        "--meta", "code=007", "--meta", 'version="5"', "--meta", "owner=Ida = Rowan", "--json",
    )  # fmt: skip

    assert result.json["created"] == 1
    (document,) = run("documents", "--json").json["documents"]
    assert document["access"] == "legal"
    assert document["metadata"] == {
        "year": 2025, "draft": True, "share": 0.5, "code": "007", "version": "5", "owner": "Ida = Rowan",
    }  # fmt: skip


def test_ask_answers_with_citations_that_quote_the_documents(filled: Run, tmp_path: Path):
    result = filled("ask", QUESTION, "--json", "--top-k", "3")

    assert result.code == 0
    answer = result.json
    assert list(answer) == [
        "question", "verdict", "confidence", "answer", "written_by", "short", "missing", "citations", "claims", "path", "steps",
        "stopped_by", "degraded", "passages", "usage", "timings",
    ]  # fmt: skip
    assert answer["question"] == QUESTION
    assert {citation["source"] for citation in answer["citations"]} & {"contracts/sa-118.md", "incidents/inc-1.md"}
    for citation in answer["citations"]:
        if "#" not in citation["source"]:
            assert citation["quote"] in (tmp_path / "documents" / citation["source"]).read_text()
    assert len(answer["passages"]) == 3
    assert answer["usage"]["steps"] == len(answer["steps"]) >= 1


def test_ask_prints_verdict_sources_and_steps_within_80_columns(filled: Run):
    result = filled("ask", QUESTION)

    assert result.code == 0
    for part in ("Verdict", "[1]", "Steps", "vector_search", "the question"):
        assert part in result.out
    assert max(len(row) for row in result.out.splitlines()) <= 80
    assert "\x1b" not in result.out
    assert not any(row.endswith(" ") for row in result.out.splitlines())


@pytest.mark.parametrize("mode", ["graph", "hybrid", "vector", "keyword"])
def test_ask_with_one_search_alone_takes_one_step(filled: Run, mode: str):
    answer = filled("ask", QUESTION, "--mode", mode, "--json").json

    assert len(answer["steps"]) == 1
    assert answer["citations"]


def test_ask_sees_only_what_the_given_labels_see(filled: Run, tmp_path: Path):
    write(tmp_path / "secret", {"secret.md": "# Payroll\n\nThe payroll of Zyrvane Holdings is secret.\n"})
    assert filled("ingest", "secret", "--access", "hr").code == 0

    for access, expected in (("public", False), ("hr", True), ("legal,hr", True), ("*", True)):
        hits = filled("search", "payroll of Zyrvane Holdings", "--access", access, "--json").json["hits"]
        assert any(hit["source"] == "secret.md" for hit in hits) == expected


@pytest.mark.parametrize("tool", ["vector", "keyword", "hybrid", "graph"])
def test_search_lists_ranked_passages(filled: Run, tool: str):
    result = filled("search", "warranty of the PMX-48 power module", "--tool", tool, "-k", "2", "--json")

    assert result.code == 0
    hits = result.json["hits"]
    assert 1 <= len(hits) <= 2
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    assert hits[0]["source"] == "contracts/sa-118.md"
    assert set(hits[0]) == {
        "rank", "score", "chunk_id", "document_id", "source", "title", "heading", "page", "start", "end", "text",
    }  # fmt: skip


def test_search_shows_the_sentence_that_matches_best(filled: Run):
    result = filled("search", "warranty months", "--tool", "keyword")

    assert "The warranty of the PMX-48 power module is 30 months." in result.out


def test_a_filter_narrows_search_and_ask(filled: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_FILTER_FIELDS", "year,department")
    only_legal = '{"department": "legal", "year": {"lt": 2025}}'

    hits = filled("search", "PMX-48 power module", "--filter", only_legal, "--json").json["hits"]
    citations = filled("ask", QUESTION, "--filter", only_legal, "--json").json["citations"]

    assert {hit["source"] for hit in hits} == {"contracts/sa-118.md"}
    assert {citation["source"] for citation in citations} == {"contracts/sa-118.md"}


def test_documents_lists_them_as_a_table(filled: Run):
    result = filled("documents")

    rows = result.out.splitlines()
    assert rows[0].split() == ["id", "source", "title", "chunks", "access", "updated"]
    assert len(rows) == 6
    assert rows[1].split()[1:4] == ["contracts/sa-118.md", "Supply", "agreement"]
    assert rows[-1] == "4 documents"
    assert max(len(row) for row in rows) <= 80

    listed = filled("documents", "--source", "tickets", "--json").json["documents"]
    assert [item["source"] for item in listed] == ["tickets.jsonl#T-1", "tickets.jsonl#T-2"]


def test_delete_takes_sources_ids_the_start_of_an_id_and_all_records_of_a_file(filled: Run):
    ids = {item["source"]: item["id"] for item in filled("documents", "--json").json["documents"]}

    by_source = filled("delete", "contracts/sa-118.md", "--json")
    by_start = filled("delete", ids["incidents/inc-1.md"][:8])
    by_file = filled("delete", "tickets.jsonl#*", ids["tickets.jsonl#T-1"], "--json")

    deleted = {"id": ids["contracts/sa-118.md"], "source": "contracts/sa-118.md", "part": 0}
    assert by_source.json["deleted"] == [deleted]
    assert by_start.out == "deleted incidents/inc-1.md\n"
    assert sorted(item["source"] for item in by_file.json["deleted"]) == ["tickets.jsonl#T-1", "tickets.jsonl#T-2"]
    assert filled("documents", "--json").json == {"documents": []}
    assert filled("stats", "--json").json["entities"] == 0


def test_stats_counts(filled: Run, tmp_path: Path):
    counts = filled("stats", "--json").json

    assert counts["store"] == str(tmp_path / "graphrag.db")
    assert counts["documents"] == 4
    assert min(counts["chunks"], counts["entities"], counts["mentions"], counts["revision"]) >= 4
    assert "documents  4" in filled("stats").out
    assert filled("stats", "--tenant", "other", "--json").json["documents"] == 0


def test_import_brings_an_export_into_another_store(filled: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    filled("export", "--output", "kb.jsonl")
    answer = filled("ask", QUESTION, "--json").json
    monkeypatch.setenv("GRAPHRAG_STORE_URL", "sqlite:///other.db")

    result = filled("import", "kb.jsonl", "--json")

    assert result.code == 0
    counts = {"documents": 4, "created": 4, "updated": 0, "unchanged": 0, "decisions": 0}
    assert result.json == {"store": str(tmp_path / "other.db"), **counts, "chunks": result.json["chunks"]}
    assert filled("ask", QUESTION, "--json").json["citations"] == answer["citations"]
    assert filled("import", "kb.jsonl").out.startswith("4 documents: 4 unchanged (0 chunks")


def test_nothing_that_is_stored_commands_the_terminal(filled: Run, tmp_path: Path):
    exported = filled("export").out.replace('"title":"Flashing light"', '"title":"\\u001b]0;mine\\u0007\\u009b31m"')
    (tmp_path / "kb.jsonl").write_text(exported)
    assert filled("delete", "tickets.jsonl#T-1").code == filled("import", "kb.jsonl").code == 0

    shown = filled("search", "flashing amber light", "--tool", "keyword").out

    assert "\ufffd]0;mine\ufffd31m" in shown
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)


def test_import_says_what_is_wrong_with_its_file(run: Run, tmp_path: Path):
    (tmp_path / "kb.jsonl").write_text('{"title": "not an export"}\n')

    assert "not the header of an export" in run("import", "kb.jsonl").err
    assert "cannot be read" in run("import", "nothing.jsonl").err
    assert run("import", "kb.jsonl", "--json").code == run("import", "nothing.jsonl").code == 3
    (tmp_path / "empty.jsonl").touch()
    assert "not the header of an export" in run("import", "empty.jsonl").err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.jsonl", "kb.jsonl"]


def test_import_reads_standard_input(filled: Run, tmp_path: Path):
    exported = filled("export").out

    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "import", "-", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "GRAPHRAG_STORE_URL": "sqlite:///other.db"},
        input=exported,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.returncode, json.loads(done.stdout)["created"]) == (0, 4)


def test_export_writes_lines_and_graphs(filled: Run, tmp_path: Path):
    lines = filled("export").out.splitlines()
    assert json.loads(lines[0])["fingerprints"]["embedder"].startswith("hashing/")
    assert sum(json.loads(line)["type"] == "document" for line in lines) == 4
    assert "directed" in filled("export", "--format", "json").json

    result = filled("export", "--format", "graphml", "--output", "graph.graphml", "--json")

    assert result.json == {
        "output": "graph.graphml",
        "format": "graphml",
        "bytes": (tmp_path / "graph.graphml").stat().st_size,
    }
    assert "<graphml" in (tmp_path / "graph.graphml").read_text()
    assert not list(tmp_path.glob(".graph.graphml*"))


def test_doctor_finds_everything_in_order_and_changes_nothing(run: Run, tmp_path: Path):
    result = run("doctor", "--json")

    assert result.code == 0
    assert result.json["ok"] is True
    assert [check["name"] for check in result.json["checks"]] == [
        "python", "packages", "settings", "store", "embedder", "fingerprints", "spacy", "parser", "uploads", "disk",
    ]  # fmt: skip
    sources = {item["name"]: item["source"] for item in result.json["settings"]}
    assert sources["GRAPHRAG_EMBEDDER"] == "environment"
    assert sources["GRAPHRAG_STORE_URL"] == "default"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no names that are not UTF-8")
def test_doctor_looks_at_a_store_in_a_folder_whose_name_is_no_text(filled: Run, tmp_path: Path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff %20 #?"))
    odd.mkdir()
    shutil.copy("graphrag.db", odd)

    result = run_process(odd, "doctor", "--json")

    (store,) = [check for check in result.json["checks"] if check["name"] == "store"]
    assert store["ok"], store
    assert "4 documents" in store["detail"]


def test_doctor_names_each_problem_with_a_remedy(filled: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_EMBEDDER", "minilm")
    monkeypatch.setenv("GRAPHRAG_SPACY_PIPELINE", "xx_not_installed")

    result = filled("doctor")

    assert result.code == 1
    assert "PROBLEM fingerprints: the store's vectors are of hashing/" in result.out
    assert "PROBLEM spacy" in result.out
    assert "-> set GRAPHRAG_EMBEDDER and GRAPHRAG_EMBEDDING_* back" in result.out
    assert "2 problems found." in result.out


def test_doctor_says_that_no_store_can_be_made_in_a_folder_that_cannot_be_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.cli.doctor.os.access", lambda path, mode: Path(path) != tmp_path)

    result = run("doctor")

    assert result.code == 1
    assert "PROBLEM store" in result.out
    assert f"-> make it possible to write in the folder {tmp_path}" in result.out


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("sqlite:///no/folder/kb.db", "-> create the folder {folder}/no/folder, or set GRAPHRAG_STORE_URL"),
        ("neo4j://127.0.0.1:1", "neo4j://127.0.0.1:1 cannot be reached"),
    ],
)
def test_doctor_tells_of_a_store_that_is_not_there_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, remedy: str
):
    monkeypatch.setenv("GRAPHRAG_STORE_URL", url)

    result = run("doctor")

    assert result.code == 1
    assert remedy.format(folder=tmp_path) in result.out
    assert result.out.count("PROBLEM") == 1
    assert "1 problem found." in result.out


def test_doctor_says_that_uploads_could_not_be_kept(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRAPHRAG_DATA_DIR", str(tmp_path / "file" / "uploads"))

    result = run("doctor")

    assert result.code == 1
    assert f"PROBLEM uploads: {tmp_path / 'file' / 'uploads'}" in result.out
    assert f"-> make it possible to write in {tmp_path / 'file'}, or set GRAPHRAG_DATA_DIR" in result.out


def test_doctor_shows_on_a_terminal_only_what_differs_from_the_defaults(run: Run):
    result = run("doctor")

    assert "GRAPHRAG_EMBEDDER=hashing (environment)" in result.out
    assert "(default)" not in result.out
    assert "others have their defaults (graphrag doctor --json shows all)" in result.out


def test_no_line_in_the_list_of_commands_is_cut_off(run: Run):
    for group in ((), ("keys",), ("jobs",), ("replies",), ("entities",), ("eval",)):
        assert "..." not in run(*group, "--help").out.split("Commands:")[1]


@pytest.mark.parametrize("group", ["keys", "jobs", "replies", "entities", "eval"])
def test_a_group_alone_shows_its_commands(run: Run, group: str):
    result = run(group)

    assert result.code == 2
    assert "Commands:" in result.out


def test_doctor_reports_settings_that_are_not_valid(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_CHUNK_TOKENS", "many")

    result = run("doctor")

    assert result.code == 1
    assert "PROBLEM settings" in result.out
    assert "GRAPHRAG_CHUNK_TOKENS='many'" in result.out


def test_the_quickstart_works_in_an_empty_folder_and_is_quick_the_second_time(tmp_path: Path):
    first = run_process(tmp_path, "quickstart")

    assert first.code == 0, first.err
    assert "27 files, 46 documents: 46 created" in first.out
    for part in ("Verdict", "Steps", "What to do next", "graphrag ingest path/to/your/folder"):
        assert part in first.out
    assert [path.name for path in tmp_path.iterdir()] == ["graphrag-quickstart.db"]

    second = run_process(tmp_path, "quickstart", "--json")

    assert second.code == 0, second.err
    assert second.json["ingest"]["unchanged"] == 46
    assert second.json["answer"]["citations"]


def test_the_commands_work_as_processes(tmp_path: Path):
    write(tmp_path / "documents", DOCUMENTS)

    ingested = run_process(tmp_path, "ingest", "documents", "--json")
    asked = run_process(tmp_path, "ask", QUESTION, "--json")
    refused = run_process(tmp_path, "ask", "?", "--json")

    assert ingested.code == 0 and ingested.json["created"] == 4 and not ingested.err
    assert asked.code == 0 and asked.json["citations"] and not asked.err
    assert refused.code == 3 and refused.error


def test_the_version_is_shown_as_the_package_has_it(run: Run):
    assert run("--version") == Ran(0, f"agentic-graphrag-service {version('agentic-graphrag-service')}\n", "")


def test_help_shows_every_command(run: Run):
    result = run("--help")

    assert result.code == 0
    for name in ("quickstart", "ingest", "ask", "search", "documents", "delete", "stats", "export", "import", "doctor"):
        assert f"  {name} " in result.out
    assert "..." not in result.out.replace("[ARGS]...", "")
