"""Slips of the pen in a question: a word that nothing knows, one letter off a word that the documents hold; and compounds that these write
in another way ("cutoff", "cut-off").

After Peter Norvig, "How to Write a Spelling Corrector" (2007): of all words one edit away, the one that is held most often. Only
words in lower case are looked at, since names may be new, and only those that the tokenizer has no token of its own for: it knows
some 30,000 English words, which the documents need not hold.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence

from graphrag.analysis import terms
from graphrag.embedding.tokenizer import open_tokenizer
from graphrag.stores.base import GraphStore
from graphrag.types import Scope, TermStatistics

MIN_LETTERS = 5
MAX_LETTERS = 20
MIN_CHANGED = 7
"""Letters of a word in which one may be changed for another: of shorter words too many are others than was meant."""
MAX_SLIPS = 3
"""With more unknown words it is another language or no language."""
_WORD = re.compile(rf"\b[a-z]{{{MIN_LETTERS},{MAX_LETTERS}}}\b")
_COMPOUND = re.compile(r"\b(?<!-)([a-z]{3,})(-?)(off|out|up|in|down|back|by)\b(?!-)")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


async def corrected(store: GraphStore, scope: Scope, text: str, statistics: TermStatistics) -> str:
    """The question with its slips put right; the same text if there is none.

    Args:
        store: one read more where there may be a slip.
        scope: whose passages say which words there are.
        text: the question.
        statistics: of its terms.
    """
    unknown = [word for word in dict.fromkeys(_WORD.findall(text)) if _unheld(word, statistics.frequency)]
    near = await asyncio.to_thread(_near, unknown) if unknown else {}
    otherwise = _otherwise(text, statistics.frequency)
    if not near and not otherwise:
        return text
    stems = {stem for words in near.values() for stem in words.values()}.union(*map(terms, otherwise.values()))
    held = (await store.term_statistics(scope, sorted(stems))).frequency
    for word, other in otherwise.items():
        if not _unheld(other, held):
            near.pop(word, None)
            text = re.sub(rf"(?<![\w-]){word}(?![\w-])", other, text)
    tokenizer = open_tokenizer()
    for word, words in near.items():
        # The store has stems only, and "rewritted" has one that is held: where the slip is in the ending, what is read has to be
        # a word that the tokenizer knows. Of several with one stem, the first in the alphabet.
        known = {one for one, stem in words.items() if held.get(stem, 0) and tokenizer.count(one) == 1}
        likely = [one for one, stem in words.items() if one in known or _slips_in(stem, word, one)]
        best = max(sorted(likely), key=lambda one: (held.get(words[one], 0), one in known), default=word)
        if best != word and held.get(words[best], 0):
            text = re.sub(rf"\b{word}\b", best, text)
    return text


def _slips_in(stem: str, word: str, meant: str) -> bool:
    """Whether the slip is in the stem of what was meant: its ending stands as it was written."""
    return not word.startswith(stem) and word.endswith(meant[len(stem) :])


def _unheld(word: str, frequency: Mapping[str, int]) -> bool:
    stems = terms(word)
    return bool(stems) and not any(frequency.get(stem, 0) for stem in stems)


def _otherwise(text: str, frequency: Mapping[str, int]) -> dict[str, str]:
    """Compounds of a verb and a particle as they may be written, too: without the hyphen that they have, or with one where nothing holds them."""
    found: dict[str, str] = {}
    for match in _COMPOUND.finditer(text):
        verb, hyphen, particle = match.groups()
        if hyphen or _unheld(match.group(), frequency):
            found[match.group()] = f"{verb}{particle}" if hyphen else f"{verb}-{particle}"
    return found


def _near(unknown: Sequence[str]) -> dict[str, dict[str, str]]:
    """The stem of each word near one of the unknown words, by both. Blocks for some milliseconds."""
    tokenizer = open_tokenizer()
    slips = [word for word in unknown if tokenizer.count(word) > 1]
    if len(slips) > MAX_SLIPS:
        return {}
    found: dict[str, dict[str, str]] = {}
    for word in slips:
        stems = {one: terms(one) for one in _edits(word)}
        found[word] = {one: stem[0] for one, stem in stems.items() if len(stem) == 1}
    return found


def _edits(word: str) -> Iterator[str]:
    """Words with a letter less, more or changed, or two letters exchanged, the first letter staying."""
    for place in range(1, len(word) + 1):
        before, after = word[:place], word[place:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in _LETTERS:
            yield before + letter + after
            if after and len(word) >= MIN_CHANGED:
                yield before + letter + after[1:]
