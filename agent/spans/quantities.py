"""Amounts: by which one a question compares ("which mountain is higher", "which has more inhabitants"), and what prose states.

"3,655 metres (11,991 ft)" is one length in two units, "120 of the largest cars" a count of cars.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from graphrag.analysis import terms
from graphrag.dates import YEAR
from graphrag.types import Chunk

CLOSE = 0.02
"""Share by which two amounts may differ and still be one, told in two units: "3,655 metres (11,991 ft)"."""
FOLLOWING = 3
"""Words after a number among which stands what it counts, at most: "120 of the largest cars"."""

_UNITS: Mapping[str, Mapping[str, float]] = {
    "length": {
        "mm": 0.001, "cm": 0.01, "centimetres": 0.01, "centimeters": 0.01, "inches": 0.0254, "ft": 0.3048, "feet": 0.3048, "foot": 0.3048,
        "m": 1, "metres": 1, "meters": 1, "metre": 1, "meter": 1, "km": 1000, "kilometres": 1000, "kilometers": 1000, "kilometre": 1000,
        "kilometer": 1000, "mi": 1609.344, "miles": 1609.344, "mile": 1609.344,
    },
    "time": {
        "seconds": 1 / 60, "minutes": 1, "minute": 1, "min": 1, "hours": 60, "hour": 60, "days": 1440, "day": 1440, "weeks": 10080,
        "months": 43800, "month": 43800, "years": 525600, "year": 525600,
    },
    "mass": {"g": 0.001, "kg": 1, "kilograms": 1, "t": 1000, "tonnes": 1000, "tons": 1000, "lb": 0.4536, "lbs": 0.4536, "pounds": 0.4536},
    "area": {
        "m²": 1e-6, "m2": 1e-6, "km²": 1, "km2": 1, "square kilometres": 1, "square kilometers": 1, "sq mi": 2.59, "square miles": 2.59,
        "ha": 0.01, "hectares": 0.01, "acres": 0.004047,
    },
    "volume": {"litres": 0.001, "liters": 0.001, "l": 0.001, "m³": 1, "m3": 1, "cubic metres": 1, "cubic meters": 1},
    "speed": {"km/h": 1, "kph": 1, "kilometres per hour": 1, "mph": 1.609, "miles per hour": 1.609, "knots": 1.852, "m/s": 3.6},
    "power": {"w": 0.001, "kw": 1, "mw": 1000, "hp": 0.7457, "horsepower": 0.7457},
    "temperature": {"°c": 1, "degrees": 1, "degrees celsius": 1},
}  # fmt: skip
DATED = "date"
"""The dimension of what is earlier or later."""
_COMPARATIVES: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("later latest newer newest younger youngest recently", "earlier earliest first older oldest", (DATED,)),
    ("higher highest taller tallest deeper deepest wider widest thicker thickest", "lower lowest shallower narrower thinner", ("length",)),
    ("longer longest", "shorter shortest", ("length", "time")),
    ("larger largest bigger biggest", "smaller smallest", ("area", "people", "volume")),
    ("heavier heaviest", "lighter lightest", ("mass",)),
    ("faster fastest", "slower slowest", ("speed",)),
    ("hotter hottest warmer warmest", "colder coldest cooler coolest", ("temperature",)),
    ("populous", "", ("people",)),
    ("powerful", "", ("power",)),
    ("expensive more most last", "cheaper cheapest fewer fewest less least", ()),
)  # fmt: skip
"""Words that ask for the larger of two amounts, such as ask for the smaller, and the dimensions in which they are looked for."""
_LESS = frozenset(word for _, less, _ in _COMPARATIVES for word in less.split())
_DIMENSIONS = {word: of for more, less, of in _COMPARATIVES for word in (*more.split(), *less.split())}
COMPARING = frozenset(_DIMENSIONS)
"""Words by which two things are compared."""
_NOUNS = {
    "length": frozenset(
        terms("high height tall deep depth long length wide width elevation altitude peak summit rise")
    ),
    "time": frozenset(terms("long last length duration")),
    "mass": frozenset(terms("weight weigh heavy mass")),
    "area": frozenset(terms("area cover surface size")),
    "volume": frozenset(terms("volume hold capacity")),
    "speed": frozenset(terms("speed fast top maximum")),
    "power": frozenset(terms("power output engine")),
    "temperature": frozenset(terms("temperature average mean")),
    "people": frozenset(terms("population inhabitants people residents")),
}
"""What a sentence says that tells the amount in question, where a passage has several."""
_COUNTED = re.compile(r"\b(?:more|most|fewer|fewest|less|least)\s+([a-z]+(?:\s+[a-z]+)?)")
_NUMBER = (
    r"(?<![\w.,-])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:\s(?P<scale>thousand|million|billion))?"
)
_PLAIN = re.compile(_NUMBER + r"(?!\s?%|[\w,.]*\d)")
_POPULATION = re.compile(rf"\bpopulation\b[^.\d]{{0,40}}?{_NUMBER}", re.IGNORECASE)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_YEAR = re.compile(YEAR)
_WORD = re.compile(r"\w+")


def _units(dimension: str) -> "re.Pattern[str]":
    names = sorted(_UNITS[dimension], key=len, reverse=True)
    return re.compile(rf"{_NUMBER}[\s-]?(?P<unit>{'|'.join(map(re.escape, names))})(?![\w²³/])", re.IGNORECASE)


_WITH_UNIT = {dimension: _units(dimension) for dimension in _UNITS}

_MEASURING = {
    term: dimension
    for dimension, nouns in (("length", "height depth width thickness"), ("mass", "weight"))
    for term in terms(nouns)
}
"""What a question asks how much of, where only some units tell. An answer may be fast in hours, and far in minutes."""

_CALLED = {
    term: dimension
    for dimension, nouns in (
        ("length", "length height depth width thickness altitude elevation"), ("mass", "weight mass"), ("area", "area"),
        ("volume", "volume"), ("speed", "speed"), ("temperature", "temperature"), ("time", "duration"),
    )
    for term in terms(nouns)
}  # fmt: skip
"""By what an amount is called, which a text that gives its unit need not do."""


def dimension_of(measure: Set[str]) -> str:
    """In what the answer to "how high" is measured, by the terms of its noun (`measure` of agent/spans/wanted.py); empty if unknown."""
    return next((dimension for term, dimension in _MEASURING.items() if term in measure), "")


def told_by_amounts(wanted: Set[str], sentences: Iterable[str]) -> frozenset[str]:
    """Those of the terms that are called by no word where an amount tells them: "71 km long" is a length."""
    dimensions = {term: dimension for term, dimension in _CALLED.items() if term in wanted}
    said = list(sentences) if dimensions else []
    return frozenset(
        term for term, dimension in dimensions.items() if any(_WITH_UNIT[dimension].search(one) for one in said)
    )


def tells_amount(sentence: str, dimension: str, measure: Set[str]) -> bool:
    """Whether a sentence tells an amount in a dimension: in a unit of it, or a number of what it is called."""
    called = any(map(str.isdigit, sentence)) and not (measure | _NOUNS[dimension]).isdisjoint(terms(sentence))
    return called or _WITH_UNIT[dimension].search(sentence) is not None


@dataclass(frozen=True, slots=True)
class Measure:
    """By what a question compares two things."""

    dimensions: tuple[str, ...]
    """In the order in which they are tried: `DATED` alone, or such as have units, or people; none where it is a count."""
    counted: frozenset[str]
    """Terms of what is counted ("more *cars*")."""
    less: bool
    """Whether it asks for the smaller, or the earlier."""


def read_measure(question: str) -> Measure | None:
    """The date or amount by which a question compares, if it compares by one."""
    words = [word for word in _WORD.findall(question.lower()) if word in COMPARING]
    if not words:
        return None
    less = not _LESS.isdisjoint(words)
    dimensions = [_DIMENSIONS[word] for word in words if _DIMENSIONS[word]]
    if dimensions:
        return Measure((DATED,) if (DATED,) in dimensions else dimensions[0], frozenset(), less)
    counted = _COUNTED.search(question.lower())
    own = frozenset(terms(counted.group(1))) if counted is not None else frozenset[str]()
    return Measure(("people",) if own & _NOUNS["people"] else (), own, less)


def amounts(chunks: Sequence[Chunk], measure: Measure) -> Sequence[float]:
    """What two passages state, in the first dimension in which each states one amount, and not the same one; nothing without any."""
    for dimension in measure.dimensions or ("",):
        one, other = (_amount(chunk, dimension, measure.counted) for chunk in chunks)
        if one is not None and other is not None and not _same(one, other):
            return one, other
    return ()


def _amount(chunk: Chunk, dimension: str, counted: Set[str]) -> float | None:
    """The one amount that a passage states; of several, the one in a sentence that names the dimension."""
    said: list[tuple[bool, float]] = []
    for span in chunk.sentences:
        sentence = chunk.between(*span)
        named = not _NOUNS.get(dimension, counted).isdisjoint(terms(sentence))
        said += ((named, amount) for amount in _stated(sentence, dimension, counted))
    for amounts in ([amount for _, amount in said], [amount for named, amount in said if named]):
        if amounts and all(_same(amount, amounts[0]) for amount in amounts):
            return amounts[0]
    return None


def _stated(sentence: str, dimension: str, counted: Set[str]) -> Iterable[float]:
    if dimension in _UNITS:
        for match in _WITH_UNIT[dimension].finditer(sentence):
            yield _value(match) * _UNITS[dimension][match["unit"].lower()]
        return
    wanted = _NOUNS["people"] if dimension == "people" else counted
    for match in _PLAIN.finditer(sentence):
        following = sentence[match.end() : match.end() + 60].split()[:FOLLOWING]
        if not _YEAR.fullmatch(match.group()) and not wanted.isdisjoint(terms(" ".join(following))):
            yield _value(match)
    if dimension == "people":
        yield from (_value(m) for m in _POPULATION.finditer(sentence) if not _YEAR.fullmatch(m["number"]))


def _value(match: "re.Match[str]") -> float:
    return float(match["number"].replace(",", "")) * _SCALES.get(match["scale"] or "", 1)


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(one, other)
