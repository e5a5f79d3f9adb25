"""What is common to all vectors of a model, to be taken from them.

Models trained with a low temperature, as E5 and BGE, have all texts in one corner: two that have nothing to do with each other have a
cosine of 0.75. Then what tells a passage from others drowns in what all of them share, and the scores of chain search, whose
weights expect unrelated texts near 0, say little. Taking the mean vector from each mends both (Mu and Viswanath, All-but-the-Top,
ICLR 2018). The mean is that of the texts below, so that it depends on the model alone and not on what is stored.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphrag.embedding import Embedder, Kind, Passage
from graphrag.embedding.local import LocalEncoder
from graphrag.types import ChunkVectors

VERSION = 1
"""Of the texts and the arithmetic."""
APART = 3.0
"""How far the sentences of a passage are moved apart, around its vector. In one pass the states of E5's tokens all lean towards the
whole: its sentences differ 2.3 times less than they do embedded one by one. On the five sets of docs/benchmarks.md, which were looked
at, 2 to 4 do about the same, and 1 less."""
DOCUMENTS = (
    "The harbour office opens at seven. Ships that arrive later report by radio.",
    "She studied law in Leiden and worked as a judge for eleven years.",
    "The pump failed after 400 hours. A worn seal was the cause, and all seals were replaced.",
    "The village lies on the river Arne, twelve kilometres north of the border.",
    "Invoices above 5,000 euros need two signatures.",
    "The album was recorded in three weeks and released in March 1978.",
    "To restart the service, stop the workers first and wait until the queue is empty.",
    "He scored twice in the final and retired at the end of the season.",
    "The museum shows tools, maps and the papers of a family of printers.",
    "Customers may cancel within fourteen days of delivery.",
    "The species lives in damp forests and feeds on beetles.",
    "The committee met on 4 May and put off the decision about the roof.",
    "The film tells of two brothers who inherit a hotel by the sea.",
    "Each sample is heated to 80 degrees and weighed again after an hour.",
    "The company was founded by two engineers in a garage and sold nine years later.",
    "Version 3.2 fixes a leak of memory in the parser.",
    "The bridge was built between 1894 and 1901 by the railway.",
    "Please send the keys back to reception before you leave.",
    "The treaty ended the war and moved the border to the east.",
    "Children under six travel free of charge.",
    "The novel won a prize and was translated into thirty languages.",
    "The report recommends fewer meetings and one list of open questions.",
    "The patient was given 20 milligrams twice a day and recovered.",
    "The school has 600 pupils and a garden of its own.",
    "The tower is 96 metres high and can be seen from the coast.",
    "The party lost eleven seats, and its leader resigned the next day.",
    "Backups are kept for thirty days in another building.",
    "The airline flew to nine cities until it was bought by a rival.",
    "The theorem says that every such graph has a colouring with four colours.",
    "The team is led by Anna Berg, who joined from the sales department.",
    "The king was succeeded by his nephew, as he had no children.",
    "The order was shipped on Tuesday and arrived with one box missing.",
)
QUERIES = (
    "Who founded the company that built the bridge?",
    "When was the album released?",
    "How do I restart the service?",
    "In which country is the river?",
    "What is the notice period for a contract?",
    "Who was the mother of the king?",
    "Which of the two films is older?",
    "How many pupils does the school have?",
    "Where did the author of the novel study?",
    "What caused the failure of the pump?",
    "Which team is responsible for backups?",
    "Are both musicians from the same city?",
    "What did the committee decide about the roof?",
    "Who plays the lead in the film about the hotel?",
    "How long are samples heated?",
    "Why was the order delayed?",
)


class Centred:
    """Implements Embedder: another one, with what its vectors have in common taken from them.

    Queries and documents have a centre each, since models tell them apart by a prefix. It is found when it is first needed, so
    that opening waits for no server.

    Args:
        scale: of its cosines, see Embedder.scale.
    """

    def __init__(self, embedder: Embedder, *, scale: float) -> None:
        self._embedder = embedder
        self._scale = scale
        self._centres: dict[Kind, NDArray[np.float32]] = {}

    @property
    def fingerprint(self) -> str:
        """As Embedder.fingerprint."""
        return f"{self._embedder.fingerprint}/centred:{VERSION}"

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._embedder.dimension

    @property
    def scale(self) -> float:
        """As Embedder.scale."""
        return self._scale

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """As Embedder.embed."""
        if not texts:
            return await self._embedder.embed(texts, kind)
        centre = await self._centre(kind)
        return _unit(await self._embedder.embed(texts, kind) - centre)

    async def aclose(self) -> None:
        """As Embedder.aclose."""
        await self._embedder.aclose()

    async def _centre(self, kind: Kind) -> NDArray[np.float32]:
        if kind not in self._centres:
            common = await self._embedder.embed(QUERIES if kind == "query" else DOCUMENTS, kind)
            self._centres[kind] = common.mean(axis=0)
        return self._centres[kind]


class CentredEncoder(Centred):
    """Implements Embedder and PassageEncoder: a model on this machine that embeds sentences, too, in the pass of their passage."""

    def __init__(self, encoder: LocalEncoder, *, scale: float) -> None:
        super().__init__(encoder, scale=scale)
        self._encoder = encoder

    async def encode(self, passages: Sequence[Passage]) -> list[ChunkVectors]:
        """As PassageEncoder.encode."""
        centre = await self._centre("document")
        encoded: list[ChunkVectors] = []
        for of in await self._encoder.encode(passages):
            # Sentences are rounded: against the passage as they are, one without tokens, which has its vector, keeps that.
            apart = of.sentences.astype(np.float32) - of.chunk.astype(np.float16).astype(np.float32)
            rows = _unit(of.chunk - centre + np.vstack([np.zeros_like(of.chunk), APART * apart]))
            encoded.append(ChunkVectors(rows[0], rows[1:].astype(np.float16)))
        return encoded


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
