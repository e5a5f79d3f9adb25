import json

import pytest

from graphrag.errors import DocumentParseError, InputError
from graphrag.loaders import load_bytes
from tests.graphrag.loaded import check_offsets


def lines_of(*records: object) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def test_each_json_line_is_a_document_named_by_its_id_or_line() -> None:
    data = lines_of(
        {"_id": "q1", "title": "First", "text": "Alpha\r\nbeta", "metadata": {"Team Name": "ops"}, "year": 2025}
    )
    data += b"\n\n" + lines_of({"contents": "Gamma"}, {"id": 7, "body": "A sentence, as text.", "url": None})
    documents = load_bytes(data, "d/f.jsonl")
    for document in documents:
        check_offsets(document)
    assert [document.source for document in documents] == ["d/f.jsonl#q1", "d/f.jsonl#3", "d/f.jsonl#7"]
    assert [document.title for document in documents] == ["First", "Gamma", "F 7"]
    assert documents[0].text == "- id: q1\n- year: 2025\n\nAlpha\nbeta"
    assert documents[2].text == "A sentence, as text."
    assert documents[0].metadata == {"team_name": "ops", "year": 2025}
    assert [document.media_type for document in documents] == ["application/x-ndjson"] * 3


def test_the_fields_beside_the_text_of_a_record_can_be_asked_for() -> None:
    fields = {"id": "CARE-893", "assigned_to": "Yusuf Demir", "title": "Dark panel", "locker": None}
    (ticket,) = load_bytes(lines_of(fields | {"text": "Water got in.", "metadata": {"lang": "en"}}), "t.jsonl")
    assert ticket.text == "- id: CARE-893\n- assigned to: Yusuf Demir\n\nWater got in."
    assert ticket.metadata == {"assigned_to": "Yusuf Demir", "lang": "en"}

    (alone,) = load_bytes(lines_of({"id": "a", "title": "T", "text": "Text.", "metadata": {"lang": "en"}}), "t.jsonl")
    assert alone.text == "Text."
    (untitled,) = load_bytes(lines_of({"id": "a", "state": "open", "text": "First line\nand more."}), "t.jsonl")
    assert untitled.title == "First line"


def test_the_hash_of_a_record_does_not_depend_on_the_order_of_its_keys() -> None:
    (one_way,) = load_bytes(b'{"id": "a", "text": "x\\ud800y"}', "a.ndjson")
    (other_way,) = load_bytes(b'{"text": "x\\ud800y", "id": "a"}', "a.ndjson")
    assert one_way.content_sha256 == other_way.content_sha256
    assert one_way.text == "xy"


def test_json_holds_one_record_or_a_list() -> None:
    assert [d.source for d in load_bytes(b'[{"text": "a"}, {"text": "b"}]', "a.json")] == ["a.json#1", "a.json#2"]
    assert [d.source for d in load_bytes(b'{"text": "a", "id": "x"}', "a.json")] == ["a.json#x"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("{", "line 2 of a.jsonl is not valid JSON"),
        ('{"text": "x", "n": NaN}', "line 2 of a.jsonl is not valid JSON"),
        ('{"text": "x", "n": -1e400}', "line 2 of a.jsonl is not valid JSON .the number -1e400 is too large"),
        ("[" * 100_000, "line 2 of a.jsonl is not valid JSON .nested too deeply"),
        (
            '{"text": "x", "n": ' + "1" * 5000 + "}",
            r"line 2 of a.jsonl is not valid JSON .the number 1{40}\.\.\. is too",
        ),
        ("[1]", "line 2 of a.jsonl is not a JSON object"),
        ('{"text": 5}', "line 2 of a.jsonl: 'text' must be a text, not int"),
        ('{"text": "x", "title": 5}', "'title' must be a text"),
        ('{"text": "x", "id": true}', "the id must be"),
        ('{"text": "x", "id": "a"}', "line 1 and line 2 of a.jsonl have the same id 'a'"),
        ('{"text": "x", "metadata": 5}', "'metadata' must be an object"),
    ],
)
def test_a_bad_line_refuses_the_whole_file_and_names_the_line(second: str, message: str) -> None:
    with pytest.raises(DocumentParseError, match=message):
        load_bytes(b'{"text": "fine", "id": "a"}\n' + second.encode(), "a.jsonl")


def test_a_record_without_text_is_read_as_a_row_without_text_is() -> None:
    records = [
        {"id": 7, "text": None, "title": "Remote work", "owner": "Joris Maes", "metadata": {"team_name": "ops"}},
        {"id": 8, "text": " \u200b", "body": "It fell silent."},
        {"text": "", "owner": None, "metadata": {}},
        {"id": 9, "state": "closed"},
    ]

    remote, silent, closed = load_bytes(lines_of(*records), "d/tickets.jsonl")

    assert (remote.source, remote.title) == ("d/tickets.jsonl#7", "Remote work")
    assert remote.text == "Tickets\n\n- id: 7\n- title: Remote work\n- team name: ops\n- owner: Joris Maes"
    assert remote.metadata == {"team_name": "ops", "owner": "Joris Maes"}
    assert (silent.text, dict(silent.metadata)) == ("It fell silent.", {})
    assert (closed.text, closed.title) == ("- id: 9\n- state: closed", "Tickets 9")


def test_the_fields_of_objects_in_a_record_can_be_asked_for_and_filtered_by() -> None:
    record = {
        "_id": "CARE-1", "@timestamp": "2025-03-19", "text": "It fell silent.", "assignee": {"Name": "Ida Rowan", "Größe": 3},
        "comments": [{"by": "Bo", "body": "Fixed."}], "metadata": {"site": {"name": "Brno"}},
    }  # fmt: skip
    (document,) = load_bytes(lines_of(record), "a.jsonl")
    assert document.text == (
        "- id: CARE-1\n- @timestamp: 2025-03-19\n- assignee name: Ida Rowan\n- assignee größe: 3\n"
        "- comments by: Bo\n- comments body: Fixed.\n\nIt fell silent."
    )
    assert document.metadata == {
        "site_name": "Brno",
        "timestamp": "2025-03-19",
        "assignee_name": "Ida Rowan",
        "assignee_grosse": 3,
        "comments": '[{"by": "Bo", "body": "Fixed."}]',
    }


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (b'{"id": 1, "name": "Ada Pell", "line manager": "Liv Aas"}\n{"id": 2, "name": "Bo Lind"}', "staff.jsonl"),
        (b'[{"id": 1, "name": "Ada Pell", "line manager": "Liv Aas"}, {"id": 2, "name": "Bo Lind"}]', "staff.json"),
    ],
)
def test_records_without_any_text_are_the_rows_of_a_table(data: bytes, source: str) -> None:
    ada, bo = load_bytes(data, source)

    assert (ada.source, ada.text) == (f"{source}#1", "- id: 1\n- name: Ada Pell\n- line manager: Liv Aas")
    assert (bo.source, bo.title) == (f"{source}#2", "Staff 2")
    with pytest.raises(DocumentParseError, match="has any text"):
        load_bytes(b'{"name": null}\n{"metadata": {}}', "staff.jsonl")


def test_a_file_of_records_of_which_none_has_a_text_is_refused() -> None:
    with pytest.raises(
        DocumentParseError, match=r"no record of a\.json has any text: a record is an object with the key"
    ):
        load_bytes(b'{"name": "site", "version": "1.2"}', "a.json")


def test_what_exports_of_help_desks_hold_is_read_and_not_their_markup() -> None:
    steps = "Open the cabinet and pull the second fuse from the left. " * 4
    records = [
        {"id": 1, "user_id": 7, "user": {"id": 7, "name": "Bo"}, "tags": [], "Log": f"Steps:\n{steps}\n\nDone."},
        {
            "id": 2,
            "body": "<p>It <b>fell</b> silent &amp; cold.</p><ul><li>Ask Bo</li></ul><table><tr><td>a</td><td>b</td></tr></table>",
        },
        {
            "id": 3,
            "note": "<p>Fixed.</p>",
            "user": {"id": 8},
            "user_id": 9,
            "parts": [{"by": {"name": "Ida"}}, "x", {"by": None}],
        },
        {"id": 4, "text": {"type": "doc", "value": "It fell."}},
    ]

    many, page, note, body = load_bytes(lines_of(*records), "d/desk.jsonl")

    assert many.text == f"- id: 1\n- user id: 7\n- user name: Bo\n- log: Steps:\n  {steps.strip()}\n\n  Done."
    assert page.text == "It fell silent & cold.\n- Ask Bo\na | b"
    assert note.text == "- id: 3\n- note: Fixed.\n- user id: 8\n- user id: 9\n- parts by name: Ida\n- parts: x"
    assert (note.metadata["user_id"], note.metadata["user_id_2"]) == (8, 9)
    assert body.text == "- id: 4\n- text type: doc\n- text value: It fell."
    (row,) = load_bytes(b"id,note,text\n1,<p>Fixed.</p>,<div>All <i>is</i> well.</div>\n", "a.csv")
    assert row.text == "- id: 1\n- note: Fixed.\n\nAll is well."
    (code,) = load_bytes(
        lines_of(
            {"text": "<p> is a tag"},
        ),
        "a.jsonl",
    )
    assert code.text == "<p> is a tag"


def test_records_as_databases_and_programs_write_them_are_read() -> None:
    exported = lines_of(
        {"_id": {"$oid": "64f0"}, "at": {"$date": "2025-03-19"}, "text": "a"}, {"_id": 7.0, "text": "b"}
    )
    exported += b"\n" + lines_of({"id": "", "text": "c"})

    for source in ("a.jsonl", "a.json"):
        found = load_bytes(exported, source)
        assert [one.source for one in found] == [f"{source}#{name}" for name in ("64f0", "7", "3")]
        assert dict(found[0].metadata) == {"at": "2025-03-19"}
    with pytest.raises(
        DocumentParseError, match=r"has any text: .*; if these are the list in 'issues', save that alone"
    ):
        load_bytes(b'{"total": 1, "issues": [{"id": 1}]}', "a.json")


def test_a_record_cannot_set_its_tenant() -> None:
    with pytest.raises(InputError, match=r"line 1 of a\.jsonl: metadata may not set 'tenant'"):
        load_bytes(b'{"text": "x", "tenant": "other"}', "a.jsonl")
