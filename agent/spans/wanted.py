"""What a question wants, read from its words: a person, a place, a date, a number, a thing, one of two, or yes or no.

"Which river flows through the town where Ida Rowan was born?" wants a thing that is a river, and goes through a town. The words near the
question word ("flows through") are asked of the answer itself, those further away of what leads there.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from graphrag.analysis import STOP_WORDS, fold, held_terms, terms
from graphrag.word_forms import is_past

Kind = Literal["person", "place", "date", "number", "thing", "choice", "yes_no", "other"]

NEARER = 0.88
"""How much less a term counts for each term between it and the question word."""
NESTED = 0.5
"""The same for each "where", "that", "which" or comma between them: what follows describes something on the way."""

_MEASURES: dict[str, tuple[str, ...]] = {
    "many": (), "much": (), "old": ("age",), "long": ("length", "duration"), "tall": ("height",), "far": ("distance",),
    "large": ("size", "area"), "big": ("size",), "high": ("height",), "heavy": ("weight",), "deep": ("depth",), "wide": ("width",),
    "thick": ("thickness",), "fast": ("speed",), "loud": ("noise",), "strong": ("strength",), "expensive": ("price", "cost"),
}  # fmt: skip
"""What "how ..." asks the number of, with the nouns for it."""
_COSTING = re.compile(
    r"\s*(?:do|does|did|can|could|may|might|must|should|will|would|the|an?|it|one)\s.*\bcosts?\b", re.IGNORECASE
)
"""After "what": asks how expensive, also in "(tell me) what a ticket costs"."""
_HOW = f"how (?:{'|'.join(_MEASURES)})"
_ASKING = re.compile(rf"\b(who|whom|whose|when|where|what|which|{_HOW})\b")
# Asks for an explanation, whatever stands in it: "why did the line stop when ...".
_EXPLAINING = re.compile(rf"\s*(?:why|(?!{_HOW}\b)how)\b", re.IGNORECASE)
_CHOOSING = re.compile(r"\s*(?:who|which|what)\b", re.IGNORECASE)
_POLAR = re.compile(r"(?:are|is|was|were|do|does|did|has|have|had|can|could)\b", re.IGNORECASE)
_LEAD = re.compile(
    r"\A\s*(?:(?:is|was|are|were)\s+)?(?:the\s+)?(?:names?\s+of\s+)?(?:the\s+|an?\s+)?(?:most\s+\w+\s+)?", re.IGNORECASE
)
# Answers to these are words, not names: no candidate is ever one.
_UNNAMED = re.compile(
    r"\s*(?:(?:is|was|are|were)\s+)?(?:the\s+|an?\s+)?"
    r"(?:kinds?|types?|parts?|roles?|positions?|professions?|occupations?|genres?|terms?|reasons?|(?:went\s+|goes\s+)?wrong|happened)\b"
    r"|.*\b(?:an instance of|(?:first|last|middle|given|family) name)\b",
    re.IGNORECASE,
)
_EVENTS = frozenset(("birth", "death"))
"""What somebody's place or date is of: "the place of birth of" goes through no other thing."""
_OWN_NAMES = frozenset("birth real maiden stage pen".split())
_SECOND = re.compile(r",\s+and\s+(?:(?:by|from|in|to)\s+)?(?:who|whom|when|where|what|which|how)\b")
_DESCRIBED = re.compile(r"\s*(?:where|that|who)\b")
_OF_PARTS = re.compile(r"(?:group|body|piece|chain|range)s?\s+of\s+(\w+)", re.IGNORECASE)
# "which company *owns* the yard", "which movie *stars* Ida Rowan"; but "which team members", "what sports club".
_ACTING = re.compile(
    r"[a-z]+(?<!s)s\s+(?:(?:the|an?|its?|his|her|their|this|that|these|those|all|most|both|out|into|through|past|along|across)\b|[A-Z])"
)
_PIECE = re.compile(r"\w+|,")
_AUXILIARY = re.compile(r"\s*(?:(did|do|does)|is|are|was|were|has|have|had)\s", re.IGNORECASE)
_ASIDE = re.compile(r"\s(?:after|before|when|where|while|because|since|until|if)\s")
_LAST = re.compile(r"(\w+)\s+([a-z]{3,})(?:\s+(?:in|at|by|for|from|on|to|with))?\s*\??\s*$")
_NESTING = frozenset(("where", "that", "which", "who", "whose", "whom", "when", ","))
_THROUGH = re.compile(
    r"\b(?:the|an?|of|'s)\s+(?:main |first |current |[a-z]+ing )?(\w+)"
    r"(?=\s+(?:where|that|which|who|whose|of|from|for|in|with)\b|\s*[?,]|\s+\w+(?:ed|wn)\b)",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
"""A word as people write it, with apostrophes and hyphens."""
# At most eight words: what may be any number of them takes the cube of a question that repeats itself. Or an identifier.
NAME = (
    r"(?:(?:the\s+)?[A-Z0-9][\w'’.&-]*+(?:\s+(?:(?:of|the|and|de|del|della|der|das|di|du|el|et|la|le|les|und|van|von|in|a|an|at|for|from|on|to|with)\s+){0,2}[A-Z0-9][\w'’.&-]*+){0,7}"
    r"|\b[a-z][a-z0-9]*(?:[-_][a-z0-9]+)++)"
)
"""How a question writes a name."""
_EITHER = re.compile(rf"({NAME})\s*,?\s+or\s+({NAME})\s*\??\s*$")
# After a comma, however they are written: "which came out first, salt road or quill 4.2?"
_LISTED = re.compile(r"[^,]*,\s+(?!and\b)((?:[^\s,?]+\s+){1,8}?)or\s+((?:[^\s,?]+\s+){0,7}[^\s,?]+)\s*\?*\s*$")
_WHAT_IT_IS = re.compile(r"\A(?:the\s+)?(?:[a-z]+\s+){1,3}(?=[A-Z])")
"""Before a name: "the biathlete Silje Tverr"."""
# A name holds no "and" where that parts the two.
_TWO = rf"(?:the\s+(?:two\s+)?[a-z]+\s+)?({NAME})\s+and\s+({NAME})".replace("|and|", "|")
_AMONG = re.compile(
    rf"(?:.*?\b[Bb]etween|Of)\s+{_TWO}\s*,\s*(?:who|which|what)\b|(?:Who|Which)(?:\s+one)?\s+of\s+{_TWO}\b"
)

_KINDS: tuple[tuple[Kind, str], ...] = (
    (
        "person",
        """actor actress artist author biographer brother captain chairman character child coach colleague composer
        daughter director drummer editor emperor employee engineer explorer father founder general governor guitarist
        husband king lawyer leader man manager mayor minister mother musician owner painter person physician player poet
        politician performer president producer queen rapper ruler scientist senator sibling singer sister son songwriter
        spouse student teacher technician wife winner woman writer""",
    ),
    (
        "place",
        """area birthplace borough capital city community continent country county district island location
            municipality nation neighborhood place province region state territory town village""",
    ),
    ("date", "century date day decade month time year"),
    (
        "number",
        """amount average budget channel charge code compensation cost credit debt discount extension fee fine height length limit number percentage
        population price ranking rate salary score size sum wage""",
    ),
    (
        "thing",
        "album band book club company film group label language magazine movie river school song team university",
    ),
)
NOUNS: dict[str, Kind] = {term: kind for kind, nouns in _KINDS for term in terms(nouns)}
PEOPLE_NOUNS = frozenset(noun for kind, nouns in _KINDS if kind == "person" for noun in nouns.split())
PEOPLE = frozenset(term for term, kind in NOUNS.items() if kind == "person")

_SAME = {
    term: terms(group)[0]
    for group in (
        "spouse wife husband married marriage widow",
        "child son daughter",
        "parent father mother",
        "grandchild grandchildren grandson granddaughter",
        "grandparent grandfather grandmother",
        "nephew niece",
        "uncle aunt",
        "sibling brother sister",
        "author wrote writer novelist",
        "directed director",
        "founded founder formed established created creator started began",
        "leader led president charge governor rule minister",
        "located based headquarters situated",
        "died death killed",
        "born birth birthplace native real maiden",
        "performed singer sang band",
        "owned owner",
        "played star cast actor actress role",
        "released published",
        "citizen citizenship",
        "border adjacent neighboring",
        "film movie",
        "email mail",
        "educated attended graduated studied alma",
    )
    for term in terms(group)
}


def canonical(term: str) -> str:
    """One term for those that say much the same ("wife", "married")."""
    return _SAME.get(term, term)


def held_alike(wanted: Set[str], words: Set[str]) -> frozenset[str]:
    """The wanted terms that are among the words, or another of which much the same is said: asked who is the spouse, "married" will do."""
    alike = frozenset(map(canonical, words))
    return held_terms(wanted, words) | frozenset(term for term in wanted if canonical(term) in alike)


CONVERSE = {
    canonical(terms(word)[0]): canonical(terms(other)[0])
    for one, another in (("parent", "child"), ("grandparent", "grandchild"), ("uncle", "nephew"), ("spouse", "spouse"))
    for word, other in ((one, another), (another, one))
}
"""Who is what to whom, the other way, by canonical term: the daughter of somebody has a parent."""
_WEDDING = frozenset(terms("married marriage"))
"""Of which a text that names a wife need not tell."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question asks for."""

    kind: Kind
    """`other` is something that no name, date or number says, such as a profession or a reason, or two things at once."""
    head: frozenset[str]
    """Terms of the noun that says what is wanted ("which *river*"); empty for who, when and where."""
    asked: Mapping[str, float]
    """The question's other terms, with how near each is to the question word, from 0 to 1: the near ones are of its last
    hop."""
    through: frozenset[str] = frozenset()
    """Terms of nouns further on ("the *country* where"): their bearers lead to the answer and are not it."""
    options: tuple[str, ...] = ()
    """For `choice`, the two as the question writes them."""
    measure: frozenset[str] = frozenset()
    """Terms of the nouns for what "how ..." asks: a weight, for "how heavy"."""
    personal: bool = False
    """Whether it is another name of somebody: what a passage is about is never it."""

    @property
    def nearest(self) -> frozenset[str]:
        """Those of `asked` that are nearest to the question word."""
        closest = max(self.asked.values(), default=0.0)
        return frozenset(term for term, near in self.asked.items() if near == closest)


def kin_held(wanted: Set[str], words: Iterable[str]) -> frozenset[str]:
    """The wanted terms of kinship of which the words hold the converse: a text with "daughter" tells of a father."""
    kin = {term: canonical(term) for term in wanted if canonical(term) in CONVERSE and term not in _WEDDING}
    said = frozenset(map(canonical, words)) if kin else frozenset[str]()
    return frozenset(term for term, one in kin.items() if CONVERSE[one] in said)


@lru_cache(maxsize=64)  # every part of a run asks
def read_wanted(question: str) -> Wanted:
    """What a question asks for. `other` if it does not say so in a way that is known."""
    text = question.strip()
    options = _options(text)
    if options:
        return Wanted("choice", frozenset(), {}, options=options)
    asking = _asking(text)
    if asking is None:
        return Wanted("yes_no" if _POLAR.match(text) else "other", frozenset(), {})
    word, before, after = asking.group(), text[: asking.start()], text[asking.end() :]
    rest = _LEAD.sub("", after)
    noun = _noun(rest)
    if word == "what" and (not noun or "costs" in noun) and _COSTING.match(after):
        word = "how expensive"
    named = word in ("what", "which")
    head = noun if named else []
    further = rest[len(" ".join(head)) :]
    unnamed = named and (not head or _UNNAMED.match(after) or _DESCRIBED.match(rest[len(head[0]) :]))
    personal = head[1:] == ["name"] and head[0] in _OWN_NAMES
    own = frozenset(canonical(term) for one in head[personal:] for term in terms(one))
    # "Who is the *director* of" asks for one, "where was the *director* of" leads on.
    through = _through(text, len(before), len(text) - len(further), () if named or word in ("when", "where") else noun)
    return Wanted(
        "other" if unnamed else "person" if personal else _kind(word, head),
        frozenset() if personal else own,
        _asked(before, after, own, _last_verb(word, further if named else after)),
        frozenset() if personal else through,
        measure=frozenset(term for one in _MEASURES.get(word.removeprefix("how "), ()) for term in terms(one)),
        personal=personal,
    )


def _options(text: str) -> tuple[str, ...]:
    """The two of which a question asks for one, as it writes them; none where it asks for anything else."""
    either = _EITHER.search(text) or _AMONG.match(text) or (_CHOOSING.match(text) and _LISTED.match(text))
    if not either or _POLAR.match(text):
        return ()
    return tuple(_WHAT_IT_IS.sub("", name.strip()) for name in either.groups() if name)


def _through(text: str, before: int, after: int, asked: Collection[str]) -> frozenset[str]:
    """Terms of the nouns that a question goes through.

    Args:
        before: they end before this place, where the word that asks stands,
        after: or begin after this one, where the noun that it asks for ends.
        asked: nouns that are asked for themselves.
    """
    nouns = [m.group(1) for m in _THROUGH.finditer(text) if m.end(1) <= before or m.start(1) >= after]
    through = (noun for noun in nouns if noun not in asked and noun.lower() not in _EVENTS and not _is_activity(noun))
    return frozenset(term for noun in through for term in terms(noun))


def _is_activity(noun: str) -> bool:
    """Whether a noun has but the stem of one for people: the Head of *Engineering* is no engineer."""
    return noun.lower().endswith("ing") and noun.lower() != "king" and not PEOPLE.isdisjoint(terms(noun))


def _asking(text: str) -> "re.Match[str] | None":
    """The word that asks: one at the start, else the last "what", "how many" or "which" but ", which", else the last. None where
    none asks, or for two things, or for an explanation.
    """
    if _SECOND.search(text) or _EXPLAINING.match(text):
        return None
    lowered = text.lower()
    found = list(_ASKING.finditer(lowered if len(lowered) == len(text) else text))
    if not found:
        return None
    if text[: found[0].start()].count(" ") <= 1:
        return found[0]
    if _POLAR.match(text):
        return None
    clear = [
        match
        for match in found
        if match.group().startswith(("what", "how"))
        or (match.group() == "which" and not text[: match.start()].rstrip().endswith(","))
    ]
    return (clear or found)[-1]


def _noun(text: str) -> list[str]:
    """The words of the noun with which a text begins, up to the first that does not belong to it."""
    words: list[str] = []
    for match in WORD.finditer(text):
        word, following = match.group(), text[match.end() : match.end() + 1]
        initial = len(word) == 1 and following == "."
        if fold(word) in STOP_WORDS and not initial:
            break
        if words and word[0].isupper() and not words[-1][0].isupper():
            break
        # "which team owned", but "which American born singer"
        if words and word[0].islower() and is_past(word) and word != "born":
            break
        if words and _ACTING.match(text, match.start()):
            break
        words.append(word)
        if word.endswith(("'s", "’s")):
            words.clear()
        elif following in (",", "?", ".") and not initial:
            break
        elif (parts := _OF_PARTS.match(text, match.start())) is not None:
            return [*words, parts.group(1)]
    return words


def _kind(word: str, head: Iterable[str]) -> Kind:
    """What a word asks for, with the words of its noun."""
    if word in ("who", "whom", "whose"):
        return "person"
    if word in ("when", "where"):
        return "date" if word == "when" else "place"
    if word.startswith("how"):
        return "number"
    kind: Kind = "thing"
    for term in (term for one in head for term in terms(one)):  # the last one that is known: "area code", "movie stars"
        kind = NOUNS.get(term, kind)
    return kind


def _last_verb(word: str, after: str) -> str:
    """The verb at the end of a question that begins with its auxiliary ("when was the firm that laid the cable *founded*?"): what is
    asked of all that stands between. Empty where there is none, or "who is" asks for what a noun says.

    Args:
        word: that asks.
        after: what follows it and its noun.
    """
    auxiliary = _AUXILIARY.match(after)
    if auxiliary is None or (not auxiliary.group(1) and word in ("who", "whom", "what")):
        return ""
    last = _LAST.search(_ASIDE.split(after, maxsplit=1)[0])
    if last is None or last.group(1).lower() in STOP_WORDS:  # "a month", "in engineering"
        return ""
    verb = last.group(2)
    done = (bool(auxiliary.group(1)) and verb not in STOP_WORDS) or is_past(verb)
    return verb if done else ""


def _asked(before: str, after: str, head: frozenset[str], verb: str) -> dict[str, float]:
    asked: dict[str, float] = dict.fromkeys(map(canonical, terms(verb)), 1.0)
    for pieces in (_PIECE.findall(after), _PIECE.findall(before)[::-1]):
        weight = NEARER if verb else 1.0
        for piece in pieces:
            if piece.lower() in _NESTING:
                weight *= NESTED
                continue
            for term in map(canonical, terms(piece)):
                if term not in head:
                    asked[term] = max(asked.get(term, 0.0), weight)
                    weight *= NEARER
    return asked
