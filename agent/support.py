"""Whether a sentence is supported by the passages that it cites, as far as can be told without reading.

Three signs are looked at: names and numbers (each has to occur in what is cited, or in the question), the share of the
sentence's words that occur there, and the highest cosine similarity to one of the sentences there. None of them sees a
negation or a swapped role; a language model can be asked besides (`GRAPHRAG_LLM_VERIFY`). Text that is not English is rarely
found supported: word stems and similarity are those of English.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphrag.analysis import fold, terms
from graphrag.embedding import Passage, PassageEncoder
from graphrag.retrieval.ledger import Ledger
from graphrag.types import Chunk, ChunkVectors

# Set on the pairs of tests/agent/test_support.py, half of them hard negatives, with room on both sides.
WORDS = 0.8
"""Share of a sentence's words with which it is supported, however it is put."""
SIMILAR = 0.75
"""The same of similarity."""
BOTH = (0.5, 0.5)
"""Share of words and similarity that suffice together."""
_NAME = re.compile(r"\b(?:[A-Z][\w’'-]*|\w*\d[\w.,:/-]*\w|\d)")
_MARKER = re.compile(r"\s*\[\d+\]")
_CONNECTIVES = frozenset("the a an it its this that these those he she they his her their yes no both neither according however and but in on at of for as since".split())  # fmt: skip


@dataclass(frozen=True, slots=True)
class Support:
    """How well a sentence is founded on what it cites."""

    words: float
    """Share of its words that occur there, 0 to 1; 1 for a sentence without any."""
    similarity: float
    """Highest cosine to a sentence there, times the encoder's scale; 0 without any."""
    unfounded: tuple[str, ...]
    """Names and numbers that do not occur there."""

    @property
    def holds(self) -> bool:
        """Whether that suffices."""
        if self.unfounded:
            return False
        together = self.words >= BOTH[0] and self.similarity >= BOTH[1]
        return self.words >= WORDS or self.similarity >= SIMILAR or together


async def supports(
    ledger: Ledger, encoder: PassageEncoder, claims: Sequence[tuple[str, Sequence[str]]]
) -> list[Support]:
    """The support of each claim, in order.

    Args:
        claims: a sentence (its `[n]` are passed over) and the ids of the chunks that it cites, which the ledger holds. One
            without any is supported by nothing.
    """
    ids = list(dict.fromkeys(id_ for _, cited in claims for id_ in cited))
    held = await ledger.store.chunks_with_vectors(ledger.scope, ids, ledger.filter) if ids else []
    vectors = {chunk.id: vectors for chunk, vectors in held}
    texts = [_MARKER.sub("", text) for text, _ in claims]
    encoded = await encoder.encode([Passage("", text, ()) for text in texts]) if ids else []
    found: list[Support] = []
    for place, (text, (_, cited)) in enumerate(zip(texts, claims, strict=True)):
        chunks = [ledger.candidates[id_].chunk for id_ in cited]
        similarity = encoder.scale * _similarity(encoded[place].chunk, cited, vectors) if ids else 0.0
        found.append(_support(text, chunks, ledger.question.text, similarity))
    return found


def _similarity(claim: np.ndarray, cited: Sequence[str], vectors: Mapping[str, ChunkVectors]) -> float:
    rows = [vectors[id_].sentences for id_ in cited if id_ in vectors and len(vectors[id_].sentences)]
    return float((np.concatenate(rows).astype(np.float32) @ claim).max()) if rows else 0.0


def _support(text: str, chunks: Sequence[Chunk], question: str, similarity: float) -> Support:
    if not chunks:
        return Support(0.0, 0.0, ())
    said = " ".join(f"{chunk.title} {' '.join(chunk.heading)} {chunk.text}" for chunk in chunks)
    held = frozenset(terms(said)) | frozenset(terms(question))
    own = frozenset(terms(text))
    words = len(own & held) / len(own) if own else 1.0
    return Support(words, similarity, _unfounded(text, f"{said} {question}"))


def _unfounded(text: str, said: str) -> tuple[str, ...]:
    known = frozenset(re.findall(r"\w+", fold(said)))
    missing: list[str] = []
    for found in _NAME.finditer(text):
        begins = not text[: found.start()].strip()
        parts = re.findall(r"\w+", fold(found.group()))
        if begins and not any(character.isdigit() for part in parts for character in part):
            continue  # any word is capitalised there
        if parts and not known.issuperset(parts) and not (len(parts) == 1 and parts[0] in _CONNECTIVES):
            missing.append(found.group())
    return tuple(dict.fromkeys(missing))
