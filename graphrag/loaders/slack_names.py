"""Who and what the ids in an export of Slack are, by the lists that it has beside the folders of its channels."""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import TypeVar, cast

from graphrag.errors import DocumentParseError
from graphrag.loaders.characters import clean_line

_Item = Mapping[str, object]
_Path = TypeVar("_Path", bound=PurePath)
Lists = Mapping[str, bytes]
"""What stands in these lists, by the names of their files."""

_PEOPLE = "users.json"
_CHANNELS = ("channels.json", "groups.json")
_TALKS = ("dms.json", "mpims.json")
_LISTS = (_PEOPLE, *_CHANNELS, *_TALKS)
_OF_EVERY_EXPORT = (_PEOPLE, _CHANNELS[0])


def lists_of(day: _Path) -> list[_Path]:
    """Where the lists of an export are, as far as it has them, by the file of a day in the folder of a channel."""
    return [day.parent.parent / name for name in _LISTS]


def beside_channels(paths: Collection[PurePath]) -> set[PurePath]:
    """Those of files that an export has beside the folders of its channels, and that hold no messages."""
    known = {path for path in paths if path.name in _OF_EVERY_EXPORT}
    exports = {path.parent for path in known if all(path.with_name(name) in known for name in _OF_EVERY_EXPORT)}
    return {path for path in paths if path.parent in exports and path.suffix == ".json"}


def names_of(lists: Lists) -> Mapping[str, str]:
    """Names of people, bots and channels by their ids, and the people of conversations without a name of their own by the folders of these.

    Raises:
        DocumentParseError: a list is not valid JSON.
    """
    return _names_of(tuple(sorted(lists.items())))


@lru_cache(maxsize=2)  # one list for all days of all channels
def _names_of(lists: tuple[tuple[str, bytes], ...]) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for name in _LISTS:
        for item in _items(name, dict(lists).get(name, b"[]")):
            if name in _TALKS:
                members = item.get("members")
                people = map(str, cast(list[object], members) if isinstance(members, list) else [])
                names[str(item.get("name") or item.get("id"))] = ", ".join(names.get(one, one) for one in people)
            elif shown := name_in(item):
                names |= dict.fromkeys(map(str, _ids(item)), shown)
    return names


def name_in(person: _Item) -> str:
    """The name of a person, bot or channel, as it is shown; empty if there is none."""
    profile = person.get("profile")
    known = cast(_Item, profile) if isinstance(profile, dict) else {}
    found = (
        known.get("real_name"),
        person.get("real_name"),
        known.get("display_name"),
        person.get("display_name"),
        person.get("name"),
    )
    return next((name for value in found if (name := clean_line(str(value or "")))), "")


def _ids(item: _Item) -> Iterator[object]:
    yield item.get("id")
    profile = item.get("profile")
    if isinstance(profile, dict) and "bot_id" in profile:
        yield cast(_Item, profile)["bot_id"]


def _items(name: str, data: bytes) -> list[_Item]:
    try:
        items = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise DocumentParseError(
            f"{name} of the Slack export is not valid JSON ({str(exc)[:200]}); export it again"
        ) from exc
    return (
        [cast(_Item, item) for item in cast(list[object], items) if isinstance(item, dict)]
        if isinstance(items, list)
        else []
    )
