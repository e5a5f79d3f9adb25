"""JSON records: one object a line (.jsonl, .ndjson), or one object or a list of them (.json)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Never, cast

from graphrag.errors import DocumentParseError
from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import TextBuilder, empty_error
from graphrag.loaders.characters import clean_line, clean_text
from graphrag.loaders.encoding import decode_text
from graphrag.loaders.fields import Field, checked, fields_of, item, items
from graphrag.loaders.slack import is_day, is_slack
from graphrag.loaders.slack import load as load_slack
from graphrag.loaders.slack_names import Lists
from graphrag.loaders.tags import readable
from graphrag.loaders.titles import title_from_source, title_from_text
from graphrag.types import canonical_json

MAX_ID_CHARACTERS = 200
TEXT_KEYS = ("text", "contents", "body")
"""Of what holds a record's text, the first that it has."""
ID_KEYS = ("_id", "id")
_MAX_DIGITS = 4_000
"""Of a whole number. Python reads few more."""
_WRAPPING = frozenset(("$oid", "$date", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal"))
_RECORD_HELP = "a record is an object with the key 'text' and, as wanted, 'id', 'title' and 'metadata'"


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read one record a line, in order; blank lines are skipped. See `_record` for what a record holds.

    Sources are `file.jsonl#<id>`, or `file.jsonl#<line number>` (from 1) for a record without id.

    Raises:
        DocumentParseError: a line is malformed, two lines have the same id, or none has any value; names the lines. Nothing
            of the file is returned then.
    """
    # Only \n ends a line: JSON texts may contain U+2028 and other characters that splitlines takes for line ends.
    lines = decode_text(data, source).split("\n")
    records = (
        (f"line {number}", str(number), _parse(line, f"line {number} of {source}"))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )
    return documents_of(records, source, "application/x-ndjson")


def load_json(data: bytes, source: str, lists: Lists | None = None) -> list[LoadedDocument]:
    """Read one record, a list of records, or as `load` one a line. A record without id is numbered from 1. Messages of Slack are one document,
    with names out of the lists of their export, and a day without any is none.

    Raises:
        DocumentParseError: as for `load`, with the record's number instead of the line.
    """
    text = decode_text(data, source)
    if not text.strip():
        raise empty_error(source)
    if _is_lines(text):
        return load(data, source)
    value = _parse(text, source)
    values = cast(list[object], value) if isinstance(value, list) else [value]
    if is_slack(values):
        return [load_slack(values, source, lists or {})]
    if not values and is_day(source):
        return []
    records = ((f"record {number}", str(number), value) for number, value in enumerate(values, start=1))
    try:
        return documents_of(records, source, "application/json")
    except DocumentParseError as exc:
        raise DocumentParseError(f"{exc}{_where_records_are(value)}") from exc


def _is_lines(text: str) -> bool:
    """Whether it holds an object a line, as databases write it under this name, too."""
    first, _, others = text.strip().partition("\n")
    return first.startswith("{") and first.rstrip().endswith("}") and others.lstrip().startswith("{")


def _where_records_are(value: object) -> str:
    """What to do where services answer with an object around the list of records."""
    if not isinstance(value, dict):
        return ""
    for name, inner in cast(Mapping[str, object], value).items():
        if isinstance(inner, list) and inner and all(isinstance(one, dict) for one in cast(list[object], inner)):
            return f"; if these are the list in {name[:80]!r}, save that alone"
    return ""


def documents_of(
    records: Iterator[tuple[str, str, object]],
    source: str,
    media_type: str,
    *,
    complete: bool = False,
    headed: bool = False,
) -> list[LoadedDocument]:
    """A document for each record, in order.

    Args:
        records: where it stands, for messages; its number, which names it if it has no id; the record. See `_record`.
        complete: whether the text of a record says already what its other fields say.
        headed: whether the file's name stands over each, as it does over records without text.

    Raises:
        DocumentParseError: a record is malformed, two have the same id, none has any value, or it is one JSON object without text;
            names them.
    """
    documents: list[LoadedDocument] = []
    seen: dict[str, str] = {}
    any_text = False
    for place, number, value in records:
        if not isinstance(value, dict):
            raise DocumentParseError(f"{place} of {source} is not a JSON object; {_RECORD_HELP}")
        record = cast(Mapping[str, object], value)
        name = _identifier(record, f"{place} of {source}") or number
        if name in seen:
            raise DocumentParseError(
                f"{seen[name]} and {place} of {source} have the same id {name!r} "
                f"(a record without id is named by its number); ids must differ"
            )
        seen[name] = place
        text_key = _text_key(record, f"{place} of {source}")
        any_text = any_text or bool(text_key)
        documents += _record(record, text_key, source, name, f"{place} of {source}", media_type, complete, headed)
    if not seen:
        raise empty_error(source)
    # One object alone is what programs are configured by; several are the rows of a table.
    if not documents or (not any_text and len(seen) == 1 and media_type == "application/json"):
        raise DocumentParseError(f"no record of {source} has any text: {_RECORD_HELP}")
    return documents


def _text_key(record: Mapping[str, object], where: str) -> str:
    """Where its text is; empty if it has none."""
    for key in TEXT_KEYS:
        value = record.get(key)
        if value is not None and not isinstance(value, str | Mapping | list):
            raise DocumentParseError(f"{where}: {key!r} must be a text, not {type(value).__name__}; {_RECORD_HELP}")
        if isinstance(value, str) and clean_text(value):
            return key
    return ""


def _record(
    record: Mapping[str, object],
    text_key: str,
    source: str,
    name: str,
    where: str,
    media_type: str,
    complete: bool,
    headed: bool,
) -> list[LoadedDocument]:
    """Keys: text (or contents, body), _id or id, title, metadata. Others count as metadata, and can be asked for as the columns
    beside the text of a row can: what is in `metadata` is for filters alone.

    One without text is read as a row of a table without a value in its text column, by its others; as a row without any value it is
    passed over if it has none.
    """
    title = record.get("title") or ""
    if not isinstance(title, str):
        raise DocumentParseError(f"{where}: 'title' must be a text, not {type(title).__name__}")
    known = {text_key, "title", "metadata", *ID_KEYS} | {
        key for key in TEXT_KEYS if not clean_line(str(record.get(key) or ""))
    }
    given, own = _fields(record, known, where)
    text = str(record.get(text_key, ""))
    text = text if complete else readable(text)
    if not text_key:
        text = _said(record, (*ID_KEYS, "title"), (*given, *own))
    elif own and not complete:
        text = f"{_said(record, ID_KEYS, own)}\n\n{text}"
    if not text:
        return []
    found = title_from_text(readable(str(record[text_key])), "") if text_key else ""
    table = title_from_source(source)
    title = title if title.strip() else found or f"{table} {name}"
    builder = TextBuilder()
    if (headed or not text_key) and not title.startswith(f"{table} "):
        builder.heading(table, 1)  # which may say what the rows do not: "Prices 2024"
    builder.add(text)
    metadata = checked({field.key: field.value for field in (*given, *own)}, where)
    data = canonical_json(record).encode("utf-8", "surrogatepass")
    return [builder.build(data, f"{source}#{name}", title, media_type, metadata)]


def _said(record: Mapping[str, object], keys: Sequence[str], fields: Sequence[Field]) -> str:
    return "\n".join(
        [*(item(key, str(record[key])) for key in keys if record.get(key)), *filter(None, map(items, fields))]
    )


def _fields(record: Mapping[str, object], known: set[str], where: str) -> tuple[list[Field], list[Field]]:
    """Those in its `metadata`, and its others."""
    nested = record.get("metadata")
    if nested is not None and not isinstance(nested, dict):
        raise DocumentParseError(f"{where}: 'metadata' must be an object, not {type(nested).__name__}")
    given = cast(Mapping[str, object], nested or {})
    found = fields_of([*given.items(), *((key, value) for key, value in record.items() if key not in known)], where)
    return [field for field in found if field.place < len(given)], [
        field for field in found if field.place >= len(given)
    ]


def _identifier(record: Mapping[str, object], where: str) -> str:
    value = next((record[key] for key in ID_KEYS if record.get(key) not in (None, "")), None)
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():  # as pandas writes a column of numbers with gaps
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DocumentParseError(f"{where}: the id must be a text or a whole number, not {type(value).__name__}")
    name = clean_line(str(value))
    if not name or len(name) > MAX_ID_CHARACTERS:
        raise DocumentParseError(f"{where}: the id {name[:40]!r} must have 1 to {MAX_ID_CHARACTERS} characters")
    return name


def _parse(text: str, where: str) -> object:
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole, object_hook=_unwrapped
        )
    except (ValueError, RecursionError) as exc:
        told = "nested too deeply" if isinstance(exc, RecursionError) else str(exc)[:200]
        raise DocumentParseError(f"{where} is not valid JSON ({told}); {_RECORD_HELP}") from exc


def _unwrapped(value: dict[str, object]) -> object:
    """A value without what MongoDB puts around those that JSON has no kind for: `{"$oid": "64f0"}`."""
    return next(iter(value.values())) if len(value) == 1 and not _WRAPPING.isdisjoint(value) else value


def _finite(number: str) -> float:
    value = float(number)
    if not isfinite(value):
        raise ValueError(f"the number {number[:40]} is too large")
    return value


def _whole(number: str) -> int:
    if len(number) > _MAX_DIGITS:
        raise ValueError(f"the number {number[:40]}... is too large")
    return int(number)


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON value")
