"""Uploaded files, waiting on the local disk until a job has read them.

A file lies at `<folder>/<tenant>/<sha256 of its bytes>`. What its sender called it is data, kept with the job, and never
part of a path. All methods block: call them in a thread from asynchronous code.
"""

import errno
import hashlib
import os
import re
import time
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from tempfile import NamedTemporaryFile

from graphrag.errors import InputError, NotFoundError, StoreError
from graphrag.types import check_label

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PARTIAL = ".partial-"
_CANNOT_SYNC = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EACCES))
"""Of a folder: what some network file systems answer, and of one that may be written and not read."""


class Upload:
    """A file that is being received. It is kept when `finish` returns, and leaves nothing if it is discarded before.

    In between it can be closed: whether it is wanted may turn out only when all of it is there.

    Args:
        folder: of the tenant; created if need be.

    Raises:
        StoreError: the disk refuses, also in `write`, `close` and `finish`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digest = hashlib.sha256()
        with _disk_errors(folder):
            new = list(takewhile(lambda one: not one.exists(), (folder, *folder.parents)))
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for made in new:
                _sync(made.parent)
            self._file = NamedTemporaryFile(dir=folder, prefix=_PARTIAL, delete=False)  # noqa: SIM115 - closed by discard

    def write(self, part: bytes) -> None:
        """Take the next bytes."""
        with _disk_errors(self._folder):
            self._digest.update(part)
            self._file.write(part)

    def close(self) -> str:
        """Take no more bytes, and hold no open file. Returns their SHA-256."""
        with _disk_errors(self._folder):
            if not self._file.closed:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
        return self._digest.hexdigest()

    def finish(self) -> str:
        """Put the file where it waits, durably. Returns the SHA-256 of its bytes; the same bytes are kept once."""
        self.close()
        with _disk_errors(self._folder):
            # Also over a file that is there: its age begins anew, so that no sweep takes it from under this job.
            Path(self._file.name).replace(self._folder / self._digest.hexdigest())
            _sync(self._folder)
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Delete what was received; nothing to do after `finish`."""
        with suppress(OSError):  # on a full disk, of bytes that it could not take
            self._file.close()
        Path(self._file.name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have the names in a folder outlast a loss of power, where the system can be asked for that."""
    if os.name != "posix":
        return
    try:
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as exc:
        if exc.errno not in _CANNOT_SYNC:
            raise


@contextmanager
def _disk_errors(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreError(
            f"an upload cannot be kept in {folder} ({exc.strerror or exc}): free space there, or set GRAPHRAG_DATA_DIR"
        ) from exc


@dataclass(frozen=True, slots=True)
class Uploads:
    """The folder in which uploaded files wait."""

    folder: Path

    def obstacle(self) -> str:
        """What to do before a file can be kept here; empty if one can. Makes nothing."""
        folder = self.folder.absolute()
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            return ""
        return f"make it possible to write in {nearest}, or set GRAPHRAG_DATA_DIR"

    def begin(self, tenant: str) -> Upload:
        """Begin to receive a file of a tenant."""
        return Upload(self.folder / check_label("tenant", tenant))

    def put(self, tenant: str, data: bytes) -> str:
        """Keep a whole file; see Upload.finish."""
        upload = self.begin(tenant)
        try:
            upload.write(data)
            return upload.finish()
        finally:
            upload.discard()

    def read(self, tenant: str, sha256: str) -> bytes:
        """The bytes of a file.

        Raises:
            NotFoundError: it is not kept any more.
            StoreError: it cannot be read.
        """
        path = self._path(tenant, sha256)
        try:
            return path.read_bytes()
        except FileNotFoundError as exc:
            raise NotFoundError(
                "the uploaded file is no longer kept where the worker looks for it: upload it again, or see the worker's log"
            ) from exc
        except OSError as exc:
            raise StoreError(f"{path} cannot be read ({exc.strerror or exc}): check GRAPHRAG_DATA_DIR") from exc

    def missing(self, tenant: str, hashes: Iterable[str]) -> int:
        """How many of these files are not kept."""
        return sum(not self._path(tenant, sha256).exists() for sha256 in hashes)

    def tenants(self) -> list[str]:
        """Tenants that have files, in no order."""
        found: list[str] = []
        for path in self.folder.glob("*"):
            with suppress(InputError):  # other things may lie there, such as lost+found
                found.append(check_label("tenant", path.name))
        return found

    def sweep(self, older_than: float, keep: Collection[tuple[str, str]]) -> int:
        """Delete files that were put more than so many seconds ago, but for those in `keep` (tenant, SHA-256).

        Returns:
            How many were deleted. What cannot be deleted is left for the next time.
        """
        before, deleted = time.time() - older_than, 0
        for path in self.folder.glob("*/*"):
            ours = _SHA256.fullmatch(path.name) or path.name.startswith(_PARTIAL)
            if not ours or (path.parent.name, path.name) in keep:
                continue
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
                    deleted += 1
            except OSError:
                continue
        return deleted

    def _path(self, tenant: str, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InputError(f"{sha256[:80]!r} is not a SHA-256 of 64 hexadecimal digits")
        return self.folder / check_label("tenant", tenant) / sha256
