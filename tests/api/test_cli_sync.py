"""`graphrag ingest --sync` and `graphrag delete`: what goes, and what stays."""

import os
import shlex
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import typer

from api.cli.documents import confirm
from tests.api.conftest import Run, write


def sources(run: Run) -> list[str]:
    """What is stored."""
    return [document["source"] for document in run("documents", "--json").json["documents"]]


def test_sync_removes_what_vanished_from_this_folder_and_nothing_else(run: Run, tmp_path: Path):
    write(tmp_path / "ours", {"a.md": "# A\n\nAlder.\n", "old/b.md": "# B\n\nBirch.\n", "c.md": "# C\n\nCedar.\n"})
    write(tmp_path / "theirs", {"t.md": "# T\n\nTheirs.\n"})
    write(tmp_path / "plain", {"p.md": "# P\n\nPlain.\n"})
    assert run("ingest", tmp_path / "theirs", "--sync").code == run("ingest", tmp_path / "plain").code == 0
    run("ingest", tmp_path / "ours", "--sync")
    (tmp_path / "ours/c.md").unlink()
    (tmp_path / "ours/new").mkdir()
    (tmp_path / "ours/old/b.md").rename(tmp_path / "ours/new/b2.md")

    result = run("ingest", tmp_path / "ours", "--sync")

    assert result.code == 0
    assert "removed   c.md" in result.out
    assert "renamed   old/b.md -> new/b2.md" in result.out
    assert sources(run) == ["a.md", "new/b2.md", "p.md", "t.md"]
    again = run("ingest", tmp_path / "ours", "--sync", "--json").json
    assert (again["unchanged"], again["removed"], again["renamed"]) == (2, [], [])


def test_an_ingest_without_sync_takes_no_document_out_of_the_care_of_the_next_one_with_it(run: Run, tmp_path: Path):
    folder = tmp_path / "ours"
    write(folder, {"a.md": "# A\n\nAlder.\n", "b.md": "# B\n\nBirch.\n", "c.md": "# C\n\nCedar.\n"})
    run("ingest", folder, "--sync")
    write(folder, {"b.md": "# B\n\nBeech.\n"})

    estimated = run("ingest", folder, "--estimate", "--json").json
    plain = run("ingest", folder, "--json").json

    assert (estimated["documents"], estimated["unchanged"]) == (1, 2)
    assert (plain["updated"], plain["unchanged"]) == (1, 2)
    (folder / "a.md").unlink()
    (folder / "b.md").unlink()
    assert run("ingest", folder, "--sync", "--json").json["removed"] == ["a.md", "b.md"]
    assert sources(run) == ["c.md"]


def test_a_document_that_another_folder_replaces_is_no_longer_kept(run: Run, tmp_path: Path):
    write(tmp_path / "ours", {"a.md": "# A\n\nAlder.\n", "b.md": "# B\n\nBirch.\n"})
    write(tmp_path / "theirs", {"a.md": "# A\n\nAsh.\n"})
    run("ingest", tmp_path / "ours", "--sync")
    run("ingest", tmp_path / "theirs")
    (tmp_path / "ours/a.md").unlink()

    assert run("ingest", tmp_path / "ours", "--sync", "--json").json["removed"] == []
    assert sources(run) == ["a.md", "b.md"]


def test_a_document_cannot_say_which_folder_keeps_it(run: Run, tmp_path: Path):
    write(tmp_path / "ours", {"a.md": "# A\n\nAlder.\n"})
    write(tmp_path / "theirs", {"b.md": "---\nsynced_from: wiki\n---\n# B\n\nBirch.\n"})
    run("ingest", tmp_path / "theirs")

    assert run("ingest", tmp_path / "ours", "--sync-as", "wiki", "--json").json["removed"] == []
    assert sources(run) == ["a.md", "b.md"]


def test_two_synchronised_folders_do_not_replace_each_others_documents(run: Run, tmp_path: Path):
    write(tmp_path / "ours", {"README.md": "# Ours\n\nAlder.\n"})
    write(tmp_path / "theirs", {"README.md": "# Theirs\n\nBirch.\n", "b.md": "# B\n\nBirch.\n"})
    run("ingest", tmp_path / "ours", "--sync")

    result = run("ingest", tmp_path / "theirs", "--sync")

    assert result.code == 3
    assert "is kept from the folder 'ours-" in result.out.replace("\n", " ")
    assert sources(run) == ["README.md", "b.md"]
    assert run("documents", "--json").json["documents"][0]["title"] == "Ours"
    (tmp_path / "theirs/README.md").unlink()
    assert run("ingest", tmp_path / "theirs", "--sync", "--json").json["removed"] == []


def test_sync_keeps_what_a_file_gave_that_cannot_be_read_now_and_drops_records_that_left_theirs(
    run: Run, tmp_path: Path
):
    folder = tmp_path / "folder"
    write(folder, {"a.md": "# A\n\nAlder.\n", "t.jsonl": '{"id": "1", "text": "One."}\n{"id": "2", "text": "Two."}\n'})
    run("ingest", folder, "--sync")
    write(folder, {"a.md": "", "t.jsonl": "{not json\n"})

    assert run("ingest", folder, "--sync", "--json").json["removed"] == []
    assert sources(run) == ["a.md", "t.jsonl#1", "t.jsonl#2"]
    write(folder, {"a.md": "# A\n\nAlder.\n", "t.jsonl": '{"id": "2", "text": "Two."}\n'})
    assert run("ingest", folder, "--sync", "--json").json["removed"] == ["t.jsonl#1"]


def test_a_folder_that_cannot_be_listed_stops_no_other_and_what_is_in_it_has_not_vanished(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "ours"
    write(folder, {"a.md": "# A\n\nAlder.\n", "old.d/b.md": "# B\n\nBirch.\n", "old.d/t.csv": "id,name\n1,Ada Pell\n"})
    run("ingest", folder, "--sync")
    write(folder, {"c.md": "# C\n\nCedar.\n"})
    (folder / "a.md").unlink()
    scandir = os.scandir

    def refusing(path: Path) -> "Iterator[os.DirEntry[str]]":
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    refused = folder / "old.d"

    result = run("ingest", folder, "--sync")

    assert result.code == 3
    assert "the folder old.d/ cannot be read; check its permissions" in result.out
    assert "removed   a.md" in result.out
    assert sources(run) == ["c.md", "old.d/b.md", "old.d/t.csv#1"]
    refused = folder
    assert "cannot be read" in run("ingest", folder).err


def test_a_table_that_has_become_empty_is_no_failure_and_its_rows_vanish(run: Run, tmp_path: Path):
    folder = tmp_path / "dump"
    write(folder, {"staff.csv": "id,name\n1,Ada Pell\n2,Joris Maes\n", "a.md": "# A\n\nAlder.\n"})
    run("ingest", folder, "--sync")
    write(folder, {"staff.csv": "id,name"})  # cut off: it has not vanished
    assert (run("ingest", folder, "--sync").code, sources(run)) == (3, ["a.md", "staff.csv#1", "staff.csv#2"])
    write(folder, {"staff.csv": "id,name\n"})

    result = run("ingest", folder, "--sync")

    assert (result.code, sources(run)) == (0, ["a.md"])
    assert "Without any document: 1 .csv" in result.out
    assert "removed   staff.csv#2" in result.out
    assert run("ingest", folder, "--json").json["empty"] == ["staff.csv"]


def test_sync_of_a_folder_without_files_is_refused_and_many_deletions_want_a_yes(run: Run, tmp_path: Path):
    folder = tmp_path / "folder"
    write(folder, {f"{n:02}.md": f"# N\n\nNote {n}.\n" for n in range(15)})
    run("ingest", folder, "--sync-as", "wiki")
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    for n in range(1, 15):
        (moved / f"{n:02}.md").unlink()

    refused = run("ingest", moved, "--sync-as", "wiki")
    assert refused.code == 3
    assert "14 documents have vanished" in refused.err
    assert "'01.md', '02.md', '03.md', '04.md', '05.md' and 9 more" in refused.err
    assert "--yes" in refused.err
    assert "--dry-run" not in refused.err
    assert len(sources(run)) == 15
    assert run("ingest", moved, "--sync-as", "wiki", "--yes").code == 0
    assert sources(run) == ["00.md"]
    (moved / "00.md").unlink()
    assert run("ingest", moved, "--sync-as", "wiki", "--yes").code == 3
    assert sources(run) == ["00.md"]


@pytest.mark.parametrize("arguments", [("folder/a.md", "--sync"), ("folder", "other", "--sync")])
def test_sync_keeps_one_folder(run: Run, tmp_path: Path, arguments: tuple[str, ...]):
    write(tmp_path, {"folder/a.md": "# A\n\nAlder.\n", "other/b.md": "# B\n\nBirch.\n"})

    assert run("ingest", *arguments).code == 3


def test_delete_by_prefix_and_filter_shows_asks_and_deletes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, {f"old/{n:02}.md": f"# N\n\nNote {n}.\n" for n in range(12)} | {"new/a.md": "# A\n\nAlder.\n"})
    run("ingest", tmp_path / "old", "--meta", "year=2024")
    write(tmp_path / "more", {"b.md": "# B\n\nBirch.\n"})
    run("ingest", tmp_path / "more", "--meta", "year=2025")

    shown = run("delete", "--source-prefix", "0", "--dry-run", "--json").json
    assert (shown["dry_run"], len(shown["deleted"])) == (True, 10)
    assert len(sources(run)) == 13
    old = ("--filter", '{"year": {"lt": 2025}}')
    monkeypatch.setenv("GRAPHRAG_FILTER_FIELDS", "year")
    refused = run("delete", *old)
    assert refused.code == 3
    assert "12 documents would be deleted" in refused.err
    assert "or --dry-run to see them" in refused.err
    assert run("delete", "--source-prefix", "00", *old).out == "deleted 00.md\n"
    assert run("delete", *old, "--yes").code == 0
    assert sources(run) == ["b.md"]
    assert run("delete").code == 3
    assert "nothing was deleted" in run("delete", "--source-prefix", "zzz").out


def test_a_question_that_gets_no_answer_says_that_nothing_was_deleted(monkeypatch: pytest.MonkeyPatch):
    terminal = StringIO("")  # ended by Ctrl-D
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)

    with pytest.raises(typer.Abort, match="interrupted; nothing was deleted"):
        confirm("12 documents would be deleted", yes=False)


def test_sync_of_a_folder_that_is_empty_now_deletes_nothing_and_says_how_to(run: Run, tmp_path: Path):
    folder = tmp_path / "Ann's notes"
    write(folder, {"a.md": "# A\n\nAlder.\n"})
    write(tmp_path / "theirs", {"t.md": "# T\n\nTheirs.\n"})
    run("ingest", folder, "--sync")
    run("ingest", tmp_path / "theirs", "--sync")
    (folder / "a.md").unlink()

    result = run("ingest", folder, "--sync", "--json")

    assert result.code == 3
    assert "nothing was deleted, as an empty folder may be" in result.error
    assert sources(run) == ["a.md", "t.md"]
    assert "deleted" not in run("ingest", folder, "--json").error
    command = result.error.partition("delete what came from it, ")[2]
    setting, program, *arguments = shlex.split(command)
    assert program == "graphrag"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*setting.split("="))
        assert run(*arguments).code == 0
    assert sources(run) == ["t.md"]
