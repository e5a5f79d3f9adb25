"""Text analysis: the one way in which text becomes terms, keys and phrases, for every store.

- *Terms* feed keyword search: words, case-folded, without stop words, Snowball-stemmed.
- A *key* identifies an entity or title by its normalised surface form.
- *Phrases* are the capitalised runs of a text that may name what another text is about.

English only. A change here changes stored forms: raise ANALYSIS_VERSION, which is part of each document's fingerprint.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

import Stemmer

from graphrag.types import Phrase, Span

ANALYSIS_VERSION = "1"
MAX_PHRASE_TOKENS = 6
_WORD = re.compile(r"\w+")
_TRAILING_PARENTHESIS = re.compile(r"\s*\([^()]*\)\s*$")
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)
_LEADING_ARTICLES = frozenset({"the", "a", "an"})

STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are aren as at be because been before being below between
    both but by can cannot could couldn d did didn do does doesn doing don down during each either else ever few for
    from further had hadn has hasn have haven having he her here hers herself him himself his how however i if in into
    is isn it its itself just ll m ma me more most much must my myself no nor not now of off on once only or other our
    ours ourselves out over own re s same shall shan she should shouldn so some such t than that the their theirs them
    themselves then there these they this those through to too under until up upon us ve very was wasn we were weren
    what when where whether which while who whom whose why will with won would wouldn yet you your yours yourself
    yourselves
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
def _stemmer() -> "Stemmer.Stemmer":
    return Stemmer.Stemmer("english")


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    return _stemmer().stemWord(word)


def terms(text: str) -> list[str]:
    """Analyse text into terms, in order, with repetitions."""
    return [_stem(word) for word in _WORD.findall(text.casefold()) if word not in STOP_WORDS]


def chunk_terms(title: str, heading: Sequence[str], text: str) -> str:
    """The `terms` of a chunk, joined by spaces: its title twice (a title says what the text is about), headings, text."""
    return " ".join([*(terms(title) * 2), *terms(" ".join(heading)), *terms(text)])


def normalise(surface: str) -> str:
    """The canonical key of a surface form; empty if nothing is left.

    Drops a trailing "(...)", possessive 's, and leading articles; case-folds; keeps `\\w+` tokens joined by spaces.
    """
    stripped = _TRAILING_PARENTHESIS.sub("", surface) or surface
    tokens = _WORD.findall(_POSSESSIVE.sub("", stripped).casefold())
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
    """Whether a key can be an entity: more than 2 characters (or letters and digits mixed), a letter, no stop word."""
    has_letter = any(character.isalpha() for character in key)
    has_digit = any(character.isdigit() for character in key)
    return has_letter and (len(key) > 2 or has_digit) and key not in STOP_WORDS


def phrases(text: str, sentences: Sequence[Span], offset: int = 0) -> tuple[Phrase, ...]:
    """Runs of 1 to 6 tokens that start and end capitalised or with a digit; inner tokens may be small words.

    Args:
        text: the characters from `offset` on.
        sentences: ascending spans, in the same coordinates as `offset`; text outside them is passed over.

    Returns:
        One Phrase per key, ascending by key. Single-token phrases are no stop words and have 3 or more characters.
    """
    found: dict[str, set[int]] = {}
    for index, (start, end) in enumerate(sentences):
        for key in _sentence_phrases(_POSSESSIVE.sub("", text[start - offset : end - offset])):
            found.setdefault(key, set()).add(index)
    return tuple(Phrase(key, tuple(sorted(found[key]))) for key in sorted(found))


def _sentence_phrases(sentence: str) -> set[str]:
    tokens = _WORD.findall(sentence)
    folded = [token.casefold() for token in tokens]
    strong = [token[0].isupper() or token[0].isdigit() for token in tokens]
    keys: set[str] = set()
    for first in range(len(tokens)):
        # A leading article is dropped from keys, so a run starting with one is found from its second token.
        if not strong[first] or folded[first] in _LEADING_ARTICLES:
            continue
        for last in range(first, min(first + MAX_PHRASE_TOKENS, len(tokens))):
            if strong[last]:
                if first == last and (folded[first] in STOP_WORDS or len(folded[first]) < 3):
                    continue
                keys.add(" ".join(folded[first : last + 1]))
            elif folded[last] not in _INNER_WORDS:
                break
    return keys


def question_phrases(question: str) -> list[str]:
    """Keys a question may name: every run of 1 to 6 tokens, longest first, then in order.

    Case does not matter for runs of several tokens; a single token must be capitalised, hold a digit, or stand in no
    stop-word list and have at least 4 characters (people type names in lower case).
    """
    tokens = _WORD.findall(_POSSESSIVE.sub("", question))
    folded = [token.casefold() for token in tokens]
    found: dict[str, None] = {}
    for length in range(min(MAX_PHRASE_TOKENS, len(tokens)), 0, -1):
        for first in range(len(tokens) - length + 1):
            run = folded[first : first + length]
            if length == 1 and (run[0] in STOP_WORDS or len(run[0]) < 3):
                continue
            if run[0] in _LEADING_ARTICLES or run[0] in STOP_WORDS and run[-1] in STOP_WORDS:
                continue
            found[" ".join(run)] = None
    return list(found)


def covers(longer: str, shorter: str) -> bool:
    """Whether `shorter` is a proper run of whole tokens of `longer`."""
    return longer != shorter and f" {shorter} " in f" {longer} "


def longest_matches(phrase_sentences: Mapping[str, Collection[int]], matching: Iterable[str]) -> set[str]:
    """Of the phrases of one chunk that match something, those not covered by a longer one that matches too.

    Args:
        phrase_sentences: the chunk's phrase keys with the sentences they stand in.
        matching: the phrase keys that match; others in it are ignored.

    A phrase is covered when one longer match that contains it stands in every sentence in which it stands.
    """
    matched = sorted({key for key in matching if key in phrase_sentences}, key=lambda key: -len(key))
    return {
        key
        for key in matched
        if not any(
            covers(longer, key) and set(phrase_sentences[key]) <= set(phrase_sentences[longer])
            for longer in matched
            if len(longer) > len(key)
        )
    }
