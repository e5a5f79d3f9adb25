"""Pages of PDFs that are pictures, among pages of text."""

import json
from io import BytesIO

import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import pdf
from graphrag.loaders.frames import decode_documents, encode_documents
from graphrag.tally import Tally
from graphrag.types import Scope

# The smallest picture that there is.
PIXEL = b"P6 1 1 255 \x80\x80\x80"


def scanned(pages: str) -> bytes:
    """A PDF with a page for each letter: t(ext), s(can), f(orm with a scan), b(lank)."""
    out = BytesIO()
    canvas = Canvas(out)
    for number, kind in enumerate(pages, 1):
        if kind == "t":
            canvas.drawString(72, 700, f"The pump of page {number} is made in Bergen.")
        elif kind == "s":
            canvas.drawImage(ImageReader(BytesIO(PIXEL)), 0, 0, 500, 700)
        elif kind == "f":
            canvas.beginForm(f"form{number}")
            canvas.drawImage(ImageReader(BytesIO(PIXEL)), 0, 0, 500, 700)
            canvas.endForm()
            canvas.doForm(f"form{number}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ("tst", "page 2 is a picture"),
        ("tft", "page 2 is a picture"),
        ("tssstbts", "pages 2-4, 8 are pictures"),
        ("tbt", ""),
        ("ttt", ""),
    ],
)
def test_pages_that_are_pictures_are_named(pages: str, told: str):
    (document,) = pdf.load(scanned(pages), "pumps.pdf")

    assert (told in str(document.warnings)) and bool(told) == bool(document.warnings)
    assert decode_documents(json.loads(encode_documents([document]))["documents"]) == [document]


async def test_the_warning_reaches_the_report_the_job_and_the_log(kb: KnowledgeBase, caplog: pytest.LogCaptureFixture):
    tally = Tally(1)

    report = await ingest_documents(kb, Scope(), pdf.load(scanned("tst"), "pumps.pdf"), progress=tally.settle)

    (result,) = report.results
    assert (result.outcome, result.reason) == ("created", "")
    assert result.warning.startswith("pumps.pdf: page 2 is a picture without text, probably scanned")
    assert report.warned == [result]
    assert [(one.source, one.reason) for one in tally.failures] == [("pumps.pdf", result.warning)]
    assert tally.counts["failed"] == 0
    assert result.warning in caplog.text
