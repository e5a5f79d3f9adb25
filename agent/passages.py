"""Passages as a language model sees them: named P1, P2 and so on, fenced as data, and written out once."""

import secrets
from collections.abc import Sequence

from agent.cleaning import for_prompt
from graphrag.embedding import passage_text
from graphrag.retrieval.ledger import Candidate
from graphrag.types import Chunk

MAX_CHARACTERS = 2_400
"""Of one passage; a longer one is cut at a word."""


class Shown:
    """The passages that a conversation has been shown, by name. The marker of its fences is random: no document knows it."""

    def __init__(self) -> None:
        self.marker = f"data-{secrets.token_hex(8)}"
        self._numbers: dict[str, int] = {}

    def number(self, chunk_id: str) -> int:
        """The number of a passage; a new one if it has none."""
        return self._numbers.setdefault(chunk_id, len(self._numbers) + 1)

    def id_of(self, name: str) -> str | None:
        """The chunk that a name, "P3" or "3", stands for; a chunk id stands for itself. None for any other text."""
        if name in self._numbers:
            return name
        digits = name.strip().upper().removeprefix("P")
        number = int(digits) if digits.isdecimal() and len(digits) < 6 else 0
        return next((id_ for id_, own in self._numbers.items() if own == number), None)

    @property
    def names(self) -> str:
        """The names there are, such as "P1 to P8"."""
        return {0: "none", 1: "P1"}.get(len(self._numbers), f"P1 to P{len(self._numbers)}")

    def told(self, candidates: Sequence[Candidate], *, new: int) -> str:
        """Passages in order: those shown before by name alone, of the others the first `new` with their text, in one fence."""
        lines: list[str] = []
        for candidate in candidates:
            known = candidate.chunk.id in self._numbers
            if not known and new <= 0:
                continue
            name = f"P{self.number(candidate.chunk.id)}"
            if known:
                lines.append(f"{name} (shown before)")
            else:
                new -= 1
                lines.append(f"{name}: {prompt_text(candidate.chunk)}")
        return f"{self.marker}\n" + "\n\n".join(lines) + f"\n{self.marker}" if lines else "No passages."


def prompt_text(chunk: Chunk) -> str:
    """A passage as a prompt holds it: its title and headings, then its text."""
    text = chunk.text
    if len(text) > MAX_CHARACTERS:
        text = text[: text.rfind(" ", 0, MAX_CHARACTERS) if " " in text[:MAX_CHARACTERS] else MAX_CHARACTERS] + " …"
    return for_prompt(passage_text(chunk.breadcrumb, text))
