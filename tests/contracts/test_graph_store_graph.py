"""The contract of GraphStore: title links, neighbourhoods, decisions and pages of entities."""

from graphrag.extraction.resolution import Decided
from graphrag.types import SameAs, entity_id
from tests.contracts.conftest import StoreFactory
from tests.contracts.generate import NAMES
from tests.contracts.plans import ANYBODY, LEGAL, document, fill, named


async def test_a_title_link_joins_a_phrase_to_the_chunk_about_it(store_factory: StoreFactory) -> None:
    about = document(named("Berlin"), source="b.md", title=NAMES.index("Lamprey"))
    naming = document(named("Lamprey", "Berlin"))
    async with store_factory() as store:
        target, source = [batch.chunks[0].id for batch in await fill(store, [about, naming])]
        (link,) = await store.title_links(ANYBODY, [source], 10)
        assert (link.source, link.target, link.key) == (source, target, "lamprey")
        assert await store.title_links(ANYBODY, [target], 10) == []
        assert await store.title_links(ANYBODY, [source, target], 10) == [link]
        assert await store.title_links(ANYBODY, [source, target], 0) == []


async def test_only_the_longest_phrase_that_names_a_visible_subject_links(store_factory: StoreFactory) -> None:
    acme = document(named("Smith"), source="acme.md", title=NAMES.index("Acme"))
    corp = document(named("Smith"), source="corp.md", title=NAMES.index("Acme Corp"), access="legal")
    naming = document(named("Acme Corp"))
    async with store_factory() as store:
        short, long, source = [batch.chunks[0].id for batch in await fill(store, [acme, corp, naming])]
        assert [link.target for link in await store.title_links(LEGAL, [source], 10)] == [long]
        assert [link.target for link in await store.title_links(ANYBODY, [source], 10)] == [short]


async def test_a_chunk_is_not_linked_by_what_it_is_about_itself(store_factory: StoreFactory) -> None:
    lamprey = NAMES.index("Lamprey")
    async with store_factory() as store:
        batches = await fill(store, [document(named("Lamprey"), named("Lamprey", "Berlin"), title=lamprey)])
        assert await store.title_links(ANYBODY, [chunk.id for chunk in batches[0].chunks], 10) == []


async def test_title_links_are_cut_per_chunk(store_factory: StoreFactory) -> None:
    lamprey = NAMES.index("Lamprey")
    about = [document(named("Berlin"), source=f"t{n}.md", title=lamprey) for n in range(4)]
    naming = [document(named("Lamprey"), source=f"s{n}.md") for n in range(4)]
    async with store_factory() as store:
        batches = await fill(store, [*about, *naming])
        targets = sorted(batch.chunks[0].id for batch in batches[:4])
        sources = sorted(batch.chunks[0].id for batch in batches[4:])
        out = await store.title_links(ANYBODY, sources[1:3], 3)
        assert [(link.source, link.target) for link in out] == [(s, t) for s in sources[1:3] for t in targets[:3]]


async def test_a_neighbourhood_is_cut_by_hop_then_mentions_then_id(store_factory: StoreFactory) -> None:
    # Acme -> Berlin (1 mention), Acme -> IBM (3 mentions), IBM -> Lamprey (5 mentions, but two hops away)
    plans = [
        document(named("Acme", "Berlin", relations=1), source="1.md"),
        document(named("Acme", "IBM", relations=1), source="2.md"),
        document(named("IBM", "IBM", "Lamprey", relations=1), source="3.md"),
        document(named("Lamprey", "Lamprey", "Lamprey", "Lamprey"), source="4.md"),
    ]
    acme = entity_id("default", "acme")
    async with store_factory() as store:
        await fill(store, plans)

        async def keys(hops: int, limit: int) -> set[str]:
            return {entity.key for entity in (await store.neighbourhood(ANYBODY, [acme], hops, limit)).entities}

        assert await keys(0, 10) == {"acme"}
        assert await keys(1, 10) == {"acme", "berlin", "ibm"}
        assert await keys(1, 2) == {"acme", "ibm"}
        assert await keys(2, 3) == {"acme", "ibm", "berlin"}
        assert await keys(2, 10) == {"acme", "ibm", "berlin", "lamprey"}


async def test_a_neighbourhood_does_not_step_over_hidden_evidence(store_factory: StoreFactory) -> None:
    plans = [
        document(named("Acme", "Berlin", relations=1), access="legal"),
        document(named("Acme"), named("Berlin"), source="b.md"),
    ]
    acme, berlin = entity_id("default", "acme"), entity_id("default", "berlin")
    async with store_factory() as store:
        await fill(store, plans)
        assert [found.id for found in (await store.neighbourhood(ANYBODY, [acme], 2, 10)).entities] == [acme]
        both = await store.neighbourhood(ANYBODY, [acme, berlin], 0, 10)
        assert (len(both.entities), len(both.relations)) == (2, 0)
        assert len((await store.neighbourhood(LEGAL, [acme, berlin], 0, 10)).relations) == 1


async def test_spelling_variants_are_linked_and_stepped_over(store_factory: StoreFactory) -> None:
    ibm, full = entity_id("default", "ibm"), entity_id("default", "international business machines")
    async with store_factory() as store:
        await fill(store, [document(named("IBM"), named("International Business Machines"))])
        graph = await store.neighbourhood(ANYBODY, [ibm], 1, 10)
        assert [found.id for found in graph.entities] == sorted([ibm, full])
        assert [(link.a, link.b) for link in graph.same_as] == [(min(ibm, full), max(ibm, full))]


async def test_what_people_decided_wins_over_derived_links(store_factory: StoreFactory) -> None:
    ibm, full, lamprey = (entity_id("default", key) for key in ("ibm", "international business machines", "lamprey"))
    split = Decided(split={ibm: {full}, full: {ibm}})
    merge = Decided(merged={ibm: {lamprey: "ann", "no such id": "ann"}, lamprey: {ibm: "ann"}})
    async with store_factory() as store:
        await fill(store, [document(named("IBM"), named("International Business Machines"), named("Lamprey"))])
        apart = await store.neighbourhood(ANYBODY, [ibm], 1, 10, decided=split)
        assert ([found.id for found in apart.entities], list(apart.same_as)) == ([ibm], [])
        assert list((await store.neighbourhood(ANYBODY, [ibm, full], 0, 10, decided=split)).same_as) == []
        graph = await store.neighbourhood(ANYBODY, [lamprey], 1, 10, decided=merge)
        assert [found.id for found in graph.entities] == sorted([ibm, lamprey])
        assert list(graph.same_as) == [SameAs(min(ibm, lamprey), max(ibm, lamprey), 1.0, "decided by ann")]


async def test_a_decision_shows_nothing_of_what_the_caller_does_not_see(store_factory: StoreFactory) -> None:
    ibm, lamprey = entity_id("default", "ibm"), entity_id("default", "lamprey")
    foreign = entity_id("rival", "lamprey")
    merge = Decided(merged={ibm: {lamprey: "ann", foreign: "ann"}, lamprey: {ibm: "ann"}, foreign: {ibm: "ann"}})
    plans = [
        document(named("IBM")),
        document(named("Lamprey"), source="secret.md", access="legal"),
        document(named("Lamprey"), source="theirs.md", tenant="rival"),
    ]
    async with store_factory() as store:
        await fill(store, plans)
        graph = await store.neighbourhood(ANYBODY, [ibm], 2, 10, decided=merge)
        assert ([found.id for found in graph.entities], list(graph.same_as)) == ([ibm], [])
        graph = await store.neighbourhood(LEGAL, [ibm], 2, 10, decided=merge)
        assert [found.id for found in graph.entities] == sorted([ibm, lamprey])


async def test_entity_ids_are_ascending_pages_of_what_is_visible(store_factory: StoreFactory) -> None:
    plans = [
        document(named("Acme"), named("Berlin"), named("IBM")),
        document(named("Lamprey"), source="secret.md", access="legal"),
    ]
    ids = sorted(entity_id("default", key) for key in ("acme", "berlin", "ibm"))
    async with store_factory() as store:
        assert await store.entity_ids(ANYBODY) == []
        await fill(store, plans)
        assert await store.entity_ids(ANYBODY) == ids
        assert await store.entity_ids(ANYBODY, limit=2) == ids[:2]
        assert await store.entity_ids(ANYBODY, after=ids[0], limit=1) == ids[1:2]
        assert await store.entity_ids(ANYBODY, limit=0) == await store.entity_ids(ANYBODY, limit=-1) == []
        assert len(await store.entity_ids(LEGAL)) == 4
