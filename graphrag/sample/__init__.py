"""The sample corpus that is shipped: the shared files of a fictional company, and questions about them."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import cast


@contextmanager
def open_documents() -> Generator[Path]:
    """The folder of the sample documents, unpacked for the duration of the block where the package is zipped."""
    with as_file(files(__name__) / "documents") as folder:
        yield folder


def questions(kind: str = "multi_hop") -> Sequence[Mapping[str, object]]:
    """The questions of a kind (`multi_hop`, `unanswerable`), as questions.json has them."""
    raw = (files(__name__) / "questions.json").read_text(encoding="utf-8")
    return cast(Mapping[str, Sequence[Mapping[str, object]]], json.loads(raw))[kind]
