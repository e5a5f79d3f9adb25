"""Running a benchmark: ingest its passages into a fresh namespace, ask its questions, score what comes back."""

import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from graphrag.errors import InputError
from graphrag.evaluation.beir import Dataset, Query
from graphrag.evaluation.metrics import all_at, contains_answer, exact_match, f1, percentile, recall_at
from graphrag.ingest import ingest_documents
from graphrag.ingested import Progress
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.usage import Usage
from graphrag.loaders.base import LoadedDocument
from graphrag.retrieval.question import check_question
from graphrag.types import Scope, document_id, stable_id

WARM_UP = 3
"""Questions asked before the clock runs, so that lazy loading is not counted."""
REFUSED = "refused"
"""Stands for the tools of a question that is not asked."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What a mode returns for a question: all the scorer sees of it."""

    document_ids: Sequence[str]
    """Best first; repetitions count once."""
    answer: str
    """Text of the answer; empty for modes that only retrieve."""
    tools: str
    """The sequence of tools used, for example "vector+keyword > expand"."""
    round_trips: int
    verdict: str = ""
    confidence: float | None = None
    """Estimated probability that the evidence holds the answer, of modes that estimate it."""
    usage: Usage = Usage()  # noqa: RUF009 - frozen
    """Of a language model."""
    degraded: int = 0
    """Parts that had to be done without."""
    short: str = ""
    """The short answer, if one was offered."""


Ask = Callable[[str], Awaitable[Retrieved]]
"""A mode under test. It is given the question's text and nothing else."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """The outcome of ingesting a dataset."""

    document_ids: Mapping[str, str]
    """Passage id -> document id; lacks passages that were left out."""
    seconds: float


async def ingest_dataset(
    kb: KnowledgeBase, scope: Scope, dataset: Dataset, *, seed: int, progress: Progress | None = None
) -> Indexed:
    """Ingest each passage as one document, under hashed ids and in random order, so that neither gives anything away.

    The title stands for a text that is empty; a passage that has neither is left out.

    Raises:
        InputError: a passage could not be ingested.
    """
    passages = [passage for passage in dataset.passages if passage.text.strip() or passage.title.strip()]
    random.Random(seed).shuffle(passages)  # noqa: S311 - an order, not a secret
    sources = {passage.id: stable_id("evaluation", seed, passage.id) for passage in passages}
    documents = (
        LoadedDocument(
            source=sources[passage.id],
            title=passage.title,
            media_type="text/plain",
            text=text,
            headings=(),
            pages=(),
            metadata={},
            content_sha256=sha256(text.encode()).hexdigest(),
        )
        for passage in passages
        for text in (passage.text if passage.text.strip() else passage.title,)
    )
    begun = time.perf_counter()
    report = await ingest_documents(kb, scope, documents, progress=progress)
    seconds = time.perf_counter() - begun
    if report.failures:
        first = report.failures[0]
        raise InputError(
            f"{dataset.name}: {len(report.failures)} passages were not ingested, the first because {first.reason}"
        )
    return Indexed({id_: document_id(scope.tenant, source) for id_, source in sources.items()}, seconds)


async def evaluate(
    dataset: Dataset, indexed: Indexed, ask: Ask, *, progress: Callable[[], None] | None = None
) -> dict[str, object]:
    """Ask every question and score what comes back.

    A question that is refused, such as one without a word, counts as one that nothing was found for.

    Returns:
        A report whose keys are those of the JSON report; fractions are from 0 to 1. `groups` has recall@5 and all@5 for
        each kind of question, `per_question` the scores of each question in the order of the dataset. Scores of answers are
        there if the mode gives answers, that is if any reply has an answer or a verdict: means over the questions with a
        known answer, of which one that is left without an answer scores 0. `short_coverage` is the share of these that got
        a short answer, and `short_precision` the share of the short answers that equal a known one.
    """
    passage_of = {document: passage for passage, document in indexed.document_ids.items()}
    for query in dataset.queries[:WARM_UP]:
        await _asked(ask, query.text)
    scores: list[dict[str, float]] = []
    milliseconds: list[float] = []
    kept: list[Retrieved] = []
    for query in dataset.queries:
        begun = time.perf_counter()
        retrieved = await _asked(ask, query.text)
        milliseconds.append((time.perf_counter() - begun) * 1000)
        kept.append(retrieved)
        ranked = list(dict.fromkeys(passage_of[id_] for id_ in retrieved.document_ids))
        scores.append(_score_ranked(query, ranked))
        if progress is not None:
            progress()
    tools = Counter(found.tools for found in kept)
    verdicts = Counter(found.verdict for found in kept)
    # Known only now: an empty answer alone does not tell a mode that found none from one that never gives any.
    if any(found.answer for found in kept) or any(verdicts):
        for query, found, row in zip(dataset.queries, kept, scores, strict=True):
            row.update(_score_answer(query, found.answer))
    asked = len(scores) or 1
    report: dict[str, object] = {
        name: round(sum(row[name] for row in scores if name in row) / max(1, sum(name in row for row in scores)), 4)
        for name in sorted({name for row in scores for name in row})
    }
    report |= {
        "questions": len(scores),
        "ms_p50": round(percentile(milliseconds, 0.5), 2),
        "ms_p95": round(percentile(milliseconds, 0.95), 2),
        "round_trips": round(sum(found.round_trips for found in kept) / asked, 2),
        "tools": {name: round(count / asked, 4) for name, count in tools.most_common()},
    }
    if any(verdicts):
        report["verdicts"] = {name or REFUSED: round(count / asked, 4) for name, count in verdicts.most_common()}
    if any(found.usage.calls or found.degraded for found in kept):
        total = sum((found.usage for found in kept), Usage())
        report["model"] = {
            "calls": round(total.calls / asked, 2),
            "input_tokens": round(total.input_tokens / asked, 1),
            "output_tokens": round(total.output_tokens / asked, 1),
            "dollars": round(total.dollars / asked, 6),
            "degraded": round(sum(found.degraded > 0 for found in kept) / asked, 4),
        }
    if any(found.short for found in kept):
        report |= _score_short(dataset.queries, kept)
    if any(query.kind for query in dataset.queries):
        report["groups"] = _groups(dataset.queries, scores)
    report["per_question"] = [
        {"id": query.id, "kind": query.kind, **{name: round(score, 6) for name, score in row.items()}}
        | {"ms": round(ms, 3), "round_trips": found.round_trips, "tools": found.tools}
        | ({"verdict": found.verdict} if found.verdict else {})
        | ({"confidence": found.confidence} if found.confidence is not None else {})
        | ({"short": found.short} if found.short else {})
        for query, row, ms, found in zip(dataset.queries, scores, milliseconds, kept, strict=True)
    ]
    return report


def refusal_of(question: str) -> str:
    """Why a question is not asked; empty if it is."""
    try:
        check_question(question)
    except InputError as exc:
        return str(exc)
    return ""


async def _asked(ask: Ask, question: str) -> Retrieved:
    return Retrieved([], "", REFUSED, 0) if refusal_of(question) else await ask(question)


def _groups(queries: Sequence[Query], scores: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    rows: dict[str, list[Mapping[str, float]]] = {}
    for query, row in zip(queries, scores, strict=True):
        rows.setdefault(query.kind or "other", []).append(row)
    return {
        kind: {"questions": len(of_kind)}
        | {name: round(sum(row[name] for row in of_kind) / len(of_kind), 4) for name in ("recall@5", "all@5", "all@8")}
        for kind, of_kind in sorted(rows.items())
    }


def _score_short(queries: Sequence[Query], kept: Sequence[Retrieved]) -> dict[str, object]:
    """Coverage and precision of short answers, over the questions with a known answer."""
    known = [(query, found.short) for query, found in zip(queries, kept, strict=True) if query.answers]
    right = [exact_match(short, query.answers) for query, short in known if short]
    return {
        "short_coverage": round(len(right) / max(1, len(known)), 4),
        "short_precision": round(sum(right) / max(1, len(right)), 4),
    }


def _score_ranked(query: Query, ranked: Sequence[str]) -> dict[str, float]:
    scores = {f"recall@{k}": recall_at(ranked, query.gold, k) for k in (2, 5, 10)}
    return scores | {f"all@{k}": all_at(ranked, query.gold, k) for k in (5, 8)}


def _score_answer(query: Query, answer: str) -> dict[str, float]:
    """Empty for a question without a known answer; all 0 for one that was left without an answer."""
    metrics = {"answer_contains": contains_answer, "answer_em": exact_match, "answer_f1": f1}
    if not query.answers:
        return {}
    # Without words, an answer would equal a known one that normalises to nothing, such as "The".
    return {name: metric(answer, query.answers) if answer else 0.0 for name, metric in metrics.items()}
