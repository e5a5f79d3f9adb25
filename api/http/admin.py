"""Taking documents in and out."""

import json
import uuid
from collections.abc import Collection
from typing import Annotated, Any, cast

from litestar import Controller, Request, delete, get, post
from litestar.params import FromPath, QueryParameter

from api.http.receiving import receive
from api.problems import ProblemError, busy
from api.schemas import LABEL, Accepted, Deleted, StatsOut, UsageList
from api.service import CallerDependency, ServiceDependency
from api.views import account_out, job_out
from graphrag.errors import InputError
from graphrag.filters import Filter, parse_filter
from graphrag.jobs import ingest_job
from graphrag.parts import delete_sources
from graphrag.types import Document

_PAGE = 500


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
        priority: Annotated[
            int, QueryParameter(ge=-100, le=100, description="jobs of a higher one are worked on first")
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
        tenant, system = caller.scope.tenant, service.kb.system
        received = await receive(request, service.uploads, tenant, source=source, access=access)
        if not caller.scope.sees(tenant, received.access):
            raise ProblemError(403, f"this key does not hold the access label {received.access!r}")
        most = service.settings.max_queued_jobs
        if len(await system.jobs(caller.scope, states=("queued",), limit=most)) >= most:
            raise busy("too many jobs wait already; try again later", retry_after=30)
        id_ = uuid.uuid4().hex
        await system.submit_job(
            ingest_job(
                id_,
                caller.scope,
                received.files,
                access=received.access,
                metadata=received.metadata,
                priority=priority,
                estimate=dry_run,
            )
        )
        service.wake.set()
        return Accepted(job=job_out(await system.job(caller.scope, id_)))

    @delete("/documents/{document_id:str}", operation_id="deleteDocument", summary="Delete a document")
    async def delete_document(
        self, document_id: FromPath[str], service: ServiceDependency, caller: CallerDependency
    ) -> None:
        """With all that came from it; what is left is as if it had never been ingested.

        A document that is part of a longer source goes with the other parts.
        """
        store = service.kb.store
        found = await store.documents(caller.scope, ids=[document_id], limit=1)
        if not found or not await delete_sources(store, caller.scope, found):
            raise ProblemError(404, "no such document, or this key does not see it")

    @delete("/documents", status_code=200, operation_id="deleteDocuments", summary="Delete documents by a condition")
    async def delete_documents(
        self,
        service: ServiceDependency,
        caller: CallerDependency,
        source: Annotated[str, QueryParameter(max_length=1000, description="exactly this source")] = "",
        source_prefix: Annotated[
            str, QueryParameter(max_length=1000, description="sources that begin so, taken literally")
        ] = "",
        filter: Annotated[
            str, QueryParameter(max_length=10_000, description="a filter on metadata, as JSON, as for a query")
        ] = "",
        dry_run: Annotated[bool, QueryParameter(description="only say what would be deleted")] = False,
    ) -> Deleted:
        """All that fit every condition that is given, of which there has to be one; a source in parts goes as a whole.

        Each document goes in one step. A call that fails may have deleted some; calling it again deletes the rest.
        """
        if not source and not source_prefix and not filter:
            raise ProblemError(
                422, "give 'source', 'source_prefix' or 'filter': all documents are never meant by saying nothing"
            )
        store, scope = service.kb.store, caller.scope
        wanted, after = _filter(filter, service.kb.filter_fields), ""
        chosen: list[Document] = []
        while page := await store.documents(
            scope, source_prefix=source or source_prefix, filter=wanted, after=after, limit=_PAGE
        ):
            after = page[-1].id
            chosen += [
                one for one in page if one.source.startswith(source_prefix) and (not source or one.source == source)
            ]
        gone = chosen if dry_run else await delete_sources(store, scope, chosen)
        sources = sorted({document.source for document in gone})
        return Deleted(dry_run=dry_run, documents=len(sources), sources=sources[:_PAGE])

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

    @get("/usage", operation_id="getUsage", summary="Tokens and cost of language models")
    async def get_usage(
        self,
        service: ServiceDependency,
        caller: CallerDependency,
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="accounts, the latest first")] = 100,
    ) -> UsageList:
        """By key and day, and by ingest job; of the key's tenant."""
        accounts = await service.kb.system.usage(caller.scope.tenant, limit=limit)
        return UsageList(accounts=[account_out(account, used) for account, used in accounts])


def _filter(text: str, fields: Collection[str]) -> Filter | None:
    if not text:
        return None
    try:
        raw = cast(object, json.loads(text))
    except (ValueError, RecursionError) as exc:
        raise InputError(f'filter {text[:80]!r} is not valid JSON ({exc}): write for example {{"year": 2025}}') from exc
    if not isinstance(raw, dict):
        raise InputError(f'filter {text[:80]!r} is not a JSON object: write for example {{"year": 2025}}')
    return parse_filter(cast(dict[str, object], raw), fields)
