"""Scopes, plans of documents and filled stores that the contract suite of graph stores is written with."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, settings

from graphrag.stores.base import GraphStore
from graphrag.types import GraphBatch, Scope, Subgraph
from tests.contracts.conftest import StoreFactory
from tests.contracts.generate import NAMES, ChunkPlan, DocumentPlan, SentencePlan, build
from tests.contracts.oracle import OracleStore

ANYBODY = Scope()
EVERYTHING = Scope(access=frozenset({"*"}))
LEGAL = Scope(access=frozenset({"legal"}))
RIVAL = Scope("rival", frozenset({"*"}))


def bounded(factory: StoreFactory) -> settings:
    """As many examples as a kind of store has time for."""
    return settings(
        max_examples=factory.kind.examples,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def named(*names: str, **changes: object) -> ChunkPlan:
    """A chunk with one sentence that names the given NAMES."""
    plan = ChunkPlan((SentencePlan(tuple(NAMES.index(name) for name in names)),))
    return replace(plan, **changes)


def document(*chunks: ChunkPlan, **changes: object) -> DocumentPlan:
    """A document of tenant `default` that everybody sees."""
    return replace(DocumentPlan(chunks or (named("Acme", "Berlin", relations=1),)), **changes)


async def fill(store: GraphStore, plans: Sequence[DocumentPlan]) -> list[GraphBatch]:
    """Write the plans and return their batches."""
    batches = [build(plan) for plan in plans]
    for plan, batch in zip(plans, batches, strict=True):
        await store.write(plan.owner, batch)
    return batches


async def oracle_with(plans: Sequence[DocumentPlan]) -> OracleStore:
    """The specification, filled with the plans."""
    oracle = OracleStore()
    await fill(oracle, plans)
    return oracle


def changed(old: DocumentPlan, how: str, other: DocumentPlan) -> DocumentPlan:
    """`old` with one aspect taken from `other`."""
    match how:
        case "content":
            return replace(old, chunks=other.chunks)
        case "metadata":
            return replace(old, metadata=other.metadata)
        case "access":
            return replace(old, access=other.access)
        case _:
            return replace(old, title=other.title)


def sizes(graph: Subgraph) -> tuple[int, int, int]:
    return len(graph.entities), len(graph.relations), len(graph.same_as)
