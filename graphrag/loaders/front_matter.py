"""Metadata from YAML front matter."""

from collections.abc import Mapping
from datetime import date
from typing import cast

import yaml

from graphrag.errors import DocumentParseError
from graphrag.loaders.characters import clean_line
from graphrag.types import Scalar

MAX_FRONT_MATTER_CHARACTERS = 50_000


class _Loader(yaml.SafeLoader):
    """Without aliases, a few lines of which stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"aliases such as *{self.peek_event().anchor} are not read; write the value out")
        return super().compose_node(parent, index)


def parse_front_matter(content: str, source: str) -> tuple[str, dict[str, Scalar]]:
    """Split front matter into the title (empty if absent) and metadata.

    Keys are lower-cased, spaces and hyphens become `_`; dates become ISO text, lists of scalars are joined by ", ";
    keys without a value are left out. Which keys and values are allowed is checked by the caller (check_metadata).

    Raises:
        DocumentParseError: not YAML, not a mapping, a nested value, or two keys that become one; names the key.
    """
    if len(content) > MAX_FRONT_MATTER_CHARACTERS:
        raise DocumentParseError(
            f"the front matter of {source} has {len(content)} characters, more than {MAX_FRONT_MATTER_CHARACTERS}; "
            f"shorten it, or close it with '---'"
        )
    try:
        loaded = cast(object, yaml.load(content, _Loader))  # noqa: S506 - it is a SafeLoader
    # PyYAML lets through what date and int raise for values such as 2025-13-45, and recursion for deep nesting.
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError, AttributeError) as exc:
        reason = clean_line(str(exc))[:200] or type(exc).__name__
        raise DocumentParseError(
            f"the front matter of {source} is not valid YAML ({reason}); correct it or remove the block between '---'"
        ) from exc
    if loaded is None:
        return "", {}
    if not isinstance(loaded, dict):
        raise DocumentParseError(
            f"the front matter of {source} is not a list of 'key: value' lines; correct it, or begin the file with an "
            f"empty front matter ('---', '---') if no metadata is meant"
        )
    metadata: dict[str, Scalar] = {}
    for raw_key, value in cast(Mapping[object, object], loaded).items():
        key = metadata_key(str(raw_key))
        scalar = scalar_value(value, key, source)
        if key in metadata:
            raise DocumentParseError(f"the metadata of {source} sets {key!r} twice; keep one of them")
        if scalar is not None:
            metadata[key] = scalar
    title = metadata.pop("title", "")
    return clean_line(str(title)), metadata


def metadata_key(raw: str) -> str:
    """Lower case, with spaces and hyphens as `_`: `Created By` gives `created_by`."""
    return clean_line(raw).lower().replace(" ", "_").replace("-", "_")


def scalar_value(value: object, key: str, source: str) -> Scalar | None:
    """A metadata value as a scalar; None where there is none.

    Raises:
        DocumentParseError: a mapping, or a list that holds more than scalars.
    """
    kind = type(value).__name__
    if value is None:
        return None
    if isinstance(value, str):
        return clean_line(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        items = cast(list[object], value)
        if all(isinstance(item, str | int | float | date) for item in items):
            parts = [str(scalar_value(item, key, source)) for item in items]
            return ", ".join(part for part in parts if part)
    raise DocumentParseError(
        f"metadata {key[:80]!r} of {source} is nested ({kind}); "
        f"use a text, number, date, true/false, or a list of these"
    )
