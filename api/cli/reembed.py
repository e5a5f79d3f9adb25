"""`graphrag reembed`: move the knowledge base to the embedding model that is configured now."""

import asyncio
import os
import time
from typing import Annotated
from uuid import uuid4

import typer

from api.cli.options import JsonOption, require_store
from api.cli.output import line, print_json
from graphrag.bootstrap import open_knowledge_base
from graphrag.reembedding import Reembedding, reembed_as_job
from graphrag.settings import Settings, load_settings

_TOLD_SECONDS = 5.0


def reembed(
    lease_seconds: Annotated[
        float,
        typer.Option(
            "--lease-seconds",
            metavar="S",
            min=1,
            max=3600,
            help="After a crash of this, another may go on so much later.",
        ),
    ] = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Move the store to the embedding model that is set now.

    The vectors of all tenants are replaced, while the service answers with the old ones.

    Set GRAPHRAG_EMBEDDER and GRAPHRAG_EMBEDDING_* to the new model for this command. When it has switched, processes with the
    old settings are refused: start them again with the new ones. Broken off, it goes on where it stopped when run again.
    """
    settings = load_settings()
    require_store(settings)
    state, store = asyncio.run(_run(settings, lease_seconds, silent=as_json))
    if as_json:
        print_json({"store": store, **state.progress()})
        return
    if state.source == state.target:
        line(f"{store} has vectors of {state.target} already: nothing to do")
        return
    line(
        f"{state.embedded:,} passages embedded in {state.seconds:.1f} s, all {state.chunks:,} are of {state.target} now"
    )
    line("Start the service and workers again with these settings of the model")


async def _run(settings: Settings, lease_seconds: float, *, silent: bool) -> tuple[Reembedding, str]:
    told = time.monotonic()

    def progress(state: Reembedding) -> None:
        nonlocal told
        if not silent and state.phase == "embedding" and time.monotonic() - told >= _TOLD_SECONDS:
            line(f"{state.embedded:,} of {state.chunks:,} passages embedded")
            told = time.monotonic()

    async with open_knowledge_base(settings, bind=False) as kb:
        worker = f"reembed-{os.getpid()}-{uuid4().hex[:8]}"
        state = await reembed_as_job(kb, worker, lease_seconds=lease_seconds, progress=progress)
        return state, kb.store.location
