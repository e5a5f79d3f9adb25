"""Nouns for works: a film, a song, a book. Which of them count depends on where they stand, so each list has its place."""

import re

NAMED_KIND = re.compile(
    r"\b(?:films?|movies?|songs?|albums?|singles?|operas?|ballets?|plays?|novels?|books?|poems?|series|shows?|games?|paintings?|magazines?)\s+(?=[\"“]?[A-Z\d])"
)
"""What a work is, before its name, as questions say it: a text that tells who made it need not say so."""
MADE = (
    r"(?:play|comedy|tragedy|drama|musical|opera|ballet|novel|book|poem|story|essay|memoir|film|picture|painting|portrait|sculpture|statue"
    r"|song|album|march|suite|symphony|concerto|piece|work)"
)
"""What a text says is by somebody: "a *play* by Agneta Corrigan"."""
DIRECTED = r"(?:film|movie|documentary|series|serial|thriller|western|comedy|drama)"
"""The same of a director."""
PLAIN = frozenset(
    "film movie album ep single song band group duo trio quartet series musician singer rapper anime".split()
)
"""What follows a genre and is none itself: "a rock *band*"."""
OF_GENRE = PLAIN | frozenset(
    "novel novella book game noir play opera manga magazine story poem show sitcom soundtrack".split()
)
"""All that has a genre: a description that ends with another noun says none."""
