"""Precision and recall of entity resolution on labelled pairs of names.

    python -m benchmarks.resolve [--errors] [FILE...]

The rules were corrected by their errors on `benchmarks/entities/development.jsonl`, not on `held-out.jsonl`; but the author of
the rules wrote both, so the second is no independent test. Each is two names with their types, as a reader of the text would know them to
be one thing or two; many are hard on purpose, and some cannot be known from the names alone.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphrag.analysis import normalise
from graphrag.extraction.resolution import same_as
from graphrag.types import Entity, SameAs, entity_id

FOLDER = Path(__file__).parent / "entities"
STRONG = 0.8
"""Links of this score or more are also counted alone."""


@dataclass(frozen=True)
class Pair:
    """Two names, and whether they are one thing."""

    kind: str
    a: Entity
    b: Entity
    same: bool

    @property
    def link(self) -> SameAs | None:
        """What resolution says."""
        return same_as(self.a, self.b)


@dataclass(frozen=True)
class Outcome:
    """How often resolution is right."""

    links: int
    right: int
    same: int

    @property
    def precision(self) -> float:
        """Of the links, how many are right."""
        return self.right / self.links if self.links else 1.0

    @property
    def recall(self) -> float:
        """Of the pairs that are one, how many are linked."""
        return self.right / self.same if self.same else 1.0


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file of JSON lines."""
    return [_pair(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _pair(line: dict[str, object]) -> Pair:
    return Pair(str(line["kind"]), _entity(line["a"]), _entity(line["b"]), bool(line["same"]))


def _entity(value: object) -> Entity:
    assert isinstance(value, dict)
    name, type_ = str(value["name"]), str(value["type"])
    key = normalise(name)
    return Entity(entity_id("default", key), key, name, type_, 1, 1, 1)


def measure(pairs: Iterable[Pair], least: float = 0.0) -> Outcome:
    """Compare what resolution says with the labels; a link below `least` counts as none."""
    counts: Counter[tuple[bool, bool]] = Counter()
    for pair in pairs:
        link = pair.link
        counts[link is not None and link.score >= least, pair.same] += 1
    right = counts[True, True]
    return Outcome(links=right + counts[True, False], right=right, same=right + counts[False, True])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of each file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "files", nargs="*", type=Path, default=[FOLDER / "development.jsonl", FOLDER / "held-out.jsonl"]
    )
    parser.add_argument("--errors", action="store_true", help="print each pair that is wrong")
    options = parser.parse_args(arguments)
    print("| pairs | one | links | precision | recall | precision, score 0.8 and more | recall, score 0.8 and more |")
    print("|---|---|---|---|---|---|---|")
    for path in options.files:
        pairs = read_pairs(path)
        every, strong = measure(pairs), measure(pairs, STRONG)
        figures = [f"{value:.3f}" for one in (every, strong) for value in (one.precision, one.recall)]
        print("|", " | ".join([f"{len(pairs)}, {path.stem}", str(every.same), str(every.links), *figures]), "|")
    for path in options.files if options.errors else ():
        for pair in read_pairs(path):
            link = pair.link
            if (link is not None) != pair.same:
                said = f"{link.score} {link.reason}" if link else "no link"
                print(f"{'missed' if pair.same else 'wrong '}  {pair.kind}: {pair.a.name} | {pair.b.name}: {said}")


if __name__ == "__main__":
    main()
