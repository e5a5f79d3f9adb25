"""What documents contribute: their passages with vectors, mentions and relations, as one batch each that can be written."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from graphrag.analysis import chunk_terms, phrases
from graphrag.chunking import ChunkSpan
from graphrag.embedding import Passage, passage_text
from graphrag.errors import ENDS_A_RUN, ModelDeniedError, ModelError, ModelUnavailableError
from graphrag.extraction import ChunkText, Contribution, DocumentText
from graphrag.knowledge import KnowledgeBase
from graphrag.parts import Prepared
from graphrag.types import Chunk, ChunkVectors, GraphBatch, chunk_id, stable_id


@dataclass(frozen=True, slots=True)
class Ready:
    """A document that can be written."""

    batch: GraphBatch
    problems: Sequence[str] = ()
    """Why the language model failed, for each passage on which it did."""


async def contribute_all(
    kb: KnowledgeBase, group: Sequence[Prepared], refuse: Callable[[Prepared, ModelError], None], *, works: bool
) -> tuple[list[Ready], ModelError | None]:
    """As `contribute`; when a model fails, document by document, with the error that ends the run, if one does.

    A budget that is used up ends it, a model that cannot be reached or lets nobody in, and one that fails on the first two
    documents that it is given, or later on a whole group. A document on which it fails otherwise is refused, and the others go on.

    Args:
        works: whether the models have worked on another document of this run.
    """
    try:
        return await contribute(kb, group), None
    except (ModelUnavailableError, ModelDeniedError):
        raise
    except ModelError:
        finished: list[Ready] = []
        failed: list[tuple[Prepared, ModelError]] = []
        # A single one of the others may be at fault itself where the models have worked before; a whole group is not.
        hopeless = max(2, len(group)) if works else min(2, len(group))
        stopped: ModelError | None = None
        for prepared in group:
            try:  # costs nothing where every reply is there
                finished += await contribute(kb, [prepared])
            except ENDS_A_RUN as ending:
                stopped = ending
                break
            except ModelError as own:
                failed.append((prepared, own))
                if not finished and len(failed) == hopeless:
                    raise
        for prepared, own in failed:
            refuse(prepared, own)
        return finished, stopped


async def contribute(kb: KnowledgeBase, group: Sequence[Prepared]) -> list[Ready]:
    """Run the models over a group of documents and put the results together, in their order.

    Raises:
        ModelError: a model failed, on whichever document.
    """
    passages = [
        Passage(
            span.prefix,
            prepared.loaded.text[span.start : span.end],
            tuple((start - span.start, end - span.start) for start, end in span.sentences),
        )
        for prepared in group
        for span in prepared.spans
    ]
    texts = [document_text(prepared) for prepared in group]
    vectors, contributions = await asyncio.gather(_embed(kb, passages), kb.extractor.extract(texts))
    remaining = iter(vectors)
    return [
        await asyncio.to_thread(_assemble, prepared, text, [next(remaining) for _ in prepared.spans], contribution)
        for prepared, text, contribution in zip(group, texts, contributions, strict=True)
    ]


async def _embed(kb: KnowledgeBase, passages: Sequence[Passage]) -> list[ChunkVectors]:
    """Chunk vectors of the configured embedder; sentence vectors always of the local encoder."""
    vectors = await kb.encoder.encode(passages)
    if kb.embedder.fingerprint == kb.encoder.fingerprint:
        return vectors
    texts = [passage_text(passage.prefix, passage.text) for passage in passages]
    embedded = await kb.embedder.embed(texts, "document")
    return [ChunkVectors(row, local.sentences) for row, local in zip(embedded, vectors, strict=True)]


def document_text(prepared: Prepared) -> DocumentText:
    """A document as extractors see it."""
    document, text = prepared.document, prepared.loaded.text
    return DocumentText(
        document.id,
        document.tenant,
        document.title,
        [
            ChunkText(
                chunk_id(document.id, span.position, text[span.start : span.end]),
                text[span.start : span.end],
                span.start,
                span.core_start,
                _headings(span),
                span.sentences,
            )
            for span in prepared.spans
        ],
    )


def _headings(span: ChunkSpan) -> tuple[str, ...]:
    """Those that say what the text is about, as the head of a table does not."""
    own = span.heading[:-1] if span.table_head else span.heading
    return tuple(dict.fromkeys((*own, *(name for _, path in span.headings_within for name in path))))


def _assemble(
    prepared: Prepared, text: DocumentText, vectors: Sequence[ChunkVectors], contributions: Sequence[Contribution]
) -> Ready:
    document = prepared.document
    without = [number for number, contribution in enumerate(contributions) if contribution.problem]
    if without:
        document = replace(document, fingerprint=stable_id(document.fingerprint, "without", *without))
    chunks = [
        Chunk(
            id=source.id,
            document_id=document.id,
            source=document.source,
            title=document.title,
            position=span.position,
            start=span.start,
            core_start=span.core_start,
            end=span.end,
            text=source.text,
            heading=span.heading,
            page=span.page,
            token_count=span.token_count,
            sentences=span.sentences,
            terms=chunk_terms(document.title, span.heading, source.text),
            phrases=phrases(source.text, span.sentences, span.start),
            mentions=contribution.mentions,
            headings_within=span.headings_within,
            pages_within=span.pages_within,
        )
        for span, source, contribution in zip(prepared.spans, text.chunks, contributions, strict=True)
    ]
    relations = [relation for contribution in contributions for relation in contribution.relations]
    batch = GraphBatch(document, prepared.loaded.text, chunks, vectors, sorted(relations, key=lambda r: r.id))
    return Ready(batch, [contributions[number].problem for number in without])
