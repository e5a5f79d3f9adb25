"""Columns of a PDF page, whatever the order in which they are drawn."""

from collections.abc import Sequence
from io import BytesIO

import pytest
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from graphrag.loaders import pdf

LEFT = (
    "The committee met in the large hall on Monday to discuss the budget of the harbour for the coming year. It found that "
    "the costs of dredging had risen by a third since the last report while the income from fees had stayed the same for "
    "most of the berths that are let to fishing boats."
)
RIGHT = (
    "Visitors to the museum may leave their coats and bags at the desk beside the stairs where a guard looks after them until "
    "the doors are closed at six in the evening. Those who come later are asked to call the office, which will send "
    "whatever was left behind at their own cost."
)
THIRD = (
    "Each of the ferries is looked over in spring by two engineers of the yard who write down what has to be mended before the "
    "season begins and what can wait until the boats are laid up again in autumn. Their list goes to the captain, who signs it "
    "and keeps a copy on the bridge."
)


def drawn(texts: Sequence[tuple[float, float, str]]) -> str:
    """The text that is read of a page with these texts, each with its x and y."""
    out = BytesIO()
    canvas = Canvas(out)
    canvas.setFont("Times-Roman", 10)
    for x, y, text in texts:
        canvas.drawString(x, y, text)
    canvas.save()
    return pdf.load(out.getvalue(), "page.pdf")[0].text


def columns(*texts: str, width: float, indent: float = 0.0, top: float = 700) -> list[tuple[float, float, str]]:
    """The lines of columns side by side, line by line."""
    placed = [
        (50 + number * (width + 18) + (0 if row else indent), top - 12 * row, line)
        for number, text in enumerate(texts)
        for row, line in enumerate(simpleSplit(text, "Times-Roman", 10, width))
    ]
    return sorted(placed, key=lambda one: (-one[1], one[0]))


@pytest.mark.parametrize("indent", [0.0, 12.0])
@pytest.mark.parametrize(("texts", "width"), [((LEFT, RIGHT), 220), ((LEFT, RIGHT, THIRD), 150)])
def test_columns_that_are_drawn_line_by_line_are_read_one_after_the_other(
    texts: Sequence[str], width: float, indent: float
):
    assert " ".join(drawn(columns(*texts, width=width, indent=indent)).split()) == " ".join(texts)


def test_what_goes_over_the_whole_width_stays_between_the_columns_above_and_below_it():
    wide = "Between the two parts of the page there is a line that goes over both of its columns, from edge to edge."
    above = columns(LEFT, RIGHT, width=220)
    below = columns(THIRD, LEFT, width=220, top=500)

    text = drawn([*above, (50, 540, wide), *below])

    assert " ".join(text.split()) == " ".join([LEFT, RIGHT, wide, THIRD, LEFT])


@pytest.mark.parametrize(
    "cells",
    [
        [(f"Pump of type {n}", f"delivers {n * 3} litres a minute") for n in range(9)],
        [(f"valve of the {n} harbour wall", f"{n} pieces") for n in range(9)],
        [("Opening times of the office", "Monday to Friday from nine to five")] * 9,
        [("which pump is it that leaks", "Number nine in the north hall")] * 9,
    ],
)
def test_rows_of_a_table_stay_rows(cells: list[tuple[str, str]]):
    rows = [
        one
        for row, (left, right) in enumerate(cells)
        for one in ((50, 700 - 12 * row, left), (300, 700 - 12 * row, right))
    ]

    assert drawn(rows).split("\n") == [" | ".join(row) for row in cells]
