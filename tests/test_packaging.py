"""The pinned requirements: complete, hashed, and free of addresses."""

import re
import tomllib
from pathlib import Path

import pytest

import graphrag

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = ("requirements.txt", "requirements-dev.txt", "requirements-models.txt")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(requirements: list[str]) -> set[str]:
    found = [_NAME.match(requirement) for requirement in requirements]
    return {_normal(match.group()) for match in found if match}


def _lines(file: str) -> list[str]:
    """Requirements with their continuation lines joined."""
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _pins(file: str) -> dict[str, str]:
    return {_normal(line.partition("==")[0]): line for line in _lines(file) if not line.startswith("-")}


@pytest.mark.parametrize("file", FILES)
def test_requirements_hold_no_address_and_no_path(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    for forbidden in ("://", "--index-url", "--extra-index-url", "--find-links", "--trusted-host", " @ ", "file:"):
        assert forbidden not in text


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_pinned_with_hashes(file: str) -> None:
    for line in _lines(file):
        if not line.startswith("-"):
            assert re.match(r"[\w.\[\]-]+==[\w.+!]+( ;|\s)", line), line
            assert "--hash=sha256:" in line


def test_every_runtime_dependency_is_pinned() -> None:
    assert _names(PROJECT["project"]["dependencies"]) <= set(_pins("requirements.txt"))


def test_every_development_dependency_is_pinned() -> None:
    assert _names(PROJECT["dependency-groups"]["dev"]) <= set(_pins("requirements-dev.txt"))


def test_build_requirements_are_pinned_so_that_no_build_needs_isolation() -> None:
    assert _names(PROJECT["build-system"]["requires"]) <= set(_pins("requirements.txt"))


def test_exact_versions_of_the_project_file_are_the_pinned_ones() -> None:
    pins = _pins("requirements.txt")
    for requirement in PROJECT["project"]["dependencies"]:
        name, exact, version = requirement.partition("==")
        if exact:
            assert pins[_normal(name)].startswith(f"{name}=={version} ")


def test_development_requirements_include_the_runtime_ones_and_agree_with_them() -> None:
    assert "-r requirements.txt" in _lines("requirements-dev.txt")
    runtime, development = _versions("requirements.txt"), _versions("requirements-dev.txt")
    assert {name: development[name] for name in runtime.keys() & development.keys()} == {
        name: runtime[name] for name in runtime.keys() & development.keys()
    }


def _versions(file: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in _lines(file):
        if "==" in line and not line.startswith("-"):
            name, _, rest = line.partition("==")
            found.setdefault(_normal(name), set()).add(rest.split()[0])
    return found


def test_the_version_is_stated_once_and_agrees() -> None:
    assert graphrag.__version__ == PROJECT["project"]["version"]


def test_the_console_command_is_named_graphrag() -> None:
    assert PROJECT["project"]["scripts"] == {"graphrag": "api.cli:main"}


def test_the_licence_file_is_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]
