"""The labels of the second corpus: what they name exists, and says what they say."""

import re
from collections import Counter

import pytest

from benchmarks.pellworth_quernby.corpus import UNANSWERABLE, Question, as_dataset, load_documents, load_questions

QUESTIONS = load_questions()
ANSWERABLE = [question for question in QUESTIONS if question.kind != UNANSWERABLE]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {document.source: document.text for document in load_documents()}


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question.id)
def test_each_quote_stands_in_the_document_that_it_is_ascribed_to(question: Question, texts: dict[str, str]):
    for gold in question.gold:
        assert gold.document in texts
        assert gold.quote in texts[gold.document]


def test_ids_questions_and_documents_are_not_repeated(texts: dict[str, str]):
    assert len({question.id for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question.text.casefold() for question in QUESTIONS}) == len(QUESTIONS)
    assert len(set(texts.values())) == len(texts) == len(load_documents())


def test_hops_are_the_gold_documents_and_kinds_say_the_same():
    for question in QUESTIONS:
        documents = {gold.document for gold in question.gold}
        assert len(documents) == len(question.gold) == question.hops
        expected = {UNANSWERABLE: 0, "comparison": 2}.get(question.kind)
        assert question.hops == (int(question.kind.split()[0]) if expected is None else expected)
        assert bool(question.answer) == (question.kind != UNANSWERABLE)


def test_there_are_enough_documents_and_questions_of_every_kind(texts: dict[str, str]):
    kinds = Counter(question.kind for question in QUESTIONS)

    assert 90 <= len(texts) <= 120
    assert len(QUESTIONS) >= 80
    assert kinds["1 hop"] >= 20
    assert kinds[UNANSWERABLE] >= 10
    assert min(kinds[kind] for kind in ("2 hops", "3 hops", "4 hops", "comparison")) >= 5
    assert sum(len(text.split()) >= 2_000 for text in texts.values()) >= 2


def test_codes_that_unanswerable_questions_ask_for_stand_in_no_document(texts: dict[str, str]):
    asked = " ".join(question.text for question in QUESTIONS if question.kind == UNANSWERABLE)
    absent = {"IR-0652", "BHN-312"}

    assert absent <= set(re.findall(r"[A-Z]+-\d+", asked))
    assert not [name for name, text in texts.items() if any(code in text for code in absent)]


def test_the_scorer_gets_every_document_and_only_questions_with_an_answer():
    documents = load_documents()
    dataset = as_dataset(documents, QUESTIONS)

    assert len(dataset.passages) == len(documents)
    assert [query.id for query in dataset.queries] == [question.id for question in ANSWERABLE]
    assert all(query.gold for query in dataset.queries)
