"""Taking documents in: an upload becomes a job."""

import asyncio
import uuid
from typing import Annotated, Any

import structlog
from litestar import Controller, Request, post
from litestar.params import QueryParameter

from api.http.receiving import receive
from api.problems import ProblemError
from api.schemas import LABEL, Accepted
from api.service import Caller, CallerDependency, ServiceDependency
from api.views import job_out
from graphrag.jobs import ingest_job

_log = structlog.stdlib.get_logger(__name__)


class IngestController(Controller):
    """Documents in. Apart from the other routes of admins, since only here a request may be large."""

    path = "/documents"
    tags = ("admin",)

    @post(status_code=202, operation_id="ingestDocuments", summary="Ingest documents")
    async def ingest_documents(
        self,
        request: Request[Any, Any, Any],
        service: ServiceDependency,
        caller: CallerDependency,
        source: Annotated[
            str, QueryParameter(min_length=1, max_length=1000, description="name of a JSON lines body")
        ] = "records.jsonl",
        access: Annotated[
            str,
            QueryParameter(pattern=LABEL, description="label that a key needs to see them, unless the body names one"),
        ] = "public",
        priority: Annotated[
            int, QueryParameter(ge=-100, le=100, description="jobs of the tenant with a higher one are worked on first")
        ] = 0,
        dry_run: Annotated[
            bool,
            QueryParameter(
                description="store nothing; the job ends with an estimate of what it would use of the language model"
            ),
        ] = False,
    ) -> Accepted:
        """Files (multipart), texts (JSON) or records (JSON lines) become a job; documents with a known source are replaced.

        A multipart form holds any number of parts with a file name, which is the document's source, and as wanted the fields
        `access` (a label) and `metadata` (a JSON object, for every document).
        """
        # Before the body is read, so that a refusal costs neither side the upload.
        _check_label(caller, access)
        await service.check_queue(caller.scope.tenant)
        async with receive(request, service.uploads, caller.scope.tenant, source=source, access=access) as received:
            _check_label(caller, received.access)
            await service.check_queue(caller.scope.tenant)
            await asyncio.to_thread(received.keep)
        job = ingest_job(
            uuid.uuid4().hex,
            caller.scope,
            received.files,
            access=received.access,
            metadata=received.metadata,
            priority=priority,
            estimate=dry_run,
        )
        await service.kb.system.submit_job(job)
        _log.info("submitted", job=job.id, files=len(received.files))
        service.wake.set()
        return Accepted(job=job_out(await service.kb.system.job(caller.scope, job.id)))


def _check_label(caller: Caller, access: str) -> None:
    if not caller.scope.sees(caller.scope.tenant, access):
        raise ProblemError(403, f"this key does not hold the access label {access!r}")
