"""The report of an evaluation as one self-contained web page: plots as inline SVG, no script, no network."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from graphrag.evaluation.compare import interval
from graphrag.evaluation.metrics import RANKED

_STYLE = """
:root { --ink: #1d2733; --soft: #5b6b7c; --line: #d9e0e7; --paper: #fff; --a: #2b6cb0; --b: #dd6b20; --c: #2f855a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9fb0c0; --line: #33404d; --paper: #10171e; --a: #63b3ed; --b: #f6ad55; --c: #68d391; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .3rem; }
p { color: var(--soft); margin: .2rem 0 .8rem; max-width: 50rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 600; }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .soft { fill: var(--soft); } svg .grid { stroke: var(--line); } svg .whisker { stroke: var(--ink); stroke-width: 1.4; }
"""
# In units of the picture, which is as wide as the page: a row with its bar, the line on which the text beside it stands, and
# what is left free for names before bars and for figures behind them.
_WIDTH, _ROW, _BAR, _TEXT = 860, 26, 16, 12
_NAMES, _LONG_NAMES, _FIGURES = 210, 420, 60


def page(report: Mapping[str, Any]) -> str:
    """The page for a report of `graphrag eval`."""
    modes: Mapping[str, Any] = report["modes"]
    parts = [
        f"<h1>{escape(report['dataset'])}</h1>",
        f"<p>{escape(_subtitle(report))}</p>",
        "<h2>Scores by mode</h2>",
        "<p>Percent of what is relevant that is among the first k passages (recall@k); of questions with all of it (all@k).</p>",
        _table(modes),
        "<h2>Recall@5 with its 95 % interval</h2>",
        "<p>Bootstrap over the questions. Where intervals overlap widely, the difference may be chance.</p>",
        _bars([(mode, _values(row, "recall@5")) for mode, row in modes.items()], "var(--a)"),
        "<h2>Questions with all relevant passages among the first five</h2>",
        _bars([(mode, _values(row, "all@5")) for mode, row in modes.items()], "var(--b)"),
    ]
    for mode, row in modes.items():
        if mode in ("graph", "agent") and "groups" in row:
            by_kind: dict[str, list[float]] = {}
            for question in row["per_question"]:
                by_kind.setdefault(question["kind"] or "other", []).append(question["all@5"])
            parts += [
                f"<h2>All@5 by kind of question, {escape(mode)}</h2>",
                _bars([(f"{kind} ({len(values)})", values) for kind, values in sorted(by_kind.items())], "var(--c)"),
            ]
    parts += [
        "<h2>Milliseconds for a question</h2>",
        "<p>From the fastest question to the slowest; logarithmic.</p>",
        _latencies({mode: _values(row, "ms") for mode, row in modes.items()}),
    ]
    for mode, row in modes.items():
        if "verdicts" in row:
            parts += [
                f"<h2>What {escape(mode)} did</h2>",
                "<p>Sequences of tools, and verdicts, by share of the questions.</p>",
                _shares({**row["tools"], **{f"verdict: {name}": share for name, share in row["verdicts"].items()}}),
            ]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report['dataset'])}: evaluation</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _subtitle(report: Mapping[str, Any]) -> str:
    indexing = report["indexing"]
    notes = [
        f"{indexing['passages']} passages on {report['store']}, seed {report['seed']}",
        f"indexed in {indexing['seconds']} s ({indexing['passages_per_second']} per second)",
    ]
    if not report.get("titles", True):
        notes.append("without titles")
    if report.get("without"):
        notes.append(f"without {', '.join(report['without'])}")
    if report.get("rerank"):
        notes.append("hybrid and graph re-ranked")
    return "; ".join([*notes, *report.get("notes", ())])


def _values(row: Mapping[str, Any], score: str) -> list[float]:
    return [question[score] for question in row["per_question"]]


def _table(modes: Mapping[str, Any]) -> str:
    heads = "".join(f"<th>{name}</th>" for name in ("mode", *RANKED, "p50 ms", "p95 ms", "store reads"))
    rows = "".join(
        f"<tr><td>{escape(mode)}</td>"
        + "".join(f"<td>{100 * row[name]:.1f}</td>" for name in RANKED)
        + f"<td>{row['ms_p50']:.1f}</td><td>{row['ms_p95']:.1f}</td><td>{row['round_trips']:.1f}</td></tr>"
        for mode, row in modes.items()
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _bars(rows: Sequence[tuple[str, Sequence[float]]], colour: str) -> str:
    """A bar for the mean of each row's values, with a whisker for its interval."""
    span = _WIDTH - _NAMES - _FIGURES
    parts = [_scale(len(rows), span)]
    for index, (name, values) in enumerate(rows):
        mean = sum(values) / len(values) if values else 0.0
        low, high = interval(values)
        y = _upper_edge(index)
        middle = y + _BAR // 2
        parts.append(
            f"{_bar(index, name, mean, colour, left=_NAMES)}"
            f'<line class="whisker" x1="{_NAMES + span * low:.1f}" x2="{_NAMES + span * high:.1f}" y1="{middle}" y2="{middle}"/>'
            f'<text x="{_WIDTH - _FIGURES + 12}" y="{y + _TEXT}">{100 * mean:.1f}</text>'
        )
    return _svg(_height(len(rows)), parts)


def _scale(rows: int, span: int) -> str:
    """Lines from 0 to 100 % behind so many bars, with their figures below."""
    height = _height(rows)
    return "".join(
        f'<line class="grid" x1="{_NAMES + span * share / 100:.1f}" x2="{_NAMES + span * share / 100:.1f}" y1="0" y2="{height - 20}"/>'
        f'<text class="soft" x="{_NAMES + span * share / 100:.1f}" y="{height - 5}" text-anchor="middle">{share}</text>'
        for share in (0, 25, 50, 75, 100)
    )


def _shares(shares: Mapping[str, float]) -> str:
    """A bar for each share, with the percentage at its end."""
    span = _WIDTH - _LONG_NAMES - _FIGURES
    parts = [
        f"{_bar(index, name, share, 'var(--a)', left=_LONG_NAMES)}"
        f'<text x="{_LONG_NAMES + span * share + 8:.1f}" y="{_upper_edge(index) + _TEXT}">{100 * share:.0f} %</text>'
        for index, (name, share) in enumerate(shares.items())
    ]
    return _svg(_height(len(shares)), parts)


def _bar(index: int, name: str, share: float, colour: str, *, left: int) -> str:
    """The bar of a row, its name before it."""
    y = _upper_edge(index)
    return (
        f'<text x="{left - 10}" y="{y + _TEXT}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{left}" y="{y}" width="{(_WIDTH - left - _FIGURES) * share:.1f}" height="{_BAR}" rx="3" fill="{colour}" opacity="0.8"/>'
    )


def _upper_edge(index: int) -> int:
    """Where the bar of a row begins."""
    return 6 + index * _ROW


def _height(rows: int) -> int:
    """Of a picture with so many rows, and room for a scale below."""
    return _ROW * (rows + 1)


def _latencies(modes: Mapping[str, Sequence[float]]) -> str:
    """A line for each mode: milliseconds, logarithmic, over the share of questions that took no longer."""
    height, left, right, top, bottom = 300, 70, 170, 12, 34
    span, tall = _WIDTH - left - right, height - top - bottom
    legend = left + span + 24
    everything = [value for values in modes.values() for value in values if value > 0]
    if not everything:
        return ""
    low, high = math.log10(min(everything)), math.log10(max(everything))
    low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)

    def y(value: float) -> float:
        return top + tall * (1 - (math.log10(max(value, 10**low)) - low) / (high - low))

    parts = [
        f'<line class="grid" x1="{left}" x2="{left + span}" y1="{y(10**power):.1f}" y2="{y(10**power):.1f}"/>'
        f'<text class="soft" x="{left - 10}" y="{y(10**power) + 4:.1f}" text-anchor="end">{10**power:g}</text>'
        for power in range(low, high + 1)
    ] + [
        f'<text class="soft" x="{left + span * share / 100:.1f}" y="{height - 12}" text-anchor="middle">{share} %</text>'
        for share in (0, 25, 50, 75, 90, 100)
    ]
    for index, (mode, values) in enumerate(modes.items()):
        ordered = sorted(values)
        hue = f"hsl({(index * 67 + 210) % 360} 65% 50%)"
        points = " ".join(
            f"{left + span * place / max(1, len(ordered) - 1):.1f},{y(value):.1f}"
            for place, value in enumerate(ordered)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{hue}" stroke-width="2"/>'
            f'<rect x="{legend}" y="{top + 22 * index}" width="12" height="12" rx="2" fill="{hue}"/>'
            f'<text x="{legend + 18}" y="{top + 10 + 22 * index}">{escape(mode)}</text>'
        )
    return _svg(height, parts)


def _svg(height: int, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(parts)}</svg>'
