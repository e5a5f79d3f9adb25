"""Reading a benchmark folder in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphrag.errors import InputError


@dataclass(frozen=True, slots=True)
class Passage:
    """One corpus entry; the title may be empty."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question. Only `text` is ever shown to the system; the rest is for the scorer."""

    id: str
    text: str
    answers: tuple[str, ...]
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A benchmark: its name (the folder's), passages and questions in file order."""

    name: str
    passages: tuple[Passage, ...]
    queries: tuple[Query, ...]


def load_dataset(folder: Path) -> Dataset:
    """Read a folder in BEIR layout. Questions without a relevant passage are left out.

    Raises:
        InputError: a file is missing, or a line is malformed (named by its number).
    """
    passages = tuple(
        Passage(_text(row, "_id", where), str(row.get("title") or ""), _text(row, "text", where))
        for row, where in _lines(folder / "corpus.jsonl")
    )
    known = {passage.id for passage in passages}
    gold: dict[str, set[str]] = {}
    qrels = folder / "qrels" / "test.tsv"
    try:
        with qrels.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if int(row["score"]) > 0:
                    gold.setdefault(row["query-id"], set()).add(row["corpus-id"])
    except (OSError, KeyError, ValueError, TypeError) as exc:
        raise InputError(f"{qrels}: cannot be read as tab-separated query-id, corpus-id, score ({exc})") from exc
    unknown = set().union(*gold.values()) - known if gold else set[str]()
    if unknown:
        raise InputError(f"{qrels}: passage {sorted(unknown)[0]!r} is not in corpus.jsonl")
    queries: list[Query] = []
    for row, where in _lines(folder / "queries.jsonl"):
        id_ = _text(row, "_id", where)
        metadata = row.get("metadata")
        answers = metadata.get("answers", []) if isinstance(metadata, dict) else []
        if gold.get(id_):
            queries.append(Query(id_, _text(row, "text", where), tuple(map(str, answers)), frozenset(gold[id_])))
    return Dataset(folder.resolve().name, passages, tuple(queries))


def _lines(path: Path) -> Iterator[tuple[dict[str, object], str]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    where = f"{path}, line {number}"
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise InputError(f"{where}: expected a JSON object")
                    yield row, where
    except OSError as exc:
        raise InputError(f"{path} cannot be read ({exc.strerror}): a benchmark folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv") from exc  # fmt: skip
    except ValueError as exc:
        raise InputError(f"{path}: not JSON lines ({exc})") from exc


def _text(row: dict[str, object], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: {key!r} is missing or not a text")
    return value
