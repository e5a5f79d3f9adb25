"""Taking documents out, counts and usage."""

from dataclasses import asdict
from typing import Annotated

from litestar import Controller, delete, get
from litestar.params import FromPath, QueryParameter

from api.http.documents import UNKNOWN
from api.problems import ProblemError
from api.schemas import Deleted, StatsOut, UsageList
from api.service import CallerDependency, ServiceDependency
from api.views import account_out
from graphrag.filters import read_filter
from graphrag.llm.usage import latest
from graphrag.parts import delete_sources
from graphrag.stores.paging import every_document

_SHOWN = 500


class AdminController(Controller):
    """Documents out, counts, usage."""

    path = "/"
    tags = ("admin",)

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
            raise ProblemError(404, UNKNOWN)

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
        wanted = read_filter(filter, service.kb.filter_fields)
        if not source and not source_prefix and wanted is None:
            raise ProblemError(
                422, "give 'source', 'source_prefix' or 'filter': all documents are never meant by saying nothing"
            )
        store, scope = service.kb.store, caller.scope
        chosen = [
            one
            async for one in every_document(store, scope, source_prefix=source or source_prefix, filter=wanted)
            if one.source.startswith(source_prefix) and (not source or one.source == source)
        ]
        gone = chosen if dry_run else await delete_sources(store, scope, chosen)
        sources = sorted({document.source for document in gone})
        return Deleted(dry_run=dry_run, documents=len(sources), sources=sources[:_SHOWN])

    @get("/stats", operation_id="getStats", summary="Count what is stored")
    async def get_stats(self, service: ServiceDependency, caller: CallerDependency) -> StatsOut:
        """As far as the key sees it."""
        counts = await service.kb.store.statistics(caller.scope)
        return StatsOut(**asdict(counts), filter_fields=sorted(service.kb.filter_fields))

    @get("/usage", operation_id="getUsage", summary="Tokens and cost of language models")
    async def get_usage(
        self,
        service: ServiceDependency,
        caller: CallerDependency,
        limit: Annotated[
            int, QueryParameter(ge=1, le=1000, description="accounts of keys and of jobs, the latest of each")
        ] = 100,
    ) -> UsageList:
        """By key and day, and by ingest job; of the key's tenant, and of jobs that the key sees.

        The account of a job that is not kept any more is for keys that see everything.
        """
        scope = caller.scope
        found = await service.kb.system.usage(scope.tenant, access=scope.access, limit=limit + 1)
        accounts, more = latest(found, limit)
        return UsageList(accounts=[account_out(*held) for held in accounts], more=more)
