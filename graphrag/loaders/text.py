"""Plain text."""

from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import TextBuilder
from graphrag.loaders.encoding import decode_text
from graphrag.loaders.titles import title_from_text


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read plain text. Title: the subject of a mail, the first line if short, else the file's name. No headings are recognised.

    Raises:
        DocumentParseError: blank, or the encoding is unknown.
        UnsupportedFormatError: not text.
    """
    text = decode_text(data, source)
    builder = TextBuilder()
    builder.add(text)
    return [builder.build(data, source, title_from_text(text, source), "text/plain", {})]
