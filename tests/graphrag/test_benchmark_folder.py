"""Reading benchmark folders in BEIR layout."""

import json
from pathlib import Path

import pytest

from graphrag.errors import InputError
from graphrag.evaluation.beir import Passage, Query, load_dataset
from tests.benchmark_folder import PASSAGES, QUERIES, write_dataset


def test_a_benchmark_folder_is_read_in_file_order(tmp_path: Path):
    dataset = load_dataset(write_dataset(tmp_path / "mini"))

    assert dataset.name == "mini"
    assert dataset.passages == tuple(Passage(*row) for row in PASSAGES)
    assert dataset.queries == tuple(Query(i, text, tuple(a), frozenset(gold)) for i, text, a, gold in QUERIES)


@pytest.mark.parametrize("row", ['{"_id": "p1", "text": "x"}', '{"_id": "p1", "title": null, "text": "x"}'])
def test_a_passage_may_have_no_title(tmp_path: Path, row: str):
    folder = write_dataset(tmp_path / "mini", corpus=row + "\n\n", test="query-id\tcorpus-id\tscore\nq1\tp1\t1\n")

    assert load_dataset(folder).passages == (Passage("p1", "", "x"),)


def test_questions_without_a_relevant_passage_are_left_out(tmp_path: Path):
    test = "query-id\tcorpus-id\tscore\nq3\tp10\t1\nq3\tp9\t0\nq4\tp11\t0\nunknown\tp1\t1\n"

    (query,) = load_dataset(write_dataset(tmp_path / "mini", test=test)).queries

    assert (query.id, query.gold) == ("q3", {"p10"})


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    folder = write_dataset(tmp_path / "mini")
    (folder / name).unlink()

    with pytest.raises(InputError, match=name):
        load_dataset(folder)


@pytest.mark.parametrize("line", ['{"_id": "p1", "text": ', "[1, 2]", '{"title": "x", "text": "y"}', '{"_id": "p1"}'])
@pytest.mark.parametrize("file", ["corpus", "queries"])
def test_a_malformed_line_is_named_by_its_number(tmp_path: Path, file: str, line: str):
    first = '{"_id": "p1", "text": "x"}'
    folder = write_dataset(
        tmp_path / "mini", **{file: f"{first}\n\n{line}\n"}, test="query-id\tcorpus-id\tscore\np1\tp1\t1\n"
    )

    with pytest.raises(InputError, match=rf"{file}.jsonl.*line 3"):
        load_dataset(folder)


@pytest.mark.parametrize("line", ["q1\tp1\thigh", "q1\tp1", "q1"])
def test_a_malformed_judgement_is_named_by_its_number(tmp_path: Path, line: str):
    folder = write_dataset(tmp_path / "mini", test=f"query-id\tcorpus-id\tscore\nq1\tp1\t1\n{line}\n")

    with pytest.raises(InputError, match=r"test\.tsv.*line 3"):
        load_dataset(folder)


def test_judgements_without_the_columns_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"query-id, corpus-id, score"):
        load_dataset(write_dataset(tmp_path / "mini", test="q1\tp1\t1\nq2\tp5\t1\n"))


def test_a_judgement_on_an_unknown_passage_is_refused(tmp_path: Path):
    folder = write_dataset(tmp_path / "mini", test="query-id\tcorpus-id\tscore\nq1\tp99\t1\n")

    with pytest.raises(InputError, match=r"'p99' is not in corpus\.jsonl"):
        load_dataset(folder)


@pytest.mark.parametrize(
    ("metadata", "kind"), [({"hops": 3}, "3 hops"), ({"type": "bridge"}, "bridge"), ({"hops": 1}, "1 hop"), ({}, "")]
)
def test_the_kind_of_a_question_is_read_for_the_scorer(tmp_path: Path, metadata: dict[str, object], kind: str):
    query = json.dumps({"_id": "q1", "text": "Where?", "metadata": metadata})

    (found,) = load_dataset(write_dataset(tmp_path / "mini", queries=query + "\n")).queries

    assert found.kind == kind
