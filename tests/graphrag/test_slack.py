"""Days of channels that Slack exports."""

import json

import pytest

from graphrag.errors import DocumentParseError
from graphrag.loaders import load_bytes

ADA = {"type": "message", "user": "U01", "user_profile": {"real_name": "Ada Pell", "display_name": "ada"}}
JORIS = {"type": "message", "user": "U02", "user_profile": {"real_name": "", "display_name": "Joris Maes"}}


def test_a_day_is_one_document_with_replies_below_what_they_answer() -> None:
    day = [
        {"type": "message", "subtype": "channel_join", "ts": "1.0", "user": "U03", "text": "<@U03> has joined"},
        ADA
        | {
            "ts": "2.0",
            "thread_ts": "2.0",
            "text": "The gateway is down &amp; out, <@U02>: see <https://x.example|status>",
        },
        JORIS | {"ts": "3.0", "text": "Lunch in <#C01|general>?\n<!here>"},
        JORIS
        | {
            "ts": "4.0",
            "thread_ts": "2.0",
            "text": "Restarted. Ask <@U09>",
            "files": [{"name": "log.txt", "preview": "relay\nsilent"}, {}, "gone"],
        },
        {"type": "message", "subtype": "bot_message", "ts": "5.0", "username": "Pager", "text": "Resolved"},
        ADA | {"ts": "6.0", "text": ""},
        {"type": "message", "user": "U02", "ts": "6.5", "text": "Back"},
        {"type": "message", "user": "U08", "ts": "6.6", "text": "Good"},
        JORIS | {"ts": "7.0", "thread_ts": "0.5", "text": "Thanks for yesterday"},
    ]

    (document,) = load_bytes(json.dumps(day).encode(), "export/general/2025-03-19.json")

    assert document.text == (
        "Joris Maes: Thanks for yesterday\n\n"
        "Ada Pell: The gateway is down & out, Joris Maes: see status\n"
        "- Joris Maes: Restarted. Ask @U09\n  [file: log.txt] relay silent\n\n"
        "Joris Maes: Lunch in #general?\n@here\n\n"
        "Pager: Resolved\n\n"
        "Joris Maes: Back\n\n"
        "U08: Good"
    )
    assert (document.title, document.source) == ("#general, 2025-03-19", "export/general/2025-03-19.json")
    assert document.metadata == {"channel": "general", "date": "2025-03-19"}
    assert load_bytes(json.dumps(day).encode(), "export/general/all.json")[0].metadata == {"channel": "general"}


USERS = [
    {"id": "U01", "name": "ada", "profile": {"real_name": "Ada Pell", "display_name": "ada"}},
    {"id": "U02", "name": "joris", "real_name": "Joris Maes", "profile": {"real_name": "", "display_name": "jm"}},
    {"id": "U07", "name": "pager", "is_bot": True, "profile": {"real_name": "Pager", "bot_id": "B07"}},
    "none",
]
LISTS = {
    "users.json": json.dumps(USERS).encode(),
    "channels.json": json.dumps([{"id": "C01", "name": "general", "members": ["U01"]}]).encode(),
    "groups.json": json.dumps([{"id": "G01", "name": "board"}]).encode(),
    "dms.json": json.dumps([{"id": "D01", "members": ["U01", "U02"]}]).encode(),
    "mpims.json": json.dumps([{"id": "G02", "name": "mpdm-ada--joris-1", "members": ["U02", "U09"]}]).encode(),
}


def test_ids_are_names_by_the_lists_of_the_export() -> None:
    day = [
        {"type": "message", "user": "U01", "ts": "1.0", "text": "<@U02> and <@U09>: see <#C01|> and <#G01>"},
        JORIS | {"ts": "2.0", "text": "Ask <@U01|ada> in <#C01|general>"},
        {"type": "message", "subtype": "bot_message", "bot_id": "B07", "ts": "3.0", "text": "Resolved"},
        {"type": "message", "subtype": "bot_message", "user": "U07", "username": "Deploy", "ts": "4.0", "text": "Done"},
    ]

    (document,) = load_bytes(json.dumps(day).encode(), "general/2025-03-19.json", lists=LISTS)

    assert document.text.split("\n\n") == [
        "Ada Pell: Joris Maes and @U09: see #general and #board",
        "Joris Maes: Ask Ada Pell in #general",
        "Pager: Resolved",
        "Deploy: Done",
    ]
    direct, group = (
        load_bytes(json.dumps(day).encode(), f"{folder}/2025-03-19.json", lists=LISTS)[0]
        for folder in ("D01", "mpdm-ada--joris-1")
    )
    assert (direct.title, direct.metadata["channel"]) == ("Ada Pell, Joris Maes, 2025-03-19", "Ada Pell, Joris Maes")
    assert group.title == "Joris Maes, U09, 2025-03-19"
    with pytest.raises(DocumentParseError, match=r"users\.json of the Slack export is not valid JSON"):
        load_bytes(json.dumps(day).encode(), "general/2025-03-19.json", lists={"users.json": b"[{"})


def test_a_day_has_changed_when_it_says_something_else() -> None:
    day = [{"type": "message", "user": "U01", "ts": "1.0", "text": "Lunch?"}]
    later = [day[0] | {"reply_count": 3, "reactions": [{"name": "+1", "count": 2}]}]
    users = json.dumps([{"id": "U01", "name": "ada.maes"}]).encode()

    def content(messages: object, **lists: bytes) -> str:
        given = {f"{name}.json": data for name, data in lists.items()}
        return load_bytes(json.dumps(messages).encode(), "general/2025-03-19.json", lists=given)[0].content_sha256

    assert content(day) == content(later) == content(later, channels=b"[]")
    assert content(later, users=users) != content(later)


def test_a_day_on_which_nobody_wrote_tells_what_happened() -> None:
    day = [{"type": "message", "subtype": "channel_join", "ts": "1.0", "user": "U03", "text": "<@U03> has joined"}]

    (document,) = load_bytes(json.dumps(day).encode(), "general/2025-03-19.json")
    assert document.text == "U03: @U03 has joined"
    with pytest.raises(DocumentParseError, match="is empty"):
        load_bytes(json.dumps([day[0] | {"text": ""}]).encode(), "general/2025-03-19.json")


def test_what_bots_put_into_attachments_and_blocks_is_read_once() -> None:
    bot = {"type": "message", "subtype": "bot_message", "username": "Pager"}
    fields = [{"title": "Severity", "value": "high"}, {"title": "Owner", "value": "<@U01>"}]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Deploy 42 &gt; 41"}, "fields": [{"text": "ok"}]}
    pieces = [{"type": "text", "text": "by "}, {"type": "user", "user_id": "U01"}, {"type": "link", "url": "https://x"}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": pieces}]}
    buttons = {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Retry"}}]}
    day = [
        bot | {"ts": "1.0", "text": "", "attachments": [{"title": "Incident 77", "fields": fields, "fallback": "x"}]},
        bot | {"ts": "2.0", "text": "Pump down", "attachments": [{"text": "Pump down"}, {"fallback": "See the log"}]},
        bot | {"ts": "3.0", "text": "", "blocks": [section, rich, buttons]},
        bot | {"ts": "4.0", "attachments": [{"fallback": "[no preview available]", "blocks": [section]}]},
        ADA | {"ts": "5.0", "text": "Thanks", "blocks": [section]},
    ]

    (document,) = load_bytes(json.dumps(day).encode(), "ops/2025-03-19.json")

    assert document.text.split("\n\n") == [
        "Pager: Incident 77\nSeverity: high\nOwner: Ada Pell",
        "Pager: Pump down\nSee the log",
        "Pager: Deploy 42 > 41\nok\nby Ada Pellhttps://x",
        "Pager: Deploy 42 > 41\nok",
        "Ada Pell: Thanks",
    ]


def test_a_message_keeps_its_lines_and_loses_the_signs_of_bold_and_code() -> None:
    alarm = "*Incident 77*\n\n*Severity:* high\n_Owner:_ <@U01>\n```\nkubectl get *pods*\n```\n• `my_job_name` and ~old_ name~"
    day = [
        ADA | {"ts": "1.0", "text": "2 * 3 * 4, __init__ of <https://x/_a_/b|_here_>"},
        ADA | {"ts": "2.0", "thread_ts": "1.0", "text": "First.\nSecond."},
        ADA | {"ts": "3.0", "text": alarm, "files": [{"name": "log.txt"}]},
    ]

    (document,) = load_bytes(json.dumps(day).encode(), "ops/2025-03-19.json")

    assert document.text == (
        "Ada Pell: 2 * 3 * 4, __init__ of _here_\n- Ada Pell: First.\n  Second.\n\n"
        "Ada Pell: Incident 77\nSeverity: high\nOwner: Ada Pell\nkubectl get *pods*\n• my_job_name and old_ name\n[file: log.txt]"
    )


@pytest.mark.parametrize("odd", [["a"], {"a": 1}, 7, None])
def test_values_of_a_kind_that_slack_never_writes_do_no_harm(odd: object) -> None:
    message = ADA | {"subtype": odd, "ts": "1.0", "text": "", "blocks": [{"type": odd, "text": "Lunch?"}]}
    talks = json.dumps([{"id": "D01", "members": odd}, {"id": "D02", "members": ["U09"]}]).encode()

    (document,) = load_bytes(json.dumps([message]).encode(), "D02/2025-03-19.json", lists={"dms.json": talks})

    assert (document.title, document.text) == ("U09, 2025-03-19", "Ada Pell: Lunch?")


def test_a_day_without_messages_is_no_document_and_no_failure() -> None:
    assert load_bytes(b"[]", "general/2025-03-19.json") == []
    with pytest.raises(DocumentParseError, match="is empty"):
        load_bytes(b"[]", "general/list.json")


def test_other_records_stay_records() -> None:
    rows = [ADA | {"ts": "1.0", "text": "a"}, {"id": "x", "text": "b"}]

    assert [document.source for document in load_bytes(json.dumps(rows).encode(), "a.json")] == ["a.json#1", "a.json#x"]
