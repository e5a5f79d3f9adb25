"""Rows, keys and cells: what says what they are is read with them, and a field that states the answer is offered."""

import json
from collections.abc import Sequence

import pytest

from agent.spans.fields import fields_of, said_with
from agent.types import Answer
from graphrag.sentences import split_sentences
from graphrag.types import Chunk
from tests.agent.filled import answers_of

DOCUMENTS = {
    "services.csv": "service_id,name,owner_team,language,data_store\n"
    "svc-1,billing-gateway,Team Otter,Kotlin,ledger-db\nsvc-4,route-planner,Team Heron,Rust,route-cache\n",
    "vendors.csv": "vendor_id,vendor_name,supplies,contract_renews_on,annual_fee\n"
    "401,Norpay AS,card payments,2026-12-31,96000\n404,Tessera Maps,map tiles,2026-11-15,54200\n",
    "depots.csv": "depot_id,city,manager,phone,in_use_since\n"
    "DEP-B,Bremen,Uwe Tietjen,+49 421 550 9071,2020-09-14\nDEP-L,Lubeck,Ralf Petersen,+49 451 550 3320,2019-03-20\n",
    "slo.md": "# Objectives\n\n| Service | Availability | p95 latency |\n|---|---|---|\n| billing-gateway | 99.95 % | 250 ms |\n"
    "| route-planner | 99.9 % | 900 ms |\n",
    "models.md": "# Locker models\n\n## Alto 24\n\nwidth: 1.90 m\nweight: 212 kg\ndepth: 60 cm\n\n## Alto 40\n\nwidth: 3.10 m\nweight: 338 kg\n",
    "sheet.md": "# Datasheet\n\n| Property | Alto 24 | Alto 40 |\n|---|---|---|\n| Protection class | IP54 | IP55 |\n",
    "lockers/2026-06-17.json": json.dumps(
        [
            {
                "type": "message",
                "ts": "1",
                "username": "Sigrid Thun",
                "text": "the Skerry tender is decided, Karlo Blechbau won it",
            },
            {"type": "message", "ts": "2", "thread_ts": "1", "username": "Ada Penn", "text": "good"},
        ]
    ),
    "heron.html": "<main><h1>Team Heron</h1><table><tr><th>Lead</th><td>Rosa Amsel</td></tr>"
    "<tr><th>Product owner</th><td>Tilo Wendt</td></tr><tr><th>Stand-up</th><td>09:45, room Skerry</td></tr></table></main>",
    "staff.jsonl": '{"id": "c1", "name": "Desmond Purkiss", "job title": "Water Quality Manager", "base": "Wexcombe", "text": "Contact."}\n'
    '{"id": "c2", "name": "Hester Quill", "job title": "Safety Engineer", "base": "Thrale", "text": "Works from home."}',
    "leave.md": "# Leave\n\n- Annual leave: 26 days, rising to 29 after five years\n- Carry over: at most 5 days\n",
    "terms.md": "# Glossary\n\n- MLD: megalitres a day\n- PRV: pressure reducing valve\n\nEach district metered area (DMA) has one.",
    "admission-2024.csv": "ticket,price\nfamily,EUR 26.00\nadult,EUR 11.00\n",
    "admission-2025.csv": "ticket,price\nfamily,EUR 27.50\nadult,EUR 12.00\n",
    "stations.csv": "station,district,year built\nKiln Bank PS,Upper Tave,1996\nCold Harbour PS,Lower Tave,1961\n",
    "towers.csv": "reservoir,volume_m3,fed by,last inspected\nGallows Knoll,900,Kiln Bank PS,2022-05-19\n",
    "ardelia.md": "# Ardelia\n\nArdelia is a country on the Gulf of Pers. Its capital and largest city is Port Amsel. The president is the "
    "lawyer Teodor Balsan, who was born in Tesk.\n",
    "meters.md": "# Smart meters\n\nPhase 2 takes in 23,500 meters. They come from Kamphuis of Eindhoven. Batteries last 15 years, says the "
    "maker. The sponsor is Hester Quill, who signed.\n",
    "skerry.md": "# Skerry\n\nThe Skerry hall was opened in May. It has a budget of EUR 4,000 and twelve rooms.\n",
    "brennick.md": "# Brennick\n\nBrennick is a town in Ardelia, near Beskovia. It lies on the Lune. Joan Aske is the mayor of Brennick.\n",
}
SAID_OTHERWISE = "Where is the maker of the smart meters based?"
"""The answer is there, and no field states it: the field says where the sponsor is."""
STATED = {
    "What was the price of a family ticket in 2024?": "EUR 26.00",
    "What does an adult ticket cost in 2025?": "EUR 12.00",
    "Who is the Water Quality Manager?": "Desmond Purkiss",
    "How many days of annual leave do I get?": "26 days",
    "what does mld mean?": "megalitres a day",
    "What does DMA stand for?": "district metered area",
    "What is the capital of Ardelia?": "Port Amsel",
    "Who is the president of the country where Brennick lies?": "Teodor Balsan",
    "Who is the president of Ardelia?": "Teodor Balsan",
    "Who is the mayor of Brennick?": "Joan Aske",
    "When was Gallows Knoll last inspected?": "2022-05-19",
    "When was Kiln Bank PS last inspected?": "",  # the tower that it feeds was
    "What is the volume of Kiln Bank PS?": "",
    "Who is the president of Beskovia?": "",
    SAID_OTHERWISE: "",
    "What is the capital of Beskovia?": "",
    # In keywords.
    "route-planner data store": "route-cache",
    "bremen depot phone": "+49 421 550 9071",
    "Skerry budget": "EUR 4,000",
    "label-printer data store": "",
    "Which team owns billing-gateway?": "Team Otter",
    "When does the contract with Tessera Maps renew?": "2026-11-15",
    "Who manages the Bremen depot?": "Uwe Tietjen",
    "What is the budget of the Skerry hall?": "EUR 4,000",
    "In which language is route-planner written?": "Rust",
    "In which language is label-printer written?": "",
    "What is the phone number of the depot in Lubeck?": "+49 451 550 3320",
    "What is the p95 latency of route-planner?": "900 ms",
    "What is the weight of the Alto 40?": "338 kg",
    "How heavy is the Alto 40?": "338 kg",
    "What is the protection class of the Alto 40?": "IP55",
    "At what time is the stand-up of Team Heron?": "09:45, room Skerry",
    "Who leads the team that owns route-planner?": "Rosa Amsel",
    "Who is the product owner of Team Heron?": "Tilo Wendt",
    "Who won the Skerry tender?": "Karlo Blechbau",
    # Two things by one field.
    "Which has the longer p95 latency, billing-gateway or route-planner?": "route-planner",
    "Which depot is in use since an earlier date, Bremen or Lubeck?": "Lubeck",
    "Do billing-gateway and route-planner use the same data store?": "no",
    "Which has the longer p95 latency, billing-gateway or label-printer?": "",
    # Of another thing, of another kind, or not said at all.
    "What is the weight of the Alto 60?": "",
    "How heavy is the Alto 60?": "",
    "What is the p95 latency of label-printer?": "",
    "When was the depot in Bremen opened?": "",
    "Who is the deputy of Uwe Tietjen?": "",
    "What is the phone number of Norpay AS?": "",
    # Without a word that a label could hold.
    "Who is it?": "",
    "When was it?": "",
}


def chunk_of(text: str, *, heading: Sequence[str] = ()) -> Chunk:
    """A chunk whose sentences are cut as those of documents are."""
    return Chunk(
        id="c", document_id="d", source="s", title="Notes", position=0, start=0, core_start=0, end=len(text), text=text,
        heading=tuple(heading), page=None, token_count=1, sentences=tuple(split_sentences(text)), terms="", phrases={}, mentions=(),
    )  # fmt: skip


def labelled(chunk: Chunk) -> list[tuple[str, str]]:
    """Label and value of each field."""
    return [(field.label.strip(), field.text) for field in fields_of(chunk)]


def test_a_cell_has_the_head_of_its_column_and_the_first_cell_of_its_row_for_label() -> None:
    rows = chunk_of("Prices.\n\nPart | Price | Stock\nLatch | EUR 4 | 12\nHood | | 3")

    assert labelled(rows) == [
        ("Part", "Latch"),
        ("Price Latch", "EUR 4"),
        ("Stock Latch", "12"),
        ("Part", "Hood"),
        ("Stock Hood", "3"),
    ]
    assert "12" in next(fields_of(rows)).beside and "Notes" in next(fields_of(rows)).beside


def test_a_table_of_markdown_is_read_where_a_text_has_it_as_it_is_written() -> None:
    table = chunk_of("Prices\n\n| Part | Price |\n|---|:-:|\n| Latch | EUR 4 |\n| Hood | EUR 9 |\n\nSold by Quillon.")
    assert labelled(table) == [("Part", "Latch"), ("Price Latch", "EUR 4"), ("Part", "Hood"), ("Price Hood", "EUR 9")]


def test_the_first_of_two_columns_may_be_keys() -> None:
    assert labelled(chunk_of("Lead | Ada Penn\nOffice | Brno")) == [
        ("", "Lead"),
        ("Lead", "Ada Penn"),
        ("", "Office"),
        ("Office", "Brno"),
    ]
    assert ("Credit below 99 %", "5 %") in labelled(chunk_of("Availability | Credit\nbelow 99 % | 5 %"))


def test_a_table_that_goes_on_from_the_passage_before_has_its_head_among_the_headings() -> None:
    rows = chunk_of("Latch | EUR 4 | 12\nHood | EUR 9 | 3", heading=("Prices", "Part | Price | Stock"))

    assert labelled(rows)[:2] == [("Part", "Latch"), ("Price Latch", "EUR 4")]
    assert "Part Price Stock" in said_with(rows)[0]


def test_lines_are_fields_of_their_block_and_heading() -> None:
    record = chunk_of("- name: route-planner\n- language: Rust\n\nOther words: none.", heading=("Services",))
    fields = list(fields_of(record))

    assert [(field.label, field.text) for field in fields][:2] == [("name", "route-planner"), ("language", "Rust")]
    assert "route-planner" in fields[1].beside and "Services" in fields[1].beside
    assert "route-planner" not in fields[2].beside


def test_a_value_ends_without_the_full_stop_of_its_sentence() -> None:
    text = "Works manager: Ada Penn.\nOpen until: 8 p.m.\nMaker: Varley Ltd."

    assert [text for _, text in labelled(chunk_of(text))] == ["Ada Penn", "8 p.m.", "Varley Ltd."]


def test_a_row_is_said_with_its_head_and_prose_by_itself() -> None:
    text = "It is cheap. It is blue.\n\nPart | Price\nLatch | EUR 4"
    said = said_with(chunk_of(text))

    assert said[:2] == ["It is cheap.", "It is blue."]
    assert said[3] == "Latch | EUR 4 Part Price Notes"
    assert len(said) == len(split_sentences(text))


def test_messages_of_a_chat_are_no_record() -> None:
    message = "Ada Penn: the tender is decided at last, and the first twenty housings come in September, as was promised to us"
    said = said_with(chunk_of(f"{message}\n- Tom Reed: great"))

    assert said == [message, "- Tom Reed: great Notes"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What the agent says to each question."""
    url = f"sqlite:///{tmp_path_factory.mktemp('fields') / 'base.db'}"
    return answers_of(url, DOCUMENTS, STATED)


@pytest.mark.parametrize(("question", "expected"), STATED.items())
def test_the_field_that_states_the_answer_is_offered(answers: dict[str, Answer], question: str, expected: str) -> None:
    answer = answers[question]

    assert (answer.short.text if answer.short else "") == expected
    if not expected and question != SAID_OTHERWISE:
        assert answer.verdict != "answered"
