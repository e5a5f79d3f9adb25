"""Fit the logistic model behind the agent's verdicts (agent/assess.py) on benchmark folders in BEIR layout.

Each question is asked of the whole corpus, and again with each of its gold passages removed. The label of a run is whether
its evidence set holds every gold passage, so a run with one removed is always negative. The runs of a question with a
passage removed weigh together as much as the one without, so confidences are those of a user whose every second question
the documents do not answer. Weights are fitted on all folders; what a model fitted on the *other* folders does on each is
printed as well, with its expected calibration error.

    python benchmarks/fit_verdict.py EVAL/hotpotqa EVAL/musique
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.loop import Agent
from graphrag.bootstrap import open_knowledge_base
from graphrag.evaluation.beir import Dataset, load_dataset
from graphrag.evaluation.runner import ingest_dataset
from graphrag.settings import load_settings
from graphrag.types import Scope

RIDGE = 0.5
"""Penalty on the squares of the weights. With 1, the fit on MuSiQue is unsure of HotpotQA: an error of 0.112 instead of 0.095, and less
area on both.
"""


def collect(folder: Path) -> list[dict[str, float]]:
    """Features, label and kind of every run on a folder."""
    with tempfile.TemporaryDirectory() as scratch:
        return asyncio.run(collect_into(load_dataset(folder), f"sqlite:///{scratch}/fit.db"))


async def collect_into(dataset: Dataset, store_url: str) -> list[dict[str, float]]:
    """As collect, in a given fresh store."""
    rows: list[dict[str, float]] = []
    async with open_knowledge_base(load_settings(store_url=store_url)) as kb:
        scope = Scope()
        ids = (await ingest_dataset(kb, scope, dataset, seed=0)).document_ids
        batches = {batch.document.id: batch async for batch in kb.store.export(scope)}
        agent = Agent(kb)
        for query in dataset.queries:
            gold = {ids[passage] for passage in query.gold}
            for removed in (None, *sorted(gold)):
                if removed is not None:
                    await kb.store.delete_documents(scope, [removed])
                answer = await agent.run(scope, query.text)
                cited = {citation.document_id for citation in answer.citations}
                label = float(removed is None and gold <= cited)
                rows.append({**answer.features, "label": label, "removed": float(removed is not None)})
                if removed is not None:
                    await kb.store.write(scope, batches[removed])
    return rows


def fit(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    importance: NDArray[np.float64],
    *,
    ridge: float = RIDGE,
    rounds: int = 50,
) -> NDArray[np.float64]:
    """Ridge logistic regression by Newton's method. Returns the bias, then a weight per column."""
    design = np.column_stack([np.ones(len(x)), x])
    weights = np.zeros(design.shape[1])
    penalty = np.diag([0.0, *[ridge] * x.shape[1]])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (importance * (p - y)) + penalty @ weights
        hessian = (design * (importance * p * (1 - p))[:, None]).T @ design + penalty
        weights -= np.linalg.solve(hessian, gradient)
    return weights


def importance_of(removed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weight of each run: 1 as asked of the whole corpus; those with a passage removed, which follow it, 1 together."""
    weights = np.ones(len(removed))
    begins = [*np.flatnonzero(removed == 0).tolist(), len(removed)]
    for begin, end in pairwise(begins):
        weights[begin + 1 : end] = 1 / max(1, end - begin - 1)
    return weights


def calibration_error(p: NDArray[np.float64], y: NDArray[np.float64], importance: NDArray[np.float64]) -> float:
    """Expected calibration error: mean distance of confidence and share of positives over ten bins of equal width."""
    place = np.minimum((p * 10).astype(int), 9)
    gaps = [abs(float((importance * (p - y))[place == index].sum())) for index in range(10)]
    return sum(gaps) / float(importance.sum())


def predict(weights: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability for each row."""
    return 1 / (1 + np.exp(-(weights[0] + x @ weights[1:])))


def area_under_curve(p: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Probability that a positive run is judged above a negative one."""
    positive, negative = p[y == 1], p[y == 0]
    return float(((positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)).mean())


def report(folders: Sequence[Path], runs: Sequence[list[dict[str, float]]]) -> None:
    """Print the fit, and how it carries over between folders."""
    names = [name for name in runs[0][0] if name not in ("label", "removed")]
    tables = [np.array([[row[name] for name in names] for row in rows]) for rows in runs]
    labels = [np.array([row["label"] for row in rows]) for rows in runs]
    removed = [np.array([row["removed"] for row in rows]) for rows in runs]
    importance = [importance_of(rows) for rows in removed]
    for held, folder in enumerate(folders):
        others = [i for i in range(len(folders)) if i != held] or [held]
        weights = fit(*(np.concatenate([part[i] for i in others]) for part in (tables, labels, importance)))
        p, y = predict(weights, tables[held]), labels[held]
        print(
            f"{folder.name}: {len(y)} runs, {y.mean():.3f} positive; fitted on the others: area {area_under_curve(p, y):.3f}, "
            f"calibration error {calibration_error(p, y, importance[held]):.3f}"
        )
        for threshold in (0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.6):
            kept, flagged = (p[y == 1] >= threshold).mean(), (p[removed[held] == 1] < threshold).mean()
            print(
                f"  threshold {threshold}: {kept:.3f} of complete kept, {flagged:.3f} of those with a passage removed flagged"
            )
    x, y = np.concatenate(tables), np.concatenate(labels)
    weights = fit(x, y, np.concatenate(importance))
    p = predict(weights, x)
    print(f"fitted on all, in sample: area {area_under_curve(p, y):.3f}; mean of complete kept and incomplete flagged:")
    for threshold in np.arange(0.2, 0.6, 0.05):
        print(
            f"  threshold {threshold:.2f}: {((p[y == 1] >= threshold).mean() + (p[y == 0] < threshold).mean()) / 2:.3f}"
        )
    print(
        json.dumps(
            {"bias": round(float(weights[0]), 2)}
            | {n: round(float(w), 2) for n, w in zip(names, weights[1:], strict=True)},
            indent=4,
        )
    )


def main() -> None:
    """Collect and fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--runs", type=Path, help="keep the collected runs in this JSON file, or read them from it")
    arguments = parser.parse_args()
    if arguments.runs and arguments.runs.exists():
        runs = json.loads(arguments.runs.read_text())
    else:
        runs = [collect(folder) for folder in arguments.folders]
        if arguments.runs:
            arguments.runs.write_text(json.dumps(runs))
    report(arguments.folders, runs)


if __name__ == "__main__":
    main()
