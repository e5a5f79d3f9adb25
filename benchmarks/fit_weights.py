"""Search the weights of chain search on one benchmark folder (BEIR layout) and apply them to another.

What weights chosen while looking at a set give on that set flatters them. So from neutral values, a random search on each folder
alone; then graph search is run anew on every folder with what was found on each. Rounds of samples, each around the mean of the
best of the one before (the cross-entropy method); a sample is judged by the mean of recall@5, all@5 and nDCG@10, whose
last part tells apart samples that the coarse first two do not.

    python -m benchmarks.fit_weights EVAL/hotpotqa EVAL/musique
"""

import argparse
import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from graphrag.bootstrap import open_knowledge_base
from graphrag.evaluation.beir import Query, load_dataset
from graphrag.evaluation.metrics import all_at, recall_at
from graphrag.evaluation.runner import ingest_dataset
from graphrag.knowledge import KnowledgeBase
from graphrag.retrieval.chain import score_chains
from graphrag.retrieval.graph import graph_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import read_question
from graphrag.retrieval.weights import WEIGHTS, Weights
from graphrag.settings import load_settings
from graphrag.types import Scope

NEUTRAL = Weights(
    **dict.fromkeys(("sentence", "keyword", "named", "mentioned", "second", "firm", "same_document", "further"), 0.5),
    **dict.fromkeys(("gain", "shared", "further_joint", "threshold", "distinct"), 1.0),
    **dict.fromkeys(("link", "link_sentence", "back"), 0.25),
)
SEARCHED = tuple(name for name in asdict(NEUTRAL) if name not in ("step", "length", "distinct"))
"""The others are no weights of evidence: a limit, a margin, and whether copies count."""
ROUNDS = ((100, 0.7), (100, 0.5), (80, 0.35))
"""Samples, and the standard deviation of the logarithm of each weight among them."""
BEST = 15
"""Samples whose mean the next round surrounds."""
RANKED = 40
"""Passages looked at of each ranking."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the questions of a folder, as fractions."""

    recall: float
    all: float
    ndcg: float

    @property
    def objective(self) -> float:
        """What the search maximises."""
        return (self.recall + self.all + self.ndcg) / 3

    def __str__(self) -> str:
        return f"recall@5 {100 * self.recall:.1f}, all@5 {100 * self.all:.0f}, nDCG@10 {100 * self.ndcg:.1f}"


def ndcg(ranked: Sequence[str], gold: frozenset[str], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first k (Järvelin and Kekäläinen 2002), every gold document worth 1."""
    gained = sum(1 / math.log2(2 + place) for place, id_ in enumerate(ranked[:k]) if id_ in gold)
    return gained / sum(1 / math.log2(2 + place) for place in range(min(k, len(gold))))


def scored(rankings: Sequence[Sequence[str]], golds: Sequence[frozenset[str]]) -> Scores:
    """The scores of rankings of documents, one for each question."""
    rows = [
        (recall_at(ranked, gold, 5), all_at(ranked, gold, 5), ndcg(ranked, gold))
        for ranked, gold in zip(rankings, golds, strict=True)
    ]
    return Scores(*np.mean(rows, axis=0).tolist())


async def ask(kb: KnowledgeBase, queries: Sequence[Query], weights: Weights) -> tuple[list[Ledger], list[list[str]]]:
    """Graph search for each question: its candidates, and the documents found, best first."""
    scope, ledgers, rankings = Scope(), [], []
    for query in queries:
        question = await read_question(kb.store, kb.embedder, kb.encoder, scope, query.text)
        ledgers.append(Ledger(kb.store, scope, question, weights=weights))
        hits, _ = await graph_search(ledgers[-1], RANKED)
        rankings.append([ledgers[-1].candidates[hit.chunk_id].chunk.document_id for hit in hits])
    return ledgers, [list(dict.fromkeys(ranked)) for ranked in rankings]


def search(ledgers: Sequence[Ledger], golds: Sequence[frozenset[str]], name: str) -> Weights:
    """The mean of the best samples of the last round; candidates are those that neutral weights chose."""
    rng = np.random.default_rng(0)
    mean = np.log([getattr(NEUTRAL, term) for term in SEARCHED])
    for samples, deviation in ROUNDS:
        tried = mean + deviation * rng.standard_normal((samples, len(SEARCHED)))
        objectives = [scored(rescored(ledgers, weights_of(row)), golds).objective for row in tried]
        best = np.argsort(objectives)[::-1][:BEST]
        mean = tried[best].mean(axis=0)
        print(f"{name}: best of {samples} {max(objectives):.4f}, worst {min(objectives):.4f}", flush=True)
    return weights_of(mean)


def weights_of(logarithms: np.ndarray) -> Weights:
    """Weights of a sample, rounded to two digits after the point."""
    return Weights(**asdict(NEUTRAL) | dict(zip(SEARCHED, np.exp(logarithms).round(2).tolist(), strict=True)))


def rescored(ledgers: Sequence[Ledger], weights: Weights) -> list[list[str]]:
    """The documents of each ledger as these weights rank them."""
    rankings = []
    for ledger in ledgers:
        ledger.weights = weights
        hits = score_chains(ledger).hits[:RANKED]
        rankings.append(list(dict.fromkeys(ledger.candidates[hit.chunk_id].chunk.document_id for hit in hits)))
    return rankings


async def with_folder(folder: Path, others: Sequence[Weights]) -> tuple[Weights | None, list[Scores]]:
    """Search on a folder unless other weights are given; the scores of these, or of NEUTRAL, of what was found, and as shipped."""
    dataset = load_dataset(folder)
    with TemporaryDirectory() as scratch:
        async with open_knowledge_base(load_settings(store_url=f"sqlite:///{scratch}/fit.db")) as kb:
            ids = (await ingest_dataset(kb, Scope(), dataset, seed=0)).document_ids
            golds = [frozenset(ids[passage] for passage in query.gold) for query in dataset.queries]
            if others:
                return None, [scored((await ask(kb, dataset.queries, weights))[1], golds) for weights in others]
            ledgers, rankings = await ask(kb, dataset.queries, NEUTRAL)
            found = search(ledgers, golds, folder.name)
            again = [(await ask(kb, dataset.queries, weights))[1] for weights in (found, WEIGHTS)]
            return found, [scored(ranked, golds) for ranked in (rankings, *again)]


def run(folder: Path, others: Sequence[Weights] = ()) -> tuple[Weights | None, list[Scores]]:
    """with_folder in a process of its own."""
    return asyncio.run(with_folder(folder, others))


def main() -> None:
    """Search on each folder, apply to the others, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    folders = parser.parse_args().folders
    with ProcessPoolExecutor(2) as pool:
        searched = list(pool.map(run, folders))
        found = [weights for weights, _ in searched if weights is not None]
        applied = list(pool.map(run, folders, [found] * len(folders)))
    for folder, (weights, (neutral, in_sample, shipped)), (_, on_each) in zip(folders, searched, applied, strict=True):
        print(f"\n{folder.name}\n  neutral, no search: {neutral}\n  searched here, in sample: {in_sample}")
        for other, scores in zip(folders, on_each, strict=True):
            if other != folder:
                print(f"  searched on {other.name}: {scores}")
        print(f"  as shipped: {shipped}\n  found here: {weights}")


if __name__ == "__main__":
    main()
