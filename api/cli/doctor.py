"""`graphrag doctor`: is everything here that the software needs?"""

import asyncio
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from api.cli.options import JsonOption, TenantOption, scope_of, store_file
from api.cli.output import console, heading, line, print_json
from api.cli.settings_view import Setting, settings_in_force
from graphrag.bootstrap import open_embedders, open_llm, open_reranking, open_schema, open_stores
from graphrag.errors import GraphRAGError
from graphrag.extraction.spacy import load_pipeline
from graphrag.loaders import ParserProcess, load_bytes
from graphrag.settings import Settings, load_settings
from graphrag.stores.embedded.inspection import SQLITE_VERSION, StoreFile, inspect
from graphrag.types import Fingerprints, Scope
from graphrag.uploads import Uploads

if TYPE_CHECKING:
    from graphrag.llm.probe import Probe

PACKAGES = ("numpy", "onnxruntime", "spacy", "tokenizers", "pypdf", "selectolax", "networkx", "pydantic", "typer")
MIN_PYTHON = (3, 11)
MIN_FREE_BYTES = 500_000_000
_PAGE = b"<html><head><title>Check</title></head><body><p>The parser of untrusted documents answers.</p></body></html>"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def doctor(tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """Check installation, settings, store and models. Ends with exit code 1 if there is a problem."""
    scope = scope_of(tenant)
    checks: list[Check] = []
    settings_shown: list[Setting] = []
    for check in _checks(scope, settings_shown):
        checks.append(check)
        if not as_json:
            _print(check)
    problems = sum(not check.ok for check in checks)
    if as_json:
        print_json(
            {
                "ok": not problems,
                "checks": [asdict(check) for check in checks],
                "settings": [asdict(setting) for setting in settings_shown],
            }
        )
    else:
        if settings_shown:
            given = [setting for setting in settings_shown if setting.source == "environment"]
            heading("Settings")
            for setting in given:
                line(f"  {setting.name}={setting.value} ({setting.source})")
            others = len(settings_shown) - len(given)
            line(f"  {others} {'others ' if given else ''}have their defaults (graphrag doctor --json shows all)")
        line("")
        line("No problems found." if not problems else f"{problems} problem{'s' if problems > 1 else ''} found.")
    if problems:
        raise typer.Exit(1)


def _checks(scope: Scope, settings_shown: list[Setting]) -> Iterator[Check]:
    yield _python()
    yield _packages()
    try:
        settings = load_settings()
    except GraphRAGError as exc:
        yield Check("settings", False, "not valid", str(exc))
        return
    settings_shown += settings_in_force(settings)
    changed = sum(setting.source == "environment" for setting in settings_shown)
    yield Check("settings", True, f"valid, {changed} from the environment")
    stored: list[Fingerprints] = []
    configured: list[Fingerprints] = []
    store = _guarded("store", lambda: _store(settings, scope, stored))
    yield store
    yield _guarded("embedder", lambda: asyncio.run(_embedder(settings, stored, configured)))
    if configured and store.ok:
        yield _fingerprints(stored, configured[0])
    if settings.llm_provider or settings.llm_model or settings.llm_base_url:
        yield from _model(settings)
    if settings.extractor == "llm" or settings.extraction_schema is not None:
        yield _guarded("extraction", lambda: _extraction(settings))
    if settings.reranker or settings.rerank_model or settings.rerank_base_url:
        yield _guarded("reranker", lambda: asyncio.run(_reranker(settings)))
    yield _guarded("spacy", lambda: _spacy(settings))
    yield _guarded("parser", _parser)
    yield _guarded("uploads", lambda: _uploads(settings))
    yield _guarded("disk", lambda: _disk(settings))


def _guarded(name: str, work: Callable[[], Check]) -> Check:
    try:
        return work()
    except GraphRAGError as exc:
        return Check(name, False, "does not work", str(exc))
    # Whatever else is wrong with the machine is what this command is there to tell.
    except Exception as exc:
        return Check(name, False, "does not work", f"{type(exc).__name__}: {exc}")


def _python() -> Check:
    needed = ".".join(map(str, MIN_PYTHON))
    detail = f"{platform.python_version()}, SQLite {SQLITE_VERSION}, {platform.system()} {platform.machine()}"
    return Check("python", sys.version_info >= MIN_PYTHON, detail, f"use Python {needed} or newer")


def _packages() -> Check:
    found: list[str] = []
    missing: list[str] = []
    for name in ("agentic-graphrag-service", *PACKAGES):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name in PACKAGES:
                missing.append(name)
            else:
                found.append(f"{name} (not installed, run from its folder)")
    remedy = f"missing {', '.join(missing)}: pip install agentic-graphrag-service"
    return Check("packages", not missing, ", ".join(found), remedy if missing else "")


def _store(settings: Settings, scope: Scope, stored: list[Fingerprints]) -> Check:
    """Looks at the store, once; the models that filled it are added to `stored`, if any did."""
    file = store_file(settings)
    if file is not None and not file.exists():
        there = file.parent.is_dir()
        remedy = f"{'make it possible to write in' if there else 'create'} the folder {file.parent}, or set GRAPHRAG_STORE_URL"
        ok = there and os.access(file.parent, os.W_OK | os.X_OK)
        return Check("store", ok, f"{file} does not exist yet, the first ingest creates it", remedy)
    return asyncio.run(_opened_store(settings, scope, None if file is None else inspect(file), stored))


async def _opened_store(settings: Settings, scope: Scope, known: StoreFile | None, stored: list[Fingerprints]) -> Check:
    async with open_stores(settings) as (store, _):
        stored += filter(None, [await store.fingerprints()])
        counts = await store.statistics(scope)
        parts = [store.location]
        if known is not None:
            parts += [f"{known.size / 1e6:.1f} MB", f"schema {known.schema_version}"]
        parts += [
            f"revision {await store.revision()}",
            f"tenant {scope.tenant!r}: {counts.documents:,} documents, {counts.chunks:,} chunks, "
            f"{counts.entities:,} entities, {counts.relations:,} relations",
        ]
    return Check("store", True, "; ".join(parts))


async def _embedder(settings: Settings, stored: list[Fingerprints], configured: list[Fingerprints]) -> Check:
    begun = time.perf_counter()
    embedder, encoder = await asyncio.to_thread(open_embedders, settings, stored[0] if stored else None)
    loaded = time.perf_counter()
    try:
        await embedder.embed(["A sentence to be embedded."], "query")
    finally:
        await embedder.aclose()
    ended = time.perf_counter()
    configured.append(Fingerprints(embedder.fingerprint, encoder.fingerprint))
    detail = f"loads in {1000 * (loaded - begun):.0f} ms, embeds a sentence in {1000 * (ended - loaded):.0f} ms"
    return Check("embedder", True, f"{embedder.fingerprint}: {detail}")


def _fingerprints(stored: list[Fingerprints], configured: Fingerprints) -> Check:
    if not stored:
        return Check("fingerprints", True, "nothing is stored yet that a model would have to fit")
    known = stored[0]
    remedy = (
        "set GRAPHRAG_EMBEDDER and GRAPHRAG_EMBEDDING_* back, or run 'graphrag reembed' to move the store to this model"
    )
    if known == configured:
        return Check("fingerprints", True, f"the store's vectors are of the configured model ({configured.embedder})")
    detail = f"the store's vectors are of {known.embedder}, configured is {configured.embedder}"
    return Check("fingerprints", False, detail, remedy)


def _model(settings: Settings) -> list[Check]:
    """One line for each thing that the language model has to do, each found out by one cheap call."""
    try:
        probes = asyncio.run(_probed(settings))
    except GraphRAGError as exc:
        return [Check("model", False, "does not work", str(exc))]
    name = f"model {settings.llm_model}"
    return [
        Check(f"{name}, {found.name}", found.ok or not found.needed, found.detail, "" if found.ok else found.detail)
        for found in probes
    ]


async def _probed(settings: Settings) -> "list[Probe]":
    llm = open_llm(settings)
    if llm is None:
        return []
    from graphrag.llm.probe import probe  # its imports take half a second, which nobody without a model should wait for

    async with llm.chat:
        return await probe(llm)


def _extraction(settings: Settings) -> Check:
    open_schema(settings)
    given = settings.extraction_schema
    return Check("extraction", True, f"by {settings.llm_model}, {f'with the schema {given}' if given else 'with no schema of yours'}")  # fmt: skip


async def _reranker(settings: Settings) -> Check:
    begun = time.perf_counter()
    reranker = await asyncio.to_thread(open_reranking, settings)
    if reranker is None:
        return Check("reranker", True, "none")
    try:
        await reranker.rerank("capital of France", ["Paris is the capital of France.", "Tea is drunk hot."])
    finally:
        await reranker.aclose()
    milliseconds = 1000 * (time.perf_counter() - begun)
    return Check("reranker", True, f"{settings.rerank_model} scores two passages in {milliseconds:.0f} ms")


def _spacy(settings: Settings) -> Check:
    begun = time.perf_counter()
    language = load_pipeline(settings.spacy_pipeline)
    language("Ida Rowan works in Aarhus.")
    return Check(
        "spacy", True, f"{settings.spacy_pipeline} loads and works in {1000 * (time.perf_counter() - begun):.0f} ms"
    )


def _parser() -> Check:
    begun = time.perf_counter()
    with ParserProcess() as parser:
        load_bytes(_PAGE, "check.html", parser=parser)
    milliseconds = 1000 * (time.perf_counter() - begun)
    return Check("parser", True, f"the child process for PDF, HTML and Word starts and works in {milliseconds:.0f} ms")


def _uploads(settings: Settings) -> Check:
    """Whether the service could keep what is uploaded; nothing is made yet."""
    folder, remedy = settings.data_dir.absolute(), Uploads(settings.data_dir).obstacle()
    detail = f"{folder}{'' if folder.exists() else ' does not exist yet, the first upload creates it'}"
    return Check("uploads", not remedy, detail, remedy)


def _disk(settings: Settings) -> Check:
    file = store_file(settings)
    folder = Path.cwd() if file is None else file.parent
    folder = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    remedy = f"free space where {folder} is; at least {MIN_FREE_BYTES / 1e6:.0f} MB are advised"
    return Check("disk", free >= MIN_FREE_BYTES, f"{free / 1e9:.1f} GB free at {folder}", remedy)


def _print(check: Check) -> None:
    mark = ("ok      ", "green") if check.ok else ("PROBLEM ", "bold red")
    console().print(Text.assemble(mark, f"{check.name}: {check.detail}"), soft_wrap=True)
    if not check.ok and check.remedy not in ("", check.detail):
        line(f"        -> {check.remedy}")
