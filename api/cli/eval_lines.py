"""Reports of evaluations, and two of them compared, as tables for people."""

from typing import Any

from graphrag.errors import InputError
from graphrag.evaluation.compare import compare
from graphrag.evaluation.metrics import RANKED

LEGEND = (
    "R@k: % of the passages needed that are among the first k; all@k: % of the questions with all of theirs there;",
    "trips: reads of the store a question; p50, p95: time that half, and 95 %, of the questions stay under",
)


def report_lines(report: dict[str, Any]) -> list[str]:
    """The report as a table for people, fractions as percentages."""
    indexing, modes = report["indexing"], report["modes"]
    lines = [
        f"{report['dataset']} on {report['store']}, seed {report['seed']}: {indexing['passages']} passages indexed in "
        f"{indexing['seconds']} s ({indexing['passages_per_second']} per second)",
        "",
        f"{'mode':<20} {'R@2':>6} {'R@5':>6} {'R@10':>6} {'all@5':>6} {'all@8':>6} {'p50 ms':>7} {'p95 ms':>7} {'trips':>6}",
    ]
    for mode, row in modes.items():
        cells = [f"{100 * row[name]:6.1f}" for name in RANKED]
        lines.append(
            f"{mode:<20} {' '.join(cells)} {row['ms_p50']:7.1f} {row['ms_p95']:7.1f} {row['round_trips']:6.1f}"
        )
    lines += [*LEGEND, *(f"note: {note}" for note in report.get("notes", ()))]
    for mode, row in modes.items():
        if "model" in row:
            used = row["model"]
            lines += [
                "",
                f"{mode}, per question: {used['calls']:.1f} calls of the model, {used['input_tokens']:,.0f} + "
                f"{used['output_tokens']:,.0f} tokens, ${used['dollars']:.4f}; degraded: {100 * used['degraded']:.0f} % of "
                f"the questions",
            ]
    for mode, row in modes.items():
        if "groups" in row and mode in ("graph", "agent"):
            kinds = (
                f"{kind} ({group['questions']}) {100 * group['recall@5']:.1f} / {100 * group['all@5']:.1f}"
                for kind, group in row["groups"].items()
            )
            lines += ["", f"{mode}, recall@5 / all@5 by kind of question: {'; '.join(kinds)}"]
    for mode, row in modes.items():
        if "answer_contains" in row:
            verdicts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in row["verdicts"].items())
            lines += [
                "",
                f"{mode}: the quotes contain the gold answer in {100 * row['answer_contains']:.1f} % of the questions "
                f"(exact match {100 * row['answer_em']:.1f}, F1 {100 * row['answer_f1']:.1f}: answers are sentences, not spans)",
                *_short_lines(row),
                f"  verdicts: {verdicts}",
                *(f"  {100 * share:5.1f} %  {name}" for name, share in row["tools"].items()),
            ]
    return lines


def _short_lines(row: dict[str, Any]) -> list[str]:
    if "short_precision" not in row:
        return []
    return [
        f"  short answers: {100 * row['short_coverage']:.1f} % of the questions get one, {100 * row['short_precision']:.1f} % of "
        "these equal a known answer"
    ]


def comparison_lines(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """Two reports mode by mode, as tables for people. Where each has one mode, these are compared whatever their names.

    Raises:
        InputError: they are of different benchmarks, or have no mode in common.
    """
    if a["dataset"] != b["dataset"]:
        raise InputError(f"the reports are of {a['dataset']} and {b['dataset']}: compare runs on the same benchmark")
    modes = [(mode, mode) for mode in a["modes"] if mode in b["modes"]]
    if len(a["modes"]) == len(b["modes"]) == 1:
        modes = [(*a["modes"], *b["modes"])]
    if not modes:
        raise InputError("the reports have no mode in common")
    lines: list[str] = []
    for one, other in modes:
        questions, differences = compare(a["modes"][one]["per_question"], b["modes"][other]["per_question"])
        lines += [
            f"{one if one == other else f'{one} and {other}'}, {questions} questions of {a['dataset']}",
            f"  {'score':<16} {'A':>8} {'B':>8} {'B - A':>8}   95 % interval",
        ]
        for found in differences:
            scale = 1 if found.score in ("round_trips", "ms") else 100
            lines.append(
                f"  {found.score:<16} {scale * found.a:8.1f} {scale * found.b:8.1f} {scale * (found.b - found.a):+8.1f}   "
                f"{scale * found.low:+.1f} to {scale * found.high:+.1f}{'' if found.clear else '   (may be chance)'}"
            )
    return lines
