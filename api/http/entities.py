"""Deciding which entities are one."""

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.http.graph import entity_named
from api.schemas import CandidateList, DecisionList, DecisionOut, PairSpec
from api.service import Caller, CallerDependency, Service, ServiceDependency
from api.views import candidate_out, decision_out
from graphrag.decisions import decide, decided, decisions_seen, undo
from graphrag.entities import candidates, names_of
from graphrag.stores.system import DecisionKind


class EntitiesController(Controller):
    """Decisions on entities."""

    path = "/entities"
    tags = ("admin",)

    @get("/candidates", operation_id="listCandidates", summary="List entities that are probably one")
    async def list_candidates(
        self,
        service: ServiceDependency,
        caller: CallerDependency,
        after: Annotated[str, QueryParameter(max_length=64, description="'next' of the page before")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="entities to look at")] = 500,
    ) -> CandidateList:
        """Links derived from the names, on which nobody has decided. Pages go through the entities, not the links."""
        known = await decided(service.kb.system, caller.scope.tenant)
        found, next_ = await candidates(service.kb.store, caller.scope, known, after=after, entities=limit)
        return CandidateList(candidates=[candidate_out(link) for link in found], next=next_)

    @post("/merge", status_code=200, operation_id="mergeEntities", summary="Decide that two entities are one")
    async def merge_entities(
        self, data: JSONBody[PairSpec], service: ServiceDependency, caller: CallerDependency
    ) -> DecisionOut:
        """Replaces an earlier decision on the two. Nothing stored changes, and undoing it leaves no trace."""
        return await _decide(service, caller, "merge", data)

    @post("/split", status_code=200, operation_id="splitEntities", summary="Decide that two entities are not one")
    async def split_entities(
        self, data: JSONBody[PairSpec], service: ServiceDependency, caller: CallerDependency
    ) -> DecisionOut:
        """Takes the derived link away, or an earlier merge."""
        return await _decide(service, caller, "split", data)

    @get("/decisions", operation_id="listDecisions", summary="List decisions on entities")
    async def list_decisions(self, service: ServiceDependency, caller: CallerDependency) -> DecisionList:
        """Those on entities that the key sees, the newest first; with every label, all of the tenant."""
        found = await decisions_seen(service.kb.store, service.kb.system, caller.scope)
        names = await names_of(service.kb.store, caller.scope, (id_ for one in found for id_ in (one.a, one.b)))
        return DecisionList(decisions=[decision_out(one, names) for one in found])

    @delete(
        "/decisions/{decision_id:str}", status_code=200, operation_id="undoDecision", summary="Take a decision back"
    )
    async def undo_decision(
        self, decision_id: FromPath[str], service: ServiceDependency, caller: CallerDependency
    ) -> DecisionOut:
        """What is derived from the names holds again."""
        gone = await undo(service.kb.store, service.kb.system, caller.scope, decision_id)
        return decision_out(gone, await names_of(service.kb.store, caller.scope, (gone.a, gone.b)))


async def _decide(service: Service, caller: Caller, kind: DecisionKind, pair: PairSpec) -> DecisionOut:
    store, scope = service.kb.store, caller.scope
    one, other = await entity_named(store, scope, pair.a, "a"), await entity_named(store, scope, pair.b, "b")
    decision = await decide(store, service.kb.system, scope, kind, one.id, other.id, caller.name)
    return decision_out(decision, {one.id: one.name, other.id: other.name})
