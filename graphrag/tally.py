"""How far an ingest job is, as its worker counts it and as it is saved with the job.

It also decides what happens after a worker died. The job is continued one document at a time for a while, and what is
worked on is saved before: a document that is found so after a second death is the suspect twice over, and is set aside with
its reason, so that the rest can go on.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from graphrag.estimating import Estimate
from graphrag.ingested import Ingested
from graphrag.llm.usage import Purse
from graphrag.stores.system import Job, JobFailure
from graphrag.types import Scalar, canonical_json

MAX_CRASHES = 5
"""A job whose worker died so often in a row without settling anything is not tried again."""
MAX_OUTAGES = 20
"""The same, of a store that was away."""
DEATHS_OF_A_SUSPECT = 2
CAREFUL_DOCUMENTS = 200
"""After a death, so many documents are stored one at a time."""
_OUTCOMES = ("created", "updated", "unchanged", "failed")


@dataclass(slots=True)
class Tally:
    """How far a job is. Changed by the worker, saved by its heartbeat."""

    files: int
    crashes: int = 0
    outages: int = 0
    files_read: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_OUTCOMES, 0))
    chunks: int = 0
    model_failures: int = 0
    """Passages that were stored without what the language model would find."""
    estimate: Estimate | None = None
    """Of a job that only asks what it would cost."""
    purse: Purse = field(default_factory=Purse)
    """Pays for the model calls of this claim of the job."""
    failures: list[JobFailure] = field(default_factory=list[JobFailure])
    """Not yet saved."""
    suspect: str = ""
    """The source that is worked on alone, if one is."""
    deaths: dict[str, int] = field(default_factory=dict[str, int])
    """How often a worker died of the last suspect."""
    quarantined: dict[str, str] = field(default_factory=dict[str, str])
    """Sources that are left alone, with the reason."""
    begun: float = field(default_factory=time.monotonic)
    touched: float = field(default_factory=time.monotonic)
    """When a file was read, a document settled, a part of one stored or a model call paid for last."""
    _fresh: int = 0
    _calls: int = 0

    @classmethod
    def of(cls, job: Job, files: int) -> "Tally":
        """At the claim of a job, with what is known from the claims before."""
        saved, tally = job.progress, cls(files)
        phase = saved.get("phase")
        if phase not in ("running", "queued"):
            return tally  # it had ended, so somebody wants it tried afresh
        tally.crashes, tally.outages = int(saved.get("crashes", 0)), int(saved.get("outages", 0))
        tally.quarantined = cast(dict[str, str], json.loads(str(saved.get("quarantined", "{}"))))
        if phase == "running":  # a claim that nobody ended, gave back or cancelled
            tally._died(str(saved.get("suspect", "")), int(saved.get("suspect_deaths", 0)) + 1)
        return tally

    def _died(self, suspect: str, deaths: int) -> None:
        self.crashes += 1
        if not suspect:
            return
        self.deaths = {suspect: deaths}
        if deaths >= DEATHS_OF_A_SUSPECT:
            self.quarantined[suspect] = (
                f"the process that read it died or hung {deaths} times while it worked on this document alone; the document "
                f"is left out: look at its content, split it or convert it, then ingest it again"
            )
            self.crashes = 1  # the others deserve all their chances

    @property
    def careful(self) -> bool:
        """Whether documents are to be stored one at a time."""
        return self.crashes > 0 and self._fresh < CAREFUL_DOCUMENTS

    def look_at_purse(self) -> None:
        """A document of many passages may take a language model very long: its calls are signs of life."""
        if self.purse.spent.calls != self._calls:
            self._calls = self.purse.spent.calls
            self.touched = time.monotonic()

    def live(self) -> None:
        """A part of a long source is stored, which is settled with its last one."""
        self.touched = time.monotonic()

    def read(self) -> None:
        """Count a file that was read."""
        self.files_read += 1
        self.touched = time.monotonic()

    def settle(self, result: Ingested) -> None:
        """Count one document."""
        self.counts[result.outcome] += 1
        self.touched = time.monotonic()
        if result.outcome in ("created", "updated"):
            self.chunks += result.chunks
            self._fresh += 1
            self.crashes, self.outages = min(self.crashes, 1), 0
        self.model_failures += result.model_failures
        if told := "; ".join(filter(None, (result.reason, result.warning))):
            self.failures.append(JobFailure(result.source, told))

    @property
    def documents(self) -> int:
        """Settled so far."""
        return sum(self.counts.values())

    @property
    def stored(self) -> int:
        """Of these, those that are in the store."""
        return self.documents - self.counts["failed"]

    @property
    def fruitless(self) -> str:
        """Why a job that has come to its end has failed; empty if anything was stored or estimated, or nothing failed."""
        if self.stored or (self.estimate and self.estimate.documents) or not self.counts["failed"]:
            return ""
        return f"no document could be {'stored' if self.estimate is None else 'estimated'}"

    def progress(self, phase: str) -> dict[str, Scalar]:
        """What is saved with the job."""
        seconds = time.monotonic() - self.begun
        saved: dict[str, Scalar] = {
            "phase": phase,
            "files": self.files,
            "files_read": self.files_read,
            "documents": self.documents,
            **self.counts,
            "chunks": self.chunks,
            "model_failures": self.model_failures,
            "model_calls": self.purse.spent.calls,
            "model_tokens": self.purse.spent.tokens,
            "model_dollars": round(self.purse.spent.dollars, 6),
            "seconds": round(seconds, 1),
            "documents_per_second": round(self.documents / seconds, 2) if seconds > 0 else 0.0,
            "crashes": self.crashes,
            "outages": self.outages,
            "quarantined": canonical_json(self.quarantined),
        }
        # Files are read ahead of what is stored, and one file may hold many documents: once as many documents are settled as
        # there are files, nobody knows how many are left.
        done = min(self.files_read, self.documents)
        if phase == "running" and 0 < done < self.files:
            saved["eta_seconds"] = round(seconds * (self.files - done) / done, 1)
        if self.estimate is not None:
            saved |= estimated(self.estimate)
        if self.suspect and phase == "running":
            saved |= {"suspect": self.suspect, "suspect_deaths": self.deaths.get(self.suspect, 0)}
        return saved


def estimated(estimate: Estimate) -> dict[str, Scalar]:
    """An estimate as it is saved with the progress of a job, in dollars where the price is known."""
    saved: dict[str, Scalar] = {
        "estimated_documents": estimate.documents,
        "estimated_chunks": estimate.chunks,
        "estimated_calls": estimate.usage.calls,
        "estimated_input_tokens": estimate.usage.input_tokens,
        "estimated_output_tokens": estimate.usage.output_tokens,
    }
    return saved | {"estimated_dollars": round(estimate.usage.dollars, 6)} if estimate.priced else saved


def shown(progress: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Progress as people are to see it: without what workers tell each other."""
    hidden = ("crashes", "outages", "suspect", "suspect_deaths", "quarantined")
    return {name: value for name, value in progress.items() if name not in hidden}
