"""The corpora of fictional organisations' papers: a folder beside this one each, with documents and labelled questions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphrag.errors import InputError
from graphrag.evaluation.beir import Dataset, Passage, Query
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.discovery import find_files
from graphrag.loaders.loading import load_file
from graphrag.loaders.sandbox import ParserProcess

CORPORA = ("pellworth_quernby", "aldermoor_kestwick")
"""Names of the corpora, which are those of their folders."""
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


def load_documents(corpus: str) -> list[LoadedDocument]:
    """All documents of a corpus in the order of their paths, read by the loaders that ingest uses."""
    root = _folder(corpus) / "documents"
    with ParserProcess() as parser:
        return [
            document
            for path, _ in find_files([root])
            for document in load_file(path, path.relative_to(root).as_posix(), parser=parser)
        ]


def load_questions(corpus: str) -> list[Question]:
    """All questions about a corpus in file order."""
    rows = [json.loads(line) for line in (_folder(corpus) / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
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


def as_dataset(corpus: str, documents: Sequence[LoadedDocument], questions: Sequence[Question]) -> Dataset:
    """What the evaluation's scorer takes: documents as passages, and the questions that have an answer.

    Known answers are left out: many are sums, which no quotation contains.
    """
    return Dataset(
        corpus.replace("_", "-"),
        tuple(Passage(document.source, document.title, document.text) for document in documents),
        tuple(
            Query(question.id, question.text, (), frozenset(gold.document for gold in question.gold), question.kind)
            for question in questions
            if question.kind != UNANSWERABLE
        ),
    )


def _folder(corpus: str) -> Path:
    if corpus not in CORPORA:
        raise InputError(f"there is no corpus {corpus!r}: take one of {', '.join(CORPORA)}")
    return Path(__file__).parent.parent / corpus
