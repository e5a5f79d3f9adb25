"""Nouns for people by what they are or do: "lead", "foreman", "curator"."""

import re

from agent.spans.wanted import PEOPLE_NOUNS
from graphrag.word_forms import is_past

_ROLES = PEOPLE_NOUNS.union(
    """
    accountant administrator advisor agent analyst architect assistant attendant auditor baker bookkeeper bosun broker builder buyer
    caretaker carpenter chair chef chief cleaner clerk commander conductor conservator contact contractor controller cook coordinator
    curator custodian dean delegate deputy designer developer doctor donor driver examiner fitter founder gardener guide head holder
    inspector instructor inventor janitor judge keeper lead lecturer lender maintainer maker master mate mechanic mentor moderator nurse
    officer operator organiser owner partner photographer pilot planner plumber porter president principal producer programmer
    publisher registrar representative researcher reviewer sculptor secretary skipper sponsor steward supervisor supplier surveyor
    trainer treasurer trustee tutor vendor warden welder worker person people
    """.split()
)
_ENDING = re.compile(r"\w+(?:man|woman|ist|ian)")
_MAKING = frozenset(
    "author writer playwright poet novelist composer director painter artist sculptor photographer maker creator".split()
)


def is_role(noun: str) -> bool:
    """Whether the last word of a noun is for somebody by what they are or do; "led" and "sponsored" are none."""
    last = noun.split()[-1] if noun else ""
    return not is_past(last) and (
        _ENDING.fullmatch(last) is not None or last in _ROLES or last.removesuffix("s") in _ROLES
    )


def is_maker(noun: str) -> bool:
    """Whether it is for who made a work: a text may say no more of them than by whom it is."""
    return not _MAKING.isdisjoint(noun.split()[-1:])
