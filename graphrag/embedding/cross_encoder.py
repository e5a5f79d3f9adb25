"""Re-ranking on this machine: a cross-encoder in a folder, run by ONNX Runtime on the CPU.

Any sequence classifier with one output will do that is exported as `model.onnx` (or `onnx/model.onnx`) with its
`tokenizer.json`, as those of sentence-transformers on model hubs are. Nothing is downloaded.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrag.embedding.onnx import model_files, open_session, text_inputs
from graphrag.embedding.tokenizer import read_backend
from graphrag.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Encoding

MAX_TOKENS = 512
"""Of a question with its passage, the length for which such models are made. The longer of the two is cut, so a question of up
to half of it is not."""
BATCH = 16
THREADS = 2
"""Within one forward pass."""


class CrossEncoder:
    """Implements Reranker. Safe to share between tasks; one batch runs at a time.

    Args:
        folder: holds the model and its tokenizer.
        candidates: how many hits of a search it is given at least.

    Raises:
        ConfigError: the folder or a file is missing.
        ModelError: a file is damaged, or the model takes other inputs.
    """

    def __init__(self, folder: Path, *, candidates: int = 40) -> None:
        self.model = folder.name
        self.candidates = candidates
        model, tokenizer = model_files(folder, "GRAPHRAG_RERANK_MODEL")
        self._tokenizer = read_backend(tokenizer.read_bytes(), str(tokenizer))
        self._tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
        self._session: Any = open_session(model, str(model), threads=THREADS, arena=False)
        self._inputs = text_inputs(self._session, model)
        self._busy = asyncio.Lock()

    async def aclose(self) -> None:
        """See Reranker.aclose."""

    async def rerank(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Reranker.rerank. The scores are the model's logits.

        Raises:
            ModelError: the model failed, or has more than one output for a pair.
        """
        if not texts:
            return np.zeros(0, dtype=np.float32)
        async with self._busy:
            return await asyncio.to_thread(self._scores, query, texts)

    def _scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        try:
            encoded = self._tokenizer.encode_batch([(query, text) for text in texts])
        except Exception as exc:  # the Rust binding raises bare Exception, and TypeError for half a surrogate pair
            raise ModelError(f"the tokenizer of the cross-encoder {self.model} failed: {exc}") from exc
        scores = np.empty(len(texts), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda place: len(encoded[place].ids))
        for begin in range(0, len(by_length), BATCH):  # of like lengths, so that little is padding
            places = by_length[begin : begin + BATCH]
            scores[places] = self._run([encoded[place] for place in places])
        return scores

    def _run(self, pairs: "Sequence[Encoding]") -> NDArray[np.float32]:
        longest = max(len(pair.ids) for pair in pairs)
        fields = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
        feed = {name: np.zeros((len(pairs), longest), dtype=np.int64) for name in self._inputs}
        for name, rows in feed.items():
            for row, pair in zip(rows, pairs, strict=True):
                values: list[int] = getattr(pair, fields[name])
                row[: len(values)] = values
        try:
            logits = np.asarray(self._session.run(None, feed)[0], dtype=np.float32)
        except Exception as exc:  # ONNX Runtime raises kinds of its own
            raise ModelError(f"the cross-encoder {self.model} failed: {exc}") from exc
        if logits.size != len(pairs) or not np.isfinite(logits).all():
            raise ModelError(
                f"the cross-encoder {self.model} has no single finite score for a pair: use one with one label"
            )
        return logits.reshape(len(pairs))
