"""People's decisions on entities: two are one (merge) or are not (split). Records beside the graph, never a change of it.

A decision names entities by id, which is a hash of tenant and key, so it holds on through deleting and ingesting again. It
wins over what is derived, on its pair alone: two merges with an entity in common make all three one where passages are
joined (graphrag.stores.merged), and show as two links. Taking a decision back leaves no trace.

A decision is there for those who see both entities. Nobody can decide against what follows from the decisions that he sees;
but callers with different labels may contradict each other, since neither is to learn of what he does not see. For whoever
sees all of it merges win where passages are joined, in whatever order it was decided: a split takes away no more than the
link of its pair. He sees each of these decisions and can undo it.
"""

from collections.abc import Iterable, Sequence

from graphrag.errors import InputError, NotFoundError
from graphrag.extraction.resolution import Decided
from graphrag.stores.base import GraphStore
from graphrag.stores.merged import group_of
from graphrag.stores.system import Decision, DecisionKind, SystemStore, decided_by
from graphrag.types import ALL_ACCESS, Scope, is_text, stable_id

MAX_DECISIONS = 10_000
"""Of a tenant: every question and every look at the graph reads them."""
MAX_AUTHOR = 100
MIN_ID_START = 8


def decision_id(tenant: str, a: str, b: str) -> str:
    """Id of the decision on a pair of entities, whichever way round: deciding again replaces it."""
    return stable_id("decision", tenant, *sorted((a, b)))


async def decided(system: SystemStore, tenant: str) -> Decided:
    """What people decided on a tenant's entities."""
    return decided_by(await system.decisions(tenant))


async def decide(
    store: GraphStore, system: SystemStore, scope: Scope, kind: DecisionKind, a: str, b: str, author: str
) -> Decision:
    """Record that two entities are one, or are not. Replaces an earlier decision on the two.

    Args:
        a: id of an entity that the scope sees; so is `b`.
        author: who decides, for people: the link shows it.

    Raises:
        NotFoundError: an entity does not exist, or the scope does not see it.
        InputError: the two are the same, the name of the author cannot be shown, other decisions that the scope sees say
            the contrary (the message names them), or there are too many.
    """
    if a == b:
        raise InputError("that is one entity: name two different ones")
    _check_author(author)
    seen = {entity.id for entity in await store.entities(scope, [a, b])}
    for id_ in (a, b):
        if id_ not in seen:
            raise NotFoundError(f"there is no entity {id_!r}, or the caller's scope does not see it")
    id_ = decision_id(scope.tenant, a, b)
    known = await system.decisions(scope.tenant)
    others = [one for one in known if {one.a, one.b} != {a, b}]
    _check_count(len(others) + 1)
    _check_fits(await _seen_of(store, scope, others), kind, a, b)
    decision = Decision(id_, scope.tenant, kind, min(a, b), max(a, b), author.strip())
    if not await system.record_decisions([decision], known):  # another one came between: does this still fit?
        return await decide(store, system, scope, kind, a, b, author)
    return next(one for one in await system.decisions(scope.tenant) if one.id == id_)


async def record(system: SystemStore, scope: Scope, decisions: Sequence[Decision]) -> int:
    """Record decisions that were made elsewhere, such as before an export; entities need not exist yet.

    Args:
        system: where; a decision that is there on the same pair is replaced.
        scope: of the tenant to which they belong.
        decisions: with who made them and when.

    Returns:
        How many were not there just so.

    Raises:
        InputError: one is of another tenant, is malformed, or those given contradict those that are there, which are
            named; or there would be too many. None is recorded then.
    """
    before = await system.decisions(scope.tenant)
    held = {decision.id: decision for decision in before}
    new = {decision.id: decision for decision in decisions if held.get(decision.id) != decision}
    for decision in new.values():
        if decision.tenant != scope.tenant:
            raise InputError(
                f"decision {decision.id!r} is of tenant {decision.tenant!r}, not {scope.tenant!r}: name its tenant"
            )
        _check_author(decision.author)
        if decision.a == decision.b or decision.id != decision_id(decision.tenant, decision.a, decision.b):
            raise InputError(f"decision {decision.id!r} does not have the id of its pair: export again")
    together = held | new
    _check_count(len(together))
    # What contradicts itself on one side may well have been decided so, by callers with different labels.
    lived_with = _contradicted(held.values()).keys() | _contradicted(decisions).keys()
    for split, merges in _contradicted(together.values()).items():
        if split not in lived_with:
            raise InputError(
                f"decision {split} keeps two entities apart that these make one: {', '.join(merges)}; undo what is "
                f"wrong ('graphrag entities undo')"
            )
    if new and not await system.record_decisions(list(new.values()), before):  # another one came between
        return await record(system, scope, decisions)
    return len(new)


def _contradicted(decisions: Iterable[Decision]) -> dict[str, list[str]]:
    """Ids of the splits of what merges make one, each with the ids of these merges."""
    found: dict[str, list[str]] = {}
    every = list(decisions)
    known = decided_by(every)
    for decision in every:
        if decision.kind == "split" and decision.b in (one := group_of(known, decision.a)):
            found[decision.id] = [other.id for other in every if other.kind == "merge" and other.a in one]
    return found


def _check_author(author: str) -> None:
    if not author.strip() or len(author) > MAX_AUTHOR or not author.isprintable() or not is_text(author):
        raise InputError(f"the name of who decides has 1 to {MAX_AUTHOR} printable characters")


def _check_count(count: int) -> None:
    if count > MAX_DECISIONS:
        raise InputError(
            f"there are {MAX_DECISIONS} decisions, the most a tenant can have: undo those no longer needed"
        )


def _check_fits(others: list[Decision], kind: DecisionKind, a: str, b: str) -> None:
    """Refuse a decision that contradicts what follows from the others."""
    known = decided_by(others)
    one, other = group_of(known, a), group_of(known, b)
    if kind == "split" and b in one:
        merges = [d.id for d in others if d.kind == "merge" and d.a in one]
        raise InputError(f"the two are one by other decisions: undo one of these first: {', '.join(merges)}")
    splits = [d.id for d in others if d.kind == "split" and ({d.a, d.b} & one and {d.a, d.b} & other)]
    if kind == "merge" and b not in one and splits:
        raise InputError(f"another decision keeps the two apart: undo first: {', '.join(splits)}")


async def decisions_seen(store: GraphStore, system: SystemStore, scope: Scope) -> list[Decision]:
    """The decisions on entities that the scope sees, the newest first.

    Whoever holds every label sees all of the tenant, those on entities that are gone too.
    """
    found = await _seen_of(store, scope, await system.decisions(scope.tenant))
    return sorted(found, key=lambda decision: (decision.created_at, decision.id), reverse=True)


async def _seen_of(store: GraphStore, scope: Scope, decisions: list[Decision]) -> list[Decision]:
    if ALL_ACCESS in scope.access:
        return decisions
    ids = {id_ for decision in decisions for id_ in (decision.a, decision.b)}
    seen = {entity.id for entity in await store.entities(scope, sorted(ids))}
    return [decision for decision in decisions if decision.a in seen and decision.b in seen]


async def undo(store: GraphStore, system: SystemStore, scope: Scope, id_: str) -> Decision:
    """Take a decision back; returns what it was.

    Args:
        id_: of a decision that the scope sees, or at least its first MIN_ID_START characters.

    Raises:
        NotFoundError: there is none.
        InputError: the start of an id fits several.
    """
    seen = await decisions_seen(store, system, scope)
    found = [one for one in seen if one.id == id_ or (len(id_) >= MIN_ID_START and one.id.startswith(id_))]
    if not found:
        raise NotFoundError(f"there is no decision {id_!r} in tenant {scope.tenant!r}, or the caller does not see it")
    if len(found) > 1:
        raise InputError(f"{id_!r} begins the ids of several decisions; give more characters of the one you mean")
    await system.remove_decision(scope.tenant, found[0].id)
    return found[0]
