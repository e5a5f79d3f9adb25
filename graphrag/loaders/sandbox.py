"""Parsing of untrusted documents in a child process that can be killed."""

import json
import math
import os
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from threading import Event, Lock, Timer
from types import TracebackType
from typing import BinaryIO, Self, cast

from graphrag.errors import DocumentParseError, GraphRAGError, InputError, UnsupportedFormatError
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.frames import decode_documents, read_frame, write_frame

TIMEOUT_SECONDS = 60.0
MEMORY_BYTES = 2 * 1024**3
"""Address space of the child, where the platform can limit it."""
START_SECONDS = 60.0
_ERRORS = {error.__name__: error for error in (InputError, DocumentParseError, UnsupportedFormatError)}
# What an interpreter may need to start; nothing else, hence no secret, reaches the child.
_INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP")


class ParserProcess:
    """One child process, started at the first document, used again for the next, replaced after a kill.

    A context manager; calls from several threads are served one after the other, so that parallel parsing takes several
    of these. The child has no secrets in its environment, no network, and limits on memory and time.

    Args:
        timeout: seconds of wall-clock time for one document.
    """

    def __init__(self, *, timeout: float = TIMEOUT_SECONDS) -> None:
        if not 0 < timeout < math.inf:
            raise InputError(f"timeout ({timeout}) must be positive and finite")
        self._timeout = timeout
        self._lock = Lock()
        self._closed = Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[..., ParserProcess] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the running child; None if there is none."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def close(self) -> None:
        """End the child, also in the middle of a document, and wait for it. Later loads are refused; may be repeated."""
        self._closed.set()
        child = self._child
        if child is not None:
            child.kill()
        with self._lock:
            self._stop()

    def load(self, loader: str, data: bytes, source: str) -> list[LoadedDocument]:
        """Run a loader in the child. Blocks for at most the time limit, plus the start of the child where it is due.

        Args:
            loader: "module:function"; the function takes the bytes and the source and returns LoadedDocuments.
            data: the whole document.
            source: passed to the loader, and for messages.

        Raises:
            DocumentParseError: the loader refused the document, ran out of time or memory, or crashed.
            GraphRAGError: closed, or the child does not start.
        """
        with self._lock:
            child = self._started(source)
            request = json.dumps({"loader": loader, "source": source, "seconds": math.ceil(self._timeout)})
            reply, late = self._exchange(child, [request.encode(), data], self._timeout)
            if reply is None:
                raise self._failure(source, late)
            answer = cast(Mapping[str, object], json.loads(reply))
            if late or "memory" in answer:
                self._stop()  # Killed just after it answered, or about to end by itself.
            if "memory" in answer:
                raise self._memory_error(source)
        if "error" in answer:
            raise _ERRORS.get(str(answer["kind"]), DocumentParseError)(str(answer["error"]))
        return decode_documents(answer["documents"])

    def _started(self, source: str) -> subprocess.Popen[bytes]:
        if self._closed.is_set():
            raise GraphRAGError(f"{source} was not read: the parser process is closed; open a new one")
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._stop()
        # -P keeps the working directory off the module path: the child sees exactly the modules that this process sees.
        command = [sys.executable, "-P", "-m", "graphrag.loaders.child", str(MEMORY_BYTES)]
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
        try:
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as exc:
            raise GraphRAGError(f"{source} was not read: the parser process does not start ({exc}); try again") from exc
        self._child = child
        # Also where nobody calls close(): at garbage collection and at the interpreter's exit.
        self._finalizer = weakref.finalize(self, _end, child)
        if self._closed.is_set():
            child.kill()  # close() ran before it could see this child.
        ready, _ = self._exchange(child, [], START_SECONDS)
        if ready is None:
            code = self._stop()
            raise GraphRAGError(
                f"{source} was not read: the parser process ended at its start (exit code {code}); check that "
                f"`python -m graphrag.loaders.child {MEMORY_BYTES}` runs and that there is memory left"
            )
        return child

    def _exchange(
        self, child: subprocess.Popen[bytes], frames: Sequence[bytes], seconds: float
    ) -> tuple[bytes | None, bool]:
        """Send frames, read one. Returns the reply (None if the child is gone) and whether time ran out."""
        late = Event()

        def kill() -> None:
            late.set()
            child.kill()

        # A timer, since waiting for a pipe with a time limit does not exist on every platform.
        timer = Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            for frame in frames:
                write_frame(cast(BinaryIO, child.stdin), frame)
            reply = read_frame(cast(BinaryIO, child.stdout))
        except (OSError, ValueError):
            reply = None
        finally:
            timer.cancel()
            timer.join()
        return reply, late.is_set()

    def _failure(self, source: str, late: bool) -> GraphRAGError:
        code = self._stop()
        if self._closed.is_set():
            return GraphRAGError(f"{source} was not read: the parser process was closed meanwhile; load it again")
        if late:
            return DocumentParseError(
                f"{source} was not read within {self._timeout:g} seconds; split or simplify it, or raise "
                f"GRAPHRAG_PARSE_SECONDS"
            )
        return DocumentParseError(
            f"{source} crashed its parser (exit code {code}); it may be damaged, or need more than "
            f"{MEMORY_BYTES // 1024**2} MB of memory"
        )

    def _memory_error(self, source: str) -> DocumentParseError:
        return DocumentParseError(
            f"{source} needs more than {MEMORY_BYTES // 1024**2} MB of memory to be read; split or simplify it"
        )

    def _stop(self) -> int | None:
        """End the child, if any, and return its exit code."""
        child, self._child = self._child, None
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None
        return _end(child) if child is not None else None


def _end(child: subprocess.Popen[bytes]) -> int:
    child.kill()
    code = child.wait()
    for pipe in (child.stdin, child.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:
            continue  # Bytes that the child never read.
    return code
