"""What is in the knowledge base: documents, their texts, passages."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import FromPath, QueryParameter

from api.problems import ProblemError
from api.schemas import ChunkOut, DocumentOut, DocumentPage, TextOut
from api.service import CallerDependency, ServiceDependency
from api.views import chunk_out, document_out

MAX_OFFSET = 2**31 - 1
UNKNOWN = "no such document, or this key does not see it"


class LookController(Controller):
    """Documents, texts, passages."""

    path = "/"
    tags = ("look",)

    @get("/documents", operation_id="listDocuments", summary="List documents")
    async def list_documents(
        self,
        service: ServiceDependency,
        caller: CallerDependency,
        source_prefix: Annotated[
            str, QueryParameter(max_length=1000, description="only sources that begin so, taken literally")
        ] = "",
        after: Annotated[str, QueryParameter(max_length=64, description="'next' of the page before")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    ) -> DocumentPage:
        """Ascending by id, page by page."""
        found = await service.kb.store.documents(
            caller.scope, source_prefix=source_prefix, after=after, limit=limit + 1
        )
        page = found[:limit]
        return DocumentPage(
            documents=[document_out(document) for document in page], next=page[-1].id if len(found) > limit else None
        )

    @get("/documents/{document_id:str}", operation_id="getDocument", summary="Show a document")
    async def get_document(
        self, document_id: FromPath[str], service: ServiceDependency, caller: CallerDependency
    ) -> DocumentOut:
        """Without its text."""
        found = await service.kb.store.documents(caller.scope, ids=[document_id], limit=1)
        if not found:
            raise ProblemError(404, UNKNOWN)
        return document_out(found[0])

    @get("/documents/{document_id:str}/text", operation_id="getText", summary="Read a document's text")
    async def get_text(
        self,
        document_id: FromPath[str],
        service: ServiceDependency,
        caller: CallerDependency,
        start: Annotated[int, QueryParameter(ge=0, le=MAX_OFFSET, description="first code point")] = 0,
        end: Annotated[
            int, QueryParameter(ge=0, le=MAX_OFFSET, description="code point after the last one")
        ] = MAX_OFFSET,
    ) -> TextOut:
        """All of it, or from `start` to `end`: the text between a citation's offsets is its quote."""
        found = await service.kb.store.text_between(caller.scope, document_id, start, end)
        if found is None:
            raise ProblemError(404, UNKNOWN)
        length, text = found
        first = min(start, length)
        return TextOut(document_id=document_id, start=first, end=first + len(text), length=length, text=text)

    @get("/chunks/{chunk_id:str}", operation_id="getChunk", summary="Show a passage")
    async def get_chunk(
        self, chunk_id: FromPath[str], service: ServiceDependency, caller: CallerDependency
    ) -> ChunkOut:
        """With the entities that it mentions."""
        found = await service.kb.store.chunks(caller.scope, [chunk_id])
        if not found:
            raise ProblemError(404, "no such passage, or this key does not see it")
        return chunk_out(found[0])
