"""The queries of browser/: each runs on a real server, changes nothing, and answers what its title asks."""

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from neo4j import Driver, GraphDatabase, Record
from neo4j.graph import Node, Relationship
from neo4j.graph import Path as Way

from graphrag.analysis import GENERIC_SUBJECTS, STOP_WORDS
from tests.neo4j_server import ROOT, TestServer

FILES = sorted((ROOT / "browser").glob("*.cypher"))
# Offsets are code points: an emoji is one, and two units of UTF-16.
AUDIT = "Audit 🙂. RA-88 is kept in Brno. Nothing else."
AGREEMENT = "Kalvarde Metrology calibrates RA-88."
PARAMETERS: dict[str, dict[str, object]] = {
    "02-around-an-entity": {"name": "RA-88"},
    "03-how-two-are-connected": {"from": "brno", "to": "Kalvarde Metrology"},
    "04-documents-that-mention-both": {"a": "ra-88", "b": "Brno"},
    "07-what-a-document-contributed": {"source": "audit.md"},
    "10-find-an-entity": {"part": "KALVARDE"},
}
EMPTY = "MATCH (n) WHERE NOT n:SchemaVersion DETACH DELETE n"  # to make the schema again takes seconds
GRAPH = """
CREATE (audit:Document {id: 'd1', source: 'audit.md', name: 'Audit', title: 'Audit', text: $audit, access: 'public', tenant: 't'})
CREATE (agreement:Document {id: 'd2', source: 'agreement.md', name: 'Agreement', title: 'Agreement', text: $agreement, access: 'legal', tenant: 't'})
CREATE (c1:Chunk {id: 'c1', name: 'Audit · 1', position: 0, text: 'Audit 🙂. RA-88 is kept in Brno.', access: 'public', tenant: 't', document_id: 'd1'})
CREATE (c2:Chunk {id: 'c2', name: 'Audit · 2', position: 1, text: 'Nothing else.', access: 'public', tenant: 't', document_id: 'd1'})
CREATE (c3:Chunk {id: 'c3', name: 'Agreement · 1', position: 0, text: $agreement, access: 'legal', tenant: 't', document_id: 'd2'})
CREATE (c1)-[:PART_OF]->(audit), (c2)-[:PART_OF]->(audit), (c3)-[:PART_OF]->(agreement), (c1)-[:NEXT]->(c2)
CREATE (ra:Entity {id: 'e1', key: 'ra 88', name: 'RA-88', type: 'PRODUCT', mention_count: 2, document_count: 2, tenant: 't'})
CREATE (brno:Entity {id: 'e2', key: 'brno', name: 'Brno', type: 'GPE', mention_count: 1, document_count: 1, tenant: 't'})
CREATE (kalvarde:Entity {id: 'e3', key: 'kalvarde metrology', name: 'Kalvarde Metrology', type: 'ORG', mention_count: 1, document_count: 1, tenant: 't'})
CREATE (short:Entity {id: 'e4', key: 'kalvarde', name: 'Kalvarde', type: 'ORG', mention_count: 1, document_count: 1, tenant: 't'})
CREATE (c1)-[:MENTIONS {surface: 'RA-88', role: 'subject', count: 1, document_id: 'd1'}]->(ra), (c1)-[:ABOUT]->(ra)
CREATE (c1)-[:MENTIONS {surface: 'Brno', role: 'mention', count: 1, document_id: 'd1'}]->(brno)
CREATE (c3)-[:MENTIONS {surface: 'RA-88', role: 'mention', count: 1, document_id: 'd2'}]->(ra)
CREATE (c3)-[:MENTIONS {surface: 'Kalvarde Metrology', role: 'mention', count: 1, document_id: 'd2'}]->(kalvarde)
CREATE (ra)-[:RELATES {id: 'r1', predicate: 'is kept in', document_id: 'd1', chunk_id: 'c1', start: 9, end: 32, access: 'public', tenant: 't'}]->(brno)
CREATE (kalvarde)-[:RELATES {id: 'r2', predicate: 'calibrates', document_id: 'd2', chunk_id: 'c3', start: 0, end: 36, access: 'legal', tenant: 't'}]->(ra)
CREATE (kalvarde)-[:SAME_AS {score: 0.8, reason: 'one name holds the other'}]->(short)
"""


def cypher(number: str) -> str:
    (file,) = (ROOT / "browser").glob(f"{number}*.cypher")
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def driver(neo4j_server: TestServer) -> Generator[Driver]:
    with GraphDatabase.driver(neo4j_server.address, auth=neo4j_server.auth) as driver:
        driver.execute_query(EMPTY, database_="neo4j")
        driver.execute_query(GRAPH, {"audit": AUDIT, "agreement": AGREEMENT}, database_="neo4j")
        yield driver
        driver.execute_query(EMPTY, database_="neo4j")


def ask(driver: Driver, number: str, /, **changed: object) -> list[Record]:
    parameters = next((held for key, held in PARAMETERS.items() if key.startswith(number)), {}) | changed
    return driver.execute_query(cypher(number), parameters, database_="neo4j", routing_="r").records


def names(value: Any) -> set[str]:
    """Names of the nodes in a result, and the types of its relationships."""
    if isinstance(value, Way):
        return names([*value.nodes, *value.relationships])
    if isinstance(value, Node):
        return {str(value["name"])}
    if isinstance(value, Relationship):
        return {value.type}
    return set().union(*map(names, value)) if isinstance(value, list | Record) else set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_query_runs_warns_of_nothing_and_only_reads(file: Path, driver: Driver):
    result = driver.execute_query(
        file.read_text(encoding="utf-8"), PARAMETERS.get(file.stem, {}), database_="neo4j", routing_="r"
    )

    assert result.summary.query_type == "r"
    assert [status.status_description for status in result.summary.gql_status_objects if status.is_notification] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_query_begins_with_its_title_and_shows_its_parameters(file: Path):
    text = file.read_text(encoding="utf-8")

    assert re.match(r"// [A-Z].{10,}\n", text)
    assert set(re.findall(r"\$(\w+)", text)) == set(re.findall(r"^// :param (\w+) => '", text, re.MULTILINE))
    assert set(re.findall(r"\$(\w+)", text)) == PARAMETERS.get(file.stem, {}).keys()
    assert file.name in (ROOT / "docs/neo4j-browser.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_document_is_sent_once_with_its_text_however_many_of_its_passages_are_shown(file: Path, driver: Driver):
    records = ask(driver, file.stem[:2])

    sent = [node["source"] for record in records for node in nodes(list(record)) if "Document" in node.labels]
    assert len(sent) == len(set(sent))


def nodes(value: Any) -> list[Node]:
    """The nodes in a result as they are sent: again in each path and list."""
    if isinstance(value, list):
        return [node for one in value for node in nodes(one)]
    return [*value.nodes] if isinstance(value, Way) else [value] if isinstance(value, Node) else []


def test_what_is_in_here_counts_by_tenant_and_label(driver: Driver):
    assert [record.values() for record in ask(driver, "01")] == [
        ["t", "legal", 1, 1, 2, 2, 1],
        ["t", "public", 1, 2, 2, 2, 1],
    ]


def test_around_an_entity_are_its_relations_and_passages(driver: Driver):
    (record,) = ask(driver, "02")

    assert record["entity"]["name"] == "RA-88"
    assert names(record["related"]) == {"RA-88", "Brno", "Kalvarde Metrology", "RELATES"}
    assert {"Audit · 1", "Audit", "Agreement · 1", "Agreement"} <= names(record["named_in"])
    assert names(record["named_beside"]) >= {"Brno", "Kalvarde Metrology", "Audit · 1"}
    assert ask(driver, "02", name="Prague") == []


def test_a_connection_comes_with_its_evidence(driver: Driver):
    records = ask(driver, "03")

    assert names(records[0]["way"]) == {"Brno", "RA-88", "Kalvarde Metrology", "RELATES"}
    assert records[0]["evidence"] == [
        "RA-88 -[is kept in]-> Brno (Audit): RA-88 is kept in Brno.",
        "Kalvarde Metrology -[calibrates]-> RA-88 (Agreement): Kalvarde Metrology calibrates RA-88.",
    ]
    assert any("Named together (Audit): Audit 🙂. RA-88 is kept in Brno." in record["evidence"] for record in records)


def test_documents_that_mention_both(driver: Driver):
    (record,) = ask(driver, "04")

    assert record["source"] == "audit.md"
    assert record["document"]["name"] == "Audit"
    assert names(record["first"]) == {"RA-88", "Audit · 1", "MENTIONS", "PART_OF"}
    assert names(record["second"]) == {"Brno", "Audit · 1", "MENTIONS", "PART_OF"}


def test_most_connected_entities_come_first(driver: Driver):
    records = ask(driver, "05")

    assert [(record["name"], record["neighbours"]) for record in records] == [
        ("RA-88", 2),
        ("Brno", 1),
        ("Kalvarde Metrology", 1),
    ]
    assert names(records[0]["among_them"]) == {"RA-88", "Brno", "RELATES"}


def test_entities_that_may_be_the_same_with_the_reason(driver: Driver):
    (record,) = ask(driver, "06")

    assert record.values()[1:] == ["Kalvarde Metrology", "Kalvarde", 0.8, "one name holds the other"]
    assert names(record["pair"]) == {"Kalvarde Metrology", "Kalvarde", "SAME_AS"}


def test_what_a_document_contributed(driver: Driver):
    (record,) = ask(driver, "07")

    assert record["document"]["name"] == "Audit"
    assert names(record["passages"]) == {"Audit · 1", "Audit · 2", "PART_OF"}
    assert "NEXT" in names(record["order"])
    assert {"RA-88", "Brno"} <= names(record["entities"])
    assert names(record["relations"]) == {"RA-88", "Brno", "RELATES"}
    assert len(ask(driver, "07", source="AGREEMENT")) == 1


def test_chunks_without_entities(driver: Driver):
    (record,) = ask(driver, "08")

    assert record["texts"] == ["1: Nothing else."]
    assert names(record) == {"Audit", "Audit · 2", "PART_OF"}


def test_entities_that_say_nothing_are_counted_by_kind(driver: Driver):
    (clean,) = ask(driver, "09")
    assert clean.values() == [4, 0, 0.0, []]
    noise = ["12", "the", "annex two", "further information", "3 000", "ra 9", "annex hall"]
    driver.execute_query(
        "UNWIND $keys AS key CREATE (:Entity {id: key, key: key, name: key, tenant: 'noise'})",
        keys=noise,
        database_="neo4j",
    )
    try:
        (found,) = ask(driver, "09")
    finally:
        driver.execute_query("MATCH (e:Entity {tenant: 'noise'}) DELETE e", database_="neo4j")

    assert (found["entities"], found["noise"], found["percent"]) == (11, 5, 45.5)
    assert sorted(found["examples"]) == [
        "12 (number)",
        "3 000 (number)",
        "annex two (generic heading)",
        "further information (generic heading)",
        "the (stop word)",
    ]


def test_find_an_entity_by_a_part_of_its_name(driver: Driver):
    assert [record["name"] for record in ask(driver, "10")] == ["Kalvarde", "Kalvarde Metrology"]
    assert [record["name"] for record in ask(driver, "10", part="a-8")] == ["RA-88"]


def test_the_words_that_say_nothing_include_those_of_the_analysis():
    words = set(re.sub(r"'\s*\+\s*'", "", cypher("09")).replace("'", " ").split())

    assert words >= STOP_WORDS | GENERIC_SUBJECTS
