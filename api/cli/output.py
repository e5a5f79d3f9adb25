"""Printing: text for people, JSON for programs, progress for terminals."""

import json
import re
import sys
import textwrap
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

MAX_WIDTH = 110
"""Columns of running text; longer lines are hard to read."""
SHOWN_FAILURES = 20
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class _Harmless(Console):
    """Shows control characters of a text as U+FFFD: whoever wrote a title is not to command the reader's terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As the method of the base class."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_CONTROL.sub("\ufffd", segment.text))


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is: no markup, no emoji, no automatic colours, no control characters."""
    made = _Harmless(stderr=stderr, markup=False, emoji=False, highlight=False)
    if made.width > MAX_WIDTH:
        made.width = MAX_WIDTH
    return made


def say(text: str = "", style: str = "", *, indent: int = 0, hang: int = 0) -> None:
    """Print a paragraph, wrapped and indented; lines after the first one by `hang` more."""
    target = console()
    first, rest = " " * indent, " " * (indent + hang)
    wrapped = textwrap.fill(text, target.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    target.print(Text(wrapped, style=style), soft_wrap=True)


def line(text: str, style: str = "") -> None:
    """Print one line that is never wrapped: paths and commands stay whole when copied."""
    console().print(Text(text, style=style), soft_wrap=True)


def counted(number: int, what: str) -> str:
    """Such as "1 document", "2,400 documents"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def shortened(text: str, most: int) -> str:
    """The text, cut with a sign that says so if it has more than so many characters."""
    return text if len(text) <= most else text[: max(0, most - 1)].rstrip() + "…"


def heading(text: str, aside: str = "") -> None:
    """Print the heading of a part of the output, after an empty line."""
    console().print()
    console().print(Text.assemble((text, "bold"), (f" {aside}" if aside else "", "dim")))


def complain(message: str, hint: str = "") -> None:
    """Print an error to standard error."""
    target = console(stderr=True)
    target.print(Text.assemble(("Error: ", "bold red"), message), soft_wrap=True)
    if hint:
        target.print(Text(hint, style="dim"), soft_wrap=True)


def print_json(value: object) -> None:
    """Print one JSON document."""
    encoding = (sys.stdout.encoding or "utf-8").lower().replace("-", "")
    print(json.dumps(value, ensure_ascii=encoding != "utf8", indent=2, allow_nan=False))


def table(*columns: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """A table with spaces between columns and no lines.

    Args:
        columns: their headings.
        right: those aligned to the right, as numbers are.
        whole: those that are never wrapped or cut.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column in whole,
            overflow="fold",
        )
    return made


def show(made: Table, *, indent: int = 0) -> None:
    """Print a table."""
    target = console()
    with target.capture() as captured:
        target.print(Padding(made, (0, 0, 0, indent)))
    text = captured.get()
    if not target.is_terminal:
        text = "".join(f"{row.rstrip()}\n" for row in text.splitlines())
    print(text, end="")


def print_failures(what: str, failures: Sequence[tuple[str, str]]) -> None:
    """Print the sources that failed, each with the reason, under a heading; nothing if none did."""
    if not failures:
        return
    heading(what, f"({len(failures)})")
    for source, reason in failures[:SHOWN_FAILURES]:
        line(f"  {reason}" if source in reason else f"  {source}: {reason}", "red")
    if len(failures) > SHOWN_FAILURES:
        say(f"... and {len(failures) - SHOWN_FAILURES} more; --json lists all", indent=2)


@contextmanager
def waiting(what: str, *, silent: bool = False) -> Generator[None]:
    """Show a spinner on a terminal while something takes time."""
    target = console(stderr=True)
    if silent or not target.is_terminal:
        yield
        return
    with target.status(what):
        yield
