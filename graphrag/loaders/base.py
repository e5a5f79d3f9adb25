"""What a loader hands on: one document's text as a reader sees it, with the places of its headings and pages."""

from dataclasses import dataclass

from graphrag.types import Metadata

MAX_DOCUMENT_BYTES = 50_000_000
"""Default size limit of one file, in bytes."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, standing on a line of its own in the text."""

    start: int
    """Offset in `LoadedDocument.text` at which the heading's line begins; `text[start:].startswith(heading.text)`."""
    level: int
    """1 (outermost) to 6."""
    text: str


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """One document, cleaned. All offsets are code points into `text`."""

    source: str
    """Relative path or upload name; for a record of a JSON file `file.jsonl#<id or line number>`."""
    title: str
    """One line, at most 300 characters."""
    media_type: str
    text: str
    """Never blank. NFC, `\\n` line ends, no control, zero-width or surrogate characters, never two empty lines in a row."""
    headings: tuple[Heading, ...]
    """Ascending by start."""
    pages: tuple[int, ...]
    """Offset at which page 1, 2, ... begins, ascending; empty if the format has no pages. An empty page begins where
    the next one does."""
    metadata: Metadata
    """Keys and values that `graphrag.types.check_metadata` accepts."""
    content_sha256: str
    """SHA-256 of the raw bytes, of the canonical JSON of a record, or of what a day of Slack says, as 64 hexadecimal digits."""
    warnings: tuple[str, ...] = ()
    """What the file seems to hold that is not in the text, each a sentence that begins with the source."""
