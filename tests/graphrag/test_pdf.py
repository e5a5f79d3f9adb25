import pytest

from graphrag.errors import DocumentParseError
from graphrag.loaders import ParserProcess, load_bytes
from tests.graphrag.loaded import HANDBOOK, PROSE, one, outline
from tests.graphrag.loaders_corpus import encrypted_pdf, make_pdf, place


def test_pdf_lines_become_paragraphs_with_headings_and_without_running_lines(parser: ParserProcess) -> None:
    document = one(HANDBOOK, "a.pdf", parser)
    paragraph = (
        "Warehouse operations depend on the nightly reconciliation, which compares counted stock with the ledger and "
        "reports each difference. The job was designed by Ilse Radovic and reviewed by the maintenance team, a "
        "well-known group. It replaces the older spreadsheet that nobody could audit, a well-known risk."
    )
    assert document.text == (
        f"Stock Reconciliation\n\n1 Introduction\n\n{paragraph}\n\n1.1 Scope of the job\n\nThe job covers all sites.\n\n"
        f"1. Open the valve\n2. Close the valve\n\nRoles And Duties\n\n{paragraph}\n\nName   Role\nIlse   Lead"
    )
    assert outline(document) == [
        (1, "Stock Reconciliation"),
        (1, "1 Introduction"),
        (2, "1.1 Scope of the job"),
        (2, "Roles And Duties"),
    ]


def test_pdf_pages_are_offsets_and_an_empty_page_begins_with_the_next(parser: ParserProcess) -> None:
    document = one(HANDBOOK, "a.pdf", parser)
    second, fourth = document.text.index("1.1 Scope"), document.text.index("Roles And")
    assert document.pages == (0, second, fourth, fourth)


def test_pdf_information_gives_title_author_and_date(parser: ParserProcess) -> None:
    document = one(HANDBOOK, "a.pdf", parser)
    assert document.title == "Stock Reconciliation"
    assert document.metadata == {"author": "Ilse R", "created": "2025-03-19T12:00:00+00:00"}


@pytest.mark.parametrize(
    "title", ["", "untitled", "(anonymous)", "anonymous", "(Untitled)", "Microsoft Word - draft", "report_v2.docx"]
)
def test_a_meaningless_pdf_title_gives_way_to_the_first_line(title: str, parser: ParserProcess) -> None:
    data = make_pdf([["Leave Policy", *PROSE]], {"Title": title, "CreationDate": "nonsense"})
    assert one(data, "a.pdf", parser).title == "Leave Policy"


def test_pdf_tables_letter_sizes_and_gaps_are_seen(parser: ParserProcess) -> None:
    content = place(
        (18, 50, 780, "Support agreement with"),
        (18, 50, 758, "Lockmere Systems"),
        (10, 50, 725, "This agreement was signed in Cork by both parties, and it is valid for the"),
        (10, 50, 713, "whole group of companies"),
        (10, 50, 690, "of the Customer. Faults are reported by telephone at any hour of the day or"),
        (10, 50, 678, "night to the Vendor."),
        (13, 50, 650, "response times"),
        (10, 50, 625, "Appliance"),
        (10, 150, 625, "Engineer"),
        (10, 150, 613, "on site"),
        (10, 300, 625, "Remark"),
        (10, 50, 595, "Hedgerow"),
        (10, 50, 583, "firewall"),
        (10, 150, 595, "6 hours"),
        (10, 300, 595, "none"),
        (10, 50, 550, "If the Vendor is late, the fee is waived for the month in which the fault was."),
    )
    document = one(make_pdf([content]), "a.pdf", parser)
    assert document.text == (
        "Support agreement with Lockmere Systems\n\nThis agreement was signed in Cork by both parties, and it is valid "
        "for the whole group of companies\n\nof the Customer. Faults are reported by telephone at any hour of the day or "
        "night to the Vendor.\n\nresponse times\n\nAppliance | Engineer on site | Remark\n"
        "Hedgerow firewall | 6 hours | none\n\n"
        "If the Vendor is late, the fee is waived for the month in which the fault was."
    )
    assert outline(document) == [(1, "Support agreement with Lockmere Systems"), (2, "response times")]


def test_two_columns_of_a_pdf_are_read_one_after_the_other(parser: ParserProcess) -> None:
    left = [(10.0, 50.0, 700.0 - 12 * i, f"left column with line {i} and") for i in range(6)]
    right = [(10.0, 300.0, 700.0 - 12 * i, f"right column with line {i} and") for i in range(6)]
    document = one(make_pdf([place(*left, *right)]), "a.pdf", parser)
    assert document.text == " ".join(text for _, _, _, text in [*left, *right])


def test_running_lines_of_two_pages_stay(parser: ParserProcess) -> None:
    document = one(make_pdf([["Acme", "One thing."], ["Acme", "Another thing."]]), "a.pdf", parser)
    assert document.text.count("Acme") == 2


def test_a_pdf_that_needs_a_password_is_refused_and_one_that_does_not_is_read(parser: ParserProcess) -> None:
    with pytest.raises(DocumentParseError, match="needs a password"):
        load_bytes(encrypted_pdf([PROSE], "secret"), "a.pdf", parser=parser)
    assert PROSE[0] in one(encrypted_pdf([PROSE], ""), "a.pdf", parser).text


def test_a_scan_is_refused_with_the_advice_to_run_ocr(parser: ParserProcess) -> None:
    with pytest.raises(DocumentParseError, match=r"a\.pdf has 1 page without text"):
        load_bytes(make_pdf([[]]), "a.pdf")
    with pytest.raises(DocumentParseError, match=r"2 pages without text.*OCR"):
        load_bytes(make_pdf([[], []]), "a.pdf", parser=parser)


@pytest.mark.parametrize("data", [HANDBOOK[:600], b"%PDF-1.7\n" + b"x" * 99])
def test_a_broken_pdf_is_refused(data: bytes, parser: ParserProcess) -> None:
    with pytest.raises(DocumentParseError, match="broken PDF"):
        load_bytes(data, "a.pdf", parser=parser)


def test_a_sentence_and_a_table_go_on_over_the_end_of_a_page(parser: ParserProcess) -> None:
    first = [*PROSE[:3], "The pump in the eastern hall was inspected in the spring, and nothing was found that would"]
    second = ["keep it from its work.", "", "Pump | Site | Price", "P-1 | Brno | 4"]
    third, fourth = ["P-2 | Cork | 5", "P-3 | Oslo | 6"], ["Mark | Site | Price", "M-1 | Brno | 7", "", "Leave Policy"]
    document = one(make_pdf([first, second, [], third, fourth, ["Ask first."]]), "a.pdf", parser)

    assert document.text.endswith(
        "found that would\nkeep it from its work.\n\nPump | Site | Price\nP-1 | Brno | 4\nP-2 | Cork | 5\nP-3 | Oslo | 6\n"
        "Mark | Site | Price\nM-1 | Brno | 7\n\nLeave Policy\n\nAsk first."
    )
    places = [document.text.index(text) for text in ("keep it", "P-2", "P-2", "Mark", "Ask first")]
    assert document.pages == (0, *places)


def test_a_table_whose_head_stands_on_each_page_begins_there_anew(parser: ParserProcess) -> None:
    pages = [["Pump | Price", f"P-{page} | 4"] for page in range(2)]
    text = one(make_pdf(pages), "a.pdf", parser).text
    assert text == "Pump | Price\nP-0 | 4\n\nPump | Price\nP-1 | 4"


@pytest.mark.parametrize("matrix", ["0 1 -1 0 {y} {x}", "0 -1 1 0 {minus} {down}", "-1 0 0 -1 {down} {y}"])
def test_what_stands_on_its_side_is_read_line_by_line(matrix: str, parser: ParserProcess) -> None:
    lines = [
        ("Pump", 100, 100),
        ("Price", 300, 100),
        ("Alder", 100, 112),
        ("EUR 4", 300, 112),
        ("It is made in Cork.", 100, 150),
    ]
    shown = [
        f"BT /F1 10 Tf {matrix.format(x=x, y=y, minus=600 - y, down=600 - x)} Tm ({text}) Tj ET" for text, x, y in lines
    ]
    text = one(make_pdf(["\n".join(shown).encode()]), "a.pdf", parser).text
    assert text == "Pump | Price\nAlder | EUR 4\n\nIt is made in Cork."


def test_the_title_of_a_pdf_is_no_line_of_a_paragraph_and_no_row(parser: ParserProcess) -> None:
    assert one(make_pdf([PROSE]), "hr/leave_policy.pdf", parser).title == "Leave policy"
    assert (
        one(make_pdf([place((10, 50, 700, "Item"), (10, 200, 700, "Price"))]), "prices.pdf", parser).title == "Prices"
    )


def test_ligatures_are_the_letters_that_they_stand_for(parser: ParserProcess) -> None:
    data = make_pdf([[*PROSE, "An e\x02cient con\x01guration, o\x03."]])
    data = data.replace(b"/Helvetica >>", b"/Helvetica /Encoding << /Differences [1 /fi /ffi /ff] >> >>")
    assert one(data, "a.pdf", parser).text.endswith("An efficient configuration, off.")
