"""From domain values to responses."""

from collections.abc import Mapping, Sequence

from agent.types import Answer, Step
from api.schema_base import Passage
from api.schemas import (
    AccountOut,
    CandidateOut,
    ChunkOut,
    DecisionOut,
    DocumentOut,
    EntityOut,
    EstimateOut,
    GraphEdge,
    GraphOut,
    JobOut,
    MentionOut,
    Progress,
    SameAsOut,
)
from api.schemas_ask import (
    AnswerOut,
    CitationOut,
    ClaimOut,
    DegradedOut,
    PathEdgeOut,
    ShortAnswerOut,
    StepOut,
    Timings,
    Usage,
)
from graphrag.degraded import Degraded
from graphrag.entities import Link
from graphrag.llm.usage import Account
from graphrag.llm.usage import Usage as ModelUsage
from graphrag.stores.system import ENDED, Decision, Job
from graphrag.types import PUBLIC, Chunk, Document, Entity, Scalar, Subgraph


def answer_out(answer: Answer, passages: list[Passage]) -> AnswerOut:
    """An answer."""
    return AnswerOut(
        question=answer.question,
        answer=answer.text,
        written_by="model" if answer.written else "quotation",
        short=ShortAnswerOut.model_validate(answer.short) if answer.short else None,
        verdict=answer.verdict,
        confidence=answer.confidence,
        missing=list(answer.missing),
        citations=[CitationOut.model_validate(citation) for citation in answer.citations],
        claims=[ClaimOut.model_validate(claim) for claim in answer.claims],
        path=[PathEdgeOut.model_validate(edge) for edge in answer.path],
        steps=[call for step in answer.steps for call in step_out(step)],
        stopped_by=answer.stopped_by,
        degraded=degraded_out(answer.degraded),
        passages=passages,
        usage=usage_out(answer),
        timings=Timings(total_ms=answer.milliseconds),
    )


def usage_out(answer: Answer) -> Usage:
    """What an answer took."""
    return Usage(
        steps=len(answer.steps),
        round_trips=answer.round_trips,
        model_calls=answer.usage.calls,
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
        cost_usd=answer.usage.dollars,
    )


def degraded_out(degraded: Sequence[Degraded]) -> list[DegradedOut]:
    """What was done without."""
    return [DegradedOut.model_validate(note) for note in degraded]


def step_out(step: Step) -> list[StepOut]:
    """The tool calls of a step."""
    return [
        StepOut(
            step=step.number,
            reason=step.reason,
            tool=observation.tool,
            arguments=dict(observation.arguments),
            hits=list(observation.hits),
            new_evidence=observation.new_evidence,
            milliseconds=observation.milliseconds,
            error=observation.error,
        )
        for observation in step.observations
    ]


def passage_out(chunk: Chunk) -> Passage:
    """A chunk as a passage."""
    return Passage(
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        source=chunk.source,
        title=chunk.title,
        heading=list(chunk.heading),
        page=chunk.page,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
    )


def chunk_out(chunk: Chunk) -> ChunkOut:
    """A chunk with its entities."""
    return ChunkOut(
        **passage_out(chunk).model_dump(),
        position=chunk.position,
        token_count=chunk.token_count,
        entities=[MentionOut.model_validate(mention) for mention in chunk.mentions],
    )


def document_out(document: Document) -> DocumentOut:
    """A document without its text."""
    return DocumentOut(
        id=document.id,
        source=document.source,
        title=document.title,
        media_type=document.media_type,
        access=document.access,
        metadata=dict(document.metadata),
        length=document.length,
        chunks=document.chunk_count,
        state=document.state,
        part=document.part,
        content_sha256=document.content_sha256,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )


def entity_out(entity: Entity) -> EntityOut:
    """An entity."""
    return EntityOut(
        id=entity.id,
        key=entity.key,
        name=entity.name,
        type=entity.type,
        mentions=entity.mention_count,
        chunks=entity.chunk_count,
        documents=entity.document_count,
    )


def same_as_out(link: Link) -> SameAsOut:
    """What an entity is the same as."""
    same = link.same_as
    return SameAsOut(entity=entity_out(link.other), score=same.score, reason=same.reason, decided=link.decided)


def candidate_out(link: Link) -> CandidateOut:
    """A link to decide on."""
    return CandidateOut(
        a=entity_out(link.one), b=entity_out(link.other), score=link.same_as.score, reason=link.same_as.reason
    )


def decision_out(decision: Decision, names: Mapping[str, str]) -> DecisionOut:
    """A decision, with the names of what is visible by entity id."""
    return DecisionOut(
        id=decision.id,
        kind=decision.kind,
        a=decision.a,
        b=decision.b,
        a_name=names.get(decision.a),
        b_name=names.get(decision.b),
        author=decision.author,
        created_at=decision.created_at,
    )


def graph_out(part: Subgraph) -> GraphOut:
    """A part of the graph as nodes and edges."""
    relations = [
        GraphEdge(
            kind="relation",
            source=relation.subject_id,
            target=relation.object_id,
            label=relation.predicate,
            description=relation.description,
            chunk_id=relation.chunk_id,
            document_id=relation.document_id,
            start=relation.start,
            end=relation.end,
        )
        for relation in part.relations
    ]
    links = [
        GraphEdge(kind="same_as", source=link.a, target=link.b, label=link.reason, score=link.score)
        for link in part.same_as
    ]
    return GraphOut(nodes=[entity_out(entity) for entity in part.entities], edges=relations + links)


def account_out(account: Account, used: ModelUsage) -> AccountOut:
    """What an account holds."""
    return AccountOut(
        kind="job" if account.kind == "job" else "key",
        id=account.id,
        day=account.day,
        calls=used.calls,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cost_usd=used.dollars,
    )


def job_out(job: Job) -> JobOut:
    """A job."""
    empty = dict.fromkeys(Progress.model_fields, 0) | {"eta_seconds": None}
    progress = {name: value for name, value in job.progress.items() if name in Progress.model_fields}
    # The worker of a job that is cancelled or taken away has no say any more: the state knows better.
    phase = "ended" if job.state in ENDED else "queued" if job.state == "queued" else "running"
    return JobOut(
        id=job.id,
        state=job.state,
        priority=job.priority,
        access=str(job.payload.get("access", PUBLIC)),
        created_at=job.created_at,
        updated_at=job.updated_at,
        error=job.error,
        progress=Progress.model_validate({**empty, **progress, "phase": phase}),
        estimate=_estimate_out(job.progress) if "estimated_calls" in job.progress and phase == "ended" else None,
    )


def _estimate_out(progress: Mapping[str, Scalar]) -> EstimateOut:
    return EstimateOut.model_validate({name: progress.get(f"estimated_{name}") for name in EstimateOut.model_fields})
