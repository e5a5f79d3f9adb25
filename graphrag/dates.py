"""Dates as texts write them, and as terms have them: a day of the year is one word, however it is written, so that "the 9th of March" is
found in a row with 2025-03-09. That row does not say "March": lines of a log would say it a thousand times.
"""

import re

MONTHS = "january february march april may june july august september october november december".split()
"""Case-folded, in their order."""
MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
YEAR = r"(?:1\d{3}|20\d{2})"
DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_MONTH = MONTH.lower()
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_NUMBERS = re.compile(
    rf"\b(?=\d)(?:(?P<y>{YEAR})-(?P<m>0[1-9]|1[0-2])-(?P<d>0[1-9]|[12]\d|3[01])(?!\d)"
    rf"|(?P<dotted>{_DAY})\.(?P<dotted_month>0?[1-9]|1[0-2])\.(?P<dotted_year>{YEAR})\b)"
)
"""2025-03-09 and 9.3.2025. Of 9/3/2025 nobody knows whether it is in March or in September."""
_WORDS = re.compile(
    rf"\b(?=[\djfmasond])(?:(?P<day>{_DAY})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})\b"
    rf"|(?P<first>{_MONTH})\b\.?\s+(?:(?P<second>{_DAY})(?:st|nd|rd|th)?(?![\w:])|(?={YEAR}\b)))"
)
"""A month is one beside a day or a year: "mar" and "dec" are other words, too."""
DAY_OF_YEAR = re.compile(rf"({_MONTH})\d+")
"""Its word: "march9"."""
_DIGIT = re.compile(r"\d")
_THOUSANDS = re.compile(r",(?<=\d,)(?=\d{3}(?!\d))")


def month_number(written: str) -> int:
    """Of a month as MONTH has it, from 1: of "Mar." 3."""
    return next(number for number, name in enumerate(MONTHS, start=1) if name.startswith(written[:3].lower()))


def spelt_out(folded: str) -> str:
    """Case-folded text with "9 march march9" for "9th of mar", "9 march9 2025" for "2025-03-09", and its numbers without commas between thousands."""
    # Most texts are words and sentences without any, and to look for dates takes longer.
    if _DIGIT.search(folded) is None:
        return folded
    return _WORDS.sub(_worded, _NUMBERS.sub(_numbered, _THOUSANDS.sub("", folded)))


def _numbered(match: "re.Match[str]") -> str:
    day, month, year = (
        match[name] or match[other] for name, other in (("d", "dotted"), ("m", "dotted_month"), ("y", "dotted_year"))
    )
    return f"{int(day)} {MONTHS[int(month) - 1]}{int(day)} {year} "


def _worded(match: "re.Match[str]") -> str:
    day, month = match["day"] or match["second"] or "", match["month"] or match["first"]
    full = MONTHS[month_number(month) - 1]
    return f"{int(day)} {full} {full}{int(day)}" if day else f"{full} "
