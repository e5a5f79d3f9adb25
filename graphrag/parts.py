"""A source too long for one document: cut into numbered parts, each a document of its own under the same source.

The texts of the parts, in order, are the source's text, and every offset counts within its part, so that a citation's
`text[start:end]` of its document is the quote as for any other document. Headings and page numbers go on across parts.

Part 0 says how the source is: it is written first, as `partial`, and once more as `complete` when all the others are in
and those of a longer version before are gone. So an ingest that broke off is known, and continues with the parts that miss.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from graphrag.chunking import ChunkSpan
from graphrag.embedding.tokenizer import open_tokenizer
from graphrag.loaders.base import LoadedDocument
from graphrag.stores.base import GraphStore
from graphrag.types import Document, Scope, document_id, stable_id

PARTS_OF_LIMIT = 4
"""A part holds at most the limit divided by this: what is in memory and in one transaction stays small."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document cut into chunks, before the models have seen it."""

    document: Document
    loaded: LoadedDocument
    spans: Sequence[ChunkSpan]


def cut(whole: Prepared, limit: int) -> list[Prepared]:
    """The document alone if it has at most `limit` chunks, else its parts in order."""
    if len(whole.spans) <= limit:
        return [whole]
    size = max(1, limit // PARTS_OF_LIMIT)
    firsts = range(0, len(whole.spans), size)
    return [_part(whole, number, whole.spans[first : first + size]) for number, first in enumerate(firsts)]


def _part(whole: Prepared, number: int, spans: Sequence[ChunkSpan]) -> Prepared:
    document, loaded = whole.document, whole.loaded
    begin, end = spans[0].core_start, spans[-1].end
    headings = tuple(
        replace(heading, start=heading.start - begin) for heading in loaded.headings if begin <= heading.start < end
    )
    text = loaded.text[begin:end]
    return Prepared(
        replace(
            document,
            id=document_id(document.tenant, document.source, number),
            part=number,
            # That of the source for part 0: whether anything has changed is asked before anything is cut.
            fingerprint=part_fingerprint(document.fingerprint, number),
            length=len(text),
            chunk_count=len(spans),
        ),
        replace(loaded, text=text, headings=headings, pages=()),
        [_shifted(span, begin, position, text) for position, span in enumerate(spans)],
    )


def _shifted(span: ChunkSpan, by: int, position: int, text: str) -> ChunkSpan:
    """A span as it stands in a part. The first one cannot repeat what ends the part before."""
    start = max(0, span.start - by)
    tokens = span.token_count
    if start != span.start - by:
        repeated = text[: span.end - by]
        tokens = min(tokens, open_tokenizer().count(f"{span.prefix}\n{repeated}" if span.prefix else repeated) + 2)
    return replace(
        span,
        position=position,
        start=start,
        core_start=span.core_start - by,
        end=span.end - by,
        token_count=tokens,
        sentences=tuple((left - by, right - by) for left, right in span.sentences),
        headings_within=tuple((at - by, path) for at, path in span.headings_within),
        pages_within=tuple((at - by, page) for at, page in span.pages_within),
    )


def part_fingerprint(fingerprint: str, number: int) -> str:
    """The fingerprint of a part of a source that has this one."""
    return stable_id(fingerprint, "part", number) if number else fingerprint


async def stored_parts(store: GraphStore, scope: Scope, source: str) -> list[Document]:
    """The stored parts of a source from the second on, ascending by number. Costs little where there are none."""
    found: list[Document] = []
    for first in count(1, _PAGE):
        ids = [document_id(scope.tenant, source, number) for number in range(first, first + _PAGE)]
        some = await store.documents(scope, ids=ids, limit=len(ids))
        found += some
        if len(some) < _PAGE:
            return sorted(found, key=lambda document: document.part)
    raise AssertionError("count never ends")


async def delete_sources(store: GraphStore, scope: Scope, documents: Sequence[Document]) -> list[Document]:
    """Delete documents with all parts of their sources.

    Part 0 goes first and part 1 last, so that what a deletion that broke off leaves is known as incomplete.

    Returns:
        What is gone, parts included, ascending by source and part.

    Raises:
        StoreError: part of it may be gone; delete again what is left.
    """
    ids = [document_id(scope.tenant, document.source, part) for document in documents for part in (0, 1)]
    chosen = {one.id: one for one in (*documents, *await store.documents(scope, ids=ids, limit=len(ids)))}
    for source in sorted({one.source for one in chosen.values() if one.part}):
        chosen.update((document.id, document) for document in await stored_parts(store, scope, source))
    for group in (
        [document.id for document in chosen.values() if document.part == 0],
        [document.id for document in chosen.values() if document.part > 1],
        [document.id for document in chosen.values() if document.part == 1],
    ):
        if group:
            await store.delete_documents(scope, group)
    return sorted(chosen.values(), key=lambda document: (document.source, document.part))
