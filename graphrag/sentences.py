"""Sentence boundaries by rule: no model, a pure function of the text, linear in its length.

Lines decide first (blank lines, list items, table rows, headings and "Label: value" lines stand by themselves), then
punctuation within each paragraph. Written for English; text in other scripts is still cut at its full stops and lines.
"""

import re
from collections.abc import Iterator

from graphrag.types import Span

MAX_SENTENCE = 1_500
"""Characters. A longer run without a boundary is cut at a comma or space, or failing these within a word."""

_HEADING_LENGTH = 60
_LINE = re.compile(r"[^\n\f\v\u2028\u2029]+")
_ITEM = re.compile(r"(?:[-*+•‣◦▪–—]|\(?(?:\d{1,3}|[A-Za-z])[.)]|#{1,6})\s+\S")
_LABEL = re.compile(r"[A-Z][\w/-]*(?: [\w/-]+){0,3}: ")
FIELD_NAME = r"[A-Za-z][\w/.-]*(?: [\w/().-]+){0,3}"
"""What may stand before the colon of a line "key: value", as a pattern."""
_FIELD = re.compile(rf"[^\S\n]*{FIELD_NAME}:(?=\s|$)")
"""What counts as a label, in lower case too, where lines of a block begin so from its first one on: "panel: 7 inch"."""
_STOPS = ".!?…؟۔।॥։።။"
"""Also those of Arabic, Urdu, Hindi, Armenian, Amharic and Burmese."""
# Never from within a run of stops, and without trying shorter ones: a long run would take the square of its length.
_END = re.compile(rf"(?:(?<![{_STOPS}])[{_STOPS}]++(?:[\"'”’»)\]*_]|\[\d+\])*+(?=\s)|[。！？]++[”’」』）]*+)")
_SPACE = re.compile(r"\s+")
_NEXT_WORD = re.compile(r"\w+")
_LAST_WORD = re.compile(r"[^\s(\[\"“”'‘’/—–]*\Z")
_INITIALS = re.compile(r"(?:[A-Za-z]{1,2}\.)+[A-Za-z]{1,2}|[A-Z]")  # "U.S", "Ph.D", "J"
_QUOTED_INITIALS = re.compile(r"\b[A-Z][\w'’-]* [\"“](?:[A-Z]\. ?){1,4}[\"”]\Z")  # Matthew "M." Ward
_ENUMERATOR = re.compile(r"(?:(?:#{1,6}|[-*+•])\s+)?[(\[]?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivxIVX]{1,5})")
_OPENING = frozenset("\"'“‘«([*_•-–—#$€£¿¡")

# Never the end of a sentence: a name, number or example follows.
_TITLES = frozenset(
    """
    mr mrs ms mx messrs dr drs prof rev fr hon pres gov sen rep gen lt col maj capt cpt cmdr adm sgt cpl pvt
    st ste mt e.g i.e eg ie cf vs viz approx ca resp incl excl esp
    """.split()
)
# Not the end if a number follows: "No. 5", "Fig. 2", "Sept. 9".
_BEFORE_NUMBER = frozenset(
    "no nos nr fig figs eq eqs sec sect art arts ch chap p pp par para vol vols ver v tab ref app ex cl ed eds".split()
)
# The end only if a word follows that usually begins a sentence: "Acme Inc. The board ..." but "Acme Inc. Board".
_AMBIGUOUS = frozenset("etc al ibid bldg dept univ est ext ft tel a.m p.m pm".split())
_AMBIGUOUS_CAPITALISED = frozenset(
    """
    Inc Ltd Co Corp Bros LLC PLC Plc GmbH Jr Sr Esq PhD MD Intl Assn Ave Blvd Rd Sq
    Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun
    """.split()
)
_STARTERS = frozenset(
    """
    the this that these those there then they their he his she her it its we our you your if in on at as an and but
    or so for from to by with when while where after before although however since because during both all each
    what who why how which most many some such no not also according here once until another one two three
    """.split()
)


def split_sentences(text: str) -> list[Span]:
    """Cut a text into sentences.

    Returns:
        Ascending, disjoint spans (code points into `text`), each without white space at its ends, none empty, none
        longer than MAX_SENTENCE. Every character that is not white space is in one. Empty for blank text.
    """
    sentences: list[Span] = []
    for left, right in _paragraphs(text):
        begin = left
        for boundary in _boundaries(text, left, right):
            _append(text, begin, boundary, sentences)
            begin = boundary
        _append(text, begin, right, sentences)
    return sentences


def _append(text: str, start: int, end: int, sentences: list[Span]) -> None:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_SENTENCE:
        cut = _cut(text, start, start + MAX_SENTENCE)
        last = cut
        while text[last - 1].isspace():
            last -= 1
        sentences.append((start, last))
        while text[cut].isspace():
            cut += 1
        start = cut
    if start < end:
        sentences.append((start, end))


def _cut(text: str, start: int, limit: int) -> int:
    """Where to cut an overlong run that begins with a character of a word: in its second half, after ';' or ',' best."""
    middle = (start + limit) // 2
    for mark in ("; ", ", ", " "):
        found = text.rfind(mark, middle, limit)
        if found >= 0:
            return found + 1
    for position in range(limit, middle, -1):
        if text[position - 1].isspace():
            return position
    return limit


def _paragraphs(text: str) -> Iterator[Span]:
    """Spans of lines that read on into each other."""
    begin = last_end = -1  # the open paragraph, and where its last line ended
    closed = item = False  # whether the last line ends its paragraph whatever follows; whether it belongs to an item
    fields = False  # whether the lines of this block have been fields so far
    for match in _LINE.finditer(text):
        left, right = match.span()
        line = match.group().strip()
        if not line:
            if begin >= 0:
                yield begin, last_end
            begin, item, fields = -1, False, False
            continue
        row = " | " in line or line[0] == "|"
        gap = begin >= 0 and left - last_end > 1 and text.count("\n", last_end, left) > 1
        if begin < 0 or gap:
            fields = _FIELD.match(line) is not None and _FIELD.match(text, min(right + 1, len(text))) is not None
        else:
            fields = fields and _FIELD.match(line) is not None
        opens = row or fields or bool(_ITEM.match(line)) or bool(_LABEL.match(line))
        # An item goes on in indented lines and in lines that begin in the middle of a sentence.
        leaves_item = item and not text[left].isspace() and not line[0].islower()
        if begin >= 0 and (closed or opens or gap or leaves_item or _after_heading(text, begin, last_end, line)):
            yield begin, last_end
            begin = -1
        if begin < 0:
            begin, item = left, opens
        closed = row or (line[0] == "#" and opens)
        last_end = right
    if begin >= 0:
        yield begin, last_end


def _after_heading(text: str, begin: int, end: int, following: str) -> bool:
    """Whether the paragraph so far is a single short line that reads like a heading, and a new thought follows."""
    if end - begin > _HEADING_LENGTH:
        return False
    line = text[begin:end].strip()
    if "\n" in line or line[-1] in ".!?…,;-–—&(" or not (line[0].isupper() or line[0].isdigit()):
        return False
    return following[0].isupper() or following[0].isdigit() or following[0] in _OPENING


def _boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """Offsets after the punctuation that ends a sentence inside `text[start:end]`, the last sentence's excluded."""
    for match in _END.finditer(text, start, end):
        space = _SPACE.match(text, match.end(), end)
        following = space.end() if space else match.end()
        if following >= end:
            return
        if space is None:
            yield match.end()
            continue
        character = text[following]
        if not (character.isupper() or character.isdigit() or character in _OPENING or _caseless(character)):
            continue
        if match.group()[0] == "." and match.group().count(".") == 1 and _abbreviates(text, start, match, following):
            continue
        yield match.end()


def _caseless(character: str) -> bool:
    """A letter of a script without case: any may begin a sentence."""
    return character.isalpha() and character.lower() == character.upper()


def _abbreviates(text: str, start: int, match: "re.Match[str]", following: int) -> bool:
    """Whether the full stop belongs to the word before it rather than to the sentence."""
    found = _LAST_WORD.search(text[max(start, match.start() - 24) : match.start()])
    word = found.group() if found else ""
    if not word:
        return False
    if match.start() - start < 16 and _ENUMERATOR.fullmatch(text[start : match.start()].strip()):
        return True
    folded = word.casefold()
    if folded in _BEFORE_NUMBER and text[following].isdigit():
        return True
    quoted = match.end() > match.start() + 1
    if quoted and not _QUOTED_INITIALS.search(text[max(start, match.end() - 48) : match.end()]):
        return False  # a closing quote or bracket after the stop: only a title's would go on
    if folded in _TITLES:
        return True
    ambiguous = folded in _AMBIGUOUS or word in _AMBIGUOUS_CAPITALISED
    if quoted or ambiguous or _INITIALS.fullmatch(word):
        next_word = _NEXT_WORD.search(text, following, following + 24)
        return next_word is None or next_word.group().casefold() not in _STARTERS
    return False
