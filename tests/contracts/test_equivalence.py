"""Whatever happened to a store, its canonical export is that of writing what is left once: byte for byte."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from graphrag.exporting import canonical_lines
from graphrag.stores.base import GraphStore
from graphrag.types import Scope
from tests.contracts.conftest import StoreFactory
from tests.contracts.generate import TENANTS, DocumentPlan, build, document_plans
from tests.contracts.plans import changed

EVERYTHING = [Scope(tenant, frozenset({"*"})) for tenant in TENANTS]
READERS = [*EVERYTHING, Scope(), Scope(access=frozenset({"legal"}))]


async def canonical(store: GraphStore, scope: Scope) -> str:
    """The canonical export as one text."""
    return "\n".join([line async for line in canonical_lines(store, scope)])


async def written_once(
    factory: StoreFactory, plans: Mapping[str, DocumentPlan], order: Random, *, together: bool
) -> list[str]:
    """The canonical exports of a fresh store in which the plans were written in some order, by reader."""
    final = sorted(plans.values(), key=lambda plan: plan.id)
    order.shuffle(final)
    async with factory() as fresh:
        if together:
            await write_together(fresh, final)
        else:
            for plan in final:
                await fresh.write(plan.owner, build(plan))
        return [await canonical(fresh, reader) for reader in READERS]


async def write_together(store: GraphStore, plans: Sequence[DocumentPlan]) -> None:
    """One transaction for each tenant."""
    for owner in EVERYTHING:
        await store.write_many(owner, [build(plan) for plan in plans if plan.tenant == owner.tenant])


class Histories(RuleBasedStateMachine):
    """A store to which anything happens that may; `factory` is set by a subclass."""

    factory: StoreFactory

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.store: GraphStore = self.loop.run(self.stack.enter_async_context(self.factory()))
        self.held: dict[str, DocumentPlan] = {}

    @rule(plan=document_plans)
    def ingest(self, plan: DocumentPlan) -> None:
        """A new document, or another version of one."""
        self._write(plan)

    @rule(plans=st.lists(document_plans, min_size=2, max_size=4, unique_by=lambda plan: plan.id))
    def ingest_together(self, plans: list[DocumentPlan]) -> None:
        """New documents and other versions in one transaction."""
        self.loop.run(write_together(self.store, plans))
        self.held.update((plan.id, plan) for plan in plans)

    @rule(pick=st.randoms(use_true_random=False))
    def ingest_again(self, pick: Random) -> None:
        """What is stored already."""
        if self.held:
            self._write(pick.choice(list(self.held.values())))

    @rule(
        pick=st.randoms(use_true_random=False),
        how=st.sampled_from(("content", "metadata", "access", "title")),
        other=document_plans,
    )
    def update(self, pick: Random, how: str, other: DocumentPlan) -> None:
        """One aspect of what is stored changes."""
        if self.held:
            self._write(changed(pick.choice(list(self.held.values())), how, other))

    @rule(pick=st.randoms(use_true_random=False), count=st.integers(1, 3), again=st.booleans())
    def delete(self, pick: Random, count: int, again: bool) -> None:
        """Documents go, and some come back as they were."""
        gone = pick.sample(list(self.held.values()), min(count, len(self.held)))
        for owner in EVERYTHING:
            ids = [plan.id for plan in gone if plan.tenant == owner.tenant]
            assert self.loop.run(self.store.delete_documents(owner, ids)) == len(ids)
        for plan in gone:
            del self.held[plan.id]
        if again and gone:
            self._write(gone[0])

    @invariant()
    def counts_are_those_of_what_is_held(self) -> None:
        """Cheap enough for every step; the whole comparison is at the end."""
        for owner in EVERYTHING:
            stored = self.loop.run(self.store.statistics(owner))
            plans = [plan for plan in self.held.values() if plan.tenant == owner.tenant]
            assert (stored.documents, stored.chunks) == (len(plans), sum(len(plan.chunks) for plan in plans))

    def teardown(self) -> None:
        """Compare with a store that saw only the final set, in two orders."""
        try:
            found = [self.loop.run(canonical(self.store, reader)) for reader in READERS]
            self.loop.run(self.stack.aclose())
            assert found == self.loop.run(written_once(self.factory, self.held, Random(1), together=False))
            assert found == self.loop.run(written_once(self.factory, self.held, Random(2), together=True))
        finally:
            self.loop.run(self.stack.aclose())
            self.loop.close()

    def _write(self, plan: DocumentPlan) -> None:
        self.loop.run(self.store.write(plan.owner, build(plan)))
        self.held[plan.id] = plan


def test_any_history_leaves_the_canonical_bytes_of_writing_the_final_set_once(tested_factory: StoreFactory) -> None:
    machine = type("HistoriesOfThisStore", (Histories,), {"factory": tested_factory})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(8, tested_factory.kind.examples // 2),
            stateful_step_count=12,
            suppress_health_check=list(HealthCheck),
        ),
    )
