"""PDF files with a text layer."""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

from pypdf import PasswordType, PdfReader
from pypdf.errors import DependencyError, PyPdfError

from graphrag.errors import DocumentParseError
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import TextBuilder
from graphrag.loaders.characters import clean_line
from graphrag.loaders.pdf_images import has_image
from graphrag.loaders.pdf_layout import layout, over_pages, style_of
from graphrag.loaders.pdf_lines import has_text, page_lines
from graphrag.loaders.pdf_running import drop_running_lines
from graphrag.loaders.titles import says_nothing, title_from_source, title_from_text
from graphrag.types import Scalar

MAX_PAGES = 10_000


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read a PDF page by page; `pages` gives where each begins.

    Wrapped lines are joined to paragraphs, words cut at a line's end mended, running headers and footers removed (see
    pdf_running), and headings recognised cautiously (see pdf_layout). Title: the file's own if it says something, else
    the first paragraph if short, else the file's name. Metadata: author, and created (ISO 8601). Pages with a picture and no
    text are named in a warning.

    Raises:
        DocumentParseError: broken, needs a password, has no text layer, or has more than 10,000 pages.
    """
    try:
        reader = _open(data, source)
        pages = [page_lines(page) for page in reader.pages]
        scans = [
            number for number, page in enumerate(reader.pages, 1) if not has_text(pages[number - 1]) and has_image(page)
        ]
        title, metadata = _information(reader)
    except DependencyError as exc:
        raise DocumentParseError(
            f"{source} is encrypted with AES, which is not read here; save it without encryption "
            f"(for example `qpdf --decrypt in.pdf out.pdf`)"
        ) from exc
    # pypdf walks untrusted structures: damaged ones also surface as KeyError, TypeError and the like.
    except (PyPdfError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError) as exc:
        reason = clean_line(str(exc))[:200] or type(exc).__name__
        raise DocumentParseError(f"{source} is a broken PDF ({reason}); export it again from its origin") from exc
    if not any(map(has_text, pages)):
        count = "1 page" if len(pages) == 1 else f"{len(pages)} pages"
        raise DocumentParseError(
            f"{source} has {count} without text, probably a scan; run OCR first (for example `ocrmypdf`)"
        )
    builder = TextBuilder()
    kept = drop_running_lines(pages)
    style = style_of(kept)
    blocks = over_pages([layout(page, style) for page in kept], kept, style)
    for page in blocks:
        builder.begin_page()
        for block in page:
            if block.level or (title and block.text == title and not builder.headings):
                builder.heading(block.text, block.level or 1)
            else:
                builder.add(block.text, tight=block.tight)
    if not title:
        first = next(block.text for page in blocks for block in page)
        title = title_from_source(source) if " | " in first else title_from_text(first, source)
    document = builder.build(data, source, title, "application/pdf", metadata)
    return [replace(document, warnings=(_without_text(source, scans),)) if scans else document]


def _without_text(source: str, pages: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in pages:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    named = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    what = f"page {named} is a picture" if len(pages) == 1 else f"pages {named} are pictures"
    return f"{source}: {what} without text, probably scanned, and nothing of it is stored; run OCR first (for example `ocrmypdf`)"


def _open(data: bytes, source: str) -> PdfReader:
    reader = PdfReader(BytesIO(data), strict=False)
    # Many PDFs are encrypted only to forbid printing: these open with the empty password.
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise DocumentParseError(f"{source} needs a password; save it without one and load it again")
    if len(reader.pages) > MAX_PAGES:
        raise DocumentParseError(f"{source} has {len(reader.pages)} pages, more than {MAX_PAGES}; split it")
    return reader


def _information(reader: PdfReader) -> tuple[str, dict[str, Scalar]]:
    information = reader.metadata
    if information is None:
        return "", {}
    title, author = clean_line(information.title or ""), clean_line(information.author or "")
    metadata: dict[str, Scalar] = {"author": author} if author else {}
    try:
        created = information.creation_date
    except ValueError:
        created = None  # A malformed date is no reason to refuse the document.
    if created is not None:
        metadata["created"] = created.isoformat()
    return ("" if says_nothing(title) else title), metadata
