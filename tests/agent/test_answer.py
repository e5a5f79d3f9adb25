"""Answers: every quote stands in its document, every marker has its citation, every edge its reason."""

import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.loop import Agent
from agent.quoting import MAX_QUOTE
from agent.types import Answer, Citation
from graphrag.analysis import normalise
from graphrag.bootstrap import open_embedders
from graphrag.embedding import Embedder, PassageEncoder
from graphrag.filters import parse_filter
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import load_bytes
from graphrag.settings import load_settings
from graphrag.stores.embedded.open import open_stores
from graphrag.types import Scope

SCOPE = Scope()
QUESTIONS = [
    "Who supplies the PMX-48 power module?",
    "Who led the response at Maasvliet Terminal?",
    "How long is the warranty of the PMX-48 power module?",
    "Which company owns the supplier of the power module that burnt out at Maasvliet Terminal?",
    "Where does the person who tests every power module work?",
    "On which river lies the city where Zyrvane Holdings has an office?",
    "What did Lusovent Paper report?",
    "By how much did the torque wrench drift?",
    "Will Halvorix Components be sold to Ostrava Works?",
    "what is it?",
]


def cited(answer: Answer, source: str) -> list[Citation]:
    """The citations of one source."""
    return [citation for citation in answer.citations if citation.source == source]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_every_quote_stands_in_its_document_where_the_citation_says(kb: KnowledgeBase, question: str):
    answer = await Agent(kb).run(SCOPE, question)

    assert answer.citations
    texts = await kb.store.texts(SCOPE, [citation.document_id for citation in answer.citations])
    chunks = {c.id: c for c in await kb.store.chunks(SCOPE, [citation.chunk_id for citation in answer.citations])}
    for citation in answer.citations:
        chunk = chunks[citation.chunk_id]
        assert citation.quote == texts[citation.document_id][citation.start : citation.end]
        assert citation.quote.strip()
        assert len(citation.quote) <= MAX_QUOTE
        assert chunk.core_start <= citation.start < citation.end <= chunk.end
        assert (citation.document_id, citation.source, citation.title) == (
            chunk.document_id,
            chunk.source,
            chunk.title,
        )
    spans = [(citation.document_id, citation.start) for citation in answer.citations]
    assert len(spans) == len(set(spans))


@pytest.mark.parametrize("question", QUESTIONS)
async def test_citations_are_numbered_as_the_markers_of_the_text(kb: KnowledgeBase, question: str):
    answer = await Agent(kb).run(SCOPE, question)

    numbers = list(range(1, len(answer.citations) + 1))
    assert [citation.id for citation in answer.citations] == numbers
    if answer.verdict == "insufficient_evidence":
        assert answer.text == ""
    else:
        assert [int(number) for number in re.findall(r"\[(\d+)\]", answer.text)] == numbers
        parts = [part.strip() for part in re.split(r"\[\d+\]", answer.text)[:-1]]
        assert parts == [" ".join(citation.quote.split()) for citation in answer.citations]


async def test_the_answer_to_a_simple_question_is_the_sentence_that_says_it(kb: KnowledgeBase):
    answer = await Agent(kb).run(SCOPE, "How long is the warranty of the PMX-48 power module?")

    assert answer.citations[0].source == "contracts/sa-118.md"
    assert "The warranty of the PMX-48 power module is 30 months." in [citation.quote for citation in answer.citations]


@pytest.mark.parametrize(
    ("question", "quote", "heading"),
    [
        ("How long is the warranty of the PMX-48 power module?", "30 months", ("Supply agreement SA-118", "Warranty")),
        ("When does the warranty begin with delivery?", "delivery", ("Supply agreement SA-118", "Warranty")),
        ("Who led the response at Maasvliet Terminal?", "Anneke", ("INC-2041 post-mortem",)),
        ("Why had the PMX-48 power module burnt out?", "burnt out", ("INC-2041 post-mortem", "Root cause")),
        ("Which probe was replaced?", "probe", ("INC-2041 post-mortem", "Follow-up")),
    ],
)
async def test_a_citation_names_the_heading_of_the_quote_not_of_the_chunk(
    kb: KnowledgeBase, question: str, quote: str, heading: tuple[str, ...]
):
    answer = await Agent(kb).run(SCOPE, question)

    found = [citation for citation in answer.citations if quote in citation.quote]
    assert found
    assert all(citation.heading == heading for citation in found if citation.source != "people/directory.md")
    assert all(citation.page is None for citation in found)
    chunks = await kb.store.chunks(SCOPE, [citation.chunk_id for citation in found])
    assert all(len(chunk.headings_within) > 1 for chunk in chunks)


@pytest.mark.parametrize(
    ("question", "quote", "page"),
    [
        ("What did the audit of 2024 look at in Brno?", "Brno", 1),
        ("By how much did the torque wrench of the calibration bench drift?", "four percent", 2),
        ("Who ordered a new torque wrench from Kalvarde Metrology?", "Kalvarde Metrology", 3),
    ],
)
async def test_a_citation_names_the_page_of_the_quote_not_of_the_chunk(
    kb: KnowledgeBase, question: str, quote: str, page: int
):
    answer = await Agent(kb).run(SCOPE, question)

    (found,) = [citation for citation in cited(answer, "quality/audit.txt") if quote in citation.quote]
    assert found.page == page
    (chunk,) = await kb.store.chunks(SCOPE, [found.chunk_id])
    assert (chunk.page, len(chunk.pages_within)) == (1, 2)


@pytest.mark.parametrize("question", [*QUESTIONS, "What ends in 2027 according to the Board memo?"])
async def test_no_document_outside_the_scope_is_cited_or_ranked(kb: KnowledgeBase, question: str):
    board = Scope(access=frozenset({"board"}))
    (memo,) = await kb.store.documents(board, source_prefix="board/")

    answer = await Agent(kb).run(SCOPE, question)

    assert memo.id not in {citation.document_id for citation in answer.citations}
    assert memo.id not in {ranked.document_id for ranked in answer.ranked}
    assert "Ostrava" not in answer.text


async def test_who_may_see_a_document_gets_it_cited(kb: KnowledgeBase):
    board = Scope(access=frozenset({"board"}))

    answer = await Agent(kb).run(board, "Will Halvorix Components be sold to Ostrava Works?")

    assert answer.citations[0].source == "board/memo.md"


async def test_no_document_that_the_filter_excludes_is_cited_or_ranked(kb: KnowledgeBase):
    board = Scope(access=frozenset({"board"}))
    operations = parse_filter({"department": "operations"}, {"department"})

    answer = await Agent(kb).run(board, "Will Halvorix Components be sold to Ostrava Works?", operations)

    assert answer.citations
    documents = await kb.store.documents(board, filter=operations)
    assert {ranked.document_id for ranked in answer.ranked} <= {document.id for document in documents}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_edges_of_the_path_join_cited_passages_by_what_both_hold(kb: KnowledgeBase, question: str):
    answer = await Agent(kb).run(SCOPE, question)

    await check_path(kb, answer)


async def test_a_question_of_several_hops_has_a_path(kb: KnowledgeBase):
    answer = await Agent(kb).run(SCOPE, QUESTIONS[3])

    assert len(answer.path) >= 1
    assert {edge.target for edge in answer.path} <= {citation.chunk_id for citation in answer.citations}


async def check_path(kb: KnowledgeBase, answer: Answer) -> None:
    """Every edge is between cited passages and names what joins them."""
    chunks = {c.id: c for c in await kb.store.chunks(SCOPE, [citation.chunk_id for citation in answer.citations])}
    assert len(answer.path) == len(set(answer.path)) < max(1, len(chunks))
    for edge in answer.path:
        key = normalise(edge.entity)
        source, target = chunks[edge.source], chunks[edge.target]
        assert edge.source != edge.target
        if edge.kind == "entity":
            assert key in {mention.key for mention in source.mentions}
            assert key in {mention.key for mention in target.mentions}
        else:
            naming, about = (source, target) if edge.kind == "link" else (target, source)
            assert key in naming.phrases
            assert key in {mention.key for mention in about.mentions if mention.role == "subject"}


async def test_a_long_sentence_is_quoted_up_to_a_word(empty: KnowledgeBase):
    text = "The zyzzyva beetle " + "and the weevil and the harvest moth " * 40 + "came.\n"
    await ingest_documents(empty, SCOPE, load_bytes(text.encode(), "a.txt"))

    answer = await Agent(empty).run(SCOPE, "What did the zyzzyva beetle do?")

    (document,) = await empty.store.documents(SCOPE)
    stored = (await empty.store.texts(SCOPE, [document.id]))[document.id]
    (citation,) = answer.citations
    assert MAX_QUOTE - 20 < len(citation.quote) <= MAX_QUOTE
    assert stored[citation.end] == " "
    assert citation.quote == stored[citation.start : citation.end]


async def test_a_row_of_a_table_is_quoted_whole(empty: KnowledgeBase):
    table = b"service,owner,vendor\npigeon,Team Otter,Mailspur\nmole,Team Heron,Palisade Labs\n"
    for document in load_bytes(table, "services.csv"):
        await ingest_documents(empty, SCOPE, [document])

    answer = await Agent(empty).run(SCOPE, "Which vendor does pigeon use?")

    assert answer.citations[0].quote == "- service: pigeon\n- owner: Team Otter\n- vendor: Mailspur"


# With meaning

HOPS = {
    "station.md": "# Brackwater Station\n\nThe turbine of Brackwater Station was manufactured by Halvorix Components.\n",
    "maker.md": "# Halvorix Components\n\nHalvorix Components is run by Ewa Strzelecka, who took over in 2019.\n",
    "dam.md": "# Norwell Dam\n\nThe turbine of Norwell Dam was manufactured by Ostrava Works.\n",
    "works.md": "# Ostrava Works\n\nOstrava Works is run by Pavel Novak.\n",
    "choir.md": "# Choir\n\nThe choir rehearses on Thursdays and is conducted by Pieter Vos.\n",
    "soup.md": "# Lunch\n\nSoup is served on Mondays.\n",
}


@pytest.fixture(scope="module")
def models() -> tuple[Embedder, PassageEncoder]:
    """The shipped model, loaded once."""
    return open_embedders(load_settings(embedder="minilm", embedding_workers=1))


@pytest.fixture
async def meaning(
    kb: KnowledgeBase, models: tuple[Embedder, PassageEncoder], tmp_path: Path
) -> AsyncGenerator[KnowledgeBase]:
    """A small two-hop corpus under the shipped model."""
    async with open_stores(f"sqlite:///{tmp_path}/kb.db", filter_fields=()) as (store, system):
        embedder, encoder = models
        hops = replace(kb, store=store, system=system, embedder=embedder, encoder=encoder)
        for source, text in HOPS.items():
            await ingest_documents(hops, SCOPE, load_bytes(text.encode(), source))
        yield hops


async def test_the_sentence_that_holds_the_answer_is_quoted(meaning: KnowledgeBase):
    text = (
        "# Change of database\n\nDeciders of the change of database: Ewa Strzelecka and Pavel Novak. Present: all.\n\n"
        "The change of database was long in coming. It was made to Cockroach Server on 3 May 2024.\n"
    )
    await ingest_documents(meaning, SCOPE, load_bytes(text.encode(), "change.md"))

    answer = await Agent(meaning).run(SCOPE, "When was the change of database made?")

    assert any("3 May 2024" in citation.quote for citation in answer.citations)
    assert answer.short is None or any(answer.short.text in citation.quote for citation in answer.citations)


async def test_both_hops_are_cited_and_joined_by_the_entity_between_them(meaning: KnowledgeBase):
    answer = await Agent(meaning).run(
        SCOPE, "Who runs the company that manufactured the turbine of Brackwater Station?"
    )

    assert {"station.md", "maker.md"} <= {citation.source for citation in answer.citations}
    assert answer.citations[0].source == "station.md"
    assert "Ewa Strzelecka" in answer.text
    assert answer.verdict == "answered"
    assert "Halvorix Components" in {edge.entity for edge in answer.path}
    await check_path(meaning, answer)

    unanswerable = await Agent(meaning).run(SCOPE, "Which elephants live in the zoo of Antananarivo?")
    assert unanswerable.verdict == "insufficient_evidence"
    assert "Antananarivo" in unanswerable.missing


async def test_what_is_quoted_of_a_second_passage_is_of_the_one_that_was_spoken_of(meaning: KnowledgeBase):
    """Two instruments are in both papers. Where the row of the wrong one resembles the question more: tests/end_to_end/test_sample.py."""
    papers = {
        "audit.md": (
            "# Audit of the tank farm\n\n## Level gauges\n\nTwo level gauges are in use. KP-3 was in order, with a valid "
            "certificate. KP-7 was used on 12 days after its calibration had expired; it was found past its due date.\n"
        ),
        "prices.md": (
            "# Agreement with Torvald Laboratory\n\n## Prices\n\n| Mark | Instrument | Price per calibration |\n|---|---|---|\n"
            "| KP-3 | Level gauge with radar | EUR 310 |\n| KP-7 | Level gauge, general purpose | EUR 420 |\n"
        ),
    }
    for source, text in papers.items():
        await ingest_documents(meaning, SCOPE, load_bytes(text.encode(), source))

    answer = await Agent(meaning).run(
        SCOPE, "What does it cost to calibrate the level gauge that the audit of the tank farm found past its due date?"
    )

    assert {citation.source for citation in answer.citations} == set(papers)
    assert "EUR 420" in answer.text
    assert "EUR 310" not in answer.text
    assert [edge.entity for edge in answer.path] == ["KP-7"]
    await check_path(meaning, answer)
