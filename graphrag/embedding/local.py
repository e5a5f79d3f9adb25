"""A sentence encoder on this machine, run by ONNX Runtime on the CPU.

Reimers and Gurevych, Sentence-BERT (EMNLP 2019). Sentence vectors come from the passage's own forward pass (late chunking,
Günther et al., 2024, arXiv:2409.04701).
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from graphrag.embedding import Kind, Passage
from graphrag.embedding.tokenizer import CLS, SEP, SPECIAL_TOKENS, Tokenizer
from graphrag.errors import ConfigError, GraphRAGError, ModelError
from graphrag.types import ChunkVectors

MAX_TOKENS = 256
"""What MiniLM was trained with."""
_MAX_PREFIX = 64  # tokens; leaves most of a window to the text

_MAX_CHARACTERS = 16_384  # read by `embed`: spares tokenizing a book of which a page is used

_T = TypeVar("_T")


class Session(Protocol):
    """The part of onnxruntime.InferenceSession (which has no type stubs) that is used."""

    def run(self, output_names: Sequence[str] | None, input_feed: dict[str, NDArray[np.int64]]) -> list[object]:
        """The outputs for the inputs."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """An encoder, opened: token ids in, `(1, n, dimension)` states out."""

    name: str
    """Tells apart what gives other vectors, its prefixes included: the fingerprint."""
    dimension: int
    tokenizer: Tokenizer
    session: Session
    begin: int = CLS
    """Id of the token before every input ..."""
    end: int = SEP
    """... and of the one after it."""
    max_tokens: int = MAX_TOKENS
    """Of one pass, the special ones included."""
    takes_types: bool = True
    """Whether `token_type_ids` is one of its inputs."""
    first_token: bool = False
    """Whether a text has the state of the token before it; if not, the mean of all states."""
    query_prefix: str = ""
    document_prefix: str = ""


@dataclass(frozen=True, slots=True)
class _Window:
    """One input of the model, and what to read from its token states."""

    owner: int
    """Index of its passage or text."""
    number: int
    """0, 1, 2 ... within its owner."""
    ids: NDArray[np.int64]
    """`(n,)` with the special tokens, n <= max_tokens."""
    sentences: tuple[tuple[int, int, int], ...] = ()
    """(sentence, first, last): states `first` to `last`, exclusive, are the sentence's. Never empty ranges."""


@dataclass(frozen=True, slots=True)
class _Pooled:
    """What is kept of a window's token states."""

    window: _Window
    total: NDArray[np.float32]
    """`(dimension,)`, sum over all its tokens, or as many times the state of the first one."""
    sentences: tuple[NDArray[np.float32], ...]
    """Sums parallel to `window.sentences`."""


class LocalEncoder:
    """Implements Embedder and PassageEncoder. Safe to share between tasks and event loops.

    Windows run in `workers` threads of its own, so that the event loop stays free; at most that many are in flight per
    call, so that a query waits for a window of a long-running `encode`, not for all of it. Vectors do not depend on
    what else is embedded in the same call.

    Args:
        workers: passes at a time, of one thread each: two of them are faster than one pass of two threads.

    Raises:
        ConfigError: `workers` is below 1.
    """

    def __init__(self, model: Model, *, workers: int = 2) -> None:
        if workers < 1:
            raise ConfigError(f"the local embedding model needs at least 1 worker, not {workers}")
        self._model = model
        self._workers = workers
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="embedding")

    async def aclose(self) -> None:
        """As Embedder.aclose; passes under way finish first."""
        await asyncio.to_thread(self._executor.shutdown)

    @property
    def fingerprint(self) -> str:
        """As Embedder.fingerprint."""
        return self._model.name

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._model.dimension

    @property
    def scale(self) -> float:
        """As Embedder.scale."""
        return 1.0

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """As Embedder.embed; what is longer than one pass is cut."""
        prefix = self._model.query_prefix if kind == "query" else self._model.document_prefix
        if len(texts) == 1:  # a question, which would wait for each change of threads
            alone = await self._work(lambda: self._forward(self._text_window(0, prefix + texts[0])))
            return _unit(alone.total)[np.newaxis]
        windows = await self._work(
            lambda: [self._text_window(index, prefix + text) for index, text in enumerate(texts)]
        )
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for pooled in await self._run(windows):
            vectors[pooled.window.owner] = _unit(pooled.total)
        return vectors

    async def encode(self, passages: Sequence[Passage]) -> list[ChunkVectors]:
        """As PassageEncoder.encode. The model reads prefix, line break, text.

        A passage that does not fit into one pass is cut at sentence ends into windows that repeat the prefix (its
        first 64 tokens); a sentence longer than a window has the vector of its beginning.
        """
        windows = await self._work(
            lambda: [window for index, passage in enumerate(passages) for window in self._windows(index, passage)]
        )
        pooled = await self._run(windows)
        return await self._work(partial(_assemble, passages, pooled))

    def _text_window(self, index: int, text: str) -> _Window:
        model = self._model
        ids = model.tokenizer.tokenize(text[:_MAX_CHARACTERS]).ids[: model.max_tokens - SPECIAL_TOKENS]
        return _Window(index, 0, np.concatenate(([model.begin], ids, [model.end])))

    def _windows(self, index: int, passage: Passage) -> Iterator[_Window]:
        model = self._model
        tokens = model.tokenizer.tokenize(passage.text)
        prefix = model.tokenizer.tokenize(model.document_prefix + passage.prefix).ids
        if len(prefix) + len(tokens) + SPECIAL_TOKENS > model.max_tokens:
            prefix = prefix[:_MAX_PREFIX]
        room = model.max_tokens - SPECIAL_TOKENS - len(prefix)
        # Tokens of each sentence; one that begins in the white space before its first token counts as beginning there.
        firsts = np.searchsorted(tokens.starts, [start for start, _ in passage.sentences]).tolist()
        lasts = np.searchsorted(tokens.starts, [end for _, end in passage.sentences]).tolist()
        first = number = 0
        while True:
            last = min(len(tokens), first + room)
            if last < len(tokens):
                # Cut at the last sentence end within reach, else (a sentence longer than a window) where it is full.
                ends = bisect_right(lasts, last)
                if ends and lasts[ends - 1] > first:
                    last = lasts[ends - 1]
            shift = 1 + len(prefix) - first
            sentences = tuple(
                (sentence, begin + shift, min(end, last) + shift)
                for sentence, (begin, end) in enumerate(zip(firsts, lasts, strict=True))
                if first <= begin < min(end, last)
            )
            ids = np.concatenate(([model.begin], prefix, tokens.ids[first:last], [model.end]))
            yield _Window(index, number, ids, sentences)
            if last >= len(tokens):
                return
            first, number = last, number + 1

    async def _work(self, function: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function)
        except GraphRAGError:
            raise
        except Exception as exc:  # onnxruntime and tokenizers raise their own kinds, and bare Exception
            raise ModelError(f"the local embedding model failed: {type(exc).__name__}: {exc}") from exc

    async def _run(self, windows: Sequence[_Window]) -> list[_Pooled]:
        """Run windows one by one in all workers.

        One at a time is the fastest: batches pad to their longest window and spill the caches (40 to 130 % more time).
        """
        results: list[_Pooled] = []
        queue = iter(windows)

        async def work() -> None:
            for window in queue:
                pooled = await self._work(partial(self._forward, window))
                results.append(pooled)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._workers, len(windows))):
                    group.create_task(work())
        except* GraphRAGError as failed:
            raise failed.exceptions[0] from None
        return results

    def _forward(self, window: _Window) -> _Pooled:
        ids = window.ids[np.newaxis]
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        if self._model.takes_types:
            feed["token_type_ids"] = np.zeros_like(ids)
        states = cast("NDArray[np.float32]", self._model.session.run(None, feed)[0])[0]
        sums = tuple(states[first:last].sum(axis=0) for _, first, last in window.sentences)
        total = states[0] * len(states) if self._model.first_token else states.sum(axis=0)
        return _Pooled(window, total, sums)


def _assemble(passages: Sequence[Passage], pooled: Sequence[_Pooled]) -> list[ChunkVectors]:
    """One ChunkVectors per passage, from its windows."""
    by_owner: list[list[_Pooled]] = [[] for _ in passages]
    for part in pooled:
        by_owner[part.window.owner].append(part)
    vectors: list[ChunkVectors] = []
    for passage, parts in zip(passages, by_owner, strict=True):
        # The sum over all windows divided by its length is the mean of their means, weighted by tokens, at unit length.
        # Windows finish in any order and float addition is not associative: add them in text order.
        parts.sort(key=lambda part: part.window.number)
        chunk = _unit(np.sum([part.total for part in parts], axis=0))
        sentences = np.empty((len(passage.sentences), len(chunk)), dtype=np.float16)
        sentences[:] = chunk
        for part in parts:
            for (number, _, _), total in zip(part.window.sentences, part.sentences, strict=True):
                sentences[number] = _unit(total)
        vectors.append(ChunkVectors(chunk=chunk, sentences=sentences))
    return vectors


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
