"""The commands. A new one is a function in a module of its own and a line here."""

from typing import Annotated

import typer

from api.cli.ask import ask
from api.cli.doctor import doctor
from api.cli.documents import delete, documents, stats
from api.cli.entities import entities
from api.cli.errors import CommandGroup
from api.cli.eval import group as evaluation
from api.cli.export import export
from api.cli.import_ import import_
from api.cli.ingest import ingest
from api.cli.jobs import jobs
from api.cli.keys import keys
from api.cli.output import line
from api.cli.quickstart import quickstart
from api.cli.reembed import reembed
from api.cli.replies import replies
from api.cli.search import search
from api.cli.serve import serve
from api.cli.usage import usage
from api.cli.worker import worker
from graphrag import __version__

app = typer.Typer(
    name="graphrag",
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Cited answers from your own documents: ingest a folder, ask a question.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        line(f"agentic-graphrag-service {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="On an error, print the traceback too (with any command).")
    ] = False,
) -> None:
    """Cited answers from your own documents: ingest a folder, ask a question."""


for command in (
    quickstart,
    ingest,
    ask,
    search,
    serve,
    worker,
    documents,
    delete,
    stats,
    usage,
    export,
    reembed,
    doctor,
):
    app.command()(command)
app.command("import")(import_)
app.add_typer(entities, name="entities")
app.add_typer(keys, name="keys")
app.add_typer(jobs, name="jobs")
app.add_typer(replies, name="replies")
app.add_typer(evaluation, name="eval")
