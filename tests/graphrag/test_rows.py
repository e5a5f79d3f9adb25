"""Tables: a document for each row."""

import pytest

from graphrag.errors import DocumentParseError
from graphrag.loaders import load_bytes


def test_a_row_without_a_text_column_is_read_as_lines_of_its_values() -> None:
    table = 'ID;Name;Owner Team;Price\n7;"Pump; Alder";Platform;EUR 140\n\n9;Valve;;"EUR\n1,90"\n'

    one, other = load_bytes(table.encode(), "stock/price-list.csv")

    assert (one.source, one.title, one.media_type) == ("stock/price-list.csv#7", "Pump; Alder", "text/csv")
    assert one.text == "- ID: 7\n- Name: Pump; Alder\n- Owner Team: Platform\n- Price: EUR 140"
    assert (other.source, other.text) == ("stock/price-list.csv#9", "- ID: 9\n- Name: Valve\n- Price: EUR 1,90")
    assert dict(one.metadata) == {}


def test_a_text_column_is_the_text_and_the_others_are_metadata() -> None:
    table = "subject\tbody\tOpened-By\tstate\nGateway silent\tIt fell silent at five.\tAda Pell\t\n"

    (document,) = load_bytes(table.encode(), "tickets.tsv")

    assert (document.source, document.title) == ("tickets.tsv#1", "Gateway silent")
    assert document.text == "It fell silent at five."
    assert document.metadata == {"opened_by": "Ada Pell", "subject": "Gateway silent"}


def test_a_row_without_id_and_title_is_named_by_its_number_and_its_first_column_if_that_may_be_a_name() -> None:
    one, other = load_bytes("place,lamp\r\nBrno,green\r\n2024-01-01,red\r\n".encode("utf-16"), "lamps.csv")

    assert [(row.source, row.title) for row in (one, other)] == [("lamps.csv#1", "Brno"), ("lamps.csv#2", "Lamps 2")]
    assert one.text == "- place: Brno\n- lamp: green"


def test_only_line_ends_end_a_row() -> None:
    (document,) = load_bytes("id,note\n1,one\u2028two\x0bthree\x85four\n".encode(), "a.csv")

    assert document.text.split() == "- id: 1 - note: one two three four".split()


def test_a_long_field_is_read() -> None:
    (document,) = load_bytes(b'id,text\n1,"' + b"long words " * 50_000 + b'"\n', "a.csv")

    assert len(document.text) == 11 * 50_000 - 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a,b\n", "a.csv is empty"),
        (" \n", "a.csv is empty"),
        ("a,,b\n1,2,3\n", "a column without a name"),
        ("a,A\n1,2\n", "two columns 'a'"),
        ("a,b\n1,2\n1,2,3\n", "row 2 of a.csv has 3 fields, its header 2"),
        ("id,b\n1,2\n1,3\n", "row 1 and row 2 of a.csv have the same id '1'"),
        ("id,text\n1,x\n2,\n", "row 2 of a.csv has no text"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_whole(table: str, message: str) -> None:
    with pytest.raises(DocumentParseError, match=message):
        load_bytes(table.encode(), "a.csv")
