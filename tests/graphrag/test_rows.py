"""Tables: a document for each row."""

from collections.abc import Sequence

import pytest

from graphrag.errors import DocumentParseError
from graphrag.loaders import columns, load_bytes
from graphrag.loaders.columns import name_of_row


def test_a_row_without_a_text_column_is_read_as_lines_of_its_values() -> None:
    table = 'ID;Name;Owner Team;Price\n7;"Pump; Alder";Platform;EUR 140\n\n9;Valve;;"EUR\n1,90"\n'

    one, other = load_bytes(table.encode(), "stock/price-list.csv")

    assert (one.source, one.title, one.media_type) == ("stock/price-list.csv#7", "Pump; Alder", "text/csv")
    assert [heading.text for heading in one.headings] == ["Price list"]
    assert one.text == "Price list\n\n- ID: 7\n- Name: Pump; Alder\n- Owner Team: Platform\n- Price: EUR 140"
    assert (other.source, other.text) == (
        "stock/price-list.csv#9",
        "Price list\n\n- ID: 9\n- Name: Valve\n- Price: EUR 1,90",
    )
    assert dict(one.metadata) == {}


def test_a_text_column_comes_after_the_others_which_are_metadata_too() -> None:
    table = "subject\tbody\tOpened-By\tstate\nGateway silent\tIt fell silent at five.\tAda Pell\t\n"

    (document,) = load_bytes(table.encode(), "tickets.tsv")

    assert (document.source, document.title) == ("tickets.tsv#1", "Gateway silent")
    assert document.text == "- Opened-By: Ada Pell\n\nIt fell silent at five."
    assert document.metadata == {"opened_by": "Ada Pell", "subject": "Gateway silent"}


def test_a_row_without_id_and_title_is_named_by_its_number_and_its_first_column_if_that_may_be_a_name() -> None:
    one, other = load_bytes("place,lamp\r\nBrno,green\r\n2024-01-01,red\r\n".encode("utf-16"), "lamps.csv")

    assert [(row.source, row.title) for row in (one, other)] == [("lamps.csv#1", "Brno"), ("lamps.csv#2", "Lamps 2")]
    assert one.text == "Lamps\n\n- place: Brno\n- lamp: green"
    assert other.text == "- place: 2024-01-01\n- lamp: red"


def test_only_line_ends_end_a_row() -> None:
    (document,) = load_bytes("id,note\n1,one\u2028two\x0bthree\x85four\n".encode(), "a.csv")

    assert document.text.split() == "A - id: 1 - note: one two three four".split()


def test_a_long_field_is_read() -> None:
    (document,) = load_bytes(b'id,text\n1,"' + b"long words " * 50_000 + b'"\n', "a.csv")

    assert len(document.text) == 11 * 50_000 - 1


@pytest.mark.parametrize(
    ("source", "table", "text"),
    [
        ("a.tsv", "Name, full\tNotes, remarks\nFoo, Bar\tx, y\n", "- Name, full: Foo, Bar\n- Notes, remarks: x, y"),
        ("a.csv", "Name;Betrag (EUR, netto, ca.)\nFoo;12\n", "- Name: Foo\n- Betrag (EUR, netto, ca.): 12"),
        ("a.csv", '"Betrag (EUR, netto)";Datum\n"12,50";2025\n', "- Betrag (EUR, netto): 12,50\n- Datum: 2025"),
        ("a.csv", "Preis, EUR;Menge, kg\n1,5;2,5\n", "- Preis, EUR: 1,5\n- Menge, kg: 2,5"),
        ("a.csv", "name,note;remark\nFoo,x\nBar,y;z\n", "- name: Foo\n- note;remark: x"),
        ("a.csv", "sep=;\r\nname;a,b\r\nFoo;x\r\n", "- name: Foo\n- a,b: x"),
        ("a.csv", "name\nFoo\n", "- name: Foo"),
    ],
)
def test_the_delimiter_is_that_of_the_rows_and_not_what_the_header_has_most(source: str, table: str, text: str) -> None:
    assert load_bytes(table.encode(), source)[0].text.removeprefix("A\n\n") == text


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (" \n\n,,\nname,qty\nFoo,3\n", "- name: Foo\n- qty: 3"),
        (",name,qty\n0,,\n1,Foo,3\n7,Bar,4\n", "- name: Foo\n- qty: 3"),
        (",2024,2025\nBrno,1,2\n", "- row: Brno\n- 2024: 1\n- 2025: 2"),
        ("name,,qty,,\nFoo,,3,,\n", "- name: Foo\n- qty: 3"),
        ("name,qty\nFoo,3,, \nBar,4,\n", "- name: Foo\n- qty: 3"),
        ('name, full\nFoo, "Foo, Bar"\n', "- name: Foo\n- full: Foo, Bar"),
    ],
)
def test_blank_rows_and_columns_spaces_before_quotes_and_the_missing_name_of_the_first_column_do_no_harm(
    table: str, text: str
) -> None:
    assert load_bytes(table.encode(), "a.csv")[0].text == f"A\n\n{text}"


def test_a_quote_in_a_row_of_its_own_is_read() -> None:
    one, _ = load_bytes(b'id,name\n1,"Foo" Ltd\n2,"a\nb"\n', "a.csv")

    assert one.text == "A\n\n- id: 1\n- name: Foo Ltd"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a\n", "a.csv is empty"),
        ("id,b,no", "a.csv seems to be cut off: its header has no line end"),
        ("id,b,c\n1,x,y\n2,z", "a.csv seems to be cut off: its last row has fewer fields"),
        ('id,b\n1,x\n2,"hal', "row 2 of a.csv has a quote that is not closed"),
        (" \n", "a.csv is empty"),
        ("a,,b\n1,2,3\n", "a column without a name"),
        ("a,b\n1,2\n1,2,3\n", "row 2 of a.csv has 3 fields, its header 2"),
        ("id,b\n1,2\n1,3\n", "row 1 and row 2 of a.csv have the same id '1'"),
        ('id,b\n1,x\n\n2,"y\n3,z\n', "row 2 of a.csv has a quote that is not closed"),
        ('id,b\n1,"x\n2,y\n3,"z"\n', "row 1 of a.csv has a quote that is not closed"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_whole(table: str, message: str) -> None:
    with pytest.raises(DocumentParseError, match=message):
        load_bytes(table.encode(), "a.csv")


@pytest.mark.parametrize(
    ("table", "sources"),
    [
        ("ticket_id,subject\n4001,Lag\n4002,Leak\n", ["4001", "4002"]),
        ("CustomerID,Name\nA7,Ada\nB2,Joris\n", ["A7", "B2"]),
        ("Summary,Issue key,Issue id\nLag,LED-17,10017\nLeak,LED-18,10018\n", ["LED-17", "LED-18"]),
        ("uuid,text\n6f1c,One.\n7a2d,Two.\n", ["6f1c", "7a2d"]),
        ("customer_id,order_id\n7,1\n7,2\n", ["1", "2"]),
        ("ticket_id,_id\n4001,a\n4002,b\n", ["a", "b"]),
        ("customer_id,colour\n7,red\n7,green\n", ["1", "2"]),
        ("qty,order_id,product_id\n2,1,7\n2,1,8\n5,2,7\n", ["1/7", "1/8", "2/7"]),
        ("order_id,line_no,coupon_id,day\n1,1,,Monday\n1,2,c,Monday\n", ["1/1", "1/2"]),
        ("lang,id,text\nen,1,Hello.\nde,1,Hallo.\n", ["en/1", "de/1"]),
        ("order_id,line_no,product_id\n1,1,7\n1,2,8\n2,1,7\n2,2,8\n", ["1/1", "1/2", "2/1", "2/2"]),
        ("id,owner_id\n1,7\n,8\n", ["7", "8"]),
        ("ticket_id,day\n4001,Monday\n,Friday\n", ["1", "2"]),
        ("paid,valid,monkey\nyes,no,a\nno,yes,b\n", ["1", "2"]),
    ],
)
def test_rows_without_a_column_id_are_named_by_what_else_is_their_key(table: str, sources: list[str]) -> None:
    assert [row.source for row in load_bytes(table.encode(), "a.csv")] == [f"a.csv#{name}" for name in sources]


def test_a_long_value_keeps_its_lines() -> None:
    text = "Steps:\r\n* " + "open the cabinet " * 12 + "\r\n\r\n\r\n\r\n* close it\r\n"
    (document,) = load_bytes(f'Issue key,Description,Status\nLED-17,"{text}",Done\n'.encode(), "a.csv")

    steps = f"Steps:\n  * {('open the cabinet ' * 12).strip()}\n\n  * close it"
    assert document.text == f"A\n\n- Issue key: LED-17\n- Description: {steps}\n- Status: Done"


def test_a_table_without_rows_holds_no_document() -> None:
    assert load_bytes(b"id,name\n", "a.csv") == load_bytes(b"id;name\r\n;\r\n", "a.csv") == []


def test_rows_that_all_leave_out_their_last_fields_are_not_cut_off() -> None:
    one, other = load_bytes(b"id,name,note\n1,Foo\n2,Bar", "a.csv")

    assert (one.text, other.text) == ("A\n\n- id: 1\n- name: Foo", "A\n\n- id: 2\n- name: Bar")
    assert load_bytes(b"id,name,note\n1,Foo,x\n2,Bar\n", "a.csv")[1].text == other.text


def test_a_row_named_by_its_key_keeps_it_as_text_or_metadata() -> None:
    (row,) = load_bytes(b"invoice_id,amount\nINV-7,12\n", "a.csv")
    (ticket,) = load_bytes(b"ticket_id,body\n4001,It fell silent.\n", "tickets.csv")

    assert (row.title, row.text) == ("INV-7", "A\n\n- invoice id: INV-7\n- amount: 12")
    assert (ticket.text, dict(ticket.metadata)) == ("- ticket id: 4001\n\nIt fell silent.", {"ticket_id": "4001"})
    assert ticket.title == "Tickets 4001"
    assert load_bytes(b"id,body\n4001,Gateway silent\n", "a.csv")[0].title == "Gateway silent"


def test_columns_with_any_name_are_metadata() -> None:
    header = "text,Custom field (Severity),Größe (cm),2024,Labels,labels,Σ,Übernommen?,用户,metadata"
    (document,) = load_bytes(f"{header}\nIt fell silent.,High,3,y,ops,eu,9,ja,x,{{}}\n".encode(), "a.csv")

    assert dict(document.metadata) == {
        "custom_field_severity": "High",
        "grosse_cm": "3",
        "column_2024": "y",
        "labels": "ops",
        "labels_2": "eu",
        "column_7": "9",
        "ubernommen": "ja",
        "column_9": "x",
        "column_metadata": "{}",
    }


def test_of_columns_of_one_name_each_value_is_read() -> None:
    (document,) = load_bytes(b"Summary,Labels,Labels,Labels\nLag,ops,,alarm\n", "a.csv")

    assert document.text == "A\n\n- Summary: Lag\n- Labels: ops\n- Labels: alarm"


def test_what_databases_write_for_no_value_is_none() -> None:
    one, other = load_bytes(b"id,name,manager,left\n1,Ada Pell,NULL,\\N\nNULL,\\N,,\n2,Null,null,no\n", "a.csv")

    assert one.text == "A\n\n- id: 1\n- name: Ada Pell"
    assert other.text == "A\n\n- id: 2\n- name: Null\n- manager: null\n- left: no"


def test_a_row_without_a_value_in_the_text_column_is_read_as_lines_of_its_others() -> None:
    one, other = load_bytes(b"id,body,title,owner\n1,Ask first.,Leave,Ada Pell\n2,,Remote work,Joris Maes\n", "a.csv")

    assert (one.text, one.title) == ("- id: 1\n- owner: Ada Pell\n\nAsk first.", "Leave")
    assert (other.text, other.title) == ("- id: 2\n- title: Remote work\n- owner: Joris Maes", "Remote work")
    assert dict(other.metadata) == {"owner": "Joris Maes"}


def test_of_many_columns_that_may_be_a_key_only_short_keys_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def counting(row: Sequence[str], wanted: Sequence[int]) -> str:
        nonlocal read
        read += len(wanted)
        return name_of_row(row, wanted)

    monkeypatch.setattr(columns, "name_of_row", counting)
    names, rows = [f"c{number}_id" for number in range(200)], [["7"] * 200] * 10

    assert columns.key_columns(names, rows) == ()

    assert read < 3 * 200 * 10
    one_each = [[str(row >> number & 1) for number in range(8)] for row in range(256)]
    assert columns.key_columns(names[:8], one_each) == tuple(range(8))
