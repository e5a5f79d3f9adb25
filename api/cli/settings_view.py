"""The settings in force, each with where it comes from, without secrets."""

import os
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from graphrag.settings import PREFIX, Settings, without_credentials


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is shown."""

    name: str
    value: str
    source: Literal["default", "environment"]


def settings_in_force(settings: Settings) -> list[Setting]:
    """Every setting, in the order of their definition."""
    given = {name.upper() for name in os.environ}
    shown: list[Setting] = []
    for name in type(settings).model_fields:
        variable = f"{PREFIX}{name.upper()}"
        source = "environment" if variable in given else "default"
        shown.append(Setting(variable, _text(getattr(settings, name)), source))
    return shown


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return "(set)" if value.get_secret_value() else "(not set)"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return without_credentials(str(value))
