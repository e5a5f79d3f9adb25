"""Editions: of a policy, a price list or a protocol that another version replaces, a question means the one in force.

"Laser safety (2023)" and "Laser safety (2025), replaces the version of 2023" answer "who is laser safety officer?" with two names; so do
"ADR 9", which says that it is superseded by ADR 19, and that one. The older passage stands behind, as a copy does, unless the question
asks for what was.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphrag.analysis import normalise
from graphrag.dates import MONTH, month_number
from graphrag.retrieval.ledger import Candidate, common_share

LIKE = 0.2
"""Least share of common terms (Jaccard) for a passage of the newer edition to say of the same what one of the older says."""
LIKE_ITS_HEIR = 0.1
"""The same where the older one says itself by what it was replaced."""
OPENING = 400
"""Characters of a document among which it says that it holds, or no longer."""
_EDITION = re.compile(
    rf"(?:(?<![^\W_])(?:v|ver|version|edition|ed|rev|revision|issue)[\s._]*(?P<number>\d+)|(?<!\d)(?P<year>(?:19|20)\d\d)(?!\d)|\b(?P<month>{MONTH})\b)",
    re.IGNORECASE,
)
"""What tells editions apart in a title or the name of a file: "(2023)", "v3", "edition of April 2026". Not what things are numbered by
("INC-2041", "Alto 40").
"""
_DIGIT, _SET_OFF = re.compile(r"\d"), re.compile(r"[-_. (](?:v|ed|rev|issue|(?:19|20)\d)", re.IGNORECASE)
"""What an edition in a title, and one in the name of a file, has at least: to look for it takes ten times as long."""
_IN_FORCE = re.compile(
    r"\b(?:(?:valid|effective|applicable|in\s+force)\s+(?:from|since|as\s+of)|replaces|supersedes|(?:replaced|superseded)\s+by)\b",
    re.IGNORECASE,
)
_REPLACED_BY = re.compile(
    r"^\W*(?:(?:status|note|warning|deprecated|obsolete|withdrawn|retired)\b[\W_]*)*(?:this\s+(?:adr|article|decision|document|edition|file|guide|note|page|policy"
    r"|procedure|protocol|record|rfc|runbook|specification|standard|version)\s+(?:is|was|has\s+been)\s+)?(?:replaced|superseded)\s+by\W+"
    r"(?P<name>\w[^\n.,;()*]{1,80})",
    re.IGNORECASE | re.MULTILINE,
)
"""At the beginning of a line, so that a keyboard player who "was replaced by" another one, or a bridge, is none."""
_NUMBER = re.compile(r"\d+")
_PAST = re.compile(
    r"\b(?:old|older|oldest|previous|previously|former|formerly|earlier|before|until|past|last|was|were|did|had|used\s+to|then|ago|changed?|changes"
    r"|differ(?:ed|s|ence|ences|ent)?|compared?|versions?|editions?|replaced|superseded|history|first|both|between(?=\b.*\sand\s))\b",
    re.IGNORECASE,
)
"""Asks for what was, or how it changed."""


def superseded(question: str, candidates: Sequence[Candidate]) -> list[int]:
    """Places of the passages of which a newer edition among them tells, or what replaced their document; none where the question asks for
    what was, or gives the number or the year of that edition.
    """
    past = {word for match in _PAST.findall(question) for word in normalise(match).split()}
    asked = {int(number) for number in _NUMBER.findall(question)}
    series: defaultdict[str, defaultdict[tuple[int, int, int], list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, candidate in enumerate(candidates):
        edition = _edition(candidate)
        if edition is not None:
            series[normalise(_EDITION.sub(" ", candidate.chunk.title))][edition].append(place)
    found: list[int] = []
    for title, editions in series.items():
        *older, newest = sorted(editions)
        places = [place for edition in older for place in editions[edition] if asked.isdisjoint(filter(None, edition))]
        # "Rest *between* duties" is no word of the question's own.
        if places and past <= {*title.split()} and any(_says_so(candidates[p]) for p in (*places, *editions[newest])):
            found += _told_anew(candidates, places, editions[newest], LIKE)
    for older, newer in _replaced(candidates):
        title = normalise(candidates[older[0]].chunk.title)
        if past <= {*title.split()} and asked.isdisjoint(map(int, _NUMBER.findall(title))):
            found += _told_anew(candidates, older, newer, LIKE_ITS_HEIR)
    return found


def _told_anew(candidates: Sequence[Candidate], older: Sequence[int], newer: Sequence[int], like: float) -> list[int]:
    """Those of the older passages with which a newer one has so many words in common."""
    return [p for p in older if any(common_share(candidates[p], candidates[other]) >= like for other in newer)]


def _replaced(candidates: Sequence[Candidate]) -> Iterator[tuple[list[int], list[int]]]:
    """Places of the passages of a document that says in its opening by which it was replaced, and of those of that one."""
    for candidate in candidates:
        opening = candidate.chunk.text[:OPENING] if candidate.chunk.position == 0 else ""
        # To look for it at each line takes long.
        says = _REPLACED_BY.search(opening) if "ed by" in opening or "ED BY" in opening else None
        if says is None:
            continue
        name, own = f"{normalise(says['name'])} ", candidate.chunk.document_id
        newer = [
            place
            for place, other in enumerate(candidates)
            if other.chunk.document_id != own and f"{normalise(other.chunk.title)} ".startswith(name)
        ]
        if newer:
            yield [place for place, other in enumerate(candidates) if other.chunk.document_id == own], newer


def _edition(candidate: Candidate) -> tuple[int, int, int] | None:
    """Year, month and number of an edition, 0 where there is none, as its title or else the name of its file gives them; None without any."""
    for text, may_tell in ((candidate.chunk.title, _DIGIT), (candidate.chunk.source.rpartition("/")[2], _SET_OFF)):
        year = month = number = 0
        for match in _EDITION.finditer(text) if may_tell.search(text) else ():
            year = int(match["year"] or year)
            month = month_number(match["month"]) if match["month"] else month
            number = int(match["number"] or number)
        if year or number:
            return year, month, number
    return None


def _says_so(candidate: Candidate) -> bool:
    """Whether a passage, as the first of a document, says that this holds, or no longer."""
    return candidate.chunk.position == 0 and _IN_FORCE.search(candidate.chunk.text[:OPENING]) is not None
