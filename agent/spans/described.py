"""What somebody or something is, as the first sentence of the passage about it describes it.

"What is Enid Garth's occupation?" is answered by "crime writer" in "Enid Garth was a British crime writer"; genres and sports likewise.
"""

import re
from collections.abc import Sequence

from agent.spans.candidates import ANSWERING, Found
from agent.spans.works import OF_GENRE, PLAIN
from graphrag.analysis import normalise
from graphrag.lives import life
from graphrag.retrieval.ledger import Ledger
from graphrag.types import Chunk, Hit, Span

_NOUN = r"(occupation|profession|genre|sport)"
_ASKING = (
    re.compile(rf"\s*what\s+(?:is|was)\s+(?:the\s+)?(?P<name>[^?]{{2,80}}?)['’]s?\s+{_NOUN}\s?\?*\s*$", re.IGNORECASE),
    re.compile(rf"\s*what\s+(?:is|was)\s+the\s+{_NOUN}\s+of\s+(?P<name>[^?]{{2,80}}?)\s?\?*\s*$", re.IGNORECASE),
    re.compile(
        rf"\s*what\s+{_NOUN}\s+(?:is|was|are|were|does|do|did)\s+(?P<name>[^?]{{2,80}}?)(?:\s+(?:play|do|practi[cs]e|compete\s+in))?\s?\?*\s*$",
        re.IGNORECASE,
    ),
)
# Up to what says more than what it is: whence, by whom, when.
_IS = re.compile(
    r"\s(?:is|was|are|were)\s+(?:an?|the)\s+(?P<phrase>[^.,;()]{3,80}?)"
    r"(?=[.,;(]|\s(?:from|of|for|by|with|in|on|at|to|about|who|whom|whose|which|that|where|based|born|directed|written|produced|formed"
    r"|released|recorded|published|designed|developed|created|starring|set|known|playing|and\s+(?:the|his|her|its))\s)"
)
_WORD = re.compile(r"\S+")
_PERSON = re.compile(r"\b(?:he|she|his|her)\b", re.IGNORECASE)
_PLAYED = re.compile(r"(?P<sport>[a-z]+(?:\s[a-z]+)?)\s+player\b")
_NOT_WHAT = frozenset(
    """
    former retired professional amateur late noted prominent famous leading renowned independent contemporary debut studio live second
    third fourth fifth sixth seventh eighth ninth tenth first final last only upcoming eponymous self-titled female male young best-selling
    """.split()
)
"""Words of a description that say neither an occupation nor a genre."""


def asks_what_it_is(question: str) -> "re.Match[str] | None":
    """A question for somebody's occupation, or a genre or a sport: no name, date or number answers it."""
    return next((match for pattern in _ASKING if (match := pattern.match(question))), None)


def described(ledger: Ledger, hits: Sequence[Hit], asking: "re.Match[str]") -> Found | None:
    """The words for what is asked; None where the one passage about it does not say.

    Args:
        asking: see `asks_what_it_is`.
    """
    key, noun = normalise(asking["name"]), next(group for group in asking.groups() if group and group != asking["name"])
    chunks = [ledger.candidates[hit.chunk_id].chunk for hit in hits[:ANSWERING]]
    about = [chunk for chunk in chunks if chunk.position == 0 and normalise(chunk.title) == key]
    if len(about) != 1:
        return None
    (chunk,) = about
    said = description(chunk)
    span = _told(chunk, said.span("phrase"), noun.lower()) if said is not None else None
    if span is None:
        return None
    begin, finish = span
    return Found(chunk, chunk.start + begin, chunk.start + finish, normalise(chunk.text[begin:finish]), "")


def description(chunk: Chunk) -> "re.Match[str] | None":
    """Where the first sentence says what its subject is: its `phrase` is a noun with what stands before it."""
    start, end = chunk.spans[0]
    return _IS.search(chunk.text, start - chunk.start, end - chunk.start)


def _told(chunk: Chunk, phrase: Span, noun: str) -> Span | None:
    """The words of a description that are what is asked for."""
    if noun == "sport":
        played = _PLAYED.search(chunk.text, *phrase)
        start = next((w.start() for w in _WORD.finditer(chunk.text, *phrase) if not _is_aside(w.group())), phrase[1])
        return (max(start, played.start()), played.end("sport")) if played else None
    words = list(_WORD.finditer(chunk.text, *phrase))
    while words and _is_aside(words[0].group()):
        words.pop(0)
    if noun == "genre":
        if not words or words[-1].group().lower() not in OF_GENRE:
            return None  # "a film director"
        while words and words[-1].group().lower() in PLAIN:
            words.pop()
        if len(words) == 1 and words[0].group().lower() in OF_GENRE:
            return None
    elif life(chunk)[0] is None and _PERSON.search(chunk.text) is None:
        return None
    return (words[0].start(), words[-1].end()) if words else None


def _is_aside(word: str) -> bool:
    """Whether it is a year, a nationality or another word before what it is."""
    return word[0].isdigit() or word[0].isupper() or word in _NOT_WHAT
