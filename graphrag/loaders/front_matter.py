"""Metadata from front matter: YAML between lines `---`, or TOML between lines `+++`, as Hugo has it."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any, cast

import yaml

from graphrag.errors import DocumentParseError
from graphrag.loaders.characters import clean_line
from graphrag.loaders.fields import checked, fields_of, item
from graphrag.types import Scalar

MAX_FRONT_MATTER_CHARACTERS = 50_000
_FOR_SITES = frozenset(
    """
    banner cover cssclass cssclasses hide_title hide_table_of_contents id image layout menu nav_order pagination_label parent permalink
    redirect_from sidebar_label sidebar_position slug template toc uid url weight
    """.split()
)
"""What tells the generator of a site how to show a page, and readers nothing."""
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*$", re.DOTALL | re.MULTILINE)
_TAG = "tag:yaml.org,2002:"
_KINDS = {f"{_TAG}timestamp": "date", f"{_TAG}int": "number", f"{_TAG}float": "number"}


class _Loader(yaml.SafeLoader):
    """Without aliases, a few lines of which stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"aliases such as *{self.peek_event().anchor} are not read; write the value out")
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        # PyYAML lets through what date and int raise for values such as 2025-13-45, in words of Python.
        except (ValueError, OverflowError, TypeError, AttributeError, LookupError) as exc:
            line, value = node.start_mark.line + 1, clean_line(str(node.value))[:80]
            told = f"{value!r} is no {_KINDS.get(node.tag, 'value')} that can be"
            raise yaml.YAMLError(f"line {line}: {told}; put it in quotes if it is a text") from exc


def parse_front_matter(content: str, source: str) -> tuple[str, dict[str, Scalar]]:
    """Split front matter into the title (empty if absent) and metadata.

    Keys and values become those of graphrag.loaders.fields.

    Raises:
        DocumentParseError: not YAML, not a mapping, or two keys that become one; names the key.
        InputError: metadata that is not allowed.
    """
    _check_length(content, source)
    try:
        # After the line '---', so that lines are told as they are counted in the file.
        loaded = cast(object, yaml.load(f"\n{content}", _Loader))  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError, AttributeError, LookupError) as exc:
        match exc:
            case yaml.MarkedYAMLError(problem=str(problem), problem_mark=yaml.Mark(line=line, column=column)):
                reason = clean_line(f"line {line + 1}, column {column + 1}: {problem}")[:200]
            case yaml.YAMLError():
                reason = clean_line(str(exc))[:200]
            case RecursionError():
                reason = "nested too deeply"
            case _:  # of the parser itself, such as for "\\UFFFFFFFF"
                reason = "it holds a character or value that cannot be"
        raise DocumentParseError(
            f"the front matter of {source} is not valid YAML ({reason}); correct it, with quotes around a value that has a colon, or "
            f"remove the block between '---'"
        ) from exc
    if loaded is None:
        return "", {}
    if not isinstance(loaded, dict):
        raise DocumentParseError(
            f"the front matter of {source} is not a list of 'key: value' lines; correct it, or begin the file with an "
            f"empty front matter ('---', '---') if no metadata is meant"
        )
    return _title_and_metadata(cast(Mapping[object, object], loaded), source)


def split_toml(text: str, source: str) -> tuple[str, str, dict[str, Scalar]]:
    """What follows a front matter in TOML, and as parse_front_matter what that says; the text as it is where there is none.

    Raises:
        DocumentParseError: not TOML, or two keys that become one.
        InputError: metadata that is not allowed.
    """
    found = _TOML.match(text)
    if found is None:
        return text, "", {}
    _check_length(found[1], source)
    try:
        loaded = tomllib.loads(found[1])
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise DocumentParseError(
            f"the front matter of {source} is not valid TOML ({clean_line(str(exc))[:200]}); correct it or remove the block "
            f"between '+++'"
        ) from exc
    return text[found.end() :], *_title_and_metadata(loaded, source)


def said_in(metadata: Mapping[str, Scalar]) -> str:
    """What front matter tells readers, an item of a list for each: "- owner: payouts"."""
    return "\n".join(
        item(key, str(value))
        for key, value in metadata.items()
        if key not in _FOR_SITES and not isinstance(value, bool) and value != ""
    )


def _title_and_metadata(
    loaded: Mapping[object, object] | Mapping[str, object], source: str
) -> tuple[str, dict[str, Scalar]]:
    metadata = {field.key: field.value for field in fields_of(loaded.items(), source)}
    return clean_line(str(metadata.pop("title", ""))), checked(metadata, source)


def _check_length(content: str, source: str) -> None:
    if len(content) > MAX_FRONT_MATTER_CHARACTERS:
        raise DocumentParseError(
            f"the front matter of {source} has {len(content)} characters, more than {MAX_FRONT_MATTER_CHARACTERS}; "
            f"shorten it, or close it with the line that it begins with"
        )
