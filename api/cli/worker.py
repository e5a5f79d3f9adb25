"""`graphrag worker`: carry out ingest jobs apart from the service."""

import asyncio
from typing import Annotated

import typer

from api.cli.options import require_store, store_named_by
from api.cli.output import line
from graphrag.settings import load_settings


def worker(
    processes: Annotated[
        int,
        typer.Option(
            "--processes", "-n", metavar="N", min=1, max=64, help="Jobs worked on at once, one core and more each."
        ),
    ] = 1,
    until_done: Annotated[
        bool, typer.Option("--until-done", help="In this process, one job after the other; end when none waits.")
    ] = False,
    alone: Annotated[bool, typer.Option("--alone", hidden=True)] = False,
) -> None:
    """Carry out ingest jobs in processes of their own.

    On any machine with the same store and upload folder (GRAPHRAG_DATA_DIR) as the service, which can then leave all
    jobs to workers (GRAPHRAG_INGEST_WORKERS=0). A process that dies or hangs is started again; its job is continued. Ends on
    SIGTERM or Ctrl-C once jobs are given back.
    """
    settings = load_settings()
    # Without it a mistyped path would be a store of its own, to which nobody ever submits a job.
    require_store(settings, "jobs come from a service, so start that first ('graphrag serve')")
    from api import logs, workers  # structlog and models take a while to import, and no other command needs both

    logs.configure(settings)
    served = f"the jobs of {store_named_by(settings)}, with uploads in {settings.data_dir.absolute()}"
    if until_done:
        line(f"Working on {served}")
    if alone or until_done:
        asyncio.run(workers.work(settings, until_done=until_done))
    else:
        workers.supervise(processes, served, said=line)
