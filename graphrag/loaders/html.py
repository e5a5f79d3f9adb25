"""HTML pages: the main content, with headings, lists and tables kept."""

import re
from xml.etree import ElementTree

import trafilatura
from selectolax.lexbor import LexborHTMLParser

from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import TextBuilder
from graphrag.loaders.characters import clean_characters
from graphrag.loaders.confluence import take_apart, without_export_date
from graphrag.loaders.encoding import decode_text
from graphrag.loaders.html_page import (
    as_shown,
    first_heading,
    flatten_code,
    is_export,
    marked_content,
    page_body,
    page_metadata,
    page_title,
)
from graphrag.loaders.html_tree import heading_texts, line_text, render

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
# Encodings of the web; others, such as utf-7 or unicode_escape, would be a way to smuggle markup past a reader.
_WEB_ENCODING = re.compile(r"(iso-?8859|windows-|cp125|latin|gb|big5|shift|euc|koi8|us-ascii|macintosh)", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")
_SECTIONS = re.compile(r"<(/?)(?:blockquote|figure|figcaption|address)\b")
"""trafilatura runs together the blocks within, and loses captions and lines; as text these are no other than a section."""
_QUOTED = re.compile(r"</?q\b[^>]*>")
"""What trafilatura takes for a paragraph; the quotation marks stand beside it."""
_MIN_SHARE = 0.6
"""Extraction that keeps less of what the author marked as content is not trusted."""


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read an HTML page. Title: see `page_title`; metadata: author, date and keywords, of Confluence see `take_apart`.

    The main content is found by trafilatura; of what a program exported, where nothing surrounds the content, where it finds nothing,
    loses most of the headings, or drops much of what the author marked as the content, the page's body without navigation and the
    like is used instead.

    Raises:
        DocumentParseError: no text, or the encoding is unknown.
        UnsupportedFormatError: not text.
    """
    html = clean_characters(decode_text(data, source, _declared_encoding(data)))
    html = _XML_DECLARATION.sub("", html, count=1)
    page = LexborHTMLParser(html)
    as_shown(page)
    flatten_code(page)
    around = take_apart(page)
    builder = TextBuilder()
    render(_content(page), builder)
    metadata = page_metadata(page) | around
    return [builder.build(without_export_date(data), source, page_title(page, source), "text/html", metadata)]


def _declared_encoding(data: bytes) -> str:
    found = _CHARSET.search(data[:4096])
    name = found[1].decode("ascii").lower() if found else ""
    if name in ("iso-8859-1", "latin1", "latin-1", "us-ascii"):
        return "cp1252"  # As every browser reads these.
    return name if _WEB_ENCODING.match(name) else ""


def _content(page: LexborHTMLParser) -> ElementTree.Element:
    body = page_body(page)
    if is_export(page):
        return body
    main = _main_content(_QUOTED.sub("", _SECTIONS.sub(r"<\1div", page.html or ""))) if _size(body) else None
    if main is None:
        return body
    found, expected = _size(main), _size(body)
    headings = heading_texts(main)
    if not found or len(headings) < len(heading_texts(body)) / 2:
        return body
    if marked_content(page) is not None and found < _MIN_SHARE * expected:
        return body
    title = first_heading(page)
    if title and title in heading_texts(body) and title not in headings:
        # The page's own heading is often cut off with the page's banner.
        head = ElementTree.Element("head", {"rend": "h1"})
        head.text = title
        main.insert(0, head)
    _carry_starts(body, main)
    return main


def _carry_starts(body: ElementTree.Element, main: ElementTree.Element) -> None:
    """Let numbered lists begin where the page says, which trafilatura drops; a list is known by its first item."""
    starts: dict[str, list[str]] = {}
    for found in body.iter("list"):
        starts.setdefault(_first_item(found), []).append(found.get("start", ""))
    for found in main.iter("list"):
        of_same = starts.get(_first_item(found))
        if of_same:
            found.set("start", of_same.pop(0))


def _first_item(element: ElementTree.Element) -> str:
    item = element.find("item")
    return "" if item is None else line_text(item)


def _main_content(html: str) -> ElementTree.Element | None:
    try:
        xml = trafilatura.extract(
            html,
            output_format="xml",
            include_comments=False,
            include_tables=True,
            include_formatting=True,
            favor_recall=True,
        )
        return ElementTree.fromstring(xml).find("main") if xml else None  # noqa: S314 - trafilatura's own, no DTD
    # XML errors of lxml and of the standard library are both SyntaxErrors; the page's body is still there then.
    except (SyntaxError, ValueError):
        return None


def _size(element: ElementTree.Element) -> int:
    return sum(len(part.strip()) for part in element.itertext())
