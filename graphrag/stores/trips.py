"""Counting round trips to the store, for traces and benchmarks."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class RoundTrips:
    """A running count."""

    count: int = 0


_current: ContextVar[RoundTrips | None] = ContextVar("graphrag_round_trips", default=None)


@contextmanager
def count_round_trips() -> Generator[RoundTrips]:
    """Count the round trips made inside the block, tasks started in it included. An outer count goes on counting."""
    outer = _current.get()
    trips = RoundTrips()
    token = _current.set(trips)
    try:
        yield trips
    finally:
        _current.reset(token)
        if outer is not None:
            outer.count += trips.count


def note_round_trip() -> None:
    """For stores: one request went to the database."""
    trips = _current.get()
    if trips is not None:
        trips.count += 1
