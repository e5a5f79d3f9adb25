"""The constants of chain search, in one place; what each weighs is said in graphrag.retrieval.chain.

Origin: those of base and joints were found by random search on HotpotQA and MuSiQue training questions and rounded; the
others (mentioned, firm, second, and those of longer chains) were set by hand while looking at both sets, so results on these
are in sample. What a search on either set alone, from neutral values, gives on the other is in docs/benchmarks.md.
"""

from dataclasses import dataclass, replace

from graphrag.errors import InputError


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the terms of chain search."""

    sentence: float = 0.75
    keyword: float = 0.4
    named: float = 0.4
    mentioned: float = 0.4
    second: float = 0.3
    gain: float = 1.2
    firm: float = 0.4
    """A joint of this strength or more lets the gain count in full; 0 lets it count whatever joins the passages, and however common its words are."""
    shared: float = 1.2
    same_document: float = 0.5
    """What sharing an entity is worth between passages of one document, by what it is worth between documents."""
    link: float = 0.2
    link_sentence: float = 0.3
    back: float = 0.2
    distinct: float = 1.0
    """What joins two passages is worth so much less if they repeat each other; 0 lets it count whatever they repeat."""
    further: float = 0.4
    further_joint: float = 0.7
    threshold: float = 1.1
    step: float = 0.02
    length: int = 4
    """Passages of the longest chain."""

    def without(self, term: str) -> "Weights":
        """These weights with one term switched off, for ablations.

        Raises:
            InputError: there is no such term; names those that are.
        """
        if term not in TERMS:
            raise InputError(f"there is no term {term!r} in chain search: choose among {', '.join(TERMS)}")
        if term == "length":
            return replace(self, length=2)
        if term == "link":
            return replace(self, link=0.0, link_sentence=0.0, back=0.0)
        if term == "graph":
            return self.without("shared").without("link")
        return replace(self, **{term: 0.0})


TERMS = tuple(
    "graph length sentence keyword named mentioned second gain firm shared same_document link distinct".split()
)
"""What can be switched off; `graph` is all joints, `length` chains of more than two passages, `link` title links."""
WEIGHTS = Weights()
