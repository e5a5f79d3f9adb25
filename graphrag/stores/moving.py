"""Moving a store to another embedding model while it is in use: new vectors beside the old, one switch, then cleaning up.

Unlike all else that a store offers this is of the whole store, over all tenants: a store has one model. What is returned
never reaches a caller's answers.

A move has three phases. *Filling*: vectors of the new model are kept beside those in use; documents are written and read as
ever. *Switched*: in one transaction the new vectors have become those in use; whoever is bound to the old model is refused
from then on, in each transaction that reads or writes vectors. *Ended*: nothing of the old model is left. Each phase may be
broken off at any point and continued by any process.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graphrag.errors import SchemaMismatchError
from graphrag.types import Document, Fingerprints, Span


@dataclass(frozen=True, slots=True)
class Move:
    """A change of the model of chunk vectors that is under way."""

    source: str
    """Fingerprint of the model whose vectors were in use when it began."""
    target: str
    """Fingerprint of the one that they are replaced by."""
    switched: bool


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A chunk without a vector of the new model, and what that is made of."""

    id: str
    version: str
    """Fingerprint of its document as it was read: a vector counts only while that has not changed."""
    title: str
    heading: tuple[str, ...]
    text: str
    sentences: tuple[Span, ...]
    """Spans within `text`."""


def unembedded(row: Sequence[Any]) -> Unembedded:
    """From a row of id, document's fingerprint and title, and the chunk's heading, text, start and sentences as stored."""
    id_, version, title, heading, text, start, sentences = row
    spans = tuple((left - start, right - start) for left, right in json.loads(sentences))
    return Unembedded(id_, version, title, tuple(json.loads(heading)), text, spans)


@dataclass(frozen=True, slots=True)
class Rename:
    """A new fingerprint of a document that is stored, whose contribution it describes as well."""

    id: str
    old: str
    new: str


class Moves(Protocol):
    """What a GraphStore offers for it. Failures of the database are raised as StoreError."""

    async def current(self) -> Move | None:
        """The move that is under way; None if there is none."""
        ...

    async def begin(self, target: str, dimension: int) -> Move:
        """Begin a move to a model, or go on with it. One to yet another model that has not been switched is dropped.

        Raises:
            SchemaMismatchError: the store is not bound to a model yet, is bound to this one already, or a move to another
                model has been switched and not ended.
        """
        ...

    async def count(self) -> int:
        """Chunks of the store, of all tenants."""
        ...

    async def waiting(self, after: str, limit: int) -> list[Unembedded]:
        """Chunks that have no vector of the new model, ascending by id, those greater than `after`, at most `limit`."""
        ...

    async def add(self, target: str, chunks: Sequence[Unembedded], vectors: NDArray[np.float32]) -> None:
        """Keep vectors of the new model; those of chunks that are gone or changed meanwhile are passed over.

        Args:
            target: the move must still be to it.
            chunks: what was embedded.
            vectors: `(len(chunks), dimension)`, unit length.

        Raises:
            SchemaMismatchError: the move was dropped or switched meanwhile.
        """
        ...

    async def switch(self, target: str) -> bool:
        """Make the new vectors those in use, in one transaction, unless a chunk has none yet.

        Returns:
            Whether they are. If not, more chunks are `waiting`.

        Raises:
            SchemaMismatchError: the move was dropped meanwhile.
        """
        ...

    async def documents(self, after: str, limit: int) -> list[Document]:
        """Documents of all tenants, ascending by id, those greater than `after`, at most `limit`."""
        ...

    async def rename(self, renames: Sequence[Rename]) -> None:
        """Give documents new fingerprints, where they still have the old ones."""
        ...

    async def end(self, target: str) -> None:
        """After the switch: remove what is left of the old model, and forget the move.

        Raises:
            SchemaMismatchError: the move to this model has not been switched.
        """
        ...


def check_bound(stored: Fingerprints | None, bound: Fingerprints | None, location: str) -> None:
    """Refuse to go on when other models are recorded by now than those that this process uses.

    Raises:
        SchemaMismatchError: says which and what to do.
    """
    if stored is None or bound is None:
        return
    for name, recorded, value in (
        ("embedder", stored.embedder, bound.embedder),
        ("sentences", stored.sentences, bound.sentences),
    ):
        if recorded != value:
            raise SchemaMismatchError(
                f"{location} was filled with the {name} model {recorded!r}, this process is configured with {value!r}, and "
                f"their vectors cannot be compared: set GRAPHRAG_EMBEDDER and GRAPHRAG_EMBEDDING_* to the first and start "
                f"again, or move to the second with 'graphrag reembed', or use another store (GRAPHRAG_STORE_URL)"
            )


def check_move(move: Move | None, target: str, location: str, *, switched: bool = False) -> Move:
    """The move that a step belongs to.

    Raises:
        SchemaMismatchError: it is to another model by now, or not in the phase of the step.
    """
    if move is None or move.target != target or move.switched != switched:
        raise SchemaMismatchError(
            f"{location} is not being moved to the model {target!r} any more: another process ended or replaced this "
            f"move; see 'graphrag jobs list', then run 'graphrag reembed' again"
        )
    return move


def check_begin(move: Move | None, bound: Fingerprints | None, target: str, location: str) -> str:
    """The model whose vectors are in use, if a move to another one may begin or go on.

    Raises:
        SchemaMismatchError: as Moves.begin.
    """
    if bound is None:
        raise SchemaMismatchError(f"{location} holds no vectors yet: ingest with the model that is configured")
    if move is not None and move.switched:
        raise SchemaMismatchError(
            f"{location} has been moved to {move.target!r}, but this was not ended: run 'graphrag reembed' with the settings "
            f"of that model first"
        )
    if bound.embedder == target:
        raise SchemaMismatchError(f"{location} has vectors of {target!r} already: there is nothing to do")
    return bound.embedder
