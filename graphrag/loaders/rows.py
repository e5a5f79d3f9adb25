"""Tables with a header (.csv, .tsv), as databases and spreadsheets export them: a document for each row."""

import csv
import re
from collections.abc import Iterator, Mapping, Set
from io import StringIO
from itertools import dropwhile, islice
from typing import TYPE_CHECKING

from graphrag.errors import DocumentParseError
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import empty_error
from graphrag.loaders.characters import clean_line
from graphrag.loaders.columns import is_value, key_columns, name_of_row
from graphrag.loaders.encoding import decode_text
from graphrag.loaders.fields import item, metadata_keys
from graphrag.loaders.jsonl import ID_KEYS, TEXT_KEYS, documents_of
from graphrag.loaders.tags import readable
from graphrag.loaders.titles import title_from_source, title_from_text

if TYPE_CHECKING:
    from _csv import Reader

# The comma last: of all it stands most often within a value, as in "Preis, EUR" and 1,50.
_DELIMITERS = "\t;|,"
_FIRST_ROWS = 20
"""Of these the delimiter is told."""
_NAMED_DELIMITER = re.compile(r'"?sep=([^\w\s"]|\t)"?\s*', re.IGNORECASE)
"""The first line that Excel reads and, as some programs write it for Excel, no row of the table."""
_NAME_OF_ROWS = "row"
_MAX_FIELD = 2**31 - 1
"""Characters of one field; the size of a document has a limit of its own."""
_NAME_CHARACTERS = 80
_TITLES = ("title", "name", "subject")
_RECORDS_OWN = "metadata"
"""Of a record this is an object; in a table it is a column as any other."""


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read one document a row; a table of a header alone has none.

    - Named `file.csv#<id>` by what `key_columns` finds, such as a column id, or `file.csv#<number>` (from 1, without the header)
      if it finds nothing.
    - Text: the file's name as a heading, since that may say what no row does ("Prices 2024"), and an item "- column: value" for
      each column that has a value (with spaces for underscores).
    - Text where there is a column text (or contents, body): no heading, the items of the others but that of the title, then the
      value of that column. The others are metadata, too, by the names that `metadata_keys` gives them.
    - Title: that of a column title, name or subject, else the first line of a text column or the first column but the id, if
      short, else the file's name and the row's. By it, other documents that name what the row is about lead to it.

    Raises:
        DocumentParseError: blank, no header, a row with more fields than the header, a quote that is not closed, two rows with
            one id; names the row. Nothing of the file is returned then.
    """
    csv.field_size_limit(_MAX_FIELD)
    # Not by splitlines: a value may hold U+2028 and other characters that it takes for line ends.
    lines = list(dropwhile(_is_blank, StringIO(decode_text(data, source), newline="")))
    if not lines:
        raise empty_error(source)
    ends = lines[-1].endswith(("\r", "\n"))
    lines.append("\n")  # so that a quote which is still open goes on over it
    named = _NAMED_DELIMITER.fullmatch(lines[0])
    if named:
        del lines[0]
    try:
        rows = _rows(lines, named[1] if named else _delimiter(lines, source), source)
    except csv.Error as exc:
        raise DocumentParseError(f"{source} is no table that can be read ({exc}); export it again") from exc
    if not rows:
        raise empty_error(source)
    names = _header(rows, source)
    rows = list(filter(_is_filled, rows[1:]))
    if not ends and _is_cut(names, rows):
        last = "its last row has fewer fields than its header and no line end" if rows else "its header has no line end"
        raise DocumentParseError(
            f"{source} seems to be cut off: {last}; export it again, or end it with a line end if it is whole"
        )
    if not rows and len(names) > 1:
        return []
    keys = metadata_keys(names, (_RECORDS_OWN,))
    headed = frozenset(TEXT_KEYS).isdisjoint(keys)
    return documents_of(_records(names, keys, rows, source), source, "text/csv", complete=True, headed=headed)


def _is_cut(names: list[str], rows: list[list[str]]) -> bool:
    """Whether a table without a last line end breaks off in its last row, as other rows do not, or in its header."""
    return not rows or (len(rows[-1]) < len(names) and all(len(row) >= len(names) for row in rows[:-1]))


def _is_blank(line: str) -> bool:
    return not line.strip()


def _delimiter(lines: list[str], source: str) -> str:
    """That by which most of the first rows have as many fields as the header, at least two; in a .tsv the tab if its header has one."""
    if source.lower().endswith(".tsv") and "\t" in lines[0]:
        return "\t"

    def agreement(delimiter: str) -> float:
        sizes = [len(row) for row in islice(filter(_is_filled, _reader(lines, delimiter)), _FIRST_ROWS)]
        return sizes.count(sizes[0]) / len(sizes) if sizes and sizes[0] > 1 else 0

    best = max(_DELIMITERS, key=agreement)
    return best if agreement(best) else ","


def _reader(lines: list[str], delimiter: str, *, strict: bool = False) -> "Reader":
    # A value may stand in quotes after a space: `7, "Pump, Alder"`.
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)


def _rows(lines: list[str], delimiter: str, source: str) -> list[list[str]]:
    """The rows that are not blank.

    Raises:
        DocumentParseError: a value goes on over line ends to a quote that is not its end: it holds the rows in between.
    """
    reader = _reader(lines, delimiter)
    rows: list[list[str]] = []
    begin = 0
    for row in reader:
        if reader.line_num > begin + 1:
            try:
                list(_reader(lines[begin : reader.line_num], delimiter, strict=True))
            except csv.Error as exc:
                place = f"row {len(rows)}" if rows else "the header"
                raise DocumentParseError(
                    f"{place} of {source} has a quote that is not closed, so that the rows after it would be lost, or the file is "
                    f"cut off there ({exc}); close it and double each quote within a value, or export it again"
                ) from exc
        begin = reader.line_num
        if _is_filled(row):
            rows.append(row)
    return rows


def _is_filled(row: list[str]) -> bool:
    return any(map(is_value, row))


def _header(rows: list[list[str]], source: str) -> list[str]:
    """The names of the columns. A first one without is what the rows are called, as pandas and pivot tables write it; it is taken
    out of the rows if it merely counts them.
    """
    first = [row[0].strip() for row in rows]
    if not first[0] and len(rows[0]) > 1:
        if all(value.isdecimal() for value in first[1:]):
            for row in rows:
                del row[0]
        else:
            rows[0][0] = _NAME_OF_ROWS
    _drop_blank_columns(rows)
    names = [clean_line(name) for name in rows[0]]
    if not all(names):
        raise DocumentParseError(
            f"{source} has a column without a name; its first row has to name all columns: remove what stands above that"
        )
    return names


def _drop_blank_columns(rows: list[list[str]]) -> None:
    """Take out what spreadsheets write of columns that were used once: neither a name nor a value, and at the end of a row."""
    blank = {column for column, name in enumerate(rows[0]) if not name.strip()}
    for row in rows:
        blank -= {column for column in blank if column < len(row) and row[column].strip()}
    for row in rows:
        while len(row) > len(rows[0]) and not row[-1].strip():
            row.pop()
    if blank:
        for row in rows:
            row[:] = [value for column, value in enumerate(row) if column not in blank]


def _records(
    names: list[str], keys: list[str], rows: list[list[str]], source: str
) -> Iterator[tuple[str, str, object]]:
    text_key = next((key for key in TEXT_KEYS if key in keys), "")
    columns = key_columns(names, rows)
    for number, row in enumerate(rows, start=1):
        if len(row) > len(names):
            raise DocumentParseError(
                f"row {number} of {source} has {len(row)} fields, its header {len(names)}; correct it, or remove what stands above the "
                f"row that names the columns"
            )
        values = {key: value for key, value in zip(keys, row, strict=False) if is_value(value)}
        own = {key: value for key, value in values.items() if key in ID_KEYS}
        if columns:
            own = {ID_KEYS[0]: name_of_row(row, columns)}
        titled = next((key for key in _TITLES if key in values), "")
        title = clean_line(values.get(titled, ""))
        found = title_from_text(readable(values[text_key]), "") if text_key in values else _first(values)
        title = title or found or f"{title_from_source(source)} {next(iter(own.values()), number)}"
        parts = [_items(names, keys, values, {text_key, titled} if text_key in values else set())]
        if text_key in values:
            parts.append(readable(values[text_key]))
        values = (values if text_key else {}) | {text_key or "text": "\n\n".join(filter(None, parts))}
        yield f"row {number}", str(number), values | own | {"title": title}


def _items(names: list[str], keys: list[str], values: Mapping[str, str], left_out: Set[str]) -> str:
    """What the columns say but those left out; before a text nothing if that leaves an id alone."""
    shown = [(name, key) for name, key in zip(names, keys, strict=True) if key in values and key not in left_out]
    if left_out and all(key in ID_KEYS for _, key in shown):
        return ""
    return "\n".join(item(name, values[key]) for name, key in shown)


def _first(values: Mapping[str, str]) -> str:
    """The first value but the id, if it may be a name: short, and with a letter."""
    value = next((clean_line(value) for key, value in values.items() if key not in ID_KEYS), "")
    return value if len(value) <= _NAME_CHARACTERS and any(map(str.isalpha, value)) else ""
