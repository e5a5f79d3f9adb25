"""Relations that spaCy's parse gives: between which names, and from which sentences."""

import pytest

from graphrag.extraction import DocumentText
from tests.graphrag.with_spacy import LONG, REPORT, cut, document, extract


async def relations_of(one: DocumentText) -> set[tuple[str, str, str]]:
    """Relations of a document as (subject key, predicate, object key), each checked against its evidence."""
    found: set[tuple[str, str, str]] = set()
    for chunk, contribution in zip(one.chunks, await extract(one), strict=True):
        mentions = {mention.entity_id: mention for mention in contribution.mentions}
        assert [r.id for r in contribution.relations] == sorted({r.id for r in contribution.relations})
        for relation in contribution.relations:
            assert (relation.chunk_id, relation.document_id) == (chunk.id, one.id)
            assert (relation.start, relation.end) in chunk.sentences
            ends = [mentions[relation.subject_id], mentions[relation.object_id]]
            for end in ends:
                assert any(relation.start <= start and stop <= relation.end for start, stop in end.spans), (
                    f"{end.surface!r} is not in {chunk.text[relation.start - chunk.start : relation.end - chunk.start]!r}"
                )
            found.add((ends[0].key, relation.predicate, ends[1].key))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Microsoft acquired GitHub in 2018.", ("microsoft", "acquired", "github")),
        ("Satya Nadella works for Microsoft.", ("satya nadella", "works for", "microsoft")),
        ("GitHub was acquired by Microsoft.", ("github", "acquired by", "microsoft")),
        ("Satya Nadella is the head of Microsoft.", ("satya nadella", "head of", "microsoft")),
        ("Microsoft and Oracle acquired GitHub.", ("oracle", "acquired", "github")),
        ("Microsoft agreed to acquire GitHub.", ("microsoft", "agreed to acquire", "github")),
        ("Microsoft did not acquire GitHub.", ("microsoft", "did not acquire", "github")),
        ("Microsoft, which acquired GitHub, grew quickly.", ("microsoft", "acquired", "github")),
        ("Microsoft is based in Redmond and owns GitHub.", ("microsoft", "owns", "github")),
        (
            "Satya Nadella, the chief executive of Microsoft, met us.",
            ("satya nadella", "chief executive of", "microsoft"),
        ),
        ("Satya Nadella is Microsoft's chairman.", ("satya nadella", "chairman of", "microsoft")),
        ("Satya Nadella works as head of Microsoft.", ("satya nadella", "works as head of", "microsoft")),
        ("GitHub, founded by Tom Preston-Werner, grew.", ("github", "founded by", "tom preston werner")),
        ("Satya Nadella runs two of the Microsoft offices.", ("satya nadella", "runs", "microsoft")),
    ],
)
async def test_a_statement_between_two_names_is_a_relation(text: str, expected: tuple[str, str, str]):
    assert expected in await relations_of(document(text))


@pytest.mark.parametrize(
    "text",
    [
        "Microsoft grew quickly.",
        "It acquired GitHub.",
        "it rained.",
        "We met Microsoft and GitHub.",
        "If Microsoft acquires GitHub, we leave.",
    ],
)
async def test_a_statement_about_fewer_than_two_names_is_no_relation(text: str):
    assert await relations_of(document(text)) == set()


async def test_a_relation_is_read_from_its_sentence_whatever_heading_or_line_break_comes_before():
    markdown = "# Yearbook\n\n## Worth knowing\n\nMicrosoft\nacquired GitHub in 2018."

    assert ("microsoft", "acquired", "github") in await relations_of(cut(markdown))


@pytest.mark.parametrize(
    "markdown",
    ["# Microsoft acquired GitHub\n\nit rained.", "| Buyer | Bought |\n|---|---|\n| Microsoft acquired | GitHub |\n"],
)
async def test_headings_and_rows_of_tables_state_no_relation(markdown: str):
    assert await relations_of(cut(markdown)) == set()


@pytest.mark.parametrize("markdown", [REPORT, LONG])
async def test_the_evidence_of_a_relation_holds_both_of_its_ends(markdown: str):
    assert await relations_of(cut(markdown))


@pytest.mark.parametrize(
    "text",
    [
        "- Satya Nadella runs\n- Microsoft and Oracle\n\nOwner: Ida Novak\nSupplier: Microsoft buys Google",
        "Satya Nadella joined\n\nMicrosoft in Redmond",
        "Vendor: Microsoft acquired\nCustomer: GitHub of San Francisco",
    ],
)
async def test_lines_that_stand_by_themselves_are_not_read_as_one_sentence(text: str):
    await relations_of(document(text))
