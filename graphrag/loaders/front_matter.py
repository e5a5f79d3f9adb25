"""Metadata from YAML front matter."""

from collections.abc import Mapping
from typing import cast

import yaml

from graphrag.errors import DocumentParseError
from graphrag.loaders.characters import clean_line
from graphrag.loaders.fields import fields_of
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

    Keys and values become those of graphrag.loaders.fields. Which are allowed is checked by the caller (check_metadata).

    Raises:
        DocumentParseError: not YAML, not a mapping, or two keys that become one; names the key.
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
    fields = fields_of(cast(Mapping[object, object], loaded).items(), source)
    metadata = {field.key: field.value for field in fields}
    title = metadata.pop("title", "")
    return clean_line(str(title)), metadata
