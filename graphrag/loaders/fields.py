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


def fields_of(given: Iterable[tuple[object, object]], where: str) -> list[Field]:
    """Names and values as fields; those without a value are left out.

    Dates become ISO text, lists of scalars are joined by ", ", lists of anything else become JSON.

    Raises:
        DocumentParseError: two are called the same, or one is nested too deeply.
    """
    found: dict[str, tuple[int, Scalar]] = {}
    for place, (raw, value) in enumerate(given):
        for name, scalar in _taken_apart(metadata_key(str(raw)), value, where, _LEVELS):
            if name in found:
                raise DocumentParseError(f"the metadata of {where} sets {name[:80]!r} twice; keep one of them")
            found[name] = place, scalar
    keys = metadata_keys(list(found))
    return [Field(place, name, key, value) for key, (name, (place, value)) in zip(keys, found.items(), strict=True)]


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
    line = clean_line(value)
    shown = line if len(line) <= _LINE_CHARACTERS else clean_text(value).strip().replace("\n", "\n  ")
    return f"- {name.replace('_', ' ').strip()}: {shown}"


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


def _taken_apart(name: str, value: object, where: str, levels: int) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, Mapping) and levels:
        for inner, one in cast(Mapping[object, object], value).items():
            yield from _taken_apart(f"{name}_{metadata_key(str(inner))}", one, where, levels - 1)
    elif value is not None:
        yield name, _scalar(name, value, where)


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
