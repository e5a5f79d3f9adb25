"""Extraction with spaCy: mentions, aliases within a document, subjects."""

import time
from itertools import permutations
from pathlib import Path

import pytest

from graphrag.analysis import normalise
from graphrag.errors import ConfigError, ModelError
from graphrag.extraction import DocumentText
from graphrag.extraction.mentions import Recognised, document_mentions, subjects_of
from graphrag.extraction.spacy import SpacyExtractor, check_pipeline
from graphrag.types import Mention, entity_id
from tests.graphrag.with_spacy import EXTRACTOR, LONG, REPORT, cut, document, extract


async def mentions_of(one: DocumentText) -> dict[str, Mention]:
    """The mentions of a document of one chunk by key."""
    (contribution,) = await extract(one)
    return {mention.key: mention for mention in contribution.mentions}


def quotes(one: DocumentText, mention: Mention) -> list[str]:
    """What stands at the mention's spans; for a document of one chunk."""
    (chunk,) = one.chunks
    return [chunk.text[start - chunk.start : end - chunk.start] for start, end in mention.spans]


# Mentions


async def test_a_mention_spans_exactly_the_name():
    one = document(
        "The Microsoft's plan, “Google”, and (Oracle): Satya Nadella's team left the Federal Aviation Administration."
    )

    found = await mentions_of(one)

    assert {"microsoft", "satya nadella", "federal aviation administration"} <= found.keys()
    for mention in found.values():
        for quote in quotes(one, mention):
            assert quote == quote.strip(" \n\"'“”().,:")
            assert normalise(quote) == mention.key
            assert quote == mention.surface


async def test_a_mention_carries_key_type_and_entity_id_and_comes_once():
    one = document("Microsoft acquired GitHub in 2018. Satya Nadella works for Microsoft.")

    (contribution,) = await extract(one)

    keys = [mention.key for mention in contribution.mentions]
    assert keys == sorted(set(keys))
    found = {mention.key: mention for mention in contribution.mentions}
    assert (found["microsoft"].count, found["microsoft"].type) == (2, "ORG")
    assert found["satya nadella"].type == "PERSON"
    assert all(mention.entity_id == entity_id("default", mention.key) for mention in contribution.mentions)


async def test_identifiers_are_found_wherever_they_stand():
    one = document("INC-2041 was caused by order PO-7719. See (INC-2041), CVE-2024-1234, K-014 and “PO-77-3”.")

    found = await mentions_of(one)

    assert {key for key, mention in found.items() if mention.type == "CODE"} == {
        "inc 2041",
        "po 7719",
        "cve 2024 1234",
        "po 77 3",
        "k 014",
    }
    assert quotes(one, found["inc 2041"]) == ["INC-2041", "INC-2041"]
    assert quotes(one, found["po 7719"]) == ["PO-7719"]


async def test_a_surname_stands_for_the_one_full_name_of_its_document():
    one = document("Anneke Brouwer led the response. Later, Brouwer wrote the report for Halvorix Components.")

    found = await mentions_of(one)

    assert "brouwer" not in found
    assert quotes(one, found["anneke brouwer"]) == ["Anneke Brouwer", "Brouwer"]
    assert found["anneke brouwer"].surface == "Anneke Brouwer"


async def test_a_surname_that_two_people_share_stands_for_neither():
    one = document(
        "Anneke Brouwer led the response. Pieter Brouwer repaired the gateway. Later, Brouwer wrote a report."
    )

    found = await mentions_of(one)

    assert quotes(one, found["anneke brouwer"]) == ["Anneke Brouwer"]
    assert quotes(one, found["pieter brouwer"]) == ["Pieter Brouwer"]
    assert quotes(one, found["brouwer"]) == ["Brouwer"]


def assembled(text: str, *names: tuple[str, str]) -> dict[str, list[str]]:
    """Quotes by key that `document_mentions` makes of names, given in order with what a recogniser took them for."""
    one = document(text)
    spans: list[Recognised] = []
    for name, kind in names:
        start = text.index(name, spans[-1].end if spans else 0)
        spans.append(Recognised(start, start + len(name), name, kind))
    (found,) = document_mentions(one, [spans], [""])
    return {mention.key: quotes(one, mention) for mention in found}


def test_a_surname_is_ambiguous_too_where_one_full_name_was_recognised_without_its_type():
    text = "Maria Lopez led the response. Pablo Lopez repaired the gateway. Lopez wrote the report."

    found = assembled(text, ("Maria Lopez", "PERSON"), ("Pablo Lopez", ""), ("Lopez", "PERSON"))

    assert found == {"maria lopez": ["Maria Lopez"], "pablo lopez": ["Pablo Lopez"], "lopez": ["Lopez"]}


def test_a_surname_stands_for_nobody_in_a_document_without_the_full_name():
    assert assembled("Lopez wrote the report.", ("Lopez", "PERSON")) == {"lopez": ["Lopez"]}


def test_a_given_name_stands_for_the_one_full_name_of_its_document_that_begins_with_it():
    text = "Greta Lindholm leads it. Later, Greta called."

    found = assembled(text, ("Greta Lindholm", "PERSON"), ("Greta", "PERSON"))

    assert found == {"greta lindholm": ["Greta Lindholm", "Greta"]}


@pytest.mark.parametrize(
    ("other", "kind"),
    [("Greta Sommer", "PERSON"), ("Greta Sommer", ""), ("Anna Greta", "PERSON")],
)
def test_a_given_name_that_another_name_holds_stands_for_nobody(other: str, kind: str):
    text = f"Greta Lindholm met {other}. Later, Greta called."

    found = assembled(text, ("Greta Lindholm", "PERSON"), (other, kind), ("Greta", "PERSON"))

    assert found["greta lindholm"] == ["Greta Lindholm"]


def test_a_place_that_is_called_as_somebody_is_stands_for_itself():
    text = "Virginia Woolf never saw Virginia."

    found = assembled(text, ("Virginia Woolf", "PERSON"), ("Virginia", "GPE"))

    assert found == {"virginia woolf": ["Virginia Woolf"], "virginia": ["Virginia"]}


async def test_an_acronym_stands_for_the_name_that_it_is_defined_behind():
    one = document("The Incident Review Board (IRB) met in March. The IRB approved the plan.")

    found = await mentions_of(one)

    assert "irb" not in found
    assert quotes(one, found["incident review board"]) == ["Incident Review Board", "IRB", "IRB"]
    assert found["incident review board"].surface == "Incident Review Board"


def test_parentheses_that_hold_other_letters_define_nothing():
    text = "The Incident Review Board (FAA) met. The FAA approved the plan."

    found = assembled(text, ("Incident Review Board", "ORG"), ("FAA", "ORG"), ("FAA", "ORG"))

    assert found == {"incident review board": ["Incident Review Board"], "faa": ["FAA", "FAA"]}


async def test_a_mention_in_the_overlap_belongs_to_the_chunk_whose_core_holds_it():
    one = cut(LONG)
    assert any(chunk.core_start > chunk.start for chunk in one.chunks)

    contributions = await extract(one)

    spans = [span for contribution in contributions for mention in contribution.mentions for span in mention.spans]
    assert len(spans) == len(set(spans)) > 80
    for chunk, contribution in zip(one.chunks, contributions, strict=True):
        for mention in contribution.mentions:
            assert all(chunk.core_start <= start < chunk.start + len(chunk.text) for start, _ in mention.spans)
    orders = [mention for c in contributions for mention in c.mentions if mention.type == "CODE"]
    assert sorted(mention.key for mention in orders) == sorted(f"po {n}" for n in range(40))
    assert all(mention.count == 1 for mention in orders)


# Subjects


async def subjects(one: DocumentText) -> set[str]:
    """What the chunks of a document are about."""
    return {mention.key for c in await extract(one) for mention in c.mentions if mention.role == "subject"}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Harbor outage", {"harbor outage"}),
        ("Post-mortem: Harbor outage", {"post mortem harbor outage", "post mortem", "harbor outage"}),
        ("INC-2041 post-mortem", {"inc 2041 post mortem", "inc 2041"}),
        (
            "Zyrvane Holdings | Supply agreement",
            {"zyrvane holdings supply agreement", "zyrvane holdings", "supply agreement"},
        ),
        ("Runbook: billing-gateway", {"runbook billing gateway", "runbook", "billing gateway"}),
        ("#team-heron, 2025-03-19", {"team heron 2025 03 19", "team heron"}),
        ("Introduction", set[str]()),
        ("Frequently asked questions", set[str]()),
        ("2024", set[str]()),
        ("", set[str]()),
    ],
)
async def test_a_title_its_parts_and_identifiers_are_subjects_of_every_chunk(title: str, expected: set[str]):
    one = document("it rained all day. " * 200, title)
    assert len(one.chunks) > 1

    for contribution in await extract(one):
        assert {mention.key for mention in contribution.mentions if mention.role == "subject"} == expected
        assert all(mention.spans == () for mention in contribution.mentions if mention.role == "subject")


def test_an_entity_of_the_text_that_a_title_names_is_a_subject():
    found = subjects_of("How Halvorix Components lost a customer", {"halvorix components", "rotterdam", "customer"})

    assert {"halvorix components", "customer"} <= found.keys()
    assert "rotterdam" not in found


async def test_headings_are_subjects_of_the_chunks_below_them_alone():
    filler = "it rained all day and nobody came to the harbour. " * 12
    one = cut(f"# Yearbook\n\n{filler}\n\n## Zyrvane pump\n\n{filler}\n\n## Root cause\n\n{filler}\n")
    assert len(one.chunks) == 3

    found = [{m.key for m in c.mentions if m.role == "subject"} for c in await extract(one)]

    assert found == [{"yearbook"}, {"yearbook", "zyrvane pump"}, {"yearbook"}]


async def test_the_number_of_a_section_is_no_part_of_what_it_is_about():
    one = cut(
        "# Supply agreement\n\n## 1. Turnaround\n\nTwo weeks.\n\n## 2. Contacts\n\nNone.\n\n## § 3 Grey list\n\nNone.\n"
    )

    assert await subjects(one) == {"supply agreement", "turnaround", "grey list"}


@pytest.mark.parametrize("headings", [("12 Angry Men", "3 Idiots"), ("7 July 2025", "8 July 2025")])
async def test_numbers_that_do_not_count_headings_on_are_part_of_them(headings: tuple[str, str]):
    one = cut("# Notes\n\n" + "".join(f"## {heading}\n\nSomething.\n\n" for heading in headings))

    assert {normalise(heading) for heading in headings} <= await subjects(one)


@pytest.mark.parametrize(
    "heading", ["Introduction", "Root cause", "Next steps", "FAQ", "Lessons learned", "What went well", "2. Scope"]
)
async def test_generic_headings_are_no_subjects(heading: str):
    one = document(f"{heading}\n\nit rained.", "", [(0, 1, heading)])

    assert await subjects(one) == set()


async def test_a_text_without_title_is_about_the_subject_of_its_first_sentence():
    text = "Halvorix Components supplies the power module. Anneke Brouwer lives in Rotterdam."
    one = document(text)

    found = await mentions_of(one)

    assert {key for key, mention in found.items() if mention.role == "subject"} == {"halvorix components"}
    assert quotes(one, found["halvorix components"]) == ["Halvorix Components"]
    assert await subjects(document(text, "Yearbook")) == {"yearbook"}


async def test_a_text_without_title_or_name_is_about_nothing():
    assert await subjects(document("it rained all day.")) == set()


# Independence


async def test_what_a_document_contributes_depends_on_no_other_document():
    other = "Pieter Brouwer works for Zyrvane Holdings (ZH). IRB is the name of a band. Nadella is a town."
    documents = [cut(REPORT, "a.md"), cut(LONG, "b.md"), document(other, source="c.txt")]
    alone = {one.id: await extract(one) for one in documents}

    for order in permutations(documents):
        together = await EXTRACTOR.extract(order)
        for one, contributions in zip(order, together, strict=True):
            assert contributions == alone[one.id]


async def test_no_documents_give_no_contributions():
    assert await EXTRACTOR.extract([]) == []


async def test_the_tenant_decides_the_ids_of_entities_and_nothing_else():
    one = document("Microsoft acquired GitHub.")
    rival = DocumentText(one.id, "rival", one.title, one.chunks)

    ((ours,),) = await EXTRACTOR.extract([one])
    ((theirs,),) = await EXTRACTOR.extract([rival])

    assert [m.key for m in ours.mentions] == [m.key for m in theirs.mentions]
    assert not {m.entity_id for m in ours.mentions} & {m.entity_id for m in theirs.mentions}


async def test_a_pipeline_that_is_not_installed_is_named_with_what_to_do():
    with pytest.raises(ModelError, match=r"'no_such_pipeline' is no spaCy pipeline .* install its package"):
        await SpacyExtractor("no_such_pipeline").extract([document("Microsoft.")])


@pytest.mark.parametrize("name", ["no_such_pipeline", "json", ".relative", "no.such"])
def test_what_is_no_pipeline_is_refused_without_being_loaded(name: str):
    with pytest.raises(ConfigError, match="GRAPHRAG_SPACY_PIPELINE="):
        check_pipeline(name)


def test_a_pipeline_without_what_is_used_here_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "tagger_only"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "meta.json").write_text('{"pipeline": ["tagger", "ner"]}')
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigError, match="has no parser"):
        check_pipeline("tagger_only")


@pytest.mark.parametrize("unit", ["№", "🦄"])
async def test_a_long_run_without_spaces_takes_no_more_than_other_text(unit: str):
    text = f"Alder Pumps moved to Aarhus in 1994. {unit * (7_500 // len(unit))}"
    await extract(document("Alder Pumps moved to Aarhus."))  # with the pipeline loaded
    begun = time.process_time()

    found = await extract(document(text))

    assert time.process_time() - begun < 3
    assert "aarhus" in [mention.key for mention in found[0].mentions]
