"""What is looked at in JSON bodies before they are read as what a route takes, and no schema can say."""

from collections import Counter
from typing import Any

import msgspec

from api.problems import ProblemError

_SHOWN = 100
"""Characters of a name in an error."""


class _Name(str):
    """A key of the body. As a type of ours it comes to the hook, each time that it stands there."""

    __slots__ = ()


def check_once(body: bytes, values: object = msgspec.Raw) -> None:
    """Refuse an object that has a field twice: all parsers take the last one, so a document could get another label than the first.

    Only the fields of the body itself: they are what requests are made of. A body of documents may be as large as an upload, so
    it is skimmed and nothing is built of its values (about 3 ms a megabyte); other bodies are small, and are checked as a whole.

    Args:
        values: the type of the values; those of Any are checked, too.

    Raises:
        ProblemError: 400; names what is repeated.
        msgspec.DecodeError: it is not a JSON object; the message tells the place and nothing that stands there.
        UnicodeDecodeError: it is not UTF-8.
        RecursionError: it is nested too deeply.
    """
    names: list[str] = []

    def note(_: type, name: Any) -> _Name:
        names.append(name)
        return _Name(name)

    msgspec.json.decode(body, type=dict[_Name, values], dec_hook=note)
    repeated(names, "the body has fields twice, of which one would be passed over; give each once")


def repeated(names: list[str], told: str) -> None:
    """Refuse names that stand there more than once.

    Raises:
        ProblemError: 400; `told`, and which they are.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ProblemError(400, told, errors=[(name[:_SHOWN], "repeated") for name in twice])


def place_of_fault(exc: msgspec.DecodeError) -> str:
    """What is wrong with a body and where, such as "trailing comma in object (byte 36)"."""
    return str(exc).removeprefix("JSON is malformed: ")
