"""A folder that is edited at random and synchronised leaves, in either store, the bytes of ingesting it once as it is."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest

from graphrag.bootstrap import open_knowledge_base
from graphrag.exporting import canonical_lines
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.parts import delete_sources
from graphrag.settings import load_settings
from graphrag.sources import SourceFile, list_sources, open_sources
from graphrag.syncing import SYNCED_FROM, vanished
from graphrag.types import ALL_ACCESS, Metadata, Scope

SCOPE = Scope("folder", frozenset({ALL_ACCESS}))
MAX_CHUNKS = 2
"""So that longer files are stored in parts."""
PEOPLE = ("Ida Rowan", "Rowan", "Anneke Brouwer", "Dr. Brouwer", "Ewa Strzelecka", "I. Rowan")
THINGS = (
    "Alder Pumps",
    "ALDER PUMPS",
    "Alder Pumps A/S",
    "International Pump Union",
    "IPU",
    "Gothenburg",
    "Gothenberg",
)
VERBS = ("founded", "left", "visited", "audits", "was bought by")


@asynccontextmanager
async def opened(url: str):
    """The knowledge base."""
    async with open_knowledge_base(load_settings(store_url=url, embedder="hashing")) as kb:
        yield kb


def text(random: Random) -> str:
    """Markdown of one to a few chunks, often more than MAX_CHUNKS."""

    def sentence() -> str:
        return (
            f"{random.choice(PEOPLE)} {random.choice(VERBS)} {random.choice(THINGS)} in {random.randint(1990, 2025)}."
        )

    sections = [
        f"## {random.choice((*THINGS, 'Introduction', 'Results'))}\n\n"
        + " ".join(sentence() for _ in range(random.randint(1, 45)))
        for _ in range(random.randint(1, 5))
    ]
    return f"# {random.choice(THINGS)} {random.randint(1, 3)}\n\n" + "\n\n".join(sections) + "\n"


def edit(folder: Path, random: Random) -> None:
    """One change that somebody might make."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    how = random.choice(("write", "write", "change", "delete", "move", "records", "break"))
    new = folder / random.choice(("", "archive/", "team/")) / f"{random.choice('abcdef')}.md"
    if how == "write" or len(files) < 3:
        new.parent.mkdir(exist_ok=True)
        new.write_text(text(random))
    elif how == "change":
        random.choice(files).write_text(text(random)) if (files := [f for f in files if f.suffix == ".md"]) else None
    elif how == "delete":
        random.choice(files).unlink()
    elif how == "move":
        old = random.choice([file for file in files if file.suffix == ".md"] or files)
        new.parent.mkdir(exist_ok=True)
        old.rename(new if old.suffix == ".md" else old)
    elif how == "records":
        records = (
            f'{{"id": "{n}", "text": "{random.choice(PEOPLE)} left {random.choice(THINGS)}."}}\n' for n in "123456"
        )
        (folder / "tickets.jsonl").write_text(
            "".join(line for line in records if random.random() < 0.6) or '{"text": "-"}\n'
        )
    else:
        (folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")


async def synchronise(
    kb: KnowledgeBase, folder: Path, access: str, metadata: Metadata, listed: Sequence[SourceFile] = ()
) -> None:
    """What `graphrag ingest FOLDER --sync` does, which may have listed its files before."""
    files = listed or (await asyncio.to_thread(list_sources, [folder])).files
    marked = {**metadata, SYNCED_FROM: "folder"}
    with open_sources(files, max_document_bytes=1_000_000, parse_seconds=30) as documents:
        report = await ingest_documents(kb, SCOPE, documents, access=access, metadata=marked, max_chunks=MAX_CHUNKS)
    gone = await vanished(kb.store, SCOPE, "folder", folder, files, report)
    await delete_sources(kb.store, SCOPE, gone.documents)


async def canonical(kb: KnowledgeBase) -> list[str]:
    """All that is stored, to compare."""
    return [line async for line in canonical_lines(kb.store, SCOPE)]


@pytest.mark.parametrize("seed", range(2))
def test_random_edits_leave_the_bytes_of_ingesting_the_folder_once(store_url: str, tmp_path: Path, seed: int):
    folder, random = tmp_path / "folder", Random(seed)
    folder.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / "z.md").write_text(text(random))

    async def edited() -> tuple[list[str], str, dict[str, int]]:
        async with opened(store_url) as kb:
            with open_sources(
                (await asyncio.to_thread(list_sources, [other])).files, max_document_bytes=1_000_000, parse_seconds=30
            ) as documents:
                await ingest_documents(kb, SCOPE, documents)
            access, metadata = "public", {"round": 0}
            for number in range(8):
                for _ in range(random.randint(1, 3)):
                    await asyncio.to_thread(edit, folder, random)
                if random.random() < 0.4:
                    access = random.choice(("public", "legal"))
                if random.random() < 0.4:
                    metadata = {"round": number}
                await synchronise(kb, folder, access, metadata)
            found = await canonical(kb)
            while stored := await kb.store.documents(SCOPE):
                await kb.store.delete_documents(SCOPE, [document.id for document in stored])
            return found, access, metadata

    async def once(access: str, metadata: Metadata) -> list[str]:
        async with opened(store_url) as kb:
            await synchronise(kb, folder, access, metadata)
            with open_sources(
                (await asyncio.to_thread(list_sources, [other])).files, max_document_bytes=1_000_000, parse_seconds=30
            ) as documents:
                await ingest_documents(kb, SCOPE, documents)
            return await canonical(kb)

    found, access, metadata = asyncio.run(edited())
    assert len(found) > 10
    assert any('"part":1' in line for line in found), "no file was long enough for parts"
    assert found == asyncio.run(once(access, metadata))


def test_what_another_run_stores_while_a_folder_is_synchronised_stays(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.md", "gone.md"):
        (folder / name).write_text(f"# {name}\n\nIda Rowan left Alder Pumps.\n")

    async def sources() -> list[str]:
        async with opened(f"sqlite:///{quote(str(tmp_path / 'kb.db'))}") as kb:
            await synchronise(kb, folder, "public", {})
            (folder / "gone.md").unlink()
            listed = (await asyncio.to_thread(list_sources, [folder])).files
            (folder / "b.md").write_text("# B\n\nEwa Strzelecka visited Gothenburg.\n")
            (folder / "tickets.jsonl").write_text('{"id": "1", "text": "Rowan left."}\n')
            with open_sources(
                (await asyncio.to_thread(list_sources, [folder])).files, max_document_bytes=1_000_000, parse_seconds=30
            ) as documents:
                await ingest_documents(kb, SCOPE, documents, metadata={SYNCED_FROM: "folder"})
            await synchronise(kb, folder, "public", {}, listed)
            return sorted(document.source for document in await kb.store.documents(SCOPE))

    assert asyncio.run(sources()) == ["a.md", "b.md", "tickets.jsonl#1"]
