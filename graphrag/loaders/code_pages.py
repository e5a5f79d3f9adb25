"""Which code page a text in Latin letters has: the one in which its letters are those of one language."""

import re
from collections import Counter

# The letters beyond ASCII of each language. Code pages of Latin letters differ in these alone, so that by the frequency
# of all letters a text looks equally well in each.
_WESTERN = (
    "äöüß",  # German
    "àâæçéèêëîïôœùûüÿ",  # French
    "áéíñóúü",  # Spanish
    "àçèéíïòóúü",  # Catalan
    "àáâãçéêíóôõúü",  # Portuguese
    "àèéìíòóù",  # Italian
    "åäæéöø",  # Danish, Norwegian, Swedish, Finnish
    "èéëïöü",  # Dutch
    "áæéíðóöúýþ",  # Icelandic
    "äõöü",  # Estonian
)
_CENTRAL = (
    "óąćęłńśźż",  # Polish
    "áéíóúýčďěňřšťůž",  # Czech
    "áäéíóôúýčďĺľňŕšťž",  # Slovak
    "áéíóöúüőű",  # Hungarian
    "ćčđšž",  # Croatian, Slovenian
    "âîăşţ",  # Romanian
)
_ALPHABETS = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "cp1254": ("âçîöûüğışi\u0307",),
    "cp1257": ("ąčėęįšūųž", "āčēģīķļņšūž"),
    "iso8859_2": _CENTRAL,
    "mac_roman": _WESTERN,
}
_MIN_SHARE = 0.75
"""Of a text with words of several languages."""
_FOREIGN = re.compile(
    r"(?<=(.))([^\W\d_\x00-\x7fªº¹²³µ¼½¾]|(?<=[^\W\d_])(?:[ªº¹²³µ¼½¾]|[^\w\s\x00-\x7f\xad·‘’–—…])(?=[^\W\d_]))",
    re.DOTALL,
)
"""What is before it, and a letter that is not ASCII, or a sign inside a word: this comes of a wrong code page."""
_HIGH = re.compile(rb"[\x80-\xff]+")
_LONG_RUN = 3
"""Bytes. Letters that are not ASCII stand alone in a Latin text, and fill the words of any other."""


def code_page(data: bytes) -> str:
    """The code page, that of Western Europe if no other is better, or nothing if the text is in none of them."""
    runs = [len(run) for run in _HIGH.findall(data)]
    if 2 * sum(length for length in runs if length >= _LONG_RUN) > sum(runs):
        return ""
    shares = {name: _share(data, name) for name in _ALPHABETS}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= _MIN_SHARE else ""


def _share(data: bytes, name: str) -> float:
    """How much of what is not ASCII is in the alphabet of that language of the code page that fits best."""
    try:
        foreign = _FOREIGN.findall("\n" + data.decode(name))
    except UnicodeDecodeError:
        return 0
    # A capital after a small letter comes of a wrong code page too.
    letters = Counter(letter if before.islower() and letter.isupper() else letter.lower() for before, letter in foreign)
    best = max(sum(count for letter, count in letters.items() if letter in alphabet) for alphabet in _ALPHABETS[name])
    return best / len(foreign) if foreign else 1
