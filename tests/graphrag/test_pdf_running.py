"""Headers, footers and page numbers of PDFs, and what only looks like them."""

from collections.abc import Sequence
from io import BytesIO

import pytest
from reportlab.platypus import SimpleDocTemplate, Table

from graphrag.loaders import pdf
from graphrag.loaders.pdf_lines import Line
from graphrag.loaders.pdf_running import drop_running_lines

TREES = ("alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak")
DEEDS = ("grows in Cork.", "needs water.", "was planted early.", "bends in storms.", "drops seeds.", "is felled late.")


def kept(pages: Sequence[Sequence[str]]) -> list[list[str]]:
    """What is left of the pages."""
    return [
        [line.text for line in lines] for lines in drop_running_lines([[Line(text) for text in page] for page in pages])
    ]


def body(page: int) -> list[str]:
    """Six lines that no other page has."""
    return [f"The {TREES[page]} {deed}" for deed in DEEDS]


def order(number: int) -> str:
    """A row that differs from others in numbers alone."""
    return f"Order {number} was delivered on 2025-03-{number % 28 + 1:02d}, amount EUR {number * 7}"


@pytest.mark.parametrize("rows", [2, 3, 20, 29])
def test_rows_that_differ_in_numbers_stay(rows: int) -> None:
    pages = [[order(page * rows + row) for row in range(rows)] for page in range(6)]

    assert kept(pages) == pages


def test_the_rows_of_a_table_over_many_pages_stay_and_its_head_is_kept_once() -> None:
    out = BytesIO()
    table = Table([["Part", "Price"], *([f"P-{number}", f"{number * 3}.00"] for number in range(1, 200))], repeatRows=1)
    SimpleDocTemplate(out).build([table])

    (document,) = pdf.load(out.getvalue(), "prices.pdf")

    rows = [line for line in document.text.split("\n") if line]
    assert rows == ["Part | Price", *(f"P-{number} | {number * 3}.00" for number in range(1, 200))]


@pytest.mark.parametrize(
    "running",
    [
        ["Acme Handbook 2025"] * 9,
        [f"Page {page} of 9" for page in range(1, 10)],
        [f"{page}/9" for page in range(1, 10)],
        [str(page) for page in range(17, 26)],
        [f"- {page} -" for page in range(1, 10)],
        [f"Chapter {page // 4 + 1} | {page}" for page in range(1, 10)],
        [f"Page {page}" for page in (1, 2, 3, 4, 5, 1, 2, 3, 4)],
    ],
)
def test_a_line_that_is_the_same_or_counts_the_pages_is_removed(running: Sequence[str]) -> None:
    pages = [[line, *body(page)] for page, line in enumerate(running)]

    assert kept(pages) == [page[1:] for page in pages]


def test_a_line_at_both_ends_and_once_on_the_title_page_is_removed() -> None:
    title = [*body(0)[:3], "Acme", *body(0)[3:]]

    assert kept([title, *(["Acme", *body(page), "Acme"] for page in range(1, 7))]) == [title, *map(body, range(1, 7))]


def test_a_bare_page_number_is_removed_though_there_are_other_numbers() -> None:
    pages = [[*body(page)[:3], "10", "20", "30", *body(page)[3:], str(page)] for page in range(5)]

    assert kept(pages) == [page[:-1] for page in pages]


@pytest.mark.parametrize(
    "lines",
    [
        [f"Report of 2025-03-{day:02d}" for day in range(1, 7)],
        [f"Invoice {number}, EUR {number * number * 7}" for number in range(1, 7)],
        [f"Stock: {number}" for number in (7, 3, 7, 1, 9, 3)],
    ],
)
def test_a_line_whose_numbers_change_otherwise_stays(lines: Sequence[str]) -> None:
    pages = [[line, *body(page)] for page, line in enumerate(lines)]

    assert kept(pages) == pages


def test_a_line_that_also_stands_within_pages_stays() -> None:
    pages = [["none | 5", *body(page)[:3], "none | 5", *body(page)[3:]] for page in range(6)]

    assert kept(pages) == pages
