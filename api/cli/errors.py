"""How commands fail: one short message, as text or JSON, and an exit code."""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

import typer
from typer.core import TyperGroup

from api.cli.codes import INTERRUPTED, UNEXPECTED, USAGE
from api.cli.output import complain, print_json
from graphrag.errors import GraphRAGError, InputError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_OWN_SIGNALS = ("serve", "worker")
"""Commands that themselves say what SIGTERM does."""


class CommandGroup(TyperGroup):
    """Runs a command and turns whatever it raises into a message and an exit code.

    `--json` and `--debug` are looked up in the arguments themselves, since arguments that cannot be parsed need an
    error in the wanted form too.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: object,
    ) -> object:
        """As the method of the base class."""
        arguments = list(sys.argv[1:] if args is None else args)
        end = arguments.index("--") if "--" in arguments else len(arguments)
        options = [option for option in arguments[:end] if option != "--debug"]
        as_json, debug = _prints_json(options), len(options) < end
        try:
            try:
                wanted = [*options, *arguments[end:]]
                with _interrupted_by_sigterm(wanted):
                    result = cast(
                        object,
                        super().main(
                            wanted, prog_name or "graphrag", complete_var, False, windows_expand_args, **extra
                        ),
                    )
                code = result if isinstance(result, int) else 0
                if code == INTERRUPTED:
                    code = report(typer.Abort(), as_json=as_json, debug=False)
            except Exception as exc:  # whatever it is, a message and an exit code tell it
                if isinstance(exc, OSError) and exc.errno in _NO_ROOM and exc.filename is None:
                    raise  # of the output: files name themselves, and the store has errors of its own
                code = report(exc, as_json=as_json, debug=debug)
            sys.stdout.flush()  # or Python does it at its end, and prints a traceback if that fails
        except OSError as exc:
            code = report_lost_output(exc, debug=debug)
        if not standalone_mode:
            return code
        sys.exit(code)


@contextmanager
def _interrupted_by_sigterm(arguments: Sequence[str]) -> Generator[None]:
    """SIGTERM, as `timeout` and schedulers send it, ends a command like Ctrl-C: a half-written file is removed first.

    The first process of a container would not even end by it otherwise.
    """
    if next((argument for argument in arguments if not argument.startswith("-")), "") in _OWN_SIGNALS:
        yield
        return
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_interrupt(number: int, frame: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script, or after nohup
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _prints_json(options: Sequence[str]) -> bool:
    """Whether standard output is to be JSON; `eval --json FILE` prints text."""
    if "--json" not in options:
        return False
    return options[0] != "eval" or options[options.index("--json") + 1 :][:1] == ["-"]


def report(exc: Exception, *, as_json: bool, debug: bool) -> int:
    """Print what went wrong; returns the exit code."""
    if debug:
        traceback.print_exception(exc)
    name = type(exc).__name__
    if name == "NoArgsIsHelpError":
        print(str(exc))
        return USAGE
    hint = ""
    if isinstance(exc, GraphRAGError):
        message, code = str(exc), exc.exit_code
    elif isinstance(exc, typer.Abort):
        message, code = str(exc) or "interrupted; documents stored so far stay stored", INTERRUPTED
    elif callable(
        describe := getattr(exc, "format_message", None)
    ):  # typer's own errors, whichever package they are in
        name, message, code = "UsageError", str(describe()).replace("Value error, ", ""), USAGE
        context = getattr(exc, "ctx", None)
        hint = f"Try: {context.command_path} --help" if context is not None else ""
    else:
        message, code = f"unexpected {name}: {str(exc)[:300] or 'no message'}", UNEXPECTED
        hint = "" if debug else "This is a fault in the software. Run again with --debug and report what it prints."
    if as_json:
        print_json({"error": {"type": name, "message": message}})
    else:
        complain(message, hint)
    return code


def report_lost_output(exc: OSError, *, debug: bool) -> int:
    """Say on standard error that standard output takes nothing more; returns the exit code."""
    # What is still held would be written at the end of Python, and fail again.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    if exc.errno == errno.EPIPE:  # whoever reads has had enough, as typer takes it
        return 1
    if debug:
        traceback.print_exception(exc)
    complain(f"cannot write the output: {(exc.strerror or str(exc)).lower()}")
    return InputError.exit_code
