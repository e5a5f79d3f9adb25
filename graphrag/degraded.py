"""What had to be done without: noted where it happens, collected for the `degraded` of a response.

Whoever answers opens a collection (`collect_degraded`); whoever goes on without a part (the language model, the embedder, the
reranker) says so with `note_degraded`. Nothing is raised, and outside of a collection nothing is kept.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Part = Literal["planning", "writing", "checking", "tools", "vectors", "reranking"]


@dataclass(frozen=True, slots=True)
class Degraded:
    """A part that was done without."""

    part: Part
    reason: str
    """What failed, and what to do: the message of the error."""


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


def note_degraded(part: Part, reason: Exception | str) -> None:
    """Say that a part is done without."""
    notes = _current.get()
    if notes is not None and all(note.part != part for note in notes):
        notes.append(Degraded(part, str(reason)))
