"""Replies that cannot be used, and models that give none: what is stored, reported and asked again."""

from dataclasses import replace
from pathlib import Path

import pytest

from graphrag.errors import ModelDeniedError, ModelUnavailableError
from graphrag.extraction.spacy import SpacyExtractor
from graphrag.ingest import ingest_documents
from graphrag.ingested import IngestReport
from graphrag.knowledge import KnowledgeBase
from tests.contracts.neo4j import empty
from tests.graphrag.extracting import MODULE, NOTHING, SCOPE, TEXT, document, ingest, opened, spoken, stored
from tests.model_server import ModelServer, closes, fails, replies


async def test_a_reply_out_of_form_is_asked_for_once_more(kb: KnowledgeBase, server: ModelServer):
    server.next(replies("I would rather not."), MODULE)
    report = await ingest(kb, document())

    assert report.incomplete == []
    assert spoken(*await stored(kb)) == {("halvorix components", "supplies", "pmx 48")}


@pytest.mark.parametrize(
    "bad",
    ["no JSON", '{"entities": 5}', '{"entities": [{"name": 7}], "relations": []}', "[]", ""],
)
async def test_a_chunk_without_a_usable_reply_is_stored_with_what_spacy_finds_and_reported(
    kb: KnowledgeBase, server: ModelServer, bad: str
):
    server.next(replies(bad), replies(bad))
    report = await ingest(kb, document(), document("Ida Rowan founded Alder Pumps in Aarhus.", "b.txt"))

    assert [(r.source, r.outcome, r.model_failures) for r in report.results] == [
        ("a.txt", "created", 1),
        ("b.txt", "created", 0),
    ]
    (incomplete,) = report.incomplete
    assert "1 of 1 passages" in incomplete.reason
    assert "did not reply in the form asked for" in incomplete.reason
    with_model = await stored(kb)
    spacy = replace(kb, extractor=SpacyExtractor())
    await ingest(spacy, document(), document("Ida Rowan founded Alder Pumps in Aarhus.", "b.txt"))
    assert with_model == await stored(spacy)


async def test_what_the_model_failed_on_is_asked_again_at_the_next_ingest_and_nothing_else(
    kb: KnowledgeBase, server: ModelServer
):
    other = document("Ida Rowan founded Alder Pumps in Aarhus.", "b.txt")
    server.next(replies("no"), replies("no"))
    await ingest(kb, document(), other)
    asked = len(server.bodies)

    server.next(replies("no"), replies("no"))
    again = await ingest(kb, document(), other)
    assert [(r.source, r.outcome, r.model_failures) for r in again.results] == [
        ("b.txt", "unchanged", 0),
        ("a.txt", "unchanged", 1),
    ]
    assert len(server.bodies) == asked + 2

    server.next(MODULE)
    third = await ingest(kb, document(), other)
    assert (third.count("updated"), third.count("unchanged"), third.incomplete) == (1, 1, [])
    assert len(server.bodies) == asked + 3
    assert spoken(*await stored(kb)) == {("halvorix components", "supplies", "pmx 48")}

    fourth = await ingest(kb, document(), other)
    assert fourth.count("unchanged") == 2
    assert len(server.bodies) == asked + 3


async def test_on_neo4j_it_is_the_same(server: ModelServer, tmp_path: Path, neo4j_url: str):
    await empty(neo4j_url)
    server.next(MODULE, replies("no"), replies("no"))
    documents = [document(), document(f"{TEXT} Twice.", "b.txt")]
    async with opened(server, tmp_path, store_url=neo4j_url) as kb:
        first = await ingest(kb, *documents)
        assert [(r.outcome, r.model_failures) for r in first.results] == [("created", 0), ("created", 1)]
        assert spoken(*await stored(kb)) == {("halvorix components", "supplies", "pmx 48")}
    async with opened(server, tmp_path, store_url=neo4j_url) as kb:
        again = await ingest(kb, *documents)
        assert (again.count("unchanged"), again.count("updated"), again.incomplete) == (1, 1, [])
        assert len(server.bodies) == 4
        await kb.store.delete_documents(SCOPE, [one.id for one in await kb.store.documents(SCOPE)])
        await ingest(kb, *documents)
        assert len(server.bodies) == 4
        assert await kb.system.count_replies("default") == 2
    await empty(neo4j_url)


async def test_a_source_in_parts_with_a_failure_in_a_later_part_is_worked_on_again(
    kb: KnowledgeBase, server: ModelServer
):
    text = "\n\n".join(
        f"Ida Rowan sold pump {n} to Alder Pumps. " + "It ran well for a long time. " * 30 for n in range(4)
    )
    loaded = document(text)

    async def ingest_in_parts() -> IngestReport:
        return await ingest_documents(kb, SCOPE, [loaded], max_chunks=2)

    server.next(NOTHING, NOTHING, replies("no"), replies("no"))
    first = await ingest_in_parts()
    assert [one.model_failures for one in first.results] == [1]
    asked = len(server.bodies)

    second = await ingest_in_parts()
    assert [one.model_failures for one in second.results] == [0]
    assert len(server.bodies) == asked + 1
    third = await ingest_in_parts()
    assert [one.outcome for one in third.results] == ["unchanged"]


async def test_a_request_that_is_too_long_or_refused_costs_one_chunk(kb: KnowledgeBase, server: ModelServer):
    documents = [document(f"{TEXT} Number {n}.", f"{n}.txt") for n in range(5)]
    server.next(
        fails(400, "maximum context length is 10 tokens"), fails(400, "flagged"), NOTHING, fails(400, "flagged")
    )
    report = await ingest(kb, *documents)

    assert [one.source for one in report.incomplete] == ["0.txt", "1.txt", "3.txt"]
    assert not [one for one in report.incomplete if server.url in one.reason]
    assert report.count("created") == 5


async def test_a_model_that_refuses_everything_ends_the_run(kb: KnowledgeBase, server: ModelServer):
    server.otherwise = fails(401, "bad key")
    with pytest.raises(ModelDeniedError, match="does not accept the key"):
        await ingest(kb, *(document(f"{TEXT} Number {n}.", f"{n}.txt") for n in range(10)))
    assert len(server.bodies) == 1


async def test_too_many_requests_are_waited_for_and_a_server_that_is_away_ends_the_run(
    kb: KnowledgeBase, server: ModelServer
):
    server.next(fails(429, "slow down", retry_after="0.05"), MODULE)
    assert (await ingest(kb, document())).incomplete == []

    server.otherwise = closes()
    with pytest.raises(ModelUnavailableError):
        await ingest(kb, document("Another text of Alder Pumps.", "b.txt"))
    assert len(await kb.store.documents(SCOPE)) == 1
