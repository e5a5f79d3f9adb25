"""What a question describes on the way to what it asks: "the lead of the night desk", "the firm that maintains the cranes".

Where such a description ends, its words alone do not show ("was the coach of Dunwell Rangers *born*"). So a description is read with each
end that it may have, and the longest that the documents tell is the one (agent/spans/told.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agent.expected import name_terms
from agent.spans.naming import TOLD_APART
from agent.spans.roles import is_maker, is_role
from agent.spans.wanted import NAME, NOUNS, Wanted, canonical
from agent.spans.works import NAMED_KIND
from graphrag.analysis import STOP_WORDS, fold, terms
from graphrag.word_forms import is_past

MAX_WORDS = 12
"""Of a description, after its noun."""
_WORD = r"(?:(?:[A-Z]\.)+(?=\s)|[\w’'-]+)"
_THE = r"\b(?:[Tt]he|[Oo]ur)\s+"
_NOUN = r"(?P<noun>(?:[a-z][\w-]*\s+){0,2}?[a-z][\w-]*)"
_CLAUSE = rf"(?P<clause>{_WORD}(?:\s+(?:{_WORD}|\([^()]*\)))*)"
# "the lead of the desk", "the pier master at Skerrow"
_OF = re.compile(rf"{_THE}{_NOUN}\s+(?P<joint>of|for|at|on|in|behind|under)\s+{_CLAUSE}")
# "When did *director of film Winter* die"
_BARE = re.compile(
    rf"(?:(?<=\bof )|(?<=\bdid )|(?<=\bdoes )|(?<=\bdo )|(?<=\bis )|(?<=\bwas )|(?<=\bare )|(?<=\band ))(?P<noun>[a-z]+)\s+(?P<joint>of)\s+(?=(?:the\s+)?(?:[a-z]+\s+)?[\"“]?[A-Z\d]){_CLAUSE}"
)
# "the firm that maintains the cranes", "the hall in which the quartet plays", "whoever runs the bars"
_WHO = re.compile(
    rf"(?:\b[Ww]hoever|{_THE}{_NOUN}\s+(?P<joint>(?:(?:in|at|on|for|from|by|to|of|with)\s+which|who|that|which|where)))\s+{_CLAUSE}"
)
# "the tug skippered by Piers Ossian"
_DONE = re.compile(rf"{_THE}{_NOUN}\s+(?P<joint>)(?=(?P<past>[a-z]+)\s){_CLAUSE}")
# "the night desk's lead"
_WHOSE = re.compile(rf"(?P<owner>{_WORD}?(?:['’]s|s['’]))\s+(?P<noun>[a-z][\w-]*(?:\s+[a-z][\w-]*){{0,2}})")
_TITLED = re.compile(rf"{NAME},\s+{NAME}\Z")
"""Whose it is by a name with a title: "Anna, Duchess of Osk's"."""
# "the night desk lead"
_COMPOUND = re.compile(rf"{_THE}(?P<noun>[a-z][\w-]*(?:\s+[a-z][\w-]*){{0,3}})")
_ACTED_ON = re.compile(r"(?:is|are|was|were|has\s+been|had\s+been|will\s+be)\b|(?:the|our|we|they|he|she|it)\b|[A-Z]")
"""How a clause begins that says what is done to its noun: "that Captain Farr commands"."""
_PERSONAL = frozenset("person man woman one people somebody someone".split())
_MANY = re.compile(r"[^su]s\Z")
"""The end of a noun for several, none of whom a description alone names."""
_BEING = frozenset("is are was were has have had".split())
_DOING = frozenset("do does did".split())
_AUXILIARY = (_BEING | _DOING | frozenset("can could will would should".split())) - {"have"}
_ASKING = frozenset("who whom whose which what where when how".split())
_CONNECTING = frozenset("of to into from in at on by for with".split())
_BOUND = _CONNECTING | _ASKING | frozenset("the a an this that and or".split())
_IS = r"(?:['’]s|\s+(?:is|was|are|were))?\s*(?:(?:now|currently|still|also|today)\s+)?"
_ASKED_ITSELF = re.compile(rf"\s*(?:who|what|which|where|when){_IS}", re.IGNORECASE)
_NAMED_ITSELF = re.compile(rf"\s*(?:who|what|which){_IS}", re.IGNORECASE)
"""All that stands before what the question asks for, and before what it asks who or what it is."""
_CLAUSE_OPENS = re.compile(
    r".*\b(?P<verb>is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|must|when|if)\s+(?P<subject>.*)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"(?:(?:the|an?|our|his|her|their|its)\b.*)?", re.IGNORECASE)
_STATES = frozenset("due open closed available free responsible able married".split())
_LIGHT = frozenset(terms("get gets do does give have go come take"))
_NUMBER = frozenset(terms("number"))


@dataclass(frozen=True, slots=True)
class Description:
    """A description as a question may hold it."""

    start: int
    end: int
    """Where it stands in the question."""
    text: str
    noun: str
    """What bears it; empty for whoever does."""
    needed: frozenset[str]
    """Terms that tell who or what it is. The noun is one where it is all that says so, as in "the *lead* of the desk"."""
    relation: frozenset[str]
    """Those of them of which a sentence that tells it holds at least half itself."""
    at: bool
    """Whether what bears it is where something is or happens."""
    of: bool
    """Whether its noun says what it is to somebody or something else, and not a clause."""
    acts: bool
    """Whether it does what is said of it, and that is not done to it: the firm that maintains something."""

    @property
    def called(self) -> tuple[str, ...]:
        """The names in it, but those of people with what they are ("Captain Farr"), whom a text may call otherwise."""
        found = re.findall(NAME, TOLD_APART.sub("", self.text[self.text.find(" ") :]))
        return tuple(name for name in found if not is_role(name.split()[0].lower()))

    @property
    def names(self) -> frozenset[str]:
        """Terms of all names in it."""
        return frozenset(name_terms(f" {self.text}"))

    @property
    def work(self) -> str:
        """The work of which it is who made it ("the author of *Salt Road*"); empty if it is nobody such."""
        name = self.called[-1] if self.called and is_maker(self.noun) else ""
        between = self.text.removesuffix(name).partition(self.noun)[2] if name else ""
        return name if re.fullmatch(r"\s+of\s+(?:the\s+)?(?:[a-z]+\s+)?", between) else ""


def descriptions(text: str) -> Iterator[Description]:
    """Those that a question may hold, the innermost first, each as long as it may be, then shorter."""
    found = [
        one for pattern in (_OF, _BARE, _WHO, _DONE) for match in _each(pattern, text) for one in _after(text, match)
    ]
    found += [one for match in _each(_WHOSE, text) for one in _before(text, match)]
    found += [one for match in _each(_COMPOUND, text) for one in _compound(text, match)]
    places: dict[tuple[int, int], Description] = {}
    for one in found:
        if (len(one.needed) > 1 or is_role(one.noun)) and not one.needed <= one.names:
            places.setdefault((-one.start, -one.end), one)
    yield from (places[place] for place in sorted(places))


def whole(question: str, wanted: Wanted) -> Description | None:
    """A question for somebody or something as the description that it is; None if it asks for anything else."""
    if wanted.kind not in ("person", "thing", "place"):
        return None
    words = [word for word in re.findall(_WORD, question) if terms(word)]
    noun = " ".join(word for word in words if wanted.head.issuperset(map(canonical, terms(word))))
    needed = _needed(question).difference(terms(noun))
    nearest = frozenset(term for term in needed if canonical(term) in wanted.nearest)
    at, acts = wanted.kind == "place", wanted.kind == "person"
    one = Description(0, len(question), question, noun, needed, nearest or needed, at=at, of=False, acts=acts)
    return one if len(needed) > 1 and not needed <= one.names else None


def _each(pattern: "re.Pattern[str]", text: str) -> Iterator["re.Match[str]"]:
    """Matches, also those within others; each begins with a word."""
    place = 0
    while (match := pattern.search(text, place)) is not None:
        yield match
        place = text.find(" ", match.start()) + 1
        if not place:
            return


def _after(text: str, match: "re.Match[str]") -> Iterator[Description]:
    """The noun with what follows it, up to each word that may be the last."""
    noun, joint, begin = match["noun"] or "", match["joint"] or "", match.start("clause")
    past = match.groupdict().get("past")
    if any(map(is_past, noun.split())) or (past is not None and not is_past(past)) or _MANY.search(noun):
        return
    named = match.re in (_OF, _BARE)
    of = named and noun.split()[-1] not in _PERSONAL
    if not is_role(noun) and (match.re is _BARE or (of and joint not in ("of", "for"))):
        return
    at = joint == "where" or joint.endswith(" which") or _is_place(noun)
    acting = match.re is _WHO and not at and _ACTED_ON.match(match["clause"]) is None
    acts = is_role(noun) if named else acting
    for end in _ends(text, match):
        said, clause = text[match.start() : end], text[begin:end]
        if of:
            needed = _needed(f"{noun} {NAMED_KIND.sub('', clause)}")
            relation = _needed(noun)
        else:
            needed = _needed(clause)
            # "Who *leads* the deck gang", "in *charge* of the electrical bench": the rest is of what.
            relation = (_needed(clause.split()[0]) if acting or named else needed) or needed
        yield Description(match.start(), end, said, noun, needed, relation, at=at, of=of, acts=acts)


def _ends(text: str, match: "re.Match[str]") -> Iterator[int]:
    """Where the clause of a match may end: after a word that says something, up to one that asks."""
    for word in [*re.finditer(rf"\([^()]*\)|{_WORD}", match["clause"])][:MAX_WORDS]:
        end = match.start("clause") + word.end()
        if word.group() in _ASKING:
            return  # what the question asks for
        stops = fold(word.group()) in STOP_WORDS and text[end:].strip(" ?.")
        light = word.group().islower() and _LIGHT.issuperset(terms(word.group()))
        if not stops and not light and _may_end(text, match.start(), end):
            yield end


def _before(text: str, match: "re.Match[str]") -> Iterator[Description]:
    """The noun with whose it is."""
    words = [*re.finditer(_WORD, text[: match.end("owner")])]
    first = len(words) - 1
    while first > 0 and fold(words[first - 1].group()) not in _ASKING | _AUXILIARY | _CONNECTING | {"have"}:
        first -= 1
    if first and fold(words[first - 1].group()) in _ASKING - {"who", "where", "when", "how"}:
        return  # "which *club's* under-twelves"
    titled = _TITLED.search(text, 0, match.end("owner"))
    begin = min(words[first].start(), titled.start() if titled is not None else len(text))
    for word in re.finditer(_WORD, match["noun"]):
        end = match.start("noun") + word.end()
        noun = text[match.start("noun") : end]
        if fold(word.group()) in STOP_WORDS:
            return
        itself = _ASKED_ITSELF.fullmatch(text[:begin]) is not None and not text[end:].strip(" ?.")
        if not itself and not _MANY.search(noun):
            yield _by_noun(text, begin, end, noun)


def _compound(text: str, match: "re.Match[str]") -> Iterator[Description]:
    """Somebody with the noun for what they do at the end."""
    for word in re.finditer(_WORD, match["noun"]):
        end = match.start("noun") + word.end()
        following = text[end:].strip(" ?.").split()[:1]
        ends = not following or following[0] in _BOUND | _AUXILIARY or following[0][0] in "'’"
        one = is_role(word.group()) and not _MANY.search(word.group())
        if ends and one and _may_end(text, match.start(), end):
            yield _by_noun(text, match.start(), end, word.group())


def _by_noun(text: str, start: int, end: int, noun: str) -> Description:
    """What stands there as a description that says by its noun alone who or what it is."""
    said, at, acts = text[start:end], _is_place(noun), is_role(noun)
    return Description(start, end, said, noun, _needed(said), _needed(noun), at=at, of=True, acts=acts)


def _may_end(text: str, start: int, end: int) -> bool:
    """Whether a question may go on, or end, after a description that stands there: with a verb of which that is the subject ("was the lead
    of the desk *born*") or with what it has ("the lead of the desk's phone"). What the question asks for itself is none.
    """
    before, rest = text[:start], text[end:]
    if rest.startswith(("'s ", "’s ")):
        return True
    words = rest.strip(" ?.").split()
    opening = _CLAUSE_OPENS.match(before)
    is_subject = opening is not None and _SUBJECT.fullmatch(opening["subject"]) is not None
    verb = opening["verb"].lower() if opening is not None else ""
    if not words:
        return _ASKED_ITSELF.fullmatch(before) is None and not (is_subject and verb in _DOING)  # whose verb is to come
    first = words[0]
    if not is_subject or _NAMED_ITSELF.fullmatch(before) or not first[0].islower() or first in _AUXILIARY:
        return False
    if not NOUNS.keys().isdisjoint(terms(first)):
        return False  # "the firm that owns the production *company* of"
    if verb in _BEING:
        said = is_past(first) or first.endswith("ing") or first in _STATES
        return said or (len(words) == 1 and first in _CONNECTING)
    return first not in _BOUND


def _is_place(noun: str) -> bool:
    return "place" in map(NOUNS.get, terms(noun))


def _needed(said: str) -> frozenset[str]:
    """The terms but those that say little: "number", beside one."""
    return frozenset(terms(said)) - _LIGHT - (_NUMBER if any(map(str.isdigit, said)) else frozenset())
