"""An answer as text and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from agent.types import Answer, Citation, Observation
from api.cli.output import heading, say, shortened, show, table
from api.views import passage_out, usage_out
from graphrag.types import Chunk

VERDICTS = {
    "answered": "answered",
    "evidence_only": "evidence only: these passages come closest, check whether they answer it",
    "insufficient_evidence": "insufficient evidence: no passage clearly answers; the documents may not hold the answer",
}
STOPS = {
    "sufficient": "enough found",
    "no_gain": "nothing more to gain",
    "budget": "budget spent",
    "empty": "nothing found",
}
SHOWN_QUOTE = 300
SHOWN_MISSING = 8
SHOWN_NEAREST = 3


def answer_to_json(answer: Answer, passages: Sequence[Chunk] = ()) -> Mapping[str, object]:
    """An answer as JSON. Offsets are code points into the document's text."""
    return {
        "question": answer.question,
        "verdict": answer.verdict,
        "confidence": answer.confidence,
        "answer": answer.text,
        "written_by": "model" if answer.written else "quotation",
        "short": asdict(answer.short) if answer.short else None,
        "missing": list(answer.missing),
        "citations": [asdict(citation) for citation in answer.citations],
        "claims": [asdict(claim) for claim in answer.claims],
        "path": [asdict(edge) for edge in answer.path],
        "steps": [asdict(step) for step in answer.steps],
        "stopped_by": answer.stopped_by,
        "degraded": [asdict(note) for note in answer.degraded],
        "passages": [passage_out(chunk).model_dump() for chunk in passages],
        "usage": usage_out(answer).model_dump(),
        "timings": {"total_ms": answer.milliseconds},
    }


def place(source: str, title: str, heading: Sequence[str], page: int | None) -> str:
    """Where a passage stands: `source: title > heading, page 2`; a heading that repeats the title is left out."""
    names = [name for name in (title, section(title, heading)) if name]
    return ": ".join(filter(None, (source, " > ".join(names)))) + (f", page {page}" if page is not None else "")


def section(title: str, heading: Sequence[str]) -> str:
    """The innermost heading; empty if most of its words are in the title."""
    last = heading[-1] if heading else ""
    words = last.casefold().split()
    known = frozenset(title.casefold().replace(":", " ").split())
    return "" if sum(word.strip(":") in known for word in words) > len(words) / 2 else last


def print_answer(answer: Answer, passages: Sequence[Chunk] = ()) -> None:
    """An answer for people."""
    heading("Verdict", f"(confidence {answer.confidence:.2f})")
    say(VERDICTS[answer.verdict], indent=2)
    if answer.text:
        heading("Answer")
        if answer.short:
            short = " ".join(answer.short.text.split())
            say(f"{short} (probably: {answer.short.confidence:.2f})", "bold", indent=2)
        say(answer.text, indent=2)
    unsupported = [claim for claim in answer.claims if not claim.supported]
    if unsupported:
        heading("Not supported", "(sentences that the passages they cite do not bear out, as far as can be told)")
        for claim in unsupported:
            say(claim.text, indent=2, hang=2)
    if answer.missing and answer.verdict != "answered":
        heading("Missing", "(what the evidence does not hold)")
        more = ", ..." if len(answer.missing) > SHOWN_MISSING else ""
        say(", ".join(answer.missing[:SHOWN_MISSING]) + more, indent=2)
    if answer.citations:
        heading("Sources" if answer.text else "Nearest passages")
        for citation in answer.citations if answer.text else answer.citations[:SHOWN_NEAREST]:
            _print_citation(citation)
    if answer.path and answer.text:
        heading("Evidence path")
        cited = {citation.chunk_id: citation for citation in reversed(answer.citations)}
        ends = [(_ends(cited.get(edge.source), cited.get(edge.target)), edge.entity) for edge in answer.path]
        for text in dict.fromkeys(f"{first} -[{entity}]-> {second}" for (first, second), entity in ends):
            say(text, indent=2, hang=2)
    _print_steps(answer)
    if answer.usage.calls:
        used = f"{answer.usage.calls} calls, {answer.usage.input_tokens:,} + {answer.usage.output_tokens:,} tokens"
        heading("Language model", f"({used}{f', ${answer.usage.dollars:.4f}' if answer.usage.cost else ''})")
    if answer.degraded:
        heading("Done without")
        for note in answer.degraded:
            say(f"{note.part}: {note.detail}", indent=2, hang=2)
    if passages:
        heading("Best passages")
        for rank, chunk in enumerate(passages, start=1):
            say(f"{rank}. {place(chunk.source, chunk.title, chunk.heading, chunk.page)}", indent=2, hang=3)


def _ends(*cited: Citation | None) -> list[str]:
    """Titles of the passages that an edge joins; of passages of one document the headings too."""
    names = [citation.title or citation.source if citation else "another passage" for citation in cited]
    if len(set(names)) == len(names):
        return names
    sections = [section(citation.title, citation.heading) if citation else "" for citation in cited]
    return [f"{name} > {part}" if part else name for name, part in zip(names, sections, strict=True)]


def _print_citation(citation: Citation) -> None:
    say(f"[{citation.id}] {place(citation.source, citation.title, citation.heading, citation.page)}", indent=2, hang=4)
    say(f"“{shortened(' '.join(citation.quote.split()), SHOWN_QUOTE)}”", "italic", indent=6)


def _print_steps(answer: Answer) -> None:
    if not answer.steps:
        return
    aside = f"({answer.milliseconds:.0f} ms, {answer.round_trips} store reads; ended: {STOPS[answer.stopped_by]})"
    heading("Steps", aside)
    steps = table("#", "tool", "arguments", "hits", "new", "ms", right=("#", "hits", "new", "ms"), whole=("tool",))
    for step in answer.steps:
        for row, observation in enumerate(step.observations):
            steps.add_row(
                "" if row else str(step.number),
                observation.tool,
                observation.error or short_arguments(observation, answer.question),
                str(len(observation.hits)),
                str(observation.new_evidence),
                f"{observation.milliseconds:.0f}",
            )
    show(steps, indent=2)


def short_arguments(observation: Observation, question: str) -> str:
    """The arguments of a call in a few words; the question itself and ids are not repeated."""
    parts: list[str] = []
    for name, value in observation.arguments.items():
        match name, value:
            case "query", str() if value == question:
                parts.append("the question")
            case "query", _:
                parts.append(repr(str(value)[:40]))
            case "chunk_ids", tuple() | list():
                parts.append(f"from {len(value)} passages")
            case "unexplained_by", tuple() | list():
                parts.append(f"beyond {len(value)} passages")
            case "entities", tuple() | list():
                names = [str(item) for item in value]
                parts.append(f"around {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}")
            case "chunk_id", _:
                parts.append("around a passage")
            case _:
                parts.append(f"{name}={value}")
    return ", ".join(parts)
