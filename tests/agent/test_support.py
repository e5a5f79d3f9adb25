"""Whether a sentence is supported by what it cites: pairs written by hand, half of them hard negatives."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from agent.support import Support, supports
from graphrag.bootstrap import open_embedders
from graphrag.embedding import Passage, PassageEncoder
from graphrag.sentences import split_sentences
from graphrag.settings import load_settings
from graphrag.types import ChunkVectors
from tests.local_model import embedder_of

PASSAGES = {
    "contract": (
        "Supply agreement SA-118. Halvorix Components supplies the PMX-48 power module to Tarnholm Sensing. "
        "The warranty of the module is 30 months and begins with delivery. Either party may end the agreement with "
        "notice of 90 days. Invoices are paid within 45 days."
    ),
    "incident": (
        "On 11 March 2025 the gateways at Maasvliet Terminal went dark for six hours. Anneke Brouwer led the response. "
        "A power module had burnt out because its fan was blocked by dust. The fan filter is now cleaned every month."
    ),
    "policy": (
        "Employees in Delft have 27 days of leave a year; those in Brno have 25. Unused days expire on 31 March. "
        "Parental leave is decided by the people team. Travel above EUR 400 needs the approval of a manager."
    ),
}
# (what is said, what it cites, whether that bears it out)
PAIRS = [
    ("Halvorix Components supplies the PMX-48 power module.", "contract", True),
    ("The PMX-48 comes from Halvorix Components.", "contract", True),
    ("The warranty lasts 30 months, starting at delivery.", "contract", True),
    ("Invoices have to be settled within 45 days.", "contract", True),
    ("The agreement can be ended with 90 days' notice.", "contract", True),
    ("The gateways at Maasvliet Terminal were dark for six hours on 11 March 2025.", "incident", True),
    ("The response was led by Anneke Brouwer.", "incident", True),
    ("The module burnt out since dust had blocked its fan.", "incident", True),
    ("The filter of the fan is cleaned monthly.", "incident", True),
    ("In Delft employees get 27 days of leave per year.", "policy", True),
    ("In Brno it is 25 days.", "policy", True),
    ("Leave that is not used expires on 31 March.", "policy", True),
    ("A manager has to approve travel that costs more than EUR 400.", "policy", True),
    ("The warranty of the module is 24 months.", "contract", False),
    ("Ostrava Works supplies the PMX-48 power module.", "contract", False),
    ("Halvorix Components was founded in 1987.", "contract", False),
    ("The parties signed the agreement in a hotel by the sea.", "contract", False),
    ("Pieter Vos led the response at Maasvliet Terminal.", "incident", False),
    ("The gateways went dark on 12 March 2025.", "incident", False),
    ("The terminal was closed by the police after a fire alarm.", "incident", False),
    ("Nobody was hurt, and the insurance paid for the damage.", "incident", False),
    ("Employees in Porto have 27 days of leave.", "policy", False),
    ("Employees in Delft have 29 days of leave a year.", "policy", False),
    ("Sick employees have to see the company doctor.", "policy", False),
    ("Travel above EUR 900 needs the approval of a manager.", "policy", False),
    ("The people team organises a summer party.", "policy", False),
]


@dataclass
class Stub:
    """What `supports` reads of a ledger and a chunk."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class Store:
    """The vectors of the passages."""

    def __init__(self, vectors: dict[str, ChunkVectors]) -> None:
        self.vectors = vectors

    async def chunks_with_vectors(
        self, scope: object, ids: list[str], filter: object
    ) -> list[tuple[Stub, ChunkVectors]]:
        """See GraphStore.chunks_with_vectors."""
        return [(Stub(id=id_), self.vectors[id_]) for id_ in ids]


@pytest.fixture(scope="module", params=["e5", "minilm"])
def encoder(request: pytest.FixtureRequest) -> Generator[PassageEncoder]:
    """The real models: similarity is part of what is tested."""
    yield open_embedders(load_settings(embedder=embedder_of(request.param)))[1]


async def supported(encoder: PassageEncoder, claims: list[tuple[str, list[str]]]) -> list[Support]:
    encoded = await encoder.encode([Passage("", text, tuple(split_sentences(text))) for text in PASSAGES.values()])
    ledger = Stub(
        store=Store(dict(zip(PASSAGES, encoded, strict=True))),
        scope=None,
        filter=None,
        question=Stub(text="What is known?"),
        candidates={name: Stub(chunk=Stub(title="", heading=(), text=text)) for name, text in PASSAGES.items()},
    )
    return await supports(ledger, encoder, claims)


def test_support_is_told_from_its_absence(encoder: PassageEncoder):
    found = asyncio.run(supported(encoder, [(text, [cited]) for text, cited, _ in PAIRS]))

    wrong = [
        f"{text} -> words {support.words:.2f}, similarity {support.similarity:.2f}, unfounded {support.unfounded}"
        for (text, _, expected), support in zip(PAIRS, found, strict=True)
        if support.holds != expected
    ]
    assert not wrong, "\n".join(wrong)


def test_a_sentence_supports_nothing_by_citing_another_passage(encoder: PassageEncoder):
    others = {"contract": "incident", "incident": "policy", "policy": "contract"}
    found = asyncio.run(supported(encoder, [(text, [others[cited]]) for text, cited, _ in PAIRS]))

    assert not any(support.holds for support in found)


def test_a_sentence_without_a_citation_is_supported_by_nothing(encoder: PassageEncoder):
    (found,) = asyncio.run(supported(encoder, [("Halvorix Components supplies it.", [])]))

    assert not found.holds
    assert np.isclose(found.words, 0)


def test_the_markers_of_citations_are_no_numbers_of_the_sentence(encoder: PassageEncoder):
    (found,) = asyncio.run(supported(encoder, [("The warranty of the module is 30 months [7].", ["contract"])]))

    assert found.unfounded == ()
    assert found.holds
