"""Ingest jobs: progress, cancel, retry, live events."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from api.schemas import FailureOut, JobDetail, JobList, JobOut
from api.service import Caller, CallerDependency, Service, ServiceDependency
from api.sse import Event
from api.views import job_out
from graphrag.reembedding import check_retry
from graphrag.stores.system import ENDED, RETRIED, JobState

POLL_SECONDS = 0.5


class JobsController(Controller):
    """Ingest jobs."""

    path = "/jobs"
    tags = ("admin",)

    @get(operation_id="listJobs", summary="List ingest jobs")
    async def list_jobs(
        self,
        service: ServiceDependency,
        caller: CallerDependency,
        state_: Annotated[JobState | None, QueryParameter(name="state", description="only those in this state")] = None,
        after: Annotated[str, QueryParameter(max_length=200, description="'next' of the page before")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    ) -> JobList:
        """The newest first, page by page."""
        states = () if state_ is None else (state_,)
        found = await service.kb.system.jobs(caller.scope, states=states, after=after, limit=limit + 1)
        page = found[:limit]
        return JobList(jobs=[job_out(job) for job in page], next=page[-1].place if len(found) > limit else None)

    @get("/{job_id:str}", operation_id="getJob", summary="Show a job and what failed")
    async def get_job(
        self,
        job_id: FromPath[str],
        service: ServiceDependency,
        caller: CallerDependency,
        after: Annotated[str, QueryParameter(max_length=2000, description="'next' of the failures before")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="failures at most")] = 100,
    ) -> JobDetail:
        """Failures come page by page."""
        system = service.kb.system
        job = await system.job(caller.scope, job_id)
        failures = await system.failures(caller.scope, job_id, after=after, limit=limit + 1)
        page = failures[:limit]
        return JobDetail(
            **job_out(job).model_dump(),
            failures=[FailureOut.model_validate(failure) for failure in page],
            next=page[-1].source if len(failures) > limit else None,
        )

    @delete("/{job_id:str}", status_code=200, operation_id="cancelJob", summary="Cancel a job")
    async def cancel_job(self, job_id: FromPath[str], service: ServiceDependency, caller: CallerDependency) -> JobOut:
        """What it has stored stays stored. A job that has ended stays as it is."""
        return job_out(await service.kb.system.cancel_job(caller.scope, job_id))

    @post("/{job_id:str}/retry", status_code=200, operation_id="retryJob", summary="Retry a job")
    async def retry_job(self, job_id: FromPath[str], service: ServiceDependency, caller: CallerDependency) -> JobOut:
        """Queues a failed or cancelled job again; any other stays as it is."""
        held = await service.kb.system.job(caller.scope, job_id)
        check_retry(held)
        if held.state in RETRIED:
            await service.check_queue(caller.scope.tenant)
        job = await service.kb.system.retry_job(caller.scope, job_id)
        service.wake.set()
        return job_out(job)

    @get("/{job_id:str}/events", operation_id="jobEvents", summary="Follow a job")
    async def job_events(
        self,
        job_id: FromPath[str],
        request: Request[Any, Any, Any],
        service: ServiceDependency,
        caller: CallerDependency,
    ) -> Stream:
        """Server-sent events: `progress` with the job whenever it has changed, `done` with it when it has ended."""
        await service.kb.system.job(caller.scope, job_id)
        return service.streamed(request, _following(service, caller, job_id))


async def _following(service: Service, caller: Caller, job_id: str) -> AsyncGenerator[Event]:
    async with service.streams.enter():
        sent: JobOut | None = None
        while True:
            job = job_out(await service.kb.system.job(caller.scope, job_id))
            if job.state in ENDED:
                yield Event("done", job)
                return
            if job != sent:
                yield Event("progress", job)
                sent = job
            await asyncio.sleep(POLL_SECONDS)
