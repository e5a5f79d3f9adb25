"""Evaluation: reading benchmarks, metrics, and running one end to end."""

import json
import math
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.cli.eval_lines import comparison_lines, report_lines
from api.evaluating import MODES_OF_ALL, variant_without
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import InputError
from graphrag.evaluation.beir import Dataset, Passage, Query, without_titles
from graphrag.evaluation.compare import compare
from graphrag.evaluation.html import page
from graphrag.evaluation.metrics import (
    all_at,
    contains_answer,
    exact_match,
    f1,
    normalise_answer,
    percentile,
    recall_at,
)
from graphrag.evaluation.runner import WARM_UP, Indexed, Retrieved, evaluate, ingest_dataset
from graphrag.ingested import Ingested
from graphrag.knowledge import KnowledgeBase
from graphrag.retrieval.weights import WEIGHTS
from graphrag.settings import load_settings
from graphrag.types import Scope, document_id
from tests.benchmark_folder import PASSAGES, QUERIES, write_dataset
from tests.model_server import model_server, ranks

REPOSITORY = Path(__file__).resolve().parents[2]
# Metrics


def test_recall_is_the_share_of_gold_passages_among_the_first():
    ranked = ["a", "x", "b", "y", "c"]

    assert [recall_at(ranked, {"a", "b", "c", "d"}, k) for k in (1, 2, 3, 5, 10)] == [0.25, 0.25, 0.5, 0.75, 0.75]
    assert recall_at([], {"a"}, 5) == 0


def test_all_is_one_only_when_every_gold_passage_is_among_the_first():
    ranked = ["a", "x", "b"]

    assert [all_at(ranked, {"a", "b"}, k) for k in (1, 2, 3)] == [0, 0, 1]
    assert all_at(ranked, {"a", "z"}, 3) == 0


def test_repetitions_among_the_first_count_once():
    assert recall_at(["a", "a", "b"], {"a", "b"}, 2) == 1
    assert all_at(["a", "a", "b"], {"a", "b"}, 2) == 1


def test_answers_are_compared_without_case_punctuation_and_articles():
    assert normalise_answer("The  U.S. (an ally), a friend!") == "us ally friend"
    assert exact_match("the Eiffel Tower.", ["Louvre", "Eiffel tower"]) == 1
    assert exact_match("Eiffel Tower in Paris", ["Eiffel tower"]) == 0
    assert exact_match("Paris", []) == 0


def test_an_answer_is_contained_as_a_run_of_whole_words():
    assert contains_answer("It was led by Ewa Strzelecka, of Gdynia.", ["ewa strzelecka"]) == 1
    assert contains_answer("It cost 1987 euros.", ["198"]) == 0
    assert contains_answer("Ewa and Strzelecka", ["Ewa Strzelecka"]) == 0
    assert contains_answer("Ewa", []) == 0


@pytest.mark.parametrize(
    ("prediction", "answers", "score"),
    [
        ("red car", ["the red car"], 1.0),
        ("red car parked", ["red car"], 2 * (2 / 3) * 1 / (2 / 3 + 1)),
        ("red red car", ["red car"], 0.8),
        ("blue bus", ["red car"], 0.0),
        ("red car", ["blue bus", "red"], 2 / 3),
        ("", ["red"], 0.0),
        ("red", [], 0.0),
    ],
)
def test_f1_is_that_of_the_nearest_answer(prediction: str, answers: list[str], score: float):
    assert f1(prediction, answers) == pytest.approx(score)


def test_a_percentile_is_the_value_of_nearest_rank():
    assert [percentile([3, 1, 2], share) for share in (0, 0.5, 0.95, 1)] == [1, 2, 3, 3]
    assert percentile([], 0.5) == 0
    assert percentile([7], 0.95) == 7
    assert percentile(range(1, 21), 0.95) == 19
    assert percentile(range(1, 22), 0.95) == 20


@pytest.mark.parametrize("percent", [1, 29, 50, 57, 58, 95, 99])
def test_a_percentile_of_a_hundred_values_is_the_one_of_its_number(percent: int):
    assert percentile(range(1, 101), percent / 100) == percent


# Running


@asynccontextmanager
async def opened(file: Path) -> AsyncGenerator[KnowledgeBase]:
    """An empty knowledge base in a new file."""
    settings = load_settings(store_url=f"sqlite:///{file}.db", embedder="hashing")
    async with open_knowledge_base(settings) as kb:
        yield kb


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of `graphrag eval` on the mini benchmark in every mode, from a process of its own."""
    folder = write_dataset(tmp_path_factory.mktemp("evaluation") / "mini")
    command = [sys.executable, "-m", "api.cli", "eval", str(folder), "--mode", "all", "--seed", "1", "--json", "-"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "GRAPHRAG_EMBEDDER": "hashing"}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert {path.name for path in folder.iterdir()} == {"corpus.jsonl", "queries.jsonl", "qrels"}
    return json.loads(ran.stdout)


FRACTIONS = {"recall@2", "recall@5", "recall@10", "all@5", "all@8"}
KEYS = FRACTIONS | {"questions", "ms_p50", "ms_p95", "round_trips", "tools", "per_question"}
ANSWER_FRACTIONS = {"answer_contains", "answer_em", "answer_f1"}


def test_the_first_questions_alone_may_be_asked(tmp_path: Path):
    folder = write_dataset(tmp_path / "mini")
    command = [
        sys.executable,
        "-m",
        "api.cli",
        "eval",
        str(folder),
        "--mode",
        "keyword",
        "--mode",
        "vector",
        "--questions",
        "1",
        "--json",
        "-",
    ]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "GRAPHRAG_EMBEDDER": "hashing"}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)

    assert ran.returncode == 0, ran.stderr
    asked = json.loads(ran.stdout)["modes"]
    assert {mode: [one["id"] for one in told["per_question"]] for mode, told in asked.items()} == {
        "keyword": ["q1"],
        "vector": ["q1"],
    }


def test_the_report_has_the_keys_that_people_and_scripts_read(report: dict[str, Any]):
    assert set(report) == {"dataset", "store", "seed", "indexing", "modes", "notes", "titles", "without", "rerank"}
    assert (report["dataset"], report["store"], report["seed"]) == ("mini", "sqlite", 1)
    assert set(report["indexing"]) == {"passages", "seconds", "passages_per_second"}
    assert report["indexing"]["passages"] == len(PASSAGES)
    assert list(report["modes"]) == list(MODES_OF_ALL)
    for mode, row in report["modes"].items():
        answered = KEYS | ANSWER_FRACTIONS | {"verdicts"}
        # Short answers are reported where any was offered.
        short = (
            {"short_coverage", "short_precision"} if any("short" in one for one in row["per_question"]) else set[str]()
        )
        assert set(row) == (answered | short if mode.startswith("agent") else KEYS)
        assert row["questions"] == len(QUERIES)


def test_every_fraction_of_the_report_is_one(report: dict[str, Any]):
    for row in report["modes"].values():
        shares = [row[name] for name in (FRACTIONS | ANSWER_FRACTIONS) & row.keys()]
        assert all(0 <= share <= 1 for share in [*shares, *row["tools"].values(), *row.get("verdicts", {}).values()])
        assert row["recall@2"] <= row["recall@5"] <= row["recall@10"]
        assert row["all@5"] <= row["all@8"]
        assert sum(row["tools"].values()) == pytest.approx(1)
        assert 0 < row["ms_p50"] <= row["ms_p95"]
        assert row["round_trips"] >= 1


def test_a_benchmark_of_a_dozen_passages_is_mostly_found(report: dict[str, Any]):
    assert report["modes"]["keyword"]["recall@5"] >= 0.75
    assert report["modes"]["agent"]["all@8"] >= 0.75
    assert "graph_expand" not in str(report["modes"]["agent-without-graph"]["tools"])
    assert not any("expand" in tools for tools in report["modes"]["agent-without-graph"]["tools"])
    assert any("expand" in tools for tools in report["modes"]["agent"]["tools"])


def test_the_report_is_json_and_shown_as_a_table(report: dict[str, Any]):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    lines = report_lines(report)
    assert "12 passages indexed" in lines[0]
    assert any(line.startswith("R@k: ") for line in lines)
    assert [line.split()[0] for line in lines if line.startswith(MODES_OF_ALL) and ":" not in line] == list(
        MODES_OF_ALL
    )


def test_a_re_ranking_model_is_used_when_it_is_asked_for(tmp_path: Path):
    folder = write_dataset(tmp_path / "mini")

    def run(*arguments: str, **settings: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "api.cli", "eval", str(folder), "--mode", "hybrid", "--json", "-", *arguments]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "GRAPHRAG_EMBEDDER": "hashing"} | settings
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        return json.loads(ran.stdout)

    gold = {text: ids for _, text, _, ids in QUERIES}
    titles = {id_: title for id_, title, _ in PASSAGES}
    with model_server() as server:
        # The worst there is: what is relevant comes last.
        server.otherwise = ranks(lambda q, text: -float(text.partition("\n")[0] in {titles[id_] for id_ in gold[q]}))
        settings = {"GRAPHRAG_RERANKER": "vllm", "GRAPHRAG_RERANK_MODEL": "m", "GRAPHRAG_RERANK_BASE_URL": server.url}
        plain = run(**settings)
        assert server.bodies == []
        reranked = run("--rerank", **settings)
        assert len(server.bodies) >= len(QUERIES)
    assert (plain["rerank"], reranked["rerank"]) == (False, True)
    assert plain["modes"]["hybrid"]["recall@5"] >= 0.75
    assert reranked["modes"]["hybrid"]["recall@5"] == 0
    assert "re-ranked" in page(reranked)
    assert "set GRAPHRAG_RERANKER" in run("--rerank")["error"]["message"]


DATASET = Dataset(
    "mini",
    tuple(Passage(*row) for row in PASSAGES),
    tuple(Query(i, x, tuple(a), frozenset(g)) for i, x, a, g in QUERIES),
)


async def ingested_order(file: Path, dataset: Dataset, seed: int) -> tuple[list[str], Indexed, list[Any]]:
    """Passage ids in the order in which they were ingested, and what is stored of them."""
    settled: list[Ingested] = []
    scope = Scope()
    async with opened(file) as kb:
        indexed = await ingest_dataset(kb, scope, dataset, seed=seed, progress=settled.append)
        stored = await kb.store.documents(scope, limit=100)
    passage = {document: id_ for id_, document in indexed.document_ids.items()}
    return [passage[one.document_id] for one in settled], indexed, stored


async def test_passages_are_ingested_under_hashed_ids_and_as_documents_of_their_own(tmp_path: Path):
    _, indexed, stored = await ingested_order(tmp_path / "a", DATASET, seed=1)

    assert {document.id for document in stored} == set(indexed.document_ids.values())
    assert set(indexed.document_ids) == {passage.id for passage in DATASET.passages}
    assert indexed.seconds > 0
    for document in stored:
        assert len(document.source) == 32
        assert set(document.source) <= set("0123456789abcdef")
        assert document.id == document_id("default", document.source)
        assert not document.metadata
    assert sorted(document.title for document in stored) == sorted(title for _, title, _ in PASSAGES)


async def test_the_order_and_the_ids_depend_on_the_seed_alone(tmp_path: Path):
    renamed = replace(DATASET, passages=tuple(replace(p, id=f"x{p.id}") for p in DATASET.passages))

    order, indexed, _ = await ingested_order(tmp_path / "a", DATASET, seed=1)
    again, same, _ = await ingested_order(tmp_path / "b", DATASET, seed=1)
    other, different, _ = await ingested_order(tmp_path / "c", DATASET, seed=2)
    under_other_names, _, _ = await ingested_order(tmp_path / "d", renamed, seed=1)

    assert sorted(order) == sorted(passage.id for passage in DATASET.passages)
    assert order == again != other
    assert order != [passage.id for passage in DATASET.passages]
    assert under_other_names == [f"x{id_}" for id_ in order]
    assert indexed.document_ids == same.document_ids
    assert not set(indexed.document_ids.values()) & set(different.document_ids.values())


class Recorder:
    """Answers questions from a table and keeps what it was asked."""

    def __init__(self, replies: dict[str, Retrieved]) -> None:
        self.replies = replies
        self.asked: list[tuple[object, ...]] = []

    async def __call__(self, *arguments: str) -> Retrieved:
        """The reply to a question."""
        self.asked.append(arguments)
        return self.replies[arguments[0]]


INDEXED = Indexed({id_: f"document-{id_}" for id_, _, _ in PASSAGES}, 1.0)


def retrieved(passages: Sequence[str], answer: str = "", tools: str = "vector", trips: int = 2) -> Retrieved:
    """A reply that ranks passages."""
    return Retrieved([f"document-{id_}" for id_ in passages], answer, tools, trips, "answered" if answer else "")


async def test_a_mode_is_given_the_text_of_the_question_and_nothing_else():
    ask = Recorder({text: retrieved(["p1"]) for _, text, _, _ in QUERIES})
    ticks: list[None] = []

    await evaluate(DATASET, INDEXED, ask, progress=lambda: ticks.append(None))

    texts = [(text,) for _, text, _, _ in QUERIES]
    assert ask.asked == [*texts[:WARM_UP], *texts]
    assert len(ticks) == len(QUERIES)


async def test_scores_are_means_over_the_questions():
    replies = [
        retrieved(["p1", "p1", "p2"], "It is led by Ewa Strzelecka."),
        retrieved(["p5", "p1", "p3", "p6"], "Nobody knows.", "keyword", 5),
        retrieved(["p1", "p2", "p3", "p4", "p5", "p10"], "Spain", trips=3),
        retrieved([]),
    ]
    ask = Recorder({text: reply for (_, text, _, _), reply in zip(QUERIES, replies, strict=True)})

    made: dict[str, Any] = await evaluate(DATASET, INDEXED, ask)

    assert made["recall@2"] == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert made["recall@5"] == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert made["recall@10"] == pytest.approx((1 + 1 + 1 + 0) / 4)
    assert (made["all@5"], made["all@8"]) == (0.5, 0.75)
    assert made["answer_contains"] == pytest.approx(2 / 3, abs=1e-4)
    assert made["answer_em"] == pytest.approx(1 / 3, abs=1e-4)
    assert made["round_trips"] == 3
    assert made["tools"] == {"vector": 0.75, "keyword": 0.25}
    assert math.isfinite(made["ms_p95"])


async def test_a_question_left_without_an_answer_counts_as_answered_wrongly():
    replies = [retrieved(["p1"], "Ewa Strzelecka"), retrieved([]), retrieved(["p10"], "Spain"), retrieved([])]
    ask = Recorder({text: reply for (_, text, _, _), reply in zip(QUERIES, replies, strict=True)})

    made = await evaluate(DATASET, INDEXED, ask)

    assert made["answer_contains"] == pytest.approx(2 / 3, abs=1e-4)


async def test_a_question_that_is_refused_is_named_so_among_the_verdicts():
    one, other = DATASET.queries[:2]
    asked = replace(DATASET, queries=(one, replace(other, text="?")))

    made = await evaluate(asked, INDEXED, Recorder({one.text: retrieved(["p1"], "Ewa Strzelecka")}))

    assert made["verdicts"] == {"answered": 0.5, "refused": 0.5}


async def test_a_mode_that_only_retrieves_has_no_answer_scores():
    ask = Recorder({text: retrieved(["p1"]) for _, text, _, _ in QUERIES})

    assert not ANSWER_FRACTIONS & (await evaluate(DATASET, INDEXED, ask)).keys()


async def test_no_questions_give_a_report_of_zero_questions():
    made = await evaluate(replace(DATASET, queries=()), INDEXED, Recorder({}))

    assert (made["questions"], made["ms_p50"], made["round_trips"], made["tools"]) == (0, 0, 0, {})


# Variants and comparisons


def test_titles_are_taken_from_every_passage():
    assert {passage.title for passage in without_titles(DATASET).passages} == {""}
    assert [passage.text for passage in without_titles(DATASET).passages] == [p.text for p in DATASET.passages]


async def test_scores_are_grouped_by_kind_and_kept_for_each_question():
    dataset = replace(DATASET, queries=tuple(replace(q, kind=k) for q, k in zip(DATASET.queries, "aabb", strict=True)))

    async def ask(question: str) -> Retrieved:
        return Retrieved(["p1", "p2"], "", "vector", 1)

    report = await evaluate(dataset, Indexed({p.id: p.id for p in dataset.passages}, 1.0), ask)

    groups: Any = report["groups"]
    assert (groups["a"]["questions"], groups["a"]["all@5"], groups["b"]["all@5"]) == (2, 0.5, 0.0)
    rows: Any = report["per_question"]
    assert [row["id"] for row in rows] == [query.id for query in dataset.queries]
    assert [row["recall@5"] for row in rows] == [1.0, 0.0, 0.0, 0.0]


def rows(scores: Sequence[float]) -> list[dict[str, object]]:
    """Rows of a report with one score."""
    return [{"id": f"q{n}", "recall@5": score} for n, score in enumerate(scores)]


def test_a_difference_between_runs_is_clear_only_where_its_interval_leaves_out_zero():
    a = rows([0.0, 1.0] * 50)
    better = rows([1.0, 1.0] * 50)
    other = rows([1.0, 0.0] * 50)

    questions, (clear,) = compare(a, better)
    _, (chance,) = compare(a, other)

    assert (questions, clear.a, clear.b) == (100, 0.5, 1.0)
    assert 0.3 < clear.low < 0.5 < clear.high < 0.7
    assert clear.clear
    assert (chance.a, chance.b) == (0.5, 0.5)
    assert chance.low < 0 < chance.high
    assert not chance.clear


def test_questions_are_paired_by_their_id():
    a, b = rows([1.0, 0.0, 0.5]), rows([1.0, 0.0, 0.5])[::-1]

    questions, (same,) = compare(a, [*b, {"id": "new", "recall@5": 0.0}])

    assert (questions, same.low, same.high) == (3, 0.0, 0.0)


def test_runs_without_a_common_question_cannot_be_compared():
    with pytest.raises(InputError, match="no question in common"):
        compare(rows([1.0]), [{"id": "other", "recall@5": 1.0}])


def test_what_is_switched_off_is_a_term_or_a_tool():
    variant = variant_without(["shared", "read_chunk"])

    assert variant.weights == WEIGHTS.without("shared")
    assert variant.weights.shared == 0 != WEIGHTS.shared
    assert "read_chunk" not in variant.tools
    with pytest.raises(InputError, match="gain"):
        variant_without(["unknown"])


def test_the_page_holds_every_mode_and_needs_nothing_else(report: dict[str, Any]):
    html = page(report | {"dataset": "<mini>"})

    assert html.count("<svg") == html.count("</svg>") >= 3
    assert "&lt;mini&gt;" in html
    assert "<mini>" not in html
    assert all(f"<td>{mode}</td>" in html for mode in MODES_OF_ALL)
    assert not any(word in html for word in ("http:", "https:", "<script", "src="))


def test_two_reports_are_compared_mode_by_mode(report: dict[str, Any]):
    lines = comparison_lines(report, report)

    assert [line.split(",")[0] for line in lines if not line.startswith(" ")] == list(MODES_OF_ALL)
    assert all("+0.0 to +0.0" in line for line in lines if line.strip().startswith("recall"))
