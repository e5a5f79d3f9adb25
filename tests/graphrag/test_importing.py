"""Import: what was exported comes back equal, in whole documents, with clear errors."""

import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import pytest

from graphrag.analysis import phrases
from graphrag.bootstrap import open_stores
from graphrag.decisions import decide, decided, decision_id, decisions_seen
from graphrag.errors import InputError, SchemaMismatchError
from graphrag.exporting import canonical_lines, export_lines
from graphrag.importing import ImportReport, import_lines
from graphrag.settings import Settings
from graphrag.stores.base import GraphStore
from graphrag.stores.system import Decision, SystemStore
from graphrag.types import ALL_ACCESS, Fingerprints, Scope, entity_id
from tests.contracts.generate import build, seeded_corpus
from tests.embedded import embedded_store

FINGERPRINTS = Fingerprints(embedder="hashing-8", sentences="sentences-8")
Stores = tuple[GraphStore, SystemStore]
EVERYTHING = Scope("default", frozenset({ALL_ACCESS}))


@pytest.fixture
async def stores(store_url: str) -> AsyncGenerator[Stores]:
    """Empty."""
    async with open_stores(Settings(store_url=store_url)) as opened:
        yield opened


@pytest.fixture
async def lines(tmp_path: Path) -> list[str]:
    """The export of a store with documents of two tenants and several labels."""
    async with embedded_store(tmp_path / "source.db") as store:
        await store.bind(FINGERPRINTS)
        for plan in seeded_corpus(7, 40):
            await store.write(plan.owner, build(plan))
        return [line async for line in export_lines(store, EVERYTHING)]


async def bring(stores: Stores, lines: list[str], scope: Scope = EVERYTHING) -> ImportReport:
    return await import_lines(*stores, scope, [f"{line}\n".encode() for line in lines], name="kb.jsonl")


def timeless(lines: list[str]) -> list[str]:
    kept = [{k: v for k, v in json.loads(line).items() if k not in ("created_at", "updated_at")} for line in lines]
    return [json.dumps(one, sort_keys=True) for one in kept]


def documents_of(lines: list[str]) -> int:
    return sum(json.loads(line)["type"] == "document" for line in lines)


async def test_a_round_trip_changes_nothing_but_times(stores: Stores, lines: list[str]):
    target, _ = stores
    report = await bring(stores, lines)

    again = [line async for line in export_lines(target, EVERYTHING)]
    assert timeless(again) == timeless(lines)
    assert report.created == report.documents == documents_of(lines) > 20
    assert report.chunks == sum(json.loads(line)["type"] == "chunk" for line in lines) > 40
    assert any(json.loads(line)["type"] == "relation" for line in lines)


async def test_what_an_export_of_an_older_version_says_of_the_texts_is_made_anew(stores: Stores, lines: list[str]):
    target, _ = stores
    older = {
        "chunk": {"terms": "burnt", "phrases": [{"key": "x", "sentences": [0]}]},
        "header": {"version": 1},
        "document": {"title_key": "pumps", "heading_keys": ["pumps"]},
    }
    await bring(stores, [_edit(line, **older.get(json.loads(line)["type"], {})) for line in lines])

    again = [line async for line in export_lines(target, EVERYTHING)]
    assert timeless(again) == timeless(lines)
    ids = [chunk["id"] for chunk in map(json.loads, lines) if chunk["type"] == "chunk"]
    chunks = await target.chunks(EVERYTHING, ids)
    assert any(chunk.phrases for chunk in chunks)
    assert all(chunk.phrases == phrases(chunk.text, chunk.sentences, chunk.start) for chunk in chunks)


async def test_what_is_stored_is_left_alone_and_what_changed_is_replaced(stores: Stores, lines: list[str]):
    target, _ = stores
    await bring(stores, lines)
    revision = await target.revision()

    report = await bring(stores, lines)

    assert (report.unchanged, report.documents, report.chunks) == (documents_of(lines), documents_of(lines), 0)
    assert await target.revision() == revision

    at = next(i for i, line in enumerate(lines) if json.loads(line)["type"] == "document")
    changed = json.loads(lines[at]) | {"title": "Renamed", "fingerprint": "another"}
    report = await bring(stores, [*lines[:at], json.dumps(changed), *lines[at + 1 :]])
    assert (report.updated, report.unchanged) == (1, documents_of(lines) - 1)


async def test_a_torn_file_leaves_whole_documents_and_the_next_run_completes(stores: Stores, lines: list[str]):
    target, _ = stores
    last = max(i for i, line in enumerate(lines) if json.loads(line)["type"] == "document")
    whole = documents_of(lines) - 1

    with pytest.raises(InputError, match=rf"kb\.jsonl: it ends after line {last + 2}.*the {whole} documents before"):
        await bring(stores, lines[: last + 2])
    with pytest.raises(InputError, match=rf"line {last + 1} is malformed"):
        await bring(stores, [*lines[:last], lines[last][:100]])

    assert len(await target.documents(EVERYTHING)) == whole
    report = await bring(stores, lines)
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
    "a vector of 80 dimensions": (
        "chunk",
        lambda line: _edit(line, embedding={"dtype": "float32", "shape": [1] * 80, "base64": "AAAAAA=="}),
        "embedding.shape",
    ),
    "a vector of a huge shape": (
        "chunk",
        lambda line: _edit(line, sentence_embeddings={"dtype": "float16", "shape": [10**30, 0], "base64": ""}),
        "sentence_embeddings.shape",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_malformed_line_is_named_and_nothing_of_its_document_stored(
    case: str, stores: Stores, lines: list[str]
):
    target, _ = stores
    kind, spoil, said = BROKEN[case]
    at = _first(lines, kind)
    before = documents_of(lines[:at]) - (kind != "document")

    with pytest.raises(InputError, match=rf"(?s)line {at + 1}\b.*{said}"):
        await bring(stores, [*lines[:at], spoil(lines[at]), *lines[at + 1 :]])

    assert len(await target.documents(EVERYTHING)) == before


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("document", "part"),
        ("chunk", "position"),
        ("chunk", "page"),
        ("chunk", "token_count"),
        ("chunk", "start"),
        ("chunk", "end"),
        ("relation", "start"),
        ("relation", "end"),
    ],
)
@pytest.mark.parametrize("number", [-1, 10**30])
async def test_a_number_that_cannot_be_is_refused_with_its_document(
    kind: str, field: str, number: int, stores: Stores, lines: list[str]
):
    at = _first(lines, kind)
    begin = max(i for i, line in enumerate(lines[: at + 1]) if json.loads(line)["type"] == "document")

    with pytest.raises(InputError, match=rf"document of line {begin + 1} is refused"):
        await bring(stores, [*lines[:at], _edit(lines[at], **{field: number}), *lines[at + 1 :]])

    assert len(await stores[0].documents(EVERYTHING)) == documents_of(lines[:begin])


async def test_what_does_not_hold_together_is_refused(stores: Stores, lines: list[str]):
    target, _ = stores
    at = _first(lines, "document")
    with pytest.raises(InputError, match=rf"document of line {at + 1} is refused"):
        await bring(stores, [*lines[:at], _edit(lines[at], chunk_count=99), *lines[at + 1 :]])
    with pytest.raises(InputError, match="line 2: a 'chunk' is out of place"):
        await bring(stores, [lines[0], lines[_first(lines, "chunk")]])
    with pytest.raises(InputError, match="counts 5 documents, 0 came"):
        await bring(stores, [lines[0], '{"type":"end","documents":5}'])
    with pytest.raises(InputError, match="after the end"):
        await bring(stores, [lines[0], '{"type":"end","documents":0}', lines[0]])
    for header in ("", "{}", "[1]", lines[1], _edit(lines[0], format="other")):
        with pytest.raises(InputError, match="not the header of an export"):
            await bring(stores, [header, *lines[1:]])
    with pytest.raises(InputError, match="not the header"):
        await bring(stores, [])
    with pytest.raises(InputError, match="version 3 of the format"):
        await bring(stores, [_edit(lines[0], version=3), *lines[1:]])
    with pytest.raises(InputError, match="which models"):
        await bring(stores, [_edit(lines[0], fingerprints=None), *lines[1:]])
    assert await target.documents(EVERYTHING) == []


async def test_vectors_of_other_models_are_refused(stores: Stores, lines: list[str]):
    target, _ = stores
    await target.bind(Fingerprints("another", "sentences-8"))

    with pytest.raises(SchemaMismatchError, match=r"kb\.jsonl cannot be imported here.*another"):
        await bring(stores, lines)
    assert await target.documents(EVERYTHING) == []


async def test_the_models_of_the_export_are_those_of_the_store(stores: Stores, lines: list[str]):
    target, _ = stores
    assert await target.fingerprints() is None

    await bring(stores, lines)

    assert await target.fingerprints() == FINGERPRINTS


async def test_a_document_of_another_tenant_is_refused(stores: Stores, lines: list[str]):
    target, _ = stores
    with pytest.raises(InputError, match="is of tenant 'default' and stays in it: name that tenant with --tenant"):
        await bring(stores, lines, Scope("rival", frozenset({ALL_ACCESS})))

    assert await target.documents(EVERYTHING) == []


# People's decisions on entities

ACME, IBM, LAMPREY = (entity_id("default", key) for key in ("acme", "ibm", "lamprey"))


def _decision(kind: Literal["merge", "split"], a: str, b: str, tenant: str = "default") -> Decision:
    a, b = sorted((a, b))
    return Decision(decision_id(tenant, a, b), tenant, kind, a, b, "ann", "2026-01-02T03:04:05Z")


MERGE, SPLIT = _decision("merge", ACME, IBM), _decision("split", IBM, LAMPREY)


def with_decisions(lines: list[str], *decisions: Decision) -> list[str]:
    """An export with such lines before its end."""
    return [*lines[:-1], *(json.dumps({"type": "decision", **asdict(one)}) for one in decisions), lines[-1]]


async def test_decisions_go_from_either_store_to_the_other_and_hold_there(
    stores: Stores, lines: list[str], tmp_path: Path
):
    """From the store that is tested into an embedded one, and back into it when it is empty again."""
    target, system = stores
    await bring(stores, lines)
    one, other, third = (await target.entity_ids(EVERYTHING, limit=3))[:3]
    await decide(target, system, EVERYTHING, "merge", one, other, "ann")
    await decide(target, system, EVERYTHING, "split", other, third, "bob")
    made = await system.decisions("default")
    taken = [line async for line in export_lines(target, EVERYTHING, decisions=made)]
    whole = [line async for line in canonical_lines(target, EVERYTHING, decisions=made)]

    async with open_stores(Settings(store_url=f"sqlite:///{tmp_path}/other.db")) as copy:
        report = await bring(copy, taken)
        assert (report.decisions, await copy[1].decisions("default")) == (2, made)
        assert [line async for line in canonical_lines(copy[0], EVERYTHING, decisions=made)] == whole
        back = [
            line async for line in export_lines(copy[0], EVERYTHING, decisions=await decisions_seen(*copy, EVERYTHING))
        ]
        assert timeless(back) == timeless(taken)
        known = await decided(copy[1], "default")
        assert other in known.merged[one]
        for decision in made:
            await system.remove_decision("default", decision.id)
        assert (await bring(stores, back)).decisions == 2
    assert await system.decisions("default") == made
    assert (await bring(stores, back)).decisions == 0


async def test_a_decision_of_an_export_replaces_the_one_on_its_pair(stores: Stores, lines: list[str]):
    _, system = stores
    await system.record_decisions([replace(MERGE, kind="split", author="bob")])

    report = await bring(stores, with_decisions(lines, MERGE, SPLIT))

    assert report.decisions == 2
    assert sorted(await system.decisions("default"), key=lambda one: one.kind) == [MERGE, SPLIT]


REFUSED: dict[str, tuple[list[Decision], str]] = {
    "another tenant": ([_decision("merge", ACME, IBM, tenant="rival")], "is of tenant 'rival'"),
    "an id that is not its pair's": ([replace(MERGE, id="f" * 32)], "does not have the id of its pair"),
    "no author": ([replace(MERGE, author=" ")], "name of who decides"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_decisions_that_cannot_be_are_refused_and_none_is_recorded(case: str, stores: Stores, lines: list[str]):
    decisions, said = REFUSED[case]

    with pytest.raises(InputError, match=rf"kb\.jsonl: .*{said}"):
        await bring(stores, with_decisions(lines, *decisions))

    assert await stores[1].decisions("default") == []
    assert len(await stores[0].documents(EVERYTHING)) > 20


async def test_decisions_that_contradict_those_that_are_there_are_refused_and_those_of_one_export_are_not(
    stores: Stores, lines: list[str]
):
    merges = [MERGE, _decision("merge", ACME, LAMPREY)]
    await stores[1].record_decisions([SPLIT])
    with pytest.raises(InputError, match=rf"kb\.jsonl: .*{SPLIT.id} keeps two entities apart"):
        await bring(stores, with_decisions(lines, *merges))
    assert await stores[1].decisions("default") == [SPLIT]

    # As callers with different labels may have decided.
    assert (await bring(stores, with_decisions(lines, *merges, SPLIT))).decisions == 2
    assert (await bring(stores, with_decisions(lines, _decision("merge", IBM, "e" * 32)))).decisions == 1


async def test_a_document_after_a_decision_is_out_of_place(stores: Stores, lines: list[str]):
    decision = with_decisions(lines, MERGE)[-2]
    with pytest.raises(InputError, match="a 'document' is out of place"):
        await bring(stores, [lines[0], decision, *lines[1:]])
