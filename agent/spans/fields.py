"""Fields: what a cell of a table or a line "key: value" says, with the words around it that say what it is.

A row says little by itself: what its numbers are stands at the head of the table, and of what they are in its first cell. So
does "weight: 338 kg", below a heading or in a record that says of what.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.spans.candidates import Found
from graphrag.analysis import normalise, terms
from graphrag.tables import cells_of, may_be_head
from graphrag.types import Chunk, Span

MAX_VALUE = 80
"""Characters; what is longer is a text of its own."""
_NAMING = frozenset(terms("name person employee contact member staff"))
_BESIDE = frozenset(terms("contact file"))
"""Labels of who or what has to do with what a record is about: "contact person"."""
_PAIR = re.compile(r"\s*(?:(?:[-*•]|\d{1,2}[.)])\s+)*([^:|\n]{1,60}?):[^\S\n]+(\S.*)", re.DOTALL)
_FULL_STOP = re.compile(r"(?<!\bInc)(?<!\bLtd)(?<![^\w]\w)(?<=\w\w\w)\.$")
"""Of a value that ends a sentence, not that of an abbreviation."""
_RULE = frozenset("|:- ")
"""What the line under the head of a table in Markdown is made of, where a text has it as it is written."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value with what says what it is."""

    chunk: Chunk
    start: int
    end: int
    """Of the value; offsets in the document's text."""
    label: str
    """The key, or the head of the column; of a cell beside the first one, that one's text, too."""
    beside: str
    """What else its row or its block of lines says, the value apart, and the headings above it."""
    head: str = ""
    """The key or the head of the column alone."""
    row: int = -1
    """Where its row or its block begins: the offset is common to the fields of one."""
    about: tuple[str, ...] = ()
    """What its row may be about: its first cell, who or what it names; of lines the first value, and the heading above them or else
    the title.
    """
    in_prose: bool = False
    """Whether a sentence tells it (agent/spans/prose_fields.py)."""

    @property
    def text(self) -> str:
        """The value."""
        return self.chunk.between(self.start, self.end)

    @property
    def found(self) -> Found:
        """Its value as an answer."""
        return Found(self.chunk, self.start, self.end, normalise(self.text), "")


@dataclass(frozen=True, slots=True)
class _Block:
    """Sentences without an empty line between them, all of them rows of as many cells, or none of them rows."""

    spans: tuple[Span, ...]
    cells: tuple[tuple[Span, ...], ...]
    """Of each row; none for lines."""
    head: tuple[str, ...] = ()
    """What its columns are called, as far as the passage or its headings show; none for lines."""
    has_head: bool = False
    """Whether its first row says so."""


def fields_of(chunk: Chunk) -> Iterator[Field]:
    """The fields of a passage, in order."""
    if "|" not in chunk.text and ":" not in chunk.text:  # as in most texts, and it takes time to look
        return
    for block in _blocks(chunk):
        read = _of_rows if block.cells else _of_lines
        yield from read(chunk, block)


def said_with(chunk: Chunk) -> list[str]:
    """For each sentence, all that it says together with what stands over it: a row with the head of its table, a short line
    "key: value" with the others of its block, each with the headings and the title; any other sentence by itself.
    """
    said: list[str] = []
    for block in _blocks(chunk):
        texts = [chunk.between(*span) for span in block.spans]
        above = _above(chunk, block)
        if block.cells:
            said += (" ".join((text, *block.head, above)) for text in texts)
        else:
            fields = [text for text in texts if _pair(text)]
            said += (" ".join((*fields, above)) if _pair(text) else text for text in texts)
    return said


def heads_of(chunk: Chunk) -> dict[int, int]:
    """By sentence that is a row of a table: the one that is its head, as far as the passage shows."""
    heads: dict[int, int] = {}
    first = 0
    for block in _blocks(chunk):
        end = first + len(block.spans)
        heads |= dict.fromkeys(range(first + 1, end), first) if block.has_head else {}
        first = end
    return heads


def _blocks(chunk: Chunk) -> Iterator[_Block]:
    spans: list[Span] = []
    cells: list[tuple[Span, ...]] = []
    for span in chunk.spans:
        own = _cells(chunk, span)
        if not own and cells and cells[-1] and set(chunk.between(*span)) <= _RULE:
            own = ((span[0], span[0]),) * len(cells[-1])  # a row that holds nothing
        if spans and (len(own) != len(cells[-1]) or "\n\n" in chunk.between(spans[-1][1], span[0])):
            yield _block(chunk, spans, cells)
            spans, cells = [], []
        spans.append(span)
        cells.append(own)
    if spans:
        yield _block(chunk, spans, cells)


def _block(chunk: Chunk, spans: Sequence[Span], cells: Sequence[tuple[Span, ...]]) -> _Block:
    if not cells[0]:
        return _Block(tuple(spans), ())
    first = tuple(chunk.between(*cell) for cell in cells[0])
    if spans[0] == chunk.spans[0] and chunk.heading:  # it may go on from the passage before
        above = chunk.heading[-1]
        head = tuple(above[start:end] for start, end in cells_of(above))
        if len(head) == len(first):
            return _Block(tuple(spans), tuple(cells), head)
    has_head = len(cells) > 1 and may_be_head(first)
    return _Block(tuple(spans), tuple(cells), first if has_head else ("",) * len(first), has_head)


def _cells(chunk: Chunk, span: Span) -> tuple[Span, ...]:
    """Where the cells of a row stand; none of a sentence that is no row."""
    text = chunk.between(*span)
    cells = cells_of(text)
    # In plain text Markdown's bars may stand around a row, too.
    inner = cells[text.startswith("|") : len(cells) - text.endswith("|")]
    return tuple((span[0] + start, span[0] + end) for start, end in inner)


def _of_rows(chunk: Chunk, block: _Block) -> Iterator[Field]:
    above = _above(chunk, block)
    rows = [[chunk.between(*cell) for cell in cells] for cells in block.cells]
    head = block.head
    for number, (row, cells) in enumerate(zip(rows, block.cells, strict=True)):
        if number == 0 and block.has_head:
            continue
        about = (row[0], *(text for label, text in zip(head, row, strict=True) if _names_subject(label)))
        for column, (start, end) in enumerate(cells):
            if 0 < end - start <= MAX_VALUE:
                label = f"{head[column]} {row[0]}" if column else head[0]
                others = (text for place, text in enumerate(row) if place not in (0, column))
                beside = " ".join((*others, head[0], above))
                yield Field(chunk, start, end, label, beside, head[column], cells[0][0], about)


def _of_lines(chunk: Chunk, block: _Block) -> Iterator[Field]:
    texts = [chunk.between(*span) for span in block.spans]
    above = _above(chunk, block)
    pairs = [_pair(text) for text in texts]
    known = [pair.groups() for pair in pairs if pair is not None]
    about = (
        *(text for _, text in known[:1]),
        *(text for label, text in known if _names_subject(label)),
        *chunk.above(block.spans[0][0])[-1:],
    )
    for number, (pair, span) in enumerate(zip(pairs, block.spans, strict=True)):
        if pair is not None:
            beside = " ".join((*texts[:number], *texts[number + 1 :], above))
            end = span[1] - bool(_FULL_STOP.search(pair.group(2)))
            label = pair.group(1)
            yield Field(chunk, span[0] + pair.start(2), end, label, beside, label, block.spans[0][0], about)


def is_name(label: str) -> bool:
    """Whether a label is that of a field which names somebody or something."""
    return not _NAMING.isdisjoint(terms(label))


def _names_subject(label: str) -> bool:
    """Whether it is that of the field which says who or what a record is about."""
    return is_name(label) and _BESIDE.isdisjoint(terms(label))


def _above(chunk: Chunk, block: _Block) -> str:
    return " ".join(chunk.above(block.spans[0][0]))


def _pair(text: str) -> "re.Match[str] | None":
    """Key and value of a short line of a record; none of a long value, such as a message of a chat, which says something by itself."""
    pair = _PAIR.fullmatch(text)
    return pair if pair is not None and len(pair.group(2)) <= MAX_VALUE else None
