"""What a tool of the agent is: a call with its arguments that finds passages, and how it is carried out."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict

from graphrag.degraded import note_degraded, told_plainly
from graphrag.embedding import Embedder
from graphrag.errors import FAILED_CALLS
from graphrag.retrieval.ledger import Ledger
from graphrag.stores.trips import count_round_trips

if TYPE_CHECKING:
    from graphrag.llm.model import LanguageModel

MAX_K = 100


class ToolError(Exception):
    """A call that cannot be carried out; shown to the planner as an observation, never raised out of the loop."""


@dataclass(frozen=True, slots=True)
class Means:
    """The models that tools work with. What they read, they read through the run's ledger, within its Scope."""

    embedder: Embedder
    llm: "LanguageModel | None" = None


class Tool(Protocol):
    """A tool call with its arguments."""

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """Carry it out; returns chunk ids, best first, for the loop to add to the ledger."""
        ...

    def model_dump(self, *, exclude_defaults: bool = False) -> dict[str, object]:
        """The arguments, for the trace."""
        ...


class Call(BaseModel):
    """Base of tools: arguments that are not there are refused, whoever writes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that cannot even be made, since its tool or arguments are wrong; carried out, it says so."""

    tool: str
    arguments: str
    problem: str

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run."""
        raise ToolError(self.problem)

    def model_dump(self, *, exclude_defaults: bool = False) -> dict[str, object]:
        """See Tool.model_dump."""
        return {"text": self.arguments}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call found, or why it could not be carried out."""

    hits: tuple[str, ...]
    error: str
    round_trips: int
    milliseconds: float


async def run_tool(call: Tool, ledger: Ledger, means: Means) -> Outcome:
    """Carry out a call. A ToolError becomes part of the outcome, and so does a model that is away, which is noted as
    degraded; failures of stores and of local models are raised.
    """
    begun = time.perf_counter()
    hits: tuple[str, ...] = ()
    error = ""
    with count_round_trips() as trips:
        try:
            hits = tuple(await call.run(ledger, means))
        except ToolError as exc:
            error = str(exc)
        except FAILED_CALLS as exc:
            note_degraded("tools", exc)
            error = told_plainly(exc, "tools")
    return Outcome(hits, error, trips.count, (time.perf_counter() - begun) * 1000)
