"""Where the trials of tools/crash_test.py run: the documents, the Neo4j server that is killed, and what becomes of a trial."""

import os
import random
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from neo4j import GraphDatabase

from tools import neo4j_server

DOCUMENTS = 300
DATABASE = "kb.db"
"""File of an embedded store in the folder of a trial."""
_PEOPLE = ("Ida Rowan", "Anneke Brouwer", "Ewa Strzelecka", "Jonas Lindqvist", "Mira Okafor", "Tomas Havel")
_PLACES = ("Aarhus", "Maasvliet Terminal", "Brno", "Gothenburg", "Team Lagoon", "Halvorix Components", "Alder Pumps")


@dataclass
class Result:
    """What became of a trial."""

    trial: int
    store: str
    killed: str
    after_documents: int
    """Documents stored when the kill was due; -1 for while processes start."""
    acknowledged: int = 0
    """Documents that somebody had been told of when the process was killed."""
    survived: int = 0
    """Documents stored then."""
    lost: int = 0
    torn: int = 0
    equal: bool = False
    seconds: float = 0.0
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, torn or different."""
        return self.equal and not self.lost and not self.torn and not self.problem


@dataclass
class Bench:
    """Where trials run."""

    folder: Path
    documents: int = DOCUMENTS
    server: "Neo4j | None" = None
    texts: dict[str, str] = field(default_factory=dict[str, str])
    whole: dict[str, str] = field(default_factory=dict[str, str])
    """Digest of each document's lines in the export of the ingest that was left alone."""
    expected: str = ""
    tried: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Stores and ways of which an ingest was left alone."""

    def __post_init__(self) -> None:
        source = self.folder / "documents"
        source.mkdir(parents=True)
        self.texts = corpus(self.documents)
        for name, text in self.texts.items():
            (source / name).write_text(text)

    @contextmanager
    def counting(self, store: str, folder: Path) -> Generator[Callable[[], int]]:
        """A function that says how many documents are stored.

        It asks the database and not our stores, whose reads would cost as much as the ingest that is watched.
        """
        if store == "neo4j":
            assert self.server is not None
            with GraphDatabase.driver(self.server.url) as driver:
                yield lambda: int(driver.execute_query("MATCH (d:Document) RETURN count(d)").records[0][0])
            return
        database = folder / DATABASE

        def count() -> int:
            with (
                suppress(sqlite3.OperationalError),
                closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as held,
            ):
                return int(held.execute("SELECT count(*) FROM documents").fetchone()[0])
            return 0  # not made yet

        yield count


class Neo4j:
    """A server that is killed and started again on the same data."""

    def __init__(self, home: Path) -> None:
        os.environ.update(neo4j_server.SHORT_LIVED | os.environ)
        self.home = home
        self.process, running = neo4j_server.launch(
            home, bolt_port=0, http_port=0, password=None, heap="768m", page_cache="128m"
        )
        self.bolt_port, self.http_port = running.bolt_port, running.http_port

    @property
    def url(self) -> str:
        """Its store URL."""
        return f"neo4j://127.0.0.1:{self.bolt_port}"

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start it again on what it has left."""
        self.process, _ = neo4j_server.launch(
            self.home,
            bolt_port=self.bolt_port,
            http_port=self.http_port,
            password=None,
            heap="768m",
            page_cache="128m",
        )


def corpus(count: int) -> dict[str, str]:
    """Documents by source, the same for the same count."""
    rng = random.Random(7)
    return {
        f"note-{number:03}.md": f"# Note {number} on {rng.choice(_PLACES)}\n\n"
        + "".join(
            f"## Part {part}\n\n"
            + " ".join(
                f"{rng.choice(_PEOPLE)} met {rng.choice(_PEOPLE)} of {rng.choice(_PLACES)} about item {rng.randrange(99)}."
                for _ in range(rng.randint(2, 8))
            )
            + "\n\n"
            for part in range(rng.randint(1, 3))
        )
        for number in range(count)
    }
