"""Reading JSON that a model wrote: out of prose and code fences, with the slips that models make, cut off or not."""

import json
import re
from collections.abc import Iterator, Sequence

from graphrag.errors import ModelOutputError

_FENCE = re.compile(r"```(?:\w+)?\s*(.*?)(?:```|\Z)", re.DOTALL)
_LITERALS = {"True": "true", "False": "false", "None": "null", "NaN": "null", "undefined": "null"}
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_SOLID = re.compile(r"\S")
_JSON_SPACE = " \t\n\r"
MAX_CHARACTERS = 200_000
_SHOWN = 80


def read_json(text: str) -> object:
    """The first JSON object or array in a text.

    Beyond plain JSON this takes code fences and words around it, single and typographic quotes, comments, trailing commas,
    bare keys, Python's literals, raw line breaks in strings, and an end that is missing: what is open there is closed, and a
    member without a value is left out.

    Raises:
        ModelOutputError: there is none.
    """
    text = text[:MAX_CHARACTERS]
    for candidate in _candidates(text):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):  # "[[[[[…" of a model that repeats itself
            pass
    for candidate in _candidates(text):
        try:
            return json.loads(_Mender(candidate).mended())
        except (ValueError, RecursionError):
            pass
    raise ModelOutputError(f"the model wrote no JSON: {' '.join(text.split())[:_SHOWN]!r}")


def _candidates(text: str) -> Iterator[str]:
    for source in (*(match.group(1) for match in _FENCE.finditer(text)), text):
        starts = [place for place in (source.find("{"), source.find("[")) if place >= 0]
        if not starts:
            continue
        start = min(starts)
        try:
            _, end = json.JSONDecoder(strict=False).raw_decode(source, start)
            yield source[start:end]
        except (ValueError, RecursionError):
            yield source[start:]


class _Mender:
    """One pass over a text that begins like JSON, writing proper JSON. Takes time by the text's length, whatever it is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._out: list[str] = []
        self._open: list[str] = []
        self._depth = {"}": 0, "]": 0}  # how often each is in _open

    def mended(self) -> str:
        """The JSON."""
        text = self._text
        while self._at < len(text):
            char = text[self._at]
            if char in "{[":
                self._open.append("}" if char == "{" else "]")
                self._depth[self._open[-1]] += 1
                self._write(char)
            elif char in "}]":
                self._close(char)
                if not self._open:
                    break
            elif char in "\"'“”‘’":
                self._string(char)
            elif text.startswith("//", self._at):
                self._at = _or_end(text.find("\n", self._at), text)
            elif text.startswith("/*", self._at):
                self._at = _or_end(text.find("*/", self._at) + 2, text)
            elif char == "," and _solid(self._out[-2:]) in ",{[":
                self._at += 1
            elif word := _WORD.match(text, self._at):
                self._word(word.group())
            else:
                self._write(char)
        self._end()
        return "".join(self._out)

    def _write(self, char: str) -> None:
        out = self._out
        if char.isspace() and out and out[-1].isspace():
            # One sign stands for all white space in a row, so that nothing is looked for behind it: one that JSON does not
            # take, if there is any.
            if out[-1] in _JSON_SPACE:
                out[-1] = char
        else:
            out.append(char)
        self._at += 1

    def _close(self, char: str) -> None:
        # What is still open inside is closed first; a bracket that fits nothing is dropped.
        if self._depth[char]:
            while self._open:
                self._drop_comma()
                expected = self._open.pop()
                self._depth[expected] -= 1
                self._out.append(expected)
                if expected == char:
                    break
        self._at += 1

    def _string(self, quote: str) -> None:
        ends = {"“": "”", "‘": "’"}.get(quote, quote)
        text, at, out = self._text, self._at + 1, ['"']
        while at < len(text) and text[at] != ends:
            char = text[at]
            if char == "\\" and at + 1 < len(text):
                following = text[at + 1]
                out.append(f"\\{following}" if following in '"\\/bfnrtu' else following)
                at += 2
                continue
            out.append({'"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, char if char >= " " else ""))
            at += 1
        # An escape that was cut in half.
        body = re.sub(r"\\(u[0-9a-fA-F]{0,3})?\Z", "", "".join(out)) if at >= len(text) else "".join(out)
        self._out.append(body + '"')
        self._at = at + 1

    def _word(self, word: str) -> None:
        self._at += len(word)
        found = _SOLID.search(self._text, self._at)
        following = found.group() if found else ""
        if word in ("true", "false", "null"):
            self._out.append(word)
        elif word in _LITERALS:
            self._out.append(_LITERALS[word])
        elif following == ":":
            self._out.append(json.dumps(word))
        elif self._out and self._out[-1][-1:].isdigit():  # the exponent of a number
            self._out.append(word)
        else:
            whole = next((literal for literal in ("true", "false", "null") if literal.startswith(word)), None)
            self._out.append(whole if whole and not following else json.dumps(word))

    def _end(self) -> None:
        while self._out and self._out[-1] in ("-", "+", ".", "e", "E"):  # of a number that was cut
            self._out.pop()
        while self._open:
            self._drop_comma()
            self._out.append(self._open.pop())

    def _drop_comma(self) -> None:
        """Take back what may not stand before a closing bracket: commas, and a key without a value."""
        out = self._out
        while out and (not out[-1].strip() or out[-1] in ",:"):
            if out.pop() == ":":
                while out and not out[-1].strip():
                    out.pop()
                if out:
                    out.pop()
        in_object = bool(self._open) and self._open[-1] == "}"
        if in_object and out and out[-1].startswith('"') and _solid(out[-3:-1]) in "{,":  # a key that was cut off
            out.pop()
            self._drop_comma()


def _solid(pieces: Sequence[str]) -> str:
    """The last of the pieces that is no white space; empty without one."""
    return next((piece for piece in reversed(pieces) if not piece.isspace()), "")


def _or_end(place: int, text: str) -> int:
    return place if place > 1 else len(text)
