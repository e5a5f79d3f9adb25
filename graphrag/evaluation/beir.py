"""Reading a benchmark folder in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from graphrag.errors import InputError

_COLUMNS = ("query-id", "corpus-id", "score")
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,9}\s*")


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
    kind: str = ""
    """What sort of question it is, such as "3 hops" or "bridge"; empty if the benchmark does not say."""


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
    for query, passage, score in _judgements(qrels):
        if score > 0:
            gold.setdefault(query, set()).add(passage)
    unknown = set().union(*gold.values()) - known if gold else set[str]()
    if unknown:
        raise InputError(f"{qrels}: passage {sorted(unknown)[0]!r} is not in corpus.jsonl")
    queries: list[Query] = []
    for row, where in _lines(folder / "queries.jsonl"):
        id_ = _text(row, "_id", where)
        if gold.get(id_):
            queries.append(
                Query(id_, _text(row, "text", where), _answers(row, where), frozenset(gold[id_]), _kind(row))
            )
    return Dataset(folder.resolve().name, passages, tuple(queries))


def _judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """Query id, passage id and score of each line behind the header."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t")
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f"{path}, line 1: the header lacks {', '.join(missing)}: expected the tab-separated columns "
                    f"{', '.join(_COLUMNS)}"
                )
            for row in reader:
                query, passage, score = (row[name] or "" for name in _COLUMNS)  # a line that is too short gives None
                if not query or not passage or not _WHOLE.fullmatch(score):
                    raise InputError(
                        f"{path}, line {reader.line_num}: expected {', '.join(_COLUMNS)}, separated by tabs, with a "
                        f"whole number as score"
                    )
                yield query, passage, int(score)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    except (UnicodeDecodeError, csv.Error) as exc:
        raise InputError(f"{path}: not tab-separated text in UTF-8 ({exc})") from exc


def _lines(path: Path) -> Iterator[tuple[dict[str, object], str]]:
    """The object on each line, and how to name the line in a message."""
    try:
        with path.open("rb") as file:  # decoded line by line, so that bytes that are not text are named by theirs
            for number, line in enumerate(file, 1):
                if line.strip():
                    where = f"{path}, line {number}"
                    yield _object(line, where), where
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _object(line: bytes, where: str) -> dict[str, object]:
    try:
        row = cast(object, json.loads(line.decode()))
    except json.JSONDecodeError as exc:
        raise InputError(f"{where}: not valid JSON ({exc.msg} at column {exc.colno})") from exc
    except (ValueError, RecursionError) as exc:
        raise InputError(f"{where}: not valid JSON ({exc})") from exc
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a JSON object")
    return cast(dict[str, object], row)


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be read ({error.strerror}): a benchmark folder holds corpus.jsonl, queries.jsonl and "
        f"qrels/test.tsv"
    )


def _text(row: dict[str, object], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: {key!r} is missing or not a text")
    return value


def _kind(row: dict[str, object]) -> str:
    metadata = row.get("metadata")
    known = cast(dict[str, object], metadata) if isinstance(metadata, dict) else {}
    hops, type_ = known.get("hops"), known.get("type")
    if isinstance(hops, int):
        return f"{hops} hop" if hops == 1 else f"{hops} hops"
    return type_ if isinstance(type_, str) else ""


def _answers(row: dict[str, object], where: str) -> tuple[str, ...]:
    metadata = row.get("metadata")
    answers = cast(dict[str, object], metadata).get("answers") if isinstance(metadata, dict) else None
    if answers is None:
        return ()
    if not isinstance(answers, list):  # the letters of a text would pass for answers
        raise InputError(f"{where}: 'answers' in 'metadata' is not a list")
    return tuple(map(str, cast(list[object], answers)))


def without_titles(dataset: Dataset) -> Dataset:
    """The same passages, all without a title."""
    return replace(dataset, passages=tuple(replace(passage, title="") for passage in dataset.passages))
