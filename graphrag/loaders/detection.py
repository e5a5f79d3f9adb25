"""Which format a document has: its suffix and its first bytes have to agree."""

import re

from graphrag.errors import DocumentParseError, UnsupportedFormatError
from graphrag.loaders.registry import FORMATS, Format, is_unknown, suffix_of, supported

_PDF_MARK = b"%PDF-"
_PDF_SEARCH_BYTES = 1024
"""PDF readers accept this much before the mark; some programs put a byte order mark or mail headers there."""
_ZIP_MARK = b"PK\x03\x04"
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNATURES = (
    (_ZIP_MARK, "a ZIP or Office file"),
    (b"PK\x05\x06", "a ZIP file"),
    (_OLE_MARK, "an old Office file"),
    (b"{\\rtf", "an RTF file"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"RIFF", "a RIFF file (image, sound or video)"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
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
        raise UnsupportedFormatError(f"{source}: {suffix} files are not supported; supported are {supported()}")
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


def _signature(data: bytes) -> str:
    return next((what for mark, what in _SIGNATURES if data.startswith(mark)), "")
