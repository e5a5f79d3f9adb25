"""Chunks: their limits, how they follow the document's structure, and that nothing is lost."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphrag.chunking import MAX_PREFIX, ChunkSpan, split
from graphrag.embedding.tokenizer import open_tokenizer
from graphrag.errors import ConfigError
from graphrag.sentences import split_sentences

SENTENCE = "The calibration team keeps the thermometer in the northern laboratory. "


def headings(text: str) -> list[tuple[int, int, str]]:
    return [(m.start(), len(m[1]), m[2]) for m in re.finditer(r"^(#{1,6}) +(.+)$", text, re.MULTILINE)]


def cut(text: str, title: str = "", size: int = 256, overlap: int = 32) -> list[ChunkSpan]:
    return split(text, title=title, headings=headings(text), pages=[], size=size, overlap=overlap)


def count(chunk: ChunkSpan, text: str) -> int:
    return open_tokenizer().count(f"{chunk.prefix}\n{text[chunk.start : chunk.end]}") + 2


def check(text: str, chunks: list[ChunkSpan], size: int, overlap: int) -> None:
    """What holds for the chunks of any text."""
    assert bool(chunks) == bool(text.strip())
    position = 0
    for index, chunk in enumerate(chunks):
        assert chunk.position == index
        assert chunk.start <= chunk.core_start == position < chunk.end
        assert count(chunk, text) <= chunk.token_count <= size
        assert open_tokenizer().count(text[chunk.start : chunk.core_start]) <= overlap
        assert all(chunk.core_start <= start < end <= chunk.end for start, end in chunk.sentences)
        assert all(text[start:end] == text[start:end].strip() != "" for start, end in chunk.sentences)
        position = chunk.end
    if chunks:
        assert position == len(text)
    covered = {offset for chunk in chunks for start, end in chunk.sentences for offset in range(start, end)}
    assert len(covered) == sum(end - start for chunk in chunks for start, end in chunk.sentences)
    assert all(offset in covered for offset, character in enumerate(text) if not character.isspace())


def test_text_that_fits_is_one_chunk_with_all_its_sentences() -> None:
    text = "One is here. Two is there.\n\nThree is nowhere."
    (chunk,) = cut(text, title="Where")
    assert (chunk.start, chunk.core_start, chunk.end) == (0, 0, len(text))
    assert (chunk.prefix, chunk.heading, chunk.page) == ("Where", (), None)
    assert chunk.sentences == tuple(split_sentences(text))
    assert chunk.token_count == count(chunk, text)


def test_text_of_exactly_the_size_is_one_chunk_and_one_token_more_is_two() -> None:
    text = "word " * 254
    assert [chunk.token_count for chunk in cut(text)] == [256]
    assert len(cut(text + "word")) == 2


def test_blank_text_has_no_chunks() -> None:
    assert cut("") == cut(" \n\n ") == []


def test_a_section_of_a_quarter_chunk_or_more_ends_at_the_next_heading() -> None:
    section = SENTENCE * 8
    text = f"# Guide\n\n## Setup\n\n{section}\n\n## Use\n\n{section}\n\n### Details\n\nShort one.\n"
    first, second = cut(text, title="guide")
    assert text[second.core_start :].startswith("## Use")
    assert second.start == second.core_start
    assert (first.heading, second.heading) == (("Guide",), ("Guide", "Use"))
    assert second.prefix == "Guide > Use"


def test_small_neighbouring_sections_share_a_chunk() -> None:
    text = "".join(f"## Question {number}\n\nA short answer.\n\n" for number in range(6))
    assert len(cut(text)) == 1


def test_a_long_section_is_cut_between_paragraphs_and_not_after_its_heading() -> None:
    paragraph = SENTENCE * 6
    text = "## Long\n\n" + "\n\n".join([paragraph.strip()] * 8)
    chunks = cut(text, overlap=0)
    assert len(chunks) > 1
    assert all(text[chunk.end - 2 : chunk.end] == "\n\n" for chunk in chunks[:-1])
    assert all(len(chunk.sentences) > 1 for chunk in chunks)


def test_a_chunk_repeats_whole_preceding_sentences_up_to_the_overlap() -> None:
    text = SENTENCE * 60
    chunks = cut(text)
    for chunk in chunks[1:]:
        assert text[chunk.start : chunk.core_start] == SENTENCE * 2
    assert all(chunk.start == chunk.core_start for chunk in cut(text, overlap=10))


def test_a_sentence_longer_than_a_chunk_is_cut_between_words_into_two_spans() -> None:
    text = "alpha " * 240 + "omega."
    chunks = cut(text, title="a title " * 10)
    assert len(chunks) == 2
    assert [len(chunk.sentences) for chunk in chunks] == [1, 1]
    assert {text[start:end].split()[0] for chunk in chunks for start, end in chunk.sentences} == {"alpha"}
    check(text, chunks, 256, 32)


def test_the_page_is_that_of_the_first_visible_character() -> None:
    text = "\n\n" + SENTENCE * 20 + "\n\n" + SENTENCE * 20
    second_page = text.rindex("\n\n") + 2
    chunks = split(text, title="", headings=[], pages=[0, 1, second_page], overlap=0)
    assert [chunk.page for chunk in chunks] == [2 if chunk.core_start < second_page else 3 for chunk in chunks]
    assert chunks[-1].page == 3


def test_a_table_that_goes_on_has_its_head_among_the_headings() -> None:
    rows = "\n".join(f"Latch number {n} | EUR {n} | shelf {n}" for n in range(60))
    text = f"# Parts\n\nPart | Price | Place\n{rows}\n\nAll prices are net. {SENTENCE}"
    first, *others = cut(text, title="Stock")

    assert first.heading == ("Parts",)
    assert len(others) == 2
    assert all(chunk.heading == ("Parts", "Part | Price | Place") for chunk in others)
    assert all(chunk.prefix == "Stock > Parts > Part | Price | Place" for chunk in others)
    assert others[-1].headings_within == ((text.index("All prices"), ("Parts",)),)
    check(text, [first, *others], 256, 32)


def test_the_first_of_two_columns_of_keys_is_no_head_of_a_table_that_goes_on() -> None:
    rows = "\n".join(f"Key number {n} of the cupboard | Ada Pell {n}" for n in range(60))

    assert all(chunk.heading == () for chunk in cut(f"Lead | Tom Reed\n{rows}"))


def test_a_long_prefix_is_cut_between_words() -> None:
    (chunk,) = cut("Short text.", title="incomprehensibilities " * 30)
    assert open_tokenizer().count(chunk.prefix) <= MAX_PREFIX
    assert set(chunk.prefix.split()) == {"incomprehensibilities"}


def test_a_document_without_spaces_is_cut_into_chunks_of_bounded_length() -> None:
    text = "0af3" * 20_000
    chunks = cut(text)
    check(text, chunks, 256, 32)
    assert max(chunk.end - chunk.start for chunk in chunks) <= 256 * 32


@pytest.mark.parametrize(("size", "overlap"), [(255, 0), (1025, 0), (256, 65), (256, -1)])
def test_a_size_or_overlap_out_of_range_is_refused(size: int, overlap: int) -> None:
    with pytest.raises(ConfigError, match="out of range"):
        cut("text", size=size, overlap=overlap)


def test_time_grows_linearly_with_the_text() -> None:
    def seconds(text: str) -> float:
        begin = time.process_time()
        cut(text)
        return time.process_time() - begin

    for text in (f"# Heading\n\n{SENTENCE * 30}\n\n" * 20, "a | b | c\n" * 600):
        seconds(text)
        assert seconds(text * 8) < 8 * 3 * max(seconds(text), 0.02)


PIECES = [
    SENTENCE,
    SENTENCE * 7,
    "\n\n",
    "\n",
    "# Top\n\n",
    "\n## Middle\n",
    "\n### Low\n\n",
    "- item\n",
    "a | b\n",
    "word " * 130,
    "z" * 1_700,
    "数据" * 60,
    "naïve café e\u0301 ",
    "\x00\ufffd",
    "1,2;3 " * 40,
]


@settings(max_examples=150)
@given(
    parts=st.lists(st.sampled_from(PIECES), max_size=25),
    title=st.sampled_from(["", "Top", "A title of some words", "long " * 80]),
    size=st.sampled_from([256, 300, 1024]),
    overlap=st.sampled_from([0, 32, 64]),
)
def test_chunks_cover_the_text_within_their_limits_and_hold_each_sentence_once(
    parts: list[str], title: str, size: int, overlap: int
) -> None:
    text = "".join(parts)
    chunks = cut(text, title=title, size=size, overlap=overlap)
    check(text, chunks, size, overlap)
    assert chunks == cut(text, title=title, size=size, overlap=overlap)
    starts = [start for start, level, _ in headings(text) if level <= 2]
    assert not any(chunk.start < start <= chunk.core_start for chunk in chunks for start in starts)


@settings(max_examples=50)
@given(text=st.text(max_size=400))
def test_any_text_of_up_to_a_chunk_is_one_chunk(text: str) -> None:
    chunks = cut(text)
    check(text, chunks, 256, 32)
    if text.strip() and open_tokenizer().count(text) <= 254 and not headings(text):
        assert len(chunks) == 1
