"""Text analysis: the one way in which text becomes terms, keys and phrases, for every store.

- *Terms* feed keyword search: words, case-folded, without stop words, Snowball-stemmed; dates in one form.
- A *key* identifies an entity or title by its normalised surface form.
- *Phrases* are the capitalised runs of a text that may name what another text is about.

All three are made of the same words: those of the folded text (see `fold`), so that a name has one form wherever it
stands and however its accents are encoded.

English only. A change here changes stored forms: raise ANALYSIS_VERSION, which is part of each document's fingerprint, and
SCHEMA_VERSION of both stores, which then make the terms of what they hold anew.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import lru_cache

import Stemmer

from graphrag.dates import DAY_OF_YEAR, spelt_out
from graphrag.types import Span
from graphrag.word_forms import common_form, related_words

ANALYSIS_VERSION = "5"
MAX_PHRASE_TOKENS = 6
_WORD = re.compile(r"\w+")
_TRAILING_PARENTHESIS = re.compile(r"\([^()]*\)\s*$")
_DOTTED_I = re.compile("i\u0307+")  # what "İ" becomes by case-folding: two characters, the second of which is no letter
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)
_WONT = re.compile(r"\bwon(?=['’]t\b)")
_LEADING_ARTICLES = frozenset({"the", "a", "an"})

STOP_WORDS = frozenset(
    """
    a about above across after again against all along also am among amongst an and any anybody anyone anything are
    aren around as at be because been before behind being below beside besides between both but by can cannot could
    couldn d did didn do does doesn doing don down during each either else ever everybody everyone everything few
    for from further had hadn has hasn have haven having he her here hers herself him himself his how however i if
    in into is isn it its itself just ll m ma me more most much must my myself no nor not now nowadays of off on
    once only onto or other our ours ourselves out over own re s same shall shan she should shouldn since so some
    somebody someone something such t than that the their theirs them themselves then there these they this those
    through to too toward towards under until up upon us ve very via was wasn we were weren what when where whether
    which while who whom whose why will with within without would wouldn yet you your yours yourself yourselves
    """.split()
)
"""Function words: never a term, never an entity by themselves."""

# Words that may stand inside a name: "Bank of the West", "Ludwig van Beethoven".
_INNER_WORDS = frozenset(
    "a an and at by da das de del della der des di do dos du el et for from in la las le les los of on or s the to van vom von y zu".split()
)

GENERIC_SUBJECTS = frozenset(
    """
    abstract acknowledgements actions agenda answer answers appendix approach attendees audience author background
    changelog change log changes checklist comment comments conclusion conclusions contact contacts contents context
    date decision decisions definition definitions description details discussion document examples example faq faqs
    features findings frequently asked questions further reading general glossary goal goals home how to index info
    information instructions introduction intro item items key facts lessons learned license links list main menu
    metadata method methods minutes misc miscellaneous name navigation next steps note notes objective objectives
    options other outline outlook overview owner page participants preface prerequisites problem procedure process
    purpose question questions reference references related requirements responsibilities result results review
    revision history risks roles root cause scope section see also setup solution specification specifications
    start status steps summary support table of contents tasks team terms timeline title tl dr to do todo topic topics
    troubleshooting type untitled update updates usage value version versions what went well why
    """.split()
)
"""Words of headings that name no subject. A heading made of these and stop words alone is never a subject."""


@lru_cache(maxsize=1)
def _stemmer() -> "Stemmer.Stemmer":  # pyright: ignore[reportUnknownParameterType] # a C module
    return Stemmer.Stemmer("english")


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    return _stemmer().stemWord(common_form(word))


@lru_cache(maxsize=1)
def _related() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for word, others in related_words().items():
        found.setdefault(_stem(word), set()).update(map(_stem, others))
    return {term: frozenset(terms_) for term, terms_ in found.items()}


@lru_cache(maxsize=1 << 14)
def _family(term: str) -> frozenset[str]:
    """Terms of the words of its family, and of who does what it says, or of what they do: a supervisor supervises."""
    doing = {term[:-2]} if len(term) >= 7 and term.endswith(("er", "or")) else set[str]()
    doers = {f"{term}er", f"{term}or"} if len(term) >= 5 else set[str]()
    return _related().get(term, frozenset()).union(doing, doers)


def held_terms(wanted: Iterable[str], words: Set[str]) -> frozenset[str]:
    """The wanted terms that are among the words, or of whose family one is there: asked for the "maker", "made" will do."""
    return frozenset([term for term in wanted if term in words or not words.isdisjoint(_family(term))])


def fold(text: str) -> str:
    """Text without distinctions that names ignore: NFC, case-folded, and "İ" like "I". Folding twice changes nothing."""
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", _DOTTED_I.sub("i", composed.casefold()))


def _words(folded: str) -> list[str]:
    r"""The `\w+` tokens with a letter or digit."""
    words = _WORD.findall(folded)
    return [word for word in words if word.strip("_")] if "_" in folded else words


def _without_possessives(text: str) -> str:
    # Composed first: an "s" that carries an accent is no possessive.
    return _POSSESSIVE.sub("", text if text.isascii() else unicodedata.normalize("NFC", text))


def terms(text: str) -> list[str]:
    """Analyse text into terms, in order, with repetitions."""
    folded = fold(text)
    if "won" in folded:  # who won has a term in common with who wins, but not with what will not do
        folded = _WONT.sub("will", folded)
    return [_stem(word) for word in _words(spelt_out(folded)) if word not in STOP_WORDS]


def asked_terms(question: str) -> tuple[str, ...]:
    """The distinct terms of a question, in order. A month beside its day is none: a text may have the date in numbers."""
    found = dict.fromkeys(terms(question))
    months = {_stem(match.group(1)) for match in map(DAY_OF_YEAR.fullmatch, found) if match}
    return tuple(term for term in found if term not in months)


def chunk_terms(title: str, heading: Sequence[str], text: str) -> str:
    """The `terms` of a chunk, joined by spaces: its title twice (a title says what the text is about), headings, text."""
    return " ".join([*(terms(title) * 2), *terms(" ".join(heading)), *terms(text)])


def full_key(text: str) -> str:
    """A text as a key is written, but whole, with its brackets and articles: the words of the folded text without possessive 's."""
    return " ".join(_words(fold(_without_possessives(text))))


def normalise(surface: str) -> str:
    """The canonical key of a surface form; empty if nothing is left.

    Drops a trailing "(...)" unless nothing else is there, possessive 's, and leading articles; what remains are the
    words of the folded text, joined by spaces. A key is its own key.
    """
    stripped = _TRAILING_PARENTHESIS.sub("", surface)
    tokens = _words(fold(_without_possessives(stripped))) or _words(fold(_without_possessives(surface)))
    while len(tokens) > 1 and tokens[0] in _LEADING_ARTICLES:
        tokens = tokens[1:]
    return " ".join(tokens)


def is_subject_key(key: str) -> bool:
    """Whether a title or heading key can be a subject: at least 3 characters, a letter, and not made of generic words."""
    words = key.split()
    return (
        len(key) > 2
        and any(character.isalpha() for character in key)
        and not all(word in STOP_WORDS or word in GENERIC_SUBJECTS or word.isdigit() for word in words)
    )


def is_entity_key(key: str) -> bool:
    """Whether a key can be an entity: a letter, no stop word, and 3 characters or a digit."""
    return any(character.isalpha() for character in key) and not _says_little(key)


def _says_little(key: str) -> bool:
    """Whether a key is a stop word, or shorter than 3 characters and not of a letter and a digit ("s3")."""
    if len(key) > 2:
        return key in STOP_WORDS
    return not (any(character.isalpha() for character in key) and any(character.isdigit() for character in key))


def phrases(text: str, sentences: Sequence[Span], offset: int = 0) -> dict[str, int]:
    """Runs of 1 to 6 tokens that start and end capitalised or with a digit; inner tokens may be small words.

    Args:
        text: the characters from `offset` on.
        sentences: ascending spans, in the same coordinates as `offset`; text outside them is passed over.
        offset: where `text` begins.

    Returns:
        Keys in ascending order, each with the sentences that hold it: bit i stands for the sentence at i. Single-token phrases
        are no stop words and have 3 or more characters, or a letter and a digit.
    """
    found: dict[str, int] = {}
    for index, (start, end) in enumerate(sentences):
        for key in _sentence_phrases(text[start - offset : end - offset]):
            found[key] = found.get(key, 0) | 1 << index
    return dict(sorted(found.items()))


def _sentence_phrases(sentence: str) -> set[str]:
    folded, strong = _tokens(_without_possessives(sentence))
    keys: set[str] = set()
    for first in range(len(folded)):
        # A leading article is dropped from keys, so a run starting with one is found from its second token.
        if not strong[first] or folded[first] in _LEADING_ARTICLES:
            continue
        for last in range(first, min(first + MAX_PHRASE_TOKENS, len(folded))):
            if strong[last]:
                if first == last and _says_little(folded[first]):
                    continue
                keys.add(" ".join(folded[first : last + 1]))
            elif folded[last] not in _INNER_WORDS:
                break
    return keys


def _tokens(text: str) -> tuple[list[str], list[bool]]:
    """The words of the folded text, and which of them begin with a capital or a digit in the text as it is."""
    folded = _words(fold(text))
    tokens = _words(text)
    if not text.isascii() and [fold(token) for token in tokens] != folded:
        return _aligned_tokens(text)
    return folded, [token[0].isupper() or token[0].isdigit() for token in tokens]


def _aligned_tokens(text: str) -> tuple[list[str], list[bool]]:
    """`_tokens` where folding moves a word's bounds (an accent that only the small letter is composed with)."""
    # One letter with its accents at a time: folding never reaches beyond them.
    letters: list[str] = []
    for character in text:
        if letters and unicodedata.combining(character):
            letters[-1] += character
        else:
            letters.append(character)
    pieces = [fold(letter) for letter in letters]
    origin = [letter[0] for letter, piece in zip(letters, pieces, strict=True) for _ in piece]
    matches = [match for match in _WORD.finditer("".join(pieces)) if match.group().strip("_")]
    strong = [origin[match.start()].isupper() or origin[match.start()].isdigit() for match in matches]
    return [match.group() for match in matches], strong


def question_phrases(question: str) -> list[str]:
    """Keys a question may name: runs of 1 to 6 tokens, longest first, then in order, without repetitions.

    Case plays no part, since people type names in lower case: "acme" is as good as "Acme". Left out are runs that begin
    with an article, runs that begin and end with a stop word, and single tokens of fewer than 3 characters, unless they
    hold a letter and a digit.
    """
    folded = _words(fold(_without_possessives(question)))
    found: dict[str, None] = {}
    for length in range(min(MAX_PHRASE_TOKENS, len(folded)), 0, -1):
        for first in range(len(folded) - length + 1):
            run = folded[first : first + length]
            if length == 1 and _says_little(run[0]):
                continue
            if run[0] in _LEADING_ARTICLES or (run[0] in STOP_WORDS and run[-1] in STOP_WORDS):
                continue
            found[" ".join(run)] = None
    return list(found)


def longest_matches(
    phrases: Mapping[str, int], matching: Iterable[str], among: Iterable[str] | None = None
) -> set[str]:
    """Of the phrases of one chunk that match something, those not covered by a longer one that matches too.

    Args:
        phrases: those of the chunk, as `phrases` gives them.
        matching: the phrase keys that match; others in it are ignored.
        among: those of them that are asked about; all by default.

    A phrase is covered when one longer match contains it as a run of whole tokens and stands in every sentence in which
    the phrase stands. Several longer matches that do so only between them do not cover it.
    """
    padded = {key: f" {key} " for key in matching if key in phrases}
    asked = padded.keys() if among is None else padded.keys() & among
    # What stands in this once is in no other key: one search instead of one for each pair.
    every = "\n".join(padded.values())
    return {
        key
        for key in asked
        if every.count(padded[key]) == 1
        or not any(
            padded[key] in text and longer != key and not phrases[key] & ~phrases[longer]
            for longer, text in padded.items()
        )
    }
