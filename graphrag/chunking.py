"""Cutting a document into chunks along its structure: headings, then paragraphs, then sentences, then words."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphrag.embedding.tokenizer import SPECIAL_TOKENS, Tokenizer, Tokens, open_tokenizer
from graphrag.errors import ConfigError
from graphrag.sentences import split_sentences
from graphrag.tables import MAX_HEAD, cells_of, may_be_head, tables_of
from graphrag.types import Span

CHUNKING_VERSION = "3"
"""Raise it with any change that moves a boundary, or of what loaders read: it belongs to each document's fingerprint."""
MIN_SIZE = 256
MAX_SIZE = 1_024
MAX_PREFIX = 48
"""Tokens of a chunk's prefix at most; a longer one is cut."""
MAX_CHARACTERS_PER_TOKEN = 32
"""A core holds at most `size` times this many characters: the tokenizer makes one token of a word of over 100 letters."""

_PIECE = 32  # tokens of the pieces in which a long sentence is offered to a chunk
_Heading = tuple[int, int, str]
# How good a place before a unit is to cut, best last.
_WORD, _AFTER_HEADING, _SENTENCE, _PARAGRAPH, _SUBSECTION, _SECTION = range(6)


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """Where a chunk stands in the document's text; offsets as in `graphrag.types.Chunk`."""

    position: int
    start: int
    core_start: int
    end: int
    heading: tuple[str, ...]
    """Headings in force where the core's text begins, outermost first, and `table_head`, if there is one."""
    page: int | None
    """Page on which the core's text begins, from 1; None without pages."""
    prefix: str
    """What stands before the text when it is embedded: "title > heading > subheading"; may be empty."""
    token_count: int
    """Prefix, text with its overlap, and the two special tokens; never above `size`."""
    sentences: tuple[Span, ...]
    """Those that begin in the core; one that a boundary cuts is a sentence on each side."""
    headings_within: tuple[tuple[int, tuple[str, ...]], ...]
    pages_within: tuple[tuple[int, int], ...]
    table_head: str = ""
    """The first row of the table in the middle of which the core begins: without it nothing says what the columns are."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a piece of one that is too long: what a chunk takes or leaves."""

    start: int
    end: int
    first: int  # index of its first token
    boundary: int


def split(
    text: str,
    *,
    title: str,
    headings: Sequence[tuple[int, int, str]],
    pages: Sequence[int],
    size: int = 256,
    overlap: int = 32,
) -> list[ChunkSpan]:
    """Cut a document into chunks of at most `size` tokens, in linear time.

    A heading of level 1 or 2 begins a new chunk unless the current one has less than a quarter of `size`. A longer
    section is cut before a lower heading, else between paragraphs, else between sentences, else (in a sentence of more
    than half a chunk) between words. Text that fits is cut for no other reason.

    Args:
        text: the document's text; all offsets are code points into it.
        title: the document's title, may be empty.
        headings: (start offset, level from 1, text), ascending by offset.
        pages: ascending start offsets of the pages; empty where the format has none.
        size: tokens of the shipped tokenizer, MIN_SIZE to MAX_SIZE, the prefix and two special tokens included. 256 is
            one pass of the local model.
        overlap: tokens of whole preceding sentences that a chunk may repeat, 0 to `size` / 4. Never across a heading.

    Returns:
        Chunks in order, whose cores [core_start, end) cover the text once; none for blank text.

    Raises:
        ConfigError: `size` or `overlap` is out of range, or the tokenizer is not installed.
        ModelError: the tokenizer's file is damaged.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ConfigError(f"chunk size {size} is out of range: use {MIN_SIZE} to {MAX_SIZE} tokens")
    if not 0 <= overlap <= size // 4:
        raise ConfigError(
            f"chunk overlap {overlap} is out of range: use 0 to {size // 4} tokens, a quarter of the size"
        )
    sentences = _cut_at_headings(text, split_sentences(text), headings)
    if not sentences:
        return []
    tokenizer = open_tokenizer()
    # A sentence may begin within an overlong word; tokens must not span its beginning.
    tokens = tokenizer.tokenize(text, [start for start, _ in sentences if start and not text[start - 1].isspace()])
    units = _units(text, sentences, tokens, headings, longest=(size - SPECIAL_TOKENS - MAX_PREFIX) // 2)
    outline = _Outline(tokenizer, title, headings, dict(_continued_rows(text, units)))
    packer = _Packer(units, len(tokens), outline, size, overlap)

    chunks: list[ChunkSpan] = []
    first = previous = 0
    while first < len(units):
        overlapping = packer.overlap_start(previous, first)
        last = packer.cut(first, overlapping)
        path, prefix, prefix_tokens = outline.at(units[first].start)
        table_head, table_end = outline.table_at(units[first].start)
        core_start, end = units[first].start if first else 0, units[last].start if last < len(units) else len(text)
        chunks.append(
            ChunkSpan(
                position=len(chunks),
                start=units[overlapping].start if first else 0,
                core_start=core_start,
                end=end,
                heading=path,
                page=max(1, bisect_right(pages, units[first].start)) if pages else None,
                prefix=prefix,
                token_count=prefix_tokens + packer.tokens(overlapping, last) + SPECIAL_TOKENS,
                sentences=_sentences(units[first:last]),
                headings_within=outline.within(core_start, end, after_table=table_end),
                table_head=table_head,
                pages_within=tuple((at, number) for number, at in enumerate(pages, 1) if core_start < at < end),
            )
        )
        previous, first = first, last
    return chunks


def _cut_at_headings(text: str, sentences: list[Span], headings: Sequence[_Heading]) -> list[Span]:
    """Cut sentences where a heading begins and where its line ends."""
    cuts: list[int] = []
    for start, _, _ in headings:
        line_end = text.find("\n", start)
        cuts += [start, line_end if line_end >= 0 else len(text)]
    cuts = sorted(set(cuts))
    result: list[Span] = []
    for start, end in sentences:
        edges = [start, *cuts[bisect_right(cuts, start) : bisect_left(cuts, end)], end]
        for left, right in pairwise(edges):
            piece = text[left:right]
            begin = left + len(piece) - len(piece.lstrip())
            if piece := piece.strip():
                result.append((begin, begin + len(piece)))
    return result


def _units(
    text: str, sentences: Sequence[Span], tokens: Tokens, headings: Sequence[_Heading], longest: int
) -> list[_Unit]:
    """Sentences with their tokens and boundaries; those of more than `longest` tokens in pieces."""
    starts = np.array([start for start, _ in sentences], dtype=np.int64)
    firsts = [*np.searchsorted(tokens.starts, starts).tolist(), len(tokens)]
    firsts[0] = 0
    boundaries = [_PARAGRAPH] + [
        _PARAGRAPH if text.count("\n", previous[1], current[0]) > 1 else _SENTENCE
        for previous, current in pairwise(sentences)
    ]
    _mark_headings(text, starts.tolist(), headings, boundaries)
    units: list[_Unit] = []
    for index, (start, end) in enumerate(sentences):
        first, last = firsts[index], firsts[index + 1]
        boundary = boundaries[index]
        while last - first > longest:
            # No word has more than 100 tokens, so that a word begins within any run of `longest`.
            word_starts = np.flatnonzero(tokens.word_starts[first + 1 : first + longest])
            if not len(word_starts):
                break
            cut = first + 1 + int(word_starts[max(0, np.searchsorted(word_starts, _PIECE, side="right") - 1)])
            begin = int(tokens.starts[cut])
            units.append(_Unit(start, start + len(text[start:begin].rstrip()), first, boundary))
            start, first, boundary = begin, cut, _WORD
        units.append(_Unit(start, end, first, boundary))
    return units


def _continued_rows(text: str, units: Sequence[_Unit]) -> Iterator[tuple[int, tuple[str, int]]]:
    """By where it begins: each row of a table after the first, with the table's head and where what follows on the table begins."""
    spans = [(unit.start, unit.end) for unit in units]
    for rows in tables_of(text, spans):
        head = text[slice(*spans[rows[0]])]
        if len(head) <= MAX_HEAD and may_be_head([head[start:end] for start, end in cells_of(head)]):
            after = spans[rows.stop][0] if rows.stop < len(spans) else len(text)
            yield from ((spans[row][0], (head, after)) for row in rows[1:])


def _mark_headings(text: str, starts: Sequence[int], headings: Sequence[_Heading], boundaries: list[int]) -> None:
    for start, level, _ in headings:
        index = bisect_left(starts, start)
        if index == len(starts):
            return
        boundaries[index] = max(_SECTION if level <= 2 else _SUBSECTION, boundaries[index])
        line_end = text.find("\n", starts[index])
        while (index := index + 1) < len(starts):
            boundaries[index] = _AFTER_HEADING
            if line_end < 0 or starts[index] > line_end:
                break


def _sentences(units: Sequence[_Unit]) -> tuple[Span, ...]:
    """The sentences of one core, pieces of a sentence joined again."""
    spans: list[Span] = []
    for unit in units:
        if spans and unit.boundary == _WORD:
            spans[-1] = (spans[-1][0], unit.end)
        else:
            spans.append((unit.start, unit.end))
    return tuple(spans)


class _Outline:
    """The heading path in force at each offset, and the prefix made of it."""

    def __init__(
        self, tokenizer: Tokenizer, title: str, headings: Sequence[_Heading], rows: Mapping[int, tuple[str, int]]
    ) -> None:
        self._tokenizer = tokenizer
        self._rows = rows
        self._title = " ".join(title.split())
        self._starts = [start for start, _, _ in headings]
        self._paths: list[tuple[str, ...]] = [()]
        open_headings: list[tuple[int, str]] = []
        for _, level, heading in headings:
            while open_headings and open_headings[-1][0] >= level:
                open_headings.pop()
            open_headings.append((level, " ".join(heading.split())))
            self._paths.append(tuple(name for _, name in open_headings if name))
        self._prefixes: dict[tuple[str, ...], tuple[str, int]] = {}

    def at(self, offset: int) -> tuple[tuple[str, ...], str, int]:
        """Path, prefix and the prefix's tokens at an offset."""
        head, _ = self.table_at(offset)
        path = (*self._paths[bisect_right(self._starts, offset)], *filter(None, (head,)))
        if path not in self._prefixes:
            self._prefixes[path] = chunk_prefix(self._title, path, self._tokenizer)
        return path, *self._prefixes[path]

    def table_at(self, offset: int) -> tuple[str, int]:
        """The head of the table of which a row that is not its first begins at an offset, and where the table ends; else none."""
        return self._rows.get(offset, ("", 0))

    def within(self, start: int, end: int, *, after_table: int = 0) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Headings that begin in a range, with the path in force from there; so does what follows on a table that goes on in it."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        found = [(self._starts[index], self._paths[index + 1]) for index in range(first, last)]
        if start < after_table < end and (not found or after_table < found[0][0]):
            found.insert(0, (after_table, self._paths[first]))
        return tuple(found)


def chunk_prefix(title: str, path: tuple[str, ...], tokenizer: Tokenizer) -> tuple[str, int]:
    """What stands before a chunk's text for the encoder, "title > heading", and how many tokens it has."""
    title = " ".join(title.split())
    repeated = bool(path) and path[0].casefold() == title.casefold()
    prefix = " > ".join(path if repeated or not title else (title, *path))
    tokens = tokenizer.tokenize(prefix)
    if len(tokens) <= MAX_PREFIX:
        return prefix, len(tokens)
    # Cut between words; a first word that is longer has the same tokens at its beginning when cut within.
    word_starts = np.flatnonzero(tokens.word_starts[: MAX_PREFIX + 1])
    kept = int(word_starts[-1]) or MAX_PREFIX
    prefix = prefix[: int(tokens.ends[kept - 1])].rstrip(" >")
    return prefix, tokenizer.count(prefix)


class _Packer:
    """Chooses the units of each chunk."""

    def __init__(self, units: Sequence[_Unit], token_total: int, outline: _Outline, size: int, overlap: int) -> None:
        self._units = units
        self._firsts = [*(unit.first for unit in units), token_total]
        self._outline = outline
        self._size = size
        self._overlap = overlap
        self._next_section = [len(units)] * (len(units) + 1)  # by unit: the next after it that begins a section
        for index in range(len(units) - 2, -1, -1):
            begins = units[index + 1].boundary == _SECTION
            self._next_section[index] = index + 1 if begins else self._next_section[index + 1]

    def tokens(self, first: int, last: int) -> int:
        """Tokens of the units from `first` up to `last`, exclusive."""
        return self._firsts[last] - self._firsts[first]

    def overlap_start(self, previous: int, first: int) -> int:
        """First unit of the overlap of a chunk whose core begins at `first`; `first` itself for none."""
        units = self._units
        if units[first].boundary in (_WORD, _AFTER_HEADING, _SUBSECTION, _SECTION):
            return first
        for index in range(first - 1, previous - 1, -1):
            far = units[first].start - units[index].start > self._overlap * MAX_CHARACTERS_PER_TOKEN
            whole = units[index].boundary not in (_WORD, _SUBSECTION, _SECTION)
            if far or not whole or self.tokens(index, first) > self._overlap:
                return index + 1
        return previous

    def cut(self, first: int, overlapping: int) -> int:
        """Where the core that begins at `first` ends: the index after its last unit."""
        units, quarter = self._units, self._size // 4
        _, _, prefix_tokens = self._outline.at(units[first].start)
        budget = self._size - SPECIAL_TOKENS - prefix_tokens - self.tokens(overlapping, first)
        longest = self._size * MAX_CHARACTERS_PER_TOKEN
        fits = self.tokens(first, len(units)) <= budget
        for last in range(first + 1, len(units)):
            before, after = self.tokens(first, last), self.tokens(last, len(units))
            # A small last section stays with what is before it.
            if units[last].boundary == _SECTION and before >= quarter and not (fits and after < quarter):
                return last
            if self.tokens(first, last + 1) > budget or units[last].end - units[first].start > longest:
                return self._best(first, last, budget)
        return len(units)

    def _best(self, first: int, limit: int, budget: int) -> int:
        """The best cut after `first` and not after `limit`, beyond which nothing fits: the best boundary, then the last."""
        quarter = self._size // 4
        section = self._next_section[limit - 1]
        # Leave a quarter for the chunk after this one, if the section's rest allows.
        most = max(budget // 2, min(budget, self.tokens(first, section) - quarter))
        for least, worst in ((budget // 2, _SENTENCE), (quarter, _SENTENCE), (budget // 2, _WORD), (0, _WORD)):
            best = 0
            for index in range(limit, first, -1):
                count = self.tokens(first, index)
                if count < least:
                    break
                boundary = self._units[index].boundary
                if count <= most and boundary >= worst and (not best or boundary > self._units[best].boundary):
                    best = index
            if best:
                return best
        return limit
