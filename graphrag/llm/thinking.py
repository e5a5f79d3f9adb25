"""Taking out what a model thinks aloud: `<think>` blocks, in whole texts and in streams."""

import re

_NAMES = ("think", "thinking", "reasoning")
_BLOCK = re.compile(rf"<({'|'.join(_NAMES)})>.*?(?:</\1>|\Z)\s*", re.DOTALL | re.IGNORECASE)
_OPEN = re.compile(rf"<({'|'.join(_NAMES)})>", re.IGNORECASE)
_ORPHAN_CLOSE = re.compile(rf"\A.*</({'|'.join(_NAMES)})>\s*", re.DOTALL | re.IGNORECASE)
_TAGS = tuple(f"<{name}>" for name in _NAMES)


def without_thinking(text: str) -> str:
    """The text without thinking: blocks, one that never ends, and one of which a chat template ate the beginning."""
    return _ORPHAN_CLOSE.sub("", _BLOCK.sub("", text)).strip()


class ThinkingFilter:
    """Takes thinking out of a text that comes in pieces. What may be the beginning of a tag is held back.

    A block whose beginning a chat template ate cannot be told from an answer until it ends, so here it stays.
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = ""
        self._begun = False

    def feed(self, piece: str) -> str:
        """What of the text up to here is to be passed on now."""
        self._held += piece
        out = ""
        while self._held:
            if self._inside:
                end = self._held.lower().find(f"</{self._inside}>")
                if end < 0:
                    self._held = self._held[-len(f"</{self._inside}>") + 1 :]
                    break
                self._held = self._held[end + len(f"</{self._inside}>") :]
                self._inside = ""
            elif found := _OPEN.search(self._held):
                out += self._held[: found.start()]
                self._inside, self._held = found.group(1).lower(), self._held[found.end() :]
            else:
                keep = _possible_tag(self._held)
                out += self._held[: len(self._held) - keep]
                self._held = self._held[len(self._held) - keep :]
                break
        if not self._begun:
            out = out.lstrip()
            self._begun = bool(out)
        return out

    def end(self) -> str:
        """What was held back and turned out to be text."""
        out, self._held = ("" if self._inside else self._held), ""
        return out


def _possible_tag(text: str) -> int:
    """Length of the longest end of the text that may begin a tag."""
    lowered = text.lower()
    for length in range(min(len(text), max(map(len, _TAGS)) - 1), 0, -1):
        if any(tag.startswith(lowered[-length:]) for tag in _TAGS):
            return length
    return 0
