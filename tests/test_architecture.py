"""What holds for the code base as a whole, beyond what a linter checks."""

import ast
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import graphrag
from agent.tools import TOOLS
from graphrag.errors import ConfigError
from graphrag.loaders import registry as loader_registry
from graphrag.registry import EMBEDDERS, STORES, resolve
from graphrag.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
PACKAGES = ("graphrag", "agent", "api")
MAX_LINES = 450
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SCRIPTS = sorted(path for folder in ("tools", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))

# Where a package may be imported: whoever wants to change one of them has one place to look.
ALLOWED = {
    "sqlite3": ("graphrag/stores/embedded/",),
    "spacy": ("graphrag/extraction/",),
    "onnxruntime": ("graphrag/embedding/onnx.py",),
    "openai": ("graphrag/llm/",),
    "httpx2": ("graphrag/llm/",),
    "opentelemetry": ("graphrag/llm/tracing.py",),
    "typer": ("api/cli/",),
    "rich": ("api/cli/",),
    "litestar": ("api/",),
    "structlog": ("api/",),
    "uvicorn": ("api/server.py",),
    "prometheus_client": ("api/metrics.py",),
    "pydantic_settings": ("graphrag/settings.py",),
    "networkx": ("graphrag/exporting.py",),
    "pypdf": ("graphrag/loaders/",),
    "trafilatura": ("graphrag/loaders/",),
    "selectolax": ("graphrag/loaders/",),
    "markdown_it": ("graphrag/loaders/",),
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(tree: ast.AST) -> Iterator[str]:
    """Top-level package names, those imported inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def _modules() -> list[str]:
    """Every importable module of the three packages, `__main__` excepted."""
    names = list(PACKAGES)
    for package in PACKAGES:
        names += [found.name for found in pkgutil.walk_packages([str(ROOT / package)], f"{package}.")]
    return [name for name in names if not name.endswith("__main__")]


def _python(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_public_names_of_graphrag_are_these() -> None:
    assert graphrag.__all__ == ["Chunk", "Document", "Entity", "Filter", "GraphRAGError", "Hit", "Scope", "__version__"]
    for name in graphrag.__all__:
        assert getattr(graphrag, name) is not None
        assert name in dir(graphrag)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = graphrag.Nothing


def test_importing_graphrag_is_light(tmp_path: Path) -> None:
    done = _python("import sys, graphrag; print(*sorted(m for m in sys.modules if m.partition('.')[0] in {'numpy', 'spacy', 'onnxruntime', 'pydantic'}))", tmp_path)  # fmt: skip
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS], ids=_name)
def test_a_source_file_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_a_package_is_imported_only_where_it_belongs() -> None:
    strays = [
        f"{_name(path)} imports {package}"
        for path in SOURCES
        for package in sorted(set(_imports(_tree(path))) & ALLOWED.keys())
        if not _name(path).startswith(ALLOWED[package])
    ]
    assert strays == []


def test_the_command_line_knows_nothing_of_the_web_framework() -> None:
    strays = [
        f"{_name(path)} imports {package}"
        for path in SOURCES
        if _name(path).startswith("api/cli/")
        for package in sorted(set(_imports(_tree(path))) & {"litestar", "structlog", "uvicorn", "prometheus_client"})
    ]
    assert strays == []


def test_only_the_composition_root_and_the_api_know_the_settings() -> None:
    readers = {
        _name(path)
        for path in SOURCES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "graphrag.settings"
    }
    assert {name for name in readers if not name.startswith("api/")} <= {"graphrag/bootstrap.py"}


def test_libraries_do_not_print() -> None:
    printing = [
        f"{_name(path)}:{node.lineno}"
        for path in SOURCES
        if not _name(path).startswith("api/cli/")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_registered_implementations_resolve() -> None:
    for registry in (STORES, EMBEDDERS):
        for name in registry:
            assert callable(resolve(registry, name))
    for form in loader_registry.FORMATS.values():
        assert callable(loader_registry.resolve(form.loader))


def test_an_unknown_implementation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match=r"'nothing' is not known here; choose one of: .*hashing, llamacpp, local, minilm"
    ):
        resolve(EMBEDDERS, "nothing")


def test_importing_reads_no_setting_writes_no_file_and_says_nothing(tmp_path: Path) -> None:
    code = f"""
import importlib, os
import wsgiref.handlers  # of prometheus_client: copies the environment, whatever is in it
read = []
original = type(os.environ).__getitem__
def spy(self, key):
    if str(key).upper().startswith("GRAPHRAG_"):
        read.append(key)
    return original(self, key)
type(os.environ).__getitem__ = spy
for name in {_modules()!r}:
    importlib.import_module(name)
assert not read, read
"""
    done = _python(code, tmp_path, GRAPHRAG_STORE_URL="nonsense", GRAPHRAG_CHUNK_TOKENS="many", GRAPHRAG_UNKNOWN="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_every_setting_stands_in_the_readme() -> None:
    assert [name for name in Settings.model_fields if f"`{PREFIX}{name.upper()}`" not in README] == []


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    named = {part.split("`")[0] for part in README.split("`GRAPHRAG_")[1:]}
    known = {name.upper() for name in Settings.model_fields}
    assert {name for name in named if name.isupper() and not name.startswith("TEST_")} <= known


def test_every_command_stands_in_the_readme() -> None:
    from api.cli.app import app  # here, so that the other tests run without a working command line

    commands = typer.main.get_command(app).commands
    assert commands
    assert [name for name in commands if f"`graphrag {name}" not in README] == []


def test_every_tool_and_every_format_stands_in_the_readme() -> None:
    assert [name for name in TOOLS if f"`{name}`" not in README] == []
    assert [suffix for suffix in loader_registry.FORMATS if f"`{suffix}`" not in README] == []


def test_files_named_by_the_documentation_exist() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DECISIONS]:
        for link in page.read_text(encoding="utf-8").split("](")[1:]:
            target = link.partition(")")[0].partition("#")[0]
            assert not target or "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("path", DECISIONS, ids=_name)
def test_a_decision_record_gives_context_decision_and_consequences(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# {path.name[:4]} ")
    assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]
    assert len(lines) < 40


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
