"""What became of the sources of an ingest."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from graphrag.types import WriteOutcome


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one source."""

    source: str
    outcome: WriteOutcome | Literal["failed"]
    document_id: str = ""
    chunks: int = 0
    reason: str = ""
    """Why it failed, or why the model failed on some of its passages, and what to do."""
    model_failures: int = 0
    """Passages that are stored without what the language model would find in them."""
    warning: str = ""
    """What the source seems to hold that is not stored with it; empty where nothing is known to be missing."""


@dataclass(slots=True)
class IngestReport:
    """What became of every source, in the order in which it was settled."""

    results: list[Ingested] = field(default_factory=list[Ingested])

    def count(self, outcome: str) -> int:
        """How many sources ended so."""
        return sum(result.outcome == outcome for result in self.results)

    @property
    def chunks(self) -> int:
        """Chunks written."""
        return sum(result.chunks for result in self.results if result.outcome in ("created", "updated"))

    @property
    def failures(self) -> list[Ingested]:
        """Sources that failed, with their reasons."""
        return [result for result in self.results if result.outcome == "failed"]

    @property
    def incomplete(self) -> list[Ingested]:
        """Sources that are stored, but for what the language model would find in some of their passages."""
        return [result for result in self.results if result.model_failures]

    @property
    def warned(self) -> list[Ingested]:
        """Sources that are stored, but for something that they seem to hold."""
        return [result for result in self.results if result.warning]


Progress = Callable[[Ingested], None]
