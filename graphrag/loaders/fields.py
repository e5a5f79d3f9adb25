"""What documents say of themselves, in front matter, records and columns, as metadata: keys that it takes, values without depth."""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from graphrag.errors import DocumentParseError, InputError
from graphrag.loaders.characters import clean_line, clean_text
from graphrag.loaders.tags import readable
from graphrag.types import METADATA_KEY, Metadata, Scalar, check_metadata

_KEY_CHARACTERS = 63
_LEVELS = 5
"""Objects in each other that are taken apart; what is deeper stays the JSON that it was."""
_LINE_CHARACTERS = 200
"""A longer value keeps its lines: it is a text of its own, such as a description."""
_OTHERS = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Field:
    """A value that a document says of itself."""

    place: int
    """Which of the given ones it is, or is part of."""
    name: str
    """What the document calls it: `assignee_name` for the name in an object `assignee`."""
    key: str
    """What it is called as metadata."""
    value: Scalar
    raw: object
    """What the document gives: a text with its lines, a list."""


def fields_of(given: Iterable[tuple[object, object]], where: str) -> list[Field]:
    """Names and values as fields; those without a value are left out.

    Dates become ISO text, lists of scalars are joined by ", ", lists of anything else become JSON. Where a value of an object is called
    as another one is (`user_id` beside `user: {id: 7}`), both are kept if they differ.

    Raises:
        DocumentParseError: two are called the same by the document itself, or one is nested too deeply.
    """
    found: list[tuple[int, str, object, Scalar]] = []
    own: set[str] = set()
    known: set[tuple[str, type, Scalar]] = set()
    for place, (called, value) in enumerate(given):
        key = metadata_key(str(called))
        for name, raw in _taken_apart(key, value, _LEVELS):
            scalar = _scalar(name, raw, where)
            if raw is value and name in own:
                raise DocumentParseError(f"the metadata of {where} sets {name[:80]!r} twice; keep one of them")
            own.update([name] if raw is value else ())
            if (name, type(scalar), scalar) not in known:
                known.add((name, type(scalar), scalar))
                found.append((place, name, raw, scalar))
    keys = metadata_keys([name for _, name, _, _ in found])
    return [Field(place, name, key, value, raw) for key, (place, name, raw, value) in zip(keys, found, strict=True)]


def checked(metadata: Metadata, where: str) -> dict[str, Scalar]:
    """The metadata of a document.

    Raises:
        InputError: as check_metadata; says where.
    """
    try:
        return check_metadata(metadata)
    except InputError as exc:
        raise InputError(f"{where}: {exc}") from exc


def item(name: str, value: str) -> str:
    """What a field of a record or row says, as an item of a list, so that each is a sentence of its own. A long value keeps its lines.

    "ticket_id" is one word to search and models, "ticket id" two.
    """
    text = readable(value)
    line = clean_line(text)
    shown = line if len(line) <= _LINE_CHARACTERS else clean_text(text).strip().replace("\n", "\n  ")
    return f"- {name.replace('_', ' ').strip()}: {shown}"


def items(field: Field) -> str:
    """What a field of a record says, with the objects in its lists taken apart: the comments of a ticket are read, and not their JSON."""
    return "\n".join(_items(field.name, field.raw, field.value, _LEVELS))


def _items(name: str, raw: object, otherwise: Scalar, levels: int) -> Iterator[str]:
    if levels and isinstance(raw, list) and any(isinstance(one, Mapping) for one in cast(list[object], raw)):
        for one in cast(list[object], raw):
            for inner, value in _taken_apart(name, one, levels - 1):
                yield from _items(inner, value, _scalar(inner, value, name), levels - 1)
    elif otherwise != "":
        yield item(name, raw if isinstance(raw, str) else str(otherwise))


def metadata_keys(names: Sequence[str], reserved: Collection[str] = ()) -> list[str]:
    """What fields are called as metadata: each a key that `check_metadata` accepts, and each another one.

    `Created By` gives `created_by`, `Größe (cm)` gives `grosse_cm`, `2024` gives `column_2024`, and the second `Labels` of several
    `labels_2`.
    """
    keys: dict[str, None] = {}
    of_same: dict[str, int] = {}
    for name in names:
        key = metadata_key(name)
        if not METADATA_KEY.fullmatch(key):
            plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
            key = _OTHERS.sub("_", plain).strip("_")[:_KEY_CHARACTERS]
        if not METADATA_KEY.fullmatch(key) or key in reserved:
            key = f"column_{key or len(keys) + 1}"[:_KEY_CHARACTERS]
        same = key
        while key in keys:
            count = of_same[same] = of_same.get(same, 1) + 1
            key = f"{same[: _KEY_CHARACTERS - len(str(count)) - 1]}_{count}"
        keys[key] = None
    return list(keys)


def metadata_key(raw: str) -> str:
    """Lower case, with spaces and hyphens as `_`: `Created By` gives `created_by`."""
    return clean_line(raw).lower().replace(" ", "_").replace("-", "_")


def _taken_apart(name: str, value: object, levels: int) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and levels:
        for inner, one in cast(Mapping[object, object], value).items():
            yield from _taken_apart(f"{name}_{metadata_key(str(inner))}", one, levels - 1)
    elif value is not None:
        yield name, value


def _scalar(name: str, value: object, where: str) -> Scalar:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | date):
        return _text(value)
    if isinstance(value, list):
        items = [item for item in cast(list[object], value) if item is not None]
        if all(isinstance(item, str | int | float | date) for item in items):
            return ", ".join(filter(None, map(_text, items)))
    try:
        return clean_line(json.dumps(value, ensure_ascii=False, default=str))
    except (RecursionError, TypeError, ValueError) as exc:
        raise DocumentParseError(f"metadata {name[:80]!r} of {where} is nested too deeply; leave it out") from exc


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else clean_line(str(value))
