"""Taking documents in and out."""

import uuid
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.params import FromPath, QueryParameter

from api.http.receiving import receive
from api.problems import ProblemError, busy
from api.schemas import LABEL, Accepted, StatsOut
from api.service import CallerDependency, ServiceDependency
from api.views import job_out
from graphrag.jobs import ingest_job


class AdminController(Controller):
    """Documents in and out."""

    path = "/"
    tags = ("admin",)

    @post("/documents", status_code=202, operation_id="ingestDocuments", summary="Ingest documents")
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
    ) -> Accepted:
        """Files (multipart), texts (JSON) or records (JSON lines) become a job; documents with a known source are replaced.

        A multipart form holds any number of parts with a file name, which is the document's source, and as wanted the fields
        `access` (a label) and `metadata` (a JSON object, for every document).
        """
        tenant, system = caller.scope.tenant, service.kb.system
        received = await receive(request, service.uploads, tenant, source=source, access=access)
        if not caller.scope.sees(tenant, received.access):
            raise ProblemError(403, f"this key does not hold the access label {received.access!r}")
        most = service.settings.max_queued_jobs
        if len(await system.jobs(caller.scope, states=("queued",), limit=most)) >= most:
            raise busy("too many jobs wait already; try again later", retry_after=30)
        id_ = uuid.uuid4().hex
        await system.submit_job(
            ingest_job(id_, caller.scope, received.files, access=received.access, metadata=received.metadata)
        )
        service.wake.set()
        return Accepted(job=job_out(await system.job(caller.scope, id_)))

    @delete("/documents/{document_id:str}", operation_id="deleteDocument", summary="Delete a document")
    async def delete_document(
        self, document_id: FromPath[str], service: ServiceDependency, caller: CallerDependency
    ) -> None:
        """With all that came from it; what is left is as if it had never been ingested."""
        if not await service.kb.store.delete_documents(caller.scope, [document_id]):
            raise ProblemError(404, "no such document, or this key does not see it")

    @get("/stats", operation_id="getStats", summary="Count what is stored")
    async def get_stats(self, service: ServiceDependency, caller: CallerDependency) -> StatsOut:
        """As far as the key sees it."""
        counts = await service.kb.store.statistics(caller.scope)
        return StatsOut(
            documents=counts.documents,
            chunks=counts.chunks,
            entities=counts.entities,
            mentions=counts.mentions,
            relations=counts.relations,
            filter_fields=sorted(service.kb.filter_fields),
        )
