"""`graphrag search`: ranked passages from one tool."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from agent.citing import labels
from agent.search import search as agent_search
from api.cli.answers import place
from api.cli.options import (
    MAX_RESULTS,
    AccessOption,
    FilterOption,
    JsonOption,
    TenantOption,
    filter_of,
    require_store,
    scope_of,
)
from api.cli.output import print_json, say, shortened, waiting
from api.views import passage_out
from graphrag.analysis import normalise, terms
from graphrag.bootstrap import open_knowledge_base
from graphrag.filters import Filter
from graphrag.retrieval.question import check_question
from graphrag.settings import Settings, load_settings
from graphrag.types import Chunk, Hit, Scope, Tool

SHOWN_TEXT = 240


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for, in quotes.")],
    tool: Annotated[Tool, typer.Option("--tool", help="Which search.")] = "hybrid",
    k: Annotated[
        int, typer.Option("-k", "--top-k", metavar="N", min=1, max=MAX_RESULTS, help="How many passages.")
    ] = 10,
    tenant: TenantOption = "default",
    access: AccessOption = "*",
    filter: FilterOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the passages that one search finds, best first."""
    query = check_question(query)
    scope = scope_of(tenant, access)
    settings = load_settings()
    wanted = filter_of(filter, settings.filter_fields)
    require_store(settings)
    with waiting("Searching", silent=as_json):
        found = asyncio.run(run_search(settings, scope, query, tool, k, wanted))
    if as_json:
        hits = [
            {"rank": rank, "score": hit.score, **passage_out(chunk).model_dump()}
            for rank, (hit, chunk) in enumerate(found, start=1)
        ]
        print_json({"query": query, "tool": tool, "hits": hits})
    elif not found:
        say("Nothing found.")
    else:
        _print_hits(query, found)


async def run_search(
    settings: Settings, scope: Scope, query: str, tool: Tool, k: int, filter: Filter | None
) -> list[tuple[Hit, Chunk]]:
    """The k best passages of the configured knowledge base, best first."""
    async with open_knowledge_base(settings) as kb:
        hits = await agent_search(kb, scope, query, tool, k, filter)
        chunks = {chunk.id: chunk for chunk in await kb.store.chunks(scope, [hit.chunk_id for hit in hits], filter)}
        return [(hit, chunks[hit.chunk_id]) for hit in hits if hit.chunk_id in chunks]


def _print_hits(query: str, found: Sequence[tuple[Hit, Chunk]]) -> None:
    wanted = frozenset(terms(query))
    for rank, (hit, chunk) in enumerate(found, start=1):
        say(f"{rank:>2}. {hit.score:.3f}  {place(chunk.source, chunk.title, chunk.heading, chunk.page)}", hang=4)
        say(_snippet(chunk, wanted), "dim", indent=4)


def _snippet(chunk: Chunk, wanted: frozenset[str]) -> str:
    """The sentence with most of the wanted terms, the first one of equals; a heading, which is shown already, only if alone."""
    texts = [chunk.between(*span) for span in chunk.spans]
    empty = labels(chunk)
    texts = [text for text in texts if normalise(text) not in empty] or texts
    best = max(texts, key=lambda text: len(wanted.intersection(terms(text))))
    return shortened(" ".join(best.split()), SHOWN_TEXT)
