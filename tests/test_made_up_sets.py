"""The labels of the made-up sets: what answers stands in the passages that are named, and every kind of question is asked."""

from collections import Counter
from pathlib import Path

import pytest

from graphrag.evaluation.beir import load_dataset

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ASKED = {
    "development": {"compositional": 14, "inference": 6, "comparison": 7, "bridge_comparison": 7, "one_hop": 5},
    "development_2": {"compositional": 14, "inference": 6, "comparison": 7, "bridge_comparison": 7, "one_hop": 5},
    "held_out": {"compositional": 22, "inference": 8, "comparison": 10, "bridge_comparison": 12, "one_hop": 2},
}
PASSAGES = {"bridge_comparison": {3, 4}, "one_hop": {1}, "compositional": {2, 3}}


@pytest.mark.parametrize("name", ASKED)
def test_the_articles_of_a_question_hold_its_answer(name: str):
    dataset = load_dataset(BENCHMARKS / "articles" / name)
    texts = {passage.id: f"{passage.title} {passage.text}".casefold() for passage in dataset.passages}
    assert Counter(query.kind for query in dataset.queries) == ASKED[name]
    for query in dataset.queries:
        assert len(query.gold) in PASSAGES.get(query.kind, {2})
        if "comparison" not in query.kind:
            held = " ".join(texts[id_] for id_ in query.gold)
            assert any(answer.casefold() in held for answer in query.answers), query.text


NEWS = {"inference": 17, "comparison": 15, "temporal": 8}
PLAIN = {"fact": 15, "claim": 12, "howto": 13, "two_passages": 12, "claim_two": 4}
OTHERS = {
    "news/development": NEWS,
    "news/held_out": NEWS,
    "news/held_out_2": {"inference": 16, "comparison": 13, "temporal": 7},
    "plain/development": PLAIN,
    "plain/held_out": PLAIN,
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_passages_of_a_question_hold_its_answer(name: str):
    dataset = load_dataset(BENCHMARKS / name)
    texts = {passage.id: f"{passage.title} {passage.text}".casefold() for passage in dataset.passages}
    assert Counter(query.kind for query in dataset.queries) == OTHERS[name]
    unlike = 0
    for query in dataset.queries:
        assert len(query.gold) in ({1} if query.kind in ("fact", "claim", "howto") else {2, 3})
        if query.kind in ("fact", "inference"):
            held = " ".join(texts[id_] for id_ in query.gold)
            unlike += not any(answer.casefold() in held for answer in query.answers)
    assert unlike <= 1  # as "eleven days (median)" for "a median of eleven days"
