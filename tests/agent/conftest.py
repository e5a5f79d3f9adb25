"""A small corpus of Markdown, records and pages, ingested once with the hashing embedder; and planners that follow a script."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest

from agent.planner import Plan, State, Stop
from agent.tool import Tool
from graphrag.bootstrap import open_knowledge_base
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import LoadedDocument, load_bytes
from graphrag.settings import load_settings
from graphrag.types import Scope

EVERYONE = Scope(access=frozenset({"*"}))

MARKDOWN = {
    "incidents/inc-2041.md": """# INC-2041 post-mortem

The gateways at Maasvliet Terminal went dark on 11 March 2025. Anneke Brouwer led the response.

## Root cause

The PMX-48 power module had burnt out. Halvorix Components supplied the power module.

## Follow-up

Ewa Strzelecka tests every power module before it ships. The sensor_7 probe was replaced.
""",
    "contracts/sa-118.md": """# Supply agreement SA-118

Halvorix Components supplies the PMX-48 power module under this agreement.

## Warranty

The warranty of the PMX-48 power module is 30 months. It begins with delivery.

## Contact

All letters are answered by Zyrvane Holdings, the owner of Halvorix Components.
""",
    "people/directory.md": """# Team directory

Ewa Strzelecka works for Halvorix Components in Gdynia. Pieter Vos works in Delft.
""",
}
RECORDS = "".join(
    json.dumps(record) + "\n"
    for record in (
        {"id": "T-1", "title": "Flashing light", "text": "Brackwater Utilities reported a flashing amber light."},
        {"id": "T-2", "title": "Dropouts", "text": "Lusovent Paper reported that a sensor drops out at night."},
        {"id": "T-3", "title": "Porto", "text": "Porto lies on the Douro. Zyrvane Holdings has an office there."},
        {"id": "T-4", "title": "Asset", "text": "Asset 550e8400-e29b-41d4-a716-446655440000 is a VX4 press."},
        {"id": "T-5", "title": "Lunch", "text": "Soup is served on Mondays. Bread is baked at night."},
    )
)
PAGES = (
    "Quality audit\n\nThe audit of 2024 looked at the calibration bench in Brno.",
    "Findings\n\nThe torque wrench of the calibration bench drifted by four percent.",
    "Actions\n\nPieter Vos ordered a new torque wrench from Kalvarde Metrology.",
)
SECRET = "# Board memo\n\nHalvorix Components will be sold to Ostrava Works. The PMX-48 power module ends in 2027.\n"


def paged() -> LoadedDocument:
    """A document of three short pages, each with a heading, that make one chunk."""
    text = "\n\n".join(PAGES)
    (loaded,) = load_bytes(text.encode(), "quality/audit.txt")
    starts = tuple(text.index(page) for page in PAGES)
    assert loaded.text == text
    return replace(loaded, title="Quality audit", pages=starts, content_sha256=sha256(text.encode()).hexdigest())


def documents() -> list[LoadedDocument]:
    """The public documents."""
    markdown = [loaded for source, text in MARKDOWN.items() for loaded in load_bytes(text.encode(), source)]
    return [*markdown, *load_bytes(RECORDS.encode(), "tickets.jsonl"), paged()]


@asynccontextmanager
async def opened(file: Path) -> AsyncGenerator[KnowledgeBase]:
    """The knowledge base in a file."""
    settings = load_settings(store_url=f"sqlite:///{file}", embedder="hashing", filter_fields=("department",))
    async with open_knowledge_base(settings) as kb:
        yield kb


async def _fill(file: Path) -> None:
    async with opened(file) as kb:
        report = await ingest_documents(kb, EVERYONE, documents(), metadata={"department": "operations"})
        secret = load_bytes(SECRET.encode(), "board/memo.md")
        report.results += (await ingest_documents(kb, EVERYONE, secret, access="board")).results
        assert not report.failures


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that holds the corpus; not to be changed."""
    file = tmp_path_factory.mktemp("agent") / "kb.db"
    asyncio.run(_fill(file))
    return file


@pytest.fixture
async def kb(corpus: Path) -> AsyncGenerator[KnowledgeBase]:
    """The corpus, to be read."""
    async with opened(corpus) as filled:
        yield filled


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncGenerator[KnowledgeBase]:
    """A knowledge base without documents."""
    async with opened(tmp_path / "kb.db") as unfilled:
        yield unfilled


@dataclass(frozen=True)
class Script:
    """A planner that makes the given calls, one tuple a step, and then stops."""

    steps: Sequence[tuple[Tool, ...]]

    async def next(self, state: State) -> Plan | Stop:
        """See Planner.next."""
        return Plan(self.steps[state.step], "as written") if state.step < len(self.steps) else Stop("no_gain")


@pytest.fixture
def script() -> type[Script]:
    """The planner that follows a script."""
    return Script
