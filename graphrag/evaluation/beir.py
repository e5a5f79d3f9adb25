"""Reading a benchmark folder in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.

Such folders come from many hands. What can be meant in one way only is read: files packed with gzip, ids that are numbers,
judgements of another split or in TREC's four columns. What else was made of a folder is told in `Dataset.notes`.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

from graphrag.errors import InputError
from graphrag.types import whole

_COLUMNS = ("query-id", "corpus-id", "score")
_PLACES = {3: (0, 1, 2), 4: (0, 2, 3)}
"""Where the columns stand in lines without a header, by their number; the second one of TREC's four says nothing."""
_SPLITS = ("test", "dev", "train")
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,9}(\.[0-9]{0,9})?\s*")
_HOLDS = "a benchmark folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv"


@dataclass(frozen=True, slots=True)
class Passage:
    """One corpus entry; the title or the text may be empty."""

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
    notes: tuple[str, ...] = ()
    """What a reader of the scores has to know about the folder."""


def load_dataset(folder: Path) -> Dataset:
    """Read a folder in BEIR layout, judged by the test split or else by the split that is there.

    Questions without a relevant passage are left out, and so is what stands twice. Passages that say the same under several ids
    are one, the first: to find either is to find it, and no list of results shows both. A relevant passage that the corpus
    lacks counts as not found, as trec_eval has it.

    Raises:
        InputError: a file is missing, a line is malformed (named by its number), two passages or questions have one id, or no
            question is left.
    """
    read = list(_passages(folder / "corpus.jsonl"))
    firsts: dict[tuple[str, str], str] = {}
    one_of = {passage.id: firsts.setdefault((passage.title, passage.text), passage.id) for passage in read}
    passages = tuple(passage for passage in read if one_of[passage.id] == passage.id)
    qrels = _qrels(folder / "qrels")
    gold: dict[str, set[str]] = {}
    for query, passage, score in _judgements(qrels):
        if score > 0:
            gold.setdefault(query, set()).add(one_of.get(passage, passage))
    queries = tuple(_queries(folder / "queries.jsonl", gold))
    if not queries:
        raise InputError(f"{qrels}: no question of queries.jsonl has a relevant passage there; are the ids the same?")
    known = {passage.id for passage in passages}
    if all(query.gold.isdisjoint(known) for query in queries):
        raise InputError(
            f"{qrels}: no relevant passage is in corpus.jsonl, such as {min(queries[0].gold)!r}; are the ids the same?"
        )
    notes = _notes(qrels, queries, known, len(read) - len(passages))
    return Dataset(folder.resolve().name, passages, queries, tuple(notes))


def _passages(path: Path) -> Iterator[Passage]:
    met: dict[str, Passage] = {}
    for row, where in _lines(path):
        if "text" not in row:
            raise InputError(f"{where}: 'text' is missing")
        passage = Passage(_id(row, where), _text(row, "title"), _text(row, "text"))
        if passage != met.setdefault(passage.id, passage):
            raise InputError(f"{where}: another passage has the '_id' {passage.id!r} too; give each one of its own")
        if passage is met[passage.id]:
            yield passage


def _queries(path: Path, gold: Mapping[str, Set[str]]) -> Iterator[Query]:
    """Those that have a relevant passage."""
    met: dict[str, Query] = {}
    for row, where in _lines(path):
        id_ = _id(row, where)
        if id_ not in gold:
            continue
        text = _text(row, "text").strip()
        if not text:
            raise InputError(f"{where}: 'text' is missing or empty")
        query = Query(id_, text, _answers(row), frozenset(gold[id_]), _kind(row))
        if query != met.setdefault(id_, query):
            raise InputError(f"{where}: another question has the '_id' {id_!r} too; give each one of its own")
        if query is met[id_]:
            yield query


def _notes(qrels: Path, queries: Sequence[Query], known: Set[str], copies: int) -> Iterator[str]:
    if qrels.name.partition(".")[0] != _SPLITS[0]:
        yield f"judged by qrels/{qrels.name}: there is no test.tsv"
    if lacking := sum(len(query.gold - known) for query in queries):
        yield f"relevant passages that are not in corpus.jsonl, and count as not found: {lacking}"
    if copies:
        yield f"passages with the title and text of another one, and counted as that one: {copies}"


def _qrels(folder: Path) -> Path:
    """The file with the judgements: the one of the test, dev or train split, or the only one that there is."""
    found = sorted({path.with_name(path.name.removesuffix(".gz")) for path in folder.glob("*.tsv*")})
    by_name = {path.name: path for path in found if path.suffix == ".tsv"}
    for split in _SPLITS:
        if f"{split}.tsv" in by_name:
            return by_name[f"{split}.tsv"]
    if len(by_name) > 1:
        raise InputError(f"{folder} holds {', '.join(by_name)}: name the one to judge by test.tsv")
    return next(iter(by_name.values()), folder / "test.tsv")


def _judgements(path: Path) -> Iterator[tuple[str, str, float]]:
    """Query id, passage id and score of each line; a first line that names the columns may be there or not."""
    with _opened(path) as file:
        reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), delimiter="\t")
        places: Sequence[int] = ()
        for row in reader:
            cells = row[0].split() if len(row) == 1 else row  # TREC's lines may be separated by spaces
            if not cells:
                continue
            where = f"{path}, line {reader.line_num}"
            if not places:
                if set(_COLUMNS) <= set(cells):
                    places = [cells.index(name) for name in _COLUMNS]
                    continue
                places = _PLACES.get(len(cells), ()) if _NUMBER.fullmatch(cells[-1]) else ()
                if not places:
                    raise InputError(
                        f"{where}: neither a header with the tab-separated columns {', '.join(_COLUMNS)} nor a judgement"
                    )
            query, passage, score = (cells[place].strip() if place < len(cells) else "" for place in places)
            if not query or not passage or not _NUMBER.fullmatch(score):
                raise InputError(f"{where}: expected {', '.join(_COLUMNS)}, separated by tabs, with a number as score")
            yield query, passage, float(score)


def _lines(path: Path) -> Iterator[tuple[dict[str, object], str]]:
    """The object on each line, and how to name the line in a message."""
    with _opened(path) as file:  # decoded line by line, so that bytes that are not text are named by theirs
        for number, line in enumerate(file, 1):
            where = f"{path}, line {number}"
            if text := line.removeprefix(b"\xef\xbb\xbf").strip():
                yield _object(text, where), where


@contextmanager
def _opened(path: Path) -> Generator[IO[bytes]]:
    """The bytes of a file, or of the one packed with gzip that stands in its place.

    Raises:
        InputError: it cannot be read.
    """
    packed = path.with_name(f"{path.name}.gz")
    try:
        with gzip.open(packed) if packed.exists() and not path.exists() else path.open("rb") as file:
            yield cast(IO[bytes], file)
    except (OSError, EOFError, zlib.error) as exc:
        raise InputError(f"{path} cannot be read ({getattr(exc, 'strerror', None) or exc}): {_HOLDS}") from exc
    except (UnicodeDecodeError, csv.Error) as exc:
        raise InputError(f"{path}: not tab-separated text in UTF-8 ({exc})") from exc


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


def _id(row: Mapping[str, object], where: str) -> str:
    value = row.get("_id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise InputError(f"{where}: '_id' is missing or neither a text nor a whole number")
    return whole(str(value)).strip()  # as in the judgements


def _text(row: Mapping[str, object], key: str) -> str:
    """What stands under the key, empty if it is neither a text nor a number."""
    value = row.get(key)
    return whole(str(value)) if isinstance(value, str | int | float) else ""


def _metadata(row: Mapping[str, object]) -> Mapping[str, object]:
    found = row.get("metadata")
    return cast(dict[str, object], found) if isinstance(found, dict) else {}


def _kind(row: Mapping[str, object]) -> str:
    metadata = _metadata(row)
    hops, type_ = metadata.get("hops"), metadata.get("type")
    hops = str(hops)
    if hops.isdecimal():
        return f"{hops} hop" if hops == "1" else f"{hops} hops"
    return type_ if isinstance(type_, str) else ""


def _answers(row: Mapping[str, object]) -> tuple[str, ...]:
    """Known answers: `answers` in the metadata, one or a list, or `answer`, as BEIR's own HotpotQA has it."""
    metadata = _metadata(row)
    found = metadata.get("answers", metadata.get("answer"))
    every = cast(list[object], found) if isinstance(found, list) else [found]
    return tuple(whole(str(one)) for one in every if isinstance(one, str | int | float))


def without_titles(dataset: Dataset) -> Dataset:
    """The same passages, all without a title."""
    return replace(dataset, passages=tuple(replace(passage, title="") for passage in dataset.passages))
