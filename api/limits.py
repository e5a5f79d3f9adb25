"""Limits: how often somebody may ask, and how much is worked on at once. Per process."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from api.problems import ProblemError, busy

MAX_TRACKED = 100_000


class RateLimiter:
    """A bucket for each name: it holds a minute's worth of requests and fills evenly.

    Args:
        per_minute: requests a minute; 0 is no limit.
    """

    def __init__(self, per_minute: int) -> None:
        self._size = float(per_minute)
        self._buckets: dict[str, tuple[float, float]] = {}
        """(level, when it was that)."""

    def spend(self, name: str, cost: float = 1.0) -> None:
        """Take from a bucket.

        Raises:
            ProblemError: 429 with Retry-After; it is empty.
        """
        if not self._size:
            return
        now = time.monotonic()
        level, then = self._buckets.pop(name, (self._size, now))
        level = min(self._size, level + (now - then) * self._size / 60)
        if level < 1:
            self._buckets[name] = (level, now)
            wait = max(1, math.ceil((1 - level) * 60 / self._size))
            raise ProblemError(429, f"wait {wait} s before the next request", headers={"Retry-After": str(wait)})
        # Put back last, so that the first ones are those that were not used for longest.
        self._buckets[name] = (max(0.0, level - cost), now)
        while len(self._buckets) > MAX_TRACKED:
            del self._buckets[next(iter(self._buckets))]


class Gate:
    """Lets so many in at once, so many wait for their turn, and refuses the rest.

    Args:
        running: how many work at once.
        waiting: how many may wait.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._room = asyncio.Semaphore(running)
        self._most = waiting
        self.waiting = 0
        self.running = 0

    @asynccontextmanager
    async def enter(self) -> AsyncGenerator[None]:
        """Wait for a turn, in order of arrival.

        Raises:
            ProblemError: 503 with Retry-After; too many wait already.
        """
        if self._room.locked() and self.waiting >= self._most:
            raise busy("too many at once, questions or streams; try again")
        self.waiting += 1
        try:
            await self._room.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._room.release()
