"""How a planning model says what it wants: descriptions of the tools, and the JSON in which it may call them."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from agent.cleaning import short
from agent.passages import Shown
from agent.tool import Refused, Tool
from agent.tools import TOOLS
from graphrag.errors import ModelOutputError
from graphrag.llm.chat_types import ToolDescription
from graphrag.llm.repair import read_json
from graphrag.llm.schema import parameters

MAX_CALLS = 4
"""Calls that one turn may make side by side."""
FINISH = "finish"
_PASSAGES = ("chunk_ids", "chunk_id", "unexplained_by")


class Finish(BaseModel):
    """End the search: say whether the evidence suffices, and name what is missing."""

    model_config = ConfigDict(extra="ignore")

    sufficient: bool = Field(description="whether the passages hold the whole answer")
    missing: list[str] = Field(default_factory=list[str], description="what they lack, in a few words each")


class Decision(BaseModel):
    """What a planning model without native tool calls replies; narrowed to the tools at hand by `decision_shape`."""

    calls: list[Any] = Field(max_length=MAX_CALLS)


def _kinds(names: Collection[str]) -> dict[str, type[BaseModel]]:
    kinds = {name: cast("type[BaseModel]", TOOLS[name]) for name in TOOLS if name in names}
    return {**kinds, FINISH: Finish}


def descriptions(names: Collection[str]) -> list[ToolDescription]:
    """The tools of these names, and `finish`."""
    return [ToolDescription(name, _summary(kind), parameters(kind)) for name, kind in _kinds(names).items()]


def _summary(kind: type[BaseModel]) -> str:
    return " ".join((kind.__doc__ or "").split())


@cache
def decision_shape(names: frozenset[str]) -> type[Decision]:
    """A Decision whose calls are a union of the tools, so that a server can constrain a model to it."""
    calls = [
        create_model(
            f"call_{name}",
            __config__=ConfigDict(extra="forbid"),
            tool=(Literal[name], ...),  # pyright: ignore[reportArgumentType]
            arguments=(kind, ...),
        )
        for name, kind in _kinds(names).items()
    ]
    union: Any = Annotated[Union[tuple(calls)], Field(discriminator="tool")]  # noqa: UP007 - made of a list
    listed: Any = (Annotated[list[union], Field(max_length=MAX_CALLS)], ...)
    return create_model("Decision", __base__=Decision, calls=listed)


def read_call(name: str, arguments: str, offered: Collection[str], shown: Shown) -> Tool | Finish:
    """A call that a model asked for, checked. Whatever is wrong with it is a Refused that says so.

    Passages are named P1, P2 and so on by the model, and by their chunk ids in what is returned.
    """
    kinds = _kinds(offered)
    if name not in kinds:
        return Refused(short(name, 60) or "unknown", short(arguments), f"there is no such tool; those there are: {', '.join(kinds)}")  # fmt: skip
    try:
        data = read_json(arguments or "{}")
        if not isinstance(data, Mapping):
            return Refused(name, short(arguments), "the arguments have to be one JSON object")
        return cast("Tool | Finish", kinds[name].model_validate(_with_ids(cast("Mapping[str, object]", data), shown)))
    except ModelOutputError:
        return Refused(name, short(arguments), "the arguments are no JSON object")
    except _UnknownPassageError as exc:
        return Refused(name, short(arguments), str(exc))
    except ValidationError as exc:
        wrong = [f"{'.'.join(map(str, error['loc'])) or 'arguments'}: {error['msg']}" for error in exc.errors()[:4]]
        return Refused(name, short(arguments), "; ".join(wrong))


class _UnknownPassageError(Exception):
    pass


def _with_ids(arguments: Mapping[str, object], shown: Shown) -> dict[str, object]:
    made = dict(arguments)
    for name in _PASSAGES:
        value = made.get(name)
        if isinstance(value, str):
            ids = _id(value, shown)
            made[name] = ids if name == "chunk_id" else [ids]
        elif isinstance(value, list):
            made[name] = [_id(str(item), shown) for item in cast("list[object]", value)]
    return made


def _id(name: str, shown: Shown) -> str:
    found = shown.id_of(name)
    if found is None:
        raise _UnknownPassageError(f"there is no passage {short(name, 40)!r}; passages are named: {shown.names}")
    return found
