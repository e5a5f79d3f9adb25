"""Reading benchmark folders in BEIR layout."""

import gzip
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
    with pytest.raises(InputError, match=r"line 1: .*query-id, corpus-id, score"):
        load_dataset(write_dataset(tmp_path / "mini", test="query\tpassage\tscore\nq1\tp1\t1\n"))


@pytest.mark.parametrize(
    "test",
    [
        "q1\tp1\t1\nq1\tp2\t2\nq1\tp3\t0\n",
        "q1\t0\tp1\t1\nq1\t0\tp2\t1\n",
        "q1 0 p1 1\nq1 0 p2 1\n",
        "query-id\tcorpus-id\tscore\nq1\tp1\t1.0\nq1\tp2\t0.5\nq1\tp3\t-1\n",
        "score\tcorpus-id\tquery-id\n1\tp1\tq1\n1\tp2\tq1\n",
        "\ufeffquery-id\tcorpus-id\tscore\r\nq1\tp1\t1\r\n\r\nq1\tp2\t1\r\n",
    ],
)
def test_judgements_may_lack_a_header_or_have_the_columns_of_trec(tmp_path: Path, test: str):
    (query,) = load_dataset(write_dataset(tmp_path / "mini", test=test)).queries

    assert (query.id, query.gold) == ("q1", {"p1", "p2"})


@pytest.mark.parametrize(
    ("files", "read"),
    [
        (["test", "dev", "train"], "test"),
        (["train", "dev"], "dev"),
        (["train"], "train"),
        (["validation"], "validation"),
    ],
)
def test_judgements_of_another_split_stand_in_for_those_of_test(tmp_path: Path, files: list[str], read: str):
    folder = write_dataset(tmp_path / "mini")
    (folder / "qrels" / "test.tsv").unlink()
    for name in files:
        passage = "p1" if name == read else "p2"
        (folder / "qrels" / f"{name}.tsv").write_text(f"query-id\tcorpus-id\tscore\nq1\t{passage}\t1\n")

    dataset = load_dataset(folder)

    assert [query.gold for query in dataset.queries] == [{"p1"}]
    assert dataset.notes == (() if read == "test" else (f"judged by qrels/{read}.tsv: there is no test.tsv",))


def test_which_of_several_unknown_splits_is_meant_is_not_guessed(tmp_path: Path):
    folder = write_dataset(tmp_path / "mini")
    (folder / "qrels" / "test.tsv").rename(folder / "qrels" / "a.tsv")
    (folder / "qrels" / "b.tsv").write_text("")

    with pytest.raises(InputError, match=r"qrels holds a\.tsv, b\.tsv"):
        load_dataset(folder)


def test_packed_files_are_read(tmp_path: Path):
    folder = write_dataset(tmp_path / "mini")
    plain = load_dataset(folder)
    for path in [*folder.glob("*.jsonl"), folder / "qrels" / "test.tsv"]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()

    assert load_dataset(folder) == plain
    whole = (folder / "corpus.jsonl.gz").read_bytes()
    for broken in (whole[:-9], whole[:30] + b"x" * 20 + whole[50:], b"not packed at all"):
        (folder / "corpus.jsonl.gz").write_bytes(broken)
        with pytest.raises(InputError, match=r"corpus\.jsonl.*(cannot be read|not valid JSON)"):
            load_dataset(folder)


def test_ids_may_be_numbers(tmp_path: Path):
    folder = write_dataset(
        tmp_path / "mini",
        corpus='{"_id": 1, "title": 1984, "text": "x"}\n{"_id": 0, "text": "y"}\n',
        queries='{"_id": 7, "text": "Who?"}\n',
        test="query-id\tcorpus-id\tscore\n7\t0\t1\n",
    )

    dataset = load_dataset(folder)

    assert dataset.passages == (Passage("1", "1984", "x"), Passage("0", "", "y"))
    assert [(query.id, query.gold) for query in dataset.queries] == [("7", {"0"})]


@pytest.mark.parametrize("id_", ["true", "1.5", '""', "null", "[1]"])
def test_an_id_is_a_text_or_a_whole_number(tmp_path: Path, id_: str):
    with pytest.raises(InputError, match=r"corpus\.jsonl, line 1: '_id'"):
        load_dataset(write_dataset(tmp_path / "mini", corpus=f'{{"_id": {id_}, "text": "x"}}\n'))


def test_files_may_begin_with_a_byte_order_mark_and_have_lines_of_windows(tmp_path: Path):
    folder = write_dataset(tmp_path / "mini")
    plain = load_dataset(folder)
    for path in [*folder.glob("*.jsonl"), folder / "qrels" / "test.tsv"]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    assert load_dataset(folder) == plain


def test_a_text_may_be_empty(tmp_path: Path):
    rows = '{"_id": "p1", "title": "T", "text": ""}\n{"_id": "p2", "text": null}\n'

    assert load_dataset(write_dataset(tmp_path / "mini", corpus=rows)).passages == (
        Passage("p1", "T", ""),
        Passage("p2", "", ""),
    )


def test_half_of_a_surrogate_pair_is_left_out(tmp_path: Path):
    rows = '{"_id": "p1", "title": "a\\ud800", "text": "b\\udc00 \\ud83d\\ude00"}\n'

    assert load_dataset(write_dataset(tmp_path / "mini", corpus=rows)).passages == (Passage("p1", "a", "b \U0001f600"),)


@pytest.mark.parametrize("file", ["corpus", "queries"])
def test_what_stands_twice_is_read_once_and_two_of_one_id_are_refused(tmp_path: Path, file: str):
    first, other = '{"_id": "q1", "text": "Who?"}', '{"_id": "q1", "text": "Where?"}'
    qrels = "query-id\tcorpus-id\tscore\nq1\tq1\t1\nq1\tp1\t1\n"

    twice = load_dataset(write_dataset(tmp_path / "twice", **{file: f"{first}\n{first}\n"}, test=qrels))

    assert len(twice.passages if file == "corpus" else twice.queries) == 1
    with pytest.raises(InputError, match=rf"{file}\.jsonl, line 2: another .*'q1'"):
        load_dataset(write_dataset(tmp_path / "other", **{file: f"{first}\n{other}\n"}, test=qrels))


def test_a_relevant_passage_that_the_corpus_lacks_counts_as_not_found(tmp_path: Path):
    test = "query-id\tcorpus-id\tscore\nq1\tp1\t1\nq1\tp99\t1\nunknown\tp98\t1\n"

    dataset = load_dataset(write_dataset(tmp_path / "mini", test=test))

    assert [query.gold for query in dataset.queries] == [{"p1", "p99"}]
    assert dataset.notes == ("relevant passages that are not in corpus.jsonl, and count as not found: 1",)


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("q1\tp99\t1\n", "no relevant passage is in corpus.jsonl, such as 'p99'"),
        ("q99\tp1\t1\n", "no question of queries.jsonl"),
        ("q1\tp1\t0\n", "no question of queries.jsonl"),
        ("", "no question of queries.jsonl"),
    ],
)
def test_judgements_of_another_corpus_are_refused(tmp_path: Path, test: str, reason: str):
    folder = write_dataset(tmp_path / "mini", test=f"query-id\tcorpus-id\tscore\n{test}")

    with pytest.raises(InputError, match=reason):
        load_dataset(folder)


def test_passages_that_say_the_same_under_several_ids_are_one(tmp_path: Path):
    said = [("p2", "Delft", "Blue."), ("p1", "Delft", "Blue."), ("p3", "Gdynia", "Blue."), ("p4", "Delft", "Blue.")]
    corpus = "".join(json.dumps({"_id": i, "title": title, "text": text}) + "\n" for i, title, text in said)
    test = "query-id\tcorpus-id\tscore\nq1\tp1\t1\nq1\tp3\t1\nq2\tp2\t1\nq2\tp4\t1\n"

    dataset = load_dataset(write_dataset(tmp_path / "mini", corpus=corpus, test=test))

    assert [passage.id for passage in dataset.passages] == ["p2", "p3"]
    assert [query.gold for query in dataset.queries] == [{"p2", "p3"}, {"p2"}]
    assert dataset.notes == ("passages with the title and text of another one, and counted as that one: 2",)


@pytest.mark.parametrize(
    ("metadata", "answers"),
    [
        ({"answers": ["Paris", 2, None, ["x"]]}, ("Paris", "2")),
        ({"answers": "Paris"}, ("Paris",)),
        ({"answer": "Paris", "supporting_facts": [["France", 0]]}, ("Paris",)),
        ({"answers": []}, ()),
        ({"answers": {"text": "Paris"}}, ()),
        ("Paris", ()),
        (None, ()),
    ],
)
def test_known_answers_are_one_or_a_list(tmp_path: Path, metadata: object, answers: tuple[str, ...]):
    query = json.dumps({"_id": "q1", "text": "Where?", "metadata": metadata})

    (found,) = load_dataset(write_dataset(tmp_path / "mini", queries=query + "\n")).queries

    assert found.answers == answers


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"hops": 3}, "3 hops"),
        ({"type": "bridge"}, "bridge"),
        ({"hops": 1}, "1 hop"),
        ({"type": "bridge", "hops": "2"}, "2 hops"),
        ({"type": "bridge", "hops": True}, "bridge"),
        ({"type": ["bridge"], "hops": [2]}, ""),
        ({}, ""),
    ],
)
def test_the_kind_of_a_question_is_read_for_the_scorer(tmp_path: Path, metadata: dict[str, object], kind: str):
    query = json.dumps({"_id": "q1", "text": "Where?", "metadata": metadata})

    (found,) = load_dataset(write_dataset(tmp_path / "mini", queries=query + "\n")).queries

    assert found.kind == kind
