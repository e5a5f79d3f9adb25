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
    rows: list[_Row] = []
    for query in dataset.queries:
        begun = time.perf_counter()
        found = await _asked(ask, query.text)
        milliseconds = (time.perf_counter() - begun) * 1000
        ranked = list(dict.fromkeys(passage_of[id_] for id_ in found.document_ids))
        rows.append(_Row(query, found, milliseconds, _score_ranked(query, ranked)))
        if progress is not None:
            progress()
    # Known only now: an empty answer alone does not tell a mode that found none from one that never gives any.
    if any(row.found.answer or row.found.verdict for row in rows):
        for row in rows:
            row.scores.update(_score_answer(row.query, row.found.answer))
    return _report(rows)


@dataclass(frozen=True, slots=True)
class _Row:
    """A question with what came back, in how much time, and its scores by name."""

    query: Query
    found: Retrieved
    milliseconds: float
    scores: dict[str, float]


def _report(rows: Sequence[_Row]) -> dict[str, object]:
    """See evaluate. What no reply has is left out."""
    asked = len(rows) or 1
    verdicts = Counter(row.found.verdict for row in rows)
    report: dict[str, object] = {
        name: round(_mean([row.scores[name] for row in rows if name in row.scores]), 4)
        for name in sorted({name for row in rows for name in row.scores})
    }
    report |= {
        "questions": len(rows),
        "ms_p50": round(percentile([row.milliseconds for row in rows], 0.5), 2),
        "ms_p95": round(percentile([row.milliseconds for row in rows], 0.95), 2),
        "round_trips": round(sum(row.found.round_trips for row in rows) / asked, 2),
        "tools": _shares(Counter(row.found.tools for row in rows)),
    }
    if any(verdicts):
        report["verdicts"] = {name or REFUSED: share for name, share in _shares(verdicts).items()}
    if any(row.found.usage.calls or row.found.degraded for row in rows):
        report["model"] = _model_use(rows)
    if any(row.found.short for row in rows):
        report |= _score_short(rows)
    if any(row.query.kind for row in rows):
        report["groups"] = _groups(rows)
    report["per_question"] = [_told(row) for row in rows]
    return report


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def _shares(counts: Counter[str]) -> dict[str, float]:
    return {name: round(count / counts.total(), 4) for name, count in counts.most_common()}


def _model_use(rows: Sequence[_Row]) -> dict[str, float]:
    """What the language model used, as means over the questions, and the share of these that did without something."""
    total = sum((row.found.usage for row in rows), Usage())
    return {
        "calls": round(total.calls / len(rows), 2),
        "input_tokens": round(total.input_tokens / len(rows), 1),
        "output_tokens": round(total.output_tokens / len(rows), 1),
        "dollars": round(total.dollars / len(rows), 6),
        "degraded": round(sum(row.found.degraded > 0 for row in rows) / len(rows), 4),
    }


def _told(row: _Row) -> Mapping[str, object]:
    found = row.found
    return (
        {"id": row.query.id, "kind": row.query.kind, **{name: round(score, 6) for name, score in row.scores.items()}}
        | {"ms": round(row.milliseconds, 3), "round_trips": found.round_trips, "tools": found.tools}
        | ({"verdict": found.verdict} if found.verdict else {})
        | ({"confidence": found.confidence} if found.confidence is not None else {})
        | ({"short": found.short} if found.short else {})
    )


def refusal_of(question: str) -> str:
    """Why a question is not asked; empty if it is."""
    try:
        check_question(question)
    except InputError as exc:
        return str(exc)
    return ""


async def _asked(ask: Ask, question: str) -> Retrieved:
    return Retrieved([], "", REFUSED, 0) if refusal_of(question) else await ask(question)


def _groups(rows: Sequence[_Row]) -> dict[str, dict[str, float]]:
    by_kind: dict[str, list[Mapping[str, float]]] = {}
    for row in rows:
        by_kind.setdefault(row.query.kind or "other", []).append(row.scores)
    return {
        kind: {"questions": len(of_kind)}
        | {name: round(_mean([scores[name] for scores in of_kind]), 4) for name in ("recall@5", "all@5", "all@8")}
        for kind, of_kind in sorted(by_kind.items())
    }


def _score_short(rows: Sequence[_Row]) -> dict[str, object]:
    """Coverage and precision of short answers, over the questions with a known answer."""
    known = [row for row in rows if row.query.answers]
    right = [exact_match(row.found.short, row.query.answers) for row in known if row.found.short]
    return {
        "short_coverage": round(len(right) / max(1, len(known)), 4),
        "short_precision": round(_mean(right), 4),
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
