"""Puts a document's text together block by block, so that offsets always refer to the final text."""

from hashlib import sha256

from graphrag.errors import DocumentParseError
from graphrag.loaders.base import Heading, LoadedDocument
from graphrag.loaders.characters import clean_line, clean_text, clean_title
from graphrag.types import Metadata

MAX_HEADING_CHARACTERS = 300


def empty_error(source: str) -> DocumentParseError:
    """The error for a document without any text."""
    return DocumentParseError(f"{source} is empty: it has no text to read")


class TextBuilder:
    """Collects cleaned blocks. Blocks are separated by an empty line, tight ones by a line break."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._pages: list[int] = []
        self._open_pages = 0

    def add(self, block: str, *, tight: bool = False) -> None:
        """Append a block of text; a blank one is left out."""
        cleaned = clean_text(block)
        if cleaned:
            self._append(cleaned, tight)

    def heading(self, text: str, level: int) -> None:
        """Append a heading on a line of its own; one of more than 300 characters counts as a paragraph."""
        cleaned = clean_line(text)
        if not cleaned:
            return
        start = self._append(cleaned, tight=False)
        if len(cleaned) <= MAX_HEADING_CHARACTERS:
            self._headings.append(Heading(start, min(max(level, 1), 6), cleaned))

    def begin_page(self) -> None:
        """The next block, if any, begins a new page."""
        self._open_pages += 1

    @property
    def headings(self) -> tuple[Heading, ...]:
        """Headings so far."""
        return tuple(self._headings)

    def build(self, data: bytes, source: str, title: str, media_type: str, metadata: Metadata) -> LoadedDocument:
        """Finish the document.

        Args:
            data: the raw bytes, for the content hash.
            source: as it will be stored.
            title: any text; becomes one line of at most 300 characters.
            media_type: such as "text/plain".
            metadata: already cleaned.

        Raises:
            DocumentParseError: no block had any text.
        """
        if not self._parts:
            raise empty_error(source)
        self._pages += [self._length] * self._open_pages
        self._open_pages = 0
        return LoadedDocument(
            source=source,
            title=clean_title(title),
            media_type=media_type,
            text="".join(self._parts),
            headings=tuple(self._headings),
            pages=tuple(self._pages),
            metadata=metadata,
            content_sha256=sha256(data).hexdigest(),
        )

    def _append(self, block: str, tight: bool) -> int:
        if self._parts:
            separator = "\n" if tight else "\n\n"
            self._parts.append(separator)
            self._length += len(separator)
        start = self._length
        self._pages += [start] * self._open_pages
        self._open_pages = 0
        self._parts.append(block)
        self._length += len(block)
        return start
