"""Whether somebody waits for what a store is asked: a request then fails soon where work in the background outlives an outage."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting: ContextVar[bool] = ContextVar("graphrag_somebody_waits", default=False)


@contextmanager
def somebody_waiting() -> Generator[None]:
    """Somebody waits for what is done inside the block, tasks started in it included."""
    token = _waiting.set(True)
    try:
        yield
    finally:
        _waiting.reset(token)


def somebody_waits() -> bool:
    """For stores: whether to give up soon on a server that is away."""
    return _waiting.get()
