"""Fit the model behind short answers (agent/spans/offer.py) on benchmark folders in BEIR layout.

Each question is asked of its own corpus, and of each other folder's corpus, which does not answer it. The model is a softmax
over the possible answers and "none of them", fitted to give the right ones, or none, the most probability. For each folder
the script prints how a model fitted on the *other* folders does: the share of questions with a short answer (coverage) and
the share of these that equal a known answer (precision), for the confidence from which answers are offered and for the most
probable quarter of the questions.

    python benchmarks/fit_spans.py EVAL/hotpotqa EVAL/musique
"""

import argparse
import asyncio
import json
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.answer import judge
from agent.loop import Agent
from agent.planner import EvidencePlanner, Plan, State, Stop
from agent.spans.comparison import decide
from agent.spans.features import Weighed, weigh
from agent.spans.offer import COMPARED, OFFERED, WEIGHTS, most_probable
from agent.spans.wanted import read_wanted
from graphrag.bootstrap import open_knowledge_base
from graphrag.evaluation.beir import Dataset, load_dataset
from graphrag.evaluation.metrics import exact_match, f1
from graphrag.evaluation.runner import ingest_dataset
from graphrag.knowledge import KnowledgeBase
from graphrag.settings import load_settings
from graphrag.types import Scope

NAMES = [name for name in WEIGHTS if name != "none"]
QUARTER = 0.25


@dataclass(frozen=True, slots=True)
class Row:
    """One question as the model sees it."""

    question: str
    answers: tuple[str, ...]
    """Known answers; none where the corpus does not hold the question's."""
    weighed: list[Weighed]
    compared: str
    """The outcome of a comparison; empty without one."""
    sufficient: bool
    """Whether the verdict allows a short answer."""


class Watching:
    """The usual planner; `state` is what it saw last, which is the evidence that the answer is made from."""

    def __init__(self) -> None:
        self.state: State | None = None
        self._planner = EvidencePlanner()

    async def next(self, state: State) -> Plan | Stop:
        """See Planner.next."""
        self.state = state
        return await self._planner.next(state)


async def collect(dataset: Dataset, others: Sequence[Dataset]) -> tuple[list[Row], list[Row]]:
    """Rows of a dataset's own questions, and of those of other datasets asked of its corpus."""
    with tempfile.TemporaryDirectory() as scratch:
        async with open_knowledge_base(load_settings(store_url=f"sqlite:///{scratch}/fit.db")) as kb:
            await ingest_dataset(kb, Scope(), dataset, seed=0)
            rows: list[list[Row]] = [[], []]
            for foreign, source in enumerate((dataset, *others)):
                for query in source.queries:
                    watching = await _watched(kb, query.text)
                    answers = () if foreign else tuple(query.answers)
                    rows[min(1, foreign)].append(_row(watching, query.text, answers))
            return rows[0], rows[1]


async def _watched(kb: KnowledgeBase, question: str) -> Watching:
    watching = Watching()
    await Agent(kb, planner=lambda: watching).run(Scope(), question)
    return watching


def _row(watching: Watching, question: str, answers: tuple[str, ...]) -> Row:
    state = watching.state
    if state is None or state.assessment is None:
        return Row(question, answers, [], "", sufficient=False)
    wanted = read_wanted(question)
    compares = wanted.kind in ("choice", "yes_no")
    compared = decide(state.ledger, state.assessment.hits, wanted)
    return Row(
        question,
        answers,
        [] if compares else weigh(state.ledger, state.assessment.evidence, state.assessment.hits, wanted),
        compared.text if compared else "",
        sufficient=judge(state.assessment.evidence, state.assessment.confidence) != "insufficient_evidence",
    )


def fit(rows: Sequence[Row], *, ridge: float = 0.3, rounds: int = 400) -> dict[str, float]:
    """Weights that give the right answers, or none, the most probability: ridge regression by gradient descent (Adam)."""
    tables = [
        np.array([[item.features[name] for name in NAMES] for item in row.weighed]) for row in rows if row.weighed
    ]
    labels = [
        np.array([exact_match(item.found.text, row.answers) if row.answers else 0.0 for item in row.weighed])
        for row in rows
        if row.weighed
    ]
    theta = np.zeros(len(NAMES) + 1)  # the last one is the logit of "none"
    mean, spread = np.zeros_like(theta), np.zeros_like(theta)
    for step in range(1, rounds + 1):
        gradient = ridge * np.append(theta[:-1], 0.0)
        for x, right in zip(tables, labels, strict=True):
            p = _softmax(np.append(x @ theta[:-1], theta[-1]))
            target = p * np.append(right, float(not right.any()))
            gradient += np.append(x.T @ (p - target / target.sum())[:-1], (p - target / target.sum())[-1])
        mean, spread = 0.9 * mean + 0.1 * gradient, 0.99 * spread + 0.01 * gradient**2
        rate = 0.1 * (1 - 0.9 * step / rounds)
        theta -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.99**step)) + 1e-8)
    return {"none": float(theta[-1]), **{name: float(w) for name, w in zip(NAMES, theta[:-1], strict=True)}}


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def predict(rows: Sequence[Row], weights: dict[str, float]) -> list[tuple[float, str, Row]]:
    """(confidence, answer, row) for each question, most confident first; confidence 0 where there is nothing to offer."""
    offers: list[tuple[float, str, Row]] = []
    for row in rows:
        found, confidence = most_probable(row.weighed, weights)
        if row.compared:
            confidence, text = COMPARED, row.compared
        else:
            text = found.text if found else ""
        offers.append((confidence if row.sufficient and text else 0.0, text, row))
    return sorted(offers, key=lambda offer: -offer[0])


def line(name: str, offers: Sequence[tuple[float, str, Row]], asked: int) -> str:
    """Coverage and precision of what is offered."""
    exact = [exact_match(text, row.answers) for _, text, row in offers]
    near = [f1(text, row.answers) >= 0.5 for _, text, row in offers]
    count = max(1, len(offers))
    return (
        f"  {name}: coverage {len(offers) / asked:.2f}, precision {sum(exact) / count:.2f} "
        f"({int(sum(exact))} of {len(offers)}), with F1 of at least 0.5 {sum(near) / count:.2f}"
    )


def report(names: Sequence[str], own: Sequence[list[Row]], foreign: Sequence[list[Row]], *, verbose: bool) -> None:
    """Print the fit, and how it carries over between folders."""
    for held, name in enumerate(names):
        others = [i for i in range(len(names)) if i != held] or [held]
        rows = [row for i in others for row in own[i]]
        weights = fit(rows)
        offers = predict(own[held], weights)
        kept = [offer for offer in offers if offer[0] >= OFFERED]
        wrong = sum(offer[0] >= OFFERED for offer in predict(foreign[held], weights))
        print(f"{name}: {len(own[held])} questions; fitted on the others")
        print(line(f"confidence of at least {OFFERED}", kept, len(offers)))
        print(line("most probable quarter", offers[: round(QUARTER * len(offers))], len(offers)))
        print(line("of these, comparisons", [o for o in kept if o[2].compared], len(offers)))
        print(f"  questions of the other folders: {wrong} of {len(foreign[held])} get a short answer")
        if verbose:
            for confidence, text, row in kept:
                print(f"    {confidence:.2f} {row.question!r} {text!r} {row.answers}")
    rows = [row for part in own for row in part]
    weights = fit(rows)
    print("fitted on all:")
    print(json.dumps({name: round(weight, 2) for name, weight in weights.items()}, indent=4))


def main() -> None:
    """Collect and fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--runs", type=Path, help="keep the collected runs in this file, or read them from it")
    parser.add_argument("--verbose", action="store_true", help="print what is offered")
    arguments = parser.parse_args()
    if arguments.runs and arguments.runs.exists():
        collected = pickle.loads(arguments.runs.read_bytes())  # a file that this script wrote
    else:
        datasets = [load_dataset(folder) for folder in arguments.folders]
        collected = [asyncio.run(collect(one, [d for d in datasets if d is not one])) for one in datasets]
        if arguments.runs:
            arguments.runs.write_bytes(pickle.dumps(collected))
    names = [folder.name for folder in arguments.folders]
    report(names, [own for own, _ in collected], [foreign for _, foreign in collected], verbose=arguments.verbose)


if __name__ == "__main__":
    main()
