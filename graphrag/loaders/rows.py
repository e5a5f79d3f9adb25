"""Tables with a header (.csv, .tsv), as databases and spreadsheets export them: a document for each row."""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO

from graphrag.errors import DocumentParseError
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import empty_error
from graphrag.loaders.characters import clean_line
from graphrag.loaders.encoding import decode_text
from graphrag.loaders.front_matter import metadata_key
from graphrag.loaders.jsonl import ID_KEYS, TEXT_KEYS, documents_of
from graphrag.loaders.titles import title_from_source

_DELIMITERS = ",;\t|"
_MAX_FIELD = 2**31 - 1
"""Characters of one field; the size of a document has a limit of its own."""
_NAME_CHARACTERS = 80
_TITLES = ("title", "name", "subject")


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read one document a row, named `file.csv#<id>`, or `file.csv#<number>` (from 1, without the header) if there is no column id.

    With a column text (or contents, body) that is the document's text and the other columns are metadata. Without one the text
    is an item "- column: value" for each column that has a value. Title: that of a column title, name or subject, else the first line
    of a text column or the first column but the id, if short, else the file's name and the row's: by it other documents that name
    what the row is about lead to it.

    Raises:
        DocumentParseError: blank, no header, two columns of one name, a row with more fields than the header, a row without text,
            two rows with one id; names the row. Nothing of the file is returned then.
    """
    csv.field_size_limit(_MAX_FIELD)
    text = decode_text(data, source)
    if not text.strip():
        raise empty_error(source)
    try:
        # Not by splitlines: a value may hold U+2028 and other characters that it takes for line ends.
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as exc:
        raise DocumentParseError(f"{source} is no table that can be read ({exc}); export it again") from exc
    names = _header(rows[0], source)
    return documents_of(_records(names, rows[1:], source), source, "text/csv")


def _delimiter(text: str) -> str:
    """The most frequent one of the header."""
    header = text.lstrip().split("\n", 1)[0]
    return max(_DELIMITERS, key=header.count)


def _header(row: list[str], source: str) -> list[str]:
    names = [clean_line(name) for name in row]
    keys = [metadata_key(name) for name in names]
    if not all(keys):
        raise DocumentParseError(f"{source} has a column without a name; its first row has to name all columns")
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DocumentParseError(f"{source} has two columns {twice!r}; their names have to differ")
    return names


def _records(names: list[str], rows: list[list[str]], source: str) -> Iterator[tuple[str, str, object]]:
    keys = [metadata_key(name) for name in names]
    whole = not any(key in TEXT_KEYS for key in keys)
    for number, row in enumerate((row for row in rows if any(value.strip() for value in row)), start=1):
        if len(row) > len(names):
            raise DocumentParseError(
                f"row {number} of {source} has {len(row)} fields, its header {len(names)}; correct it"
            )
        values = {key: value for key, value in zip(keys, row, strict=False) if value.strip()}
        title = next((clean_line(values[key]) for key in _TITLES if key in values), "")
        if whole:
            own = {key: value for key, value in values.items() if key in ID_KEYS}
            title = title or _first(values) or f"{title_from_source(source)} {next(iter(own.values()), number)}"
            # As items of a list, so that each is a sentence of its own.
            lines = [
                f"- {name}: {clean_line(values[key])}" for name, key in zip(names, keys, strict=True) if key in values
            ]
            values = own | {"text": "\n".join(lines)}
        yield f"row {number}", str(number), values | ({"title": title} if title else {})


def _first(values: Mapping[str, str]) -> str:
    """The first value but the id, if it may be a name: short, and with a letter."""
    value = next((clean_line(value) for key, value in values.items() if key not in ID_KEYS), "")
    return value if len(value) <= _NAME_CHARACTERS and any(map(str.isalpha, value)) else ""
