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
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
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
from graphrag.types import Hit, Scope

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
        rankings.append(documents_of(ledgers[-1], await graph_search(ledgers[-1], RANKED)))
    return ledgers, rankings


def documents_of(ledger: Ledger, hits: Sequence[Hit]) -> list[str]:
    """The documents of passages, each where its first one is."""
    return list(dict.fromkeys(ledger.candidates[hit.chunk_id].chunk.document_id for hit in hits))


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
        rankings.append(documents_of(ledger, score_chains(ledger).hits[:RANKED]))
    return rankings


@asynccontextmanager
async def ingested(folder: Path) -> AsyncGenerator[tuple[KnowledgeBase, Sequence[Query], list[frozenset[str]]]]:
    """A folder in a store that is thrown away, with its questions and the ids of the documents that each needs."""
    dataset = load_dataset(folder)
    with TemporaryDirectory() as scratch:
        async with open_knowledge_base(load_settings(store_url=f"sqlite:///{scratch}/fit.db")) as kb:
            ids = (await ingest_dataset(kb, Scope(), dataset, seed=0)).document_ids
            yield kb, dataset.queries, [frozenset(ids[passage] for passage in query.gold) for query in dataset.queries]


async def search_on(folder: Path) -> Weights:
    """What a search on a folder finds."""
    async with ingested(folder) as (kb, queries, golds):
        ledgers, _ = await ask(kb, queries, NEUTRAL)
        return search(ledgers, golds, folder.name)


async def apply_to(folder: Path, weights: Sequence[Weights]) -> list[Scores]:
    """The scores of a folder's questions with each of the weights."""
    async with ingested(folder) as (kb, queries, golds):
        return [scored((await ask(kb, queries, each))[1], golds) for each in weights]


def found_on(folder: Path) -> Weights:
    """search_on, for a process of its own."""
    return asyncio.run(search_on(folder))


def scores_on(folder: Path, weights: Sequence[Weights]) -> list[Scores]:
    """apply_to, for a process of its own."""
    return asyncio.run(apply_to(folder, weights))


def main() -> None:
    """Search on each folder, apply what was found to all, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    folders = parser.parse_args().folders
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(found_on, folders))
        scores = list(pool.map(scores_on, folders, [[NEUTRAL, WEIGHTS, *found]] * len(folders)))
    for folder, weights, (neutral, shipped, *of_each) in zip(folders, found, scores, strict=True):
        print(f"\n{folder.name}\n  neutral, no search: {neutral}\n  as shipped: {shipped}")
        for other, on_other in zip(folders, of_each, strict=True):
            print(f"  searched on {other.name}{', in sample' * (other == folder)}: {on_other}")
        print(f"  found here: {weights}")


if __name__ == "__main__":
    main()
