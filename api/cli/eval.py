"""`graphrag eval`: retrieval and answer quality on a benchmark folder in BEIR layout; `eval compare`: two such runs."""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from typer.core import TyperGroup

from api.cli.eval_lines import comparison_lines, report_lines
from api.cli.output import console, line, print_json
from api.evaluating import MODES, Stage, chosen_modes, run_evaluation, variant_without
from api.modes import budget_within
from graphrag.errors import InputError
from graphrag.evaluation.beir import load_dataset, without_titles
from graphrag.evaluation.html import page
from graphrag.settings import load_settings


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
    modes = chosen_modes(settings, mode or ["all"])
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
