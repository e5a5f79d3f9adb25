"""What had to be done without: noted where it happens, collected for the `degraded` of a response.

Whoever answers opens a collection (`collect_degraded`); whoever goes on without a part (the language model, the embedder, the
reranker) says so with `note_degraded`. Nothing is raised, and outside of a collection it is only logged.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from graphrag.errors import ModelError

Part = Literal["planning", "writing", "checking", "tools", "vectors", "reranking"]
_MODELS: dict[Part, str] = {"tools": "a model", "vectors": "the embedding model", "reranking": "the re-ranking model"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Degraded:
    """A part that was done without."""

    part: Part
    reason: str
    """What failed, for whoever asked."""
    detail: str
    """The same for whoever runs the service, and what to do: it may name settings and servers."""


_current: ContextVar[list[Degraded] | None] = ContextVar("graphrag_degraded", default=None)


@contextmanager
def collect_degraded(into: list[Degraded] | None = None) -> Generator[list[Degraded]]:
    """Collect what is noted inside the block, tasks started in it included; each part once, with its first reason."""
    notes: list[Degraded] = [] if into is None else into
    token = _current.set(notes)
    try:
        yield notes
    finally:
        _current.reset(token)


def note_degraded(part: Part, error: ModelError, reason: str = "") -> None:
    """Say that a part is done without.

    Args:
        error: the message tells those who run the service; the kind is told to everybody,
        reason: unless this is.
    """
    notes = _current.get()
    if notes is None:
        _log.warning("%s is done without: %s", part, error)
    elif all(note.part != part for note in notes):
        notes.append(Degraded(part, reason or told_plainly(error, part), str(error)))


def told_plainly(error: ModelError, part: Part) -> str:
    """What failed, without settings and servers."""
    return f"{_MODELS.get(part, 'the language model')} {error.plainly}"
