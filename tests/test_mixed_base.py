"""The labels of the mixed base: what they name exists, and says what they say."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.mixed.run import HALVES, NEAR_MISS, Question, load_documents, load_questions

QUESTIONS = load_questions()


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of each document by its source, with single spaces."""
    documents = load_documents(tmp_path_factory.mktemp("mixed") / "halvarn")
    return {document.source: " ".join(document.text.split()) for document in documents}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_gold_passages_exist_and_hold_what_is_asked(question: Question, texts: dict[str, str]) -> None:
    assert bool(question.gold) == (question.kind != NEAR_MISS)
    for source, quote in question.gold:
        assert quote in texts[source]
    if question.gold and question.kind != "comparison":
        held = " ".join(texts[source] for source, _ in question.gold)
        assert all(answer in held for answer in question.answers)


def test_the_base_has_sources_of_each_kind(texts: dict[str, str]) -> None:
    files = {source.partition("#")[0] for source in texts}
    suffixes = Counter(Path(source).suffix for source in files)

    assert len(files) >= 40
    assert suffixes.keys() == {".csv", ".docx", ".html", ".json", ".jsonl", ".md", ".pdf"}


def test_each_half_has_questions_with_and_without_an_answer() -> None:
    counts = Counter((question.half, question.kind == NEAR_MISS) for question in QUESTIONS)

    assert len({question.id for question in QUESTIONS}) == len(QUESTIONS)
    assert [counts[half, near] for half in HALVES for near in (False, True)] == [32, 10, 15, 5]
