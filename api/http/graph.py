"""The entity graph."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import FromPath, QueryParameter

from api.problems import ProblemError
from api.schemas import EntityDetail, EntityList, GraphOut
from api.service import CallerDependency, ServiceDependency
from api.views import entity_out, graph_out, same_as_out
from graphrag.analysis import normalise
from graphrag.decisions import decided
from graphrag.entities import find_entity, links_of
from graphrag.errors import NotFoundError
from graphrag.stores.base import GraphStore
from graphrag.types import Entity, Scope

SHOWN_CHUNKS = 50


class GraphController(Controller):
    """Entities and what joins them."""

    path = "/"
    tags = ("graph",)

    @get("/entities", operation_id="findEntities", summary="Find entities by name")
    async def find_entities(
        self,
        service: ServiceDependency,
        caller: CallerDependency,
        q: Annotated[
            str, QueryParameter(min_length=1, max_length=200, description="how a name, or a word of it, begins")
        ],
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 20,
    ) -> EntityList:
        """Most mentioned first."""
        # Keys are normalised: "PMX-48" is "pmx 48", which a name as it is shown would not begin.
        found = await service.kb.store.find_entities(caller.scope, prefix=normalise(q) or q, limit=limit)
        return EntityList(entities=[entity_out(entity) for entity in found])

    @get("/entities/{entity_id:str}", operation_id="getEntity", summary="Show an entity")
    async def get_entity(
        self, entity_id: FromPath[str], service: ServiceDependency, caller: CallerDependency
    ) -> EntityDetail:
        """With the passages that mention it, and the entities that are probably, or were decided to be, the same."""
        store = service.kb.store
        found = await store.entities(caller.scope, [entity_id])
        if not found:
            raise ProblemError(404, "no such entity, or this key does not see it")
        places = await store.chunks_mentioning(caller.scope, [entity_id], SHOWN_CHUNKS)
        links = await links_of(store, caller.scope, found, await decided(service.kb.system, caller.scope.tenant))
        return EntityDetail(
            **entity_out(found[0]).model_dump(),
            chunk_ids=[id_ for place in places for id_ in place.chunk_ids],
            same_as=[same_as_out(link) for link in links],
        )

    @get("/graph", operation_id="getGraph", summary="Show the neighbourhood of an entity")
    async def get_graph(
        self,
        service: ServiceDependency,
        caller: CallerDependency,
        entity: Annotated[str, QueryParameter(min_length=1, max_length=200, description="id or name of an entity")],
        hops: Annotated[int, QueryParameter(ge=0, le=3)] = 1,
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="nodes at most")] = 100,
    ) -> GraphOut:
        """Nodes are entities; edges are relations, each with its evidence, and same-as links."""
        store = service.kb.store
        seed = await entity_named(store, caller.scope, entity)
        known = await decided(service.kb.system, caller.scope.tenant)
        return graph_out(await store.neighbourhood(caller.scope, [seed.id], hops, limit, decided=known))


async def entity_named(store: GraphStore, scope: Scope, name: str, field: str = "") -> Entity:
    """The entity of an id or name.

    Args:
        field: of the request's body, that holds the name.

    Raises:
        ProblemError: 404; there is none.
    """
    try:
        return await find_entity(store, scope, name)
    except NotFoundError as exc:
        told = "no entity of that id or name, or this key does not see it; /v1/entities?q= finds names"
        raise ProblemError(404, told, errors=[(field, "no such entity")] if field else ()) from exc
