"""Write the PDF documents of the sample corpus.

    pip install reportlab
    python -m tools.make_sample_pdfs

The PDFs are committed next to the other sample documents, so reportlab is not
needed to run the project. The output is the same byte for byte on every run
with the same version of reportlab.
"""

from __future__ import annotations

from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from tools.sample_contracts import SA_118, SA_124, Block
from tools.sample_reports import AUDIT, DRUMLIN

DOCUMENTS = Path(__file__).resolve().parent.parent / "graphrag" / "sample" / "documents"

TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=18, leading=22, spaceAfter=8)
HEAD = ParagraphStyle(
    "head",
    fontName="Helvetica-Bold",
    fontSize=12.5,
    leading=16,
    spaceBefore=10,
    spaceAfter=4,
    keepWithNext=1,
)
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10.5, leading=14.5, spaceAfter=6)
CELL = ParagraphStyle("cell", fontName="Helvetica", fontSize=9.5, leading=12)
CELL_HEAD = ParagraphStyle("cellhead", parent=CELL, fontName="Helvetica-Bold")

PDFS = [
    (
        "contracts/sa-118-halvorix-components.pdf",
        "Supply agreement SA-118",
        "Supply agreement SA-118, Halvorix Components",
        "Pieter Brouwer",
        SA_118,
    ),
    (
        "contracts/sa-124-lockmere-systems.pdf",
        "Supply and support agreement SA-124",
        "Supply and support agreement SA-124, Lockmere Systems",
        "Pieter Brouwer",
        SA_124,
    ),
    (
        "products/drumlin-vx-4-data-sheet.pdf",
        "Drumlin VX-4 vibration sensor",
        "Data sheet: Drumlin VX-4 vibration sensor",
        "Dagny Rasmussen",
        DRUMLIN,
    ),
    (
        "quality/calibration-audit-2025.pdf",
        "Calibration audit 2025, Brno",
        "Calibration audit 2025, Brno",
        "Henrik Solvang",
        AUDIT,
    ),
]


def table(rows: list[list[str]], width: float) -> Table:
    cells = [[Paragraph(text, CELL_HEAD if number == 0 else CELL) for text in row] for number, row in enumerate(rows)]
    made = Table(cells, colWidths=[width / len(rows[0])] * len(rows[0]), repeatRows=1)
    made.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
                ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return made


def write(path: Path, short: str, title: str, author: str, blocks: list[Block]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        title=title,
        author=author,
        subject="Tarnholm Sensing B.V.",
        leftMargin=24 * mm,
        rightMargin=24 * mm,
        topMargin=26 * mm,
        bottomMargin=24 * mm,
        invariant=1,
    )

    def frame(canvas, doc) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(24 * mm, A4[1] - 14 * mm, f"Tarnholm Sensing B.V. - {short}")
        canvas.drawRightString(A4[0] - 24 * mm, 12 * mm, f"Page {doc.page}")

    story: list[object] = [Paragraph(title, TITLE)]
    for kind, content in blocks:
        if kind == "h":
            story.append(Paragraph(str(content), HEAD))
        elif kind == "p":
            story.append(Paragraph(str(content), BODY))
        else:
            story.append(table(content, document.width))
            story.append(Spacer(1, 8))
    document.build(story, onFirstPage=frame, onLaterPages=frame)


def main() -> None:
    for name, short, title, author, blocks in PDFS:
        write(DOCUMENTS / name, short, title, author, blocks)
        print(name)


if __name__ == "__main__":
    main()
