"""`graphrag entities`: which names are one entity, and deciding so."""

import asyncio
import getpass
from collections.abc import Mapping
from typing import Annotated

import typer

from api.cli.options import AccessOption, JsonOption, TenantOption, scope_of, with_stores
from api.cli.output import heading, line, print_json, say, show, table
from api.views import candidate_out, decision_out, entity_out, same_as_out
from graphrag.decisions import decide, decided, decisions_seen, undo
from graphrag.entities import Link, all_candidates, find_entity, links_of, names_of
from graphrag.stores.base import GraphStore
from graphrag.stores.system import Decision, DecisionKind, SystemStore
from graphrag.types import Chunk, Entity, Occurrences, Scope

SHOWN_CHUNKS = 10
SHORT_ID = 8

entities = typer.Typer(no_args_is_help=True, help="Which names are one entity: look, and decide.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="Name or id of an entity.")]
AuthorOption = Annotated[str, typer.Option("--author", metavar="NAME", help="Who decides; else your user name.")]


@entities.command("show")
def show_entity(
    name: NameArgument, tenant: TenantOption = "default", access: AccessOption = "*", as_json: JsonOption = False
) -> None:
    """Show an entity.

    What it is the same as and why, and where it is mentioned.
    """
    scope = scope_of(tenant, access)

    async def work(store: GraphStore, system: SystemStore) -> tuple[Entity, list[Link], Occurrences, list[Chunk]]:
        entity = await find_entity(store, scope, name)
        links = await links_of(store, scope, [entity], await decided(system, tenant))
        (places,) = await store.chunks_mentioning(scope, [entity.id], SHOWN_CHUNKS)
        return entity, links, places, await store.chunks(scope, places.chunk_ids)

    entity, links, places, chunks = with_stores(work)
    if as_json:
        found = {"same_as": [same_as_out(link).model_dump() for link in links], "chunk_ids": list(places.chunk_ids)}
        print_json({**entity_out(entity).model_dump(), **found})
        return
    told = entity_out(entity).model_dump()
    for field, value in {"id": told["id"], "name": told["name"], **told}.items():  # people look for the name first
        line(f"{field:<10} {value if value != '' else '-'}")
    heading("The same as", f"({len(links)})")
    if links:
        listed = table("name", "type", "score", "why", right=("score",), whole=("score",))
        for link in links:
            listed.add_row(link.other.name, link.other.type, f"{link.same_as.score:.2f}", link.same_as.reason)
        show(listed, indent=2)
    else:
        say("nothing else, as far as names tell and people decided", indent=2)
    heading("Mentioned in", f"({places.chunk_count} passages)")
    for chunk in chunks:
        line(f"  {chunk.source}: {chunk.breadcrumb}")
    if places.chunk_count > len(chunks):
        say(f"... and {places.chunk_count - len(chunks)} more", indent=2)


@entities.command("candidates")
def list_candidates(
    least: Annotated[
        float, typer.Option("--least", metavar="SCORE", min=0.0, max=1.0, help="Only those with this score or more.")
    ] = 0.0,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="How many at most.")] = 50,
    tenant: TenantOption = "default",
    access: AccessOption = "*",
    as_json: JsonOption = False,
) -> None:
    """List names that are probably one entity.

    Those on which nobody has decided, best first.
    """
    scope = scope_of(tenant, access)

    async def work(store: GraphStore, system: SystemStore) -> list[Link]:
        return await all_candidates(store, scope, await decided(system, tenant))

    found = [link for link in with_stores(work) if link.same_as.score >= least]
    if as_json:
        pairs = [candidate_out(link).model_dump() for link in found[:limit]]
        print_json({"candidates": pairs, "total": len(found)})
        return
    if not found:
        say("No two names look like one entity, or all that do are decided on.")
        return
    listed = table("score", "name", "other name", "why", whole=("score",))
    for link in found[:limit]:
        names = [f"{one.name} ({one.type})" if one.type else one.name for one in (link.one, link.other)]
        listed.add_row(f"{link.same_as.score:.2f}", *names, link.same_as.reason)
    show(listed)
    more = f", {limit} shown: --limit shows more" if len(found) > limit else ""
    say(f"{len(found)} pair{'s' if len(found) != 1 else ''}{more}. Decide with 'graphrag entities merge' or 'split'.")


@entities.command("merge")
def merge(
    a: NameArgument,
    b: NameArgument,
    author: AuthorOption = "",
    tenant: TenantOption = "default",
    access: AccessOption = "*",
    as_json: JsonOption = False,
) -> None:
    """Decide that two entities are one. Changes nothing that is stored; 'undo' takes it back."""
    _decide("merge", a, b, author, scope_of(tenant, access), as_json)


@entities.command("split")
def split(
    a: NameArgument,
    b: NameArgument,
    author: AuthorOption = "",
    tenant: TenantOption = "default",
    access: AccessOption = "*",
    as_json: JsonOption = False,
) -> None:
    """Decide that two entities are not one.

    Whatever their names look like.
    """
    _decide("split", a, b, author, scope_of(tenant, access), as_json)


@entities.command("undo")
def undo_decision(
    id: Annotated[str, typer.Argument(metavar="ID", help="As 'graphrag entities decisions' shows it.")],
    tenant: TenantOption = "default",
    access: AccessOption = "*",
    as_json: JsonOption = False,
) -> None:
    """Take a decision back.

    What is derived from the names holds again.
    """
    scope = scope_of(tenant, access)

    async def work(store: GraphStore, system: SystemStore) -> tuple[Decision, dict[str, str]]:
        gone = await undo(store, system, scope, id)
        return gone, await names_of(store, scope, (gone.a, gone.b))

    gone, names = with_stores(work)
    if as_json:
        print_json({"undone": decision_out(gone, names).model_dump()})
        return
    line(f"undone: {gone.kind} {_shown(gone.a, names)} and {_shown(gone.b, names)}")


@entities.command("decisions")
def list_decisions(tenant: TenantOption = "default", access: AccessOption = "*", as_json: JsonOption = False) -> None:
    """List what people decided, the newest first."""
    scope = scope_of(tenant, access)

    async def work(store: GraphStore, system: SystemStore) -> tuple[list[Decision], dict[str, str]]:
        found = await decisions_seen(store, system, scope)
        return found, await names_of(store, scope, (id_ for one in found for id_ in (one.a, one.b)))

    found, names = with_stores(work)
    if as_json:
        print_json({"decisions": [decision_out(decision, names).model_dump() for decision in found]})
        return
    if not found:
        say(f"No decisions in tenant {tenant!r}; 'graphrag entities candidates' lists what there is to decide.")
        return
    listed = table("id", "kind", "entity", "other entity", "by", "on", whole=("id", "kind", "on"))
    for one in found:
        names_ = _shown(one.a, names), _shown(one.b, names)
        listed.add_row(one.id[:SHORT_ID], one.kind, *names_, one.author, one.created_at[:10])
    show(listed)


def _decide(kind: DecisionKind, a: str, b: str, author: str, scope: Scope, as_json: bool) -> None:
    async def work(store: GraphStore, system: SystemStore) -> tuple[Decision, Entity, Entity]:
        one, other = await find_entity(store, scope, a), await find_entity(store, scope, b)
        by = author or await asyncio.to_thread(_user)
        return await decide(store, system, scope, kind, one.id, other.id, by), one, other

    decision, one, other = with_stores(work)
    if as_json:
        print_json(decision_out(decision, {one.id: one.name, other.id: other.name}).model_dump())
        return
    line(f"{one.name} and {other.name} are {'one' if kind == 'merge' else 'two'}: decided by {decision.author}")
    line(f"graphrag entities undo {decision.id[:SHORT_ID]} takes it back")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in some containers
        return "command line"


def _shown(id_: str, names: Mapping[str, str]) -> str:
    return names.get(id_, f"{id_[:SHORT_ID]} (mentioned nowhere now)")
