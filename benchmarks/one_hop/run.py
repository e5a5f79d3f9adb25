"""How many store reads the agent spends on questions that one passage answers, beside those of the benchmark itself.

The questions were written for passages of the two benchmark folders and name these by id (the files beside this one).

    python -m benchmarks.one_hop.run EVAL/hotpotqa EVAL/musique
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from agent.loop import Agent
from api.evaluating import tool_sequence
from graphrag.bootstrap import open_knowledge_base
from graphrag.evaluation.beir import Dataset, Query, load_dataset
from graphrag.evaluation.metrics import all_at
from graphrag.evaluation.runner import ingest_dataset
from graphrag.settings import load_settings
from graphrag.types import Scope


def one_hop_questions(dataset: Dataset) -> list[Query]:
    """The questions written for a benchmark."""
    lines = (Path(__file__).parent / f"{dataset.name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Query(f"one-{n}", row["text"], (), frozenset({row["passage"]}), "1 hop") for n, row in enumerate(rows)]


async def compare(folder: Path, store_url: str) -> dict[str, dict[str, Any]]:
    """Reads, completeness and tool sequences of one-hop and multi-hop questions."""
    dataset = load_dataset(folder)
    results: dict[str, dict[str, Any]] = {}
    async with open_knowledge_base(load_settings(store_url=store_url)) as kb:
        scope = Scope()
        passage_of = {d: p for p, d in (await ingest_dataset(kb, scope, dataset, seed=0)).document_ids.items()}
        agent = Agent(kb)
        for name, queries in (("one-hop", one_hop_questions(dataset)), ("multi-hop", dataset.queries)):
            answers = [await agent.run(scope, query.text) for query in queries]
            found = [
                all_at([passage_of[ranked.document_id] for ranked in answer.ranked], query.gold, 5)
                for query, answer in zip(queries, answers, strict=True)
            ]
            sequences = Counter(tool_sequence(answer) for answer in answers)
            results[name] = {
                "questions": len(answers),
                "all@5": round(100 * sum(found) / len(found), 1),
                "reads": round(sum(answer.round_trips for answer in answers) / len(answers), 2),
                "sequences": {name: round(count / len(answers), 2) for name, count in sequences.most_common()},
            }
    return results


def main() -> None:
    """Print a JSON object for each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="benchmarks in BEIR layout")
    for folder in parser.parse_args().folders:
        with tempfile.TemporaryDirectory() as scratch:
            print(folder.name, json.dumps(asyncio.run(compare(folder, f"sqlite:///{scratch}/one.db")), indent=2))


if __name__ == "__main__":
    main()
