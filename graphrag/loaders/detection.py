"""Which format a document has: its suffix and its first bytes have to agree."""

import codecs
import re

from graphrag.errors import DocumentParseError, UnsupportedFormatError
from graphrag.loaders.registry import FORMATS, Format, is_unknown, suffix_of, supported, unsupported

_PDF_MARK = b"%PDF-"
_PDF_SEARCH_BYTES = 1024
"""PDF readers accept this much before the mark; some programs put a byte order mark or mail headers there."""
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32 LE begins as UTF-16 LE
_ZIP_MARK = b"PK\x03\x04"
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# What may be a word, such as RIFF at the beginning of a text, has to be followed by what only a file of that kind has.
_SIGNATURES = tuple(
    (re.compile(mark, re.DOTALL), what)
    for mark, what in (
        (re.escape(_ZIP_MARK), "a ZIP or Office file"),
        (rb"PK\x05\x06", "a ZIP file"),
        (re.escape(_OLE_MARK), "an old Office file"),
        (rb"\{\\rtf", "an RTF file"),
        (rb"\x89PNG\r\n", "a PNG image"),
        (rb"\xff\xd8\xff", "a JPEG image"),
        (rb"GIF8[79]a.{0,6}[\x00-\x08\x0e-\x1f]", "a GIF image"),
        (rb"RIFF.{4}(?:WAVE|AVI |WEBP)|RIFF.{0,16}\x00", "a RIFF file (image, sound or video)"),
        (rb"II\*\x00", "a TIFF image"),
        (rb"MM\x00\*", "a TIFF image"),
        (rb"\x1f\x8b", "a gzip archive"),
        (rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", "a bzip2 archive"),
        (rb"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (rb"\xfd7zXZ\x00", "an xz archive"),
        (rb"SQLite format 3\x00", "an SQLite database"),
        (rb"\x7fELF", "a program"),
        (rb"MZ\x90\x00", "a program"),
    )
)
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--[^>]{0,500}-->\s*)?<(?:!doctype html|html|head|body)\b",
    re.I,
)


def detect(data: bytes, source: str) -> Format:
    """The format of a document that is not empty.

    A known suffix decides, and the content must not contradict it. Without a suffix the content decides: PDF, HTML, or
    else plain text.

    Raises:
        UnsupportedFormatError: an unknown suffix, or a known kind of binary file; lists what is supported.
        DocumentParseError: a PDF under another suffix, or another file under `.pdf` or `.docx`.
    """
    suffix = suffix_of(source)
    is_pdf = _PDF_MARK in data[:_PDF_SEARCH_BYTES] if suffix in ("", ".pdf") else data.startswith(_PDF_MARK)
    if suffix == ".pdf" and not is_pdf:
        what = _signature(data) or ("an HTML page" if _HTML.match(data) else "something else")
        raise DocumentParseError(f"{source} is not a PDF but {what}; correct its suffix or its content")
    if is_unknown(source):
        raise UnsupportedFormatError(unsupported(source))
    if is_pdf and suffix not in ("", ".pdf"):
        raise DocumentParseError(f"{source} holds a PDF; rename it to end in .pdf")
    what = "" if is_pdf else _signature(data)
    if suffix == ".docx":
        if data.startswith(_ZIP_MARK):
            return FORMATS[suffix]
        # A password turns a new Office file into what old ones are.
        what = "an old Office file, or one with a password" if data.startswith(_OLE_MARK) else what or "something else"
        raise DocumentParseError(f"{source} is no .docx file but {what}; save it as .docx without a password")
    if what:
        raise UnsupportedFormatError(f"{source} is {what}, which is not supported; supported are {supported()}")
    if suffix:
        return FORMATS[suffix]
    return FORMATS[".pdf" if is_pdf else ".html" if _HTML.match(data) else ".txt"]


def is_binary(head: bytes) -> bool:
    """Whether a file without suffix is nothing that `detect` could take for a document: its first block holds a NUL byte.

    A PDF may hold one, and text that says by its first bytes that its characters are of two bytes or four.
    """
    return b"\0" in head and _PDF_MARK not in head[:_PDF_SEARCH_BYTES] and not head.startswith(_WIDE_MARKS)


def _signature(data: bytes) -> str:
    return next((what for mark, what in _SIGNATURES if mark.match(data)), "")
