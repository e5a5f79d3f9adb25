"""`graphrag jobs`: what the service has been given to ingest."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from api.cli.options import JsonOption, TenantOption, id_named, scope_of, with_stores
from api.cli.output import counted, line, print_failures, print_json, say, show, table
from graphrag import reembedding
from graphrag.errors import InputError
from graphrag.stores.base import GraphStore
from graphrag.stores.system import ENDED, Job, JobFailure, JobState, SystemStore
from graphrag.tally import shown
from graphrag.types import Scope

ALL_FAILURES = 1_000_000
WATCH_SECONDS = 0.5
SHOWN_IDS = 3
"""Of jobs that may be meant."""

jobs = typer.Typer(no_args_is_help=True, help="Ingest jobs of the service.")

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", callback=id_named, help="As 'graphrag jobs list' shows it, or how it begins.")
]


@jobs.command("list")
def list_jobs(
    tenant: TenantOption = "default",
    state: Annotated[JobState | None, typer.Option("--state", help="Only those in this state.")] = None,
    after: Annotated[str, typer.Option("--after", metavar="NEXT", help="Go on after a page, as it says.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="How many at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the newest jobs of a tenant."""
    states = () if state is None else (state,)
    most = with_stores(lambda _, system: system.jobs(scope_of(tenant), states=states, after=after, limit=limit + 1))
    found = most[:limit]
    next_ = found[-1].place if len(most) > limit else None
    if as_json:
        print_json({"jobs": [to_json(job) for job in found], "next": next_})
        return
    if not found:
        say(f"No jobs in tenant {tenant!r}.")
        return
    columns = ("id", "state", "documents", "failed", "created")
    listed = table(*columns, right=("documents", "failed"), whole=columns)
    for job in found:
        counts = [str(job.progress.get(name, 0)) for name in ("documents", "failed")]
        listed.add_row(job.id, job.state, *counts, job.created_at[:16])
    show(listed)
    if next_ is not None:
        line(f"... and more: --after {next_}")


@jobs.command("show")
def show_job(id: IdArgument, tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """Show a job, and what of it failed."""

    async def work(_: GraphStore, system: SystemStore) -> tuple[Job, Sequence[JobFailure]]:
        scope = scope_of(tenant)
        whole = await _whole(system, scope, id)
        return await system.job(scope, whole), await system.failures(scope, whole, limit=ALL_FAILURES)

    job, failures = with_stores(work)
    if as_json:
        print_json({**to_json(job), "failures": [asdict(failure) for failure in failures]})
        return
    for name, value in to_json(job).items():
        line(f"{name:<22} {value if value != '' else '-'}")
    print_failures("Not stored, or not read by the model in full", [(one.source, one.reason) for one in failures])


@jobs.command()
def watch(id: IdArgument, tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """Follow a job until it ends.

    Shows phase, counts, rate and the time that is left. Exit code 3 if it did not succeed.

    With --json, one document at the end.
    """
    scope = scope_of(tenant)

    async def follow(_: GraphStore, system: SystemStore) -> Job:
        said, whole = "", await _whole(system, scope, id)
        while True:
            job = await system.job(scope, whole)
            if not as_json and (now := _state_of(job)) != said:
                line(now)
                said = now
            if job.state in ENDED:
                return job
            await asyncio.sleep(WATCH_SECONDS)

    job = with_stores(follow)
    if as_json:
        print_json(to_json(job))
    if job.state != "succeeded":
        raise typer.Exit(InputError.exit_code)


async def _whole(system: SystemStore, scope: Scope, id_: str) -> str:
    """The id of the one job whose id begins so.

    Raises:
        InputError: those of several do.
    """
    found = await system.job_ids(scope, id_, SHOWN_IDS + 1) if id_ else []
    if id_ in found or not found:  # in the latter case whatever is done next says that there is none
        return id_
    if len(found) > 1:
        more = " and more" if len(found) > SHOWN_IDS else ""
        raise InputError(
            f"{id_!r} begins the ids of several jobs, {', '.join(found[:SHOWN_IDS])}{more}: give more of it"
        )
    return found[0]


def _state_of(job: Job) -> str:
    """Such as "running: 12 of 40 files read, 12 documents (11 created, 1 failed), 3.1/s, 9 s left"."""
    progress = job.progress
    if job.kind == reembedding.KIND:
        said = f"{job.state}: {progress.get('embedded', 0)} of {progress.get('chunks', 0)} passages embedded"
        return f"{said}{': ' if job.error else ''}{job.error}"
    counts = [
        f"{progress[name]} {name}" for name in ("created", "updated", "unchanged", "failed") if progress.get(name)
    ]
    said = f"{job.state}: {progress.get('files_read', 0)} of {progress.get('files', 0)} files read"
    said += f", {counted(int(progress.get('documents', 0)), 'document')}" + (
        f" ({', '.join(counts)})" if counts else ""
    )
    if progress.get("model_failures"):
        said += f", {counted(int(progress['model_failures']), 'passage')} without what the model would find"
    if job.state == "running" and "eta_seconds" in progress:
        said += f", {progress['documents_per_second']}/s, {float(progress['eta_seconds']):.0f} s left"
    return f"{said}{': ' if job.error else ''}{job.error}"


@jobs.command()
def cancel(id: IdArgument, tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """Cancel a job. Documents that it has stored stay stored."""
    _change(lambda system, scope, job: system.cancel_job(scope, job), id, tenant, as_json)


@jobs.command()
def retry(id: IdArgument, tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """Queue a failed or cancelled job again."""

    async def change(system: SystemStore, scope: Scope, job: str) -> Job:
        reembedding.check_retry(await system.job(scope, job))
        return await system.retry_job(scope, job)

    _change(change, id, tenant, as_json)


def _change(
    change: Callable[[SystemStore, Scope, str], Coroutine[Any, Any, Job]], id_: str, tenant: str, as_json: bool
) -> None:
    """Change one job, and say in which state it is then."""

    async def work(_: GraphStore, system: SystemStore) -> Job:
        scope = scope_of(tenant)
        return await change(system, scope, await _whole(system, scope, id_))

    job = with_stores(work)
    if as_json:
        print_json(to_json(job))
    else:
        line(f"{job.state} {job.id}")


def to_json(job: Job) -> Mapping[str, object]:
    """A job in one level, its progress included."""
    return {
        "id": job.id,
        "state": job.state,
        "priority": job.priority,
        "error": job.error,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        **shown(job.progress),
        # What is saved with a job that was cancelled is for whoever claims it again: the state knows better.
        **({"phase": "ended"} if job.state in ENDED else {}),
    }
