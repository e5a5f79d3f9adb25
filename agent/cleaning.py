"""Text between documents and a language model: what a model is shown, and what of its words is passed on.

Documents are written by anybody. What is shown of them holds nothing that a chat template could take for a turn of the
conversation, nor characters that people do not see. What a model writes passes on no link, image or markup, whether a
document talked it into one or not; sources are named by citations alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from graphrag.types import whole

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Zero width, direction, tags: text that people do not see, and models read.
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_TURN = re.compile(
    r"<(?=[|｜])|<(?=/?(?:s|bos|eos|start_of_turn|end_of_turn|think|thinking|reasoning|tool_call|tool_response)>)"
    r"|\[(?=/?INST\])|<<(?=/?SYS>>)",
    re.IGNORECASE,
)

_LINK = re.compile(r"!?\[([^\[\]]*)\]\s?\([^()]*(?:\([^()]*\)[^()]*)*\)")
_URL = re.compile(r"<?(?:\b(?:[a-z][a-z0-9+.-]{1,15}://|www\.)|(?<![\w:/])//(?=\w))[^\s<>\]]*[^\s<>\].,;:!?)'\"]>?|\b(?:javascript|data|mailto|vbscript):\S+", re.IGNORECASE)  # fmt: skip
_TAG = re.compile(r"</?[a-z][^<>]*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
# What is left of a link, of a place that one by reference ("[text][a]") leads to, or of a tag: opened, and not seen to be closed.
_OPENED = re.compile(r"(?<=\])(?=[(:])|(?<=<)(?=[a-z/!?])", re.IGNORECASE)
_MARK = re.compile(r"\[\s*(P?\d+(?:\s*[,;]?\s*(?:and\s+)?P?\d+)*)\s*\]", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)\d{1,5}(?!\d)")
"""Of a passage. Models that repeat themselves write thousands of digits in a row, which Python reads as no number."""
LEFT_OUT = "(link left out)"
HELD = 2_000
"""Characters held back at most while a bracket is open."""


def for_prompt(text: str) -> str:
    """A document's text as a model is shown it."""
    return _TURN.sub(lambda found: found.group() + " ", _CONTROL.sub(" ", _UNSEEN.sub("", text)))


def plain(text: str) -> str:
    """A model's words without links, images, markup and unseen characters; what a link was written on stays."""
    text = _UNSEEN.sub("", whole(text))
    for _ in range(5):  # a link within a link, a tag that was within another one
        before, text = text, _TAG.sub("", _URL.sub(LEFT_OUT, _LINK.sub(r"\1", text)))
        if text == before:
            break
    return _OPENED.sub(" ", _URL.sub(LEFT_OUT, text))


def short(text: str, characters: int = 200) -> str:
    """A model's words on one line, cut to a length."""
    text = " ".join(plain(text).split())
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Mark:
    """A reference to passages, `[P2]` or `[P1, P3]`, by their numbers."""

    passages: tuple[int, ...]


class PlainFilter:
    """`plain` for a text that comes in pieces, with its references to passages told apart.

    Passes on whole words; what stands in brackets that are still open is held back.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> Iterator[str | Mark]:
        """What of the text up to here is to be passed on now."""
        self._held += piece
        place = _safe_end(self._held)
        ready, self._held = self._held[:place], self._held[place:]
        yield from _told_apart(ready)

    def end(self) -> Iterator[str | Mark]:
        """What was held back."""
        ready, self._held = self._held, ""
        yield from _told_apart(ready)


def _safe_end(text: str) -> int:
    """Where the part ends of which all links, tags and references are complete: at a white space outside of brackets."""
    place, before = len(text), -1
    while place != before:
        before = place
        while place > 0 and not text[place - 1].isspace():
            place -= 1
        for opening, closing in (("[", "]"), ("](", ")"), ("<", ">")):
            start = text.rfind(opening, 0, place)
            if start >= 0 and text.find(closing, start + len(opening), place) < 0 and len(text) - start < HELD:
                # The text of a link begins before its "](", at its bracket.
                place = max(0, text.rfind("[", 0, start)) if opening == "](" else start
        # "[text] (link)": the space between the two is no end.
        while place and text[:place].rstrip().endswith("]") and place == len(text):
            place = text.rfind("[", 0, place)
    return max(place, 0)


def _told_apart(text: str) -> Iterator[str | Mark]:
    text = plain(text)
    place = 0
    for found in _MARK.finditer(text):
        if before := text[place : found.start()]:
            yield before
        yield Mark(tuple(dict.fromkeys(int(number) for number in _NUMBER.findall(found.group(1)))))
        place = found.end()
    if rest := text[place:]:
        yield rest
