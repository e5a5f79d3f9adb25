"""Tools that let the language model find other words for what is looked for. What it writes is only searched with; nothing
of it becomes evidence.
"""

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel, Field

from agent.tool import MAX_K, Call, Means, ToolError
from graphrag.llm.chat_types import Message
from graphrag.retrieval.fusion import fuse
from graphrag.retrieval.keyword import keyword_search
from graphrag.retrieval.ledger import Ledger
from graphrag.retrieval.vector import embed_query, vector_search

QUERIES = 3
"""Queries into which a question is rewritten, or questions into which it is broken up."""
PASSAGE_TOKENS = 200
QUERY_TOKENS = 300


class Queries(BaseModel):
    """What the model is asked for."""

    queries: list[str] = Field(max_length=8)


class HypotheticalSearch(Call):
    """Find passages that resemble an imagined answer (HyDE): for questions whose words do not occur in the answer."""

    query: str = Field(min_length=1, max_length=4_000)
    k: int = Field(default=20, ge=1, le=MAX_K)

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run. After Gao and others, "Precise Zero-Shot Dense Retrieval without Relevance Labels" (2022)."""
        if means.llm is None:
            raise ToolError("this needs a language model, and none is configured")
        said = [Message("system", means.llm.prompts.get("hypothetical")), Message("user", self.query)]
        passage = (await means.llm.chat.complete(said, max_tokens=means.llm.room_for(PASSAGE_TOKENS))).text
        if not passage:
            raise ToolError("the model imagined no passage; search with other words instead")
        vector = await embed_query(means.embedder, passage)
        hits = await vector_search(ledger.store, ledger.scope, vector, self.k, ledger.filter)
        return [hit.chunk_id for hit in hits]


class RewrittenSearch(Call):
    """Search with several rewritings of a query at once: other names and terms for the same things."""

    query: str = Field(min_length=1, max_length=4_000)
    k: int = Field(default=20, ge=1, le=MAX_K)

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run."""
        return await _search_all(ledger, means, await _queries(means, "rewrite", self.query), self.k)


class DecomposedSearch(Call):
    """Break a question up into simpler ones and search for each of them."""

    query: str = Field(min_length=1, max_length=4_000)
    k: int = Field(default=20, ge=1, le=MAX_K)

    async def run(self, ledger: Ledger, means: Means) -> list[str]:
        """See Tool.run."""
        return await _search_all(ledger, means, await _queries(means, "decompose", self.query), self.k)


async def _queries(means: Means, prompt: str, query: str) -> list[str]:
    if means.llm is None:
        raise ToolError("this needs a language model, and none is configured")
    said = [Message("system", means.llm.prompts.get(prompt, count=QUERIES)), Message("user", query)]
    found = await means.llm.chat.structured(said, Queries, max_tokens=means.llm.room_for(QUERY_TOKENS))
    queries = list(dict.fromkeys(text.strip()[:1000] for text in found.queries if text.strip()))[:QUERIES]
    if not queries:
        raise ToolError("the model wrote no query; search with words of your own")
    return queries


async def _search_all(ledger: Ledger, means: Means, queries: Sequence[str], k: int) -> list[str]:
    """The best of each query in turn, by meaning and words, up to k."""
    vectors = await means.embedder.embed(list(queries), "query")

    async def search(number: int, query: str) -> list[str]:
        near, matching = await asyncio.gather(
            vector_search(ledger.store, ledger.scope, vectors[number], k, ledger.filter),
            keyword_search(ledger.store, ledger.scope, query, k, ledger.filter),
        )
        return [hit.chunk_id for hit in fuse(near, matching, k, means.embedder.scale)]

    lists = await asyncio.gather(*(search(number, query) for number, query in enumerate(queries)))
    turns = [found[rank] for rank in range(k) for found in lists if rank < len(found)]
    return list(dict.fromkeys(turns))[:k]
