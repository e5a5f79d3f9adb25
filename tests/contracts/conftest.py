"""The stores that the contract suite runs against. A further store is one line in STORES and one in OPENERS."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest
from neo4j import AsyncDriver, AsyncGraphDatabase

from graphrag.stores.base import GraphStore
from graphrag.stores.embedded.open import open_stores as open_embedded
from graphrag.stores.neo4j.open import address_of, open_stores
from graphrag.stores.system import SystemStore
from graphrag.types import Fingerprints
from tests.contracts.generate import FIELDS
from tests.contracts.jobs import Opener, Stores
from tests.contracts.neo4j import empty
from tests.contracts.oracle import OracleStore
from tests.embedded import embedded_store

FINGERPRINTS = Fingerprints(embedder="hashing-8", sentences="sentences-8")


@dataclass(frozen=True)
class StoreKind:
    """How to open a store, and what it can do beyond the port."""

    open: Callable[[Path], AbstractAsyncContextManager[GraphStore]]
    """The store at a place that no other test uses, not yet entered."""
    shared_by_path: bool = False
    """Stores opened at one place share their data, and it outlives them."""
    several: bool = True
    """Stores at different places may be open at once."""
    examples: int = 60
    """Random examples that there is time for."""
    exact_cut: bool = True
    """Which chunks are among the `k` of a search is decided by the very scores of the specification."""


def _neo4j(url: str) -> StoreKind:
    """A server has one database, which is emptied when a test comes with another place."""
    current: list[Path] = []

    @asynccontextmanager
    async def open_at(place: Path) -> AsyncGenerator[GraphStore]:
        if current != [place]:
            await empty(url)
            current[:] = [place]
        async with open_stores(url, filter_fields=FIELDS) as (store, _):
            yield store

    return StoreKind(open_at, shared_by_path=True, several=False, examples=12, exact_cut=False)


# A kind is made of the URL of a Neo4j server, which is asked for only where the name says that it is needed.
STORES: dict[str, Callable[[str], StoreKind]] = {
    "oracle": lambda url: StoreKind(lambda place: nullcontext(OracleStore())),
    "embedded": lambda url: StoreKind(
        lambda place: embedded_store(place / "graph.db", filter_fields=FIELDS), shared_by_path=True
    ),
    "neo4j": _neo4j,
}
SHARED = ("embedded", "neo4j")


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

    def another(self) -> AbstractAsyncContextManager[GraphStore]:
        """A second store beside one of this kind, empty: of the same kind if that can be, else the specification."""
        return self() if self.kind.several else nullcontext(OracleStore())

    def unbound(self, place: Path) -> AbstractAsyncContextManager[GraphStore]:
        """The store at a place, not bound by the factory."""
        return self.kind.open(place)


def _factory(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> StoreFactory:
    name: str = request.param
    url = request.getfixturevalue("neo4j_url") if name == "neo4j" else ""
    return StoreFactory(STORES[name](url), folders.mktemp(name), count())


@pytest.fixture(scope="module", params=STORES)
def store_factory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoreFactory:
    """Module-scoped, because Hypothesis runs many examples inside one test."""
    return _factory(request, tmp_path_factory)


@pytest.fixture(scope="module", params=[name for name in STORES if name != "oracle"])
def tested_factory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoreFactory:
    """For random comparisons, with the oracle or with itself: every store but the oracle, which the oracle says nothing about."""
    return _factory(request, tmp_path_factory)


@pytest.fixture(scope="module", params=SHARED)
def shared_factory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoreFactory:
    """For what only stores can do whose data outlives them."""
    return _factory(request, tmp_path_factory)


@pytest.fixture
async def driver(neo4j_url: str) -> AsyncGenerator[AsyncDriver]:
    """The server as an administrator sees it."""
    address = address_of(neo4j_url)
    auth = (address.user, address.password) if address.user else None
    async with AsyncGraphDatabase.driver(address.server, auth=auth) as opened:
        yield opened


OPENERS: dict[str, Callable[[pytest.FixtureRequest], Opener]] = {
    "embedded": lambda request: (
        lambda place: open_embedded(f"sqlite:///{quote(str(place / 'graph.db'))}", filter_fields=())
    ),
    "neo4j": lambda request: _on_server(request.getfixturevalue("neo4j_url")),
}


def _on_server(url: str) -> Opener:
    """A server is one place; it is emptied when a test comes."""
    asyncio.run(empty(url))
    return lambda place: open_stores(url, filter_fields=())


@pytest.fixture(params=sorted(OPENERS))
def opener(request: pytest.FixtureRequest) -> Opener:
    """Opens the two stores at a place; what is opened at one place is shared."""
    return OPENERS[request.param](request)


@pytest.fixture
async def stores(opener: Opener, tmp_path: Path) -> AsyncGenerator[Stores]:
    """Both stores, empty."""
    async with opener(tmp_path) as opened:
        yield opened


@pytest.fixture
def system(stores: Stores) -> SystemStore:
    """The system store, empty."""
    return stores[1]
