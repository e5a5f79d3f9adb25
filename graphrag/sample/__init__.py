"""The sample corpus that is shipped: the shared files of a fictional company, and questions about them."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal


@contextmanager
def open_documents() -> Generator[Path]:
    """The folder of the sample documents, unpacked for the duration of the block where the package is zipped."""
    with as_file(files(__name__) / "documents") as folder:
        yield folder


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """A question about the sample."""

    id: str
    question: str
    documents: tuple[str, ...]
    """Sources that are all needed for the answer; empty for an unanswerable question."""
    answer: str
    """What people would answer; empty for an unanswerable question."""


def questions(kind: Literal["multi_hop", "unanswerable"] = "multi_hop") -> list[SampleQuestion]:
    """The questions of a kind, in the order of questions.json."""
    raw = json.loads((files(__name__) / "questions.json").read_text(encoding="utf-8"))
    return [
        SampleQuestion(row["id"], row["question"], tuple(row.get("documents", ())), row.get("answer", ""))
        for row in raw[kind]
    ]
