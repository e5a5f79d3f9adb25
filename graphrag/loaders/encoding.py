"""From bytes to text: the encoding is known, or confidently recognised, or the document is refused."""

import codecs
import re

from graphrag.errors import DocumentParseError, UnsupportedFormatError
from graphrag.loaders.code_pages import code_page

# The longer mark first: the one of UTF-32 begins with the one of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Quotes, dashes, ellipsis, trade mark, degrees and the like: equal in all Windows code pages for Europe.
_WINDOWS_SIGNS = bytes.fromhex("84 85 91 92 93 94 95 96 97 99 a0 a9 ab ae b0 bb")
_BESIDE_NO_LETTER = re.compile(
    rb"(?<![A-Za-z\x80-\xff])(?:[\x80\xa3](?![A-Za-z\x80-\xff])|[\xa6\xa7\xac\xb1\xb5-\xb7])"
)
"""Euro and pound, signs of sections, plus-minus and micro: in some code pages letters, which others stand before."""
_ASCII = bytes(range(128))
_MIN_COHERENCE = 0.25
"""Measured: wrong guesses for short or mostly English text have 0; right ones for two sentences have 0.29 or more."""
_SAMPLE_BYTES = 200_000
_CONTEXT_BYTES = 200
# It ends before a byte that is no second half of a character in any encoding.
_PIECE = re.compile(rb"[\x80-\xff].{0,%d}[^\x00-\x2f]{0,%d}" % (_CONTEXT_BYTES, _SAMPLE_BYTES), re.DOTALL)
_HIGH = bytes(range(128, 256))
_MIN_SEQUENCES_PER_ERROR = 5
"""Text of other encodings holds hardly any sequence of UTF-8, and several errors for each."""


def decode_text(data: bytes, source: str, declared: str = "") -> str:
    """Decode by byte order mark, UTF-8, the declared encoding, or a confident guess, in this order.

    Text in UTF-8 with a few bytes that do not fit is read as such, with U+FFFD for these.

    Args:
        data: all bytes of the document.
        source: for messages.
        declared: an encoding that the document names itself, or nothing; ignored if it does not fit.

    Raises:
        UnsupportedFormatError: the bytes are not text.
        DocumentParseError: the encoding is unknown, or contradicts the byte order mark.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as exc:
                raise DocumentParseError(
                    f"{source} is marked as {encoding} but byte {exc.start} does not fit; save it as UTF-8"
                ) from exc
    if b"\0" in data:
        raise UnsupportedFormatError(
            f"{source} is a binary file (it has a NUL byte at offset {data.index(0)}); "
            f"if it is UTF-16 text without a byte order mark, save it as UTF-8"
        )
    text = _try(data, "utf-8")
    if text is None:
        text = _mended(data)
    if text is None and declared:
        text = _try(data, declared)
    if text is not None:
        return text
    if not _BESIDE_NO_LETTER.sub(b"", data).translate(None, _ASCII + _WINDOWS_SIGNS):
        return data.decode("cp1252")
    guess = _guess(data)
    text = _try(data, guess) if guess else None
    if text is None:
        raise DocumentParseError(f"the encoding of {source} is unknown: it is not UTF-8; convert it to UTF-8")
    return text


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _mended(data: bytes) -> str | None:
    """The text if nearly all of it is UTF-8: one damaged byte must not make another encoding of the whole."""
    text = data.decode("utf-8", "replace")
    replaced = text.count("\ufffd")
    sequences = len(text) - len(data.translate(None, _HIGH)) - replaced
    errors = replaced - data.count("\ufffd".encode())
    return text if sequences >= _MIN_SEQUENCES_PER_ERROR * errors else None


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    sample = _sample(data)
    # UTF-16 and UTF-32 without a mark contain NUL for almost any text, so a match here would be by chance.
    excluded = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7"]
    latin = code_page(sample)
    best = from_bytes(sample, cp_isolation=[latin] if latin else None, cp_exclusion=excluded).best()
    return best.encoding if best is not None and best.coherence >= _MIN_COHERENCE else ""


def _sample(data: bytes) -> bytes:
    """What stands around the bytes that are not ASCII, since nothing else tells encodings apart."""
    pieces: list[bytes] = []
    size = end = 0
    while size < _SAMPLE_BYTES and (found := _PIECE.search(data, end)):
        pieces.append(data[max(end, found.start() - _CONTEXT_BYTES) : found.end()])
        size += len(pieces[-1])
        end = found.end()
    return b"".join(pieces)
