"""`graphrag quickstart`: the shipped sample corpus, ingested and asked."""

import asyncio
from pathlib import Path

import typer

from api.cli.answers import answer_to_json, print_answer
from api.cli.ask import run_ask
from api.cli.ingest import print_run, progress_view, run_ingest, run_to_json
from api.cli.options import JsonOption
from api.cli.output import heading, line, print_json, say, waiting
from graphrag.errors import InputError
from graphrag.sample import open_documents, questions
from graphrag.settings import load_settings
from graphrag.sources import list_sources
from graphrag.types import ALL_ACCESS, Scope

STORE = "graphrag-quickstart.db"
"""A file of its own, so that nobody's documents are ever mixed with the sample."""
ASKED = "m09"
SUGGESTED = "m03"


def quickstart(as_json: JsonOption = False) -> None:
    """Try it: ingest sample documents and ask a question.

    They go into ./graphrag-quickstart.db, apart from your own; the question needs two of them.
    """
    store_url = f"sqlite:///{STORE}"
    settings = load_settings(store_url=store_url)
    scope = Scope(access=frozenset({ALL_ACCESS}))
    question = _question(ASKED)
    if not as_json:
        heading("1. Ingest", "the shared files of Tarnholm Sensing, a fictional maker of sensors")
        line(f"Into {Path(STORE).absolute()}, a store of its own; your documents are not touched.")
    with open_documents() as folder:
        sources = list_sources([folder])
        with progress_view(len(sources.files), silent=as_json) as view:
            run = asyncio.run(run_ingest(settings, scope, sources, view))
    if not as_json:
        print_run(run)
        heading("2. Ask", "a question that no single document answers")
        say(question, "bold")
    with waiting("Searching", silent=as_json):
        asked = asyncio.run(run_ask(settings, scope, question))
    if as_json:
        print_json({"ingest": run_to_json(run), "answer": answer_to_json(asked.answer)})
    else:
        print_answer(asked.answer)
        _print_next(store_url)
    if run.report.failures:
        raise typer.Exit(InputError.exit_code)


def _question(id_: str) -> str:
    return next(item.question for item in questions() if item.id == id_)


def _print_next(store_url: str) -> None:
    heading("What to do next")
    say("Ask the sample something else:")
    line(f'  GRAPHRAG_STORE_URL={store_url} graphrag ask "{_question(SUGGESTED)}"')
    say("Ask your own documents (stored in ./graphrag.db):")
    line("  graphrag ingest path/to/your/folder")
    line('  graphrag ask "your question"')
    say("Look at the entity graph in Gephi, yEd or Cytoscape:")
    line(f"  GRAPHRAG_STORE_URL={store_url} graphrag export --format graphml --output graph.graphml")
    say("Check the installation:")
    line("  graphrag doctor")
