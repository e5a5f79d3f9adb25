"""Word documents (.docx)."""

from collections.abc import Callable
from io import BytesIO
from typing import Protocol, cast
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile, ZipFile

import mammoth
from selectolax.lexbor import LexborHTMLParser

from graphrag.errors import DocumentParseError
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import TextBuilder
from graphrag.loaders.characters import clean_line
from graphrag.loaders.docx_markup import OUTLINE, readable, styles_of
from graphrag.loaders.docx_numbers import Numbers, in_items
from graphrag.loaders.html_page import as_shown, page_body
from graphrag.loaders.html_tree import render
from graphrag.loaders.titles import says_nothing, title_from_source
from graphrag.types import Scalar

MAX_BYTES = 500_000_000
"""Of all parts together: a small file may hold gigabytes of zeros."""
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_CONTENTS = ("TOC Heading", *(f"{toc} {level}" for toc in ("toc", "TOC") for level in range(1, 10)))
_STYLES = "\n".join(
    [
        "p[style-name='Title'] => h1.title:fresh",
        *(f"p[style-name='{name}'] => !" for name in _CONTENTS),
        *(f"p.{OUTLINE}{level} => h{level}:fresh" for level in range(1, 7)),
    ]
)
_BACK = "a[href^='#footnote-ref'], a[href^='#endnote-ref']"
"""Links from notes to where they belong."""


class _Converted(Protocol):
    value: str


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read a Word document as its reader sees it: headings, lists, tables, foot- and endnotes (at the end).

    Left out are comments, deleted and hidden text, pictures, a table of contents, page headers and footers. Title: the paragraph
    of style Title, else the file's own, else the first heading of level 1, else the file's name. Metadata: author, and created
    (ISO 8601).

    Raises:
        DocumentParseError: broken, no Word document, or without text.
    """
    try:
        with ZipFile(BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_BYTES:
                raise DocumentParseError(f"{source} unpacks to more than {MAX_BYTES:,} bytes; split it")
            changed, (own_title, metadata) = _changed(archive), _properties(archive)
        page = LexborHTMLParser(f"<body>{in_items(_to_html(changed))}</body>")
    # Damaged files also surface as KeyError, IndexError and the like.
    except (BadZipFile, ExpatError, SyntaxError, ValueError, LookupError, TypeError, AttributeError, OSError) as exc:
        reason = clean_line(str(exc))[:200] or type(exc).__name__
        raise DocumentParseError(f"{source} is a broken Word document ({reason}); save it again in Word") from exc
    as_shown(page)
    for link in page.css(_BACK):
        link.decompose()
    builder = TextBuilder()
    render(page_body(page), builder)
    styled = page.css_first("h1.title")
    top = [heading.text for heading in builder.headings if heading.level == 1]
    title = clean_line(styled.text()) if styled is not None else ""
    title = title or own_title or (top[0] if top else title_from_source(source))
    return [
        builder.build(
            data,
            source,
            title,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            metadata,
        )
    ]


def _to_html(data: bytes) -> str:
    convert = cast(Callable[..., _Converted], mammoth.convert_to_html)
    return convert(BytesIO(data), style_map=_STYLES, convert_image=_no_picture, include_embedded_style_map=False).value


def _no_picture(_image: object) -> list[object]:
    return []


def _changed(archive: ZipFile) -> bytes:
    """The file without text that Word hides, since it may be meant for machines alone, and without pictures, with the numbers of items."""
    out, styles, numbers = BytesIO(), styles_of(archive), Numbers(archive)
    with ZipFile(out, "w") as kept:
        for part in archive.infolist():
            if part.filename.startswith("word/media/"):
                continue
            content = archive.read(part)
            if part.filename.startswith("word/") and part.filename.endswith(".xml"):
                mark = numbers.mark if numbers.any and part.filename.startswith("word/document") else None
                content = readable(content, styles, mark)
            kept.writestr(part.filename, content)
    return out.getvalue()


def _properties(archive: ZipFile) -> tuple[str, dict[str, Scalar]]:
    """The title, empty if it says nothing, and as metadata author and created where present."""
    if "docProps/core.xml" not in archive.namelist():
        return "", {}
    root = ElementTree.fromstring(archive.read("docProps/core.xml"))  # noqa: S314 - as in docx_markup
    title, author, created = (
        clean_line(root.findtext(tag) or "") for tag in (f"{_DUBLIN}title", f"{_DUBLIN}creator", f"{_TERMS}created")
    )
    metadata: dict[str, Scalar] = {name: value for name, value in (("author", author), ("created", created)) if value}
    return "" if says_nothing(title) else title, metadata
