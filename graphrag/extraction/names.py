"""What a name is made of: the words that count, and what is written now one way and now another.

All of it is read off the key, which is lower-case words joined by spaces, so that blocking keys depend on the key alone.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from graphrag.analysis import STOP_WORDS

# Legal forms, each with the one spelling that it is compared by.
_LEGAL = {
    "corp": "corporation", "corporation": "corporation", "inc": "incorporated", "incorporated": "incorporated",
    "ltd": "limited", "limited": "limited", "co": "company", "company": "company", "llc": "llc", "l l c": "llc",
    "plc": "plc", "p l c": "plc", "llp": "llp", "lp": "lp", "gmbh": "gmbh", "ag": "ag", "kg": "kg", "kgaa": "kgaa",
    "ab": "ab", "as": "as", "a s": "as", "asa": "asa", "aps": "aps", "oy": "oy", "oyj": "oyj", "sa": "sa", "s a": "sa",
    "sas": "sas", "sarl": "sarl", "s a r l": "sarl", "srl": "srl", "s r l": "srl", "spa": "spa", "s p a": "spa",
    "sro": "sro", "s r o": "sro", "bv": "bv", "b v": "bv", "nv": "nv", "n v": "nv", "se": "se", "lda": "lda",
    "ltda": "ltda", "pty ltd": "pty", "pte ltd": "pte", "pvt ltd": "pvt", "kk": "kk", "ev": "ev", "e v": "ev",
}  # fmt: skip
_TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir dame president chancellor senator minister judge captain chairman "
    "chairwoman governor mayor herr frau señor señora monsieur madame".split()
)
_SUFFIXES = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr"}
_PARTICLES = frozenset("van von der den de da di del della dos du la le ten ter zu zur al el bin ibn mac mc st".split())
_APOSTROPHE_PARTICLES = frozenset({"o", "d", "l"})
_ROMAN = frozenset("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx xxi".split())
_ABBREVIATIONS = {
    "dept": "department", "univ": "university", "intl": "international", "assoc": "association",
    "assn": "association", "mgmt": "management", "natl": "national", "govt": "government", "inst": "institute",
    "bros": "brothers", "mfg": "manufacturing", "acad": "academy", "cttee": "committee", "min": "ministry",
    "eng": "engineering", "mt": "mount", "ft": "fort", "hosp": "hospital", "admin": "administration",
    "programme": "program", "grey": "gray", "aluminium": "aluminum", "cheque": "check", "defence": "defense",
    "licence": "license", "offence": "offense", "catalogue": "catalog",
}  # fmt: skip
CALENDAR = frozenset(
    """
    january february march april may june july august september october november december jan feb mar apr jun jul aug sep
    sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays
    saturdays sundays mon tue tues wed thu thur thurs fri sat sun
    """.split()
)
"""Months and days of the week, and how they are abbreviated."""
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"})
SMALL_WORDS = frozenset("a an and at by for from in of on or the to with".split())
"""Stop words that stand inside names."""
PLACES = frozenset({"GPE", "LOC", "FAC"})
"""Types of the recogniser that are places: countries and towns, landscapes, buildings."""
_NUMBERS = re.compile(r"\d+")
_VOWELS = frozenset("aeiouy")
_SOUNDS = str.maketrans("cqz", "kks")


@dataclass(frozen=True, slots=True)
class Name:
    """A key taken apart."""

    key: str
    words: tuple[str, ...]
    """Without title, suffix and legal form; plain letters, usual abbreviations and spellings made one."""
    legal: str
    """The legal form of a company, in one spelling; empty if it has none."""
    title: str
    """Such as "dr"; empty if there is none."""
    suffix: str
    """`jr` or `sr` or empty."""
    content: tuple[str, ...]
    """The words without small ones ("of", "and")."""
    squashed: str
    """The content as one string, without "and" alone."""
    skeleton: str
    """Consonants in order without doubles, letters of one sound made one: equal for most spelling variants."""
    numbers: tuple[str, ...]
    """Runs of digits, and a Roman number at the end: what tells versions and codes apart."""
    initials: frozenset[str]
    """The acronyms that the name may have."""
    letters: str
    """What the name is as an acronym; empty if it cannot be one."""


@lru_cache(maxsize=1 << 16)
def name_of(key: str) -> Name:
    """Take a key apart."""
    words = [_spelled(_plain(word)) for word in key.split()] or [key]
    title = words.pop(0) if len(words) > 1 and words[0] in _TITLES else ""
    suffix = _SUFFIXES.get(words[-1], "") if len(words) > 2 else ""
    if suffix:
        words.pop()
    legal = ""
    for length in (4, 3, 2, 1):
        form = _LEGAL.get(" ".join(words[-length:]), "") if len(words) > length else ""
        if form and max(map(len, words[:-length])) > 1:  # U.S.A. is no company
            legal = form
            del words[-length:]
            break
    if words[0] == "st" and len(words) > 1:
        words[0] = "saint"
    content = [word for word in words if len(word) == 1 or word not in STOP_WORDS] or words
    joined = "".join(word for word in words if word != "and" or len(words) == 1)
    letters = "".join(words)
    is_acronym = letters.isalpha() and 2 <= len(letters) <= 6 and (len(words) == 1 or max(map(len, words)) <= 2)
    return Name(
        key=key,
        words=tuple(words),
        legal=legal,
        title=title,
        suffix=suffix,
        content=tuple(content),
        squashed=joined,
        skeleton=_skeleton(" ".join(words)),
        numbers=(*_NUMBERS.findall(" ".join(words)), *([words[-1]] if len(words) > 1 and words[-1] in _ROMAN else ())),
        initials=_initials(words, content) if len(words) > 1 else frozenset(),
        letters=letters if is_acronym and not legal and not title else "",
    )


def is_abbreviation(word: str) -> bool:
    """Whether a word with a full stop at its end is written with it: "Inc.", "Jr.", "s.r.o.", "St.", but not "Street."."""
    plain = word.rstrip(".").casefold()
    if plain.isdigit():
        return False
    return len(plain) < 3 or "." in plain or plain in _LEGAL or plain in _SUFFIXES or plain in _ABBREVIATIONS


def is_dotted_form(key: str) -> bool:
    """Whether a key is a legal form written with full stops and nothing else: that of "S.A.", but not of "SA"."""
    return " " in key and key in _LEGAL


def is_short_form(one: str, other: str) -> bool:
    """Whether one given name may be the beginning that the other is called by: "bea" of "beatriz", not "jan" of "jana"."""
    short, long_ = sorted((one, other), key=len)
    return 3 <= len(short) <= 5 and len(long_) >= len(short) + 2 and long_.startswith(short)


def is_vowel(letter: str) -> bool:
    """Whether it is one of a, e, i, o, u and y."""
    return letter in _VOWELS


def surname_tail(short: Name, long_: Name) -> bool:
    """Whether the whole of one name may be the surname of the other: its last word, with particles before it."""
    words = short.words
    if not 1 <= len(words) < len(long_.words) <= 5 or long_.words[-len(words) :] != words:
        return False
    return len(words[-1]) >= 3 and words[-1].isalpha() and may_be_surname(short)


def may_be_surname(name: Name) -> bool:
    """Whether a name may be a surname alone, "vogel" or "van der berg"."""
    return all(word in _PARTICLES or word in _APOSTROPHE_PARTICLES for word in name.words[:-1])


def givens_of(name: Name) -> tuple[str, ...]:
    """Given names of what may be a person's full name; empty if it can be none."""
    words = name.words
    if not 2 <= len(words) <= 5 or name.legal or not all(word.isalpha() for word in words) or len(words[-1]) < 2:
        return ()
    return words[:-1] if len(words) == len(name.content) else ()


def _plain(word: str) -> str:
    """A word without accents."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word.translate(_PLAIN))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)) or word


def _spelled(word: str) -> str:
    """One spelling for British and American English and for usual abbreviations, not always a word."""
    known = _ABBREVIATIONS.get(word)
    if known is not None:
        return known
    if len(word) < 6:
        return word
    if word.endswith("tre"):
        return word[:-2] + "er"
    return word.replace("isation", "ization").replace("our", "or")


def _initials(words: list[str], content: list[str]) -> frozenset[str]:
    found = {"".join(word[0] for word in held) for held in (words, content, [w for w in words if w != "and"])}
    return frozenset(one for one in found if 2 <= len(one) <= 6 and one.isalpha())


def _skeleton(text: str) -> str:
    letters: list[str] = []
    for letter in text.replace("ph", "f").replace("tz", "z").translate(_SOUNDS):
        if letter.isalnum() and letter not in _VOWELS and (not letters or letters[-1] != letter):
            letters.append(letter)
    return "".join(letters)
