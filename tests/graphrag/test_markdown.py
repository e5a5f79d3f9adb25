import pytest

from graphrag.errors import DocumentParseError, InputError
from graphrag.loaders import load_bytes
from tests.graphrag.loaded import MARKDOWN, one, outline


def test_markdown_becomes_what_its_reader_sees() -> None:
    document = one(MARKDOWN, "a.md")
    assert document.text == (
        "- date: 2025-03-19\n- reviewed by: Ilse, Femke, 3\n- severity: 1\n\nReefer gateways and PMX-48\n\nWrapped line with a link and bold. Last.\n\n- first\n- second\n  1. nested\n\n"
        "Setext\n\nTime | Event\n04:55 | Nine dark\n\nif x:\n\n    # not a heading\n\nHTML text 1 < 2\n\n"
        "Quoted is no heading"
    )
    assert outline(document) == [(1, "Reefer gateways and PMX-48"), (2, "Setext")]


def test_front_matter_becomes_title_and_metadata() -> None:
    document = one(MARKDOWN, "a.md")
    assert document.title == "Reefer post-mortem"
    assert document.metadata == {
        "date": "2025-03-19",
        "reviewed_by": "Ilse, Femke, 3",
        "severity": 1,
        "draft": False,
    }


def test_front_matter_is_metadata_whatever_its_keys_are_called_and_however_deep_its_values_lie() -> None:
    front = (
        "author: {name: Ilse, since: 2019-05-01, teams: [ops, null, hr]}\nLösung: ja\n1st: 1\nseo.title: x\nmenu: {}\n"
        "links:\n- {url: /a, at: 2025-01-02}\n- {url: /b}\ndeep: {a: {b: {c: {d: {e: {f: 1}}}}}}\n"
    )
    document = one(f"---\n{front}---\n\ntext".encode(), "a.md")
    assert document.metadata == {
        "author_name": "Ilse",
        "author_since": "2019-05-01",
        "author_teams": "ops, hr",
        "losung": "ja",
        "column_1st": 1,
        "seo_title": "x",
        "links": '[{"url": "/a", "at": "2025-01-02"}, {"url": "/b"}]',
        "deep_a_b_c_d_e": '{"f": 1}',
    }


def test_front_matter_in_toml_is_read_as_that_in_yaml() -> None:
    front = 'title = "Leave"\ndate = 2025-03-19\ntags = ["hr", "leave"]\n[author]\nname = "Ilse"\n'
    document = one(f"+++\n{front}+++\n# Days\n\n+++\n\n25 days.".encode(), "a.md")
    said = "- date: 2025-03-19\n- tags: hr, leave\n- author name: Ilse"
    assert (document.title, document.text) == ("Leave", f"{said}\n\nDays\n\n+++\n\n25 days.")
    assert document.metadata == {"date": "2025-03-19", "tags": "hr, leave", "author_name": "Ilse"}
    assert one(b"+++\n\ntext", "a.md").text == "+++\n\ntext"
    with pytest.raises(DocumentParseError, match=r"front matter of a\.md is not valid TOML"):
        load_bytes(b"+++\ntitle: Leave\n+++\n\ntext", "a.md")


def test_what_front_matter_says_to_site_generators_is_metadata_alone() -> None:
    front = "title: Leave\nlayout: page\nsidebar_position: 3\ndraft: false\nowner:\nstatus: superseded by HR-9\n"
    document = one(f"---\n{front}---\n25 days.".encode(), "a.md")
    assert document.text == "- status: superseded by HR-9\n\n25 days."
    assert document.metadata == {
        "layout": "page",
        "sidebar_position": 3,
        "draft": False,
        "status": "superseded by HR-9",
    }
    assert one(b"---\nlayout: page\n---\n25 days.", "a.md").text == "25 days."


def test_the_title_of_markdown_falls_back_to_the_first_top_heading_and_then_to_the_name() -> None:
    assert one(b"## Sub\n\n# Top\n\ntext", "a.md").title == "Top"
    assert one(b"## Sub\n\ntext", "hr/leave_policy.md").title == "Leave policy"


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("title: [", "not valid YAML"),
        (
            "title: x\ndate: 2025-13-45",
            r"not valid YAML \(line 3: '2025-13-45' is no date that can be; put it in quotes",
        ),
        (f"title: x\nn:\n  - {'9' * 5000}", r"\(line 4: '9{80}' is no number that can be; put it in quotes if"),
        ("title: x\nn: !!int many", r"\(line 3: 'many' is no number that can be"),
        ("title: x\nn: !!bool perhaps", r"\(line 3: 'perhaps' is no value that can be"),
        ("title: x\nn: !!timestamp soon", r"\(line 3: 'soon' is no date that can be"),
        ("title: x\nn: [", r"line 3, column 5"),
        ("x: " + "[" * 5000, r"not valid YAML \(nested too deeply\)"),
        ('x: "\\UFFFFFFFF"', r"not valid YAML \(it holds a character or value that cannot be\)"),
        ("a: &a [1]\nb: *a", r"aliases such as \*a are not read"),
        # Each level holds the one above twice: in full it would be a billion values.
        (
            "a0: &a0 {x: 1}\n" + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 30)),
            "aliases",
        ),
        ("just text", "not a list of 'key: value'"),
        ("a-b: 1\na_b: 2", "'a_b' twice"),
        ("x: " + "y" * 60_000, "more than 50000"),
    ],
)
def test_broken_front_matter_is_refused(front: str, message: str) -> None:
    with pytest.raises(DocumentParseError, match=message):
        load_bytes(f"---\n{front}\n---\n\ntext".encode(), "a.md")


def test_a_number_of_thousands_of_digits_is_refused_as_metadata() -> None:
    with pytest.raises(InputError, match=r"a\.md: metadata 'big' is a number of more than 100 digits"):
        load_bytes(b"---\nbig: 0x" + b"f" * 5_000 + b"\n---\ntext", "a.md")
    assert one(b"---\nbig: 1" + b"0" * 23 + b"\n---\ntext", "a.md").metadata == {"big": 10**23}


def test_the_title_of_a_mail_is_its_subject() -> None:
    mail = b"From: Ida Rowan <ida@pumps.example>\r\nTo: all,\r\n  Olaf\r\nSubject: Seals of the new pump\r\n\r\nThey leak.\r\n"
    assert one(mail, "mail.txt").title == "Seals of the new pump"
    assert one(mail.replace(b"From:", b"Form:"), "mail.txt").title == "Form: Ida Rowan <ida@pumps.example>"
    assert one(b"From: here to there\n\nSubject: none of a mail\n", "trip.txt").title == "From: here to there"


def test_footnotes_of_markdown_stand_at_the_end() -> None:
    text = one(b"# Pumps\n\nMade[^1] and sold[^2].\n\n[^1]: Acme\n[^2]: https://pumps.example\n\nMore.\n", "a.md").text
    assert text == "Pumps\n\nMade and sold.\n\nMore.\n\nAcme\n\nhttps://pumps.example"


def test_keys_and_values_of_a_markdown_page_stay_lines() -> None:
    fields = "merlin:\n  region: eu-central-2\n  backup window: 04:00 to 04:45"
    text = one(f"# Clusters\n\n{fields}\n\nas follows: this is\nwrapped.\n".encode(), "a.md").text
    assert (
        text
        == "Clusters\n\nmerlin:\nregion: eu-central-2\nbackup window: 04:00 to 04:45\n\nas follows: this is wrapped."
    )


def test_fields_of_a_markdown_page_stay_lines() -> None:
    fields = "Owner: Ada Pell\n**Status:** In *force*\nDue date (EU): 5 May"
    text = one(f"# Pumps\n\n{fields}\n\nNote: this is\nwrapped.\n".encode(), "a.md").text
    assert text == "Pumps\n\nOwner: Ada Pell\nStatus: In force\nDue date (EU): 5 May\n\nNote: this is wrapped."


def test_fields_below_a_line_of_prose_stay_lines() -> None:
    page = "# Pumps\n\nThe pumps of the\neast side.\n**Owner:** Ada Pell\nBackup: nightly\n\nWritten\nNote: once, and\nwrapped.\n"
    text = one(page.encode(), "a.md").text
    assert (
        text
        == "Pumps\n\nThe pumps of the east side.\nOwner: Ada Pell\nBackup: nightly\n\nWritten Note: once, and wrapped."
    )
    listed = one(b"- see below\n  Owner: Ada\n  Backup: no\n", "a.md").text
    assert listed == "- see below\n  Owner: Ada\n  Backup: no"


@pytest.mark.parametrize(("levels", "kind"), [(40, "text/markdown"), (80, "text/plain")])
def test_what_is_nested_deeply_in_markdown_is_read(levels: int, kind: str) -> None:
    outline = "\n".join("  " * level + f"- level {level}" for level in range(levels))
    document = one(outline.encode(), "a.md")
    assert (document.text, document.media_type) == (outline, kind)
    assert one(b">" * levels * 2 + b" deep\n\nafter", "a.md").text.endswith("deep\n\nafter")


@pytest.mark.parametrize("key", ["tenant", "Access", "acceß", "ténant"])
def test_metadata_cannot_set_who_sees_a_document(key: str) -> None:
    with pytest.raises(InputError, match=r"a\.md: metadata"):
        load_bytes(f"---\n{key}: x\n---\n\ntext".encode(), "a.md")


def test_markdown_loses_a_table_of_contents_and_the_heading_over_it() -> None:
    contents = "* [Seals](#seals)\n  * [Wear of *rings*](#wear)\n* [`flow()`](#flow)\n"
    body = "## Seals\n\nThey leak.\n"

    def text(markdown: str) -> str:
        return load_bytes(markdown.encode(), "a.md")[0].text

    assert text(f"# Pumps\n\n{contents}\n{body}") == "Pumps\n\nSeals\n\nThey leak."
    assert text(f"# Pumps\n\n## Contents\n\n{contents}\n{body}") == "Pumps\n\nSeals\n\nThey leak."
    assert text(f"# Pumps\n\n## Contents\n\n{contents}\n### Rings\n\nx") == "Pumps\n\nContents\n\nRings\n\nx"
    assert text(f"# Pumps\n\n## Contents\n\n{contents}\nAll of it.") == "Pumps\n\nAll of it."
    assert text(f"# Pumps\n\n## Contents\n\nSee:\n\n{contents}\n{body}").startswith(
        "Pumps\n\nContents\n\nSee:\n\nSeals"
    )
    for other in ("* [Seals](seals.md)", "* [Seals](#seals): wear", "* [Seals](#seals)\n* Rings", "* Rings [1](#a)"):
        assert "- " in text(f"# Pumps\n\n{other}\n\n{body}"), other
    assert text(contents) == "- Seals\n  - Wear of rings\n- flow()"


@pytest.mark.parametrize(
    ("box", "text"),
    [
        (
            '!!! warning "Do not reset"\n    Under **load**.\n\n    - [first](a.md)\n    - second',
            "Do not reset\n\nUnder load.\n\n- first\n- second",
        ),
        ("???+ note inline end\n\n    Folded.\n\n        code", "Note\n\nFolded.\n\ncode"),
        (
            '=== "Linux"\n\n    Run *it*.\n\n=== "Windows"\n\n    !!! tip\n        Wait.',
            "Linux\n\nRun it.\n\nWindows\n\nTip\n\nWait.",
        ),
        (":::tip My tip\nUse it.\n:::", "My tip\n\nUse it."),
        ("::::note[**Read**]\n\n:::danger\nHot.\n:::\n\n::::", "**Read**\n\nDanger\n\nHot."),
        ('::: {.callout-note}\nOne.\n:::\n::: moniker range="2"\nTwo.\n:::', "One.\n\nTwo."),
        ("> [!NOTE]\n> Ask first.\n\n> [!x]- Who\n> Ada.", "Note\n\nAsk first.\n\nWho\n\nAda."),
        ("- a\n\n  !!! note\n      In it.\n- b", "- a\n\nNote\n\n  In it.\n- b"),
        ("!!! Do not restart it !!!\n\n??? what\n\n=== x", "!!! Do not restart it !!!\n\n??? what\n\n=== x"),
        ("[[_TOC_]]\n\n- ![](a.png)\n- x", "- x"),
    ],
)
def test_boxes_and_tabs_are_read_without_their_signs(box: str, text: str) -> None:
    assert one(f"Before.\n\n{box}\n\nAfter.".encode(), "a.md").text == f"Before.\n\n{text}\n\nAfter."


def test_headings_lose_the_names_of_links_and_links_show_what_their_reader_sees() -> None:
    page = "# Limits {#limits}\n\n## Of `{x}` {: .big }\n\nSee [[Alder pump|the pump]], [[Rates#Norway]]![[a.png]] and `[[x]]`[[1]].\n"
    document = one(page.encode(), "a.md")
    assert (document.title, outline(document)) == ("Limits", [(1, "Limits"), (2, "Of {x}")])
    assert document.text.endswith("See the pump, Rates > Norway and [[x]][[1]].")


def test_html_in_markdown_keeps_its_headings_lists_and_tables() -> None:
    table = "<table>\n  <tr>\n    <th>Key</th>\n    <th>Value</th>\n  </tr>\n  <tr><td>Port<td>8080<br>or 1\n</table>"
    page = f'<h1 align="center">\n  <b>Pump</b>\n</h1>\n\n<ul>\n<li>One</li>\n<li>Two</li></ul>\n\n{table}\n'
    document = one(page.encode(), "README.md")
    assert (document.title, document.text) == ("Pump", "Pump\n\n- One\n- Two\n\nKey | Value\nPort | 8080 or 1")


def test_boxes_in_boxes_without_end_are_read_as_text() -> None:
    nested = "\n".join(f"{' ' * 4 * depth}!!! note" for depth in range(150)) + "\n" + " " * 600 + "Deep."
    assert one(nested.encode(), "a.md").text.endswith("Deep.")


def test_a_term_stands_on_the_line_of_what_it_means() -> None:
    page = f"Bounce\n:   A *parcel* that\n    comes back.\n: Or a mail.\n\nDwell\nLie\n: How long.\n\nA time\nlike 10\n:30 stays.\n\n{'x' * 101}\n: y\n"
    assert one(page.encode(), "a.md").text == (
        "- Bounce: A parcel that comes back.\n- Bounce: Or a mail.\n\n- Dwell, Lie: How long.\n\nA time like 10 :30 stays.\n\n"
        f"{'x' * 101} : y"
    )
