"""The process in which untrusted documents are parsed: `python -m graphrag.loaders.child <memory bytes>`.

It reads requests from standard input (a JSON frame with the loader's name, the source and the seconds allowed, then a
frame with the bytes), answers each with one frame on standard output, and ends with its input. Started by
sandbox.ParserProcess.
"""

import json
import os
import signal
import sys
from typing import BinaryIO, cast

from graphrag.errors import DocumentParseError, GraphRAGError
from graphrag.loaders.frames import encode_documents, read_frame, write_frame
from graphrag.loaders.registry import resolve

_REFUSED_EVENTS = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendto",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        "os.forkpty",
    }
)
_ALARM_MARGIN_SECONDS = 5
_RECURSION_LIMIT = 5_000
"""Enough for pages of several hundred nested elements, as mail programs write them."""


def main() -> None:
    """Serve until the input ends, or memory runs out."""
    requests, replies = _take_over_pipes()
    _limit_resources(int(sys.argv[1]))
    sys.setrecursionlimit(_RECURSION_LIMIT)
    sys.addaudithook(_refuse)
    write_frame(replies, b"{}")
    while (header := read_frame(requests)) is not None and (data := read_frame(requests)) is not None:
        request = cast(dict[str, str], json.loads(header))
        try:
            _set_alarm(int(request["seconds"]) + _ALARM_MARGIN_SECONDS)
            reply = _serve(request["loader"], data, request["source"])
            del data
            write_frame(replies, reply)
            _set_alarm(0)
        except MemoryError:
            # Whatever could not be freed would be missing for the next document.
            write_frame(replies, b'{"memory": true}')
            return


def _serve(loader: str, data: bytes, source: str) -> bytes:
    try:
        return encode_documents(resolve(loader)(data, source))
    except GraphRAGError as exc:
        error = exc
    except RecursionError:
        error = DocumentParseError(f"{source} is nested too deeply to be read; simplify it")
    except MemoryError:
        raise
    # A parser may fail in any way on a hostile or damaged file: that is the document's failure, not the service's.
    except Exception as exc:
        error = DocumentParseError(
            f"{source} cannot be read ({type(exc).__name__}: {str(exc)[:200]}); it may be damaged"
        )
    return json.dumps({"kind": type(error).__name__, "error": str(error)}).encode()


def _take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the two pipes for frames alone, so that a library that prints cannot spoil them."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return requests, replies


def _limit_resources(memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:
        return  # Not on Windows; the time limit holds there all the same.
    for kind, value in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (limit, limit))
        except (ValueError, OSError):
            continue  # macOS refuses RLIMIT_AS.


def _set_alarm(seconds: int) -> None:
    # The owner kills a hanging child; this ends it where the owner is gone. It works inside C code too.
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if event in _REFUSED_EVENTS:
        raise PermissionError(f"{event} is not allowed while a document is read")


if __name__ == "__main__":
    main()
