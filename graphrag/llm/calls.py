"""The one policy for every outgoing model call, whatever it asks for: chat, embeddings, re-ranking.

An Endpoint is a server with its breaker and its share of concurrency. Whoever calls it gives a function that makes one
attempt within so many seconds and raises an error of graphrag.errors; the Endpoint waits for room, tries again what may
work again, with jitter and honouring Retry-After, and gives up at the deadline. Nothing else retries: SDK clients are built
with max_retries=0.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeVar

from graphrag.errors import BudgetError, ModelUnavailableError

BreakerState = Literal["closed", "open", "half-open"]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, how often."""

    seconds: float = 60.0
    """For a call with all its attempts and waits; a narrower `within` counts instead."""
    connect_seconds: float = 5.0
    silence_seconds: float = 30.0
    """Longest wait for the next bytes of a reply that is streamed."""
    attempts: int = 4
    first_pause: float = 0.5
    longest_pause: float = 8.0
    failures: int = 5
    """So many failures in a row open the breaker."""
    open_seconds: float = 10.0
    """How long the breaker stays open; twice as long after each probe that failed, up to `longest_open`."""
    longest_open: float = 120.0


LEAST_SECONDS = 0.1
"""With less time left no further attempt is made: it would time out, and hide why the one before failed."""

_deadline: ContextVar[float] = ContextVar("graphrag_model_deadline", default=float("inf"))


@contextmanager
def within(seconds: float) -> Generator[None]:
    """All model calls inside the block end before so many seconds from now have passed; an outer block that ends earlier counts."""
    token = _deadline.set(min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


class Breaker:
    """Keeps calls from a server that does not answer, so that nobody waits for it in vain.

    Open after some failures in a row; after a while one call is let through as a probe, and closes or reopens it.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self._pause = patience.open_seconds
        self._until = 0.0
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """Whether calls go through; half-open lets one."""
        if not self._until:
            return "closed"
        return "open" if time.monotonic() < self._until else "half-open"

    @property
    def remaining(self) -> float:
        """Seconds until the next probe."""
        return max(0.0, self._until - time.monotonic())

    def admit(self) -> bool:
        """Whether a call may be made now; one that is admitted has to end in `succeeded`, `failed` or `left`."""
        if self.state == "closed":
            return True
        if self.state == "open" or self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The server answered, be it with a refusal."""
        self._failures, self._until, self._pause, self._probing = 0, 0.0, self._patience.open_seconds, False

    def failed(self) -> None:
        """The server did not answer, or answered with a fault of its own."""
        self._failures += 1
        if self._probing:
            self._pause = min(self._pause * 2, self._patience.longest_open)
        if self._probing or self._failures >= self._patience.failures:
            self._until = time.monotonic() + self._pause
        self._probing = False

    def left(self) -> None:
        """The caller went away before there was a result."""
        self._probing = False


class Endpoint:
    """A server as calls see it. Belongs to one event loop.

    Args:
        name: for messages, such as "openai at https://api.openai.com/v1".
        concurrency: calls made to it at once; others wait, within their deadlines.
        setting: how the names of its settings begin.
    """

    def __init__(
        self, name: str, *, concurrency: int, patience: Patience | None = None, setting: str = "GRAPHRAG_LLM"
    ) -> None:
        self.name = name
        self._setting = setting
        self.patience = patience or Patience()
        self.breaker = Breaker(self.patience)
        self._room = asyncio.Semaphore(concurrency)

    def deadline(self) -> float:
        """The latest end, on the monotonic clock, of a call that begins now."""
        return min(time.monotonic() + self.patience.seconds, _deadline.get())

    async def call(self, attempt: Callable[[float], Awaitable[_T]]) -> _T:
        """Make a call.

        Args:
            attempt: makes one attempt, within the seconds that it is given.

        Raises:
            ModelUnavailableError: no attempt succeeded in time, or the breaker is open.
            ModelError: whatever else an attempt raised, at once.
        """
        deadline = self.deadline()
        async with self.room(deadline):
            return await self.attempts(attempt, deadline)

    @asynccontextmanager
    async def room(self, deadline: float) -> AsyncGenerator[None]:
        """Hold one of the places at the server, for as long as a reply is read.

        Raises:
            ModelUnavailableError: the breaker is open, or there is no room before the deadline.
        """
        if self.breaker.state == "open":  # before waiting for room, which those who wait in vain may hold
            raise self._open()
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(0.0, deadline - time.monotonic())):
                await self._room.acquire()
        except TimeoutError as exc:
            raise ModelUnavailableError(
                f"{self.name}: too many calls at once, there was no room in time: raise {self._setting}_CONCURRENCY if "
                f"the server can take more"
            ) from exc
        try:
            yield
        finally:
            self._room.release()

    async def attempts(self, attempt: Callable[[float], Awaitable[_T]], deadline: float) -> _T:
        """Try until it succeeds, may not be tried again, or the deadline comes. Needs `room`. Raises as call."""
        patience = self.patience
        failed = ""
        for number in range(1, patience.attempts + 1):
            if not self.breaker.admit():
                raise self._open(failed)
            try:
                result = await self._once(attempt, deadline, failed)
            except ModelUnavailableError as exc:
                failed = f". The last failure: {exc}"
                pause = exc.retry_after
                if pause is None:
                    # Full jitter: callers that failed together do not come back together.
                    pause = random.uniform(0, min(patience.longest_pause, patience.first_pause * 2 ** (number - 1)))  # noqa: S311 - no secret
                if number == patience.attempts or time.monotonic() + pause + LEAST_SECONDS >= deadline:
                    raise
                _log.info("%s: attempt %d failed, the next one in %.1f s: %s", self.name, number, pause, exc)
                await asyncio.sleep(pause)
            else:
                return result
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, attempt: Callable[[float], Awaitable[_T]], deadline: float, failed: str) -> _T:
        seconds = deadline - time.monotonic()
        settled = False
        try:
            if seconds <= 0:
                raise ModelUnavailableError(f"{self.name}: there was no time left for the call{failed}")
            async with asyncio.timeout(seconds):
                result = await attempt(seconds)
            settled = True
            self.breaker.succeeded()
        except TimeoutError as exc:
            settled = True
            self.breaker.failed()
            # What was left after a failure is little: then that one is the cause, and not a slow model.
            why = failed or f": raise {self._setting}_SECONDS for a slow model"
            raise ModelUnavailableError(f"{self.name} did not answer within {seconds:.1f} s{why}") from exc
        except ModelUnavailableError as exc:
            if seconds > 0:
                settled = True
                # A server that says when to come back is alive.
                self.breaker.succeeded() if exc.retry_after is not None else self.breaker.failed()
            raise
        except BudgetError:  # the call was not made
            raise
        except Exception:  # whatever it is, the server has answered
            settled = True
            self.breaker.succeeded()
            raise
        else:
            return result
        finally:
            if not settled:
                self.breaker.left()

    def _open(self, failed: str = "") -> ModelUnavailableError:
        # With the words of the server to this caller alone: they may quote what was asked.
        return ModelUnavailableError(
            f"{self.name} has failed again and again and is left alone for {self.breaker.remaining:.0f} s more: see whether "
            f"it runs and can be reached, then try again{failed}"
        )
