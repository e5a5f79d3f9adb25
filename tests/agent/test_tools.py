"""The tools: their arguments, what each finds, and how a call that cannot be carried out is told."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from agent.tool import Means, Tool, run_tool
from agent.tools import (
    MENTIONS_OF_NAMED,
    TOOLS,
    GraphExpand,
    GraphSearch,
    KeywordSearch,
    ReadChunk,
    VectorSearch,
    name_of,
)
from graphrag.analysis import normalise
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import load_bytes
from graphrag.retrieval.keyword import keyword_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import read_question
from graphrag.retrieval.vector import vector_search
from graphrag.types import Scope

PUBLIC_SCOPE = Scope()
QUESTION = "Who supplies the PMX-48 power module?"


async def ledger_for(kb: KnowledgeBase, question: str = QUESTION, scope: Scope = PUBLIC_SCOPE) -> Ledger:
    """An empty ledger."""
    return Ledger(kb.store, scope, await read_question(kb.store, kb.embedder, kb.encoder, scope, question))


async def sources(kb: KnowledgeBase, ids: "list[str] | tuple[str, ...]") -> list[str]:
    """Sources of chunks, in order."""
    return [chunk.source for chunk in await kb.store.chunks(PUBLIC_SCOPE, ids)]


# Arguments


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("vector_search", {}),
        ("vector_search", {"query": ""}),
        ("vector_search", {"query": "a" * 4_001}),
        ("vector_search", {"query": "a", "k": 0}),
        ("vector_search", {"query": "a", "k": 101}),
        ("vector_search", {"query": "a", "unexplained_by": ["x"] * 9}),
        ("vector_search", {"query": "a", "scope": "secret"}),
        ("keyword_search", {"query": ""}),
        ("keyword_search", {"query": "a" * 4_001}),
        ("keyword_search", {"query": "a", "k": 0}),
        ("keyword_search", {"query": "a", "k": 101}),
        ("keyword_search", {"query": "a", "filter": {}}),
        ("graph_search", {"k": 0}),
        ("graph_search", {"k": 101}),
        ("graph_search", {"query": "a"}),
        ("graph_expand", {"chunk_ids": ["x"] * 41}),
        ("graph_expand", {"entities": ["x"] * 21}),
        ("graph_expand", {"chunk_ids": ["x"], "k": 0}),
        ("graph_expand", {"chunk_ids": ["x"], "k": 201}),
        ("graph_expand", {"chunk_ids": ["x"], "hops": 2}),
        ("read_chunk", {}),
        ("read_chunk", {"chunk_id": ""}),
        ("read_chunk", {"chunk_id": "x" * 65}),
        ("read_chunk", {"chunk_id": "x", "tenant": "rival"}),
    ],
)
def test_arguments_out_of_bounds_and_unknown_ones_are_refused(tool: str, arguments: dict[str, object]):
    with pytest.raises(ValidationError):
        TOOLS[tool](**arguments)


@pytest.mark.parametrize(
    "call",
    [
        VectorSearch(query="a" * 4_000, k=100, unexplained_by=("x",) * 8),
        KeywordSearch(query="a", k=1),
        GraphSearch(k=100),
        GraphExpand(chunk_ids=("x",) * 40, entities=("y",) * 20, k=200),
        ReadChunk(chunk_id="x" * 64),
    ],
)
def test_a_call_has_a_registered_name_and_can_be_made_again_from_its_trace(call: Tool):
    assert TOOLS[name_of(call)](**call.model_dump(exclude_defaults=True)) == call


def test_every_tool_tells_a_planner_what_it_does():
    assert all((kind.__doc__ or "").endswith(".") or "." in (kind.__doc__ or "") for kind in TOOLS.values())


# Results


async def test_vector_search_finds_what_the_index_does(kb: KnowledgeBase):
    ledger = await ledger_for(kb)
    other = (await kb.embedder.embed(["flashing amber light"], "query"))[0]

    own = await VectorSearch(query=QUESTION, k=4).run(ledger, Means(kb.embedder))
    another = await VectorSearch(query="flashing amber light", k=1).run(ledger, Means(kb.embedder))

    hits = await vector_search(kb.store, PUBLIC_SCOPE, ledger.question.vector, 4)
    assert own == [hit.chunk_id for hit in hits]
    assert another == [(await vector_search(kb.store, PUBLIC_SCOPE, other, 1))[0].chunk_id]
    assert await sources(kb, another) == ["tickets.jsonl#T-1"]


async def test_vector_search_looks_for_what_known_passages_leave_open(kb: KnowledgeBase):
    ledger = await ledger_for(kb)
    found = await VectorSearch(query=QUESTION, k=3).run(ledger, Means(kb.embedder))
    await ledger.add(found)

    rest = await VectorSearch(query=QUESTION, k=3, unexplained_by=(found[0], "unknown")).run(ledger, Means(kb.embedder))

    known, question = ledger.candidates[found[0]].vector, ledger.question.vector
    residual = question - 0.5 * (question @ known) * known
    residual = (residual / np.linalg.norm(residual)).astype(np.float32)
    expected = (await kb.store.nearest_chunks(PUBLIC_SCOPE, residual[None], 3))[0]
    assert rest == [hit.chunk_id for hit in expected]


async def test_keyword_search_finds_what_bm25_does(kb: KnowledgeBase):
    ledger = await ledger_for(kb)

    found = await KeywordSearch(query="amber light", k=5).run(ledger, Means(kb.embedder))

    assert found == [hit.chunk_id for hit in await keyword_search(kb.store, PUBLIC_SCOPE, "amber light", 5)]
    assert (await sources(kb, found))[0] == "tickets.jsonl#T-1"
    assert await KeywordSearch(query="what is it").run(ledger, Means(kb.embedder)) == []


async def test_graph_search_finds_the_best_chains_in_one_go(kb: KnowledgeBase):
    ledger = await ledger_for(kb)

    found = await GraphSearch(k=2).run(ledger, Means(kb.embedder))

    assert len(found) == 2
    assert set(await sources(kb, found)) <= {"incidents/inc-2041.md", "contracts/sa-118.md"}


async def test_graph_expand_leads_from_passages_to_those_that_share_an_entity(kb: KnowledgeBase):
    ledger = await ledger_for(kb)
    (start,) = await keyword_search(kb.store, PUBLIC_SCOPE, "Douro", 1)
    await ledger.add([start.chunk_id])

    found = await GraphExpand(chunk_ids=(start.chunk_id,)).run(ledger, Means(kb.embedder))

    assert await sources(kb, found) == ["contracts/sa-118.md"]
    assert start.chunk_id not in found
    assert await GraphExpand(chunk_ids=(start.chunk_id,)).run(ledger, Means(kb.embedder)) == []


@pytest.mark.parametrize("question", ["Who is Zyrvane Holdings?", QUESTION])
@pytest.mark.parametrize("name", ["zyrvane holdings", "Zyrvane Holdings"])
async def test_graph_expand_leads_from_an_entity_to_the_passages_that_mention_it(
    kb: KnowledgeBase, question: str, name: str
):
    ledger = await ledger_for(kb, question)

    found = await GraphExpand(entities=(name,)).run(ledger, Means(kb.embedder))

    assert set(await sources(kb, found)) == {"contracts/sa-118.md", "tickets.jsonl#T-3"}
    for chunk in await kb.store.chunks(PUBLIC_SCOPE, found):
        assert normalise(name) in {mention.key for mention in chunk.mentions}


async def test_graph_expand_leaves_an_entity_of_many_passages_to_ranked_search(empty: KnowledgeBase):
    for number in range(MENTIONS_OF_NAMED + 1):
        loaded = load_bytes(f"Microsoft bought desk {number}.".encode(), f"{number}.txt")
        await ingest_documents(empty, PUBLIC_SCOPE, loaded)
    ledger = await ledger_for(empty, "What did Microsoft buy?")
    assert [entity.key for entity in ledger.question.entities] == ["microsoft"]
    expand = GraphExpand(entities=("microsoft",))

    assert await expand.run(ledger, Means(empty.embedder)) == []
    (first, *_) = await empty.store.documents(PUBLIC_SCOPE)
    await empty.store.delete_documents(PUBLIC_SCOPE, [first.id])
    assert len(await expand.run(ledger, Means(empty.embedder))) == MENTIONS_OF_NAMED


async def test_an_unknown_entity_leads_nowhere(kb: KnowledgeBase):
    assert await GraphExpand(entities=("Nobody Inc",)).run(await ledger_for(kb), Means(kb.embedder)) == []


async def test_read_chunk_returns_a_passage_with_its_neighbours(empty: KnowledgeBase):
    text = "\n\n".join(f"Day {n}. " + "It rained in the harbour and nobody came. " * 12 for n in range(12))
    await ingest_documents(empty, PUBLIC_SCOPE, load_bytes(text.encode(), "diary.txt"))
    (document,) = await empty.store.documents(PUBLIC_SCOPE)
    order = await empty.store.chunk_ids(PUBLIC_SCOPE, document.id)
    assert len(order) > 4
    ledger = await ledger_for(empty)
    await ledger.add(order)

    read = {id_: await ReadChunk(chunk_id=id_).run(ledger, Means(empty.embedder)) for id_ in order}

    assert read[order[0]] == order[:2]
    assert read[order[2]] == order[1:4]
    assert read[order[-1]] == order[-2:]
    await empty.store.delete_documents(PUBLIC_SCOPE, [document.id])
    assert await ReadChunk(chunk_id=order[2]).run(ledger, Means(empty.embedder)) == []


# Outcomes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (VectorSearch(query="a", unexplained_by=("unknown",)), "search first"),
        (GraphExpand(), "give chunk_ids or entities"),
        (ReadChunk(chunk_id="unknown"), "passage unknown was not found before"),
    ],
)
async def test_a_call_that_cannot_be_carried_out_is_an_outcome_that_says_why(
    kb: KnowledgeBase, call: Tool, message: str
):
    outcome = await run_tool(call, await ledger_for(kb), Means(kb.embedder))

    assert outcome.hits == ()
    assert message in outcome.error


async def test_an_outcome_counts_its_round_trips(kb: KnowledgeBase):
    ledger = await ledger_for(kb)

    vector = await run_tool(VectorSearch(query=QUESTION), ledger, Means(kb.embedder))
    keyword = await run_tool(KeywordSearch(query=QUESTION), ledger, Means(kb.embedder))
    other = await run_tool(KeywordSearch(query="Brackwater"), ledger, Means(kb.embedder))
    nothing = await run_tool(KeywordSearch(query="what is it"), ledger, Means(kb.embedder))

    # The statistics of the question's own terms are known already.
    assert (vector.round_trips, keyword.round_trips, other.round_trips, nothing.round_trips) == (1, 1, 2, 0)
    assert vector.hits
    assert not vector.error


@pytest.mark.parametrize("call", [VectorSearch(query="Board memo on Halvorix Components"), KeywordSearch(query="sold to Ostrava Works"), GraphSearch(), GraphExpand(entities=("ostrava works", "halvorix components"))])  # fmt: skip
async def test_no_tool_finds_a_document_outside_the_scope(kb: KnowledgeBase, call: Tool, corpus: Path):
    question = "Will Halvorix Components be sold to Ostrava Works?"
    board = Scope(access=frozenset({"board"}))

    public = (await run_tool(call, await ledger_for(kb, question), Means(kb.embedder))).hits
    member = (await run_tool(call, await ledger_for(kb, question, board), Means(kb.embedder))).hits

    memo = {chunk.id for chunk in await kb.store.chunks(board, member) if chunk.source == "board/memo.md"}
    assert memo
    assert not memo & set(public)
    assert len(await kb.store.chunks(PUBLIC_SCOPE, public)) == len(set(public))
