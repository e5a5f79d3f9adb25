"""`graphrag eval`: retrieval and answer quality on a benchmark folder in BEIR layout; `eval compare`: two such runs."""

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from typer.core import TyperGroup

from agent.loop import ALL_TOOLS, Agent
from agent.search import search
from agent.tools import GRAPH_TOOLS, TOOLS
from agent.types import Answer, Budget
from api.cli.eval_lines import comparison_lines, report_lines
from api.cli.output import console, line, print_json
from api.modes import agent_for, budget_within
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import ConfigError, InputError
from graphrag.evaluation.beir import Dataset, load_dataset, without_titles
from graphrag.evaluation.html import page
from graphrag.evaluation.runner import Ask, Retrieved, evaluate, ingest_dataset, refusal_of
from graphrag.knowledge import KnowledgeBase
from graphrag.retrieval.weights import TERMS, WEIGHTS, Weights
from graphrag.settings import Settings, load_settings
from graphrag.stores.trips import count_round_trips
from graphrag.types import Scope, Tool

MODES_OF_ALL = ("keyword", "vector", "hybrid", "graph", "agent", "agent-without-graph")
"""What `all` stands for where no language model is configured."""
MODES = (*MODES_OF_ALL, "agent-with-model")
DEPTH, MAX_DEPTH = 20, 320
"""Chunks taken from a single tool; up to the other number where these are of fewer than PASSAGES passages."""
PASSAGES = 10
"""Distinct passages that the scores look at."""
_NOT_IN_A_LABEL = re.compile(r"[^A-Za-z0-9._-]")
_SOURCE = re.compile(r"[0-9a-f]{32}")
"""Of a passage that an evaluation has stored."""

Stage = Callable[[str, int], Callable[[], None]]
"""(what is being done, how many steps) -> to be called after each step."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What is switched off, to see what it adds: terms of chain search, tools of the agent."""

    weights: Weights = WEIGHTS
    tools: frozenset[str] = ALL_TOOLS
    budget: Budget = field(default_factory=Budget)
    """Of answers with a language model."""


def variant_without(names: Sequence[str]) -> Variant:
    """The variant without terms and tools of these names.

    Raises:
        InputError: a name is neither; says which there are.
    """
    weights, tools = WEIGHTS, set(ALL_TOOLS)
    for name in names:
        if name in TOOLS:
            tools.discard(name)
        elif name in TERMS:
            weights = weights.without(name)
        else:
            raise InputError(
                f"--without {name}: choose among the terms {', '.join(TERMS)} and the tools {', '.join(TOOLS)}"
            )
    return Variant(weights, frozenset(tools))


async def run_evaluation(
    dataset: Dataset,
    modes: Sequence[str],
    *,
    seed: int,
    settings: Settings,
    clean_up: bool,
    stage: Stage,
    variant: Variant = Variant(),
    reranked: bool = False,
) -> dict[str, Any]:
    """Ingest a dataset's passages into a fresh store, ask its questions in each mode, and return the report.

    Args:
        settings: `store_url` names the store.
        clean_up: whether to delete the passages from the store afterwards, also when something failed.
        reranked: whether to use the configured re-ranking model, which is left out otherwise.

    Raises:
        ConfigError: there is none.
        InputError: the store holds other documents under the dataset's tenant, a passage could not be ingested, a mode needs
            what is not configured, or another evaluation of the dataset uses the store.
    """
    async with open_knowledge_base(settings) as opened:
        kb = opened if reranked else replace(opened, reranker=None)
        if reranked and kb.reranker is None:
            raise ConfigError("--rerank needs a re-ranking model: set GRAPHRAG_RERANKER and GRAPHRAG_RERANK_MODEL")
        scope = Scope(tenant=_NOT_IN_A_LABEL.sub("-", f"eval-{dataset.name}")[:60])
        asks = {mode: _ask(kb, scope, mode, variant) for mode in modes}
        if await kb.store.documents(scope, limit=1):
            stage("remove what a run that was killed has left", 1)
            await _clean_up(kb, scope)
        try:
            begun = {"dataset": dataset.name, "store": settings.store_url.partition(":")[0], "seed": seed}
            return begun | await _ingest_and_ask(kb, scope, dataset, asks, seed=seed, stage=stage)
        finally:
            if clean_up:
                await _clean_up(kb, scope)


async def _ingest_and_ask(
    kb: KnowledgeBase, scope: Scope, dataset: Dataset, asks: Mapping[str, Ask], *, seed: int, stage: Stage
) -> dict[str, Any]:
    tick = stage(f"ingest {len(dataset.passages)} passages of {dataset.name}", len(dataset.passages))
    indexed = await ingest_dataset(kb, scope, dataset, seed=seed, progress=lambda _: tick())
    count = len(indexed.document_ids)
    await _check_stored(kb, scope, count)
    results: dict[str, object] = {}
    for mode, ask in asks.items():
        tick = stage(f"ask {len(dataset.queries)} questions, mode {mode}", len(dataset.queries))
        results[mode] = await evaluate(dataset, indexed, ask, progress=tick)
    await _check_stored(kb, scope, count)
    return {
        "indexing": {
            "passages": count,
            "seconds": round(indexed.seconds, 2),
            "passages_per_second": round(count / indexed.seconds, 2),
        },
        "modes": results,
        "notes": [*dataset.notes, *_left_out(dataset, count)],
    }


def _left_out(dataset: Dataset, indexed: int) -> Iterator[str]:
    """What of a dataset could not be found or asked, told for people."""
    if empty := len(dataset.passages) - indexed:
        yield f"passages without a text and a title, which cannot be found: {empty}"
    if refused := [reason for query in dataset.queries if (reason := refusal_of(query.text))]:
        yield f"questions that are refused, and count as nothing found: {len(refused)}, the first because {refused[0]}"


async def _check_stored(kb: KnowledgeBase, scope: Scope, count: int) -> None:
    """Refuse to go on with scores from a store that has lost passages.

    Raises:
        InputError: it has, since another run began anew.
    """
    if (await kb.store.statistics(scope)).documents != count:
        raise InputError(
            f"another evaluation uses tenant {scope.tenant!r} of {kb.store.location}: run one after the other, "
            "or name another store"
        )


async def _clean_up(kb: KnowledgeBase, scope: Scope) -> None:
    """Delete every passage of the scope; a run that failed may have stored only some.

    Raises:
        InputError: a document there is no passage of an evaluation, and may be wanted.
    """
    while stored := await kb.store.documents(scope, limit=500):
        other = next((document.source for document in stored if not _SOURCE.fullmatch(document.source)), None)
        if other is not None:
            raise InputError(
                f"{kb.store.location} holds {other[:80]!r} in tenant {scope.tenant!r}, which no evaluation "
                "stored: name another store"
            )
        await kb.store.delete_documents(scope, [document.id for document in stored])


def _modes(settings: Settings, chosen: Sequence[str]) -> tuple[str, ...]:
    """The modes that were chosen, each once, with those that `all` stands for.

    Raises:
        InputError: there is no such mode.
    """
    unknown = next((mode for mode in chosen if mode not in (*MODES, "all")), None)
    if unknown is not None:
        raise InputError(f"unknown mode {unknown!r}: choose one of {', '.join(MODES)}, or all")
    every = MODES if settings.llm_provider else MODES_OF_ALL
    return tuple(dict.fromkeys(name for mode in chosen for name in (every if mode == "all" else (mode,))))


def _ask(kb: KnowledgeBase, scope: Scope, mode: str, variant: Variant) -> Ask:
    match mode:
        case "agent":
            return _ask_agent(Agent(kb, tools=variant.tools, weights=variant.weights), scope)
        case "agent-without-graph":
            return _ask_agent(Agent(kb, tools=variant.tools - GRAPH_TOOLS, weights=variant.weights), scope)
        case "agent-with-model":
            if kb.llm is None:
                raise InputError(
                    "mode agent-with-model needs a language model: set GRAPHRAG_LLM_PROVIDER and GRAPHRAG_LLM_MODEL"
                )
            agent = replace(agent_for(kb, "agent"), tools=variant.tools, weights=variant.weights, budget=variant.budget)
            return _ask_agent(agent, scope)
        case "keyword" | "vector" | "hybrid" | "graph":
            return _ask_tool(kb, scope, mode, variant.weights)
        case _:
            raise InputError(f"unknown mode {mode!r}: choose one of {', '.join(MODES)} or all")


def _ask_tool(kb: KnowledgeBase, scope: Scope, tool: Tool, weights: Weights) -> Ask:
    # Long passages have many chunks, and one of them can take every place. What was deep enough once is kept, so that the
    # clock counts one search a question. A re-ranking model is given no more than what is set for it.
    depth, deepest = DEPTH, MAX_DEPTH if kb.reranker is None else DEPTH

    async def ask(question: str) -> Retrieved:
        nonlocal depth
        while True:
            with count_round_trips() as trips:
                hits = await search(kb, scope, question, tool, depth, weights=weights)
            chunks = await kb.store.chunks(scope, [hit.chunk_id for hit in hits])
            documents = {chunk.id: chunk.document_id for chunk in chunks}
            if len(set(documents.values())) >= PASSAGES or len(hits) < depth or depth >= deepest:
                return Retrieved([documents[hit.chunk_id] for hit in hits], "", tool, trips.count)
            depth *= 2

    return ask


def _ask_agent(agent: Agent, scope: Scope) -> Ask:
    async def ask(question: str) -> Retrieved:
        answer = await agent.run(scope, question)
        return Retrieved(
            [ranked.document_id for ranked in answer.ranked],
            answer.text if answer.written else " ".join(citation.quote for citation in answer.citations),
            tool_sequence(answer),
            answer.round_trips,
            answer.verdict,
            answer.confidence,
            answer.usage,
            len(answer.degraded),
            answer.short.text if answer.short else "",
        )

    return ask


def tool_sequence(answer: Answer) -> str:
    """The tools of a run in short, for example "vector+keyword > expand"."""
    short = {"vector_search": "vector", "keyword_search": "keyword", "graph_search": "graph", "graph_expand": "expand", "read_chunk": "read", "hypothetical_search": "hyde", "rewritten_search": "rewrite", "decomposed_search": "decompose"}  # fmt: skip
    return " > ".join("+".join(short.get(o.tool, o.tool) for o in step.observations) for step in answer.steps)


def compare_reports(
    a: Annotated[Path, typer.Argument(metavar="A", help="A report written with `eval --json`.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one on the same benchmark.")],
) -> None:
    """Compare two runs on the same questions.

    Prints the difference of each score with its paired bootstrap interval.
    """
    for text in comparison_lines(_read_report(a), _read_report(b)):
        line(text)


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise InputError(
            f"{path} cannot be read as a report: {exc}; write one with `graphrag eval DIR --json FILE`"
        ) from exc
    if not _is_report(report):
        raise InputError(
            f"{path} is no report with scores of each question: write one with `graphrag eval DIR --json FILE`"
        )
    return report


def _is_report(value: Any) -> bool:
    modes = value.get("modes") if isinstance(value, dict) and "dataset" in value else None
    return isinstance(modes, dict) and all(isinstance(row, dict) and "per_question" in row for row in modes.values())


class EvalGroup(TyperGroup):
    """`eval DIR` measures a benchmark; `eval compare A B` is the one subcommand."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the method of the base class, with `run` before whatever names no subcommand."""
        if args and args[0] not in self.commands and args != ["--help"]:
            args = ["run", *args]
        return super().parse_args(ctx, args)


def evaluate_folder(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds corpus.jsonl, queries.jsonl, qrels/test.tsv.")],
    mode: Annotated[
        list[str] | None,
        typer.Option("--mode", metavar="MODE", help=f"One of {', '.join(MODES)}, or all (default); repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the order of passages and their ids.")] = 0,
    store: Annotated[
        str, typer.Option("--store", metavar="URL", help="A fresh store to use; default a temporary embedded one.")
    ] = "",
    no_titles: Annotated[
        bool, typer.Option("--no-titles", help="Take the titles from all passages before they are ingested.")
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="NAME", help="Switch off a term of chain search or a tool; repeatable."),
    ] = None,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="Re-rank the hits of hybrid and graph search with the configured model.")
    ] = False,
    questions: Annotated[
        int, typer.Option("--questions", metavar="N", min=0, help="Ask the first N questions only; 0 is all.")
    ] = 0,
    html_file: Annotated[str, typer.Option("--html", metavar="FILE", help="Write the report as a web page too.")] = "",
    json_file: Annotated[
        str,
        typer.Option("--json", metavar="FILE", help="Write the report as JSON too; '-' prints it and nothing else."),
    ] = "",
) -> None:
    """Measure retrieval and answers on a benchmark.

    `graphrag eval DIR` is short for `graphrag eval run DIR`.

    Ingests the passages of a folder in BEIR layout into a store of their own, asks the questions in some modes or all,
    and prints how much of what is relevant was found. Nothing of it stays in the store.
    """
    settings = load_settings()
    for path in (html_file, json_file if json_file != "-" else ""):
        if path:
            _check_writable(Path(path))
    modes = _modes(settings, mode or ["all"])
    variant = replace(variant_without(without or ()), budget=budget_within(settings.question_seconds))
    dataset = load_dataset(folder)
    if no_titles:
        dataset = without_titles(dataset)
    if questions:
        dataset = replace(dataset, queries=dataset.queries[:questions])
    with (
        tempfile.TemporaryDirectory(prefix="graphrag-eval-") as scratch,
        _stages(silent=json_file == "-") as stage,
        _interruptible(),
    ):
        report = asyncio.run(
            run_evaluation(
                dataset,
                modes,
                seed=seed,
                settings=load_settings(store_url=store or f"sqlite:///{scratch}/eval.db"),
                clean_up=bool(store),
                stage=stage,
                variant=variant,
                reranked=rerank,
            )
        )
    report |= {"titles": not no_titles, "without": sorted(without or ()), "rerank": rerank}
    if html_file:
        _write(Path(html_file), page(report))
    if json_file == "-":
        print_json(report)
        return
    for text in report_lines(report):
        line(text)
    if json_file:
        _write(Path(json_file), json.dumps(report, indent=2) + "\n")
        line(f"\nReport written to {json_file}")
    if html_file:
        line(f"Page written to {html_file}")


group = typer.Typer(cls=EvalGroup, no_args_is_help=True, help="Measure retrieval (`eval DIR`), or compare two runs.")
group.command("run")(evaluate_folder)
group.command("compare")(compare_reports)


def _check_writable(path: Path) -> None:
    """Refuse before the questions are asked, rather than after.

    Raises:
        InputError: the file cannot be written.
    """
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: name a file in a folder that exists")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{path} cannot be written ({exc.strerror or exc})") from exc


@contextmanager
def _interruptible() -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Abort("interrupted; nothing of the evaluation stays in the store") from None


@contextmanager
def _stages(*, silent: bool) -> Generator[Stage]:
    """A progress bar for each stage on a terminal, a line for each elsewhere; on standard error."""
    target = console(stderr=True)
    with Progress(console=target, disable=silent or not target.is_terminal) as bars:

        def begin(what: str, steps: int) -> Callable[[], None]:
            if not silent and not target.is_terminal:
                target.print(what, soft_wrap=True)
            task = bars.add_task(what, total=steps)
            return lambda: bars.advance(task)

        yield begin
