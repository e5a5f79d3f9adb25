"""Hand-made documents of chosen chunks and mentions, a store that takes them, and searches in it."""

from dataclasses import dataclass

from graphrag.analysis import chunk_terms, normalise, phrases
from graphrag.embedding import Passage
from graphrag.embedding.hashing import Hashing
from graphrag.filters import Filter
from graphrag.retrieval.chain import Bridge, Scored, bridge_between, score_chains
from graphrag.retrieval.graph import graph_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.question import read_question
from graphrag.sentences import split_sentences
from graphrag.stores.embedded.store import EmbeddedStore
from graphrag.types import (
    PUBLIC,
    Chunk,
    ChunkVectors,
    Document,
    GraphBatch,
    Mention,
    Metadata,
    Scope,
    chunk_id,
    document_id,
    entity_id,
    stable_id,
)

EMBEDDER = Hashing()
EVERYONE = Scope(access=frozenset({"*"}))


@dataclass(frozen=True)
class Part:
    """One chunk: its text, the names in it that are mentions, and what it is about."""

    text: str
    names: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One document of hand-made chunks."""

    name: str
    parts: tuple[Part, ...]
    access: str = PUBLIC
    tenant: str = "default"
    metadata: tuple[tuple[str, str], ...] = ()

    def chunk(self, position: int = 0) -> str:
        """The id of one of its chunks."""
        return chunk_id(document_id(self.tenant, self.name), position, self.parts[position].text)


def source(name: str, text: str, *names: str, about: tuple[str, ...] = (), **options: str) -> Source:
    """A document of one chunk; further options are access, tenant and metadata fields."""
    access, tenant = options.pop("access", PUBLIC), options.pop("tenant", "default")
    return Source(name, (Part(text, names, about),), access, tenant, tuple(options.items()))


class Store(EmbeddedStore):
    """An embedded store that takes hand-made documents."""

    async def put(self, *sources: Source) -> None:
        """Write documents, each in its own tenant."""
        for one in sources:
            await self.write(Scope(one.tenant, frozenset({"*"})), await batch(one))


async def batch(one: Source) -> GraphBatch:
    """What a document contributes, with vectors of the hashing embedder."""
    id_ = document_id(one.tenant, one.name)
    text, chunks = "", list[Chunk]()
    for position, part in enumerate(one.parts):
        start, end = len(text), len(text) + len(part.text)
        text += part.text
        sentences = tuple((start + left, start + right) for left, right in split_sentences(part.text))
        chunks.append(
            Chunk(
                id=one.chunk(position),
                document_id=id_,
                source=one.name,
                title="",
                position=position,
                start=start,
                core_start=start,
                end=end,
                text=part.text,
                heading=(),
                page=None,
                token_count=len(part.text.split()),
                sentences=sentences,
                terms=chunk_terms("", (), part.text),
                phrases=phrases(part.text, sentences, start),
                mentions=_mentions(one.tenant, part, start),
            )
        )
        text += "\n"
    text = text[:-1]
    vectors = await EMBEDDER.encode(
        [Passage("", c.text, tuple((a - c.start, b - c.start) for a, b in c.sentences)) for c in chunks]
    )
    metadata: Metadata = dict(one.metadata)
    document = Document(
        id=id_,
        tenant=one.tenant,
        access=one.access,
        source=one.name,
        title="",
        media_type="text/plain",
        content_sha256=stable_id(text),
        fingerprint=stable_id(repr(one)),
        metadata=metadata,
        length=len(text),
        chunk_count=len(chunks),
    )
    return GraphBatch(document, text, chunks, list[ChunkVectors](vectors), [])


def _mentions(tenant: str, part: Part, offset: int) -> tuple[Mention, ...]:
    found: dict[str, Mention] = {}
    for name in (*part.names, *part.about):
        key = normalise(name)
        at = part.text.find(name)
        spans = ((offset + at, offset + at + len(name)),) if at >= 0 and name in part.names else ()
        role = "subject" if name in part.about else "mention"
        found[key] = Mention(entity_id(tenant, key), key, name, "", role, spans)
    return tuple(found[key] for key in sorted(found))


async def ledger_for(store: Store, question: str, scope: Scope = EVERYONE, filter: Filter | None = None) -> Ledger:
    """An empty ledger for a question."""
    return Ledger(store, scope, await read_question(store, EMBEDDER, EMBEDDER, scope, question), filter)


async def search(
    store: Store, question: str, scope: Scope = EVERYONE, filter: Filter | None = None
) -> tuple[Ledger, Scored]:
    """The outcome of a chain search, with all that was met."""
    ledger = await ledger_for(store, question, scope, filter)
    await graph_search(ledger, 100)
    return ledger, score_chains(ledger)


def bridges(ledger: Ledger, scored: Scored) -> list[Bridge]:
    """What joins the passages of the chains."""
    found = [bridge_between(ledger, *chain.chunk_ids) for chain in scored.chains]
    return [bridge for bridge in found if bridge is not None]


QUESTION = "Who leads the maker of the turbine of Brackwater Station?"
FIRST = source(
    "first.txt", "The turbine of Brackwater Station was built by Halvorix.", "Brackwater Station", "Halvorix"
)
SECOND_TEXT = "Ewa Strzelecka runs Halvorix from Gdynia."
SECOND = source("second.txt", SECOND_TEXT, "Ewa Strzelecka", "Halvorix", "Gdynia")
DISTRACTORS = [
    source(f"other-{n}.txt", text)
    for n, text in enumerate(
        [
            "A turbine at Norwell was inspected twice.",
            "The station clock was painted green.",
            "The turbine hall has high windows.",
            "Stations along the coast were closed.",
            "Old turbines are sold for scrap in March.",
            "Nobody waited at the station.",
            "The choir sings on Sundays.",
            "Bread is baked at night.",
        ]
    )
]
