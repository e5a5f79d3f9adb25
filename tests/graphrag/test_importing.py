"""Import: what was exported comes back equal, in whole documents, with clear errors."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from graphrag.bootstrap import open_stores
from graphrag.errors import InputError, SchemaMismatchError
from graphrag.exporting import export_lines
from graphrag.importing import ImportReport, import_lines
from graphrag.settings import Settings
from graphrag.stores.base import GraphStore
from graphrag.stores.embedded.store import EmbeddedStore
from graphrag.types import ALL_ACCESS, Fingerprints, Scope
from tests.contracts.generate import build, seeded_corpus
from tests.contracts.neo4j import empty

FINGERPRINTS = Fingerprints(embedder="hashing-8", sentences="sentences-8")
EVERYTHING = Scope("default", frozenset({ALL_ACCESS}))

# Where imports go: one line for each kind of store. The place has to be empty.
STORES: dict[str, Callable[[pytest.FixtureRequest, Path], str]] = {
    "embedded": lambda request, folder: f"sqlite:///{folder}/target.db",
    "neo4j": lambda request, folder: _emptied(request.getfixturevalue("neo4j_url")),
}


def _emptied(url: str) -> str:
    asyncio.run(empty(url))
    return url


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return STORES[request.param](request, tmp_path)


@pytest.fixture
async def target(store_url: str) -> AsyncGenerator[GraphStore]:
    async with open_stores(Settings(store_url=store_url)) as (store, _):
        yield store


@pytest.fixture
async def lines(tmp_path: Path) -> list[str]:
    """The export of a store with documents of two tenants and several labels."""
    async with EmbeddedStore(tmp_path / "source.db") as store:
        await store.bind(FINGERPRINTS)
        for plan in seeded_corpus(7, 40):
            await store.write(plan.owner, build(plan))
        return [line async for line in export_lines(store, EVERYTHING)]


async def bring(store: GraphStore, lines: list[str], scope: Scope = EVERYTHING) -> ImportReport:
    return await import_lines(store, scope, [f"{line}\n".encode() for line in lines], name="kb.jsonl")


def timeless(lines: list[str]) -> list[str]:
    kept = [{k: v for k, v in json.loads(line).items() if k not in ("created_at", "updated_at")} for line in lines]
    return [json.dumps(one, sort_keys=True) for one in kept]


def documents_of(lines: list[str]) -> int:
    return sum(json.loads(line)["type"] == "document" for line in lines)


async def test_a_round_trip_changes_nothing_but_times(target: GraphStore, lines: list[str]):
    report = await bring(target, lines)

    again = [line async for line in export_lines(target, EVERYTHING)]
    assert timeless(again) == timeless(lines)
    assert report.created == report.documents == documents_of(lines) > 20
    assert report.chunks == sum(json.loads(line)["type"] == "chunk" for line in lines) > 40
    assert any(json.loads(line)["type"] == "relation" for line in lines)


async def test_what_is_stored_is_left_alone_and_what_changed_is_replaced(target: GraphStore, lines: list[str]):
    await bring(target, lines)
    revision = await target.revision()

    report = await bring(target, lines)

    assert (report.unchanged, report.documents, report.chunks) == (documents_of(lines), documents_of(lines), 0)
    assert await target.revision() == revision

    at = next(i for i, line in enumerate(lines) if json.loads(line)["type"] == "document")
    changed = json.loads(lines[at]) | {"title": "Renamed", "fingerprint": "another"}
    report = await bring(target, [*lines[:at], json.dumps(changed), *lines[at + 1 :]])
    assert (report.updated, report.unchanged) == (1, documents_of(lines) - 1)


async def test_a_torn_file_leaves_whole_documents_and_the_next_run_completes(target: GraphStore, lines: list[str]):
    last = max(i for i, line in enumerate(lines) if json.loads(line)["type"] == "document")
    whole = documents_of(lines) - 1

    with pytest.raises(InputError, match=rf"kb\.jsonl: it ends after line {last + 2}.*the {whole} documents before"):
        await bring(target, lines[: last + 2])
    with pytest.raises(InputError, match=rf"line {last + 1} is malformed"):
        await bring(target, [*lines[:last], lines[last][:100]])

    assert len(await target.documents(EVERYTHING)) == whole
    report = await bring(target, lines)
    assert (report.created, report.unchanged) == (1, whole)


def _edit(line: str, **changes: object) -> str:
    return json.dumps(json.loads(line) | changes)


def _first(lines: list[str], kind: str) -> int:
    return next(i for i, line in enumerate(lines) if json.loads(line)["type"] == kind)


BROKEN: dict[str, tuple[str, Callable[[str], str], str]] = {
    "no JSON": ("chunk", lambda line: "{nonsense", "is malformed"),
    "not UTF-8 text": ("chunk", lambda line: line.replace('"text":"', '"text":"\\ud800'), "is malformed"),
    "a missing field": ("chunk", lambda line: json.dumps({"type": "chunk"}), "Field required"),
    "an unknown field": ("relation", lambda line: _edit(line, extra=1), "extra"),
    "a wrong type": ("document", lambda line: _edit(line, length="7"), "length"),
    "an unknown kind": ("chunk", lambda line: _edit(line, type="node"), "is malformed"),
    "no base64": (
        "chunk",
        lambda line: _edit(line, embedding={"dtype": "float32", "shape": [8], "base64": "!"}),
        "not base64",
    ),
    "a short vector": (
        "chunk",
        lambda line: _edit(line, embedding={"dtype": "float32", "shape": [8], "base64": "AAAA"}),
        "has 3 bytes",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_malformed_line_is_named_and_nothing_of_its_document_stored(
    case: str, target: GraphStore, lines: list[str]
):
    kind, spoil, said = BROKEN[case]
    at = _first(lines, kind)
    before = documents_of(lines[:at]) - (kind != "document")

    with pytest.raises(InputError, match=rf"(?s)line {at + 1}\b.*{said}"):
        await bring(target, [*lines[:at], spoil(lines[at]), *lines[at + 1 :]])

    assert len(await target.documents(EVERYTHING)) == before


async def test_what_does_not_hold_together_is_refused(target: GraphStore, lines: list[str]):
    at = _first(lines, "document")
    with pytest.raises(InputError, match=rf"document of line {at + 1} is refused"):
        await bring(target, [*lines[:at], _edit(lines[at], chunk_count=99), *lines[at + 1 :]])
    with pytest.raises(InputError, match="line 2: a 'chunk' is out of place"):
        await bring(target, [lines[0], lines[_first(lines, "chunk")]])
    with pytest.raises(InputError, match="counts 5 documents, 0 came"):
        await bring(target, [lines[0], '{"type":"end","documents":5}'])
    with pytest.raises(InputError, match="after the end"):
        await bring(target, [lines[0], '{"type":"end","documents":0}', lines[0]])
    for header in ("", "{}", "[1]", lines[1], _edit(lines[0], format="other")):
        with pytest.raises(InputError, match="not the header of an export"):
            await bring(target, [header, *lines[1:]])
    with pytest.raises(InputError, match="not the header"):
        await bring(target, [])
    with pytest.raises(InputError, match="version 2 of the format"):
        await bring(target, [_edit(lines[0], version=2), *lines[1:]])
    with pytest.raises(InputError, match="which models"):
        await bring(target, [_edit(lines[0], fingerprints=None), *lines[1:]])
    assert await target.documents(EVERYTHING) == []


async def test_vectors_of_other_models_are_refused(target: GraphStore, lines: list[str]):
    await target.bind(Fingerprints("another", "sentences-8"))

    with pytest.raises(SchemaMismatchError, match=r"kb\.jsonl cannot be imported here.*another"):
        await bring(target, lines)
    assert await target.documents(EVERYTHING) == []


async def test_the_models_of_the_export_are_those_of_the_store(target: GraphStore, lines: list[str]):
    assert await target.fingerprints() is None

    await bring(target, lines)

    assert await target.fingerprints() == FINGERPRINTS


async def test_a_document_of_another_tenant_is_refused(target: GraphStore, lines: list[str]):
    with pytest.raises(InputError, match="tenant 'default'"):
        await bring(target, lines, Scope("rival", frozenset({ALL_ACCESS})))

    assert await target.documents(EVERYTHING) == []
