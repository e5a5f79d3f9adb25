"""The labels of the corpora of organisations' papers: what they name exists, and says what they say."""

import re
from collections import Counter
from dataclasses import dataclass

import pytest

from benchmarks.organisations.corpus import CORPORA, UNANSWERABLE, Question, as_dataset, load_documents, load_questions
from graphrag.errors import InputError
from graphrag.loaders.base import LoadedDocument

QUESTIONS = {corpus: load_questions(corpus) for corpus in CORPORA}
ANSWERABLE = [
    pytest.param(corpus, question, id=f"{corpus}-{question.id}")
    for corpus, questions in QUESTIONS.items()
    for question in questions
    if question.kind != UNANSWERABLE
]


@dataclass(frozen=True, slots=True)
class Least:
    """What a corpus holds at least."""

    documents: int
    questions: int
    one_hop: int
    unanswerable: int
    other_kinds: int
    long_documents: int
    long_words: int
    """The number of words from which on a document counts as long."""
    absent: frozenset[str]
    """Codes that unanswerable questions ask for and that stand in no document."""


LEAST = {
    "pellworth_quernby": Least(90, 80, 20, 10, 5, 2, 2_000, frozenset({"IR-0652", "BHN-312"})),
    "aldermoor_kestwick": Least(70, 70, 15, 10, 4, 3, 900, frozenset({"SI-1215", "ADR-044"})),
}


@pytest.fixture(scope="module")
def documents() -> dict[str, list[LoadedDocument]]:
    return {corpus: load_documents(corpus) for corpus in CORPORA}


@pytest.fixture(scope="module")
def texts(documents: dict[str, list[LoadedDocument]]) -> dict[str, dict[str, str]]:
    return {corpus: {document.source: document.text for document in loaded} for corpus, loaded in documents.items()}


@pytest.mark.parametrize(("corpus", "question"), ANSWERABLE)
def test_each_quote_stands_in_the_document_that_it_is_ascribed_to(
    corpus: str, question: Question, texts: dict[str, dict[str, str]]
):
    for gold in question.gold:
        assert gold.document in texts[corpus]
        assert gold.quote in texts[corpus][gold.document]


@pytest.mark.parametrize("corpus", CORPORA)
def test_ids_questions_and_documents_are_not_repeated(corpus: str, documents: dict[str, list[LoadedDocument]]):
    questions, loaded = QUESTIONS[corpus], documents[corpus]

    assert len({question.id for question in questions}) == len(questions)
    assert len({question.text.casefold() for question in questions}) == len(questions)
    assert len({document.source for document in loaded}) == len({document.text for document in loaded}) == len(loaded)


@pytest.mark.parametrize("corpus", CORPORA)
def test_hops_are_the_gold_documents_and_kinds_say_the_same(corpus: str):
    for question in QUESTIONS[corpus]:
        named = {gold.document for gold in question.gold}
        assert len(named) == len(question.gold) == question.hops
        expected = {UNANSWERABLE: 0, "comparison": 2}.get(question.kind)
        assert question.hops == (int(question.kind.split()[0]) if expected is None else expected)
        assert bool(question.answer) == (question.kind != UNANSWERABLE)


@pytest.mark.parametrize("corpus", CORPORA)
def test_there_are_enough_documents_and_questions_of_every_kind(corpus: str, texts: dict[str, dict[str, str]]):
    kinds = Counter(question.kind for question in QUESTIONS[corpus])
    least = LEAST[corpus]

    assert least.documents <= len(texts[corpus]) <= 120
    assert len(QUESTIONS[corpus]) >= least.questions
    assert kinds["1 hop"] >= least.one_hop
    assert kinds[UNANSWERABLE] >= least.unanswerable
    assert min(kinds[kind] for kind in ("2 hops", "3 hops", "4 hops", "comparison")) >= least.other_kinds
    assert sum(len(text.split()) >= least.long_words for text in texts[corpus].values()) >= least.long_documents


@pytest.mark.parametrize("corpus", CORPORA)
def test_codes_that_unanswerable_questions_ask_for_stand_in_no_document(corpus: str, texts: dict[str, dict[str, str]]):
    asked = " ".join(question.text for question in QUESTIONS[corpus] if question.kind == UNANSWERABLE)
    absent = LEAST[corpus].absent

    assert absent <= set(re.findall(r"[A-Z]+-\d+", asked))
    assert not [name for name, text in texts[corpus].items() if any(code in text for code in absent)]


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_scorer_gets_every_document_and_only_questions_with_an_answer(
    corpus: str, documents: dict[str, list[LoadedDocument]]
):
    dataset = as_dataset(corpus, documents[corpus], QUESTIONS[corpus])

    assert dataset.name == corpus.replace("_", "-")
    assert len(dataset.passages) == len(documents[corpus])
    assert [query.id for query in dataset.queries] == [
        question.id for question in QUESTIONS[corpus] if question.kind != UNANSWERABLE
    ]
    assert all(query.gold for query in dataset.queries)


def test_an_unknown_corpus_is_named_with_those_that_exist():
    with pytest.raises(InputError, match=r"'pelworth'.*pellworth_quernby, aldermoor_kestwick"):
        load_questions("pelworth")
