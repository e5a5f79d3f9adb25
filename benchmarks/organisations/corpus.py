"""The papers of Pellworth Tramways and of the Quernby Dairy Cooperative, and the questions about them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphrag.evaluation.beir import Dataset, Passage, Query
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.discovery import find_files
from graphrag.loaders.loading import load_file
from graphrag.loaders.sandbox import ParserProcess

FOLDER = Path(__file__).parent
UNANSWERABLE = "unanswerable"


@dataclass(frozen=True, slots=True)
class Gold:
    """A document that a question needs, and the words in it that say why."""

    document: str
    """Path below `documents/`; of a JSON lines file with `#` and the record's id."""
    quote: str
    """Stands in the document's text as the loader gives it, letter by letter."""


@dataclass(frozen=True, slots=True)
class Question:
    """A labelled question. Only `text` is ever shown to the system."""

    id: str
    text: str
    kind: str
    """`1 hop` to `4 hops`, `comparison` or `unanswerable`."""
    hops: int
    """The number of gold documents; 0 if unanswerable."""
    answer: str
    """In short, often a sum to be worked out; for readers, not for a scorer."""
    gold: tuple[Gold, ...]


def load_documents() -> list[LoadedDocument]:
    """All documents in the order of their paths, read by the loaders that ingest uses."""
    root = FOLDER / "documents"
    with ParserProcess() as parser:
        return [
            document
            for path, _ in find_files([root])
            for document in load_file(path, path.relative_to(root).as_posix(), parser=parser)
        ]


def load_questions() -> list[Question]:
    """All questions in file order."""
    rows = [json.loads(line) for line in (FOLDER / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Question(
            id=row["id"],
            text=row["question"],
            kind=row["kind"],
            hops=row["hops"],
            answer=row["answer"],
            gold=tuple(Gold(gold["document"], gold["quote"]) for gold in row["gold"]),
        )
        for row in rows
    ]


def as_dataset(documents: Sequence[LoadedDocument], questions: Sequence[Question]) -> Dataset:
    """What the evaluation's scorer takes: documents as passages, and the questions that have an answer.

    Known answers are left out: many are sums, which no quotation contains.
    """
    return Dataset(
        "pellworth-quernby",
        tuple(Passage(document.source, document.title, document.text) for document in documents),
        tuple(
            Query(question.id, question.text, (), frozenset(gold.document for gold in question.gold), question.kind)
            for question in questions
            if question.kind != UNANSWERABLE
        ),
    )
