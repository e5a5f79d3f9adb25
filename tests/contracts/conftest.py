"""The stores that the contract suite runs against. A further store is one line in STORES."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from graphrag.stores.base import GraphStore
from graphrag.stores.embedded.store import EmbeddedStore
from graphrag.types import Fingerprints
from tests.contracts.generate import FIELDS
from tests.contracts.oracle import OracleStore

FINGERPRINTS = Fingerprints(embedder="hashing-8", sentences="sentences-8")


@dataclass(frozen=True)
class StoreKind:
    """How to open a store, and what it can do beyond the port."""

    open: Callable[[Path], GraphStore]
    """The store at a place that no other test uses, not yet entered."""
    shared_by_path: bool = False
    """Stores opened at one place share their data, and it outlives them."""
    exact_cut: bool = True
    """Which chunks are among the `k` of a search is decided by the very scores of the specification."""


STORES: dict[str, StoreKind] = {
    "oracle": StoreKind(lambda place: OracleStore()),
    "embedded": StoreKind(lambda place: EmbeddedStore(place / "graph.db", filter_fields=FIELDS), shared_by_path=True),
}


@dataclass(frozen=True)
class StoreFactory:
    """Opens empty, bound stores; may be called as often as a test likes."""

    kind: StoreKind
    folder: Path
    numbers: "count[int]"

    def place(self) -> Path:
        """A new place for a store."""
        place = self.folder / str(next(self.numbers))
        place.mkdir()
        return place

    @asynccontextmanager
    async def __call__(self, place: Path | None = None) -> AsyncGenerator[GraphStore]:
        """A bound store: at a new place, hence empty, or at the given one."""
        async with self.kind.open(place or self.place()) as store:
            await store.bind(FINGERPRINTS)
            yield store

    def unbound(self, place: Path) -> AbstractAsyncContextManager[GraphStore]:
        """The store at a place, not bound by the factory."""
        return self.kind.open(place)


def _factory(name: str, folders: pytest.TempPathFactory) -> StoreFactory:
    return StoreFactory(STORES[name], folders.mktemp(name), count())


@pytest.fixture(scope="module", params=STORES)
def store_factory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoreFactory:
    """Module-scoped, because Hypothesis runs many examples inside one test."""
    return _factory(request.param, tmp_path_factory)


@pytest.fixture(scope="module", params=[name for name in STORES if name != "oracle"])
def tested_factory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoreFactory:
    """For random comparisons, with the oracle or with itself: every store but the oracle, which the oracle says nothing about."""
    return _factory(request.param, tmp_path_factory)


@pytest.fixture(scope="module", params=[name for name, kind in STORES.items() if kind.shared_by_path])
def shared_factory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoreFactory:
    """For what only stores can do whose data outlives them."""
    return _factory(request.param, tmp_path_factory)
