"""What the running service shares between requests."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Stream

from api.keys import LastSeen
from api.limits import Gate, RateLimiter
from api.metrics import Metrics
from api.problems import ClientGoneError, busy
from api.sse import Event, stream
from graphrag.embedding import Passage
from graphrag.errors import GraphRAGError, StoreError
from graphrag.knowledge import KnowledgeBase
from graphrag.settings import Settings
from graphrag.stores.system import ApiKey, KeyRole, Queue
from graphrag.types import ALL_ACCESS, Fingerprints, Scope
from graphrag.uploads import Uploads

MAX_EVENT_STREAMS = 200
READY_SECONDS = 5.0
READY_TIMEOUT = 2.0

_T = TypeVar("_T")
_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of the key, its role, what it sees, and its name."""

    key_id: str
    role: KeyRole
    scope: Scope
    name: str
    """Of the key, for people."""

    @classmethod
    def of(cls, key: ApiKey) -> "Caller":
        """The caller that a key stands for."""
        return cls(key.id, key.role, key.scope, key.name)


DEVELOPER = Caller("development", "admin", Scope(access=frozenset({ALL_ACCESS})), "development")
"""Every caller in development mode."""


@dataclass(slots=True)
class Service:
    """Opened once for an application, in its lifespan."""

    settings: Settings
    kb: KnowledgeBase
    uploads: Uploads
    metrics: Metrics
    development: bool
    closing: asyncio.Event
    """Set when the service is to stop: streams end."""
    warming: asyncio.Task[None]
    """Loads what questions need."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a job was submitted: a worker looks for it."""
    questions: Gate = field(init=False)
    streams: Gate = field(init=False)
    keys: RateLimiter = field(init=False)
    last_seen: LastSeen = field(default_factory=LastSeen)
    """Keys of those who watch the service, who need it most while the store is away."""
    store_missed: float = float("-inf")
    """When the store last did not answer those who watch."""
    _ready: tuple[float, bool] = (float("-inf"), False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.questions = Gate(settings.concurrent_questions, settings.queued_questions)
        self.streams = Gate(MAX_EVENT_STREAMS, 0)
        self.keys = RateLimiter(settings.key_rate)
        for state in ("running", "waiting"):
            self.metrics.questions.labels(state).set_function(lambda state=state: getattr(self.questions, state))

    async def ready(self) -> bool:
        """Whether what questions need is loaded and the store answers, with vectors of the models that this process has.

        Asked at most every READY_SECONDS.
        """
        asked, answer = self._ready
        if time.monotonic() - asked > READY_SECONDS:
            try:
                async with asyncio.timeout(READY_TIMEOUT):
                    await asyncio.shield(self.warming)
                    # The smallest of the reads for which the embedded store brings its index up to date: it may have failed to
                    # load, and other processes write.
                    await self.kb.store.chunk_ids(Scope(), "")
                    bound = await self.kb.store.fingerprints()
                # Once the store was moved to another model, no question is answered before the process is started again.
                answer = bound in (None, Fingerprints(self.kb.embedder.fingerprint, self.kb.encoder.fingerprint))
            except (StoreError, TimeoutError):
                answer = False
            self._ready = (time.monotonic(), answer)
        return answer and not self.closing.is_set()

    async def queue(self) -> Queue | None:
        """How jobs stand. None while the store does not answer, without waiting for it once more where it just did not."""
        if time.monotonic() - self.store_missed < READY_SECONDS:
            return None
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                return await self.kb.system.queue()
        except (StoreError, TimeoutError):
            return None

    def streamed(self, request: Request[Any, Any, Any], events: AsyncGenerator[Event]) -> Stream:
        """A response of events; see api.sse."""
        return stream(
            events,
            closing=self.closing,
            heartbeat=self.settings.heartbeat_seconds,
            request_id=request.scope["state"]["request_id"],
        )

    async def check_queue(self, tenant: str) -> None:
        """See that one more job may wait.

        Raises:
            ProblemError: 503 with Retry-After; too many wait already, also those counted that the caller does not see.
        """
        most, everything = self.settings.max_queued_jobs, Scope(tenant, frozenset({ALL_ACCESS}))
        if len(await self.kb.system.jobs(everything, states=("queued",), limit=most)) >= most:
            raise busy("too many jobs wait already; try again later", retry_after=30)


async def warm(kb: KnowledgeBase) -> None:
    """Load what the first question would wait for: the local model, and the index of the embedded store (10 s at 50,000 chunks).

    What fails is logged, and told to those who ask.
    """
    try:
        await asyncio.gather(kb.encoder.encode([Passage("", "warm", ())]), kb.store.term_statistics(Scope(), ["warm"]))
    except GraphRAGError as exc:
        _log.warning("what questions need could not be loaded", error=f"{type(exc).__name__}: {exc}")


ServiceDependency = NamedDependency[SkipValidation[Service]]
CallerDependency = NamedDependency[SkipValidation[Caller]]


async def until_gone(request: Request[Any, Any, Any], work: Coroutine[Any, Any, _T]) -> _T:
    """Do the work, and cancel it when the client closes its connection. The body must have been read.

    Raises:
        ClientGoneError: it did.
    """
    working = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGoneError
        return working.result()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _disconnected(request: Request[Any, Any, Any]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
