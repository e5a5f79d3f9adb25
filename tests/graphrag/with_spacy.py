"""Documents as an extractor sees them, and what spaCy's makes of them, for tests."""

from collections.abc import Sequence

from graphrag.chunking import split
from graphrag.extraction import ChunkText, Contribution, DocumentText
from graphrag.extraction.spacy import SpacyExtractor
from graphrag.loaders import load_bytes
from graphrag.types import chunk_id, document_id

EXTRACTOR = SpacyExtractor()

REPORT = """# INC-2041 post-mortem

Gateways at Maasvliet Terminal went dark on 11 March 2025. Anneke Brouwer led the response to INC-2041. Later, Brouwer
ordered spare parts under PO-7719 from Halvorix Components.

## Root cause

The Incident Review Board (IRB) met in Rotterdam. The IRB found that Halvorix Components had changed the solder.

## Next steps

Microsoft acquired GitHub in 2018. Satya Nadella works for Microsoft.
"""
LONG = "# Halvorix Components\n\n" + " ".join(
    f"In {1900 + n} Satya Nadella of Microsoft met Halvorix Components in Rotterdam about order PO-{n}."
    for n in range(40)
)


def cut(markdown: str, source: str = "a.md", *, overlap: int = 32) -> DocumentText:
    """A Markdown document as an extractor sees it."""
    (loaded,) = load_bytes(markdown.encode(), source)
    return document(loaded.text, loaded.title, [(h.start, h.level, h.text) for h in loaded.headings], source, overlap)


def document(
    text: str, title: str = "", headings: Sequence[tuple[int, int, str]] = (), source: str = "a.md", overlap: int = 32
) -> DocumentText:
    """A document of plain text."""
    id_ = document_id("default", source)
    return DocumentText(
        id_,
        "default",
        title,
        [
            ChunkText(
                chunk_id(id_, span.position, text[span.start : span.end]),
                text[span.start : span.end],
                span.start,
                span.core_start,
                tuple(dict.fromkeys((*span.heading, *(name for _, path in span.headings_within for name in path)))),
                span.sentences,
            )
            for span in split(text, title=title, headings=headings, pages=(), size=256, overlap=overlap)
        ],
    )


async def extract(one: DocumentText) -> list[Contribution]:
    """What each chunk of a document contributes."""
    (contributions,) = await EXTRACTOR.extract([one])
    assert len(contributions) == len(one.chunks)
    return contributions
