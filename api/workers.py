"""Workers of ingest jobs: in the service's own process, or in processes of their own that are started again when they die."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable

from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import ConfigError
from graphrag.jobs import Worker
from graphrag.knowledge import KnowledgeBase
from graphrag.settings import Settings
from graphrag.uploads import Uploads

STALLED = 75
"""Exit code of a process that ended itself because it hung."""
_PARENT_SECONDS = 1.0
_QUICK_SECONDS = 10.0
_MAX_PAUSE_SECONDS = 60.0
_POLL_SECONDS = 0.2
PARENT = "PARENT_OF_GRAPHRAG_WORKER"


def open_worker(kb: KnowledgeBase, settings: Settings, *, end_process: Callable[[], None] | None = None) -> Worker:
    """A worker as the settings say; see Worker for `end_process`."""
    return Worker(
        kb,
        Uploads(settings.data_dir),
        f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
        lease_seconds=settings.lease_seconds,
        keep_seconds=settings.keep_uploads_hours * 3600,
        keep_jobs_seconds=settings.keep_jobs_days * 24 * 3600,
        stall_seconds=settings.stall_seconds,
        end_process=end_process,
    )


def end_workers(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Tell workers to give their jobs back and end. Each once: told again, it would leave off giving back."""
    for task in tasks:
        if not task.cancelling():
            task.cancel()


async def work(settings: Settings, *, until_done: bool = False) -> None:
    """Carry out jobs in this process, until SIGTERM or SIGINT, or until its parent (see supervise) is gone.

    Args:
        settings: the whole configuration.
        until_done: end when there is nothing to do.

    Raises:
        ConfigError, StoreError, SchemaMismatchError, ModelError: as open_knowledge_base.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_knowledge_base(settings) as kb:
        worker = open_worker(kb, settings, end_process=lambda: os._exit(STALLED))
        working = asyncio.create_task(_drain(worker) if until_done else worker.run(asyncio.Event()))
        waiting = [working, asyncio.create_task(_set(stop)), asyncio.create_task(_parent_gone())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _drain(worker: Worker) -> None:
    while await worker.work_once():
        pass
    await worker.sweep()  # where workers run only now and then, nobody else does


async def _parent_gone() -> None:
    """Ends when the process that started this one has died, however it died."""
    parent = os.environ.get(PARENT, "")
    while not parent or os.getppid() == int(parent):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(_PARENT_SECONDS)


def supervise(processes: int, served: str, *, said: Callable[[str], None]) -> None:
    """Run workers in so many processes until SIGTERM or SIGINT; one that dies is started again.

    A process that dies soon after its start is started again ever more slowly. When told to stop, processes give their jobs
    back and end.

    Args:
        processes: how many.
        served: what they work on, for people.
        said: told what happens.

    Raises:
        ConfigError: the settings are at fault, which no further start would mend; the process has said what it is.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signal_number, _: stopping.append(signal_number))
    slots = [_Slot(number) for number in range(processes)]
    said(f"{processes} worker{'s' if processes > 1 else ''} started on {served}")
    try:
        while not stopping:
            for slot in slots:
                slot.look(said)
            time.sleep(_POLL_SECONDS)
    finally:
        for slot in slots:
            slot.process.send_signal(signal.SIGTERM)
        for slot in slots:
            slot.process.wait()


class _Slot:
    """A place for one process."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.pause = 0.0
        self.due = 0.0
        self._start()

    def _start(self) -> None:
        self.begun = time.monotonic()
        # -P keeps modules out of the working directory, where anybody's files may lie, from being imported.
        # A group of its own: Ctrl-C reaches the supervisor alone, which then stops its processes in order.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "api.cli", "worker", "--alone"],
            env=os.environ | {PARENT: str(os.getpid())},
            start_new_session=True,
        )

    def look(self, said: Callable[[str], None]) -> None:
        """Start the process again if it has ended and its pause is over."""
        code = self.process.poll()
        if code is None:
            return
        if code == ConfigError.exit_code:
            raise ConfigError(
                f"worker {self.number} cannot start with these settings; what it says above is the reason"
            )
        now = time.monotonic()
        if not self.due:
            quick = now - self.begun < _QUICK_SECONDS
            self.pause = min(_MAX_PAUSE_SECONDS, max(1.0, self.pause * 2)) if quick else 0.0
            self.due = now + self.pause
            why = "hung" if code == STALLED else f"ended with {code}"
            said(f"worker {self.number} {why}; starting it again in {self.pause:.0f} s")
        if now >= self.due:
            self.due = 0.0
            self._start()
