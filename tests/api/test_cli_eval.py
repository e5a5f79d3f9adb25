"""`graphrag eval` on folders as people have them, and what it leaves in a store."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from graphrag.bootstrap import open_knowledge_base
from graphrag.ingest import ingest_documents
from graphrag.loaders.base import LoadedDocument
from graphrag.settings import load_settings
from graphrag.types import Scope
from tests.api.conftest import REPOSITORY, Run
from tests.benchmark_folder import PASSAGES, QUERIES, write_dataset

QRELS = "query-id\tcorpus-id\tscore\n"
TENANT = "eval-mini"


def documents(file: Path) -> int:
    """How many a store holds, of all tenants."""
    with closing(sqlite3.connect(file)) as connection:
        try:
            return connection.execute("SELECT count(*) FROM documents").fetchone()[0]
        except sqlite3.OperationalError:  # another process is making it
            return 0


def test_a_folder_may_have_any_name(run: Run, tmp_path: Path):
    folder = write_dataset(tmp_path / "prüfung (2) für Ümläute")

    result = run("eval", folder, "--mode", "keyword", "--json", "-")

    assert result.json["dataset"] == folder.name
    assert result.json["modes"]["keyword"]["recall@5"] >= 0.75


def test_what_was_made_of_a_folder_is_noted(run: Run, tmp_path: Path):
    corpus = [*PASSAGES, ("p20", "Only a title, of Zyrvane", ""), ("p21", "", " \n"), ("p22", "", "")]
    queries = [*((i, text) for i, text, _, _ in QUERIES), ("q5", "?"), ("q6", "Zyrvane")]
    folder = write_dataset(
        tmp_path / "mini",
        corpus="".join(json.dumps({"_id": i, "title": t, "text": x}) + "\n" for i, t, x in corpus),
        queries="".join(json.dumps({"_id": i, "text": x}) + "\n" for i, x in queries),
    )
    (folder / "qrels" / "test.tsv").unlink()
    judged = "q3\tp10\t1\nq3\tp99\t1\nq5\tp1\t1\nq6\tp20\t1\nq6\tp21\t1\n"
    (folder / "qrels" / "dev.tsv").write_text(QRELS + judged)

    ran = run("eval", folder, "--mode", "keyword", "--json", "report.json", "--html", "page.html")

    report = json.loads((tmp_path / "report.json").read_text())
    notes = [
        "judged by qrels/dev.tsv: there is no test.tsv",
        "relevant passages that are not in corpus.jsonl, and count as not found: 1",
        "passages without a text and a title, which cannot be found: 2",
        "questions that are refused, and count as nothing found: 1, the first because the question has 1 characters; ask with "
        "at least 3",
    ]
    assert report["notes"] == notes
    assert all(f"note: {note}" in ran.out and note in (tmp_path / "page.html").read_text() for note in notes)
    assert report["indexing"]["passages"] == len(PASSAGES) + 1
    found = {row["id"]: row["recall@5"] for row in report["modes"]["keyword"]["per_question"]}
    assert found == {"q3": 0.5, "q5": 0.0, "q6": 0.5}
    assert report["modes"]["keyword"]["tools"] == {"keyword": pytest.approx(2 / 3, abs=1e-4), "refused": 0.3333}


def test_long_passages_do_not_hide_others_from_the_scores(run: Run, tmp_path: Path):
    line = "The gauge at Brackwater was read, and the reading was noted in the book of the station."
    long = [("l1", "Brackwater book", f"{line}\n\n" * 900)]
    short = [(f"s{n}", f"Note {n}", f"The gauge was read by keeper {n}.") for n in range(12)]
    corpus = "".join(json.dumps({"_id": i, "title": t, "text": x}) + "\n" for i, t, x in [*long, *short])
    folder = write_dataset(
        tmp_path / "mini",
        corpus=corpus,
        queries='{"_id": "q1", "text": "Who read the gauge at Brackwater?"}\n',
        test=QRELS + "".join(f"q1\t{id_}\t1\n" for id_ in ["l1", *(f"s{n}" for n in range(9))]),
    )

    modes = run("eval", folder, "--mode", "keyword", "--mode", "vector", "--json", "-").json["modes"]

    assert modes["keyword"]["recall@10"] > 0.5
    assert modes["vector"]["recall@10"] > 0.5


@pytest.mark.parametrize("option", ["--json", "--html"])
@pytest.mark.parametrize("name", ["missing/report", "."])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_ingested(
    run: Run, tmp_path: Path, option: str, name: str
):
    result = run("eval", write_dataset(tmp_path / "mini"), option, name, "--store", "sqlite:///new.db")

    assert result.code == 3
    assert "cannot be written" in result.err
    assert not result.out
    assert not (tmp_path / "new.db").exists()


def test_a_mode_that_lacks_its_model_is_refused_before_anything_is_ingested(run: Run, tmp_path: Path):
    result = run("eval", write_dataset(tmp_path / "mini"), "--mode", "keyword", "--mode", "agent-with-model")

    assert result.code == 3
    assert "set GRAPHRAG_LLM_PROVIDER" in result.err
    assert "ingest" not in result.err


async def store_passages(file: Path, sources: Mapping[str, str]) -> None:
    """Leave documents in the tenant of the mini benchmark."""
    async with open_knowledge_base(load_settings(store_url=f"sqlite:///{file}")) as kb:
        texts = [
            LoadedDocument(source, "", "text/plain", text, (), (), {}, sha256(text.encode()).hexdigest())
            for source, text in sources.items()
        ]
        await ingest_documents(kb, Scope(TENANT), texts)


@pytest.mark.parametrize("text", ["[]", "{}", '{"dataset": "x", "modes": {"agent": 1}}', '{"modes": {}}', "<html>"])
def test_what_is_no_report_is_not_compared(run: Run, tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text)

    result = run("eval", "compare", "a.json", "a.json")

    assert result.code == 3
    assert "write one with `graphrag eval DIR --json FILE`" in result.err


def test_a_run_begins_anew_where_one_was_killed_and_leaves_nothing(run: Run, tmp_path: Path):
    asyncio.run(store_passages(tmp_path / "kept.db", {"0" * 32: "Of a run that was killed.", "f" * 32: "This, too."}))

    result = run("eval", write_dataset(tmp_path / "mini"), "--mode", "keyword", "--store", "sqlite:///kept.db")

    assert result.code == 0
    assert "remove what a run that was killed has left" in result.err
    assert documents(tmp_path / "kept.db") == 0


def test_documents_that_no_evaluation_stored_are_left_alone(run: Run, tmp_path: Path):
    asyncio.run(store_passages(tmp_path / "kept.db", {"handbook.md": "Twenty-five days of leave."}))

    result = run("eval", write_dataset(tmp_path / "mini"), "--mode", "keyword", "--store", "sqlite:///kept.db")

    assert result.code == 3
    assert "'handbook.md' in tenant 'eval-mini'" in result.err
    assert documents(tmp_path / "kept.db") == 1


@pytest.mark.parametrize(
    ("number", "at_ctrl_c"),
    [
        (signal.SIGINT, "default_int_handler"),
        (signal.SIGTERM, "default_int_handler"),
        (signal.SIGTERM, "SIG_IGN"),  # as in the background of a script
    ],
)
def test_an_interrupted_run_leaves_nothing_in_the_store(tmp_path: Path, number: signal.Signals, at_ctrl_c: str):
    rows = [(f"p{n}", f"Station {n}", f"Station {n} was built by keeper Ida Rowan {n} in Delft.") for n in range(800)]
    folder = write_dataset(
        tmp_path / "mini", corpus="".join(json.dumps({"_id": i, "title": t, "text": x}) + "\n" for i, t, x in rows)
    )
    store = tmp_path / "kept.db"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHRAG_")}
    main = f"import signal; signal.signal(signal.SIGINT, signal.{at_ctrl_c}); from api.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", main, "eval", folder, "--store", f"sqlite:///{store}"],
        env=environment | {"PYTHONPATH": str(REPOSITORY), "GRAPHRAG_EMBEDDER": "hashing"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until(lambda: store.exists() and documents(store) > 0)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "interrupted; nothing of the evaluation stays in the store" in errors
    assert documents(store) == 0


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what another process does; fail after a minute."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("what was waited for did not come")
