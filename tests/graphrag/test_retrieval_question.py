"""Retrieval: reading a question, and the ledger of what was met."""

import asyncio
import math

import numpy as np
import pytest

from graphrag.errors import InputError
from graphrag.retrieval.chain import score_chains
from graphrag.retrieval.graph import expand
from graphrag.retrieval.ledger import MAX_CANDIDATES
from graphrag.retrieval.question import MAX_CHARACTERS, check_question, read_question
from graphrag.types import Scope
from tests.graphrag.handmade import (
    DISTRACTORS,
    EMBEDDER,
    EVERYONE,
    FIRST,
    QUESTION,
    SECOND,
    Part,
    Source,
    Store,
    ledger_for,
    source,
)

# Reading a question


@pytest.mark.parametrize("text", ["", "a", " ab ", "a" * (MAX_CHARACTERS + 1), "a" * 100_000, "???", "¿…! —"])
async def test_a_question_too_short_too_long_or_without_a_word_is_refused(store: Store, text: str):
    with pytest.raises(InputError, match=r"characters|no word"):
        check_question(text)
    with pytest.raises(InputError) as refused:
        await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, text)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("text", ["why", "  why\n", "你好吗", "a" * MAX_CHARACTERS, " " * 5_000 + "why"])
def test_a_question_within_bounds_is_stripped_and_accepted(text: str):
    assert check_question(text) == text.strip()


async def test_a_question_knows_its_terms_once_each_with_their_weights(store: Store):
    await store.put(source("a.txt", "A pump and a valve."), source("b.txt", "A pump."))

    question = await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, "  Which pump, pumps or zebra? ")

    assert question.text == "Which pump, pumps or zebra?"
    assert question.terms == ("pump", "zebra")
    assert question.weights == pytest.approx({"pump": math.log(1 + 98.5 / 2.5), "zebra": math.log(1 + 100.5 / 0.5)})
    assert question.total_weight == pytest.approx(math.log(1 + 98.5 / 2.5) + math.log(1 + 100.5 / 0.5))
    assert np.linalg.norm(question.vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("what is the defualt rate limmit", "what is the default rate limit"),
        ("what limits the rate", "what limits the rate"),
        ("which limerick is it", "which limerick is it"),  # a word of its own, though the documents have none
        ("what is the Limmit", "what is the Limmit"),  # may be a name
        ("where is the xylqzt", "where is the xylqzt"),
        ("defualt limmit raate dafault limitt", "defualt limmit raate dafault limitt"),
        ("who foundde it", "who founded it"),
        ("who will refoundle it", "who will refoundle it"),  # "refounde" is no word
    ],
)
async def test_slips_of_the_pen_are_put_right_by_what_the_documents_hold(store: Store, asked: str, read: str):
    await store.put(
        source("a.txt", "The default rate limit is 120."),
        source("b.txt", "The limits are checked by who refounds it, or founds it."),
    )

    question = await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, asked)

    assert question.text == read
    hidden = await read_question(store, EMBEDDER, EMBEDDER, Scope("other"), asked)
    assert hidden.text == asked  # nothing is learnt of what the scope does not see


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("when is the cutoff", "when is the cut-off"),
        ("what is a time-out", "what is a timeout"),
        ("who signs the hand-in, and its hand-ins?", "who signs the hand-in, and its hand-ins?"),
        ("what is leftover", "what is leftover"),
        ("where is the rollout", "where is the rollout"),  # neither is known
        ("when does the timeout end", "when does the timeout end"),
        ("who is Cutoff", "who is Cutoff"),
    ],
)
async def test_compounds_are_read_as_the_documents_write_them(store: Store, asked: str, read: str):
    await store.put(
        source("a.txt", "The cut-off is at noon. The timeout is 30 s. We left it there. We hand it in at ten.")
    )

    assert (await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, asked)).text == read


async def test_of_names_within_each_other_a_question_names_the_longest(store: Store):
    await store.put(
        source("a.txt", "Acme, Acme Corp and Acme Corp Berlin met Jane Smith.", "Acme", "Acme Corp"),
        source("b.txt", "Acme Corp Berlin and Jane Smith.", "Acme Corp Berlin", "Jane Smith"),
    )

    question = await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, "Did Acme Corp Berlin hire jane smith?")

    assert [entity.key for entity in question.entities] == ["acme corp berlin", "jane smith"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("What may I do?", []),
        ("What did May do?", ["may"]),
        ("what is systemd?", ["systemd"]),
        ("What must the Mayor know, and what may I do?", []),
    ],
)
async def test_a_lower_case_word_is_a_name_only_where_people_write_it_so(store: Store, text: str, named: list[str]):
    await store.put(source("a.txt", "May runs systemd.", "May", "systemd"))

    question = await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, text)

    assert [entity.key for entity in question.entities] == named


async def test_a_question_names_no_entity_that_the_scope_does_not_see(store: Store):
    await store.put(source("a.txt", "Jane Smith left.", "Jane Smith", access="secret"))

    assert not (await read_question(store, EMBEDDER, EMBEDDER, Scope(), "Where is Jane Smith?")).entities
    assert (await read_question(store, EMBEDDER, EMBEDDER, EVERYONE, "Where is Jane Smith?")).entities


# The ledger


async def test_a_ledger_never_holds_more_than_its_limit(store: Store):
    many = Source("many.txt", tuple(Part(f"Pump {n} runs.") for n in range(MAX_CANDIDATES + 20)))
    await store.put(many)
    ids = [many.chunk(position) for position in range(len(many.parts))]
    ledger = await ledger_for(store, "Which pump runs?")

    first = await ledger.add(ids[:150])
    second = await ledger.add(ids)

    assert (first, second) == (ids[:150], ids[150:MAX_CANDIDATES])
    assert len(ledger.candidates) == MAX_CANDIDATES
    assert await ledger.add(ids) == []


async def test_additions_made_side_by_side_keep_to_the_limit(store: Store):
    many = Source("many.txt", tuple(Part(f"Pump {n} runs.") for n in range(MAX_CANDIDATES + 60)))
    await store.put(many)
    ids = [many.chunk(position) for position in range(len(many.parts))]
    ledger = await ledger_for(store, "Which pump runs?")

    await asyncio.gather(ledger.add(ids[:130]), ledger.add(ids[130:]))

    assert len(ledger.candidates) <= MAX_CANDIDATES


async def test_a_passage_added_twice_side_by_side_joins_only_what_it_mentions(store: Store):
    await store.put(FIRST, SECOND, *DISTRACTORS)
    ids = [one.chunk() for one in (FIRST, SECOND, *DISTRACTORS)]
    ledger = await ledger_for(store, QUESTION)

    await asyncio.gather(ledger.add(ids[:2]), ledger.add(ids[:2]))
    await ledger.add(ids)
    await expand(ledger, ids, 0)

    expected = await ledger_for(store, QUESTION)
    await expected.add(ids)
    await expand(expected, ids, 0)
    assert score_chains(ledger) == score_chains(expected)


async def test_adding_a_passage_twice_loads_it_once(store: Store):
    one = source("a.txt", "A pump runs.")
    await store.put(one)
    ledger = await ledger_for(store, "Which pump runs?")

    assert await ledger.add([one.chunk(), one.chunk()]) == [one.chunk()]
    loaded = ledger.candidates[one.chunk()]
    assert await ledger.add([one.chunk()]) == []
    assert ledger.candidates[one.chunk()] is loaded


async def test_unknown_and_invisible_passages_are_not_added(store: Store):
    hidden = source("a.txt", "A pump runs.", access="secret")
    await store.put(hidden)
    ledger = await ledger_for(store, "Which pump runs?", Scope())

    assert await ledger.add(["unknown", hidden.chunk()]) == []
    assert not ledger.candidates
