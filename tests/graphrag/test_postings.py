"""Postings: what each chunk holds of a term, however they were added and asked."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphrag.stores.embedded import postings
from graphrag.stores.embedded.postings import Postings

_WORDS = ["a", "b", "c", "d", "zoë"]
_STEPS = st.lists(st.lists(st.sampled_from(_WORDS), max_size=6) | st.sampled_from(_WORDS), max_size=12)


@pytest.mark.parametrize("together", [1, 2, 100])
@given(steps=_STEPS)
def test_a_term_has_the_chunks_that_hold_it_with_their_counts(steps: list[list[str] | str], together: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "_TOGETHER", together)
        held, added = Postings(), list[Counter[str]]()
        for step in [*steps, *_WORDS]:
            if isinstance(step, list):
                held.add(len(added) * 10, step)
                added.append(Counter(step))
            else:
                wanted = [[row * 10, counts[step]] for row, counts in enumerate(added) if step in counts]
                assert held.of(step).tolist() == wanted
