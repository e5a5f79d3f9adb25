"""The tools of the agent. Each is a pydantic model: its docstring is the description a planner reads, its fields are the
arguments, `run` does the work on the run's ledger. All are read-only and within the ledger's Scope.
"""

import numpy as np
from pydantic import Field

from agent.model_tools import DecomposedSearch, HypotheticalSearch, RewrittenSearch
from agent.tool import MAX_K, Call, Means, Refused, Tool, ToolError
from graphrag.analysis import normalise
from graphrag.extraction.resolution import blocking_keys
from graphrag.retrieval.graph import MENTIONS_OF_NAMED, expand, graph_search
from graphrag.retrieval.keyword import keyword_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.vector import embed_query, unexplained, vector_search


class VectorSearch(Call):
    """Find passages whose meaning is nearest to a query. With `unexplained_by`, search for what those passages leave open."""

    query: str = Field(min_length=1, max_length=4_000)
    k: int = Field(default=40, ge=1, le=MAX_K)
    unexplained_by: tuple[str, ...] = Field(
        default=(), max_length=8, description="chunk ids whose content is taken out of the query"
    )

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run."""
        question = ledger.question
        vector = question.vector if self.query == question.text else await embed_query(means.embedder, self.query)
        if not self.unexplained_by:
            hits = await vector_search(ledger.store, ledger.scope, vector, self.k, ledger.filter)
            return [hit.chunk_id for hit in hits]
        known = [ledger.candidates[id_].vector for id_ in self.unexplained_by if id_ in ledger.candidates]
        if not known:
            raise ToolError("unexplained_by names no passage that was found before; search first")
        if not vector.any():  # the embedder is away
            return []
        left = unexplained(vector, np.stack(known))
        lists = await ledger.store.nearest_chunks(ledger.scope, left, self.k, ledger.filter)
        return list(dict.fromkeys(hit.chunk_id for hits in lists for hit in hits))


class KeywordSearch(Call):
    """Find passages by their words (BM25): names, identifiers, exact terms."""

    query: str = Field(min_length=1, max_length=4_000)
    k: int = Field(default=40, ge=1, le=MAX_K)

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run."""
        question = ledger.question
        known = question.statistics if self.query == question.text else None
        hits = await keyword_search(ledger.store, ledger.scope, self.query, self.k, ledger.filter, known)
        return [hit.chunk_id for hit in hits]


class GraphSearch(Call):
    """Answer in one go: search by meaning and by words, follow the graph once, and score chains of passages."""

    k: int = Field(default=20, ge=1, le=MAX_K)

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run."""
        return [hit.chunk_id for hit in await graph_search(ledger, self.k)]


class GraphExpand(Call):
    """Follow the graph: from passages to those that share an entity with them or are about something that they name, and
    from entities to the passages that mention them.
    """

    chunk_ids: tuple[str, ...] = Field(default=(), max_length=40)
    entities: tuple[str, ...] = Field(default=(), max_length=20, description="entity names or keys")
    k: int = Field(default=80, ge=1, le=200)

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run."""
        if not self.chunk_ids and not self.entities:
            raise ToolError("give chunk_ids or entities to start from")
        ids = await self._entity_ids(ledger)
        if self.chunk_ids:
            return await expand(ledger, self.chunk_ids, self.k, ids)
        found = await ledger.store.chunks_mentioning(ledger.scope, ids, MENTIONS_OF_NAMED, ledger.filter, rare=True)
        return [id_ for item in found for id_ in item.chunk_ids]

    async def _entity_ids(self, ledger: Ledger) -> list[str]:
        known = {entity.key: entity.id for entity in ledger.question.entities}
        keys = [key for name in self.entities if (key := normalise(name))]
        ids = [known[key] for key in keys if key in known]
        if len(ids) < len(keys):
            blocks = [block for key in keys if key not in known for block in blocking_keys(key)]
            ids += [entity.id for entity in await ledger.store.find_entities(ledger.scope, blocks=blocks, limit=20)]
        return ids


class ReadChunk(Call):
    """Read on around a passage: the passages before and after it in the same document."""

    chunk_id: str = Field(min_length=1, max_length=64)

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run."""
        candidate = ledger.candidates.get(self.chunk_id)
        if candidate is None:
            raise ToolError(f"passage {self.chunk_id} was not found before; search first")
        order = await ledger.store.chunk_ids(ledger.scope, candidate.chunk.document_id)
        position = order.index(self.chunk_id) if self.chunk_id in order else 0
        return order[max(0, position - 1) : position + 2]


TOOLS: dict[str, type[Tool]] = {
    "vector_search": VectorSearch,
    "keyword_search": KeywordSearch,
    "graph_search": GraphSearch,
    "graph_expand": GraphExpand,
    "read_chunk": ReadChunk,
    "hypothetical_search": HypotheticalSearch,
    "rewritten_search": RewrittenSearch,
    "decomposed_search": DecomposedSearch,
}
"""Every tool by the name that traces show."""

MODEL_TOOLS = frozenset({"hypothetical_search", "rewritten_search", "decomposed_search"})
"""Those that need a language model."""

GRAPH_TOOLS = frozenset({"graph_search", "graph_expand"})


def name_of(call: Tool) -> str:
    """The name under which a call's tool is registered."""
    if isinstance(call, Refused):
        return call.tool
    return next(name for name, kind in TOOLS.items() if isinstance(call, kind))
