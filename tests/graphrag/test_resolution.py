"""Which keys are probably one entity."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphrag.analysis import normalise
from graphrag.extraction.resolution import blocking_keys, links_among, may_be_same, same_as
from graphrag.types import Entity, entity_id

NAMES = [
    "Acme", "ACME", "International Business Machines", "IBM", "Ibm", "Jane Smith", "Smith", "J. Smith", "New York",
    "NewYork", "New-York", "Gothenburg", "Gothenberg", "Goteborg", "World Health Organization", "WHO",
    "World Health Organisation", "Boeing 737", "Boeing 747", "Boeing 7-3-7", "Wu", "Mei Wu", "Kubernetes", "Kubernets",
]  # fmt: skip
TYPES = ["", "PERSON", "ORG", "GPE", "LOC", "MISC", "DATE"]


def entity(name: str, type: str = "", *, tenant: str = "default") -> Entity:
    key = normalise(name)
    return Entity(entity_id(tenant, key), key, name, type, 1, 1, 1)


entities = st.builds(
    entity,
    st.sampled_from(NAMES) | st.text(st.sampled_from("abeno1 '"), min_size=1, max_size=8).filter(normalise),
    st.sampled_from(TYPES),
)


@pytest.mark.parametrize(
    ("one", "other", "score", "reason"),
    [
        (entity("IBM"), entity("International Business Machines"), 0.9, "acronym"),
        (entity("BOA", "ORG"), entity("Bank of America", "ORG"), None, ""),
        (entity("BA", "ORG"), entity("Bank of America", "ORG"), 0.9, "acronym"),
        (entity("Ibm"), entity("International Business Machines"), None, ""),
        (entity("Smith", "PERSON"), entity("Jane Smith", "PERSON"), 0.6, "surname"),
        (entity("Smith"), entity("Jane Smith", "PERSON"), 0.6, "surname"),
        (entity("Smith"), entity("Jane Smith"), None, ""),
        (entity("Smith", "MISC"), entity("Jane Smith", "PERSON"), None, ""),
        (entity("Jane", "PERSON"), entity("Jane Smith", "PERSON"), None, ""),
        (entity("Smith", "PERSON"), entity("Al B C D Smith", "PERSON"), None, ""),
        (entity("New York"), entity("NewYork"), 0.95, "spacing"),
        (entity("e-mail"), entity("Email"), 0.95, "spacing"),
        (entity("Boeing 737"), entity("Boeing 747"), None, ""),
        (entity("Acme"), entity("Acme Corp"), None, ""),
        (entity("Mona"), entity("Mina"), None, ""),
    ],
)
def test_two_entities_are_linked_for_a_reason(one: Entity, other: Entity, score: float | None, reason: str) -> None:
    found = same_as(one, other)
    assert (found.score if found else None) == score
    assert reason in (found.reason if found else "")


@pytest.mark.parametrize(
    ("one", "other"), [("Kubernetes", "Kubernets"), ("Gothenburg", "Gothenberg"), ("Organisation", "Organization")]
)
def test_spellings_with_the_same_consonants_are_variants(one: str, other: str) -> None:
    found = same_as(entity(one), entity(other))
    if "z" in other:
        assert found is None, "s and z are different consonants"
    else:
        assert found is not None
        assert 0.85 * 0.9 <= found.score <= 0.9
        assert found.reason == "spelling variant"


@pytest.mark.parametrize(
    ("one", "other", "linked"),
    [
        ("PERSON", "ORG", False),
        ("ORG", "GPE", False),
        ("GPE", "LOC", True),
        ("GPE", "FAC", True),
        ("", "PERSON", True),
        ("MISC", "PERSON", True),
        ("DATE", "ORG", True),
        ("ORG", "ORG", True),
    ],
)
def test_conflicting_types_are_never_one_entity(one: str, other: str, linked: bool) -> None:
    assert (same_as(entity("New York", one), entity("NewYork", other)) is not None) is linked
    assert (same_as(entity("New York", other), entity("NewYork", one)) is not None) is linked


def test_an_entity_is_not_the_same_as_itself() -> None:
    assert same_as(entity("Acme", "ORG"), entity("ACME", "PERSON")) is None


@given(entities, entities)
def test_the_order_of_the_two_does_not_matter(one: Entity, other: Entity) -> None:
    assert same_as(one, other) == same_as(other, one)


@given(entities, entities)
def test_a_link_is_ordered_by_id_with_a_score_and_a_reason(one: Entity, other: Entity) -> None:
    found = same_as(one, other)
    if found:
        assert found.a < found.b
        assert {found.a, found.b} == {one.id, other.id}
        assert 0 < found.score <= 1
        assert found.reason


@given(st.lists(entities, max_size=8, unique_by=lambda held: held.id), st.randoms(use_true_random=False))
def test_links_depend_neither_on_order_nor_on_what_else_is_there(held: list[Entity], random: object) -> None:
    found = links_among(held)
    assert found == sorted(found, key=lambda one: (one.a, one.b))
    assert found == links_among(reversed(held)) == links_among(list(held))
    pairs = [links_among(pair) for pair in itertools.combinations(held, 2)]
    assert found == sorted(itertools.chain.from_iterable(pairs), key=lambda one: (one.a, one.b))


@given(st.lists(entities, max_size=8, unique_by=lambda held: held.id))
def test_links_among_are_those_that_same_as_decides_within_a_block(held: list[Entity]) -> None:
    expected = [
        found
        for one, other in itertools.combinations(held, 2)
        if set(blocking_keys(one.key)) & set(blocking_keys(other.key)) and (found := same_as(one, other))
    ]
    assert links_among(held) == sorted(expected, key=lambda one: (one.a, one.b))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (entity("IBM"), entity("International Business Machines")),
        (entity("NATOPSE"), entity("North Atlantic Treaty Of Public Safety Every Extra", "ORG")),
        (entity("Wu", "PERSON"), entity("Mei Wu", "PERSON")),
        (entity("ABCDEFG"), entity("Ant Bee Cat Dog Elk Fox Gnu")),
        (entity("3M"), entity("3 Musketeers")),
        (entity("Smith2", "PERSON"), entity("Jane Smith2", "PERSON")),
    ],
)
def test_whatever_same_as_links_shares_a_block(one: Entity, other: Entity) -> None:
    if same_as(one, other):
        assert set(blocking_keys(one.key)) & set(blocking_keys(other.key))


@pytest.mark.parametrize(
    ("one", "other"), [("Gothenburg", "Gothenberg"), ("Amontenegro", "Montenegoruo"), ("IBM", "Ibm Corp")]
)
def test_the_decision_is_the_same_in_every_tenant(one: str, other: str) -> None:
    """Ids are hashes that include the tenant, so a decision must not hang on which of the two ids is smaller."""
    found = {
        None
        if (decided := same_as(entity(one, tenant=tenant), entity(other, tenant=tenant))) is None
        else decided.score
        for tenant in map(str, range(20))
    }
    assert len(found) == 1


def test_what_the_caller_sees_of_an_entity_decides_its_links() -> None:
    """Name and type are folded from visible mentions: the same key may be linked for one caller and not for another."""
    full = entity("International Business Machines", "ORG")
    assert same_as(entity("IBM"), full) is not None
    assert same_as(entity("Ibm"), full) is None
    assert same_as(entity("IBM", "PERSON"), full) is None


@given(entities, entities)
def test_the_quick_test_on_keys_passes_every_link(one: Entity, other: Entity) -> None:
    if same_as(one, other):
        assert may_be_same(one.key, other.key)
        assert may_be_same(other.key, one.key)


def test_blocks_are_ascending_and_depend_on_the_key_alone() -> None:
    assert blocking_keys("jane smith") == ("acronym:js", "skeleton:jnsmth", "squash:janesmith", "surname:smith")
    assert blocking_keys("ibm") == ("acronym:ibm", "squash:ibm", "surname:ibm")
    assert blocking_keys("s3") == ("squash:s3",)


@given(entities)
def test_every_key_falls_into_a_block(held: Entity) -> None:
    blocks = blocking_keys(held.key)
    assert blocks
    assert list(blocks) == sorted(set(blocks))
