"""The contract of GraphStore: parts of a text."""

import tracemalloc
from dataclasses import replace

from graphrag.types import GraphBatch
from tests.contracts.conftest import StoreFactory
from tests.contracts.generate import build, fingerprinted
from tests.contracts.plans import ANYBODY, RIVAL, document


def _with_text(text: str) -> GraphBatch:
    """A document that has no chunk of its text."""
    empty = replace(build(document()), text=text, chunks=[], vectors=[], relations=[])
    return fingerprinted(replace(empty, document=replace(empty.document, length=len(text), chunk_count=0)))


async def test_a_part_of_a_text_is_counted_in_code_points_and_cut_to_what_there_is(store_factory: StoreFactory) -> None:
    text = "Zoë 🦑 met 🦑🦑 Łukasz\u0000 and e\u0301 ends."
    batch = _with_text(text)
    async with store_factory() as store:
        await store.write(ANYBODY, batch)
        id_, after = batch.document.id, len(text) + 5
        for start in range(-2, after):
            for end in (-1, 0, start - 1, start, start + 1, start + 7, after, 2**31 - 1):
                part = text[max(0, start) : max(0, start, end)]
                assert await store.text_between(ANYBODY, id_, start, end) == (len(text), part), (start, end)
        assert await store.text_between(RIVAL, id_, 0, 5) is None
        assert await store.text_between(ANYBODY, "none", 0, 5) is None


async def test_of_a_part_of_a_text_no_more_is_read_than_that(store_factory: StoreFactory) -> None:
    text = "A line of a document that is very long.\n" * 100_000
    batch = _with_text(text)
    async with store_factory() as store:
        await store.write(ANYBODY, batch)
        await store.text_between(ANYBODY, batch.document.id, 0, 10)
        tracemalloc.start()
        try:
            _, part = await store.text_between(ANYBODY, batch.document.id, 2_000_000, 2_000_100) or (0, "")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert part == text[2_000_000:2_000_100]
        assert most < len(text) // 4
