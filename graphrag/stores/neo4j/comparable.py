"""Metadata values as texts that compare as the values do, so that one property serves every filter.

Neo4j compares texts by UTF-16 unit in Cypher and by code point in an index, and numbers exactly in Cypher and as floats in a
vector index; a value of another kind is `<>` to all. The texts made here are ASCII, of one kind each, and in the order of
graphrag.filters, so that Cypher and index agree with each other and with `Filter.matches`.
"""

import hashlib
import math

from graphrag.filters import Condition, Filter, kind
from graphrag.types import Metadata, Scalar

PREFIX = "filter_"
_KINDS = {"boolean": "b:", "number": "n:", "text": "s:"}
_AFTER = " "
"""Below every character that can follow: `x <= v` is `x < v + _AFTER`, and `x > v` is `x >= v + _AFTER`."""
_LONGEST = 8_000
"""Lucene takes no term above 32 kB. Longer texts are equal if their hashes are, and ordered by their beginning alone."""
_EXPONENT_BIAS = 1 << 31
_COMPLEMENT = str.maketrans("0123456789abcdef", "fedcba9876543210")


def properties(metadata: Metadata) -> dict[str, str]:
    """The properties of a node that filters read: `filter_<key>` for each key."""
    return {PREFIX + key: comparable(value) for key, value in metadata.items()}


def comparable(value: Scalar) -> str:
    """The text of one value: equal values give equal texts, of whatever Python type; order is that of graphrag.filters."""
    if isinstance(value, bool):
        return f"b:{int(value)}"
    # Half a surrogate pair, which only a question can hold, is equal to nothing that is stored.
    text = f"s:{value.encode(errors='surrogatepass').hex()}" if isinstance(value, str) else f"n:{_number(value)}"
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}~{hashlib.sha256(text.encode()).hexdigest()}"


def _number(value: float) -> str:
    """Sign, exponent of two, and binary digits: exact for integers of any size and for floats."""
    if not value:
        return "o"
    if isinstance(value, float) and math.isinf(value):  # a whole number may be too large to be asked
        return "q" if value > 0 else "l"
    numerator, denominator = value.as_integer_ratio()  # the denominator is a power of two
    magnitude = abs(numerator)
    exponent = magnitude.bit_length() - denominator.bit_length()
    digits = f"{magnitude << (-magnitude.bit_length() % 4):x}".rstrip("0")
    text = f"{exponent + _EXPONENT_BIAS:08x}{digits}"
    # Where one magnitude's digits begin with another's, the longer one is larger, and the negative one smaller.
    return f"p{text}" if value > 0 else f"m{text.translate(_COMPLEMENT)}~"


def conditions(filter: Filter | None) -> list[dict[str, object]]:
    """A filter as the parameter `$filter` of the queries (see queries.py)."""
    return [_condition(condition) for condition in filter.conditions] if filter else []


def _condition(condition: Condition) -> dict[str, object]:
    name = PREFIX + condition.field
    texts = [comparable(value) for value in condition.values]
    own_kind = _KINDS[kind(condition.values[0])]
    after_kind = own_kind[0] + ";"
    match condition.operator:
        case "exists":
            return {"name": name, "test": "exists", "present": condition.values[0]}
        case "eq" | "in":
            return {"name": name, "test": "in", "values": texts}
        case "ne":
            return {"name": name, "test": "ne", "kind": own_kind, "value": texts[0]}
        case "gt":
            return {"name": name, "test": "range", "low": texts[0] + _AFTER, "high": after_kind}
        case "gte":
            return {"name": name, "test": "range", "low": texts[0], "high": after_kind}
        case "lt":
            return {"name": name, "test": "range", "low": own_kind, "high": texts[0]}
        case "lte":
            return {"name": name, "test": "range", "low": own_kind, "high": texts[0] + _AFTER}


def searchable(filter: Filter | None) -> tuple[list[str], dict[str, object]] | None:
    """A filter as predicates of `SEARCH ... WHERE` on a chunk `c`, with their parameters; None if it cannot be one.

    SEARCH takes, for each property, one value, one list, or one range; so `ne`, `exists: false` and several conditions on
    one field other than a range are left to an exact scan. Field names come from the settings, never from data.
    """
    ranges: dict[str, tuple[str, str]] = {}
    lists: dict[str, object] = {}
    present: set[str] = set()
    for one in conditions(filter):
        name = str(one["name"])
        match one["test"]:
            case "in" if name not in lists:
                lists[name] = one["values"]
            case "range":
                low, high = ranges.get(name, ("", "~"))
                ranges[name] = max(low, str(one["low"])), min(high, str(one["high"]))
            case "exists" if one["present"]:
                present.add(name)
            case _:
                return None
    if lists.keys() & ranges.keys():
        return None
    texts: list[str] = []
    parameters: dict[str, object] = {}
    for name, values in lists.items():
        texts.append(f"c.{name} IN $in_{name}")
        parameters[f"in_{name}"] = values
    for name, (low, high) in ranges.items():
        texts.append(f"c.{name} >= $low_{name} AND c.{name} < $high_{name}")
        parameters |= {f"low_{name}": low, f"high_{name}": high}
    texts += [f"c.{name} IS NOT NULL" for name in sorted(present - lists.keys() - ranges.keys())]
    return texts, parameters
